"""A store that says how it is asked."""

from __future__ import annotations

from migstream.source.store import Store

__all__ = ["Ranged"]


class Ranged:
    """Counts the ranges it is asked for, and refuses those of more than `most` bytes."""

    def __init__(self, inner: Store, most: int) -> None:
        self.size = inner.size
        self.asked = self.largest = self.bytes = 0
        self._inner = inner
        self._most = most

    def view(self, start: int, stop: int) -> memoryview:
        size = max(min(stop, self.size) - start, 0)
        assert size <= self._most, f"asked for {size} bytes at once: {start:#x}-{stop:#x}"
        self.asked += 1
        self.bytes += size
        self.largest = max(self.largest, size)
        return self._inner.view(start, stop)
