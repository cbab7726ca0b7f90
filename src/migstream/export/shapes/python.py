"""Python: dataclasses that read themselves, typed, without anything but the standard library."""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Sequence

from migstream.export.shapes.model import Item, Place, Shape

__all__ = ["lines"]

HEAD = '''\
"""Device state of a QEMU migration stream: places are of one stream."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar


def _number(raw: memoryview, code: str, at: int) -> int:
    return int(struct.unpack_from(code, raw, at)[0])


def _numbers(raw: memoryview, code: str, count: int, at: int) -> tuple[int, ...]:
    return struct.unpack_from(f"{code[0]}{count}{code[1]}", raw, at)
'''
CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}
FLOATS = {4: "f", 8: "d"}
RESERVED = frozenset({"SIZE", "read", "cls", "raw", "at", "struct", "dataclass", "int", "float", "bytes", "tuple", "range"})  # fmt: skip


def lines(shapes: Sequence[Shape], places: Sequence[Place]) -> Iterator[str]:
    """A module: `devices(data)` has the state of each, `data` being the whole stream."""
    yield from HEAD.splitlines()
    for shape in shapes:
        yield from ("", "", "@dataclass(frozen=True, slots=True)", f"class Qemu_{shape.name}:")
        yield f"    SIZE: ClassVar[int] = {shape.size}"
        yield from (f"    {_name(item)}: {_type(item)}" for item in shape.items)
        yield ""
        yield "    @classmethod"
        yield f"    def read(cls, raw: memoryview, at: int = 0) -> Qemu_{shape.name}:"
        yield "        return cls("
        yield from (f"            {_name(item)}={_read(item)}," for item in shape.items)
        yield "        )"
    yield from ("", "", "@dataclass(frozen=True, slots=True)", "class Devices:")
    yield from (f"    d_{place.name}: Qemu_{place.shape.name}" for place in places)
    yield from ([] if places else ["    pass"])
    yield from ("", "", "def devices(data: bytes) -> Devices:")
    yield '    """All of them, of the whole stream."""'
    yield "    raw = memoryview(data)"
    yield "    return Devices("
    yield from (
        f"        d_{place.name}=Qemu_{place.shape.name}.read(raw, {place.offset}),"
        for place in places
    )
    yield "    )"


def _name(item: Item) -> str:
    clash = keyword.iskeyword(item.name) or item.name in RESERVED or item.name.startswith("__")
    return f"f_{item.name}" if clash else item.name


def _type(item: Item) -> str:
    one = "bytes" if item.kind == "bytes" else "float" if item.kind == "float" else "int"
    if item.shape is not None:
        one = f"Qemu_{item.shape.name}"
    return one if item.count is None or item.kind == "bytes" else f"tuple[{one}, ...]"


def _read(item: Item) -> str:
    at = f"at + {item.offset}"
    if item.shape is not None:
        one = f"Qemu_{item.shape.name}.read(raw, {at}"
        if item.count is None:
            return f"{one})"
        return f"tuple({one} + n * {item.width}) for n in range({item.count}))"
    if item.kind == "bytes":
        return f"bytes(raw[{at} : {at} + {item.size}])"
    order = "<" if item.little else ">"
    if item.kind == "float":
        code = f"{order}{item.count or ''}{FLOATS[item.width]}"
        values = f"struct.unpack_from({code!r}, raw, {at})"
        return f"float({values}[0])" if item.count is None else values
    letter = CODES[item.width]
    code = order + (letter.lower() if item.kind == "int" else letter)
    if item.count is None:
        return f"_number(raw, {code!r}, {at})"
    return f"_numbers(raw, {code!r}, {item.count}, {at})"
