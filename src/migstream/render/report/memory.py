"""Guest memory as a picture: each RAM block in rows of cells, a cell as many pages as it takes for all to fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from migstream.errors import MigstreamError
from migstream.names import many
from migstream.ram.image import Block as RamBlock
from migstream.ram.presence import KINDS
from migstream.ram.resends import Resends
from migstream.render.missing import WORDS
from migstream.render.report.blocks import Block, Legend, Told
from migstream.render.text import escape, grouped, number_of, short_size
from migstream.stream import Stream

__all__ = ["Area", "MemoryMap", "cell_pages", "memory_map"]

CELLS = 1 << 15  # of all blocks together
COLUMNS = 256
MOST = 24  # blocks that are drawn
AGAIN = (
    "again2",
    "again3",
    "again4",
    "again5",
)  # the last round that sent it again; the last is any later one
CLASSES = (*KINDS, *AGAIN)
SAID = {
    "data": "with content",
    "zero": "nothing but zeros",
    **WORDS,
    "again2": "sent again, last in round 2",
    "again3": "sent again, last in round 3",
    "again4": "sent again, last in round 4",
    "again5": "sent again, last in round 5 or later",
}


class Area(msgspec.Struct, frozen=True, kw_only=True):
    """Cells of one class: an SVG path over cells as units."""

    kind: str
    path: str


class MemoryMap(Block, frozen=True, kw_only=True):
    """One block: its picture, `columns` by `rows` cells, and what it shows in words."""

    macro: ClassVar[str] = "memory"
    name: str
    said: str
    columns: int
    rows: int
    areas: Sequence[Area]


def cell_pages(blocks: Sequence[RamBlock]) -> int:
    """Pages of a cell, a power of two: as few as let the blocks that are drawn fit."""
    pages = [-(-one.size // one.page) for one in blocks]
    cell = 1
    while sum(-(-n // cell) for n in pages) > CELLS + len(pages):
        cell *= 2
    return cell


def memory_map(stream: Stream) -> Iterator[Block]:
    """A picture of every block, the largest first, and what the colours mean."""
    ram = stream.ram
    drawn = sorted(ram.values(), key=lambda one: -one.size)[:MOST]
    drawn = [one for one in drawn if one.size]
    if not drawn:
        return
    cell = cell_pages(drawn)
    again: Mapping[str, Resends] = {}
    if ram.round_count > 1:
        try:
            again = stream.resends(cell)
        except MigstreamError as error:
            yield Told(parts=[f"where it was sent again is not known: {escape(error.message)}"])
    seen: dict[str, int] = dict.fromkeys(CLASSES, 0)
    maps = [_map(one, cell, again.get(one.name, Resends()), seen) for one in drawn]
    yield Told(parts=[_scale(cell, drawn[0].page)])
    yield Legend(
        keys=[(kind, SAID[kind], number_of(seen[kind], "cell")) for kind in CLASSES if seen[kind]]
    )
    yield from maps
    if len(ram) > len(drawn):
        yield Told(parts=[f"and {many(len(ram) - len(drawn), 'smaller block')} that are not drawn"])


def _scale(cell: int, page: int) -> str:
    what = "a page" if cell == 1 else f"{grouped(cell)} pages"
    rule = "" if cell == 1 else "; it shows what most of them are, and whether any was sent again"
    return f"A cell is {what}, {short_size(cell * page)}; a row {short_size(COLUMNS * cell * page)}{rule}."


def _map(block: RamBlock, cell: int, again: Resends, seen: dict[str, int]) -> MemoryMap:
    kinds = _kinds(block, cell)
    for at, turn in again.last.items():
        if at < len(kinds):
            kinds[at] = len(KINDS) + min(turn - 2, len(AGAIN) - 1)
    counts = np.bincount(kinds, minlength=len(CLASSES)).tolist()
    for kind, count in zip(CLASSES, counts, strict=True):
        seen[kind] += count
    shares = ", ".join(
        f"{grouped(count)} {SAID[kind]}"
        for kind, count in zip(CLASSES, counts, strict=True)
        if count
    )
    return MemoryMap(
        name=escape(block.name),
        said=f"{short_size(block.size)}, {number_of(len(kinds), 'cell')}: {shares}",
        columns=COLUMNS,
        rows=-(-len(kinds) // COLUMNS),
        areas=[*_areas(kinds)],
    )


def _kinds(block: RamBlock, cell: int) -> NDArray[np.uint8]:
    """What most bytes of each cell are, as an index of KINDS."""
    size = cell * block.page
    cells = -(-block.size // size)
    held = np.zeros((len(KINDS), cells), np.int64)
    for run in block.runs():
        row = held[KINDS.index(run.kind)]
        first, last = run.start // size, (run.stop - 1) // size
        if first == last:
            row[first] += run.stop - run.start
            continue
        row[first] += (first + 1) * size - run.start
        row[first + 1 : last] += size
        row[last] += run.stop - last * size
    most: NDArray[np.uint8] = held.argmax(axis=0).astype(np.uint8)
    return most


def _areas(kinds: NDArray[np.uint8]) -> Iterator[Area]:
    """A path for each class: a rectangle for each stretch of cells in a row that are alike."""
    paths: dict[int, list[str]] = {}
    for y, start in enumerate(range(0, len(kinds), COLUMNS)):
        row = kinds[start : start + COLUMNS]
        edges = [0, *(np.flatnonzero(np.diff(row)) + 1).tolist(), len(row)]
        for first, stop in pairwise(edges):
            width = stop - first
            paths.setdefault(int(row[first]), []).append(f"M{first} {y}h{width}v1h-{width}z")
    for kind in sorted(paths):
        yield Area(kind=CLASSES[kind], path="".join(paths[kind]))
