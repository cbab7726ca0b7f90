"""The memory image is filled: a walk tells of every page record, and the last one wins.

One table per block says where each page's content is (`ram.pages`).
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from migstream.errors import BadRam
from migstream.ram import kernel
from migstream.ram.bitmap import BitmapPages
from migstream.ram.image import Block, Ram
from migstream.ram.model import RamBlock, RamSummary
from migstream.ram.pages import MAIN, Pages, PageTable, Shared, Source
from migstream.ram.presence import (
    CHANNELS,
    NEVER_SENT,
    NOTHING_SENT,
    PIPED,
    ZEROS_SENT,
    Stretch,
)
from migstream.ram.records import BlockId

if TYPE_CHECKING:
    from migstream.errors import StreamError
    from migstream.ram.channels import Channel, PageRun
    from migstream.source.spool import Spool

__all__ = ["ImageBuilder"]

NOTHING_UNPLUGGED: Mapping[str, Sequence[Stretch]] = MappingProxyType({})


class Held(msgspec.Struct, frozen=True):
    """Rows of the main channel that wait for those of the other channels.

    `flushes` and `sections` count the MULTIFD_FLUSH records and the ends of sections before them.
    """

    flushes: int
    sections: int
    block: BlockId
    rows: bytes
    turn: int


class ImageBuilder:
    """Collects page records into tables (`ram.records.Sink`).

    Parameters
    ----------
    sources : the stream first; others are appended with `add_source`
    hold : keep the stream's own rows until `join` puts them in order with those of its channels
    synced : that it has sync points of channels is known already
    """

    def __init__(
        self, sources: Sequence[Source], *, hold: bool = False, synced: bool = False
    ) -> None:
        self.shared = Shared(list(sources))
        self.tables: dict[int, PageTable] = {}
        self._held: list[Held] | None = [] if hold else None
        self._flushes, self._sections = int(synced), 0
        self._spool: Spool | None = None
        self._joined = False

    @property
    def synced(self) -> bool:
        """Whether the stream has sync points of multifd channels, and these are not at hand."""
        return self._flushes > 0 and not self._joined

    def close(self) -> None:
        """Let go of what was unpacked."""
        if self._spool is not None:
            self._spool.close()

    def rows(self, block: BlockId, rows: memoryview, used: int, turn: int) -> None:
        """Rows of the stream itself."""
        if self._held is None:
            self.enter(block, rows, used, MAIN, turn)
        else:
            piece = rows[: used * kernel.ROW].tobytes()
            self._held.append(Held(self._flushes, self._sections, block, piece, turn))

    def enter(self, block: BlockId, rows: memoryview, used: int, source: int, turn: int) -> None:
        """Rows in the order in which they count; `turn` is the round, for channels the epoch."""
        del turn
        at = rows[kernel.ROW - 1] if used and source == MAIN else None
        self.table(block, at).paint(rows, used, block.stride, source)

    def sync(self, *, flush: bool) -> None:
        self._flushes += flush
        self._sections += not flush

    def table(self, block: BlockId, at: int | None = None) -> PageTable:
        """The table of a block, made when it is first needed; `at` is where a record of it lies."""
        table = self.tables.get(block.number)
        if table is not None and table.page != block.page:
            raise BadRam("pages of two sizes in one block", expected=table.page, found=block.page)
        pages = -(-block.length // block.page)
        if table is not None and table.entries.pages != pages:
            raise BadRam(
                "a RAM block of another size than before",
                at=at,
                expected=f"{table.entries.pages} pages",
                found=pages,
                hint="parts of two streams are in this one",
            )
        if table is None:
            table = self.tables[block.number] = PageTable(pages, block.page, self.shared)
        return table

    def join(
        self,
        blocks: Sequence[RamBlock],
        channels: Sequence[Channel],
        note: Callable[[StreamError], None],
    ) -> None:
        """Enter the pages of multifd channels, and the rows held back, in the order of their epochs.

        Parameters
        ----------
        channels : all of the migration, in any order
        note : told of damage in a channel, which ends that channel
        """
        from heapq import merge

        from migstream.ram.channels import SPOOL, pages
        from migstream.source.spool import Spool

        self._joined = True
        self._spool = spool = Spool()
        first = len(self.shared.sources)
        self.shared.sources += [channel.store for channel in channels]
        self.shared.sources.append(spool)
        numbers = {block.name: n for n, block in enumerate(blocks)}

        def source(index: int) -> int:
            return first + (len(channels) if index == SPOOL else index)

        held, self._held = self._held or [], None
        flushed = self._flushes > 0
        main: Iterator[tuple[int, Held | PageRun]]
        main = ((h.flushes if flushed else h.sections, h) for h in held)
        others: Iterator[tuple[int, Held | PageRun]]
        others = ((run.epoch, run) for run in pages(channels, spool, note))
        for epoch, one in merge(main, others, key=itemgetter(0)):
            if isinstance(one, Held):
                rows = memoryview(one.rows).cast("q")
                self.enter(one.block, rows, len(rows) // kernel.ROW, MAIN, one.turn)
            elif one.block in numbers:
                number, page = numbers[one.block], one.page_size
                block = BlockId(number, blocks[number].used_length, page, page)
                rows = _page_rows(one)
                where = MAIN if one.where is None else source(one.where[0])
                self.enter(block, rows, len(rows) // kernel.ROW, where, epoch)

    def ram(
        self,
        blocks: Sequence[RamBlock],
        summary: RamSummary,
        absent: str = NOTHING_SENT,
        unplugged: Mapping[str, Sequence[Stretch]] = NOTHING_UNPLUGGED,
        *,
        piped: bool = False,
    ) -> Ram:
        """All blocks with their contents.

        Parameters
        ----------
        blocks : in the order of their numbers
        absent : where the contents are of a block of which nothing was sent
        unplugged : by block, what a virtio-mem device said to be unplugged
        piped : the stream itself has gone by, and no contents were kept
        """
        sizes = {table.page for table in self.tables.values()}
        page = summary.page_size or max(sizes, default=4096)
        tallies = [entry.tally for entry in summary.blocks]
        contents = sum(t.pages - t.zero for t in tallies)
        # without its channels, the main channel of multifd has sync points, or nothing but zeros
        without_channels = self.synced or (not self._joined and not contents)
        made = []
        for number, block in enumerate(blocks):
            table = self.tables.get(number)
            fits = table is not None and table.entries.pages * table.page >= block.used_length
            pages: Pages | None = table if fits else None  # else: damage, another list of blocks
            if block.mapped is not None and block.mapped.bitmap.size and not piped:
                pages = BitmapPages(block.mapped, block.used_length, self.shared.sources[MAIN])
            why = CHANNELS if self._joined or self.synced else NEVER_SENT
            if without_channels and not self.synced:
                why = ZEROS_SENT
            gone = unplugged.get(block.name, ())
            one = Block(block, page, pages, unplugged=gone, why=absent if pages is None else why)
            unread = pages is None or without_channels
            if piped and one.size and not self._joined:
                one.elsewhere = PIPED
            elif unread and not one.presence().complete:
                one.elsewhere = one.why
            made.append(one)
        return Ram(summary, made)


def _page_rows(run: PageRun) -> memoryview:
    """A channel's pages as rows: those that follow each other in one."""
    rows = array("q")
    page = run.page_size
    kind = kernel.FILL if run.where is None else kernel.DATA
    at = 0 if run.where is None else run.where[1]
    last = -1
    for offset in run.offsets:
        if rows and offset == last + page:
            rows[-2] += 1
        else:
            rows.extend((kind, offset // page, 1, at))
        last = offset
        at += page
    return memoryview(rows)
