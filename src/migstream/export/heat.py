"""How often memory was sent as a picture: places from top to bottom, rounds from left to right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from migstream.ram.heat import Area, Heat

if TYPE_CHECKING:
    from migstream.machine.display.model import Picture

    Shares = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["picture", "shares"]

SIDE = 1024  # dots that a picture is wide and high, about
HIGHEST, WIDEST = 32, 128  # dots of a row and of a round, at most
# Black, red, yellow, white: brighter all the way
HOT = np.stack([np.clip(np.arange(256) * 3 - 255 * n, 0, 255) for n in range(3)], axis=-1).astype(
    np.uint8
)
LINE_BETWEEN = (96, 96, 128)


def shares(area: Area, width: int, high: int, wide: int) -> Shares:
    """How much of what a cell stands for was sent, with rows and columns taken together to so many at most.

    Parameters
    ----------
    width : rounds of a column of the area
    """
    rows, columns = area.records.shape
    down, across = -(-rows // high), -(-columns // wide)
    pages = -(-area.size // area.page)
    edges = np.minimum(np.arange(0, rows + down, down) * area.pages, pages)
    sums = np.add.reduceat(area.records, np.arange(0, rows, down), axis=0)
    sums = np.add.reduceat(sums, np.arange(0, columns, across), axis=1)
    each = np.diff(edges[: len(sums) + 1])[:, None] * across * width
    found: Shares = np.minimum(sums / np.maximum(each, 1), 1)
    return found


def picture(heat: Heat) -> Picture:
    """Blocks one below the other, rounds from left to right; black is what was not sent, white all of it.

    A line of another colour is between two blocks, and a row and a round are several dots where there are few.
    """
    pieces: list[Picture] = []
    rows = sum(len(area.records) for area in heat.areas)
    high = max(1, min(HIGHEST, SIDE // max(rows, 1)))
    wide = max(1, min(WIDEST, SIDE // max(heat.columns, 1)))
    for area in heat.areas:
        cells = shares(area, heat.width, *area.records.shape)
        dots = HOT[np.ceil(cells * 255).astype(np.intp)]
        if pieces:
            pieces.append(np.full((1, wide * heat.columns, 3), LINE_BETWEEN, np.uint8))
        pieces.append(dots.repeat(high, 0).repeat(wide, 1))
    return np.concatenate(pieces) if pieces else np.zeros((1, 1, 3), np.uint8)
