"""Which memory was sent again, and in which rounds: a table, and a picture of characters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil
from typing import TYPE_CHECKING

import msgspec

from migstream.render.answer import Answer
from migstream.render.shown import Part, Table, Title, dim, line
from migstream.render.text import escape, grouped, size

if TYPE_CHECKING:
    from migstream.ram.heat import Area, Heat, HotRange

__all__ = ["HeatMap", "heat_line", "heat_map", "heat_parts"]

SHADES = " .:-=+*#%@"  # none of it was sent, some, all
WIDE, HIGH = 56, 16  # characters of the picture of a block
LISTED = 8  # runs of rounds that a row of the table names


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """Pages of a RAM block that follow each other and were sent again about equally often.

    `records` is how often its `pages` were sent, all taken together; `most` how often the most sent of them was (where a
    bin is more than a page: on average in the hottest bin). `rounds` are those in which anything of it was sent.
    """

    block: str
    offset: int
    size: int
    pages: int
    records: int
    most: int
    rounds: list[int]


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """A RAM block in the grid: `records` has a list for each `row` bytes of it, a number for each column."""

    name: str
    size: int
    row: int
    records: list[list[int]]


class HeatMap(Answer, tag="history", frozen=True, kw_only=True):
    """With --heat: how often memory was sent, by place and round.

    `bin` is how many pages are counted together, `range_count` how many ranges there are, of which `ranges` are the
    hottest. A column of the grid is `width` rounds, the first of which is number `first`. `output` and `bytes` are the
    picture that was written, and its size.
    """

    file: str
    bin: int
    range_count: int
    ranges: list[Range]
    first: int
    width: int
    blocks: list[Block]
    output: str | None = None
    bytes: int | None = None


def heat_map(
    file: str,
    heat: Heat,
    ranges: Sequence[HotRange],
    rounds: Sequence[list[int]],
    *,
    output: str | None = None,
    written: int | None = None,
) -> HeatMap:
    """The answer; `ranges` are the ones that are told, `rounds` those of each."""
    told = [
        Range(
            block=one.block,
            offset=one.offset,
            size=one.size,
            pages=one.pages,
            records=one.records,
            most=one.most,
            rounds=sent,
        )
        for one, sent in zip(ranges, rounds, strict=True)
    ]
    blocks = [
        Block(
            name=area.block,
            size=area.size,
            row=area.pages * area.page,
            records=area.records.tolist(),
        )
        for area in heat.areas
    ]
    return HeatMap(
        file=file,
        bin=heat.bin,
        range_count=len(heat.ranges),
        ranges=told,
        first=heat.first,
        width=heat.width,
        blocks=blocks,
        output=output,
        bytes=written,
    )


# --- for people ----------------------------------------------------------------------------------


def _rounds(found: Sequence[int]) -> str:
    """Numbers, those that follow each other as a range; the end is cut."""
    runs: list[list[int]] = []
    for one in found:
        if runs and runs[-1][1] == one - 1:
            runs[-1][1] = one
        else:
            runs.append([one, one])
    words = [str(a) if a == b else f"{a}-{b}" for a, b in runs[:LISTED]]
    return ", ".join(words) + (", ..." if len(runs) > LISTED else "")


def heat_parts(told: HeatMap, heat: Heat) -> Iterator[Part]:
    """The hottest ranges, then a picture of each block of which anything was sent again."""
    if not told.ranges:
        yield "no page was sent again"
        return
    rows = [
        (
            f"{escape(one.block)}@{one.offset:#x}",
            size(one.size),
            grouped(one.records),
            f"{one.records / one.pages:.1f}",
            str(one.most),
            _rounds(one.rounds),
        )
        for one in told.ranges
    ]
    yield Table(rows, "<>>>><", ("sent again", "size", "pages sent", "times", "most", "in rounds"))
    if more := told.range_count - len(told.ranges):
        yield dim(f"and {grouped(more)} more (--all)")
    if told.bin > 1:
        yield dim(f"counted by {told.bin} pages")
    hot = {one.block for one in heat.ranges}
    for area in heat.areas:
        if area.block in hot:
            yield from _drawn(area, heat)


def _drawn(area: Area, heat: Heat) -> Iterator[Part]:
    """A line for each range of addresses, a character for each round."""
    from migstream.export.heat import shares

    cells = shares(area, heat.width, HIGH, WIDE)
    rows, columns = area.records.shape
    down, across = -(-rows // HIGH), -(-columns // WIDE) * heat.width
    last = heat.first + columns * heat.width - 1
    each = "a round each" if across == 1 else f"{across} rounds each"
    yield Title(f"{escape(area.block)}, rounds {heat.first} to {last}, {each}")
    step = down * area.pages * area.page
    wide = len(f"{(len(cells) - 1) * step:#x}")
    for number, row in enumerate(cells):
        drawn = "".join(SHADES[ceil(share * (len(SHADES) - 1))] for share in row)
        yield line("  ", dim(f"{number * step:#x}".rjust(wide)), f"  |{drawn}|")


def heat_line(told: HeatMap) -> Part:
    """That the picture was written, and what is in it."""
    assert told.output is not None
    assert told.bytes is not None
    names = ", ".join(escape(one.name) for one in told.blocks)
    return line(f"{escape(told.output)}  {size(told.bytes)}", f"  from the top: {names}")
