"""Which objects were scanned, and in what state: sixteen bytes for each, however many there are."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

__all__ = ["Known", "key_of"]

RECENT = 1 << 16  # that are kept as a dict before they are sorted in


def key_of(digits: str) -> int:
    """An object's digits as a number."""
    return int(digits, 16)


class Known:
    """From an object's number to that of its state.

    Parameters
    ----------
    pairs : the numbers of object and state that there are; of one object the last counts
    """

    def __init__(self, pairs: Iterable[tuple[int, int]] = ()) -> None:
        self._keys = np.empty(0, np.uint64)
        self._states = np.empty(0, np.uint64)
        self._recent: dict[int, int | None] = {}
        for key, state in pairs:
            self[key] = state

    def __len__(self) -> int:
        self._settle()
        return len(self._keys)

    def __setitem__(self, key: int, state: int) -> None:
        self._recent[key] = state
        if len(self._recent) >= RECENT:
            self._settle()

    def forget(self, key: int) -> None:
        """Let an object be one of which nothing is known."""
        self._recent[key] = None

    def __contains__(self, key: int) -> bool:
        return self.get(key) is not None

    def get(self, key: int) -> int | None:
        """The state of an object; None where it is not known."""
        if key in self._recent:
            return self._recent[key]
        at = int(np.searchsorted(self._keys, np.uint64(key)))
        if at < len(self._keys) and int(self._keys[at]) == key:
            return int(self._states[at])
        return None

    def _settle(self) -> None:
        if not self._recent:
            return
        old = ~np.isin(self._keys, np.fromiter(self._recent, np.uint64, len(self._recent)))
        recent = {key: state for key, state in self._recent.items() if state is not None}
        keys = np.fromiter(recent, np.uint64, len(recent))
        states = np.fromiter(recent.values(), np.uint64, len(recent))
        keys = np.concatenate((self._keys[old], keys))
        states = np.concatenate((self._states[old], states))
        order = np.argsort(keys)
        self._keys, self._states = keys[order], states[order]
        self._recent = {}
