"""Where in a source some bytes stand, found about as fast as they are read.

`bytes.find` and `re` look at one byte after the other. Two comparisons of all 16-bit words of a
window with the first, and with the second and third byte of what is looked for tell at a fifth of
the time that nothing in it begins so, which is nearly always.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence

import numpy as np

from migstream.source.store import Store

__all__ = ["SECTOR", "Needles"]

WINDOW = 1 << 20
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
    begin : at least four bytes
    sectors : what may stand at the beginning of a sector, counted from the store's first byte;
        four bytes each
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
        self._flags = bytearray(WINDOW // 2 + LONGEST)
        self._mask = np.frombuffer(self._flags, bool)
        self._base = self._stop = 0  # the window that was looked at
        self._hits: list[int] = []

    def after(self, at: int, stop: int | None = None) -> int | None:
        """The first place at or behind `at` and before `stop`; None where there is none."""
        end = self._store.size if stop is None else min(stop, self._store.size)
        while at < end:
            if not self._base <= at < self._stop:
                self._look(at & -WINDOW)
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

    def _look(self, base: int) -> None:
        """Find all places in the window from `base` on."""
        self._progress(base)
        view = self._store.view(base, base + WINDOW + LONGEST)
        hits: list[int] = []
        if self._may_hold(view):
            hits = [base + hit.start() for hit in self._pattern.finditer(view)]
        if self._sectors and len(view) >= MARK:
            marks = np.frombuffer(view, "<u4", len(view) // MARK)[:: SECTOR // MARK]
            for word in self._sectors:
                there = marks == word
                if there.any():
                    hits += [base + SECTOR * int(n) for n in np.flatnonzero(there)]
        self._base, self._stop = base, base + WINDOW
        self._hits = sorted(hit for hit in hits if hit < self._stop)

    def _may_hold(self, view: memoryview) -> bool:
        words = np.frombuffer(view, "<u2", len(view) // 2)
        for word, before in self._words:
            np.equal(words, word, out=self._mask[: len(words)])
            at = -1
            for _ in range(FEW):
                at = self._flags.find(1, at + 1, len(words))
                if at < 0:
                    break
                begin = 2 * at - before
                if begin >= 0 and view[begin : begin + MARK] == self._begin[:MARK]:
                    return True
            else:
                return True  # too many to look at here
        return False
