"""Where in a source some bytes stand, found about as fast as they are read.

`bytes.find` and `re` look at one byte after the other. Two comparisons of all 16-bit words of a
window with the first, and with the second and third byte of what is looked for tell at a fifth of
the time that nothing in it begins so, which is nearly always. Of a file strips are read and looked
at by two threads, before they are asked for: reading and comparing both let the other one run.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from migstream.errors import SourceError
from migstream.source.store import File, Store

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["SECTOR", "Needles"]

WINDOW = 1 << 19  # what is compared at once: it stays in a cache
STRIP = 8 << 20  # what a thread takes at once
THREADS = 2
AHEAD = 4  # strips that are begun, the one that is asked for among them
SECTOR = 512
LONGEST = 32  # bytes that a pattern looks at
FEW = 64  # places in a window that are looked at one by one
MARK = 4  # bytes of what stands at the beginning of a sector


class Needles:
    """Places in a store at which something begins, in ascending order.

    Parameters
    ----------
    pattern : what begins there, and what has to follow it: at most 32 bytes, of which the first
        are `begin`
    begin : at least four bytes, not all of them zeros
    sectors : what may stand at the beginning of a sector, counted from the store's first byte;
        four bytes each, not zeros
    tell : is told how many bytes were passed
    """

    def __init__(
        self,
        store: Store,
        pattern: re.Pattern[bytes],
        begin: bytes,
        sectors: Sequence[bytes] = (),
        tell: Callable[[int], object] = lambda _: None,
    ) -> None:
        self._store = store
        self._pattern = pattern
        self._begin = begin
        # at an even offset its first two bytes are one word, at an odd one its second and third
        self._words = [(int.from_bytes(begin[n : n + 2], "little"), n) for n in (0, 1)]
        self._sectors = [int.from_bytes(one, "little") for one in sectors]
        self._tell = tell
        self._told = 0
        self._failing = -1  # the strip that could not be read as one
        # a file can be read by several at once; of another store no more is asked than is needed
        several = isinstance(store, File) and store.size > STRIP
        self._size = STRIP if several else WINDOW
        self._strips = _Ahead(self._search, store.size) if several else None
        self._base = self._stop = 0  # what was looked at
        self._hits: list[int] = []

    def after(self, at: int, stop: int | None = None) -> int | None:
        """The first place at or behind `at` and before `stop`; None where there is none."""
        end = self._store.size if stop is None else min(stop, self._store.size)
        while at < end:
            if not self._base <= at < self._stop:
                self._look(at)
            index = bisect_left(self._hits, at)
            if index < len(self._hits):
                hit = self._hits[index]
                return hit if hit < end else None
            at = self._stop
        self._progress(end)
        return None

    def _progress(self, at: int) -> None:
        if at > self._told:
            self._tell(at - self._told)
            self._told = at

    def _look(self, at: int) -> None:
        """Find all places in the strip that `at` is in; in its window, where the strip cannot be read as one."""
        base = at & -self._size
        if base != self._failing:
            self._progress(base)
            try:
                self._hits = (
                    self._search(base, base + self._size)
                    if self._strips is None
                    else self._strips.get(base)
                )
            except SourceError:
                self._failing = base
            else:
                self._base, self._stop = base, base + self._size
                return
        base = at & -WINDOW
        self._progress(base)
        self._hits = self._search(base, base + WINDOW)
        self._base, self._stop = base, base + WINDOW

    def _search(self, start: int, stop: int) -> list[int]:
        """The places in [start, stop); nothing of `self` is changed."""
        flags = bytearray(WINDOW // 2 + LONGEST)
        hits: list[int] = []
        for at in range(start, min(stop, self._store.size), WINDOW):
            hits += self._window(at, self._store.view(at, at + WINDOW + LONGEST), flags)
        return hits

    def _window(self, base: int, view: memoryview, flags: bytearray) -> list[int]:
        """The places in the window from `base` on, of which `view` has the bytes and those behind them."""
        if _is_blank(view):
            return []
        hits: list[int] = []
        if self._may_hold(view, flags):
            hits = [base + hit.start() for hit in self._pattern.finditer(view)]
        if self._sectors and len(view) >= MARK:
            marks = np.frombuffer(view, "<u4", len(view) // MARK)[:: SECTOR // MARK]
            for word in self._sectors:
                there = marks == word
                if there.any():
                    hits += [base + SECTOR * int(n) for n in np.flatnonzero(there)]
        return sorted(hit for hit in hits if hit < base + WINDOW)

    def _may_hold(self, view: memoryview, flags: bytearray) -> bool:
        words = np.frombuffer(view, "<u2", len(view) // 2)
        mask = np.frombuffer(flags, bool)
        for word, before in self._words:
            np.equal(words, word, out=mask[: len(words)])
            at = -1
            for _ in range(FEW):
                at = flags.find(1, at + 1, len(words))
                if at < 0:
                    break
                begin = 2 * at - before
                if begin >= 0 and view[begin : begin + MARK] == self._begin[:MARK]:
                    return True
            else:
                return True  # too many to look at here
        return False


BLANK = bytes(WINDOW + LONGEST)


def _is_blank(view: memoryview) -> bool:
    """Whether it is known at once that nothing but zeros begins in a window, of which a disk has many."""
    data = view.obj
    return len(view) == len(BLANK) and data == BLANK


class _Ahead:
    """Strips of a file, searched before they are asked for."""

    def __init__(self, search: Callable[[int, int], list[int]], size: int) -> None:
        from concurrent.futures import ThreadPoolExecutor

        self._search = search
        self._size = size
        self._pool = ThreadPoolExecutor(THREADS)
        self._begun: dict[int, Future[list[int]]] = {}

    def get(self, base: int) -> list[int]:
        """The places in the strip from `base` on; those behind it are begun."""
        wanted = range(base, min(base + AHEAD * STRIP, self._size), STRIP)
        for one in self._begun.keys() - set(wanted):  # the search went on elsewhere
            self._begun.pop(one).cancel()
        for one in wanted:
            if one not in self._begun:
                self._begun[one] = self._pool.submit(self._search, one, one + STRIP)
        return self._begun.pop(base).result()
