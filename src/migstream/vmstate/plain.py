"""A layout over bytes as plain objects: what `Value.value` and JSON have of structs and arrays."""

from __future__ import annotations

import struct
from typing import Any

import msgspec

from migstream.vmstate.layout import Node
from migstream.vmstate.types import wire_type

__all__ = ["plain"]


def _hex(value: Any) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        return value.hex()
    if isinstance(value, tuple):
        return list(value)
    return value


def plain(node: Node, raw: memoryview, at: int) -> Any:
    """What a node means, as JSON has it. `at` is where it begins in `raw`.

    Numbers, booleans, null, hex strings for bytes, lists and objects.
    """
    if node.kind == "sequence":
        out: list[Any] = []
        for child in node.children:
            inner = plain(child, raw, at + child.offset)
            out.extend(inner if child.count is not None else [inner])
        return out
    if node.count is None:
        return _single(node, raw, at)
    if node.kind == "leaf":
        wire = wire_type(node.type, node.stride)
        values = wire.bulk(raw[at : at + node.size], node.count)
        return values if wire.code else [_hex(value) for value in values]
    rows = _rows(node)
    if rows is not None:
        names, layout = rows
        return [
            dict(zip(names, row, strict=True))
            for row in layout.iter_unpack(raw[at : at + node.size])
        ]
    one = msgspec.structs.replace(node, count=None, size=node.stride)
    return [_single(one, raw, at + i * node.stride) for i in range(node.count)]


def _single(node: Node, raw: memoryview, at: int) -> Any:
    if node.kind == "leaf":
        return _hex(wire_type(node.type, node.size).decode(raw[at : at + node.size]))
    return {child.name: plain(child, raw, at + child.offset) for child in node.children}


def _rows(node: Node) -> tuple[list[str], struct.Struct] | None:
    """One compiled format for each element of an array of flat structs, where there is one."""
    codes = []
    at = 0
    for child in node.children:
        code = wire_type(child.type, child.stride).code
        if child.kind != "leaf" or child.count is not None or not code or child.offset != at:
            return None
        codes.append(code)
        at += child.size
    if at != node.stride or not codes:
        return None
    return [child.name for child in node.children], struct.Struct(">" + "".join(codes))
