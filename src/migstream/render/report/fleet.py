"""A fleet as one page: what there is, what is wrong with it, what will not load, and where it is large."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from migstream._version import __version__
from migstream.fleet.query import Fleet
from migstream.fleet.questions import QUESTIONS
from migstream.names import many
from migstream.render.fleet import asked_parts
from migstream.render.report.blocks import Bar, Bars, Block, Legend, Pane, Told
from migstream.render.report.chapters import Chapter
from migstream.render.report.template import page_environment
from migstream.render.template import own, policy
from migstream.render.text import escape, grouped, short_size

__all__ = ["fleet_page"]

TEMPLATE, STYLE = "fleet.html.jinja", "page.css"
EMPTY = "Nothing was scanned yet."
MOST_BARS = 24
MOST_ROWS = 200  # of a table; the rest is for `fleet query`
RELEASES = "select distinct release from verdicts order by split_part(release, '.', 1)::int, split_part(release, '.', 2)::int"
STATES = {"whole": "series0", "unproven": "series2", "damaged": "series1", "unread": "series5"}
LOADS = {"yes": "series0", "unknown": "series5", "no": "series1"}


def fleet_page(fleet: Fleet, name: str) -> bytes:
    """The page.

    Raises
    ------
    Unsupported : Jinja2 is not installed
    """
    made = page_environment()
    style = own(__package__, STYLE)
    releases = [row["release"] for row in _rows(fleet, RELEASES)]
    text = made.get_template(TEMPLATE).render(
        name=escape(name.rstrip("/").rpartition("/")[2] or name),
        chapters=[
            Chapter(one, title, [*make(fleet, releases)], nothing)
            for one, title, make, nothing in CHAPTERS
        ],
        tiles=_tiles(fleet, releases),
        style=style,
        policy=policy(style, ""),
        version=__version__,
    )
    return text.encode()


def _rows(fleet: Fleet, sql: str, given: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = fleet.ask(sql, given).to_pylist()
    return rows


def _tiles(fleet: Fleet, releases: Sequence[str]) -> list[tuple[str, str, str]]:
    [one] = _rows(
        fleet,
        "select count(*) as objects, coalesce(sum(size), 0)::bigint as bytes,"
        " count(*) filter (state = 'damaged') as damaged, count(*) filter (state = 'unread') as unread from streams",
    )
    tiles = [
        ("objects", grouped(one["objects"]), "#states"),
        ("stored", short_size(one["bytes"]), "#states"),
        ("damaged", grouped(one["damaged"]), "#states"),
        ("unread", grouped(one["unread"]), "#states"),
    ]
    for release in releases[-1:]:
        [no] = _rows(
            fleet,
            "select count(*) as n from verdicts where release = $to and not loads",
            {"to": release},
        )
        tiles.append((f"will not load in {release}", grouped(no["n"]), "#loads"))
    return tiles


# --- chapters ------------------------------------------------------------------------------------------


def _states(fleet: Fleet, _: Sequence[str]) -> Iterator[Block]:
    counts = _rows(fleet, "select state, count(*) as n from streams group by state order by n desc")
    if not counts:
        return
    yield _bars(
        "Objects by the state in which they were found",
        [(one["state"], [(STATES[one["state"]], one["state"], one["n"])]) for one in counts],
    )
    yield from _table(fleet, "damaged", {})


def _loads(fleet: Fleet, releases: Sequence[str]) -> Iterator[Block]:
    if not releases:
        return
    yield Legend(
        keys=[
            (LOADS["yes"], "loads", ""),
            (LOADS["unknown"], "cannot be told", ""),
            (LOADS["no"], "does not load", ""),
        ]
    )
    sql = """select count(*) filter (loads) as yes, count(*) filter (loads is null) as unknown,
        count(*) filter (not loads) as no from verdicts where release = $to"""
    rows = []
    for release in releases:
        [one] = _rows(fleet, sql, {"to": release})
        rows.append((f"QEMU {release}", [(LOADS[kind], kind, one[kind]) for kind in LOADS]))
    yield _bars("Guests by release", rows)
    for release in reversed(releases):
        why = """select coalesce(device, kind) as device, message, count(*) as guests,
            min(coalesce(url, object)) as one_of_them from verdicts
            where release = $to and loads is not true group by all order by guests desc, message"""
        found = fleet.ask(why, {"to": release})
        if found.num_rows:
            yield Told(
                summary=f"Why not QEMU {release}: {many(found.num_rows, 'reason')}",
                parts=[*asked_parts(found.slice(0, MOST_ROWS))],
                unfolded=release == releases[-1],
            )


def _machines(fleet: Fleet, releases: Sequence[str]) -> Iterator[Block]:
    yield from _counted(
        fleet,
        "Guests by machine type",
        "select coalesce(machine, 'not recorded') as label, count(*) as value from streams where state <> 'unread'"
        " group by 1 order by 2 desc, 1",
    )
    for release in releases[-1:]:
        yield from _table(fleet, "needs-old-machine", {"to": release}, f" (QEMU {release})")


def _devices(fleet: Fleet, _: Sequence[str]) -> Iterator[Block]:
    rows = fleet.answer(QUESTIONS["largest-devices"], {}).to_pylist()
    if not rows:
        return
    most = max(row["largest"] for row in rows)
    yield Bars(
        title="Bytes of the largest section of each device",
        rows=[
            Bar(
                label=escape(row["name"]),
                value=short_size(row["largest"]),
                panes=[*_panes([("series0", escape(row["largest_in"]), row["largest"])], most)],
            )
            for row in rows[:MOST_BARS]
        ],
    )
    yield from _table(fleet, "largest-devices", {})


def _writers(fleet: Fleet, _: Sequence[str]) -> Iterator[Block]:
    sql = """select coalesce(writer, 'unknown') as label, count(*) as value from streams
        where state <> 'unread' group by 1 order by 2 desc, 1"""
    yield from _counted(fleet, "Guests by the QEMUs that can have written them", sql)


def _duplicates(fleet: Fleet, _: Sequence[str]) -> Iterator[Block]:
    yield from _table(fleet, "duplicates", {})


def _runs(fleet: Fleet, _: Sequence[str]) -> Iterator[Block]:
    sql = """select strftime(time, '%Y-%m-%d %H:%M:%S') as label, count(*) as value from history
        where state <> 'gone' group by 1 order by 1 desc"""
    yield from _counted(fleet, "Objects scanned by each run", sql)


CHAPTERS: tuple[tuple[str, str, Callable[[Fleet, Sequence[str]], Iterator[Block]], str], ...] = (
    ("states", "Whole or damaged", _states, EMPTY),
    ("loads", "Upgrades", _loads, "No load was foretold: scan with --to."),
    ("machines", "Machine types", _machines, EMPTY),
    ("writers", "Written by", _writers, EMPTY),
    ("devices", "Largest devices", _devices, EMPTY),
    ("duplicates", "Duplicates", _duplicates, "No two objects hold the same device state."),
    ("runs", "Runs", _runs, EMPTY),
)


# --- pieces --------------------------------------------------------------------------------------------


def _counted(fleet: Fleet, title: str, sql: str) -> Iterator[Block]:
    """Bars of labels and values; those that are too many are one together."""
    found = [(row["label"], row["value"]) for row in _rows(fleet, sql)]
    rest = found[MOST_BARS:]
    if found:
        bars = [(label, [("series0", label, value)]) for label, value in found[:MOST_BARS]]
        if rest:
            bars.append(
                (f"{len(rest)} others", [("series5", "others", sum(value for _, value in rest))])
            )
        yield _bars(title, bars)


def _bars(title: str, rows: Sequence[tuple[str, Sequence[tuple[str, str, int]]]]) -> Bars:
    """Rows of a label, and of parts that are a class, a name and a number each."""
    sums = [sum(n for _, _, n in parts) for _, parts in rows]
    most = max(sums, default=0)
    return Bars(
        title=title,
        rows=[
            Bar(label=escape(label), panes=[*_panes(parts, most)], value=grouped(total))
            for (label, parts), total in zip(rows, sums, strict=True)
        ],
    )


def _panes(parts: Sequence[tuple[str, str, int]], most: int) -> Iterator[Pane]:
    at = 0.0
    for kind, name, number in parts:
        if number:
            width = 100 * number / most
            yield Pane(
                kind=kind,
                x=round(at, 3),
                width=round(width, 3),
                title=f"{escape(name)}: {grouped(number)}",
            )
            at += width


def _table(fleet: Fleet, name: str, given: dict[str, Any], more: str = "") -> Iterator[Block]:
    """The answer to a question that has a name."""
    question = QUESTIONS[name]
    found = fleet.answer(question, given)
    if found.num_rows:
        left = found.num_rows - MOST_ROWS
        parts = [*asked_parts(found.slice(0, MOST_ROWS))]
        parts += [f"and {grouped(left)} more: migstream fleet query has them"] if left > 0 else []
        yield Told(
            summary=f"{question.line.rstrip('.')}{more}: {many(found.num_rows, 'row')}", parts=parts
        )
