"""What a run over a fleet did, and what a fleet answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from migstream.fleet.compact import Compacted
from migstream.fleet.questions import QUESTIONS
from migstream.fleet.run import Counts
from migstream.names import many
from migstream.render.answer import Answer
from migstream.render.shown import Part, Table, line
from migstream.render.text import grouped, prose, short_size

__all__ = [
    "FleetCompacted",
    "FleetRows",
    "FleetRun",
    "asked_parts",
    "compacted_parts",
    "question_parts",
    "run_parts",
]

MOST_WORDS = 8  # of a list


class FleetRun(Answer, tag="fleet", frozen=True, kw_only=True):
    """What `fleet scan` did: objects that it came to (`seen`), and what became of them.

    Of those that were `scanned`, `unread` are a row with an error, of these `again` one that may pass: the next run
    tries them again. `unchanged` are as an earlier run found them, `repeated` were named twice, `retried` counts tries.
    `gone` are objects of the fleet that were not there any more.
    `ended` is true where it was told to end before the last object. `written` is in bytes.
    """

    folder: str
    seen: int
    scanned: int
    unchanged: int
    repeated: int
    unread: int
    again: int
    retried: int
    gone: int
    ended: bool
    seconds: float
    written: int


class FleetRows(Answer, tag="fleet", frozen=True, kw_only=True):
    """What `fleet query` found: each row has a value for each of the `columns`; times are text."""

    columns: list[str]
    rows: list[list[Any]]


class FleetCompacted(Answer, tag="fleet", frozen=True, kw_only=True):
    """How many files and bytes a fleet had, and has."""

    folder: str
    files_before: int
    bytes_before: int
    files: int
    bytes: int


def run_answer(
    folder: str, counts: Counts, seconds: float, written: int, *, ended: bool
) -> FleetRun:
    """All of it."""
    return FleetRun(
        folder=folder,
        seconds=round(seconds, 3),
        written=written,
        ended=ended,
        **msgspec.structs.asdict(counts),
    )


def run_parts(one: FleetRun) -> Iterator[Part]:
    """One line, and one for what is left to do."""
    told = [f"{many(one.scanned, 'object')} scanned"]
    told += [f"{grouped(one.unchanged)} as before"] if one.unchanged else []
    told += [f"{grouped(one.repeated)} named twice"] if one.repeated else []
    told += [f"{grouped(one.unread)} of them unread"] if one.unread else []
    told += [f"{grouped(one.gone)} gone"] if one.gone else []
    rate = one.scanned / one.seconds if one.seconds else 0.0
    yield f"{', '.join(told)}: {short_size(one.written)} in {one.seconds:.1f} s, {rate:.1f} objects/s"
    if one.ended:
        yield "told to end: the same command goes on from here"
    elif one.again:
        yield f"{many(one.again, 'object')} failed in passing: the same command tries them again"


def question_parts() -> Iterator[Part]:
    """The questions that have a name."""
    rows = [
        (
            f"{name}{''.join(f' --{need}' if need == 'to' else f' {need.upper()}' for need in one.needs)}",
            one.line,
        )
        for name, one in QUESTIONS.items()
    ]
    yield Table(rows, "<<")


def rows_answer(table: Any) -> FleetRows:
    """A table of PyArrow's."""
    return FleetRows(
        columns=table.column_names,
        rows=[[_plain(cell) for cell in row.values()] for row in table.to_pylist()],
    )


def asked_parts(table: Any) -> Iterator[Part]:
    """A table of PyArrow's."""
    if not table.num_rows:
        yield "no rows"
        return
    rows = [tuple(_cell(cell) for cell in row.values()) for row in table.to_pylist()]
    numbers = [
        any(
            isinstance(c, int | float) and not isinstance(c, bool)
            for c in table.column(n).to_pylist()
        )
        for n in range(table.num_columns)
    ]
    yield Table(
        rows, "".join("<>"[number] for number in numbers), [prose(c) for c in table.column_names]
    )


def _cell(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%d %H:%M:%S}"
    if isinstance(cell, list):
        more = f" and {len(cell) - MOST_WORDS} more" if len(cell) > MOST_WORDS else ""
        return ", ".join(map(_cell, cell[:MOST_WORDS])) + more
    return prose(str(cell))


def _plain(cell: Any) -> Any:
    return cell.isoformat() if isinstance(cell, datetime) else cell


def compacted_answer(folder: str, done: Compacted) -> FleetCompacted:
    """All of it."""
    return FleetCompacted(folder=folder, **msgspec.structs.asdict(done))


def compacted_parts(one: FleetCompacted) -> Iterator[Part]:
    """One line."""
    yield line(
        f"{many(one.files_before, 'file')}, {short_size(one.bytes_before)}:"
        f" now {many(one.files, 'file')}, {short_size(one.bytes)}"
    )
