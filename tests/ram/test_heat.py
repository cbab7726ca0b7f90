"""How often memory was sent, held to counting page by page."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import migstream
from migstream.export.heat import picture, shares
from migstream.ram import heat, kernel
from migstream.ram.builder import ImageBuilder
from migstream.ram.heat import AGAIN, Heat, HeatBuilder, RangeBuilder
from migstream.ram.records import BlockId
from migstream.render.heat import heat_map, heat_parts
from migstream.render.paint import text
from support.samples import Sample

Named = Callable[[str], Sample]
Runs = list[tuple[int, int, int, int]]  # block, first page, count, round


class Plain(ImageBuilder):
    """Every record by itself (`ram.records.Sink`)."""

    def __init__(self, *where: Any, **how: Any) -> None:
        super().__init__(*where, **how)
        self.counts: Counter[tuple[int, int, int]] = Counter()

    def enter(self, block: BlockId, rows: memoryview, used: int, source: int, turn: int) -> None:
        del source
        for at in range(0, used * kernel.ROW, kernel.ROW):
            for page in range(rows[at + 1], rows[at + 1] + rows[at + 2]):
                self.counts[block.number, page, turn] += 1


def held(found: Heat, counts: Counter[tuple[int, int, int]], names: Sequence[str]) -> None:
    """What was counted in bins is what was counted page by page."""
    grid: Counter[tuple[str, int, int]] = Counter()
    pages: Counter[tuple[str, int]] = Counter()
    rows = {area.block: area.pages for area in found.areas}
    for (number, page, turn), count in counts.items():
        name = names[number]
        grid[name, page // rows[name], max(turn - found.first, 0) // found.width] += count
        pages[name, page] += count
    for area in found.areas:
        for (row, column), count in dict(enumerate_cells(area.records)).items():
            assert grid.pop((area.block, row, column), 0) == count
    assert not grid
    hot = set()
    for one in found.ranges:
        size = next(area.page for area in found.areas if area.block == one.block)
        each = range(one.offset // size, one.offset // size + one.pages)
        assert sum(pages[one.block, page] for page in each) == one.records >= AGAIN * one.pages
        if found.bin == 1:
            times = [pages[one.block, page] for page in each]
            assert one.most == max(times) < 2 * min(times)
            hot |= {(one.block, page) for page in each}
    if found.bin == 1:
        assert hot == {place for place, count in pages.items() if count >= AGAIN}
    assert [one.times for one in found.ranges] == sorted(
        (r.times for r in found.ranges), reverse=True
    )


def enumerate_cells(records: Any) -> list[tuple[tuple[int, int], int]]:
    rows = records.tolist()
    return [((r, c), count) for r, row in enumerate(rows) for c, count in enumerate(row)]


def test_of_real_streams(own_sample: Sample) -> None:
    with migstream.open(own_sample.path) as stream:
        found = stream.heat()
        plain = Plain([stream.store])
        stream._counted(plain)
        held(found, plain.counts, list(stream.ram))
        told = found.ranges[:5]
        for one, rounds in zip(told, stream.sent_in(told), strict=True):
            block = stream.ram[one.block]
            number, start = list(stream.ram).index(one.block), one.offset // block.page
            assert rounds == sorted({
                turn for n, page, turn in plain.counts
                if n == number and start <= page < start + one.pages
            })  # fmt: skip


def test_a_live_guest_s_hottest_page(named_sample: Named) -> None:
    with migstream.open(named_sample("pc-xbzrle-7.2.mig").path) as stream:
        hottest = stream.heat().ranges[0]
        assert hottest.times == len(stream.history(hottest.block, hottest.offset))


SIZES = (37, 1, 300)
RUNS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 299), st.integers(1, 300), st.integers(0, 40))
)


def entered(builder: ImageBuilder, runs: Runs) -> None:
    for number, first, count, turn in runs:
        first = min(first, SIZES[number] - 1)
        row = array("q", (kernel.DATA, first, min(count, SIZES[number] - first), 0))
        name = BlockId(number, SIZES[number] << 12, 4096, 4104)
        builder.enter(name, memoryview(row), 1, 0, turn)


@settings(max_examples=60, deadline=None)
@given(RUNS, st.sampled_from([4, 64, 1 << 20]), st.sampled_from([8, 64]), st.sampled_from([1, 400]))
def test_of_any_runs(runs: Runs, bins: int, rows: int, cells: int) -> None:
    blocks: Any = [
        SimpleNamespace(name=f"b{n}", size=(count << 12) - 100, page=4096)
        for n, count in enumerate(SIZES)
    ]
    names = [block.name for block in blocks]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(heat, "BINS", bins)
        patch.setattr(heat, "ROWS", rows)
        patch.setattr(heat, "CELLS", cells)
        builder, plain = HeatBuilder([], blocks, 1), Plain([])
        entered(builder, runs)
        entered(plain, runs)
        found = builder.heat()
    held(found, plain.counts, names)
    assert sum(area.records.size for area in found.areas) <= max(cells, 2 * 420)
    second = RangeBuilder([], {name: n for n, name in enumerate(names)}, found.ranges)
    entered(second, runs)
    told = heat_map("f", found, found.ranges, [sorted(r) for r in second.rounds])
    for line in text(heat_parts(told, found), colour=False, width=80):
        assert len(line) <= 80
    assert picture(found).ndim == 3
    for area in found.areas:
        assert (
            0 <= shares(area, found.width, 5, 3).min() <= shares(area, found.width, 5, 3).max() <= 1
        )


def test_a_block_that_claims_all_takes_no_memory() -> None:
    blocks: Any = [SimpleNamespace(name="b", size=1 << 52, page=4096)]
    builder = HeatBuilder([], blocks, 1)
    row = array("q", (kernel.DATA, (1 << 40) - 3, 3, 0))
    for turn in (1, 9000):
        builder.enter(BlockId(0, 1 << 52, 4096, 4104), memoryview(row), 1, 0, turn)
    found = builder.heat()
    assert found.bin == 1 << 20
    assert found.areas[0].records.sum() == 6
    assert found.areas[0].records.size <= heat.CELLS
    assert not found.ranges
