"""Streams made by hand, byte by byte, from what QEMU's migration/savevm.c writes.

Nothing here uses the package under test: what it reads must agree with this, not with itself.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

HEADER = b"QEVM\0\0\0\x03"
END = b"\0"
EOS = 0x10
MEM_SIZE = 0x04
RAM_ID = 2


def be16(value: int) -> bytes:
    return struct.pack(">H", value)


def be32(value: int) -> bytes:
    return struct.pack(">I", value)


def be64(value: int) -> bytes:
    return struct.pack(">Q", value)


def counted(name: bytes | str) -> bytes:
    raw = name.encode() if isinstance(name, str) else name
    return bytes((len(raw),)) + raw


def configuration(machine: str = "none", subsections: bytes = b"") -> bytes:
    return b"\x07" + be32(len(machine)) + machine.encode() + subsections


def subsection(name: str, payload: bytes, version: int = 1) -> bytes:
    return b"\x05" + counted(name) + be32(version) + payload


def footer(section_id: int) -> bytes:
    return b"\x7e" + be32(section_id)


def section_start(
    kind: int, section_id: int, name: bytes | str, instance: int = 0, version: int = 1
) -> bytes:
    return bytes((kind,)) + be32(section_id) + counted(name) + be32(instance) + be32(version)


def full(section_id: int, name: str, payload: bytes, instance: int = 0, version: int = 1) -> bytes:
    """A device section with its footer."""
    head = section_start(4, section_id, name, instance, version)
    return head + payload + footer(section_id)


def ram_start(blocks: bytes = b"", total: int = 0) -> bytes:
    """RAM's setup: the announced sum, and blocks as `ram_block` makes them."""
    head = section_start(1, RAM_ID, "ram", version=4)
    return head + be64(total | MEM_SIZE) + blocks + be64(EOS) + footer(RAM_ID)


def ram_block(name: bytes | str, length: int) -> bytes:
    return counted(name) + be64(length)


def ram_part(records: bytes = b"", *, end: bool = True) -> bytes:
    kind = b"\x03" if end else b"\x02"
    return kind + be32(RAM_ID) + records + be64(EOS) + footer(RAM_ID)


def memory(
    records: Iterable[bytes], sizes: Mapping[str, int], page: int, *, end: bool = True
) -> bytes:
    """A stream with nothing but guest memory: blocks of `sizes` bytes, records of pages of `page` bytes."""
    blocks = b"".join(ram_block(name, size) for name, size in sizes.items())
    bits = subsection("configuration/target-page-bits", be32(page.bit_length() - 1))
    return (
        HEADER
        + configuration("none", bits)
        + ram_start(blocks, sum(sizes.values()))
        + ram_part(b"".join(records), end=end)
        + END
    )


def command(number: int, payload: bytes = b"", length: int | None = None) -> bytes:
    return b"\x08" + be16(number) + be16(len(payload) if length is None else length) + payload


def packaged(content: bytes, length: int | None = None) -> bytes:
    return command(7, be32(len(content) if length is None else length)) + content


def description(text: bytes | dict[str, Any], length: int | None = None) -> bytes:
    raw = text if isinstance(text, bytes) else json.dumps(text).encode()
    return b"\x06" + be32(len(raw) if length is None else length) + raw


def field(name: str, type_: str, size: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": type_, "size": size, **more}


def device(name: str, fields: Any, instance: Any = 0, **more: Any) -> dict[str, Any]:
    return {
        "name": name, "instance_id": instance, "vmsd_name": name, "version": 1, "fields": fields,
        **more,
    }  # fmt: skip


def described(*devices: Any, page_size: Any = 4096) -> dict[str, Any]:
    return {"page_size": page_size, "devices": list(devices)}


PAGE_RAM = ram_start(ram_block("pc.ram", 0x3000), 0x3000) + ram_part(
    be64(0x0000 | 0x08) + counted("pc.ram") + bytes(range(256)) * 16
    + be64(0x1000 | 0x02 | 0x20) + b"\0"
    + be64(0x2000 | 0x02 | 0x20) + b"\0"
)  # fmt: skip

ONE = device(
    "one",
    [
        field("flag", "bool", 1),
        field("words", "uint16", 2, array_len=4),
        field("when", "timer", 8),
        field("sub", "struct", 5, struct={
            "vmsd_name": "inner", "version": 1,
            "fields": [field("a", "uint8", 1), field("b", "int32", 4)],
        }),
        field("rows", "struct", 3, array_len=3, struct={
            "vmsd_name": "row", "version": 1,
            "fields": [field("x", "uint8", 1), field("y", "uint16", 2)],
        }),
        field("blob", "buffer", 7),
    ],
    subsections=[{"vmsd_name": "one/more", "version": 1, "fields": [field("z", "uint64", 8)]}],
)  # fmt: skip
ONE_BYTES = (
    b"\x01" + be16(1) + be16(2) + be16(3) + be16(4) + be64(2**64 - 1)
    + b"\x05" + be32(2**32 - 6) + b"\x01\x00\x02" * 3 + b"1234567"
    + subsection("one/more", be64(0xFEEDFACE))
)  # fmt: skip


def small(
    text: bytes | dict[str, Any] | None = None, *, head: bytes = b"", tail: bytes = b""
) -> bytes:
    """A whole stream of some 6 KiB: RAM, two devices, a description (`text` in its place)."""
    if text is None:
        text = described(ONE, device("two", [field("n", "uint32", 4)]))
    return (
        HEADER + configuration() + head + PAGE_RAM
        + full(3, "one", ONE_BYTES) + full(4, "two", be32(7))
        + END + description(text) + tail
    )  # fmt: skip


def block_list(count: int) -> Iterator[bytes]:
    """A stream that begins a MEM_SIZE list and goes on with `count` names of 255 bytes."""
    yield HEADER + configuration() + section_start(1, RAM_ID, "ram", version=4)
    yield be64((1 << 62) | MEM_SIZE)
    for first in range(0, count, 4096):
        numbers = range(first, min(first + 4096, count))
        yield b"".join(ram_block(b"%0255d" % number, 4096) for number in numbers)


def _uleb(value: int) -> bytes:
    return bytes((value,)) if value < 0x80 else bytes((value & 0x7F | 0x80, value >> 7))


def xbzrle_delta(old: bytes, new: bytes) -> bytes:
    """What turns `old` into `new`: pairs of how many bytes stay and how many, which, are new."""
    out, at = b"", 0
    while at < len(new):
        kept = at
        while kept < len(new) and old[kept] == new[kept]:
            kept += 1
        if kept == len(new):
            break
        stop = kept
        while stop < len(new) and old[stop] != new[stop]:
            stop += 1
        out += _uleb(kept - at) + _uleb(stop - kept) + new[kept:stop]
        at = stop
    return out
