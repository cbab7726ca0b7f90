"""Every version of one page that a stream holds: what a live migration sent before the last round.

A page is sent again when the guest wrote to it, so that a live stream holds several states of its
hottest pages, and each is exact.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import overload

import msgspec

from migstream.names import brief
from migstream.ram import kernel
from migstream.ram.builder import ImageBuilder
from migstream.ram.pages import OFFSET, PageTable, Shared, Source
from migstream.ram.records import BlockId

__all__ = ["HistoryBuilder", "PageVersion", "RoundBuilder", "Versions"]

KINDS = {
    kernel.FILL: "zero",
    kernel.DATA: "page",
    kernel.DELTA: "xbzrle",
    kernel.PACKED: "compressed",
}


NOTE = 4  # turn, entry, source, where the content is
NOWHERE = (1 << 64) - 1


class PageVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a page.

    `turn` is the dirty round, counted from 1 (of a multifd channel: its epoch, from 0). `source`
    is 0 for the stream itself, else a channel or what was unpacked of channels; `at` is the offset
    there of the record's content, None for a page of zeros of a channel. `data` is the whole page.
    """

    number: int
    turn: int
    kind: str
    source: int
    at: int | None
    data: bytes

    def __repr__(self) -> str:
        at = "" if self.at is None else f"at {self.at:#x}"
        return brief("PageVersion", self.number, self.kind, f"round {self.turn}", at)


class HistoryBuilder(ImageBuilder):
    """Collects the records of one page (`ram.records.Sink`).

    Parameters
    ----------
    block, index : the block's number in the MEM_SIZE list, and the page's in the block
    """

    def __init__(
        self, sources: Sequence[Source], block: int, index: int, *, hold: bool = False
    ) -> None:
        super().__init__(sources, hold=hold)
        self._block = block
        self._index = index
        self._page: PageTable | None = None
        self._found = array("Q")  # of each version: NOTE integers

    def enter(self, block: BlockId, rows: memoryview, used: int, source: int, turn: int) -> None:
        if block.number != self._block:
            return
        flat = rows[: used * kernel.ROW].tolist()
        steps = range(0, len(flat), kernel.ROW)
        for kind, first, count, where in (flat[i : i + kernel.ROW] for i in steps):
            if first <= self._index < first + count:
                ahead = self._index - first
                step = 9 if kind & 0xFF == kernel.FILL else block.stride
                self._note(block, kind, where + ahead * step, source, turn)

    def _note(self, block: BlockId, kind: int, where: int, source: int, turn: int) -> None:
        if self._page is None:
            self._page = PageTable(1, block.page, self.shared)
        row = memoryview(bytearray(8 * kernel.ROW)).cast("q")
        row[0], row[1], row[2], row[3] = kind, 0, 1, where
        self._page.paint(row, 1, block.stride, source)
        nowhere = kind & 0xFF == kernel.FILL and block.stride == block.page
        at = NOWHERE if nowhere else where & OFFSET
        self._found.extend((turn, self._page.entries[0], source, at))

    def versions(self) -> Versions:
        """All of them, oldest first. What was unpacked of channels must stay at hand meanwhile."""
        page = 0 if self._page is None else self._page.page
        return Versions(self.shared, self._found, page)


class RoundBuilder(ImageBuilder):
    """Collects the records of the first rounds (`ram.records.Sink`): memory as it was known after them."""

    def __init__(self, sources: Sequence[Source], last: int) -> None:
        super().__init__(sources)
        self._last = last

    def enter(self, block: BlockId, rows: memoryview, used: int, source: int, turn: int) -> None:
        if turn <= self._last:
            super().enter(block, rows, used, source, turn)


class Versions(Sequence[PageVersion]):
    """The versions of a page, oldest first; their contents are made when they are asked for.

    A delta takes fourteen bytes of a stream and makes a page. So none is kept: going through all
    of them applies each delta once, and asking for one applies those since the last whole page.

    Raises
    ------
    BadRam : where a delta or a compressed page is damaged
    """

    def __init__(self, shared: Shared, found: array[int], page: int) -> None:
        self._shared = shared
        self._found = found
        self._size = page

    def __len__(self) -> int:
        return len(self._found) // NOTE

    def __repr__(self) -> str:
        return brief("Versions", len(self), f"of a page of {self._size} bytes")

    @overload
    def __getitem__(self, key: int, /) -> PageVersion: ...
    @overload
    def __getitem__(self, key: slice, /) -> Sequence[PageVersion]: ...
    def __getitem__(self, key: int | slice, /) -> PageVersion | Sequence[PageVersion]:
        numbers = range(len(self))[key]
        if isinstance(numbers, range):
            return [self[number] for number in numbers]
        first = numbers
        while first and self._found[first * NOTE + 1] & 7 == kernel.DELTA:
            first -= 1
        return next(islice(self._from(first), numbers - first, None))

    def __iter__(self) -> Iterator[PageVersion]:
        return self._from(0)

    def _from(self, first: int) -> Iterator[PageVersion]:
        """Versions from number `first` on, which is not a delta (or is the first of all)."""
        out = memoryview(bytearray(self._size))
        for number in range(first, len(self)):
            turn, entry, source, at = self._found[number * NOTE : (number + 1) * NOTE]
            # what a delta changes is the version before it, which `out` has
            self._shared.change(entry, out) if number > first else self._shared.page(entry, out)
            kind = KINDS[entry & 7]
            if kind == "zero" and entry >> kernel.ENTRY_BITS:
                kind = "fill"
            where = None if at == NOWHERE else at
            yield PageVersion(
                number=number, turn=turn, kind=kind, source=source, at=where, data=bytes(out)
            )
