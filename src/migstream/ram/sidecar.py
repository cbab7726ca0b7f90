"""A sidecar index: the page tables of a stream, kept in a file beside it, read instead of walking.

    magic, be32 length of the JSON, JSON, its SHA-256, then the tables, each at a multiple of 4096

An index says where memory is, so whoever can write one decides what is shown. It is believed only
where it is bound to its stream: the JSON names size, inode, times (the time of the last change of
any kind, which nobody can set, is one) and the hash of the first and last bytes, and holds a hash of every
slab of entries, which is checked before the first of them is used. And it is not read where
others could have put or changed it, unless it is asked for. Entries and deltas are integers of the
host's byte order, which is recorded; what they say is checked when it is used.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from array import array
from collections.abc import Mapping, Sequence
from functools import partial
from typing import IO, Any

import msgspec

from migstream.errors import ParseError, SourceError, Unsupported
from migstream.ram.builder import ImageBuilder
from migstream.ram.image import Ram
from migstream.ram.model import RamBlock, RamSummary
from migstream.ram.pages import PageTable, Source
from migstream.ram.presence import Stretch
from migstream.ram.table import GROUP, SLAB, SLAB_BITS, Entries, Slab

__all__ = ["SUFFIX", "Index", "load", "write"]

SUFFIX = ".migidx"
MAGIC = b"MIGIDX\0\2"
ALIGN = 4096
ENDS = 1 << 16
MOST_JSON = 64 << 20
HASH = 32  # bytes of SHA-256
OTHERS = stat.S_IWGRP | stat.S_IWOTH
AGAIN = "`migstream index` makes it again; without it, the stream is walked"


class _Piece(msgspec.Struct, frozen=True):
    """`count` integers of 64 bits at offset `at` of the index, and their hash."""

    at: int
    count: int
    sum: str


class _Table(msgspec.Struct, frozen=True):
    """Entries of block `block`, for pages of `page` bytes: `count` of them, counted from `at`.

    Only slabs that were written to are in the file; they are here with their hashes.
    """

    block: int
    page: int
    at: int
    count: int
    slabs: dict[int, str]


class _Head(msgspec.Struct, frozen=True, kw_only=True):
    """The JSON. Names are in Latin-1, byte for byte, since not all of them are UTF-8."""

    order: str
    source: dict[str, Any]
    summary: RamSummary
    blocks: list[RamBlock]
    synced: bool
    absent: str
    unplugged: dict[str, list[tuple[int, int]]]
    tables: list[_Table]
    deltas: _Piece


class Index:
    """An index that fits its stream; its tables are read when they are needed."""

    def __init__(self, file: IO[bytes], ram: Ram) -> None:
        self.ram = ram
        self._file = file

    def close(self) -> None:
        self._file.close()


def _identity(path: str | os.PathLike[str], store: Source) -> dict[str, Any]:
    ends = hashlib.sha256(store.view(0, min(ENDS, store.size)))
    ends.update(store.view(max(0, store.size - ENDS), store.size))
    facts = os.stat(path)  # noqa: PTH116 - pathlib is not loaded to open a stream
    return {
        "size": store.size,
        "inode": facts.st_ino,
        "mtime_ns": facts.st_mtime_ns,
        "ctime_ns": facts.st_ctime_ns,
        "ends": ends.hexdigest(),
    }


def _sum(raw: bytes | memoryview) -> str:
    return hashlib.blake2b(raw, digest_size=16).hexdigest()


def _latin(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("latin-1")


def _utf8(name: str) -> str:
    return name.encode("latin-1").decode("utf-8", "surrogateescape")


def _renamed(
    blocks: Sequence[RamBlock], summary: RamSummary, to: Any
) -> tuple[list[RamBlock], RamSummary]:
    """Both with other names."""
    replace = msgspec.structs.replace
    tallies = tuple(replace(entry, name=to(entry.name)) for entry in summary.blocks)
    named = [replace(block, name=to(block.name)) for block in blocks]
    return named, replace(summary, blocks=tallies)


# --- written -------------------------------------------------------------------------------------


def write(
    fd: int,
    path: str | os.PathLike[str],
    builder: ImageBuilder,
    blocks: Sequence[RamBlock],
    summary: RamSummary,
    absent: str,
    unplugged: Mapping[str, Sequence[Stretch]],
) -> int:
    """Write the index of an undamaged stream; its size in bytes.

    Parameters
    ----------
    fd : a new file
    path : the stream's file
    blocks : the MEM_SIZE list
    absent, unplugged : see `ImageBuilder.ram`
    """
    order = sorted(builder.tables.items())
    deltas = memoryview(builder.shared.deltas[: 2 * builder.shared.known]).cast("B")
    named, told = _renamed(blocks, summary, _latin)
    sums = [_sums(table.entries) for _, table in order]
    # where the tables begin depends on the JSON's length, which depends on the numbers in it
    base = ALIGN
    while True:
        at, tables = base, []
        for (number, table), slabs in zip(order, sums, strict=True):
            count = table.entries.pages
            tables.append(_Table(number, table.page, at, count, slabs))
            at += -(-8 * count // ALIGN) * ALIGN
        head = _Head(
            order=sys.byteorder,
            source=_identity(path, builder.shared.sources[0]),
            summary=told,
            blocks=named,
            synced=builder.synced,
            absent=absent,
            unplugged={_latin(name): list(gone) for name, gone in unplugged.items()},
            tables=tables,
            deltas=_Piece(at, len(deltas) // 8, _sum(deltas)),
        )
        text = msgspec.json.encode(head)
        lead = len(MAGIC) + 4 + len(text) + HASH
        if lead <= base:
            break
        base += -(-(lead - base) // ALIGN) * ALIGN
    _put(fd, MAGIC + len(text).to_bytes(4, "big") + text + hashlib.sha256(text).digest(), 0)
    for (_, table), place in zip(order, tables, strict=True):
        for number in table.entries.numbers:
            _write_slab(fd, table.entries, number, place.at)
    os.ftruncate(fd, at + len(deltas))
    _put(fd, deltas, at)
    return at + len(deltas)


def _put(fd: int, raw: bytes | memoryview, at: int) -> None:
    done = 0
    while done < len(raw):
        done += os.pwrite(fd, raw[done:], at + done)


def _sums(entries: Entries) -> dict[int, str]:
    slabs = ((number, entries.slab(number)) for number in entries.numbers)
    return {number: _sum(slab.entries) for number, slab in slabs if slab is not None}


def _write_slab(fd: int, entries: Entries, number: int, base: int) -> None:
    """Groups that were never written to stay holes."""
    slab = entries.slab(number)
    assert slab is not None
    raw, group = slab.entries.cast("B"), 8 * GROUP
    at = base + 8 * (number << SLAB_BITS)
    for index, touched in enumerate(slab.touched):
        if touched:
            _put(fd, raw[index * group : (index + 1) * group], at + index * group)


# --- read ----------------------------------------------------------------------------------------


def load(
    path: str | os.PathLike[str], store: Source, asked: str | os.PathLike[str] | None = None
) -> Index | str | None:
    """The index of the stream at `path`; None where there is none, or in words why it is not used.

    Parameters
    ----------
    asked : an index to be used wherever it lies; without, the one beside the stream

    Raises
    ------
    SourceError, Unsupported : what was asked for cannot be read, or does not fit
    """
    where = f"{os.fspath(path)}{SUFFIX}" if asked is None else os.fspath(asked)
    try:
        file = open(where, "rb")  # noqa: PTH123, SIM115 - as in _identity; Index closes it
    except FileNotFoundError:
        if asked is None:
            return None
        raise SourceError(f"{where}: no such file") from None
    except OSError as error:
        return _refused(where, (error.strerror or "it cannot be read").lower(), asked)
    found: Index | str
    try:
        found = "" if asked is not None else _distrust(file.fileno(), where)
        if not found:
            found = _open(file, _identity(path, store), store)
    except (OSError, ValueError, msgspec.MsgspecError, ParseError):
        found = "it is damaged"
    if isinstance(found, Index):
        return found
    file.close()
    return _refused(where, found, asked)


def _refused(where: str, why: str, asked: object) -> str:
    if asked is not None:
        raise Unsupported(f"{where} is not an index of this stream: {why}", hint=AGAIN)
    return f"{where} is not used: {why}"


def _distrust(fd: int, where: str) -> str:
    """Why somebody else may have made or changed the index; empty where nobody can have."""
    own = {os.geteuid(), 0}
    facts, folder = os.fstat(fd), os.stat(os.path.dirname(where) or ".")  # noqa: PTH116, PTH120
    if not stat.S_ISREG(facts.st_mode):
        return "it is not a file"
    if facts.st_uid not in own or facts.st_mode & OTHERS:
        return "others can write to it (--index FILE reads it all the same)"
    if folder.st_uid not in own or folder.st_mode & OTHERS:
        return "others can write to its folder (--index FILE reads it all the same)"
    return ""


def _open(file: IO[bytes], identity: dict[str, Any], store: Source) -> Index | str:
    head = _head(file.fileno())
    if head is None:
        return "it is damaged, or of another release"
    if head.order != sys.byteorder:
        return "it was made on a machine of another byte order"
    if head.source != identity:
        return "it was made of another stream, or of another state of this one"
    blocks, summary = _renamed(head.blocks, head.summary, _utf8)
    if not all(_fits(block, store.size) for block in blocks) or not _pages_fit(head):
        return "it is damaged"
    builder = ImageBuilder([store], synced=head.synced)
    deltas = _read(file, head.deltas)
    builder.shared.deltas = array("Q", deltas.tobytes())
    builder.shared.known = len(deltas) // 2
    for place in head.tables:
        entries = Entries(place.count, place.slabs, partial(_slab, file, place))
        builder.tables[place.block] = PageTable(place.count, place.page, builder.shared, entries)
    unplugged = {_utf8(name): gone for name, gone in head.unplugged.items()}
    return Index(file, builder.ram(blocks, summary, head.absent, unplugged))


def _head(fd: int) -> _Head | None:
    lead = len(MAGIC) + 4
    start = os.pread(fd, lead, 0)
    size = int.from_bytes(start[len(MAGIC) :], "big")
    if start[: len(MAGIC)] != MAGIC or size > min(MOST_JSON, os.fstat(fd).st_size):
        return None
    text = os.pread(fd, size + HASH, lead)
    if hashlib.sha256(text[:size]).digest() != text[size:]:
        return None
    return msgspec.json.decode(text[:size], type=_Head)


def _pages_fit(head: _Head) -> bool:
    """Whether the tables are those of the blocks, all of one page size."""
    page = head.summary.page_size
    if page is not None and (page.bit_count() != 1 or not 256 <= page <= 1 << 16):
        return False
    for place in head.tables:
        block = head.blocks[place.block] if 0 <= place.block < len(head.blocks) else None
        if block is None or place.page != page or -(-block.used_length // page) != place.count:
            return False
        if not all(0 <= number << SLAB_BITS < place.count for number in place.slabs):
            return False
    return True


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


def _slab(file: IO[bytes], place: _Table, number: int) -> Slab:
    """Slab `number` of a table."""
    first = number << SLAB_BITS
    count = min(SLAB, place.count - first)
    entries = _read(file, _Piece(place.at + 8 * first, count, place.slabs[number]))
    return Slab(entries, bytearray(b"\1") * -(-count // GROUP))


def _read(file: IO[bytes], piece: _Piece) -> memoryview:
    """The integers; raises ParseError where they are not those that were written."""
    raw = b""
    if 0 <= piece.at <= piece.at + 8 * piece.count <= os.fstat(file.fileno()).st_size:
        raw = os.pread(file.fileno(), 8 * piece.count, piece.at)
    if len(raw) != 8 * piece.count or _sum(raw) != piece.sum:
        raise ParseError(
            f"the index {file.name} is damaged, or was changed: it is not what was written",
            hint=f"delete it; {AGAIN}",
        )
    return memoryview(raw).cast("Q")
