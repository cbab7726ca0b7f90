"""Where the bytes of a stream live: one place to ask for a range of them.

A range of a file is read when it is asked for. Nothing is mapped, so that a file that becomes
shorter meanwhile is an error of ours and not the end of the process. What was kept of a pipe
(device state, never guest memory) is a list of pieces.
"""

from __future__ import annotations

import errno
import os
import sys
from bisect import bisect_right
from contextlib import suppress
from typing import Protocol

from migstream.errors import SourceError

__all__ = [
    "File",
    "Kept",
    "Rest",
    "Slice",
    "Sparing",
    "Store",
    "Until",
    "Whole",
    "file_under",
    "read_into",
]


class Store(Protocol):
    """Bytes by absolute offset. `size` is the source's length in bytes."""

    size: int

    def view(self, start: int, stop: int) -> memoryview:
        """Bytes [start, stop), fewer where the source ends before; it stays as it is for whoever keeps it.

        Ask for as much as is needed, not for all: it is read into memory.

        Raises
        ------
        SourceError : they cannot be read, or were not kept
        """
        ...


class Whole:
    """All bytes at hand: a bytes object, or a map of a file that nobody else can reach."""

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        self._view = memoryview(data).cast("B")
        self.size = len(self._view)

    def view(self, start: int, stop: int) -> memoryview:
        return self._view[start:stop]


SPARED = 4096  # bytes that are given up together: what the kernel reads at once, at least
MOST_LOST = 256
UNREADABLE = {errno.EIO, errno.ENODATA, errno.EREMOTEIO, errno.EILSEQ}  # Linux: block/blk-core.c
BLOCK_BITS = 16
BLOCK = 1 << BLOCK_BITS
BLOCKS = 16


class File:
    """A file or block device, read by ranges; small ones come out of a few blocks that are kept.

    Parameters
    ----------
    fd : open for reading; it stays the caller's
    size : in bytes
    """

    def __init__(self, fd: int, size: int) -> None:
        self.size = size
        self.fd = fd
        self._blocks: dict[int, memoryview] = {}

    def view(self, start: int, stop: int) -> memoryview:
        stop = min(stop, self.size)
        if stop <= start:
            return memoryview(b"")
        number = start >> BLOCK_BITS
        if number != (stop - 1) >> BLOCK_BITS:
            return self._read(start, stop)
        block = self._blocks.get(number)
        if block is None:
            base = number << BLOCK_BITS
            block = self._read(base, min(base + BLOCK, self.size))
            for old in list(self._blocks)[: 1 - BLOCKS]:  # a search asks from two threads
                self._blocks.pop(old, None)
            self._blocks[number] = block
        start &= BLOCK - 1
        return block[start : start + ((stop - 1) & (BLOCK - 1)) + 1 - start]

    def sparing(self) -> Sparing:
        """The same file, of which what cannot be read is passed over."""
        return Sparing(self.fd, self.size)

    def close(self) -> None:
        """Read no more: the descriptor's number may soon be another file's."""
        self.fd = -1
        self._blocks.clear()

    def _read(self, start: int, stop: int) -> memoryview:
        size = stop - start
        try:
            data = os.pread(self.fd, size, start)
            while len(data) < size:  # a signal, or more than 2 GiB
                more = os.pread(self.fd, size - len(data), start + len(data))
                if not more:
                    raise SourceError(
                        f"the file became shorter while it was read: it had {self.size} bytes, and ends at {start + len(data)}",
                        hint="something else writes to it: wait for that to end, or copy it first",
                    )
                data += more
        except SourceError:
            raise
        except OSError as error:
            return self._failed(start, stop, error)
        return memoryview(data)

    def _failed(self, start: int, stop: int, error: OSError) -> memoryview:  # noqa: ARG002 - Sparing's
        raise SourceError(
            f"cannot be read at {start:#x}: {(error.strerror or str(error)).lower()}",
            hint="the storage under it fails, or the file was closed",
        ) from None


class Sparing(File):
    """A file on a device that cannot read some of its sectors: zeros stand for them, and are told.

    More than 256 such places are an error as any of them is in a File.
    """

    def __init__(self, fd: int, size: int) -> None:
        super().__init__(fd, size)
        self._lost: set[int] = set()  # places that were given up, in units of SPARED

    def lost(self, start: int = 0, stop: int = sys.maxsize) -> list[tuple[int, int]]:
        """The bytes [from, to) that could not be read so far, as far as they touch [start, stop)."""
        found: list[tuple[int, int]] = []
        for number in sorted(self._lost):
            at, end = number * SPARED, min((number + 1) * SPARED, self.size)
            if at >= stop or end <= start:
                continue
            if found and found[-1][1] == at:
                at, _ = found.pop()
            found.append((at, end))
        return found

    def _failed(self, start: int, stop: int, error: OSError) -> memoryview:
        """Halves, until what cannot be read is small."""
        if error.errno not in UNREADABLE:
            return super()._failed(start, stop, error)
        first, last = start // SPARED, (stop - 1) // SPARED
        if first < last:
            middle = (first + last + 1) // 2 * SPARED
            return memoryview(b"".join((self._read(start, middle), self._read(middle, stop))))
        if first not in self._lost and len(self._lost) == MOST_LOST:
            return super()._failed(start, stop, error)
        self._lost.add(first)
        return memoryview(bytes(stop - start))


