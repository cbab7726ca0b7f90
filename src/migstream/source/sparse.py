"""A file written from front to back: small pieces are gathered and written by a second thread, holes left.

The caller finds the next pieces while those before them are on their way; no more than some
windows of them wait at any time. Large ones are written at once, while the processor still has them near:
the caller fills the same buffer again, and the second thread only sees that the disk begins.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self

from migstream.source.kernel_copy import copy_range
from migstream.source.output import begin_sync, write_at

__all__ = ["SparseWriter"]

WINDOW = 4 << 20
AHEAD = 4
GRAIN = 64 << 10  # shorter runs of zeros are written: holes of that size cost more than they save
PIECES = os.sysconf("SC_IOV_MAX")

Piece = memoryview | bytes


class SparseWriter:
    """Writes an empty file of which `fd` is open for writing; use it as a context.

    `at` is the offset of the next byte, `written` the number of bytes that were written, which
    holes are not. Pieces are kept until they are written: they must not change.
    """

    def __init__(self, fd: int) -> None:
        self.at = 0
        self.written = 0
        self._fd = fd
        self._batch: list[tuple[int, list[Piece]]] = []
        self._pieces: list[Piece] = []
        self._count = self._size = 0
        self._begun = self._behind = (
            0  # bytes that were written at once since the disk was told: from where, how many
        )
        self._pool = ThreadPoolExecutor(1)
        self._pending: deque[Future[int]] = deque()
        self._named = os.fstat(fd).st_nlink > 0  # what has no name is not for the disk

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._pool.shutdown(cancel_futures=kind is not None)

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

    def write(self, piece: Piece) -> None:
        """Append what is large, at once: it may change afterwards."""
        self._pieces = []
        if not self._behind:
            self._begun = self.at
        self.written += write_at(self._fd, [piece], self.at)
        self.at += len(piece)
        self._behind += len(piece)
        if self._behind >= WINDOW:
            self._tell_disk(self._begun, self.at)

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
            self._begin_sync(begun, begun + more)
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
        self._flush()
        self._tell_disk(self._begun, self._begun + self._behind)
        while self._pending:
            self.written += self._pending.popleft().result()
        os.ftruncate(self._fd, self.at)

    def _flush(self) -> None:
        self._later(self._write, self._batch)
        self._batch, self._pieces = [], []
        self._count = self._size = 0

    def _tell_disk(self, start: int, stop: int) -> None:
        """Let the second thread tell the disk of what was written at once: that may wait for it."""
        self._later(self._begin_sync, start, stop)
        self._behind = 0

    def _later(self, work: Callable[..., int], *about: object) -> None:
        """Have the second thread do it, which says how many bytes it wrote."""
        if len(self._pending) == AHEAD:
            self.written += self._pending.popleft().result()
        self._pending.append(self._pool.submit(work, *about))

    def _write(self, batch: list[tuple[int, list[Piece]]]) -> int:
        written = 0
        stop = start = batch[0][0] if batch else 0
        for at, pieces in batch:
            stop = at + write_at(self._fd, pieces, at)
            written += stop - at
        self._begin_sync(start, stop)
        return written

    def _begin_sync(self, start: int, stop: int) -> int:
        if self._named and start < stop:
            begin_sync(self._fd, start, stop)
        return 0
