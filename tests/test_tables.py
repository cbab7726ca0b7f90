"""Things as rows, and as tables of a notebook."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any

import pytest

import migstream
from migstream.analysis.compat.model import Note, Problem, Report, Verdict
from migstream.analysis.diff.model import Change, Diff, Range
from migstream.tables import LONGEST_CELL, MOST_ROWS, html_table, rows
from migstream.wire.model import Span
from support import build
from support.samples import Sample

KINDS: dict[str, Callable[[migstream.Stream], Any]] = {
    "sections": lambda stream: stream.sections,
    "devices": lambda stream: stream.devices,
    "values": lambda stream: stream.devices["cpu", 0],
    "elements": lambda stream: stream["cpu[0]/env.regs"],
    "blocks": lambda stream: stream.ram.values(),
    "records": lambda stream: stream.ram.blocks,
    "rounds": lambda stream: stream.ram.rounds,
    "runs": lambda stream: stream.ram["pc.bios"].runs(),
    "versions": lambda stream: stream.history("pc.bios", 0),
    "ranges": lambda stream: stream.memory.ranges,
    "setup": lambda stream: stream.blocks,
}


@pytest.fixture
def q35(named_sample: Callable[[str], Sample]) -> Iterator[migstream.Stream]:
    with migstream.open(named_sample("q35-7.2.mig").path) as stream:
        yield stream


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_one_kind_have_the_same_columns_of_plain_values(
    kind: str, q35: migstream.Stream
) -> None:
    found = migstream.rows(KINDS[kind](q35))
    assert len(found) == len(list(KINDS[kind](q35))) > 0
    for row in found:
        assert row.keys() == found[0].keys()
        for value in row.values():
            assert value is None or isinstance(value, str | int | float | bool | bytes | list)
    out = io.StringIO()
    table = csv.DictWriter(out, found[0].keys())
    table.writeheader()
    table.writerows(found)


def test_a_row_says_what_the_struct_says(q35: migstream.Stream) -> None:
    for row, section in zip(rows(q35.sections), q35.sections, strict=True):
        assert (row["span.start"], row["span.stop"]) == section.span
        assert (row["payload.start"], row["payload.stop"]) == section.payload
        assert (row["name"], row["type"]) == (section.name, section.label)
        assert "content" not in row
    [one] = [row for row in rows(q35.ram.blocks) if row["name"] == "pc.bios"]
    [records] = [block for block in q35.ram.blocks if block.name == "pc.bios"]
    assert one["tally.normal"] == records.tally.normal
    eip = rows(q35.devices["cpu", 0])[1]
    assert (eip["path"], eip["value"], eip["type"]) == ("cpu[0]/env.eip", 0xFFF0, "uint64")


def test_findings_are_rows_with_and_without_a_place() -> None:
    raw = build.small()
    for data in (raw[: len(raw) // 2], raw + b"rest", b"text"):
        found = rows(migstream.check(data).findings)
        assert found
        for row in found:
            assert row.keys() == found[0].keys() >= {"code", "severity", "span.start"}
        json.dumps(found)


def test_pandas_takes_rows_as_they_are(q35: migstream.Stream) -> None:
    pandas = pytest.importorskip("pandas")
    for kind in KINDS.values():
        found = rows(kind(q35))
        frame = pandas.DataFrame(found)
        assert list(frame.columns) == list(found[0])
        assert len(frame) == len(found)


@pytest.mark.parametrize("wrong", [3, "text", (1, 2), None])
def test_what_has_no_fields_is_a_wrong_call(wrong: Any) -> None:
    with pytest.raises(TypeError, match="has no fields"):
        rows([wrong])


# --- in a notebook -------------------------------------------------------------------------------


class Cells(HTMLParser):
    """Reads a table back; anything but its own elements is an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.cells: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in {"p", "code", "table", "thead", "tbody", "tr", "th", "td"}
        assert not attrs
        self._open.append(tag)
        if tag in {"th", "td"}:
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1] in {"th", "td"}:
            self.cells[-1] += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


def test_a_notebook_shows_tables(q35: migstream.Stream) -> None:
    assert "pc-q35-7.2" in Cells(q35._repr_html_()).cells
    assert "cpu[0]" in Cells(q35.devices._repr_html_()).cells
    cpu = Cells(q35.devices["cpu", 0]._repr_html_()).cells
    assert cpu[cpu.index("env.eip") + 2] == "65520 (0xfff0)"
    assert "[3]" in Cells(q35["cpu[0]/env.regs"]._repr_html_()).cells
    assert not Cells(q35["cpu[0]/env.eip"]._repr_html_()).cells
    assert "pc.bios" in Cells(q35.ram._repr_html_()).cells
    assert "MS102" in Cells(migstream.check(b"text")._repr_html_()).cells


