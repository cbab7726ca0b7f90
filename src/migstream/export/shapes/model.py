"""Shapes of a stream's devices: structs of fields at fixed places, which together have every byte."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Literal

import msgspec

from migstream.stream import Device, Stream
from migstream.vmstate.layout import Node
from migstream.vmstate.types import WireType, wire_type
from migstream.vmstate.values import Value

__all__ = ["Item", "Kind", "Place", "Shape", "shapes"]

Kind = Literal["uint", "int", "bool", "float", "bytes", "struct"]
Made = Literal["described", "listed", "known"]
KINDS: dict[str, Kind] = {"uint": "uint", "int": "int", "timer": "int", "bool": "bool", "float": "float"}  # fmt: skip
WIDTHS = (1, 2, 4, 8)
NOT_A_WORD = re.compile(r"\W+", re.ASCII)


class Item(msgspec.Struct, frozen=True):
    """A field: `count` elements (None for one alone) of `width` bytes each, at `offset` in its struct.

    `name` is an identifier that no other item of the struct has, `label` what the description calls it,
    `type` QEMU's word for its type. `shape` is that of a struct's elements; `made` how it came to be one: by the
    description ("described"), as a list whose elements are described one by one ("listed"), or because migstream
    knows what bytes mean that are one blob to the description ("known").
    """

    name: str
    label: str
    type: str
    offset: int
    width: int
    count: int | None
    kind: Kind
    little: bool = False
    shape: Shape | None = None
    made: Made = "described"

    @property
    def size(self) -> int:
        """Of all elements, in bytes."""
        return self.width * (1 if self.count is None else self.count)


class Shape(msgspec.Struct, frozen=True):
    """A struct of `size` bytes, all of which are an item's. `name` is an identifier of its own."""

    name: str
    label: str
    size: int
    items: tuple[Item, ...]


class Place(msgspec.Struct, frozen=True):
    """A device: its path, an identifier of its own, where its state begins in the stream, and its shape."""

    path: str
    name: str
    offset: int
    shape: Shape


def shapes(stream: Stream) -> tuple[list[Shape], list[Place]]:
    """What the devices of a stream consist of.

    Returns
    -------
    shapes, each behind those that it is made of; devices in the order of the stream
    """
    maker = _Maker()
    places = [maker.place(device) for device in stream.devices]
    return maker.shapes, places


class Names:
    """Identifiers, each given once."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def give(self, wanted: str) -> str:
        word = NOT_A_WORD.sub("_", wanted).strip("_") or "field"
        word = f"n{word}" if word[0].isdigit() else word
        name = next(
            one for n in count(1) if (one := word if n == 1 else f"{word}_{n}") not in self._given
        )
        self._given.add(name)
        return name


class _Maker:
    """Keeps one shape of those that are alike."""

    def __init__(self) -> None:
        self.shapes: list[Shape] = []
        self._known: dict[tuple[str, int, tuple[Item, ...]], Shape] = {}
        self._names = Names()
        self._devices = Names()

    def place(self, device: Device) -> Place:
        span = device.section.payload
        wanted = device.value.device.vmsd or device.name
        shape = self._shape(wanted, span.size, self._values(device.value, span.start))
        return Place(device.path, self._devices.give(device.path), span.start, shape)

    def _shape(self, label: str, size: int, items: Iterable[Item]) -> Shape:
        whole = tuple(_named(_covering(items, size)))
        found = self._known.get((label, size, whole))
        if found is None:
            found = Shape(self._names.give(label), label, size, whole)
            self._known[label, size, whole] = found
            self.shapes.append(found)
        return found

    def _values(self, values: Iterable[Value], base: int) -> Iterator[Item]:
        """Items of what stands in a struct that begins at `base` of the stream."""
        for value in values:
            node = value.node
            inner = () if node.repeats or not value.span.size else tuple(value.children)
            at = value.span.start - base
            if inner:
                made: Made = "listed" if node.kind == "sequence" else "described"
                items = self._values(inner, value.span.start)
                one = self._struct(node, at, items, None, value.span.size)
                yield msgspec.structs.replace(one, made=made if node.children else "known")
            else:
                yield from self._node(node, at)

    def _node(self, node: Node, at: int) -> Iterator[Item]:
        """The same by the layout alone: elements of an array are all alike."""
        if not node.size:
            return
        if not node.children:
            yield _plain(node, at, wire_type(node.type, node.stride))
            return
        inner = (item for child in node.children for item in self._node(child, child.offset))
        if node.repeats:
            yield self._struct(node, at, inner, node.count, node.stride)
        else:
            yield self._struct(node, at, inner, None, node.size)

    def _struct(
        self, node: Node, at: int, items: Iterator[Item], many: int | None, width: int
    ) -> Item:
        shape = self._shape(node.name, width, items)
        return Item(node.name, node.name, node.type, at, width, many, "struct", shape=shape)


def _plain(node: Node, at: int, wire: WireType) -> Item:
    """Numbers, or bytes where they are none of the usual widths."""
    many = node.count
    kind = KINDS.get(wire.kind)
    width = node.stride or node.size
    if kind is not None and width in WIDTHS and (wire.code or wire.little):
        return Item(node.name, node.name, node.type, at, width, many, kind, wire.little)
    words = set(wire.words.lstrip(">").lstrip("0123456789"))
    number = {"I": 4, "Q": 8, "H": 2, "B": 1}.get("".join(words))
    if many is None and number and node.size % number == 0:
        return Item(node.name, node.name, node.type, at, number, node.size // number, "uint")
    return Item(node.name, node.name, node.type, at, 1, node.size, "bytes")


def _covering(items: Iterable[Item], size: int) -> Iterator[Item]:
    """The items, and bytes where none of them stands: the header of a subsection, marks in a list."""
    at = 0
    for item in items:
        if item.offset > at:
            yield _gap(at, item.offset)
        yield item
        at = item.offset + item.size
    if at < size:
        yield _gap(at, size)


def _gap(start: int, stop: int) -> Item:
    return Item(f"bytes_{start:x}", "", "", start, 1, stop - start, "bytes")


def _named(items: Iterable[Item]) -> Iterator[Item]:
    names = Names()
    for item in items:
        yield msgspec.structs.replace(item, name=names.give(item.name))
