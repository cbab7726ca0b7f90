"""Wireshark: a Lua dissector that takes a packet for a whole stream (link type USER0), and shows its devices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from migstream.export.shapes.model import Item, Place, Shape
from migstream.names import json_line

__all__ = ["lines"]

HEAD = """\
-- Device state of a QEMU migration stream: places are of one stream.
-- A capture whose packets are streams: editcap and text2pcap make one, link type 147 (USER0).
local proto = Proto("qemu_stream", "QEMU migration stream")
local show = {}

local function bytes(tree, tvb, at, size, label)
    tree:add(tvb(at, size), label .. ": " .. size .. " bytes")
end

local function number(tree, tvb, at, width, signed, little, label)
    local piece = tvb(at, width)
    local value
    if width == 8 then
        if signed then value = little and piece:le_int64() or piece:int64()
        else value = little and piece:le_uint64() or piece:uint64() end
    elseif signed then value = little and piece:le_int() or piece:int()
    else value = little and piece:le_uint() or piece:uint() end
    tree:add(piece, label .. ": " .. tostring(value))
end
"""


def lines(shapes: Sequence[Shape], places: Sequence[Place]) -> Iterator[str]:
    """Each shape is a function, found by its name: Lua allows two hundred locals."""
    yield from HEAD.splitlines()
    for shape in shapes:
        yield ""
        yield f"show.{shape.name}_ = function(tree, tvb, at)"
        for item in shape.items:
            yield from (f"    {line}" for line in _shown(item))
        yield "end"
    yield ""
    yield "function proto.dissector(tvb, pinfo, tree)"
    yield '    pinfo.cols.protocol = "QEMU"'
    yield '    local root = tree:add(proto, tvb(), "QEMU migration stream")'
    for place in places:
        end = place.offset + place.shape.size
        yield f"    if tvb:len() >= {end} then"
        label = json_line(place.path)
        piece = f"tvb({place.offset}, {place.shape.size})" if place.shape.size else "tvb(0, 0)"
        yield f"        show.{place.shape.name}_(root:add({piece}, {label}), tvb, {place.offset})"
        yield "    end"
    yield "end"
    yield ""
    yield 'DissectorTable.get("wtap_encap"):add(wtap.USER0, proto)'


def _shown(item: Item) -> Iterator[str]:
    label = json_line(item.label or item.name)
    if item.kind == "bytes" or item.kind == "float":
        yield f"bytes(tree, tvb, at + {item.offset}, {item.size}, {label})"
        return
    if item.count is not None:
        yield f"local inner = tree:add(tvb(at + {item.offset}, {item.size}), {label})"
        yield f"for n = 0, {item.count - 1} do"
        yield f"    {_one(item, 'inner', f'at + {item.offset} + n * {item.width}', 'tostring(n)')}"
        yield "end"
        return
    yield _one(item, "tree", f"at + {item.offset}", label)


def _one(item: Item, tree: str, at: str, label: str) -> str:
    if item.shape is not None:
        return f"show.{item.shape.name}_({tree}:add(tvb({at}, {item.width}), {label}), tvb, {at})"
    signed, little = (str(flag).lower() for flag in (item.kind == "int", item.little))
    return f"number({tree}, tvb, {at}, {item.width}, {signed}, {little}, {label})"
