"""The engine of all edits: a new stream from an old one.

What is left alone is copied byte for byte out of the source; what changes is a `Splice`. Nothing
here knows what the bytes mean.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence
from itertools import pairwise
from operator import itemgetter
from typing import NamedTuple

from migstream.errors import Unsupported
from migstream.source.pieces import Bulk, Fetch, Zeros, size_of
from migstream.wire.model import Span

__all__ = ["Bytes", "Places", "Rewrite", "Splice"]

Bytes = bytes | Zeros | Bulk


class Splice(NamedTuple):
    """Bytes [start, stop) of the source become `data`; an insertion where both are the same."""

    start: int
    stop: int
    data: Bytes

    @property
    def growth(self) -> int:
        """How many bytes longer the result is for it."""
        return size_of(self.data) - (self.stop - self.start)


def _bytes(data: Bytes) -> bytes:
    if isinstance(data, Bulk):
        return b"".join(data.pieces())
    return bytes(data.size) if isinstance(data, Zeros) else data


class Rewrite:
    """What the source becomes: splices, and the order of its parts.

    Parameters
    ----------
    size : bytes of the source
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.parts: list[Span] = [Span(0, size)]
        self._splices: list[Splice] = []

    def copy(self) -> Rewrite:
        """The same changes, to be added to."""
        other = Rewrite(self.size)
        other.parts, other._splices = [*self.parts], [*self._splices]
        return other

    def __bool__(self) -> bool:
        return bool(self._splices) or len(self.parts) > 1

    @property
    def untouched(self) -> int:
        """How many bytes, from the first one on, go over as they are."""
        at = 0
        for part in self.parts:
            if part.start != at:
                break
            at = part.stop
        return min(at, self._splices[0].start) if self._splices else at

    def patch(self, start: int, data: bytes) -> None:
        """Change bytes and keep their number; over earlier patches of the same bytes.

        Raises
        ------
        Unsupported : an earlier change has taken these bytes away, or changed their number
        """
        stop = start + len(data)
        for old in self._over(start, stop):
            if old.growth or not isinstance(old.data, bytes):
                raise _twice(start)
            begin, end = min(start, old.start), max(stop, old.stop)
            merged = bytearray(end - begin)
            merged[old.start - begin : old.stop - begin] = old.data
            merged[start - begin : stop - begin] = data
            start, stop, data = begin, end, bytes(merged)
            self._splices.remove(old)
        self._add(Splice(start, stop, data))

    def replace(self, start: int, stop: int, data: Bytes) -> None:
        """Put `data` in the place of bytes [start, stop); changes inside of them are forgotten.

        Raises
        ------
        Unsupported : an earlier change reaches beyond them
        """
        for old in self._over(start, stop):
            if old.start < start or old.stop > stop:
                raise _twice(start)
            self._splices.remove(old)
        if start < stop or size_of(data):
            self._add(Splice(start, stop, data))

    def now(self, start: int, stop: int, fetch: Fetch) -> bytes:
        """Bytes [start, stop) as they are after the patches so far."""
        out = bytearray(fetch(start, stop))
        for old in self._over(start, stop):
            if old.growth or not isinstance(old.data, bytes):
                raise _twice(start)
            low, high = max(start, old.start), min(stop, old.stop)
            out[low - start : high - start] = old.data[low - old.start : high - old.start]
        return bytes(out)

    def within(self, span: Span, fetch: Fetch) -> bytes:
        """What becomes of a part, however long that is; insertions at its ends are not in it."""
        out, at = [], span.start
        for old in self._over(*span):
            out.append(bytes(fetch(at, max(at, old.start))))
            out.append(_bytes(old.data))
            at = old.stop
        out.append(bytes(fetch(at, max(at, span.stop))))
        return b"".join(out)

    def gone(self, span: Span) -> bool:
        """Whether all of a part is taken away, or given other bytes of another number."""
        return any(
            old.start <= span.start and span.stop <= old.stop and old.growth
            for old in self._over(*span)
        )

    def growth(self, span: Span) -> int:
        """How many bytes longer a part of the source becomes."""
        first = bisect_left(self._splices, span.start, key=itemgetter(0))
        total = 0
        for splice in self._splices[first:]:
            if splice.start >= span.stop:
                break
            total += splice.growth
        return total

    def arrange(self, spans: Sequence[Span]) -> None:
        """Put these parts, in the order given, into the places that they take up now.

        Raises
        ------
        Unsupported : they were arranged before, in another way that cuts through them
        """
        for span in spans:
            self._cut(span)
        places = sorted(self.parts.index(span) for span in spans)
        for place, span in zip(places, spans, strict=True):
            self.parts[place] = span

    def _cut(self, span: Span) -> None:
        for index, part in enumerate(self.parts):
            if part.start <= span.start and span.stop <= part.stop:
                borders = (part.start, span.start, span.stop, part.stop)
                pieces = [Span(a, b) for a, b in pairwise(borders) if a < b]
                self.parts[index : index + 1] = pieces
                return
        raise _twice(span.start)

    def _over(self, start: int, stop: int) -> list[Splice]:
        """Earlier splices that share bytes with [start, stop), or stand inside of it."""
        low = bisect_right(self._splices, start, key=itemgetter(0))
        while low and (
            self._splices[low - 1].stop > start or self._splices[low - 1][:2] == (start, stop)
        ):
            low -= 1
        found = []
        for splice in self._splices[low:]:
            if splice.start >= stop and splice[:2] != (start, stop):
                break
            found.append(splice)
        return found

    def _add(self, splice: Splice) -> None:
        insort(self._splices, splice, key=itemgetter(0, 1))

    # --- the result ----------------------------------------------------------------------------

    def pieces(self) -> Iterator[Span | Bytes]:
        """The result, in its order."""
        for part in self.parts:
            at = part.start
            first = bisect_left(self._splices, part.start, key=itemgetter(0))
            for splice in self._splices[first:]:
                if splice.start >= part.stop and not splice.start == part.stop == self.size:
                    break
                if splice.start > at:
                    yield Span(at, splice.start)
                yield splice.data
                at = splice.stop
            if at < part.stop:
                yield Span(at, part.stop)

    def places(self) -> Places:
        """Where the bytes of the source are in the result."""
        rows: list[tuple[int, int, int]] = []
        out = 0
        for part in self.parts:
            at = part.start
            first = bisect_left(self._splices, part.start, key=itemgetter(0))
            for splice in self._splices[first:]:
                if splice.start >= part.stop:
                    break
                rows += [(at, splice.start, out)]
                out += splice.start - at
                rows += [(splice.start, splice.stop, out)]
                out += size_of(splice.data)
                at = splice.stop
            rows += [(at, part.stop, out)]
            out += part.stop - at
        return Places(rows)


class Places:
    """From offsets of the source to those of the result."""

    def __init__(self, rows: Sequence[tuple[int, int, int]]) -> None:
        self._rows = sorted(row for row in rows if row[0] < row[1])

    def __call__(self, offset: int) -> int:
        """Where a byte of the source is; of bytes that are gone, where they would be."""
        index = max(bisect_right(self._rows, offset, key=itemgetter(0)) - 1, 0)
        if not self._rows:
            return 0
        start, _, out = self._rows[index]
        return out + offset - start


def _twice(at: int) -> Unsupported:
    return Unsupported(
        "two changes of the same bytes exclude each other",
        at=at,
        hint="make one of them first, then the other of its result",
    )
