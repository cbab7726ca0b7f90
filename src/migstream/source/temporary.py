"""Temporary files and folders: never the last part of a disk, and gone whatever happens."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from migstream.errors import SourceError
from migstream.names import grouped
from migstream.source.leftovers import leftover

__all__ = ["Temporary", "need_room", "temporary_file", "temporary_folder"]

HINT = "TMPDIR names the folder for temporary files; choose one with room"
PREFIX = "migstream-"
SMALL = 16 << 20  # bytes that are written without asking how much room there is
STEP = 16 << 20  # and how many more before it is asked again
PART, MOST = 16, 1 << 30  # what stays free: this part of the file system, but no more than this


def need_room(size: int, place: int | str | os.PathLike[str] | None = None) -> None:
    """See that a file system has room for `size` more bytes and keeps a part of itself free.

    Parameters
    ----------
    place : an open file or a path on it; the folder for temporary files otherwise

    Raises
    ------
    SourceError : the disk does not have it
    """
    if size <= SMALL:
        return
    place = tempfile.gettempdir() if place is None else place
    about = os.statvfs(place)
    if not about.f_blocks:  # a file system that does not say
        return
    free = about.f_bavail * about.f_frsize
    kept = min(about.f_blocks * about.f_frsize // PART, MOST)
    if size > free - kept:
        raise SourceError(
            f"a temporary file of {grouped(size)} bytes and more would fill the disk:"
            f" {grouped(free)} are free, of which {grouped(kept)} are left alone",
            hint=HINT,
        )


class Temporary:
    """A temporary file that no folder names, written from front to back; use it as a context.

    The system takes it away with the process, however that ends. `size` is its length so far, in
    bytes.

    Parameters
    ----------
    folder : where; the folder for temporary files (TMPDIR) otherwise

    Raises
    ------
    SourceError : it cannot be made or written, or would take the last part of the disk
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        try:
            with tempfile.TemporaryFile(prefix=PREFIX, dir=folder, buffering=0) as file:
                self._fd = os.dup(file.fileno())
        except OSError as error:
            raise _failed(error) from None
        # closed with the object at the latest: what is read again of a pipe lives as long as its stream
        self._closing = weakref.finalize(self, os.close, self._fd)
        self.size = 0
        self._written = 0
        self._asked = SMALL

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, piece: bytes | bytearray | memoryview) -> None:
        """Append bytes."""
        self._need(len(piece))
        view = memoryview(piece)
        try:
            while view:
                done = os.pwrite(self.fileno(), view, self.size)
                self.size += done
                view = view[done:]
        except OSError as error:
            raise _failed(error) from None

    def fill(self, pieces: Iterable[bytes | memoryview]) -> None:
        """Append pieces, each of at most some MiB, written by a second thread while the next are made; zeros become holes."""
        from migstream.source.sparse import WAITING, SparseWriter

        try:
            with SparseWriter(self.fileno(), self.size) as out:
                for piece in pieces:
                    self._need(len(piece), WAITING)
                    room = out.lend(len(piece))
                    room[:] = piece
                    out.copy(room)
                out.finish()
                self.size = out.at
        except SourceError:
            raise
        except OSError as error:
            raise _failed(error) from None

    def _need(self, size: int, waiting: int = 0) -> None:
        """See now and then that there is room for what comes, and for so much that may not be written yet."""
        self._written += size
        if self._written > self._asked:
            need_room(self._written - self._asked + STEP + waiting, self.fileno())
            self._asked = self._written + STEP

    def skip(self, size: int) -> None:
        """Append zeros, as a hole: they take no room."""
        try:
            os.ftruncate(self.fileno(), self.size + size)
        except OSError as error:
            raise _failed(error) from None
        self.size += size

    def fileno(self) -> int:
        """The open file: to read it, at any offset below `size`."""
        return self._fd

    def close(self) -> None:
        """Let go of it; its bytes are gone."""
        self._closing()


def _failed(error: OSError) -> SourceError:
    reason = (error.strerror or str(error)).lower()
    return SourceError(f"a temporary file cannot be written: {reason}", hint=HINT)


@contextmanager
def temporary_folder(place: Path | None = None) -> Iterator[Path]:
    """A folder of our own with a name, for what another process is to open by its path.

    Parameters
    ----------
    place : where; the folder for temporary files (TMPDIR) otherwise

    Raises
    ------
    SourceError : it cannot be made
    """
    try:
        folder = (place or Path(tempfile.gettempdir())) / f"{PREFIX}{os.urandom(8).hex()}"
    except OSError as error:  # no folder at all can be written
        raise _failed(error) from None
    with leftover(lambda: shutil.rmtree(folder, ignore_errors=True)):
        try:
            folder.mkdir(mode=0o700)
        except OSError as error:
            raise _failed(error) from None
        yield folder


@contextmanager
def temporary_file() -> Iterator[tuple[int, Path]]:
    """A file to write, which has a name as long as the block lasts: descriptor and path.

    Raises
    ------
    SourceError : it cannot be made
    """
    with temporary_folder() as folder:
        path = folder / "stream.mig"
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            yield fd, path
        finally:
            os.close(fd)
