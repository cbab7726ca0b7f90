"""Charts of bars: dirty pages by round and block, and what is sent while the guest stands still."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from migstream.errors import MigstreamError
from migstream.names import many
from migstream.ram.resends import Resends
from migstream.render.report.blocks import Bar, Bars, Block, Legend, Pane, Told
from migstream.render.report.sections import pieces
from migstream.render.shown import Table
from migstream.render.text import escape, grouped, number_of, percent, short_size
from migstream.stream import Stream

__all__ = ["downtime", "rounds"]

ROUNDS = 32  # bars; later rounds are one together
BLOCKS = 5  # blocks that have a colour of their own
PARTS = 24  # of the downtime part; smaller ones are one together


def rounds(stream: Stream) -> Iterator[Block]:
    """Pages that each round sent, by block: the first is all of memory, later ones what was written to."""
    if stream.ram.round_count < 2:
        return
    try:
        sent = stream.resends()
    except MigstreamError as error:
        yield Told(parts=[f"not known by block: {escape(error.message)}"])
        return
    totals = Counter({name: sum(one.pages.values()) for name, one in sent.items()})
    names = [name for name, _ in totals.most_common()]
    colours = {name: f"series{min(n, BLOCKS)}" for n, name in enumerate(names)}
    turns = sorted({turn for one in sent.values() for turn in one.pages})
    groups = [[turn] for turn in turns[:ROUNDS]]
    if turns[ROUNDS:]:
        groups.append(turns[ROUNDS:])
    counts = [{name: _sum(sent[name], group) for name in names} for group in groups]
    most = max((sum(one.values()) for one in counts), default=0)
    labels = [_turns(group) for group in groups]
    yield Legend(
        keys=[
            (colours[name], escape(name), number_of(totals[name], "page"))
            for name in names[:BLOCKS]
        ]
        + ([("series5", many(len(names) - BLOCKS, "other block"), "")] if names[BLOCKS:] else [])
    )
    yield Bars(
        title="Pages sent by each round",
        rows=[
            Bar(
                label=label,
                panes=[*_panes([(colours[n], escape(n), one[n]) for n in names], most)],
                value=number_of(sum(one.values()), "page"),
            )
            for label, one in zip(labels, counts, strict=True)
        ],
    )
    rows = [
        (
            label,
            *(grouped(one[name]) if one[name] else "" for name in names[:BLOCKS]),
            grouped(sum(one.values())),
        )
        for label, one in zip(labels, counts, strict=True)
    ]
    heads = ("", *map(escape, names[:BLOCKS]), "all blocks")
    yield Told(
        summary="The same as a table",
        parts=[Table(rows, "<" + ">" * (len(heads) - 1), heads)],
    )


def _sum(one: Resends, turns: Sequence[int]) -> int:
    return sum(one.pages[turn] for turn in turns)


def _turns(group: Sequence[int]) -> str:
    return f"round {group[0]}" if len(group) == 1 else f"rounds {group[0]} to {group[-1]}"


def _panes(parts: Sequence[tuple[str, str, int]], most: int) -> Iterator[Pane]:
    at = 0
    for kind, name, count in parts:
        if count:
            yield Pane(
                kind=kind,
                x=round(100 * at / most, 3),
                width=round(100 * count / most, 3),
                title=f"{name}: {many(count, 'page')}",
            )
            at += count


def downtime(stream: Stream, size: int) -> Iterator[Block]:
    """The last `size` bytes of the stream by what they are, the largest first."""
    last = stream.size - size
    sizes: Counter[str] = Counter()
    for one in pieces(stream.items):
        if one.start >= last:
            sizes[one.name] += one.size
    whole = sum(sizes.values())
    shown = sizes.most_common(PARTS)
    left = whole - sum(part for _, part in shown)
    if left:
        shown.append((many(len(sizes) - PARTS, "smaller one"), left))
    most = max((part for _, part in shown), default=0)
    yield Bars(
        title="Bytes sent after the last live memory",
        rows=[
            Bar(
                label=escape(name),
                panes=[_pane(escape(name), part, most)],
                value=f"{short_size(part)}, {percent(part, whole)}",
            )
            for name, part in shown
            if part
        ],
    )


def _pane(name: str, part: int, most: int) -> Pane:
    return Pane(kind="series0", x=0.0, width=round(100 * part / most, 3), title=name)
