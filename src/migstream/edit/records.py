"""The page records of a stream's RAM sections, where they stand: one by one, and in runs.

Facts: QEMU, migration/ram.c (save_page_header, ram_load_precopy).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from migstream.errors import BadRam, Unsupported
from migstream.ram import kernel
from migstream.ram.model import RamSetup
from migstream.ram.records import COMPRESS_PAGE, CONTINUE, KINDS, PAGE, XBZRLE, ZERO
from migstream.source.layers import telling
from migstream.wire.model import Section

if TYPE_CHECKING:
    from migstream.source.store import Store
    from migstream.stream import Stream

__all__ = [
    "Record",
    "Run",
    "page_size",
    "ram_sections",
    "records_start",
    "runs",
    "section_records",
    "section_runs",
]

LEAD = 8 + 1 + 255 + 4  # the longest part of a record that tells its length
FEW, MOST = (
    64 << 10,
    4 << 20,
)  # bytes of a run that are looked at together: at first, and in a long one
LONGEST = 11  # bytes of a record without a name, beside its page
ROWS = 1 << 13
ANY = 1 << 62  # an offset that no record has


class Record(NamedTuple):
    """A page record: [start, stop), its flags without CONTINUE, its block, and where its content is.

    `named` says whether the block's name stands in it.
    """

    start: int
    stop: int
    flags: int
    block: str
    offset: int
    content: int
    named: bool


class Run(NamedTuple):
    """Page records of one block without anything between them: they end at `stop`.

    All but the first have no name.
    """

    first: Record
    stop: int


def ram_sections(stream: Stream) -> list[Section]:
    """The sections of guest memory, in their order."""
    return [section for section in stream.sections if section.name == "ram"]


def records_start(section: Section) -> int:
    """Where page records begin: in START behind the list of blocks."""
    content = section.content
    if isinstance(content, RamSetup) and content.blocks:
        return content.blocks[-1].span.stop
    return section.payload.start


def page_size(stream: Stream) -> int:
    """Bytes of a page of the guest's; raises Unsupported where nothing says how many."""
    page = stream.ram.page_size
    if page is None:
        raise Unsupported("nothing says how large this guest's pages are: no page was sent")
    return page


# --- one by one --------------------------------------------------------------------------------------


def section_records(
    stream: Stream, section: Section, stop: int, page: int, block: str, at: int = 0
) -> Iterator[Record]:
    """The page records of one section.

    Parameters
    ----------
    stop : where they end: its payload's end, or where its damage is
    page : bytes of a guest page
    block : the one that the last record before them belongs to
    at : where they begin, if not with the section's first one

    Raises
    ------
    BadRam : nothing was read of it, or a record is cut off
    """
    if section.content is None:
        raise BadRam("a RAM section that could not be read", at=section.span.start)
    at = max(at, records_start(section))
    while at + 8 <= stop:
        record = _record(stream.store.view(at, min(at + LEAD, stop)), at, stop, page, block)
        if record is None:
            at += 8
            continue
        yield record
        block, at = record.block, record.stop


def _record(lead: memoryview, start: int, end: int, page: int, block: str) -> Record | None:
    """The page record at `start`; None where a word stands alone (EOS, MULTIFD_FLUSH, HOOK).

    Parameters
    ----------
    lead : bytes from `start` on
    end : where the records end

    Raises
    ------
    BadRam : it is cut off, as only those of a damaged section are
    """
    word = int.from_bytes(lead[:8], "big")
    flags, at = word & (page - 1), 8
    kind = flags & ~CONTINUE
    if kind not in KINDS:
        return None
    named = not flags & CONTINUE
    if named:
        size = int.from_bytes(lead[at : at + 1], "big")
        block = bytes(lead[at + 1 : at + 1 + size]).decode("utf-8", "surrogateescape")
        at += 1 + size
    sizes = {
        ZERO: 1,
        PAGE: page,
        XBZRLE: 3 + int.from_bytes(lead[at + 1 : at + 3], "big"),
        COMPRESS_PAGE: 4 + int.from_bytes(lead[at : at + 4], "big"),
    }
    content = start + at
    stop = content + sizes[kind]
    if stop > end:
        raise BadRam("a page record that is cut off", at=start)
    return Record(start, stop, kind, block, word - flags, content, named)


# --- in runs -----------------------------------------------------------------------------------------


def runs(stream: Stream) -> Iterator[Run]:
    """All page records of the stream."""
    page = page_size(stream)
    block, told = "", 0
    with telling(stream.watch, "looking for pages", stream.size) as tell:
        for section in ram_sections(stream):
            for run in section_runs(stream, section, page, block):
                yield run
                block = run.first.block
                tell(run.stop - told)
                told = run.stop


def section_runs(stream: Stream, section: Section, page: int, block: str = "") -> Iterator[Run]:
    """The page records of one whole section.

    Parameters
    ----------
    page : bytes of a guest page
    block : the one that the last record before this section belongs to

    Raises
    ------
    BadRam : nothing was read of it, or a record is cut off
    """
    stop, at = section.payload.stop, 0
    rows = memoryview(array("q", bytes(8 * kernel.ROW * ROWS)))
    while True:
        first = next(section_records(stream, section, stop, page, block, at), None)
        if first is None:
            return
        at = _onward(stream.store, first.stop, stop, page, rows)
        yield Run(first, at)
        block = first.block


def _onward(store: Store, at: int, stop: int, page: int, rows: memoryview) -> int:
    """Where the records end that go on with the block of the one before `at`."""
    counts = memoryview(array("q", bytes(72)))
    longest = LONGEST + page
    size = max(FEW, 2 * longest)
    while at < stop:
        view = store.view(at, min(at + size, stop))
        here, there = -1, 0
        # each time up to an offset that does not rise, or as many rows as there is room for
        while here < there:
            here = there
            there, _, _ = kernel.walk(view, here, at, page, ANY, -1, rows, counts)
        at += here
        if here + longest <= len(view) or not here:
            return at
        size = min(2 * size, MOST)
    return at
