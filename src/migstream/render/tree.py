"""Devices and fields as an indented tree."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec

from migstream.render.text import Palette, escape, prose
from migstream.stream import Stream
from migstream.vmstate.values import Value

__all__ = ["Look", "completions", "tree_json", "tree_lines"]

FEW = 8
LONGEST = 72
MOST_COMPLETIONS = 400


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """How much to show."""

    depth: int | None = None
    hexadecimal: bool = False
    everything: bool = False
    where: bool = False


def _one(value: Value, look: Look) -> str:
    text = prose(value.hex if look.hexadecimal else value.text)
    return text if look.everything or len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _text(value: Value, look: Look) -> str:
    if value.count is None or value.kind != "leaf":
        return _one(value, look) if value.kind == "leaf" else ""
    most = value.count if look.everything else FEW
    shown = " ".join(_one(one, look) for one in islice(value.elements(), most))
    return shown if value.count <= most else f"{shown} … {value.count - most} more"


def _type(value: Value) -> str:
    if value.kind == "subsection":
        return "subsection"
    return value.type if value.count is None else f"{value.type}[{value.count}]"


def tree_lines(value: Value, look: Look, palette: Palette) -> Iterator[str]:
    """The value and all below it, a line for each."""
    place = f"{value.span.start:#010x}  " if look.where else ""
    shown = _text(value, look)
    kind = escape(_type(value))
    text = f"  {palette.value(shown)}" if shown else ""
    yield f"{palette.dim(place)}{palette.head(escape(value.path))}{text}  {palette.dim(kind)}"
    yield from _below(value, look, palette, 1)


def _below(value: Value, look: Look, palette: Palette, level: int) -> Iterator[str]:
    if look.depth is not None and level > look.depth:
        return
    if value.kind == "leaf" and value.count is not None:
        return
    several = value.count is not None
    most = None if look.everything or not several else FEW
    children = list(islice(value.children, most))
    width = max((len(escape(c.name)) for c in children), default=0)
    for child in children:
        place = palette.dim(f"{child.span.start:#010x}  ") if look.where else ""
        name = escape(child.name)
        shown = _text(child, look)
        pad = " " * (min(width, 40) - len(name)) if shown else ""
        text = f"{pad}  {palette.value(shown)}" if shown else ""
        kind = palette.dim(escape(_type(child)))
        yield f"{place}{'  ' * level}{palette.name(name)}{text}  {kind}"
        yield from _below(child, look, palette, level + 1)
    if several and most is not None and (value.count or 0) > len(children) == most:
        place = " " * 12 if look.where else ""
        yield f"{place}{'  ' * level}{palette.dim(f'… of {value.count} elements (--all)')}"


def tree_json(value: Value, depth: int | None, level: int = 0) -> dict[str, Any]:
    """The value and all below it as objects."""
    table: dict[str, Any] = {
        "path": value.path,
        "name": value.name,
        "kind": value.kind,
        "type": value.type,
        "count": value.count,
        "span": list(value.span),
    }
    children: list[Value] = []
    if not (value.kind == "leaf" and value.count is not None):
        children = list(value.children)
    if not children:
        table["value"] = value.plain()
    elif depth is None or level < depth:
        table["children"] = [tree_json(child, depth, level + 1) for child in children]
    return table


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
