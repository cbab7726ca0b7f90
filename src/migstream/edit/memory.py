"""Guest memory edited where it lies: records, block lists and mapped-ram areas of the RAM sections.

Facts: QEMU, migration/ram.c (parse_ramblocks, mapped_ram_setup_ramblock).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from migstream.edit.records import page_size, ram_sections, records_start, runs, section_runs
from migstream.edit.rewrite import Rewrite
from migstream.errors import Unsupported
from migstream.ram import kernel
from migstream.ram.bitmap import BitmapPages
from migstream.ram.model import MappedRam, RamBlock, RamSetup
from migstream.ram.records import PAGE
from migstream.source.pieces import Zeros
from migstream.wire.model import Command, Item, Section
from migstream.wire.write import counted

if TYPE_CHECKING:
    from migstream.stream import Stream

__all__ = [
    "drop_block",
    "last_place",
    "page_record",
    "rename_block",
    "settle_areas",
    "unlist_block",
    "write_page",
]

ALIGNMENT = 1 << 20  # what QEMU rounds the beginning of a page area up to
OFFSETS = 12  # of bitmap_offset and pages_offset in the header


def last_place(stream: Stream) -> int:
    """Where a record can be added: behind all others, before what ends the last RAM section."""
    sections = ram_sections(stream)
    if not sections or sections[-1].how == "damage":
        raise Unsupported("the stream has no whole RAM section to put a page into")
    at = records_start(sections[-1])
    for run in section_runs(stream, sections[-1], page_size(stream)):
        at = run.stop
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
        for first, _ in runs(stream):
            if first.named and first.block == name:
                rewrite.replace(first.start + 8, first.content, raw)
    for command in _discards(stream.items, name):
        payload = bytes(stream.store.view(*command.payload))
        made = payload[:1] + raw + payload[1 + len(counted(name)) :]
        size = command.payload.start - 2
        rewrite.replace(size, command.payload.stop, len(made).to_bytes(2, "big") + made)


def drop_block(stream: Stream, rewrite: Rewrite, name: str) -> None:
    """Take a block out of the list, and all its records away."""
    block = unlist_block(stream, rewrite, name)
    if block.mapped is None and stream.ram.page_size is not None:
        for first, stop in runs(stream):
            if first.block == name:
                rewrite.replace(first.start, stop, b"")


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
