"""A file written from front to back: small pieces are gathered and written by a second thread, holes left.

The caller finds the next pieces while those before them are on their way; no more than some
windows of them wait at any time. A third thread sees that the disk begins: that may wait for it.
"""

from __future__ import annotations

import mmap
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Self

from migstream.source.kernel_copy import copy_range
from migstream.source.output import begin_sync, write_at
from migstream.source.second import Second

__all__ = ["SparseWriter"]

WINDOW = 2 << 20
# Bytes that are written at once. For more, the kernel looks for larger pages of its own, which takes longer than to copy.
PART = 1 << 20
TOLD = 4 << 20  # bytes of which the disk is told at once
PAGE = 4096
AHEAD = 4
WAITING = (
    (AHEAD + 2) * WINDOW
)  # bytes of small pieces that were put and may not be written yet: gathered, or on their way
MOST_TOLD = 1 << 10  # times that the disk is told and has not begun
GRAIN = 64 << 10  # shorter runs of zeros are written: holes of that size cost more than they save
PIECES = os.sysconf("SC_IOV_MAX")

Piece = memoryview | bytes


class SparseWriter:
    """Writes a file of which `fd` is open for writing, from `at` on, where there is nothing yet; use it as a context.

    `at` is the offset of the next byte, `written` the number of bytes that were written, which
    holes are not. Pieces are kept until they are written: they must not change, but for those of a buffer
    that `lend` gave.
    """

    def __init__(self, fd: int, at: int = 0) -> None:
        self.at = at
        self.written = 0
        self._fd = fd
        self._batch: list[tuple[int, list[Piece]]] = []
        self._pieces: list[Piece] = []
        self._count = self._size = 0
        self._lent: deque[memoryview] = deque(maxlen=AHEAD + 1)
        # Of this one parts are lent, the first `_used` bytes so far.
        self._buffer = memoryview(bytearray())
        self._used = 0
        self._second = Second(AHEAD)
        self._disk = _Disk(fd)
        self._told = at  # up to where the disk was told of what was written

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._second.leave()
        self._disk.end()

    def lend(self, size: int) -> memoryview:
        """A buffer of that size for pieces to come, which may change when the next is lent; what is in it is anything.

        It lies to a page of memory as the next byte does to one of the file: the kernel copies three times as fast then.
        """
        start = self._used + (self.at - self._used) % PAGE
        if start + size > len(self._buffer):
            self._flush()  # of those that are on their way none is older than AHEAD
            start = self.at % PAGE
            buffer = self._lent.popleft() if len(self._lent) > AHEAD else self._buffer[:0]
            if len(buffer) < start + size:
                buffer = memoryview(mmap.mmap(-1, max(start + size, WINDOW)))
            self._lent.append(buffer)
            self._buffer = buffer
        self._used = start + size
        return self._buffer[start : self._used]

    def put(self, pieces: Iterable[Piece]) -> None:
        """Append pieces, each of at most some MiB."""
        for piece in pieces:
            if not self._pieces:
                self._batch.append((self.at, self._pieces))
            self._pieces.append(piece)
            self._count += 1
            self._size += len(piece)
            self.at += len(piece)
            if self._size >= WINDOW or self._count == PIECES:
                self._flush()

    def copy(self, view: memoryview) -> None:
        """Append what may be large; its zeros become holes."""
        for start in range(0, len(view), GRAIN):
            piece = view[start : start + GRAIN]
            if len(piece) == GRAIN and not piece[0] and not piece.tobytes().strip(b"\0"):
                self.hole(GRAIN)
            else:
                self.put((piece,))

    def share(self, fd: int, at: int, size: int, tell: Callable[[int], object]) -> int:
        """Append bytes of a file as they lie there, its holes too; how many of them, from the first one on, it did."""
        self._pieces = []
        begun = self.at

        def told(more: int) -> None:
            nonlocal begun
            self._disk.begin(begun, begun + more)
            begun += more
            tell(more)

        done, data = copy_range(fd, at, self._fd, self.at, size, told)
        self.at += done
        self.written += data
        return done

    def hole(self, size: int) -> None:
        """Append zeros without writing them."""
        self._pieces = []
        self.at += size

    def patch(self, at: int, data: bytes) -> None:
        """Write to a hole that was left."""
        self.written += write_at(self._fd, [data], at)

    def finish(self) -> None:
        """Write what is left, and give the file its size."""
        if self._batch:
            self._flush()
        self.written += self._second.wait()
        os.ftruncate(self._fd, self.at)

    def _flush(self) -> None:
        self._second.later(self._write, self._batch)
        self._batch, self._pieces = [], []
        self._count = self._size = 0

    def _write(self, batch: list[tuple[int, list[Piece]]]) -> int:
        written = 0
        for at, pieces in batch:
            for part in _parts(pieces):
                at += write_at(self._fd, part, at)
            written += sum(map(len, pieces))
            if at - self._told >= TOLD:
                self._disk.begin(self._told, at)
                self._told = at
        return written


def _parts(pieces: list[Piece]) -> Iterator[list[Piece]]:
    """The same bytes, no more than PART at once."""
    part: list[Piece] = []
    left = PART
    for piece in pieces:
        start = 0
        while len(piece) - start > left:
            yield [*part, piece[start : start + left]]
            start += left
            part, left = [], PART
        part.append(piece[start:] if start else piece)
        left -= len(piece) - start
    if part:
        yield part


class _Disk:
    """Has the disk begin with what was written, in a thread of its own, which may wait for it; nobody waits for the thread.

    Parameters
    ----------
    fd : the file, which may be closed before the thread has ended
    """

    def __init__(self, fd: int) -> None:
        self._file = fd
        self._named = os.fstat(fd).st_nlink > 0  # what has no name is not for the disk
        self._fd = -1  # the thread's own, where it has begun
        self._second = Second(MOST_TOLD)

    def begin(self, start: int, stop: int) -> None:
        """Have it begin with bytes [start, stop)."""
        if self._named:
            if self._fd < 0:
                self._fd = os.dup(self._file)
            self._second.later(self._begin, start, stop)

    def end(self) -> None:
        """No more comes."""
        if self._fd >= 0:
            self._second.later(self._close)
        self._second.end()

    def _begin(self, start: int, stop: int) -> int:
        begin_sync(self._fd, start, stop)
        return 0

    def _close(self) -> int:
        os.close(self._fd)
        return 0
