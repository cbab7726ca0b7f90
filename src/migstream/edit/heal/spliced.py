"""A changed stream as bytes that can be read, without a copy of it."""

from __future__ import annotations

from bisect import bisect_right

from migstream.edit.rewrite import Rewrite
from migstream.source.pieces import Bulk, Zeros, size_of
from migstream.source.store import File, Store

__all__ = ["Spliced"]


class Spliced:
    """Bytes of a source with its changes (protocol: `source.store.Store`)."""

    def __init__(self, source: Store, rewrite: Rewrite) -> None:
        self._source = source
        self._pieces = list(rewrite.pieces())
        self._starts: list[int] = []
        self.size = 0
        for piece in self._pieces:
            self._starts.append(self.size)
            self.size += size_of(piece)

    def view(self, start: int, stop: int) -> memoryview:
        stop = min(stop, self.size)
        found: list[memoryview] = []
        index = max(bisect_right(self._starts, start) - 1, 0)
        while start < stop:
            piece, begin = self._pieces[index], self._starts[index]
            low, high = start - begin, min(stop - begin, size_of(piece))
            if low < high:
                found.append(self._part(piece, low, high))
                start += high - low
            index += 1
        return found[0] if len(found) == 1 else memoryview(b"".join(found))

    def _part(self, piece: object, low: int, high: int) -> memoryview:
        if isinstance(piece, bytes):
            return memoryview(piece)[low:high]
        if isinstance(piece, Bulk):
            return File(piece.fd, piece.at + piece.size).view(piece.at + low, piece.at + high)
        if isinstance(piece, Zeros):
            return memoryview(bytes(high - low))
        return self._source.view(piece.start + low, piece.start + high)  # type: ignore[attr-defined]
