"""A block's entries, one for each of its pages, kept where pages were sent and nowhere else.

A block may claim 2^52 bytes and hold two pages. So its entries (`ram.kernel` says what they are)
lie in slabs of 1 << SLAB_BITS, made when the first record comes to one, and whoever goes through
them steps over what was never written to: memory and work follow what was sent.
"""

from __future__ import annotations

import mmap
from array import array
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator

import msgspec

from migstream.errors import Unsupported
from migstream.ram import kernel

__all__ = ["GROUP", "SLAB", "SLAB_BITS", "Entries", "Slab"]

SLAB_BITS = 16
SLAB = 1 << SLAB_BITS  # entries: 512 KiB of them, 256 MiB of a guest with pages of 4 KiB
GROUP = 1 << kernel.GROUP_BITS
NORESERVE = getattr(mmap, "MAP_NORESERVE", 0x4000)
NO_HUGE = getattr(mmap, "MADV_NOHUGEPAGE", None)
PAIRS = 512  # runs that are found at once
BLANK = memoryview(bytes(8 * GROUP)).cast("Q")  # entries of pages that were never sent


class Slab(msgspec.Struct, frozen=True):
    """Entries that follow each other.

    `touched` has one byte for each group of them: whether one was written.
    """

    entries: memoryview
    touched: bytearray


def _anonymous(size: int) -> memoryview:
    """Zeros that cost memory only where they are written to."""
    try:
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | NORESERVE
        area = mmap.mmap(-1, size, flags=flags)
    except (OSError, OverflowError, ValueError):
        raise Unsupported(
            f"a page table of {size} bytes more", hint="this machine cannot hold so large a guest"
        ) from None
    if NO_HUGE is not None:
        area.madvise(NO_HUGE)
    return memoryview(area)


class Entries:
    """Entries of pages [0, pages).

    Parameters
    ----------
    known, fetch : numbers of slabs that are kept somewhere else, and what brings one of them the
        first time that it is needed; it is not changed any more
    """

    def __init__(
        self,
        pages: int,
        known: Iterable[int] = (),
        fetch: Callable[[int], Slab] | None = None,
    ) -> None:
        self.pages = pages
        self.numbers = sorted(known)
        self._slabs: dict[int, Slab] = {}
        self._fetch = fetch

    def size(self, number: int) -> int:
        """How many entries slab `number` has: the last one is shorter."""
        return min(SLAB, self.pages - (number << SLAB_BITS))

    def slab(self, number: int) -> Slab | None:
        """A slab, None where nothing in it was ever written."""
        slab = self._slabs.get(number)
        if slab is None and self._fetch is not None:
            at = bisect_left(self.numbers, number)
            if at < len(self.numbers) and self.numbers[at] == number:
                slab = self._slabs[number] = self._fetch(number)
        return slab

    def make(self, number: int) -> Slab:
        """A slab to write to."""
        slab = self._slabs.get(number)
        if slab is None:
            size = self.size(number)
            slab = Slab(_anonymous(8 * size).cast("Q"), bytearray(-(-size // GROUP)))
            self._slabs[number] = slab
            insort(self.numbers, number)
        return slab

    def __getitem__(self, page: int) -> int:
        """The entry of one page."""
        slab = self.slab(page >> SLAB_BITS)
        return 0 if slab is None else int(slab.entries[page & SLAB - 1])

    def run(self, at: int, stop: int) -> tuple[int, int, int, int]:
        """As `kernel.run`: kind, payload, count, stride of pages from `at` on. It may end early."""
        slab = self.slab(at >> SLAB_BITS)
        if slab is None:
            return kernel.NEVER, 0, min(self._next(at), stop) - at, 0
        first = at & SLAB - 1
        last = min(len(slab.entries), first + stop - at)
        group = first >> kernel.GROUP_BITS
        if not slab.touched[group]:
            ahead = slab.touched.find(1, group)
            end = last if ahead < 0 else min(ahead << kernel.GROUP_BITS, last)
            return kernel.NEVER, 0, end - first, 0
        return kernel.run(slab.entries, first, last)

    def alike(self, at: int, stop: int) -> Iterator[tuple[int, int]]:
        """Kind (NEVER, FILL of zeros, DATA of all others) and length of runs of pages, up to `stop`.

        Runs that follow each other may be of one kind.
        """
        found = memoryview(array("Q", bytes(16 * PAIRS)))
        while at < stop:
            slab = self.slab(at >> SLAB_BITS)
            if slab is None:
                behind = min(self._next(at), stop)
                yield kernel.NEVER, behind - at
                at = behind
                continue
            base, size = at & -SLAB, len(slab.entries)
            group = at - base >> kernel.GROUP_BITS
            there = slab.touched[group]
            behind = slab.touched.find(1 - there, group)
            end = min(size if behind < 0 else behind << kernel.GROUP_BITS, stop - base)
            if not there:
                yield kernel.NEVER, end - (at - base)
                at = base + end
                continue
            reached, used = kernel.alike(slab.entries, at - base, end, found)
            at = base + reached
            for n in range(0, 2 * used, 2):
                yield found[n], found[n + 1]

    def _next(self, page: int) -> int:
        """The first page behind `page` in a slab that was written to."""
        index = bisect_left(self.numbers, (page >> SLAB_BITS) + 1)
        return self.numbers[index] << SLAB_BITS if index < len(self.numbers) else self.pages

    def window(self, at: int, count: int) -> tuple[memoryview, int, int]:
        """Entries of `count` pages from `at` on, or of the first of them: in what, from where, how many."""
        slab = self.slab(at >> SLAB_BITS)
        if slab is None:
            behind = (at | SLAB - 1) + 1
            return BLANK, 0, min(count, GROUP, behind - at)
        first = at & SLAB - 1
        return slab.entries, first, min(count, len(slab.entries) - first)
