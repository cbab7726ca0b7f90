"""Devices and fields as an indented tree."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec

from migstream.render.answer import Answer, Pair
from migstream.render.shown import Line, Part, dim, head, line, name
from migstream.render.shown import value as held
from migstream.render.text import escape, prose
from migstream.stream import Stream
from migstream.vmstate.values import Value

__all__ = [
    "Look",
    "Node",
    "Tree",
    "completions",
    "node",
    "shown_text",
    "shown_type",
    "tree_parts",
    "value_line",
]

FEW = 8
LONGEST = 72
MOST_COMPLETIONS = 400


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """How much to show."""

    depth: int | None = None
    hexadecimal: bool = False
    everything: bool = False
    where: bool = False


class Node(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A value and what is below it: a leaf has `value`, what has children has those down to the depth asked for.

    `symbol` and `description` say what a number is called and what it means, where that is known.
    """

    path: str
    name: str
    kind: str
    type: str
    count: int | None
    span: Pair
    value: Any = msgspec.UNSET
    symbol: str = ""
    description: str = ""
    children: list[Node] | msgspec.UnsetType = msgspec.UNSET


class Tree(Answer, tag="tree", frozen=True, kw_only=True):
    """Devices, or the values that were named, with all that is below them."""

    file: str
    values: list[Node]


def _one(value: Value, look: Look) -> str:
    text = prose(value.hex if look.hexadecimal else value.text)
    return text if look.everything or len(text) <= LONGEST else f"{text[:LONGEST]}…"


def shown_text(value: Value, look: Look) -> str:
    """What a value holds, as the tree has it: of an array the first elements; empty of what has children."""
    if value.count is None or value.kind != "leaf":
        return _one(value, look) if value.kind == "leaf" or value.count is None else ""
    most = value.count if look.everything else FEW
    shown = " ".join(_one(one, look) for one in islice(value.elements(), most))
    return shown if value.count <= most else f"{shown} … {value.count - most} more"


def shown_type(value: Value) -> str:
    """Its type, and of an array how many elements it has."""
    if value.kind == "subsection":
        return "subsection"
    return value.type if value.count is None else f"{value.type}[{value.count}]"


def tree_parts(value: Value, look: Look) -> Iterator[Part]:
    """The value and all below it, a line for each."""
    place = f"{value.span.start:#010x}  " if look.where else ""
    shown = shown_text(value, look)
    yield line(
        dim(place), head(escape(value.path)), _held(shown), "  ", dim(escape(shown_type(value)))
    )
    yield from _below(value, look, 1)


def value_line(value: Value, look: Look, width: int = 0) -> Line:
    """Its name, in so many columns, what it holds, its type."""
    called = escape(value.name)
    shown = shown_text(value, look)
    pad = " " * (width - len(called)) if shown else ""
    return line(name(called), pad, _held(shown), "  ", dim(escape(shown_type(value))))


def _held(shown: str) -> Line:
    return line("  ", held(shown)) if shown else Line()


def _below(value: Value, look: Look, level: int) -> Iterator[Part]:
    if look.depth is not None and level > look.depth:
        return
    if value.kind == "leaf" and value.count is not None:
        return
    several = value.count is not None
    most = None if look.everything or not several else FEW
    children = list(islice(value.children, most))
    width = max((len(escape(c.name)) for c in children), default=0)
    for child in children:
        place = f"{child.span.start:#010x}  " if look.where else ""
        yield line(dim(place), "  " * level, value_line(child, look, min(width, 40)))
        yield from _below(child, look, level + 1)
    if several and most is not None and (value.count or 0) > len(children) == most:
        place = " " * 12 if look.where else ""
        yield line(place, "  " * level, dim(f"… of {value.count} elements (--all)"))


def node(value: Value, depth: int | None, level: int = 0) -> Node:
    """The value and all below it."""
    children: list[Value] = []
    if not (value.kind == "leaf" and value.count is not None):
        children = list(value.children)
    below: list[Node] | msgspec.UnsetType = msgspec.UNSET
    if children and (depth is None or level < depth):
        below = [node(child, depth, level + 1) for child in children]
    return Node(
        path=value.path,
        name=value.name,
        kind=value.kind,
        type=value.type,
        count=value.count,
        span=value.span,
        value=msgspec.UNSET if children else value.plain(),
        symbol="" if children else value.symbol,
        description="" if children else value.description,
        children=below,
    )


def completions(stream: Stream, begun: str) -> list[str]:
    """Paths that `begun` may become: devices, then the fields of the deepest value it names."""
    found = [device.path for device in stream.devices if device.path.startswith(begun)]
    if not found:
        for device in stream.devices:
            if begun.startswith(device.path + "/"):
                found += _inside(device.value, begun)
    return [path for path in found if path.isprintable()][:MOST_COMPLETIONS]


def _inside(value: Value, begun: str) -> list[str]:
    children = list(islice(value.children, MOST_COMPLETIONS))
    found = [child.path for child in children if child.path.startswith(begun)]
    for child in children:
        if begun.startswith((child.path + "/", child.path + "[")):
            found += _inside(child, begun)
    return found
