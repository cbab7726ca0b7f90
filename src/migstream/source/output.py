"""Files and folders that are there whole or not at all.

Both are written beside their place under a name of their own, and take it when they are complete
and on the disk; whatever goes wrong, nothing is left behind. One rule for all that is written:

- What is there already stays, unless it may be replaced. Only a plain file is ever replaced by a
  file, and only a folder that was made here by a folder; what else lies in such a folder stays.
- Links are not followed: a symbolic link is refused, and so is a file with several names, of which
  only one would change.
- What is new may be read and written by its owner only: it holds memory and state of a guest. What
  takes another's place has its owner, group, mode and access list.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import msgspec

from migstream.errors import SourceError
from migstream.source.address import public, scheme_of
from migstream.source.leftovers import leftover

__all__ = ["MANIFEST", "begin_sync", "listed", "new_file", "new_folder", "write_at"]

MANIFEST = "blocks.json"
MOST_MANIFEST = 64 << 20
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
ACCESS_LIST = "system.posix_acl_access"
OWNER, GROUP = 0o600, 0o070
READABLE = 60  # characters of a name that its unfinished file is called after

Holds = Callable[[Path], Collection[str]]


# --- what is there already -------------------------------------------------------------------------


def _failed(path: Path, error: OSError) -> SourceError:
    hint = "nothing was left behind"
    if error.errno in FULL:
        hint = "give it more room, or another folder; nothing was left behind"
    return SourceError(f"{path}: {(error.strerror or str(error)).lower()}", hint=hint)


def _taken(path: Path) -> SourceError:
    return SourceError(f"{path} is there already", hint="--force replaces it")


def _local(path: str | os.PathLike[str]) -> Path:
    """Where a path leads; refuses an address, which would be a folder of that odd name."""
    name = os.fspath(path)
    target = Path(name)
    if scheme_of(name) and not Path(target.parts[0]).exists():
        raise SourceError(
            f"{public(name)}: nothing is written to an address",
            hint="write a file, then copy it there",
        )
    return target


def _there(target: Path, dir_fd: int | None = None) -> os.stat_result | None:
    """What stands in the place, if anything; a symbolic link is refused."""
    try:
        found = os.stat(target, dir_fd=dir_fd, follow_symlinks=False)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _failed(target, error) from None
    if stat.S_ISLNK(found.st_mode):
        to = os.readlink(target, dir_fd=dir_fd)
        raise SourceError(
            f"{target} is a symbolic link to {to}, which is not followed",
            hint="name the file itself",
        )
    return found


def _old_file(target: Path, *, replace: bool, dir_fd: int | None) -> os.stat_result | None:
    """The file that is to be replaced, None where there is none."""
    found = _there(target, dir_fd)
    if found is None:
        return None
    if stat.S_ISDIR(found.st_mode):
        raise SourceError(f"{target} is a folder", hint="give the file a name")
    if not stat.S_ISREG(found.st_mode):
        raise SourceError(f"{target} is not a plain file", hint="no other is ever replaced")
    if not replace:
        raise _taken(target)
    if found.st_nlink > 1:
        raise SourceError(
            f"{target} has {found.st_nlink} names (hard links), of which only this one would change",
            hint="write to another file (-o), or remove this name first",
        )
    return found


def _like(fd: int, path: Path, old: os.stat_result, dir_fd: int | None = None) -> None:
    """Give an open file the owner, group, mode and access list of what it replaces.

    Where that group cannot be kept, the new one gets none of its rights.
    """
    mode, now = stat.S_IMODE(old.st_mode) & 0o777, os.fstat(fd)
    if old.st_uid != now.st_uid:
        with suppress(PermissionError):
            os.fchown(fd, old.st_uid, -1)
    if old.st_gid != now.st_gid:
        try:
            os.fchown(fd, -1, old.st_gid)
        except PermissionError:
            mode &= ~GROUP
    listed = _access_list(path, dir_fd)
    if listed is not None:
        try:
            os.setxattr(fd, ACCESS_LIST, listed)
        except OSError:
            mode &= ~GROUP  # with a list these are its mask, which says nothing of the group
    os.fchmod(fd, mode)


def _access_list(path: Path, dir_fd: int | None) -> bytes | None:
    try:
        fd = os.open(path, READ, dir_fd=dir_fd)
    except OSError:
        return None
    try:
        return os.getxattr(fd, ACCESS_LIST)
    except OSError:
        return None
    finally:
        os.close(fd)


# --- a file ----------------------------------------------------------------------------------------


def _beside(target: Path, suffix: str) -> Path:
    return target.with_name(f".{target.name[:READABLE]}.{os.urandom(4).hex()}.{suffix}")


def _unlink(path: Path, dir_fd: int | None = None) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path, dir_fd=dir_fd)


def _sync(path: Path, dir_fd: int | None = None) -> None:
    """See that the names in a folder are on the disk; not every file system can say."""
    with suppress(OSError):
        fd = os.open(path, READ | os.O_DIRECTORY, dir_fd=dir_fd)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


@contextmanager
def _failures(target: Path) -> Iterator[None]:
    """The system's errors as ours."""
    try:
        yield
    except SourceError:
        raise
    except OSError as error:
        raise _failed(target, error) from None


