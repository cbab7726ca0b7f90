"""Places in device state by wire type, without a Value for each: what rules about types go over."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from migstream.stream import Device
from migstream.vmstate.layout import Node
from migstream.wire.model import Span

__all__ = ["Place", "places"]


class Place(msgspec.Struct, frozen=True):
    """A leaf: its node (an array of plain values is one leaf), its bytes, the path to it."""

    node: Node
    span: Span
    path: str


def places(device: Device, types: frozenset[str]) -> Iterator[Place]:
    """Leaves of these types in a described device, in the order of the stream."""
    if device.layout is not None:
        yield from _below(
            device.layout.children, device.section.payload.start, device.path, types, {}
        )


def _below(
    nodes: tuple[Node, ...], start: int, path: str, types: frozenset[str], known: dict[int, bool]
) -> Iterator[Place]:
    for node in nodes:
        if _holds(node, types, known):
            yield from _node(node, start + node.offset, f"{path}/{node.name}", types, known)


def _node(
    node: Node, at: int, path: str, types: frozenset[str], known: dict[int, bool]
) -> Iterator[Place]:
    if node.kind == "leaf":
        yield Place(node, Span(at, at + node.size), path)
    elif node.kind == "sequence":
        index = 0
        for child in node.children:
            count = child.count or 1
            if _holds(child, types, known):
                last = f"..{index + count - 1}" if child.count is not None else ""
                yield from _node(child, at + child.offset, f"{path}[{index}{last}]", types, known)
            index += count
    elif node.count is None:
        yield from _below(node.children, at, path, types, known)
    else:
        for i in range(node.count):
            yield from _below(node.children, at + i * node.stride, f"{path}[{i}]", types, known)


def _holds(node: Node, types: frozenset[str], known: dict[int, bool]) -> bool:
    """Whether a leaf of these types is in or below a node; each node is asked once."""
    if node.kind == "leaf":
        return node.type in types
    key = id(node)
    if key not in known:
        known[key] = any(_holds(child, types, known) for child in node.children)
    return known[key]