class Slice:
    """A store from `start` on, as if it began there."""

    def __init__(self, inner: Store, start: int) -> None:
        self.inner = inner
        self.start = start
        self.size = max(inner.size - start, 0)

    def view(self, start: int, stop: int) -> memoryview:
        return self.inner.view(start + self.start, min(stop, self.size) + self.start)


def file_under(store: Store, at: int) -> tuple[int, int] | None:
    """The descriptor of the file of which a store is a part as it is, and where in it the byte at `at` lies.

    None where its bytes are in no one file, or are not read out of that unchanged.
    """
    while isinstance(store, Slice):
        at += store.start
        store = store.inner
    return (store.fd, at) if type(store) is File else None


class Until:
    """A store that ends at `size`."""

    def __init__(self, inner: Store, size: int) -> None:
        self._inner = inner
        self.size = min(size, inner.size)

    def view(self, start: int, stop: int) -> memoryview:
        return self._inner.view(start, min(stop, self.size))


class Rest:
    """What is left of a source that was read and not kept: its bytes from `base` on, at their own offsets."""

    def __init__(self, inner: Store, base: int) -> None:
        self._inner = inner
        self.base = base
        self.size = base + inner.size

    def view(self, start: int, stop: int) -> memoryview:
        if start < self.base:
            raise _gone(start, stop)
        return self._inner.view(start - self.base, max(min(stop, self.size), start) - self.base)


def _gone(start: int, stop: int) -> SourceError:
    return SourceError(
        f"bytes {start:#x}-{stop:#x} passed through the pipe and were not kept",
        hint="save the stream to a file first, then open the file",
    )


MOST_KEPT = 128 << 20


class Kept:
    """Pieces of a source that was read, in ascending order; at most 128 MiB of them.

    `rest` is all from some offset on, where that was kept as a whole.
    """

    def __init__(self) -> None:
        self.rest: Rest | None = None
        self._starts: list[int] = []
        self._pieces: list[bytes] = []
        self.size = 0
        self._total = 0

    def add(self, start: int, piece: bytes) -> None:
        self._total += len(piece)
        if self._total > MOST_KEPT:
            raise SourceError(
                f"more than {MOST_KEPT >> 20} MiB of device state in a pipe or compressed file",
                hint="save the stream to a plain file first, then open the file",
            )
        self._starts.append(start)
        self._pieces.append(piece)
        self.size = max(self.size, start + len(piece))

    def join(self, start: int) -> bytes:
        """All that follow each other from `start` on, where a piece begins, as one; b"" where none does."""
        index = bisect_right(self._starts, start) - 1
        if index < 0 or self._starts[index] != start:
            return b""
        at, last = start, index
        while last < len(self._starts) and self._starts[last] == at:
            at += len(self._pieces[last])
            last += 1
        self._pieces[index:last] = [b"".join(self._pieces[index:last])]
        self._starts[index:last] = [start]
        return self._pieces[index]

    def view(self, start: int, stop: int) -> memoryview:
        stop = min(stop, self.size)
        if stop <= start:
            return memoryview(b"")
        if self.rest is not None and start >= self.rest.base:
            return self.rest.view(start, stop)
        index = bisect_right(self._starts, start) - 1
        if index >= 0:
            self.join(self._starts[index])
            at = start - self._starts[index]
            piece = self._pieces[index]
            if at + (stop - start) <= len(piece):
                return memoryview(piece)[at : at + stop - start]
        raise _gone(start, stop)


SHARED = 4 << 20  # bytes that two threads read: of less, waiting for each other takes longer


def read_into(store: Store, start: int, out: memoryview) -> int:
    """Fill `out` with bytes from `start` on, many of a file without a copy between; how many, fewer at the end.

    Raises
    ------
    SourceError : they cannot be read
    """
    lies = file_under(store, start)
    size = max(min(len(out), store.size - start), 0)
    done = 0
    if lies is not None and size > BLOCK and hasattr(os, "preadv"):  # few come out of kept blocks
        with suppress(OSError):  # `view` says why
            done = (_halves if size >= SHARED else _read_some)(lies[0], out[:size], lies[1])
    if done < size:
        out[done:size] = store.view(start + done, start + size)
    return size


def _read_some(fd: int, out: memoryview, at: int) -> int:
    return os.preadv(fd, [out], at)


def _halves(fd: int, out: memoryview, at: int) -> int:
    """Read by two threads at once; how many bytes of the first ones are there."""
    from migstream.source.second import borrowed

    middle = len(out) // 2 & -BLOCK
    with borrowed() as second:
        second.later(_read_some, fd, out[middle:], at + middle)
        first = _read_some(fd, out[:middle], at)
        rest = second.wait()
    return middle + rest if first == middle else first
