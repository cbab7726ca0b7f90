"""The fuzzer: some hundred cases each time, what it once found, and that it finds what it should."""

from __future__ import annotations

import contextlib
import lzma
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from fuzz import pool
from fuzz.__main__ import EACH_SEED
from fuzz.case import Case, Found, build_case, every, examine, run_case
from fuzz.findings import Findings, known
from fuzz.guard import Broken, Fault, ask
from fuzz.scene import Scene
from fuzz.verbs import run as run_verb
from migstream.errors import ParseError
from migstream.render.text import escape
from migstream.stream import open_anything

REPOSITORY = Path(__file__).resolve().parents[2]
FOUND = sorted(Path(__file__).with_name("found").glob("*.mig.xz"))
TODAY = int(datetime.now(UTC).strftime("%Y%m%d"))
CASES = 300


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """An empty folder, and temporary files in it."""
    before = tempfile.tempdir
    made = tmp_path / "fuzz"
    made.mkdir()
    yield made
    tempfile.tempdir = before


def told(found: list[Found]) -> str:
    return "\n\n".join(
        f"make fuzz CASE={one.number}\n{one.question}: {one.fault.key}\n{one.fault.text[-1500:]}"
        for one in found
    )


@pytest.mark.parametrize("part", range(3))
@pytest.mark.parametrize("seed", [0, TODAY])
def test_cases(seed: int, part: int, folder: Path) -> None:
    """Of the first seed always the same ones; of the day's others each day, whose number is in the test's name."""
    first = seed * EACH_SEED + part * CASES // 3
    found = [one for n in range(first, first + CASES // 3) for one in run_case(n, folder, every())]
    found = [one for one in found if not known(one.fault.key)]
    assert not found, told(found)


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.name.removesuffix(".mig.xz"))
def test_what_was_found_once(path: Path, folder: Path) -> None:
    """The number behind its name is the case's, so that the same is asked in the same way; and all else."""
    data = lzma.decompress(path.read_bytes())
    good = build_case(int(path.name.removesuffix(".mig.xz").rpartition("-")[2]))
    whole = good.whole and data == good.data
    case = Case(good.number, data, path.name, whole, good.other, good.recordings)
    found = [one for one in examine(case, every(), folder) if not known(one.fault.key)]
    assert not found, told(found)


# --- the fuzzer itself ------------------------------------------------------------------------------


def test_a_number_is_a_case() -> None:
    line = "from fuzz.case import build_case; import hashlib, sys; sys.stdout.write(hashlib.sha256(b''.join(build_case(n).data for n in range(40))).hexdigest())"
    made = set()
    for seed in ("1", "2"):
        environment = os.environ | {
            "PYTHONHASHSEED": seed,
            "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY}/tests",
        }
        done = subprocess.run(
            [sys.executable, "-c", line],
            capture_output=True,
            text=True,
            check=True,
            env=environment,
        )
        made.add(done.stdout)
    assert len(made) == 1


def test_what_is_composed_is_good() -> None:
    whole = [case for case in map(build_case, range(600)) if case.whole]
    assert len(whole) > 20
    for case in whole:
        with open_anything(case.data) as stream:
            assert stream.damage == [], f"{case.number}: {case.told}"


def test_an_answer_and_an_error_of_ours_are_no_fault() -> None:
    def ours() -> None:
        raise ParseError("bad", at=3)

    assert ask("a", lambda: 1, size=9) is None
    assert ask("a", ours, size=9) is None


def test_what_is_a_fault() -> None:
    def outside() -> None:
        raise ParseError("bad", at=99)

    def broken() -> None:
        raise Broken("a promise", "why")

    def endless() -> None:
        while True:
            with contextlib.suppress(Exception):  # as code does that takes everything for an error
                time.process_time()

    assert "outside of the source" in _fault(ask("a", outside, size=9)).key
    assert _fault(ask("a", broken, size=9)).key == "a: a promise"
    assert _fault(ask("a", lambda: 1 // 0, size=9)).key.startswith("ZeroDivisionError")
    nothing: Any = None
    fault = _fault(ask("a", lambda: escape(nothing), size=9))
    assert fault.key == "AttributeError at names.py:escape"
    assert _fault(ask("a", endless, size=9, seconds=0.2)).key.startswith("late")


def _fault(fault: Fault | None) -> Fault:
    assert fault is not None
    return fault


def test_characters_that_a_terminal_obeys_are_a_fault(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = build_case(0)
    scene = Scene(case.data, False, case.other, [], Random(1), folder)  # noqa: S311
    run_verb("ls", scene)
    monkeypatch.setattr("migstream.cli.ls.item_parts", lambda *_: ["\x1b[2J"])
    with pytest.raises(Broken, match="a control character on standard output"):  # noqa: PT012
        for _ in range(20):  # as text, sooner or later: other forms print no parts
            run_verb("ls", scene)


def test_of_one_cause_the_smallest_is_kept(tmp_path: Path) -> None:
    findings = Findings(tmp_path)
    fault = Fault("a cause", "its words")
    assert findings.add(Found(1, "walked", fault, "", b"12345"))
    assert not findings.add(Found(2, "walked", fault, "", b"123"))
    assert not findings.add(Found(3, "walked", fault, "", b"1234"))
    [stream] = tmp_path.glob("*.mig")
    assert stream.read_bytes() == b"123"
    assert "make fuzz CASE=2" in stream.with_suffix(".txt").read_text()
    assert findings.counts["a cause"] == 3


def test_a_worker_that_dies_or_hangs_is_found_and_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    def run_case(number: int, folder: Path, wanted: object) -> list[Found]:
        if number == 3:
            os._exit(9)
        while number == 4:
            time.process_time()
        if number == 5:
            raise RuntimeError("of its own")
        return []

    monkeypatch.setattr(pool, "run_case", run_case)
    monkeypatch.setattr(pool, "STUCK", 0.3)
    found, done = [], 0
    for progress in pool.run(0, 12, 60, 2, []):
        found += progress.found
        done = progress.done
    assert done == 12
    keys = {one.number: one.fault.key for one in found}
    assert keys.keys() == {3, 4, 5}
    assert "dies (9)" in keys[3]
    assert "hangs" in keys[4]
    assert "RuntimeError" in keys[5]


def test_memory_is_found_where_a_device_has_its_section_id() -> None:
    (kept,) = (path for path in FOUND if path.name.startswith("keyerror-at-reencode"))
    with open_anything(kept) as stream:
        assert stream.ram_setup is not None
        assert list(stream.ram) == [block.name for block in stream.blocks]
        assert len(stream.ram)