def test_a_notebook_shows_what_changed(named_sample: Callable[[str], Sample]) -> None:
    old, new = (named_sample(name).path for name in ("pc-7.2.mig", "pc-2.3-7.2.mig"))
    found = migstream.diff(old, new)
    cells = Cells(found._repr_html_()).cells
    assert cells[:5] == ["mark", "what", "path", "old", "new"]
    at = cells.index("cpu[0]/env.regs[2]")
    assert cells[at - 2 : at + 3] == ["~", "field", "cpu[0]/env.regs[2]", "397233", "1635"]
    assert len(cells) == 5 + 5 * sum(len(change.ranges) or 1 for change in found)
    pages = Cells(migstream.diff(old, new, parts=["memory"])._repr_html_()).cells
    assert "ram//rom@etc/acpi/rsdp[0x0:0x1000]" in pages
    assert not Cells(migstream.diff(old, old)._repr_html_()).cells


def _load(name: str) -> Report:
    """A load that fails with one device, and says something of another."""
    span = Span(0, 1)
    problem = Problem(kind="fields", device=name, span=span, message=f"{name} differs", hint=name)
    return Report(
        file=name,
        destination=name,
        release="10.0",
        verdicts=(
            Verdict(device="timer[0]", span=span, word="loads"),
            Verdict(device=name, span=span, word="fails", problem=problem),
            Verdict(
                device="lost[0]", span=span, word="loses", lost=(Note(path="a", message=name),)
            ),
        ),
        problems=(problem,),
        accepted_breaks=((problem, name),),
    )


def test_a_notebook_shows_what_a_load_comes_to() -> None:
    assert Cells(_load("cpu[0]")._repr_html_()).cells == [
        *("device", "verdict", "message", "hint"),
        *("cpu[0]", "fails", "cpu[0] differs", "cpu[0]"),
        *("cpu[0]", "accepted", "cpu[0] differs", "cpu[0]"),
        *("lost[0]", "loses", "a: cpu[0]", ""),
        *("timer[0]", "loads", "", ""),
    ]


def test_a_notebook_shows_a_load_of_a_stream(named_sample: Callable[[str], Sample]) -> None:
    sample = named_sample("q35-7.2.mig")
    with migstream.open(sample.path) as stream:
        report = migstream.compat(stream, migstream.Destination(stream=stream))
        cells = Cells(report._repr_html_()).cells
        assert report.accepted
        assert len(cells) == 4 * (1 + len(stream.devices))


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "</td>", "&lt;", "\x1b[31m", "\u202e"]
)
def test_names_in_what_an_analysis_found_stay_text(name: str) -> None:
    changes = (
        Change(mark="~", part="values", what="field", path=name, old_text=name, new_text=name),
        Change(
            mark="~",
            part="values",
            what="field",
            path=name,
            ranges=(Range(start=0, stop=1, old=[name], new=name),),
        ),
    )
    for thing in (Diff(changes), _load(name)):
        text = thing._repr_html_()
        assert all(cell.isprintable() for cell in Cells(text).cells)
        assert "<script" not in text


def test_a_notebook_reads_nothing_of_a_pipe(named_sample: Callable[[str], Sample]) -> None:
    with (
        named_sample("q35-7.2.mig").path.open("rb") as file,
        migstream.open(Pipe(file.read())) as stream,  # type: ignore[arg-type]
    ):
        assert not Cells(stream._repr_html_()).cells
        assert stream.machine == "pc-q35-7.2"
        assert "pc-q35-7.2" in Cells(stream._repr_html_()).cells


class Pipe:
    """Reads once."""

    def __init__(self, raw: bytes) -> None:
        self.read = io.BytesIO(raw).read


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", "</td><td>", "&lt;", "\x1b[31m", "\u202e", "a\nb", "x" * 10**6],
)
def test_what_a_stream_says_is_text_in_a_table(name: str) -> None:
    text = html_table(name, [{name: name, "other": name.encode()}])
    read = Cells(text)
    assert len(read.cells) == 4
    assert "<script" not in text
    assert all(cell.isprintable() for cell in read.cells)
    assert len(read.cells[2]) <= LONGEST_CELL


def test_hostile_names_of_a_stream_stay_text() -> None:
    field = build.field("<b>&</b>", "uint32", 4)
    raw = build.small(build.described(build.device("<i>one", [field, field])))
    with migstream.open(raw) as stream:
        for thing in (stream, stream.devices, *stream.devices, stream.ram, migstream.check(stream)):
            text = thing._repr_html_()
            Cells(text)
            assert not re.search(r"<[ib]>", text)


def test_a_table_ends_where_nobody_would_read_on() -> None:
    text = html_table("many", ({"n": n} for n in range(10**6)), total=10**6)
    assert len(Cells(text).cells) == 1 + MOST_ROWS
    assert f"and {10**6 - MOST_ROWS} more" in text
