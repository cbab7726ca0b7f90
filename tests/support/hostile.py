"""Streams whose names and description somebody has tampered with, by a number."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from support.build import (
    END,
    HEADER,
    ONE,
    ONE_BYTES,
    RAM_ID,
    be32,
    be64,
    counted,
    description,
    device,
    field,
    footer,
    ram_block,
    ram_part,
    ram_start,
    section_start,
    subsection,
)

__all__ = ["NAMES", "Pairs", "named", "tampered", "written"]

# What a description's JSON can have for a name, as text that `json.dumps` writes.
NAMES = [
    "\ud800", "x\udfff\udc80", "\udcff", "\x1b[31m", "\x9b31m", "\u202eevil", "\u2066\u2069", "\u200f", "\u061c",
    "\u2028", "a\x07\r\nb", "\x7f", "\\x1b", "\\udc80", "\\\\x80", "a = b", "  a", "a/b[0]", "é→𝄞", "\U000e0001", '"',
    "*", "**", "", "#2", "raw", "file", "[0]", "/", "x" * 255, "x" * 5000, "\u0085" * 40, "\x00",
]  # fmt: skip
NUMBERS = [-1, 0, 1, 2, 3, 16, 255, 65536, 2**31, 2**62, 2**63, 2**64, 2**80, 10**400, 1.5, 1e999]
KINDS: list[Any] = [None, True, "x", [], {}, [[]], [None], {"a": 1}, *NUMBERS]
TYPES = [
    "uint8", "uint64", "int32", "bool", "timer", "buffer", "struct", "nullptr", "ptr-marker", "capability", "bitmap",
    "qtailq", "qlist", "gtree", "tmp", "vstruct", "unused_buffer", "str", "float64", "pci irq state", "virtio", "CPU",
]  # fmt: skip


class Pairs(list[tuple[str, Any]]):
    """A JSON object as its pairs, which may have a key more than once."""


def pairs(thing: Any) -> Any:
    """The same with `Pairs` for objects."""
    if isinstance(thing, dict):
        return Pairs((key, pairs(value)) for key, value in thing.items())
    return [pairs(one) for one in thing] if isinstance(thing, list) else thing


def written(thing: Any) -> str:
    """As QEMU 6.0 and newer write it (qobject/json-writer.c)."""
    if isinstance(thing, Pairs):
        return "{" + ", ".join(f"{written(k)}: {written(v)}" for k, v in thing) + "}"
    if isinstance(thing, list):
        return "[" + ", ".join(map(written, thing)) + "]"
    if isinstance(thing, str):
        text = json.dumps(thing)
        return "".join(
            part if not index or len(part) < 4 else part[:4].upper() + part[4:]
            for index, part in enumerate(text.replace("\\u", "\0\\u\0").split("\0"))
        )
    return json.dumps(thing)


def _nodes(thing: Any) -> Iterator[tuple[Any, int]]:
    """Every place in the tree: a list, or the pairs of an object, and an index."""
    for index, one in enumerate(thing):
        yield thing, index
        value = one[1] if isinstance(thing, Pairs) else one
        if isinstance(value, list):
            yield from _nodes(value)


def _put(holder: Any, index: int, value: Any) -> None:
    holder[index] = (holder[index][0], value) if isinstance(holder, Pairs) else value


def _get(holder: Any, index: int) -> Any:
    return holder[index][1] if isinstance(holder, Pairs) else holder[index]


def _retyped(holder: Any, index: int, random: Random) -> None:
    _put(holder, index, pairs(random.choice(KINDS)))


def _numbered(holder: Any, index: int, random: Random) -> None:
    if isinstance(_get(holder, index), int):
        _put(holder, index, random.choice(NUMBERS))


def _renamed(holder: Any, index: int, random: Random) -> None:
    if isinstance(_get(holder, index), str):
        _put(holder, index, random.choice([*NAMES, *TYPES]))


def _doubled(holder: Any, index: int, random: Random) -> None:
    holder.insert(random.randint(0, len(holder)), holder[index])


def _gone(holder: Any, index: int, _: Random) -> None:
    del holder[index]


def _keyed(holder: Any, index: int, random: Random) -> None:
    if isinstance(holder, Pairs):
        keys = [
            "name",
            "type",
            "size",
            "array_len",
            "struct",
            "fields",
            "vmsd_name",
            "version",
            "subsections",
        ]
        holder[index] = (random.choice(keys), holder[index][1])


def _nested(holder: Any, index: int, random: Random) -> None:
    """Arrays of structs in arrays of structs, without a byte."""
    if (
        isinstance(holder, Pairs)
        and holder[index][0] == "fields"
        and isinstance(holder[index][1], list)
    ):
        deep = random.choice([2, 8, 20, 60])
        entry = pairs(
            field("deep", random.choice(TYPES), 0, array_len=random.choice([0, 16, 2**40]))
        )
        for _ in range(deep):
            group = {"vmsd_name": "deep", "version": 1, "fields": []}
            outer = pairs(field("deep", "struct", 0, array_len=16, struct=group))
            next(value for key, value in outer[-1][1] if key == "fields").append(entry)
            entry = outer
        holder[index][1].append(entry)


def _arrayed(holder: Any, index: int, random: Random) -> None:
    if isinstance(holder, Pairs):
        holder.append(("array_len", random.choice(NUMBERS)))


def _crossed(holder: Any, index: int, random: Random) -> None:
    """Two neighbours change places."""
    other = random.randrange(len(holder))
    holder[index], holder[other] = holder[other], holder[index]


OPERATIONS: list[Callable[[Any, int, Random], None]] = [
    _retyped, _numbered, _renamed, _renamed, _doubled, _gone, _keyed, _nested, _arrayed, _crossed,
]  # fmt: skip


def tampered(seed: int) -> bytes:
    """A stream of two devices and RAM whose description has one to four faults."""
    random = Random(seed)  # noqa: S311
    tree = pairs({
        "page_size": 4096,
        "devices": [ONE, device("two", [field("n", "uint32", 4)]), device("three", [
            field("list", "qtailq", 4, vmsd_name="entry", version=1, fields=[field("e", "uint16", 2)]),
            field("p", "ptr-marker", 1), field("p", "uint8", 1),
            field("net.mac", "buffer", 6),
        ])],
        "configuration": {"vmsd_name": "configuration", "version": 1, "fields": [
            field("len", "uint32", 4), field("name", "buffer", 4),
        ]},
    })  # fmt: skip
    for _ in range(random.randint(1, 4)):
        holder, index = random.choice(list(_nodes(tree)))
        if index < len(holder):
            random.choice(OPERATIONS)(holder, index, random)
    return assembled(written(tree).encode())


def assembled(text: bytes) -> bytes:
    return named(text=text)


def named(
    name: bytes = b"one",
    *,
    machine: bytes = b"none",
    block: bytes = b"pc.ram",
    capability: bytes = b"x-ignore",
    text: bytes = b"",
) -> bytes:
    """A whole stream in which names on the wire are these bytes."""
    caps = subsection("configuration/capabilities", be32(1) + counted(capability))
    ram = ram_start(ram_block(block, 0x3000), 0x3000) + ram_part(
        be64(0x08) + counted(block) + bytes(range(256)) * 16
        + be64(0x1000 | 0x22) + b"\0" + be64(0x2000 | 0x22) + b"\0"
    )  # fmt: skip
    three = b"\x01" + b"\x12\x34" + b"\0" + b"\x31\x05" + bytes.fromhex("525400123456")
    devices = (
        section_start(4, 3, name) + ONE_BYTES + footer(3)
        + section_start(4, 4, "two") + be32(7) + footer(4)
        + section_start(4, 5, "three") + three + footer(5)
    )  # fmt: skip
    head = HEADER + b"\x07" + be32(len(machine)) + machine + caps
    return head + ram + devices + END + description(text)


assert RAM_ID == 2
