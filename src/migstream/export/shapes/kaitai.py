"""Kaitai Struct: a .ksy for the whole stream, the devices as instances at their places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from migstream.export.shapes.model import Item, Names, Place, Shape
from migstream.names import json_line

__all__ = ["lines"]

LETTERS = {"uint": "u", "bool": "u", "int": "s", "float": "f"}


def lines(shapes: Sequence[Shape], places: Sequence[Place]) -> Iterator[str]:
    """Identifiers are in lower case there; a number behind one tells those apart that are alike then."""
    types = _lower(shape.name for shape in shapes)
    names = {id(shape): name for shape, name in zip(shapes, types, strict=True)}
    yield from ("meta:", "  id: qemu_stream", "  title: QEMU migration stream", "  endian: be")
    yield "instances:" if places else "seq: []"
    for place, name in zip(places, _lower(place.name for place in places), strict=True):
        yield f"  {name}:"
        yield f"    pos: {place.offset}"
        yield f"    type: {names[id(place.shape)]}"
        yield f"    doc: {json_line(place.path)}"
    if shapes:
        yield "types:"
    for shape, name in zip(shapes, types, strict=True):
        yield f"  {name}:"
        yield "    seq:" if shape.items else "    seq: []"
        for item, field in zip(shape.items, _lower(i.name for i in shape.items), strict=True):
            yield f"      - id: {field}"
            yield from (f"        {line}" for line in _field(item, names))


def _field(item: Item, names: dict[int, str]) -> Iterator[str]:
    if item.shape is not None:
        yield f"type: {names[id(item.shape)]}"
    elif item.kind == "bytes":
        yield f"size: {item.size}"
        yield from _doc(item)
        return
    else:
        order = "le" if item.little and item.width > 1 else ""
        yield f"type: {LETTERS[item.kind]}{item.width}{order}"
    if item.count is not None:
        yield "repeat: expr"
        yield f"repeat-expr: {item.count}"
    yield from _doc(item)


def _doc(item: Item) -> Iterator[str]:
    if item.label:
        yield f"doc: {json_line(f'{item.label}: {item.type}')}"


def _lower(names: Iterator[str]) -> list[str]:
    """In lower case, each once still."""
    given = Names()
    return [given.give(name.lower()) for name in names]
