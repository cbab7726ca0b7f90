"""Which objects were scanned, and in what state: sixteen bytes for each, however many there are."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np

__all__ = ["RECENT", "Known", "key_of"]

RECENT = 1 << 16  # that are kept as a dict before they are sorted in
SHIFT = 58  # bits of a key below those that say in which drawer it is
DRAWERS = 1 << 64 - SHIFT
FIRSTS = np.arange(DRAWERS, dtype=np.uint64) << np.uint64(SHIFT)


def key_of(digits: str) -> int:
    """An object's digits as a number."""
    return int(digits, 16)


class Known:
    """From an object's number to that of its state.

    They lie in sorted arrays, one for each of so many ranges of keys: to sort some in never takes a copy of all.

    Parameters
    ----------
    pairs : the numbers of object and state that there are; of one object the last counts
    """

    def __init__(self, pairs: Iterable[tuple[int, int]] = ()) -> None:
        empty = np.empty(0, np.uint64)
        self._keys: list[Any] = [empty] * DRAWERS
        self._states: list[Any] = [empty] * DRAWERS
        self._recent: dict[int, int | None] = {}
        for key, state in pairs:
            self[key] = state

    def __len__(self) -> int:
        self._settle()
        return sum(map(len, self._keys))

    def __setitem__(self, key: int, state: int) -> None:
        self._put(key, state)

    def forget(self, key: int) -> None:
        """Let an object be one of which nothing is known."""
        self._put(key, None)

    def _put(self, key: int, state: int | None) -> None:
        self._recent[key] = state
        if len(self._recent) >= RECENT:
            self._settle()

    def __contains__(self, key: int) -> bool:
        return self.get(key) is not None

    def get(self, key: int) -> int | None:
        """The state of an object; None where it is not known."""
        if key in self._recent:
            return self._recent[key]
        keys = self._keys[key >> SHIFT]
        at = int(keys.searchsorted(np.uint64(key)))
        if at < len(keys) and int(keys[at]) == key:
            return int(self._states[key >> SHIFT][at])
        return None

    def _settle(self) -> None:
        recent, self._recent = sorted(self._recent.items()), {}
        keys = np.fromiter((key for key, _ in recent), np.uint64, len(recent))
        states = np.fromiter((state or 0 for _, state in recent), np.uint64, len(recent))
        stays = np.fromiter((state is not None for _, state in recent), np.bool_, len(recent))
        cuts = [*keys.searchsorted(FIRSTS).tolist(), len(recent)]
        for drawer, (start, stop) in enumerate(pairwise(cuts)):
            if start < stop:
                piece = slice(start, stop)
                self._sort_in(drawer, keys[piece], states[piece], stays[piece])

    def _sort_in(self, drawer: int, keys: Any, states: Any, stays: Any) -> None:
        old = ~np.isin(self._keys[drawer], keys)
        keys = np.concatenate((self._keys[drawer][old], keys[stays]))
        states = np.concatenate((self._states[drawer][old], states[stays]))
        order = np.argsort(keys)
        self._keys[drawer], self._states[drawer] = keys[order], states[order]
