"""Bytes by device as areas: a squarified treemap (Bruls, Huizing, van Wijk: Squarified Treemaps, 2000)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import msgspec

from migstream.names import many
from migstream.render.report.blocks import Block
from migstream.render.stat import DeviceShare
from migstream.render.text import escape, percent, short_size

__all__ = ["Tile", "Treemap", "treemap"]

MOST = 60  # tiles; what is smaller is one together
WIDE, HIGH = 1000.0, 420.0  # the shape for which tiles are as square as they can be
WORDED_WIDTH, WORDED_HEIGHT = 70.0, 24.0  # what a name needs of it
SHADES = 6

Box = tuple[float, float, float, float]  # x, y, width, height


class Tile(msgspec.Struct, frozen=True, kw_only=True):
    """An area in percent of the picture; `path` is that of its device, empty of several together."""

    x: float
    y: float
    width: float
    height: float
    shade: int
    label: str
    size: str
    title: str
    path: str


class Treemap(Block, frozen=True, kw_only=True):
    """Areas as large as the bytes of what they are called after."""

    macro: ClassVar[str] = "treemap"
    said: str
    tiles: Sequence[Tile]


def treemap(devices: Sequence[DeviceShare]) -> Iterator[Treemap]:
    """Devices, the largest first, as tiles; nothing where there are none."""
    shown = [one for one in devices[:MOST] if one.bytes]
    whole = sum(one.bytes for one in devices)
    if not shown:
        return
    rest = devices[len(shown) :]
    named = [(escape(one.path), one.path, one.bytes) for one in shown]
    left = sum(one.bytes for one in rest)
    if left:
        named.append((f"{many(len(rest), 'smaller one')}", "", left))
    boxes = _squarified([size for _, _, size in named], (0.0, 0.0, WIDE, HIGH))
    tiles = [
        _tile(number, one, box, whole)
        for number, (one, box) in enumerate(zip(named, boxes, strict=True))
    ]
    yield Treemap(
        said=f"{many(len(devices), 'device')}, {short_size(whole)}: the area is the number of bytes",
        tiles=tiles,
    )


def _tile(number: int, one: tuple[str, str, int], box: Box, whole: int) -> Tile:
    label, path, size = one
    x, y, width, height = box
    room = width >= WORDED_WIDTH and height >= WORDED_HEIGHT
    return Tile(
        x=round(100 * x / WIDE, 3),
        y=round(100 * y / HIGH, 3),
        width=round(100 * width / WIDE, 3),
        height=round(100 * height / HIGH, 3),
        shade=number % SHADES,
        label=label.rpartition("/")[2] if room else "",
        size=short_size(size) if room and height >= 2 * WORDED_HEIGHT else "",
        title=f"{label}: {short_size(size)}, {percent(size, whole)}",
        path=path,
    )


def _squarified(sizes: Sequence[int], box: Box) -> Iterator[Box]:
    """A box for each size, which descend: rows along the shorter side, each as square as it becomes."""
    x, y, width, height = box
    scale = width * height / sum(sizes)
    areas = [size * scale for size in sizes]
    first = 0
    while first < len(areas):
        side = min(width, height)
        last = first + 1
        while last < len(areas) and _worst(areas[first : last + 1], side) <= _worst(
            areas[first:last], side
        ):
            last += 1
        row = areas[first:last]
        deep = sum(row) / side if side else 0.0
        at = 0.0
        for area in row:
            along = area / deep if deep else 0.0
            yield (x, y + at, deep, along) if height <= width else (x + at, y, along, deep)
            at += along
        if height <= width:
            x, width = x + deep, max(width - deep, 0.0)
        else:
            y, height = y + deep, max(height - deep, 0.0)
        first = last


def _worst(row: Sequence[float], side: float) -> float:
    """The worst ratio of sides in a row of areas along `side`."""
    total = sum(row)
    if not side or not total:
        return float("inf")
    return max(side * side * max(row) / total**2, total**2 / (side * side * min(row)))
