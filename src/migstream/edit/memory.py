"""Guest memory edited where it lies: records, block lists and mapped-ram areas of the RAM sections.

Facts: QEMU, migration/ram.c (save_page_header, parse_ramblocks, mapped_ram_setup_ramblock).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from migstream.edit.rewrite import Rewrite
from migstream.errors import BadRam, Unsupported
from migstream.ram import kernel
from migstream.ram.model import MappedRam, RamBlock, RamSetup
from migstream.ram.pages import BitmapPages
from migstream.ram.records import COMPRESS_PAGE, CONTINUE, KINDS, PAGE, XBZRLE, ZERO
from migstream.source.layers import telling
from migstream.source.pieces import Zeros
from migstream.wire.model import Command, Item, Section
from migstream.wire.write import counted

if TYPE_CHECKING:
    from migstream.stream import Stream

__all__ = [
    "Record",
    "drop_block",
    "last_place",
    "page_record",
    "ram_sections",
    "records",
    "rename_block",
    "section_records",
    "settle_areas",
    "unlist_block",
    "write_page",
]

ALIGNMENT = 1 << 20  # what QEMU rounds the beginning of a page area up to
LEAD = 8 + 1 + 255 + 4  # the longest part of a record that tells its length
TOLD = 1 << 20  # bytes of records after which somebody is told of them
OFFSETS = 12  # of bitmap_offset and pages_offset in the header


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


def ram_sections(stream: Stream) -> list[Section]:
    """The sections of guest memory, in their order."""
    return [section for section in stream.sections if section.name == "ram"]


def _records_start(section: Section) -> int:
    """Where page records begin: in START behind the list of blocks."""
    content = section.content
    if isinstance(content, RamSetup) and content.blocks:
        return content.blocks[-1].span.stop
    return section.payload.start


def _page_size(stream: Stream) -> int:
    page = stream.ram.page_size
    if page is None:
        raise Unsupported("nothing says how large this guest's pages are: no page was sent")
    return page


def records(stream: Stream) -> Iterator[Record]:
    """Every page record of the stream, one by one."""
    page = _page_size(stream)
    block, told = "", 0
    with telling(stream.watch, "looking for pages", stream.size) as tell:
        for section in ram_sections(stream):
            for record in section_records(stream, section, section.payload.stop, page, block):
                yield record
                block = record.block
                if record.stop - told > TOLD:
                    tell(record.stop - told)
                    told = record.stop


def section_records(
    stream: Stream, section: Section, stop: int, page: int, block: str
) -> Iterator[Record]:
    """The page records of one section.

    Parameters
    ----------
    stop : where they end: its payload's end, or where its damage is
    page : bytes of a guest page
    block : the one that the last record before this section belongs to

    Raises
    ------
    BadRam : nothing was read of it, or a record is cut off
    """
    if section.content is None:
        raise BadRam("a RAM section that could not be read", at=section.span.start)
    at = _records_start(section)
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


def last_place(stream: Stream) -> int:
    """Where a record can be added: behind all others, before what ends the last RAM section."""
    sections = ram_sections(stream)
    if not sections or sections[-1].how == "damage":
        raise Unsupported("the stream has no whole RAM section to put a page into")
    last = sections[-1]
    at = _records_start(last)
    for record in records(stream):
        at = max(at, record.stop)
    return at


# --- the contents of pages -----------------------------------------------------------------------


def write_page(
    stream: Stream, rewrite: Rewrite, block: RamBlock, offset: int, data: bytes
) -> int | None:
    """Give a page new contents where it stands in the stream.

    Parameters
    ----------
    offset, data : a whole page and where it is in the block, in bytes

    Returns where its contents are; None where they cannot be written over, and a record must be
    added to the last RAM section.
    """
    if block.mapped is not None:
        return _write_area(stream, rewrite, block, block.mapped, offset, data)
    versions = stream.history(block.name, offset)
    if versions and versions[-1].kind == "page" and versions[-1].at is not None:
        rewrite.patch(versions[-1].at, data)
        return versions[-1].at
    return None


def page_record(name: str, offset: int, data: bytes) -> bytes:
    """A PAGE record that names its block."""
    return (offset | PAGE).to_bytes(8, "big") + counted(name) + data


def _write_area(
    stream: Stream, rewrite: Rewrite, block: RamBlock, mapped: MappedRam, offset: int, data: bytes
) -> int:
    if not mapped.bitmap.size:
        raise Unsupported(f"RAM block {block.name} is not in this stream", at=block.span.start)
    size = min(len(data), mapped.pages.stop - mapped.pages.start - offset)
    rewrite.patch(mapped.pages.start + offset, data[:size])
    index = offset // mapped.page_size
    at = mapped.bitmap.start + ((index >> 3) ^ bitmap_flip(stream, block, mapped))
    [byte] = rewrite.now(at, at + 1, stream.store.view)
    rewrite.patch(at, bytes((byte | 1 << (index & 7),)))
    return mapped.pages.start + offset


def bitmap_flip(stream: Stream, block: RamBlock, mapped: MappedRam) -> int:
    """What turns the number of a bitmap's byte around: 7 for words of a big-endian host."""
    pages = BitmapPages(mapped, block.used_length, stream.store)
    bitmap = stream.store.view(*mapped.bitmap)
    count = -(-block.used_length // mapped.page_size)
    at = 0
    while at < count:
        found = next(pages.alike(at, count))
        bit, plain = kernel.bitmap_run(bitmap, 0, at, count)
        if (kernel.DATA if bit else kernel.FILL, plain) != found:
            return 7
        at += plain
    return 0


# --- blocks --------------------------------------------------------------------------------------


def _setup(stream: Stream, name: str) -> tuple[Section, RamSetup, RamBlock]:
    for section in ram_sections(stream):
        if isinstance(section.content, RamSetup):
            for block in section.content.blocks:
                if block.name == name:
                    return section, section.content, block
    raise Unsupported(f"RAM block {name} is in no list of blocks")


def rename_block(stream: Stream, rewrite: Rewrite, name: str, new: str) -> None:
    """Give a block another name: in the list, in records, in commands that discard parts of it."""
    _, _, block = _setup(stream, name)
    raw = counted(new)
    rewrite.replace(block.span.start, block.span.start + len(counted(name)), raw)
    if block.mapped is None and stream.ram.page_size is not None:
        for record in records(stream):
            if record.named and record.block == name:
                rewrite.replace(record.start + 8, record.content, raw)
    for command in _discards(stream.items, name):
        payload = bytes(stream.store.view(*command.payload))
        made = payload[:1] + raw + payload[1 + len(counted(name)) :]
        size = command.payload.start - 2
        rewrite.replace(size, command.payload.stop, len(made).to_bytes(2, "big") + made)


def drop_block(stream: Stream, rewrite: Rewrite, name: str) -> None:
    """Take a block out of the list, and all its records away."""
    block = unlist_block(stream, rewrite, name)
    if block.mapped is None and stream.ram.page_size is not None:
        start = stop = -1
        for record in records(stream):
            if record.block != name:
                continue
            if record.start != stop:
                if stop > start:
                    rewrite.replace(start, stop, b"")
                start = record.start
            stop = record.stop
        if stop > start:
            rewrite.replace(start, stop, b"")


def unlist_block(stream: Stream, rewrite: Rewrite, name: str) -> RamBlock:
    """Take a block out of the list, with its mapped-ram area and the commands that discard parts of it.

    Raises
    ------
    Unsupported : it is in no list, or the list is not where it should be
    """
    section, setup, block = _setup(stream, name)
    word = section.payload.start
    now = int.from_bytes(rewrite.now(word, word + 8, stream.store.view), "big")
    if setup.total + 4 != int.from_bytes(stream.store.view(word, word + 8), "big"):
        raise Unsupported("the list of blocks does not begin the RAM section", at=word)
    rewrite.patch(word, (now - block.used_length).to_bytes(8, "big"))
    rewrite.replace(*block.span, b"")
    for command in _discards(stream.items, name):
        rewrite.replace(*command.span, b"")
    return block


def _discards(items: tuple[Item, ...], name: str) -> Iterator[Command]:
    for item in items:
        if isinstance(item, Command):
            if item.name == "POSTCOPY_RAM_DISCARD" and item.value["block"] == name:
                yield item
            yield from _discards(item.items, name)


def settle_areas(stream: Stream, rewrite: Rewrite, base: int = 0) -> None:
    """Make mapped-ram headers right again after bytes before them came or went.

    Their offsets are those of the file, in which the result begins at offset `base`. A bitmap
    follows its header; the pages stay where they are, or move on by whole MiB, and the gap before
    them takes up the difference.
    """
    for block in stream.blocks:
        mapped = block.mapped
        if mapped is None or not mapped.bitmap.size:
            continue
        if rewrite.gone(mapped.header):
            continue
        shift = rewrite.places()(mapped.header.start) - mapped.header.start
        if not shift and mapped.bitmap_offset - mapped.bitmap.start == base:
            continue
        behind = base + mapped.bitmap.stop + shift
        pages = base + mapped.pages.start
        pages += -(-max(behind - pages, 0) // ALIGNMENT) * ALIGNMENT
        rewrite.replace(*mapped.gap, Zeros(pages - behind))
        bitmap = base + mapped.bitmap.start + shift
        offsets = bitmap.to_bytes(8, "big") + pages.to_bytes(8, "big")
        rewrite.patch(mapped.header.start + OFFSETS, offsets)
