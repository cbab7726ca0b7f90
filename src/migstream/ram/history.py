"""Every version of one page that a stream holds: what a live migration sent before the last round.

A page is sent again when the guest wrote to it, so that a live stream holds several states of its
hottest pages, and each is exact.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from migstream.ram import kernel
from migstream.ram.image import OFFSET, ImageBuilder, PageTable, Source
from migstream.ram.records import BlockId

__all__ = ["HistoryBuilder", "PageVersion"]

KINDS = {
    kernel.FILL: "zero",
    kernel.DATA: "page",
    kernel.DELTA: "xbzrle",
    kernel.PACKED: "compressed",
}


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
        self._found: list[tuple[int, int, int, int | None]] = []

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
        at = None if kind & 0xFF == kernel.FILL and block.stride == block.page else where & OFFSET
        self._found.append((turn, self._page.entries[0], source, at))

    def versions(self) -> tuple[PageVersion, ...]:
        """All of them, oldest first.

        Raises
        ------
        BadRam : a delta or a compressed page is damaged
        """
        if self._page is None:
            return ()
        made = []
        out = memoryview(bytearray(self._page.page))
        for number, (turn, entry, source, at) in enumerate(self._found):
            self.shared.page(entry, out)
            kind = KINDS[entry & 7]
            if kind == "zero" and entry >> kernel.ENTRY_BITS:
                kind = "fill"
            made.append(
                PageVersion(
                    number=number, turn=turn, kind=kind, source=source, at=at, data=bytes(out)
                )
            )
        return tuple(made)