@contextmanager
def new_file(
    path: str | os.PathLike[str], *, replace: bool = False, dir_fd: int | None = None
) -> Iterator[int]:
    """A file descriptor to write a new file through.

    Parameters
    ----------
    replace : whether a plain file that is there may be replaced
    dir_fd : an open folder that `path` is relative to

    Raises
    ------
    SourceError : something is there already, or it cannot be written
    """
    target = _local(path)
    old = _old_file(target, replace=replace, dir_fd=dir_fd)
    part = _beside(target, "part")
    with _failures(target), leftover(lambda: _unlink(part, dir_fd), output=str(target)):
        fd = os.open(part, CREATE, OWNER, dir_fd=dir_fd)
        try:
            yield fd
            if old is not None:
                _like(fd, target, old, dir_fd)
            os.fsync(fd)
            if replace:
                os.replace(part, target, src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
            else:
                _name(part, target, dir_fd)
        finally:
            os.close(fd)
        _sync(target.parent, dir_fd)


def _name(part: Path, target: Path, dir_fd: int | None) -> None:
    """Give a file its name; unlike a rename, a link never takes another's place."""
    try:
        os.link(part, target, src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
    except FileExistsError:
        raise _taken(target) from None


# --- a folder --------------------------------------------------------------------------------------


class _Row(msgspec.Struct):
    """A row of MANIFEST; what else is in it does not matter here."""

    file: str


def listed(folder: Path) -> Collection[str]:
    """The files of a folder in which MANIFEST has a row for each other one."""
    try:
        with (folder / MANIFEST).open("rb") as file:
            rows = msgspec.json.decode(file.read(MOST_MANIFEST), type=list[_Row])
    except (OSError, msgspec.MsgspecError):
        return ()
    return {MANIFEST, *(row.file for row in rows)}


@contextmanager
def new_folder(
    path: str | os.PathLike[str], *, replace: bool = False, holds: Holds = listed
) -> Iterator[Path]:
    """A folder to fill with files, which then takes its place.

    Parameters
    ----------
    replace : whether a folder of this kind may be replaced; other files in it stay
    holds : the names of the files that a folder of this kind is made of, given one that is there;
        none where it is of another kind

    Raises
    ------
    SourceError : something else is there already, or it cannot be written
    """
    import shutil

    target = _local(path)
    old = _there(target)
    part = _beside(target, "part")
    with (
        _failures(target),
        leftover(lambda: shutil.rmtree(part, ignore_errors=True), output=str(target)),
    ):
        ours = frozenset() if old is None else _ours(target, holds, replace=replace)
        part.mkdir(mode=0o700)
        yield part
        _finish(part, target, old, ours)
        if old is None or not _names(target):
            part.rename(target)
        else:
            _swap(part, target, ours)
        _sync(target.parent)


def _ours(target: Path, holds: Holds, *, replace: bool) -> frozenset[str]:
    """Plain files in a folder that is there, of which it was made here."""
    if not target.is_dir():
        raise SourceError(f"{target} is not a folder", hint="give the folder a name")
    there = _names(target)
    known = frozenset(holds(target)) if there else frozenset()
    if there and not known:
        raise SourceError(
            f"{target} is there already, and holds something else", hint="choose another folder"
        )
    if there and not replace:
        raise _taken(target)
    return frozenset(
        name for name in known.intersection(there) if stat.S_ISREG((target / name).lstat().st_mode)
    )


def _finish(part: Path, target: Path, old: os.stat_result | None, ours: frozenset[str]) -> None:
    """See that all is on the disk, with the modes of what it replaces."""
    for name in _names(part):
        fd = os.open(part / name, READ)
        try:
            if name in ours:
                _like(fd, target / name, (target / name).lstat())
            else:
                os.fchmod(fd, os.fstat(fd).st_mode & OWNER)
            os.fsync(fd)
        finally:
            os.close(fd)
    if old is None:
        part.chmod(0o777 & ~_umask())  # as open as any other folder: what is in it is not
    else:
        fd = os.open(part, READ | os.O_DIRECTORY)
        try:
            _like(fd, target, old)
        finally:
            os.close(fd)
    _sync(part)


def _names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _swap(part: Path, target: Path, ours: frozenset[str]) -> None:
    """Put the new folder into the old one's place, and only then take the old one away."""
    foreign = _names(target) - ours
    for name in sorted(foreign & _names(part)):
        raise SourceError(
            f"{target / name} was not made here, and would be replaced",
            hint="move it away, or choose another folder",
        )
    old = _beside(target, "old")

    def settle() -> None:
        """The old one back where the new one did not come; else what is foreign in it, into that."""
        if not os.path.lexists(target):
            with suppress(FileNotFoundError):
                old.rename(target)
        elif os.path.lexists(old):
            for name in _names(old):
                if name in ours:
                    _unlink(old / name)
                else:
                    (old / name).rename(target / name)
            old.rmdir()

    with leftover(settle):
        target.rename(old)
        part.rename(target)


# --- bytes -----------------------------------------------------------------------------------------


SYNC_FILE_RANGE_WRITE = 2
MUCH = 1 << 20  # bytes: of less nobody waits for the disk, and finding the call takes longer


@cache
def _sync_file_range() -> Callable[[int, int, int, int], int] | None:
    """The system call of that name, which Python does not have; None where the system has none."""
    try:
        import ctypes

        call = ctypes.CDLL(None).sync_file_range
    except (AttributeError, ImportError, OSError):
        return None
    call.argtypes = ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint
    return call


def begin_sync(fd: int, start: int, stop: int) -> None:
    """Have what was written to [start, stop) go to the disk while more is written: `fsync` waits less in the end.

    It stays in memory, for it is read again to be verified: POSIX_FADV_DONTNEED, which begins to write as well, drops what
    the disk has by then (mm/fadvise.c: generic_fadvise). Elsewhere than on Linux nothing happens.
    """
    call = _sync_file_range() if stop - start >= MUCH else None
    if call is not None:
        call(fd, start, stop - start, SYNC_FILE_RANGE_WRITE)  # a hint: fsync says what fails


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
