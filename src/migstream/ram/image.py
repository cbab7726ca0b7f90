"""The memory image: what each page of each block held when the stream ended.

A walk tells of every page record (`ram.records.Sink`); the last one wins. One table per block
says in eight bytes a page where its content is, so that nothing is copied before it is asked for,
and any range can be read without the rest. XBZRLE deltas are chained to what they change.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from operator import itemgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from migstream.errors import BadRam, NoSuchAddress, Truncated
from migstream.names import brief
from migstream.qemu.words import say
from migstream.ram import kernel
from migstream.ram.model import BlockRecords, MappedRam, RamBlock, RamSummary, Tally
from migstream.ram.presence import (
    CHANNELS,
    KINDS,
    NEVER_SENT,
    NOTHING_SENT,
    ONE_VERSION,
    PIPED,
    UNPLUGGED,
    Presence,
    Run,
    Stretch,
    without,
)
from migstream.ram.records import BlockId, compress_bound
from migstream.ram.table import SLAB_BITS, Entries

if TYPE_CHECKING:
    import numpy as np

    from migstream.errors import StreamError
    from migstream.ram.channels import Channel, PageRun
    from migstream.source.spool import Spool

__all__ = [
    "Block",
    "ImageBuilder",
    "PageTable",
    "Pages",
    "Ram",
    "Run",
    "Source",
]

MAIN = 0
SHOWN = 8  # blocks in a repr
TABLE_FLOOR = 64 << 20
TABLE_RATIO = 8
SAMPLES = 64
WINDOW = 1 << 19  # bytes of a source that are read at once to copy pages out of them
NOTHING_UNPLUGGED: Mapping[str, Sequence[Stretch]] = MappingProxyType({})
OFFSET = (1 << kernel.SOURCE_BITS) - 1
XBZRLE_ERRORS = {
    1: "a length is cut off or too long",
    2: "a run goes past the page",
    3: "a run without new bytes",
    4: "new bytes are cut off",
}


class Source(Protocol):
    """Bytes that pages lie in: the stream itself, a channel, what was unpacked of channels."""

    size: int

    def view(self, start: int, stop: int) -> memoryview: ...


def _behind(at: int, page: int) -> Truncated:
    return Truncated(
        "a page lies behind the end of its source",
        at=at,
        expected=page,
        hint="the file is shorter than when it was indexed",
    )


class Pages(Protocol):
    """Where the pages of one block are, by one of two ways of keeping that."""

    def run(self, at: int, stop: int) -> tuple[int, int]:
        """Kind of page `at` (kernel.NEVER, FILL, DATA, ...) and how many from it on are alike."""
        ...

    def fill(self, first: int, out: memoryview) -> None:
        """The contents of pages from `first` on, as many as `out` has room for."""
        ...

    def pieces(self, first: int, count: int) -> list[memoryview]:
        """The contents of `count` pages in pieces, copied only where they have to be made."""
        ...

    def filled(self, at: int) -> int | None:
        """The fill byte of page `at`, None where its contents were sent, or nothing was."""
        ...


class PageTable:
    """Entries of one block, one for each page (`ram.kernel` says what they are).

    Parameters
    ----------
    pages, page : how many, and of how many bytes
    shared : what all blocks of an image have in common
    entries : those that are known already, which are then not changed any more
    """

    def __init__(
        self, pages: int, page: int, shared: Shared, entries: Entries | None = None
    ) -> None:
        self.page = page
        self.entries = Entries(pages) if entries is None else entries
        self._shared = shared
        self._blank = memoryview(bytes(page))

    def paint(self, rows: memoryview, used: int, stride: int, source: int) -> None:
        """Enter rows, later ones over earlier ones."""
        shared = self._shared
        if not used:
            return
        shared.room(used)
        shared.reached = max(shared.reached, rows[used * kernel.ROW - 1])
        row = skip = 0
        with memoryview(shared.deltas) as deltas:
            while row < used:
                number = rows[row * kernel.ROW + 1] + skip >> SLAB_BITS
                slab, base = self.entries.make(number), number << SLAB_BITS
                row, skip, shared.known, fresh = kernel.paint(
                    rows,
                    row,
                    skip,
                    used,
                    stride,
                    source,
                    base,
                    slab.entries,
                    memoryview(slab.touched),
                    deltas,
                    shared.known,
                )
                shared.touched(fresh)

    def run(self, at: int, stop: int) -> tuple[int, int]:
        kind, payload, count, _ = self.entries.run(at, stop)
        if kind == kernel.FILL and payload:
            kind = kernel.DATA
        return kind, count

    def pieces(self, first: int, count: int) -> list[memoryview]:
        page, made = self.page, []
        at, stop = first, first + count
        while at < stop:
            kind, payload, n, stride = self.entries.run(at, stop)
            if kind == kernel.NEVER or (kind == kernel.FILL and not payload):
                made += [self._blank] * n
            elif kind == kernel.DATA:
                # a stride may be anything: no more is read at once than the pages fill twice over
                n = min(n, max(WINDOW // stride, 1)) if stride else n
                start = payload & OFFSET
                last = start + (n - 1) * stride
                view = self._shared.view(payload >> kernel.SOURCE_BITS, start, last + page)
                if len(view) < last + page - start:
                    raise _behind(last, page)
                made += [view[k * stride : k * stride + page] for k in range(n)]
            else:
                out = memoryview(bytearray(n * page))
                self.fill(at, out)
                made.append(out)
            at += n
        return made

    def filled(self, at: int) -> int | None:
        entry = self.entries[at]
        return entry >> kernel.ENTRY_BITS & 0xFF if entry & 7 == kernel.FILL else None

    def fill(self, first: int, out: memoryview) -> None:
        page, shared = self.page, self._shared
        count, done = len(out) // page, 0
        while done < count:
            rest = out[done * page :]
            most = min(count - done, max(WINDOW // (2 * page), 1))
            entries, at, most = self.entries.window(first + done, most)
            source, low, high = kernel.extent(entries, at, most, page, WINDOW)
            view = shared.view(source, low, high)
            n = kernel.gather(entries, at, most, source, low, view, self._blank, rest)
            done += n
            if n:
                continue
            entry = entries[at]
            if entry & 7 == kernel.DATA:
                raise _behind(entry >> kernel.ENTRY_BITS & OFFSET, page)
            shared.page(entry, out[done * page : (done + 1) * page])
            done += 1


class Shared:
    """What the tables of one image share: the sources, the deltas, and how much memory they may take."""

    def __init__(self, sources: list[Source]) -> None:
        self.sources = sources
        self.deltas = array("Q")
        self.known = 0
        self.reached = 0  # the last offset that a row had: a pipe is at least so long
        self._groups = 0

    def room(self, more: int) -> None:
        """Make room for more deltas."""
        short = 2 * (self.known + more) - len(self.deltas)
        if short > 0:
            self.deltas.frombytes(bytes(8 * max(short, len(self.deltas) // 2)))

    def touched(self, groups: int) -> None:
        """Count groups of entries that were written to for the first time.

        QEMU sends every page of a block once at least, so entries never take more memory than the
        stream; a stream that scatters a few records over all of the address space would.
        """
        self._groups += groups
        there = max(self.reached, sum(source.size for source in self.sources))
        most = TABLE_FLOOR + TABLE_RATIO * there
        if self._groups << 12 > most:
            raise BadRam(
                "page records are scattered over more memory than they could ever fill",
                expected=f"tables of at most {most} bytes",
                found=self._groups << 12,
                hint="no QEMU writes such a stream: it is made to exhaust its reader",
            )

    def view(self, source: int, start: int, stop: int) -> memoryview:
        """Bytes [start, stop) of a source, fewer at its end."""
        if source >= len(self.sources):
            raise BadRam(f"a page in source {source}, which is not there")
        return self.sources[source].view(start, stop)

    def page(self, entry: int, out: memoryview) -> None:
        """The content of a page that is no plain copy: deltas applied, zlib unpacked."""
        chain: list[int] = []
        while entry & 7 == kernel.DELTA:
            index = entry >> kernel.ENTRY_BITS
            if index >= self.known or (chain and index >= chain[-1]):
                raise BadRam("an XBZRLE delta that is chained to itself")
            chain.append(index)
            entry = self.deltas[2 * index + 1]
        self._base(entry, out)
        for index in reversed(chain):
            self._apply(self.deltas[2 * index], out)

    def change(self, entry: int, out: memoryview) -> None:
        """The same where `out` has what the page was before: of a chain the last delta is enough."""
        if entry & 7 == kernel.DELTA:
            self._apply(self.deltas[2 * (entry >> kernel.ENTRY_BITS)], out)
        else:
            self._base(entry, out)

    def _base(self, entry: int, out: memoryview) -> None:
        kind, payload = entry & 7, entry >> kernel.ENTRY_BITS
        if kind in {kernel.NEVER, kernel.FILL}:
            out[:] = bytes([payload & 0xFF]) * len(out)
            return
        source, at = payload >> kernel.SOURCE_BITS, payload & OFFSET
        if kind == kernel.DATA:
            piece = self.view(source, at, at + len(out))
            if len(piece) < len(out):
                raise Truncated("a page is cut off", at=at, expected=len(out), found=len(piece))
            out[:] = piece
        else:
            self._unzip(source, at, out)

    def _unzip(self, source: int, at: int, out: memoryview) -> None:
        """A COMPRESS_PAGE record: be32 length, one zlib stream (ram-compress.c: do_data_decompress)."""
        size = int.from_bytes(self.view(source, at, at + 4), "big")
        packed = self.view(source, at + 4, at + 4 + min(size, compress_bound(len(out)) + 1))
        reason = ""
        if len(packed) == size <= compress_bound(len(out)):
            unzip = zlib.decompressobj()
            try:
                data = unzip.decompress(packed, len(out) + 1)
            except zlib.error as error:
                reason = str(error)
            else:
                if len(data) == len(out):
                    out[:] = data
                    return
                reason = f"{len(data)} bytes" if len(data) < len(out) else "more than a page"
        raise BadRam(
            f"decompress data failed: {reason or 'a length beyond all bounds'}",
            at=at,
            expected=f"one page of {len(out)} bytes",
            found=size,
            hint="the compressed page is damaged",
        )

    def _apply(self, at: int, out: memoryview) -> None:
        size = int.from_bytes(self.view(MAIN, at + 1, at + 3), "big")
        view = self.view(MAIN, at + 3, at + 3 + size)
        wrong, where = kernel.xbzrle(view, 0, len(view), out)
        if wrong:
            raise BadRam(
                f"{say('xbzrle/decode')} ({XBZRLE_ERRORS[wrong]})",
                at=at + 3 + where,
                expected=f"runs that fill at most {len(out)} bytes",
                found=bytes(view[where : where + 4]).hex(" "),
                hint="the delta is damaged",
            )


class BitmapPages:
    """Pages of a mapped-ram block: a bitmap and an area (migration/ram.c: ram_save_file_bmap).

    A page whose bit is 0 is zero. The words are in the byte order of the host that wrote them,
    which nothing records: see `_flip`.
    """

    def __init__(self, mapped: MappedRam, length: int, source: Source) -> None:
        self.page = mapped.page_size
        self._bitmap = source.view(*mapped.bitmap)
        self._area = mapped.pages.start
        self._source = source
        self._count = -(-length // self.page)

    @cached_property
    def _flip(self) -> int:
        """0 where the bitmap has little-endian words, 7 where it has big-endian ones of 64 bits.

        In the wrong order the last word has bits of pages that are not there, or set bits lead to
        pages of zeros: QEMU clears the bit of those (ram.c: save_zero_page).
        """
        tail = self._count % 64
        if tail and int.from_bytes(self._bitmap[-8:], "little") >> tail:
            return 7
        return 7 if self._hollow(0) and not self._hollow(7) else 0

    def _hollow(self, flip: int) -> bool:
        """Whether one of the first pages that the bitmap names holds nothing but zeros."""
        at, left = 0, SAMPLES
        while at < self._count and left:
            bit, count = kernel.bitmap_run(self._bitmap, flip, at, self._count)
            for index in range(at, at + min(count, left) if bit else at):
                left -= 1
                start = self._area + index * self.page
                if not any(self._source.view(start, start + self.page)):
                    return True
            at += count
        return False

    def _bits(self, at: int, stop: int) -> tuple[int, int]:
        return kernel.bitmap_run(self._bitmap, self._flip, at, stop)

    def run(self, at: int, stop: int) -> tuple[int, int]:
        bit, count = self._bits(at, stop)
        return kernel.DATA if bit else kernel.FILL, count

    def pieces(self, first: int, count: int) -> list[memoryview]:
        made = []
        at, stop = first, first + count
        while at < stop:
            bit, n = self._bits(at, stop)
            start = self._area + at * self.page
            size = n * self.page
            made.append(self._source.view(start, start + size) if bit else memoryview(bytes(size)))
            at += n
        return made

    def filled(self, at: int) -> int | None:
        return None if self._bits(at, at + 1)[0] else 0

    def fill(self, first: int, out: memoryview) -> None:
        page = self.page
        at, stop = first, first + len(out) // page
        while at < stop:
            bit, count = self._bits(at, stop)
            to = out[(at - first) * page : (at - first + count) * page]
            start = self._area + at * page
            to[:] = self._source.view(start, start + len(to)) if bit else bytes(len(to))
            at += count


class Block:
    """One RAM block's final contents: `block[0x7c00:0x7e00]`.

    Pages that were never sent read as zeros, as a destination has them, unless the contents are
    known to be elsewhere: then reading raises NoSuchAddress. `runs`, `coverage` and `presence`
    tell zero, absent and unplugged apart.

    Attributes
    ----------
    elsewhere : why the contents cannot be read here; None where they can
    unplugged : bytes of which a virtio-mem device said that nothing is plugged in there
    why : why pages of it may be absent
    """

    def __init__(
        self,
        block: RamBlock,
        page: int,
        pages: Pages | None,
        elsewhere: str | None = None,
        *,
        unplugged: Sequence[Stretch] = (),
        why: str = NEVER_SENT,
    ) -> None:
        self.name = block.name
        self.size = block.used_length
        self.address = block.address
        self.page = page
        self.elsewhere = elsewhere
        self.unplugged = tuple(unplugged)
        self.why = why
        self._pages = pages
        # of mapped-ram a page that was never sent is one of zeros
        mapped = block.mapped is not None and block.mapped.bitmap.size
        self._hollow = "zero" if mapped else "absent"

    def __len__(self) -> int:
        return self.size

    def __repr__(self) -> str:
        return brief("Block", self.name, f"{self.size:#x} bytes", self.elsewhere and "not here")

    def __getitem__(self, key: int | slice) -> bytes:
        """Bytes of the block; one byte for an integer. Negative indexes count from the end."""
        if isinstance(key, int):
            at = key + self.size if key < 0 else key
            return self.read(at, at + 1)
        start, stop, step = key.indices(self.size)
        return (
            self.read(start, max(start, stop))[::step] if step > 0 else self.read(0, self.size)[key]
        )

    def read(self, start: int, stop: int) -> bytes:
        """Bytes [start, stop).

        Raises
        ------
        NoSuchAddress : outside the block, or the contents are not in this stream
        ParseError : the records of these pages are damaged
        """
        return bytes(self._read(start, stop))

    def array(self, start: int = 0, stop: int | None = None) -> np.ndarray[Any, Any]:
        """Bytes [start, stop) as a NumPy array of uint8, shape (stop − start,)."""
        import numpy as np

        return np.frombuffer(self._read(start, self.size if stop is None else stop), np.uint8)

    def _read(self, start: int, stop: int) -> memoryview:
        if not 0 <= start <= stop <= self.size:
            raise NoSuchAddress(
                f"bytes {start:#x}-{stop:#x} of RAM block {self.name}",
                hint=f"the block has {self.size:#x} bytes",
            )
        first = start // self.page
        count = -(-stop // self.page) - first
        out = memoryview(bytearray(count * self.page))
        if count:
            self._sent().fill(first, out)
        lead = start - first * self.page
        return out[lead : lead + stop - start]

    def _sent(self) -> Pages:
        """Where the pages are; raises where they are not in the stream."""
        if self.elsewhere is not None or self._pages is None:
            raise NoSuchAddress(
                f"the contents of RAM block {self.name} are not in this stream",
                hint=self.elsewhere or "",
            )
        return self._pages

    def fill(self, first: int, out: memoryview) -> None:
        """Whole pages from page `first` on, as many as `out` has room for. Raises as `read`."""
        self._sent().fill(first, out)

    def pieces(self, first: int, count: int) -> list[memoryview]:
        """`count` whole pages from page `first` on, in pieces that follow each other.

        They are views of the stream where its bytes can be used as they are. Raises as `read`.
        """
        return self._sent().pieces(first, count)

    def runs(self, start: int = 0, stop: int | None = None) -> Iterator[Run]:
        """What [start, stop) consists of, in the largest pieces: `ram.presence.Run` has the kinds."""
        stop = self.size if stop is None else stop
        if self.elsewhere is None:
            return self._runs(start, stop)
        return without(_one("absent", start, stop), "absent", self.unplugged)

    def _runs(self, start: int, stop: int) -> Iterator[Run]:
        """The same of what was sent, whether or not it can be read here."""
        return without(self._kinds(start, stop), self._hollow, self.unplugged)

    def _kinds(self, start: int, stop: int) -> Iterator[Run]:
        if self._pages is None:
            yield from _one(self._hollow, start, stop)
            return
        at, end, page = start // self.page, -(-stop // self.page), self.page
        kind, since = "", start
        while at < end:
            entry, count = self._pages.run(at, end)
            name = {kernel.NEVER: "absent", kernel.FILL: "zero"}.get(entry, "data")
            if name != kind:
                if kind:
                    yield Run(kind, since, at * page)
                kind, since = name, max(start, at * page)
            at += count
        if kind:
            yield Run(kind, since, stop)

    def sent(self) -> Iterator[tuple[int, bytes | int]]:
        """Offset and contents of every page that was sent; a page of one byte as that byte."""
        for run in self.runs():
            if run.kind in {"absent", "unplugged"} or self._pages is None:
                continue
            for start in range(run.start, run.stop, self.page):
                byte = self._pages.filled(start // self.page)
                stop = min(start + self.page, self.size)
                yield start, self.read(start, stop) if byte is None else byte

    def coverage(self) -> dict[str, int]:
        """Bytes of the block by kind (`ram.presence.KINDS`)."""
        sizes = dict.fromkeys(KINDS, 0)
        for run in self.runs():
            sizes[run.kind] += run.stop - run.start
        return sizes

    def reason(self, offset: int) -> str:
        """Why no record of this source is about what the guest had at `offset`."""
        if any(start <= offset < stop for start, stop in self.unplugged):
            return UNPLUGGED
        return self.why if self._hollow == "absent" else ONE_VERSION

    def presence(self) -> Presence:
        """How many of its pages are in the source."""
        sizes = dict.fromkeys(KINDS, 0)
        for run in self._runs(0, self.size):
            sizes[run.kind] += run.stop - run.start
        pages, page = -(-self.size // self.page), self.page
        return Presence(
            page=page,
            pages=pages,
            sent=pages - -(-(sizes["absent"] + sizes["unplugged"]) // page),
            unplugged=sizes["unplugged"] // page,
            why=self.why,
        )


def _one(kind: str, start: int, stop: int) -> Iterator[Run]:
    if start < stop:
        yield Run(kind, start, stop)


class Ram(Mapping[str, Block]):
    """All RAM blocks: their final contents by name, and what the stream spent on them.

    `blocks`, `rounds`, `round_count` and `page_size` count records (`ram.model`).
    """

    def __init__(self, summary: RamSummary, blocks: Sequence[Block]) -> None:
        self.summary = summary
        self._blocks = {block.name: block for block in blocks}

    def __repr__(self) -> str:
        size = sum(block.size for block in self._blocks.values())
        names = ", ".join(islice(self._blocks, SHOWN)) + (", …" if len(self) > SHOWN else "")
        return brief("Ram", f"{len(self)} blocks, {size:#x} bytes{':' if names else ''}", names)

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def __getitem__(self, name: str) -> Block:
        block = self._blocks.get(name)
        if block is None:
            from difflib import get_close_matches

            near = get_close_matches(name, self._blocks, 3) or list(self._blocks)[:3]
            raise NoSuchAddress(
                f"no RAM block {name!r}", hint=f"there are {', '.join(near)}" if near else ""
            )
        return block

    def __contains__(self, name: object) -> bool:
        return name in self._blocks

    def __iter__(self) -> Iterator[str]:
        return iter(self._blocks)

    def __len__(self) -> int:
        return len(self._blocks)

    def read(self, block: str, start: int, stop: int) -> bytes:
        """Bytes of a block (`machine.physical.BlockReader`)."""
        return self[block].read(start, stop)

    @property
    def page_size(self) -> int | None:
        """Target page size in bytes, None where no record told."""
        return self.summary.page_size

    @property
    def blocks(self) -> tuple[BlockRecords, ...]:
        return self.summary.blocks

    @property
    def rounds(self) -> tuple[Tally, ...]:
        return self.summary.rounds

    @property
    def round_count(self) -> int:
        return self.summary.round_count


class Held(NamedTuple):
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
            why = CHANNELS if self._joined or without_channels else NEVER_SENT
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
