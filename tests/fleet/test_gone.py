"""What is not there any more is told from what was not looked for."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from migstream.cli.group import cli
from migstream.fleet.compact import compact
from migstream.fleet.dataset import Dataset
from migstream.fleet.gone import gone
from migstream.fleet.known import RECENT, Known, key_of
from migstream.fleet.listing import Place, listed
from migstream.fleet.query import Fleet, metrics
from migstream.fleet.scan import object_key
from support import build
from support.fleet import WHEN

for package in ("pyarrow", "duckdb"):
    pytest.importorskip(package, reason=f"{package} is not installed")

ODD = b"\xff\n\\x41.mig"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    folder = tmp_path / "saved"
    for name in ("a.mig", "b.sav", "night/c.mig", "night/d.mig", os.fsdecode(ODD)):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(build.small())
    return folder


def run(*words: object, stdin: bytes = b"") -> str:
    result = CliRunner().invoke(cli, [*map(str, words), "--json"], input=stdin)
    assert result.exit_code == 0, result.output
    return result.stdout


def scan(fleet: Path, *words: object, stdin: bytes = b"") -> dict[str, Any]:
    told: dict[str, Any] = json.loads(
        run("fleet", "scan", *words, "-o", fleet, "--workers", "1", stdin=stdin)
    )
    return told


def rows(fleet: Path, *question: str) -> list[list[Any]]:
    found: list[list[Any]] = json.loads(run("fleet", "query", fleet, *question))["rows"]
    return found


def names(fleet: Path, saved: Path, sql: str = "select url from streams") -> set[str]:
    return {row[0].removeprefix(f"{saved}/") for row in rows(fleet, sql)}


def test_what_a_folder_does_not_have_any_more_is_gone(saved: Path, tmp_path: Path) -> None:
    fleet = tmp_path / "f"
    assert (scan(fleet, saved)["scanned"], scan(fleet, saved)["gone"]) == (5, 0)
    (saved / "a.mig").unlink()
    (saved / os.fsdecode(ODD)).unlink()
    told = scan(fleet, saved)
    assert (told["scanned"], told["unchanged"], told["gone"]) == (0, 3, 2)
    assert names(fleet, saved) == {"b.sav", "night/c.mig", "night/d.mig"}
    assert rows(fleet, "select count(*) from devices anti join streams using (scan)") == [[0]]
    found = rows(fleet, "gone")
    assert len(found) == 2
    assert [row[2] for row in found] == ["whole", "whole"]
    with Fleet(Dataset.open(fleet)) as one:
        assert 'migstream_fleet_objects{state="whole"} 3' in list(metrics(one))
    assert scan(fleet, saved)["gone"] == 0  # it is said once
    (saved / "a.mig").write_bytes(build.small())
    assert scan(fleet, saved)["scanned"] == 1  # and what is back is there again
    compact(Dataset.open(fleet))
    assert names(fleet, saved) == {"a.mig", "b.sav", "night/c.mig", "night/d.mig"}
    assert scan(fleet, saved)["unchanged"] == 4


def test_what_was_not_looked_for_is_not_gone(saved: Path, tmp_path: Path) -> None:
    fleet = tmp_path / "f"
    scan(fleet, saved)
    for path in saved.rglob("*.mig"):
        path.unlink()
    (saved / "b.sav").unlink()
    assert scan(fleet, tmp_path / "f" / "fleet.json")["gone"] == 0
    assert scan(fleet, saved / "a.mig")["unread"] == 1  # what is named has a row that says so
    assert scan(fleet, "-", stdin=bytes(saved / "b.sav"))["unread"] == 1
    assert scan(fleet, saved / "night" / "c*")["gone"] == 1
    assert scan(fleet, saved / "night")["gone"] == 1
    assert scan(fleet, saved / "*.sav")["gone"] == 1
    (saved / "night").rmdir()
    saved.rmdir()
    told = scan(fleet, saved)  # the disk is not there: nothing can be said of what is on it
    assert (told["unread"], told["gone"]) == (1, 0)


def test_a_run_that_names_all_there_is(saved: Path, tmp_path: Path) -> None:
    fleet = tmp_path / "f"
    scan(fleet, saved, "--redact")
    told = scan(fleet, saved / "night", "--redact")
    assert told["gone"] == 0  # without names nobody can tell what lies in a folder
    told = scan(fleet, "-", "--redact", "--complete", stdin=bytes(saved / "night" / "c.mig"))
    assert (told["unchanged"], told["gone"]) == (1, 4)
    assert rows(fleet, "select count(*) from streams") == [[1]]


def test_what_is_gone_since(saved: Path, tmp_path: Path) -> None:
    fleet = tmp_path / "f"
    scan(fleet, saved)
    (saved / "a.mig").unlink()
    told = scan(fleet, saved)
    assert told["gone"] == 1
    [[when]] = rows(fleet, "select max(time) from history")
    found = rows(fleet, "since", when)
    assert [(row[0], row[1]) for row in found] == [(str(saved / "a.mig"), "gone")]


def test_where_nobody_can_look_nothing_is_gone(saved: Path, tmp_path: Path) -> None:
    fleet = tmp_path / "f"
    scan(fleet, saved)
    (saved / "night").rename(tmp_path / "elsewhere")
    (saved / "night").symlink_to(
        "night"
    )  # which leads in a circle, as root may look into any folder
    assert scan(fleet, saved)["gone"] == 0
    (saved / "night").unlink()
    assert scan(fleet, saved)["gone"] == 2


def test_a_place_has_what_its_list_would_have(saved: Path) -> None:
    over: list[Place] = []
    found = list(listed([str(saved), f"{saved}/*.mig", f"{saved}/b.sav"], io.BytesIO(), over))
    assert len(over) == 2
    assert all(over[0].holds(one.url) for one in found)
    assert not over[1].holds(f"{saved}/night/c.mig")
    assert not over[0].holds(f"{saved}-2/c.mig")


def test_a_list_that_fails_says_nothing(tmp_path: Path) -> None:
    over: list[Place] = []
    some = listed([str(tmp_path)], io.BytesIO(), over)
    (tmp_path / "x").touch()
    next(some)
    some.close()  # type: ignore[attr-defined]
    assert not over
    one = Dataset.make(tmp_path / "f")
    assert not list(gone(one, Known(), Known(), over, time=WHEN))


def test_what_is_forgotten_is_not_known() -> None:
    known = Known((number, number) for number in range(2 * RECENT))
    known.forget(5)
    known.forget(key_of(object_key("x")))
    assert 5 not in known
    assert len(known) == 2 * RECENT - 1
    assert 5 not in known
    known[5] = 7
    assert known.get(5) == 7
