"""Places in device state by wire type, without a Value for each: what rules about types go over."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from migstream.stream import Device
from migstream.vmstate.layout import Node
from migstream.vmstate.values import Value
from migstream.wire.model import Span

__all__ = ["Place", "places"]


# Blobs that hold fields of their own (`vmstate.meaning`).
COMPOSITE = frozenset({"virtio"})


class Place(msgspec.Struct, frozen=True):
    """A leaf: its node (an array of plain values is one leaf), its bytes, the path to it."""

    node: Node
    span: Span
    path: str


def places(device: Device, types: frozenset[str]) -> Iterator[Place]:
    """Leaves of these types in a described device, in the order of the stream; those inside blobs too."""
    if device.layout is not None:
        start = device.section.payload.start
        yield from _Scan(types, device.value).below(device.layout.children, start, device.path)


class _Scan:
    """One way through a device's layout; each node is asked once whether it has what is looked for."""

    def __init__(self, types: frozenset[str], device: Value) -> None:
        self._types = types
        self._device = device
        self._known: dict[int, bool] = {}

    def below(self, nodes: tuple[Node, ...], start: int, path: str) -> Iterator[Place]:
        for node in nodes:
            if self._holds(node):
                yield from self._node(node, start + node.offset, f"{path}/{node.name}")

    def _node(self, node: Node, at: int, path: str) -> Iterator[Place]:
        if node.kind == "leaf":
            if node.type in self._types:
                yield Place(node, Span(at, at + node.size), path)
            elif node.type in COMPOSITE:
                for value in self._device.laid(node, at, path).children:
                    if self._holds(value.node):
                        yield from self._node(value.node, value.span.start, value.path)
        elif node.kind == "sequence":
            yield from self._sequence(node, at, path)
        elif node.count is None:
            yield from self.below(node.children, at, path)
        else:
            for i in range(node.count):
                yield from self.below(node.children, at + i * node.stride, f"{path}[{i}]")

    def _sequence(self, node: Node, at: int, path: str) -> Iterator[Place]:
        index = 0
        for child in node.children:
            count = child.count or 1
            if self._holds(child):
                last = f"..{index + count - 1}" if child.count is not None else ""
                yield from self._node(child, at + child.offset, f"{path}[{index}{last}]")
            index += count

    def _holds(self, node: Node) -> bool:
        """Whether a leaf of these types is in or below a node."""
        if node.kind == "leaf":
            return node.type in self._types or (node.type in COMPOSITE and node.count is None)
        key = id(node)
        if key not in self._known:
            self._known[key] = any(self._holds(child) for child in node.children)
        return self._known[key]
