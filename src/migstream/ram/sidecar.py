"""A sidecar index: the page tables of a stream, kept in a file beside it, mapped instead of walked.

    magic, be32 length of the JSON, JSON, then the tables, each at a multiple of 4096

The JSON names the stream by its size, its modification time and the hash of its first and last
bytes, so that an index of something else, or of an older state, is not used. Entries and deltas
are integers of the host's byte order, which is recorded; what they say is checked when it is used.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import sys
from array import array
from collections.abc import Sequence
from typing import Any

import msgspec

from migstream.errors import ParseError
from migstream.ram.image import Block, ImageBuilder, PageTable, Ram, Source
from migstream.ram.model import RamBlock, RamSummary

__all__ = ["SUFFIX", "load", "write"]

SUFFIX = ".migidx"
MAGIC = b"MIGIDX\0\1"
ALIGN = 4096
ENDS = 1 << 16
MOST_JSON = 64 << 20


class _Table(msgspec.Struct, frozen=True):
    """Entries of block `block`: `count` of them at `at`, for pages of `page` bytes."""

    block: int
    page: int
    at: int
    count: int


class _Head(msgspec.Struct, frozen=True, kw_only=True):
    """The JSON."""

    order: str
    source: dict[str, Any]
    summary: RamSummary
    blocks: list[RamBlock]
    elsewhere: dict[str, str]
    tables: list[_Table]
    deltas: _Table


def _identity(path: str | os.PathLike[str], store: Source) -> dict[str, Any]:
    ends = hashlib.sha256(store.view(0, min(ENDS, store.size)))
    ends.update(store.view(max(0, store.size - ENDS), store.size))
    return {
        "size": store.size,
        "mtime_ns": os.stat(path).st_mtime_ns,  # noqa: PTH116 - pathlib is not loaded to open a stream
        "ends": ends.hexdigest(),
    }


def write(
    fd: int,
    path: str | os.PathLike[str],
    builder: ImageBuilder,
    ram: Ram,
    blocks: Sequence[RamBlock],
) -> int:
    """Write the index of an undamaged stream; its size in bytes.

    Parameters
    ----------
    fd : a new file
    path : the stream's file
    blocks : the MEM_SIZE list
    """
    order = [*sorted(builder.tables.items())]
    deltas = builder.shared.deltas[: 2 * builder.shared.known]
    # where the tables begin depends on the JSON's length, which depends on the numbers in it
    base = ALIGN
    while True:
        at, tables = base, []
        for number, table in order:
            tables.append(_Table(number, table.page, at, len(table.entries)))
            at += -(-8 * len(table.entries) // ALIGN) * ALIGN
        head = _Head(
            order=sys.byteorder,
            source=_identity(path, builder.shared.sources[0]),
            summary=ram.summary,
            blocks=list(blocks),
            elsewhere={name: b.elsewhere for name, b in ram.items() if b.elsewhere is not None},
            tables=tables,
            deltas=_Table(0, 0, at, len(deltas)),
        )
        text = msgspec.json.encode(head)
        if len(MAGIC) + 4 + len(text) <= base:
            break
        base += -(-(len(MAGIC) + 4 + len(text) - base) // ALIGN) * ALIGN
    os.pwrite(fd, MAGIC + len(text).to_bytes(4, "big") + text, 0)
    for (_, table), place in zip(order, tables, strict=True):
        _write_table(fd, table, place.at)
    size = at + 8 * len(deltas)
    os.ftruncate(fd, size)
    done = 0
    raw = memoryview(deltas).cast("B")
    while done < len(raw):
        done += os.pwrite(fd, raw[done:], at + done)
    return size


def _write_table(fd: int, table: PageTable, at: int) -> None:
    """Entries, those that were never written to as holes."""
    from migstream.ram.kernel import GROUP_BITS

    raw = table.entries.cast("B")
    group = 8 << GROUP_BITS
    for number, touched in enumerate(bytes(table.touched)):
        if touched:
            os.pwrite(fd, raw[number * group : (number + 1) * group], at + number * group)


def load(path: str | os.PathLike[str], store: Source) -> Ram | None:
    """The memory of the stream at `path` by the index beside it; None where that does not fit."""
    try:
        with open(f"{os.fspath(path)}{SUFFIX}", "rb") as file:  # noqa: PTH123 - as in _identity
            whole = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        return _open(whole, _identity(path, store), store)
    except (OSError, ValueError, msgspec.MsgspecError, ParseError):
        return None


def _open(whole: memoryview, identity: dict[str, Any], store: Source) -> Ram | None:
    lead = len(MAGIC) + 4
    size = int.from_bytes(whole[len(MAGIC) : lead], "big")
    if bytes(whole[: len(MAGIC)]) != MAGIC or size > MOST_JSON:
        return None
    head = msgspec.json.decode(whole[lead : lead + size], type=_Head)
    if head.order != sys.byteorder or head.source != identity:
        return None
    if not all(_fits(block, store.size) for block in head.blocks):
        return None
    builder = ImageBuilder([store])
    deltas = _entries(whole, head.deltas)
    builder.shared.deltas = array("Q", deltas.tobytes())
    builder.shared.known = len(deltas) // 2
    for place in head.tables:
        block = head.blocks[place.block] if 0 <= place.block < len(head.blocks) else None
        if block is None or place.page < 1 or -(-block.used_length // place.page) != place.count:
            return None
        builder.tables[place.block] = PageTable(
            place.count, place.page, builder.shared, _entries(whole, place)
        )
    ram = builder.ram(head.blocks, head.summary)
    for name, reason in head.elsewhere.items():
        block_: Block = ram[name]
        block_.elsewhere = reason
    return ram


def _fits(block: RamBlock, size: int) -> bool:
    """Whether a mapped-ram block's bitmap and area lie in a file of `size` bytes."""
    mapped = block.mapped
    if mapped is None or not mapped.bitmap.size:
        return True
    words = -(-block.used_length // max(mapped.page_size, 1) // 64)
    return (
        0 <= mapped.bitmap.start <= mapped.bitmap.stop <= size
        and mapped.pages.start >= 0
        and mapped.pages.start + block.used_length <= size
        and mapped.page_size >= 1
        and mapped.bitmap.size >= 8 * words
    )


def _entries(whole: memoryview, place: _Table) -> memoryview:
    raw = whole[place.at : place.at + 8 * place.count]
    if place.at < 0 or place.count < 0 or len(raw) != 8 * place.count:
        raise ParseError("a table of the index is cut off", at=place.at)
    return raw.cast("Q")
