"""JSON Schema of the device state as `decode` prints it: which fields there are, and what numbers fit in each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from migstream.export.shapes.model import Item, Place, Shape
from migstream.names import json_text

__all__ = ["lines"]

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def lines(shapes: Sequence[Shape], places: Sequence[Place]) -> Iterator[str]:
    """One document: an object with a property for each device, by its path."""
    table = {
        "$schema": DRAFT,
        "title": "Device state of a QEMU migration stream",
        "type": "object",
        "properties": {place.path: _ref(place.shape) for place in places},
        "$defs": {shape.name: _object(shape) for shape in shapes},
    }
    yield from json_text(table, pretty=True).decode().splitlines()


def _ref(shape: Shape) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{shape.name}"}


def _object(shape: Shape) -> dict[str, Any]:
    named = [item for item in shape.items if item.label]
    return {
        "title": shape.label,
        "type": "object",
        "properties": {item.label: _value(item) for item in named},
    }


def _value(item: Item) -> dict[str, Any]:
    if item.kind == "bytes" or item.made == "known":
        return {"description": f"{item.type}, {item.size} bytes"}
    if item.made == "listed":
        return {"type": "array", "description": item.type}
    one = _ref(item.shape) if item.shape is not None else _number(item)
    if item.count is None:
        return one
    return {"type": "array", "items": one, "minItems": item.count, "maxItems": item.count}


def _number(item: Item) -> dict[str, Any]:
    if item.kind == "bool":
        return {"type": ["boolean", "integer"], "description": item.type}
    if item.kind == "float":
        return {"type": "number", "description": item.type}
    bits = 8 * item.width
    low, high = (
        (-(1 << bits - 1), (1 << bits - 1) - 1) if item.kind == "int" else (0, (1 << bits) - 1)
    )
    return {"type": "integer", "minimum": low, "maximum": high, "description": item.type}
