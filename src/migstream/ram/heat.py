"""How often memory was sent, by place and by dirty round: what a guest writes to while it is migrated.

Pages are counted in bins, so that a guest of any size takes the same memory: one page each up to BINS of them, more
where there are more. Records are counted by the bins in which their runs begin and end; sums over these give each
bin's number exactly, wherever in it a run begins.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from migstream.names import brief
from migstream.ram import kernel
from migstream.ram.builder import ImageBuilder
from migstream.ram.records import BlockId

if TYPE_CHECKING:
    from migstream.ram.image import Block
    from migstream.ram.pages import Source

    Ints = np.ndarray[Any, np.dtype[np.int64]]

__all__ = ["Area", "Heat", "HeatBuilder", "HotRange", "RangeBuilder"]

BINS = 1 << 20  # of all blocks together, and one more for each block
ROWS = 1 << 8  # of the grid of places and rounds, and one more for each block
CELLS = 1 << 20  # of that grid
AGAIN = 2  # a page that was sent so often was sent again


class HotRange(msgspec.Struct, frozen=True, kw_only=True):
    """Pages that follow each other in a RAM block and were sent again about equally often.

    Offsets are bytes of the block. `records` is how often its `pages` were sent, all taken together, `most` how often the
    most sent of them was (where a bin is more than a page: on average in the hottest bin).
    """

    block: str
    offset: int
    size: int
    pages: int
    records: int
    most: int

    @property
    def times(self) -> float:
        """How often a page of it was sent, on average."""
        return self.records / self.pages


class Area(msgspec.Struct, frozen=True, kw_only=True):
    """A RAM block's part of the grid.

    `records` has shape (rows, columns): page records by place and round. A row is `pages` pages, the last of a block
    what is left of it.
    """

    block: str
    size: int
    page: int
    pages: int
    records: Ints


class Heat(msgspec.Struct, frozen=True, kw_only=True):
    """How often pages were sent.

    `bin` is how many pages are counted together. `areas` are the blocks of which anything was sent, `ranges` what was
    sent again, the hottest first. A column of the grid is `width` rounds, of which the first is number `first`.
    """

    bin: int
    first: int
    width: int
    areas: tuple[Area, ...]
    ranges: tuple[HotRange, ...]

    def __repr__(self) -> str:
        return brief("Heat", f"{len(self.areas)} blocks, {len(self.ranges)} ranges sent again")

    @property
    def columns(self) -> int:
        """How many columns the grid has."""
        return max((area.records.shape[1] for area in self.areas), default=0)


class Sums:
    """Numbers of records by bin, where each of them is a run of pages [first, stop).

    Up to page x there are x - first pages of a run that began before it, less x - stop of one that ended: for all runs
    the sums of how many there are, and of where, are enough.
    """

    def __init__(self, pages: int, width: int, *shape: int) -> None:
        self.width = width
        self.pages = pages
        self._bins = -(-pages // width)
        self._runs: Ints = np.zeros((*shape, self._bins + 1), np.int64)
        self._where: Ints = np.zeros((*shape, self._bins + 1), np.int64)

    def add(self, first: Ints, stop: Ints, *where: int) -> None:
        runs, places = self._runs[where], self._where[where]
        for edge, sign in ((first, 1), (stop, -1)):
            bins = edge // self.width
            np.add.at(runs, bins, sign)
            np.add.at(places, bins, sign * edge)

    def fold(self) -> None:
        """Take each two of the first index together."""
        for kept in (self._runs, self._where):
            kept[: len(kept) // 2] = kept[::2] + kept[1::2]
            kept[len(kept) // 2 :] = 0

    def totals(self) -> Ints:
        """How many records there are in each bin, along the last index."""
        edges = np.minimum(np.arange(1, self._bins + 1) * self.width, self.pages)
        runs = np.cumsum(self._runs, -1)[..., :-1]
        upto: Ints = edges * runs - np.cumsum(self._where, -1)[..., :-1]
        return np.diff(upto, axis=-1, prepend=0)

    def sizes(self) -> Ints:
        """How many pages each bin has."""
        edges = np.minimum(np.arange(self._bins + 1) * self.width, self.pages)
        return np.diff(edges)


def _width(pages: Sequence[int], most: int) -> int:
    """How many pages are taken together, a power of two, for all blocks to make at most that many and one each."""
    width = 1
    while sum(count // width for count in pages) > most:
        width *= 2
    return width


class HeatBuilder(ImageBuilder):
    """Counts the records of all pages (`ram.records.Sink`).

    Parameters
    ----------
    blocks : in the order of their numbers
    first : the number of the first round
    """

    def __init__(
        self, sources: Sequence[Source], blocks: Sequence[Block], first: int, *, hold: bool = False
    ) -> None:
        super().__init__(sources, hold=hold)
        self._blocks = blocks
        self._first = first
        self._pages = [-(-block.size // block.page) for block in blocks]
        self._bin = _width(self._pages, BINS)
        self._row = _width(self._pages, ROWS)
        rows = 1 + sum(-(-count // self._row) + 1 for count in self._pages)
        self._room = 2
        while 2 * self._room * rows <= CELLS:
            self._room *= 2
        self._rounds = 1  # in a column
        self._last = 0
        self._bins: dict[int, Sums] = {}
        self._grid: dict[int, Sums] = {}

    def enter(self, block: BlockId, rows: memoryview, used: int, source: int, turn: int) -> None:
        del source
        if block.number >= len(self._blocks) or not self._pages[block.number]:
            return
        pages = self._pages[block.number]
        if block.number not in self._bins:
            self._bins[block.number] = Sums(pages, self._bin)
            self._grid[block.number] = Sums(pages, self._row, self._room)
        found = np.frombuffer(rows[: used * kernel.ROW], np.int64).reshape(used, kernel.ROW)
        first = np.minimum(found[:, 1], pages)  # of a block that was smaller at first
        stop = np.minimum(found[:, 1] + found[:, 2], pages)
        self._bins[block.number].add(first, stop)
        self._grid[block.number].add(first, stop, self._column(turn))

    def _column(self, turn: int) -> int:
        """Where a round stands in the grid; rounds beyond its end make its columns wider."""
        turn = max(turn - self._first, 0)
        self._last = max(self._last, turn)
        while turn // self._rounds >= self._room:
            self._rounds *= 2
            for sums in self._grid.values():
                sums.fold()
        return turn // self._rounds

    def heat(self) -> Heat:
        """All that was counted."""
        columns = self._last // self._rounds + 1
        areas = [
            Area(
                block=self._blocks[number].name,
                size=self._blocks[number].size,
                page=self._blocks[number].page,
                pages=self._row,
                records=sums.totals()[:columns].T,
            )
            for number, sums in sorted(self._grid.items())
        ]
        found = [one for number in sorted(self._bins) for one in self._ranges(number)]
        found.sort(key=lambda one: (-one.times, -one.pages))
        return Heat(
            bin=self._bin,
            first=self._first,
            width=self._rounds,
            areas=tuple(areas),
            ranges=tuple(found),
        )

    def _ranges(self, number: int) -> Iterator[HotRange]:
        """Bins that follow each other and are of the same power of two."""
        sums, block = self._bins[number], self._blocks[number]
        totals, sizes = sums.totals(), sums.sizes()
        times = totals // sizes
        again = totals >= AGAIN * sizes
        kinds = np.where(again, np.frexp(times)[1], 0)
        edges = np.flatnonzero(np.diff(kinds)) + 1
        for start, stop in zip([0, *edges.tolist()], [*edges.tolist(), len(kinds)], strict=True):
            if not kinds[start]:
                continue
            at = start * sums.width * block.page
            pages = int(sizes[start:stop].sum())
            yield HotRange(
                block=block.name,
                offset=at,
                size=min(pages * block.page, block.size - at),
                pages=pages,
                records=int(totals[start:stop].sum()),
                most=int(times[start:stop].max()),
            )


class RangeBuilder(ImageBuilder):
    """Notes in which rounds anything of some ranges was sent (`ram.records.Sink`)."""

    def __init__(
        self,
        sources: Sequence[Source],
        numbers: dict[str, int],
        ranges: Sequence[HotRange],
        *,
        hold: bool = False,
    ) -> None:
        super().__init__(sources, hold=hold)
        self.rounds: list[set[int]] = [set() for _ in ranges]
        self._in: dict[int, list[tuple[HotRange, set[int]]]] = {}
        for one, rounds in zip(ranges, self.rounds, strict=True):
            self._in.setdefault(numbers[one.block], []).append((one, rounds))

    def enter(self, block: BlockId, rows: memoryview, used: int, source: int, turn: int) -> None:
        del source
        wanted = [one for one in self._in.get(block.number, ()) if turn not in one[1]]
        if not wanted:
            return
        found = np.frombuffer(rows[: used * kernel.ROW], np.int64).reshape(used, kernel.ROW)
        first, stop = found[:, 1], found[:, 1] + found[:, 2]
        for one, rounds in wanted:
            start = one.offset // block.page
            if ((first < start + one.pages) & (stop > start)).any():
                rounds.add(turn)
