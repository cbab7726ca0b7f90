"""How often guest memory was sent: pages of each block by dirty round, and where it was sent again.

A live migration sends a page again when the guest wrote to it, so this is where and when the guest wrote.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from migstream.ram import kernel
from migstream.ram.builder import ImageBuilder
from migstream.ram.pages import Source
from migstream.ram.records import BlockId
from migstream.ram.table import Entries

__all__ = ["ResendBuilder", "Resends"]


class Resends(msgspec.Struct, frozen=True):
    """What the dirty rounds sent of a block. Rounds count from 1.

    `pages` is how many pages each round sent; `last` has the cells in which a page was sent again,
    each with the last round that did so.
    """

    pages: Counter[int] = msgspec.field(default_factory=Counter)
    last: dict[int, int] = msgspec.field(default_factory=dict)


class ResendBuilder(ImageBuilder):
    """Counts the records of every round (`ram.records.Sink`); `found` has them by the number of their block.

    Parameters
    ----------
    cell : pages that are looked at together
    """

    def __init__(self, sources: Sequence[Source], cell: int) -> None:
        super().__init__(sources)
        self.found: dict[int, Resends] = {}
        self._cell = cell

    def enter(self, block: BlockId, rows: memoryview, used: int, source: int, turn: int) -> None:
        flat = rows[: used * kernel.ROW].tolist()
        counts = flat[2 :: kernel.ROW]
        found = self.found.setdefault(block.number, Resends())
        found.pages[turn] += sum(counts)
        if turn > 1:
            entries = self.table(block).entries
            for first, count in zip(flat[1 :: kernel.ROW], counts, strict=True):
                for start, stop in _known(entries, first, first + count):
                    cells = range(start // self._cell, (stop - 1) // self._cell + 1)
                    found.last.update(dict.fromkeys(cells, turn))
        super().enter(block, rows, used, source, turn)


def _known(entries: Entries, at: int, stop: int) -> Iterator[tuple[int, int]]:
    """Pages of [at, stop) that were sent before, in stretches."""
    while at < stop:
        kind, _, count, _ = entries.run(at, stop)
        if kind != kernel.NEVER:
            yield at, at + count
        at += count
