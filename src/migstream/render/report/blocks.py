"""What a chapter of the page consists of: `macro` is the template's, which draws it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import msgspec

from migstream.render.shown import Part

__all__ = ["Bar", "Bars", "Block", "Facts", "Found", "Legend", "Pane", "Picture", "Told"]


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a chapter. Texts in it are escaped as for a terminal; what HTML obeys is the template's to escape."""

    macro: ClassVar[str]


class Told(Block, frozen=True, kw_only=True):
    """What a verb says, in its parts; with `summary` folded together under it, unless it is `unfolded`."""

    macro: ClassVar[str] = "told"
    parts: Sequence[Part]
    summary: str = ""
    unfolded: bool = False


class Facts(Block, frozen=True, kw_only=True):
    """Names, and what they are."""

    macro: ClassVar[str] = "facts"
    rows: Sequence[tuple[str, str]]


class Found(Block, frozen=True, kw_only=True):
    """One finding of `check`: how bad it is, the path or `@OFFSET` that the tree is to show, and what `check` says of it."""

    macro: ClassVar[str] = "found"
    severity: str
    path: str
    parts: Sequence[Part]


class Legend(Block, frozen=True, kw_only=True):
    """What colours mean: a class of the style sheet, its name, and what is said of it."""

    macro: ClassVar[str] = "legend"
    keys: Sequence[tuple[str, str, str]]


class Pane(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a bar: its class, where it begins and how wide it is in percent, what it is."""

    kind: str
    x: float
    width: float
    title: str


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a chart: its name, its parts side by side, and its sum."""

    label: str
    panes: Sequence[Pane]
    value: str


class Bars(Block, frozen=True, kw_only=True):
    """Lines one below the other, on one scale; `title` is the chart's."""

    macro: ClassVar[str] = "bars"
    title: str
    rows: Sequence[Bar]


class Picture(Block, frozen=True, kw_only=True):
    """A picture as a data URL, with its size in pixels and what it is of."""

    macro: ClassVar[str] = "picture"
    title: str
    url: str
    width: int
    height: int
