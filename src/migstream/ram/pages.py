"""Where the content of each page lies: in eight bytes a page.

Nothing is copied before it is asked for, and any range can be read without the rest. XBZRLE deltas
are chained to what they change, and applied when the page is read.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, Protocol

from migstream.errors import BadRam, Truncated
from migstream.ram import kernel
from migstream.ram.records import compress_bound
from migstream.ram.scan import same
from migstream.ram.table import GROUP, SLAB, SLAB_BITS, Entries
from migstream.ram.xbzrle import xbzrle_decode
from migstream.source.store import file_under, read_into

if TYPE_CHECKING:
    from migstream.ram.beside import Marks

__all__ = ["MAIN", "OFFSET", "PageTable", "Pages", "Shared", "Source"]

MAIN = 0  # the source that is the stream itself
TABLE_FLOOR = 64 << 20
TABLE_RATIO = 8
WINDOW = 1 << 20  # bytes of a source that are read at once to copy pages out of them
COMPARED = 1 << 20  # the same, to compare pages with others
HELD = 8 << 20  # the same, where these are read from front to back
OFFSET = (1 << kernel.SOURCE_BITS) - 1


class Source(Protocol):
    """Bytes that pages lie in: the stream itself, a channel, what was unpacked of channels."""

    size: int

    def view(self, start: int, stop: int) -> memoryview: ...


def page_behind(at: int, page: int) -> Truncated:
    return Truncated(
        "a page lies behind the end of its source",
        at=at,
        expected=page,
        hint="the file is shorter than when it was indexed",
    )


class Pages(Protocol):
    """Where the pages of one block are, by one of two ways of keeping that."""

    def alike(self, at: int, stop: int) -> Iterator[tuple[int, int]]:
        """Pages [at, stop) as runs: kernel.NEVER, FILL of zeros, or DATA, and how many."""
        ...

    def fill(self, first: int, out: memoryview) -> None:
        """The contents of pages from `first` on, as many as `out` has room for."""
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

    def alike(self, at: int, stop: int) -> Iterator[tuple[int, int]]:
        return self.entries.alike(at, stop)

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
                raise page_behind(entry >> kernel.ENTRY_BITS & OFFSET, page)
            shared.page(entry, out[done * page : (done + 1) * page])
            done += 1

    def same(
        self, rows: memoryview, used: int, stride: int, window: memoryview, base: int, marks: Marks
    ) -> None:
        """Mark the pages of some rows whose contents are those that this table leads to, in the order that they came in.

        Parameters
        ----------
        rows, used : of another stream (`ram.kernel` says what a row is), ascending
        stride, window, base : bytes from one of their contents to the next; the bytes from offset `base` on that they are in
        """
        page, shared = self.page, self._shared
        last = (used - 1) * kernel.ROW
        stop = min(rows[last + 1] + rows[last + 2], self.entries.pages)
        row = skip = 0
        here = shared.held
        while row < used and (first := rows[row * kernel.ROW + 1] + skip) < stop:
            most = min(GROUP - first % GROUP, stop - first)
            zeros = rows[row * kernel.ROW] == kernel.FILL
            if zeros and most == GROUP <= rows[row * kernel.ROW + 2] - skip and marks.never(first):
                skip += GROUP  # of what may be most of a large guest: nobody reads it
                continue
            entries, at, count = self.entries.window(first, most)
            before = row, skip
            row, skip = same(
                rows,
                row,
                skip,
                used,
                stride,
                window,
                base,
                entries,
                at,
                first,
                here.view,
                here.source,
                here.low,
                here.high,
                page,
                marks.of(first, count),
            )
            if (row, skip) != before:
                here = shared.held
            elif here is not shared.held:
                raise BadRam("a page that is in no source")  # to who reads it, more is said
            else:
                here = self._bytes_of(first, count)

    def _bytes_of(self, first: int, count: int) -> Held:
        """The bytes of a source that page `first` is in, with those of pages behind it: of `count`, or of many, which are
        held, where one reads on in a source; else they were sent again.
        """
        shared, held = self._shared, self._shared.held
        entries, at, count = self.entries.window(first, count)
        source, low, high = kernel.extent(entries, at, count, self.page, COMPARED)
        if held.goes_on(source, low) and shared.is_file(source):
            entries, at, more = self.entries.window(first, SLAB)
            return shared.hold(*kernel.extent(entries, at, more, self.page, HELD))
        return Held(shared.view(source, low, high), source, low, high)


class Held(NamedTuple):
    """Bytes [low, high) of a source, fewer where it is cut off."""

    view: memoryview
    source: int
    low: int
    high: int

    def goes_on(self, source: int, low: int) -> bool:
        """Whether what begins at `low` is the next of what is read from front to back."""
        return not self.high or (source == self.source and 0 <= low - self.high < HELD)


class Shared:
    """What the tables of one image share: the sources, the deltas, and how much memory they may take."""

    def __init__(self, sources: list[Source]) -> None:
        self.sources = sources
        self.deltas = array("Q")
        self.known = 0
        self.held = Held(memoryview(b""), 0, 0, 0)
        self._buffer = memoryview(b"")
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

    def is_file(self, source: int) -> bool:
        """Whether a source is a file as it is, of which much may be read at once."""
        return source < len(self.sources) and file_under(self.sources[source], 0) is not None

    def hold(self, source: int, low: int, high: int) -> Held:
        """Bytes [low, high) of a source, at most HELD, in one buffer: those that were held before are gone."""
        if not self._buffer:
            self._buffer = memoryview(bytearray(HELD))
        size = read_into(self.sources[source], low, self._buffer[: high - low])
        self.held = Held(self._buffer[:size], source, low, high)
        return self.held

    def page(self, entry: int, out: memoryview) -> None:
        """The content of a page that is not a plain copy: deltas applied, zlib unpacked."""
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
        import zlib  # few streams have such pages

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
        xbzrle_decode(view, at + 3, out)
