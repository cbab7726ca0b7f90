"""A file written from front to back: pieces are gathered and written by a second thread, holes left.

The caller finds the next pieces while those before them are on their way; no more than some
windows of them wait at any time.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self

from migstream.source.kernel_copy import copy_range
from migstream.source.output import write_at

__all__ = ["SparseWriter"]

WINDOW = 4 << 20
AHEAD = 4
GRAIN = 64 << 10  # shorter runs of zeros are written: holes of that size cost more than they save
PIECES = os.sysconf("SC_IOV_MAX")
SYNCED = 128 << 20  # bytes that the kernel copied after which the disk is given work

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
        self._pool = ThreadPoolExecutor(1)
        self._pending: deque[Future[int]] = deque()
        self._disk = _Disk(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._pool.shutdown(cancel_futures=kind is not None)
        self._disk.close()

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

        def told(more: int) -> None:
            self._disk.written(more)
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
        while self._pending:
            self.written += self._pending.popleft().result()
        self._disk.finish()
        os.ftruncate(self._fd, self.at)

    def _flush(self) -> None:
        if len(self._pending) == AHEAD:
            self.written += self._pending.popleft().result()
        self._pending.append(self._pool.submit(_write_all, self._fd, self._batch))
        self._batch, self._pieces = [], []
        self._count = self._size = 0


class _Disk:
    """Puts a file on the disk while more of it is written: whoever waits for all of it in the end waits for less.

    A file without a name is not for the disk.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._due = SYNCED
        self._pool: ThreadPoolExecutor | None = None
        self._running: Future[None] | None = None

    def written(self, size: int) -> None:
        """So many bytes more were written."""
        self._due -= size
        running = self._running
        if self._due > 0 or not (running is None or (running.done() and not running.exception())):
            return
        if not os.fstat(self._fd).st_nlink:
            return
        self._due = SYNCED
        self._pool = self._pool or ThreadPoolExecutor(1)
        self._running = self._pool.submit(os.fdatasync, self._fd)

    def finish(self) -> None:
        """Raise what went wrong: the system says it once."""
        running, self._running = self._running, None
        if running is not None:
            running.result()

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown()


def _write_all(fd: int, batch: list[tuple[int, list[Piece]]]) -> int:
    return sum(write_at(fd, pieces, at) for at, pieces in batch)
