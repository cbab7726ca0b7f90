"""Questions to a fleet: they are answered from its tables, and nothing else can be asked."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from migstream.cli.group import cli
from migstream.errors import SourceError, Unsupported
from migstream.fleet.dataset import Dataset, Writer
from migstream.fleet.engines import Local
from migstream.fleet.query import Fleet, metrics, moment
from migstream.fleet.questions import METRICS, QUESTIONS
from migstream.fleet.scan import Questions, Scan
from migstream.fleet.schema import Key, Saved
from support import build
from support.fleet import KINDS, WHEN, objects, scanned
from support.samples import Sample, own_streams

for package in ("pyarrow", "duckdb"):
    pytest.importorskip(package, reason=f"{package} is not installed")

COUNT = 2 * len(KINDS)
GIVEN = {"to": "11.1", "since": WHEN - timedelta(1)}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory, unpack: Callable[[Any], Sample]) -> Path:
    """Real streams, and some of each other kind."""
    folder = tmp_path_factory.mktemp("saved")
    for packed in own_streams():
        (folder / packed.name).symlink_to(unpack(packed).path)
    for name, data in objects(COUNT, [build.small()]):
        (folder / name.replace("/", "-")).write_bytes(data)
    return folder


@pytest.fixture(scope="module")
def fleet(saved: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fleet") / "f"
    scanned(folder, [str(saved)], Local(2), Questions(to=("11.1",)))
    return folder


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, [*map(str, words)])


def asked(fleet: Path, *words: object) -> list[dict[str, Any]]:
    """Rows of an answer in JSON."""
    result = run("fleet", "query", fleet, *words, "--json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    return [dict(zip(answer["columns"], row, strict=True)) for row in answer["rows"]]


# --- answers, and what the verbs say of the same files ----------------------------------------------


def told(verb: str, path: Path, *words: str) -> Any:
    result = run(verb, path, *words, "--json")
    return json.loads(result.stdout) if result.stdout else None


def test_machine_types(fleet: Path, saved: Path) -> None:
    counts: dict[str | None, int] = {}
    for path in saved.iterdir():
        info = told("info", path)
        if info is not None:
            counts[info["machine"]] = counts.get(info["machine"], 0) + 1
    rows = asked(fleet, "machine-types")
    found: dict[str | None, int] = {}
    for row in rows:
        found[row["machine"]] = found.get(row["machine"], 0) + row["guests"]
    assert found == counts


def test_damaged(fleet: Path, saved: Path) -> None:
    rows = {Path(row["object"]).name: row for row in asked(fleet, "damaged")}
    for path in saved.iterdir():
        result = run("info", path)
        damaged = result.exit_code not in {0, 1}
        assert (path.name in rows) == damaged, (path.name, result.output)
        if damaged:
            assert rows[path.name]["code"] in result.stderr


def test_will_not_load(fleet: Path, saved: Path) -> None:
    rows = {Path(row["guest"]).name: row for row in asked(fleet, "will-not-load", "--to", "11.1")}
    for path in saved.iterdir():
        name = path.name
        result = run("compat", path, "--to", "11.1", "--json")
        if result.exit_code == 0:
            assert name not in rows
        elif result.stdout:
            first = json.loads(result.stdout)["problems"][0]
            assert (rows[name]["loads"], rows[name]["message"]) == (False, first["message"])
        else:
            assert rows[name]["loads"] is None
            assert rows[name]["message"] in result.stderr
    result = run("fleet", "query", fleet, "will-not-load", "--to", "11.1", "--exit-code")
    assert result.exit_code == 1
    result = run("fleet", "query", fleet, "will-not-load", "--to", "7.2")
    assert result.exit_code == 2
    assert "scan with --to" in result.stderr


def test_largest_devices(fleet: Path, saved: Path) -> None:
    largest: dict[str, int] = {}
    for path in saved.iterdir():
        for device in (told("info", path) or {"devices": []})["devices"]:
            name = device["path"].rpartition("[")[0].rpartition("/")[2]
            largest[name] = max(largest.get(name, 0), device["size"])
    rows = asked(fleet, "largest-devices")
    best = sorted(largest.values(), reverse=True)[: len(rows)]
    assert [row["largest"] for row in rows] == best
    assert all(largest[row["name"]] == row["largest"] for row in rows)


def test_needs_old_machine(fleet: Path) -> None:
    rows = {
        row["machine"]: row["state"] for row in asked(fleet, "needs-old-machine", "--to", "11.1")
    }
    assert rows["pc-i440fx-7.2"] == "deprecated"
    assert "none" not in rows


@pytest.mark.parametrize(
    ("release", "removed", "deprecated"),
    [  # as `-M help` of these releases has it, and of 13.2 by the rule that it will have
        ("7.2", set(), set()),
        (
            "10.0",
            {"pc-i440fx-2.3", "pseries-2.12"},
            {"pc-i440fx-2.4", "pc-q35-4.0", "pc-q35-5.1", "pc-q35-5.2", "virt-7.0"},
        ),
        (
            "11.1",
            {"pc-i440fx-2.3", "pc-i440fx-2.4", "pc-q35-4.0", "pseries-2.12", "pc-q35-5.1"},
            {"pc-q35-5.2", "virt-7.0", "pc-q35-8.1"},
        ),
        (
            "13.2",
            {"pc-i440fx-2.3", "pc-i440fx-2.4", "pc-q35-4.0", "pseries-2.12", "pc-q35-5.1"}
            | {"pc-q35-5.2", "virt-7.0"},
            {"pc-q35-8.1", "pc-q35-10.0", "pc-q35-10.2"},
        ),
    ],
)
def test_machine_types_that_a_release_will_not_have(
    tmp_path: Path, release: str, removed: set[str], deprecated: set[str]
) -> None:
    of = "pc-i440fx-2.3 pc-i440fx-2.4 pc-q35-4.0 pc-q35-5.1 pc-q35-5.2 pc-q35-8.1 pc-q35-10.0 pc-q35-10.2 pseries-2.12 virt-7.0"
    with Writer(Dataset.make(tmp_path / "f"), "2026-11-28") as keep:
        for number, machine in enumerate((*of.split(), "none", "musicpal")):
            key = Key(object=f"{number:016}", scan=f"{number:016}", url=machine, time=WHEN)
            keep.add(Scan(key=key, saved=Saved(state="whole", machine=machine)))
    rows = asked(tmp_path / "f", "needs-old-machine", "--to", release)
    found = {
        state: {row["machine"] for row in rows if row["state"] == state}
        for state in ("removed", "deprecated")
    }
    assert found == {"removed": removed, "deprecated": deprecated}


def test_duplicates(fleet: Path, saved: Path) -> None:
    rows = asked(fleet, "duplicates")
    assert rows
    assert all(row["copies"] > 1 for row in rows)
    sql = "select digest, count(*) from streams where devices > 0 group by 1 having count(*) > 1"
    assert {row["digest"] for row in rows} == {row["digest"] for row in asked(fleet, sql)}
    alike: dict[str, set[str]] = {}
    for path in saved.iterdir():
        result = run("digest", path, "--no-ram")
        if result.exit_code == 0:
            lines = [line for line in result.stdout.splitlines()[3:] if not line.startswith(" ")]
            alike.setdefault("\n".join(lines), set()).add(path.name)
    told: dict[str, set[str]] = {}
    for row in asked(fleet, "select digest, url from streams"):
        name = Path(row["url"]).name
        if any(name in names for names in alike.values()):
            told.setdefault(row["digest"], set()).add(name)
    assert sorted(map(sorted, told.values())) == sorted(map(sorted, alike.values()))


def test_since(fleet: Path) -> None:
    day = f"{WHEN:%Y-%m-%d}"
    rows = asked(fleet, "since", day)
    assert {row["what"] for row in rows} == {"new"}
    assert asked(fleet, "since", f"{WHEN + timedelta(1):%Y-%m-%d}") == []
    assert run("fleet", "query", fleet, "since").exit_code == 2
    assert run("fleet", "query", fleet, "since", "whenever").exit_code == 2


@pytest.mark.parametrize("name", QUESTIONS)
def test_each_question_has_an_answer(fleet: Path, name: str) -> None:
    with Fleet(Dataset.open(fleet)) as one:
        table = one.answer(QUESTIONS[name], GIVEN)
        assert table.num_columns
    assert len(QUESTIONS[name].line) < 90


def test_an_empty_fleet_answers(tmp_path: Path) -> None:
    with Fleet(Dataset.make(tmp_path / "f")) as one:
        for question in QUESTIONS.values():
            if question.asked is None:
                assert one.answer(question, GIVEN).num_rows == 0
        assert len(list(metrics(one))) == 2 * len(METRICS)


# --- forms -----------------------------------------------------------------------------------------


def test_forms(fleet: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    sql = "select url, capabilities, size, time, state = 'whole' as whole from streams order by url"
    rows = asked(fleet, sql)
    text = run("fleet", "query", fleet, sql, "-f", "csv").stdout
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [line["url"] for line in lines] == [row["url"] for row in rows]
    out = tmp_path / "x.parquet"
    assert run("fleet", "query", fleet, sql, "-f", "parquet", "-o", out).exit_code == 0
    assert pq.read_table(out)["size"].to_pylist() == [row["size"] for row in rows]
    assert run("fleet", "query", fleet, sql, "-f", "parquet", "-o", out).exit_code == 5
    assert run("fleet", "query", fleet, sql, "-f", "csv", "-o", tmp_path / "x.csv").exit_code == 0
    assert (tmp_path / "x.csv").read_text() == text
    assert run("fleet", "query", fleet, sql).stdout.count("\n") > len(rows)
    assert run("fleet", "query", fleet, "select 1 where false").stdout == "no rows\n"
    listed = run("fleet", "query", fleet).stdout
    assert all(name in listed for name in QUESTIONS)


def test_prometheus(fleet: Path, tmp_path: Path) -> None:
    out = tmp_path / "fleet.prom"
    for _ in range(2):
        assert run("fleet", "metrics", fleet, "-o", out).exit_code == 0
    text = out.read_text()
    assert re.search(r'^migstream_fleet_objects\{state="whole"\} \d+$', text, re.MULTILINE)
    line = re.compile(r'[a-z_]+(\{[a-z]+="[^"\n]*"(,[a-z]+="[^"\n]*")*\})? [0-9.e+]+')
    assert all(line.fullmatch(one) for one in text.splitlines() if not one.startswith("#"))


# --- what may not be asked --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv('/etc/passwd')",
        "select * from read_text('/etc/passwd')",
        "select * from read_parquet('/tmp/x.parquet')",
        "select * from '/etc/passwd'",
        "select * from glob('/etc/*')",
        "select * from 'http://127.0.0.1/x.csv'",
        "copy streams to '/tmp/migstream-x.csv'",
        "attach '/tmp/migstream-x.db'",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
        "create table x as select 1",
        "drop view streams",
        "select 1; select 2",
        "select * from dataset",
        "select getenv('HOME')",
        "export database '/tmp/migstream-x'",
        "call pragma_version()",
        "",
        "what",
    ],
)
def test_nothing_but_the_tables_can_be_asked(fleet: Path, sql: str) -> None:
    with Fleet(Dataset.open(fleet)) as one, pytest.raises(ValueError, match=r"\w"):
        one.ask(sql)
    assert run("fleet", "query", fleet, sql).exit_code == 2
    assert not list(Path("/tmp").glob("migstream-x*"))  # noqa: S108


@pytest.fixture(scope="module")
def opened(fleet: Path) -> Iterator[Fleet]:
    with Fleet(Dataset.open(fleet)) as one:
        yield one


@given(st.text(max_size=30))
def test_no_text_is_a_traceback(opened: Fleet, sql: str) -> None:
    with suppress(ValueError):
        opened.ask(sql)


# --- datasets --------------------------------------------------------------------------------------


def test_folders_that_are_no_fleet(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    with pytest.raises(SourceError, match="no fleet"):
        Dataset.make(tmp_path)
    with pytest.raises(SourceError, match="no fleet"):
        Dataset.open(tmp_path)
    one = Dataset.make(tmp_path / "f")
    with pytest.raises(SourceError, match="with names"):
        Dataset.make(tmp_path / "f", redacted=True)
    (one.folder / "fleet.json").write_text('{"migstream":"fleet","format":99}')
    with pytest.raises(Unsupported, match="newest known"):
        Dataset.open(one.folder)


def test_a_fleet_without_names(saved: Path, tmp_path: Path) -> None:
    folder = tmp_path / "f"
    words = ("fleet", "scan", saved, "-o", folder, "--redact", "--workers", "1")
    result = run(*words)
    assert result.exit_code == 0, result.output
    secret = (folder / "names.key").read_bytes()
    assert len(secret) == 32
    rows = asked(folder, "select * from streams")
    assert not any(row["url"] or row["domain"] or row["message"] for row in rows)
    assert len({row["object"] for row in rows}) == len(rows)
    assert "0 objects scanned" in run(*words).stdout


def test_who_is_at_it_is_left_alone(tmp_path: Path) -> None:
    one = Dataset.make(tmp_path / "f")
    with one.locked(), one.locked():
        result = run("fleet", "compact", tmp_path / "f")
        assert result.exit_code == 5
        assert "in use" in result.stderr
    with one.locked(alone=True):
        assert run("fleet", "scan", tmp_path, "-o", tmp_path / "f").exit_code == 5


def test_times_as_people_say_them() -> None:
    now = datetime(2026, 3, 2, 15, tzinfo=UTC)
    assert moment("today", now) == datetime(2026, 3, 2, tzinfo=UTC)
    assert moment("yesterday", now) == datetime(2026, 3, 1, tzinfo=UTC)
    assert moment("36h", now) == datetime(2026, 3, 1, 3, tzinfo=UTC)
    assert moment("7d", now) == datetime(2026, 2, 23, 15, tzinfo=UTC)
    assert moment("2026-01-01") == datetime(2026, 1, 1, tzinfo=UTC)
    for wrong in ("", "last week", "7w", "99999999d"):
        with pytest.raises(ValueError, match="no time"):
            moment(wrong, now)
