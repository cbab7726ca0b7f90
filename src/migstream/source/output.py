"""Files and folders that are there whole or not at all.

Both are written beside their place under a name of their own and renamed when they are complete;
whatever goes wrong, nothing is left behind. What is there already stays unless it may be replaced.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from migstream.errors import SourceError

__all__ = ["MANIFEST", "new_file", "new_folder", "write_at"]

MANIFEST = "blocks.json"
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def _failed(path: Path, error: OSError) -> SourceError:
    hint = "nothing was left behind"
    if error.errno in FULL:
        hint = "give it more room, or another folder; nothing was left behind"
    return SourceError(f"{path}: {(error.strerror or str(error)).lower()}", hint=hint)


def _taken(path: Path) -> SourceError:
    return SourceError(f"{path} is there already", hint="--force replaces it")


@contextmanager
def new_file(path: str | os.PathLike[str], *, replace: bool = False) -> Iterator[int]:
    """A file descriptor to write a new file through.

    Parameters
    ----------
    replace : whether a file that is there may be replaced

    Raises
    ------
    SourceError : something is there already, or it cannot be written
    """
    target = Path(path)
    if target.is_dir() or (not replace and os.path.lexists(target)):
        raise _taken(target)
    try:
        fd, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    except OSError as error:
        raise _failed(target, error) from None
    try:
        yield fd
        os.fchmod(fd, 0o666 & ~_umask())
        if replace:
            Path(name).replace(target)
        else:
            os.link(name, target)  # unlike a rename, it never takes another's place
            Path(name).unlink()
    except BaseException as error:
        Path(name).unlink(missing_ok=True)
        if isinstance(error, FileExistsError):
            raise _taken(target) from None
        if isinstance(error, OSError) and not isinstance(error, SourceError):
            raise _failed(target, error) from None
        raise
    finally:
        os.close(fd)


@contextmanager
def new_folder(
    path: str | os.PathLike[str], *, replace: bool = False, marker: str = MANIFEST
) -> Iterator[Path]:
    """A folder to fill, which then takes its place.

    Parameters
    ----------
    replace : whether a folder that was made by this function (it holds `marker`) may be replaced
    marker : the file that the caller puts into every folder of this kind

    Raises
    ------
    SourceError : something else is there already, or it cannot be written
    """
    target = Path(path)
    there = os.path.lexists(target) and not (target.is_dir() and not any(target.iterdir()))
    if there and not (replace and (target / marker).is_file()):
        raise _taken(target)
    try:
        folder = Path(
            tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
        )
    except OSError as error:
        raise _failed(target, error) from None
    try:
        yield folder
        folder.chmod(0o777 & ~_umask())
        if there:
            shutil.rmtree(target)
        folder.rename(target)
    except OSError as error:
        if isinstance(error, SourceError):
            raise
        raise _failed(target, error) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_at(fd: int, pieces: Sequence[memoryview | bytes], at: int) -> int:
    """Write all of it at an offset, however little the system takes at once; how many bytes.

    At most SC_IOV_MAX pieces.
    """
    total = sum(map(len, pieces))
    done = os.pwritev(fd, pieces, at)
    if done < total:
        rest = memoryview(b"".join(pieces))
        while done < total:
            done += os.pwrite(fd, rest[done:], at + done)
    return total


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
