"""YARA rules over guest memory, against YARA over all of it at once, and on the command line."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from migstream.cli.group import cli
from migstream.machine.search import Segment
from migstream.machine.yararules import Rules, compile_rules
from migstream.ram.image import Run
from support.samples import REPOSITORY, Sample
from support.searched import DATA, PAGE, Block

yara: Any = pytest.importorskip("yara", reason="the extra `yara` is not installed")

ANY = 'rule some { strings: $ab = "ab" $aa = { 61 ( 61 | 00 ) } $z = { ff 00 00 } condition: any of them }'
NEAR = 'rule near { strings: $a = "first" $b = "second" condition: $b in (@a .. @a + 40) }'


def search(source: str, block: Block, window: int, around: int) -> list[tuple[int, bytes, str]]:
    place = [Segment(0x1000, len(block.data), "ram", 0)]
    hits = Rules(yara.compile(source=source)).search(
        place, {"ram": block}, window=window, around=around
    )
    return [(hit.address - 0x1000, hit.data, hit.label) for hit in hits]


@settings(max_examples=100, deadline=None)
@given(DATA, st.integers(1, 300), st.integers(3, 40))
def test_windows_change_nothing(data: bytes, window: int, around: int) -> None:
    expected = [
        (one.offset, one.matched_data, f"{match.rule} {string.identifier}")
        for match in yara.compile(source=ANY).match(data=data)
        for string in match.strings
        for one in string.instances
    ]
    found = search(ANY, Block(data), window, around)
    assert [one[0] for one in found] == sorted(one[0] for one in found)
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize("window", [8, 16, 50, 200])
def test_strings_are_judged_together_across_windows(window: int) -> None:
    for at in range(0, 120, 7):
        data = (b"\1" * at + b"first" + b"\1" * 20 + b"second").ljust(200, b"\1")
        found = search(NEAR, Block(data), window, 48)
        assert [(one[0], one[2]) for one in found] == [(at, "near $a"), (at + 25, "near $b")]


def test_nothing_goes_over_a_hole() -> None:
    data = (b"first" + b"\1" * (PAGE - 8)).ljust(PAGE * 2, b"\1") + b"second".ljust(PAGE, b"\1")
    assert search(NEAR.replace("40", "400"), Block(data), 1000, 500)
    assert not search(NEAR.replace("40", "400"), Block(data, frozenset({1})), 1000, 500)


def test_what_yara_leaves_out_is_known() -> None:
    rules = Rules(
        yara.compile(source="rule crowd { strings: $a = { 61 62 } condition: any of them }")
    )
    block = Block(b"ab" * 1_100_000)
    block.runs = lambda start, stop: iter([Run("data", start, stop)])  # type: ignore[method-assign]
    place = [Segment(0, len(block.data), "ram", 0)]
    assert len(list(rules.search(place, {"ram": block}))) >= 1_000_000
    assert rules.crowded == {("crowd", "$a")}


# --- on the command line ---------------------------------------------------------------------------


@pytest.fixture
def mem(named_sample: Callable[[str], Sample], tmp_path: Path) -> Callable[..., Result]:
    path = named_sample("pc-7.2.mig").path
    shutil.copy(REPOSITORY / "tests/support/bios.yar", tmp_path)
    (tmp_path / "wrong.yar").write_text("rule x { condition: y }")

    def run(rules: str, *words: str) -> Result:
        return CliRunner().invoke(cli, ["mem", str(path), "--yara", str(tmp_path / rules), *words])

    return run


def test_hits(mem: Callable[..., Result]) -> None:
    lines = mem("bios.yar").stdout.splitlines()
    assert [line[:8] for line in lines] == ["000ffff0", "000ffff5", "fffffff0", "fffffff5"]
    assert lines[0].endswith("firmware $jump")
    assert mem("bios.yar", "0", "-n", "64K").exit_code == 1


def test_forms_say_the_same(mem: Callable[..., Result]) -> None:
    hits = json.loads(mem("bios.yar", "--json").stdout)["hits"]
    assert [(hit["kind"], hit["rule"], hit["string"]) for hit in hits[:2]] == [
        ("yara", "firmware", "$jump"),
        ("yara", "firmware", "$date"),
    ]
    assert bytes.fromhex(hits[1]["hex"]) == b"06/23/99"
    lines = [json.loads(line) for line in mem("bios.yar", "--ndjson").stdout.splitlines()]
    assert [{key: line[key] for key in hits[0]} for line in lines] == hits
    around = json.loads(mem("bios.yar", "--json", "-C", "2").stdout)["hits"][0]
    assert (around["before"], around["after"]) == ("66c3", "3036")


def test_what_is_no_rule(mem: Callable[..., Result]) -> None:
    wrong = mem("wrong.yar")
    assert wrong.exit_code == 2
    assert 'wrong.yar(1): undefined identifier "y"' in wrong.stderr
    assert mem("no.yar").exit_code == 2
    assert "one at a time" in mem("bios.yar", "--text", "x").stderr


def test_without_yara(mem: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yara", None)
    told = mem("bios.yar")
    assert told.exit_code == 4
    assert "pip install 'migstream[yara]'" in told.stderr


def test_files_are_namespaces(tmp_path: Path) -> None:
    """Two files may have a rule of the same name."""
    paths = [str(tmp_path / name) for name in ("a.yar", "b.yar")]
    for path, word in zip(paths, ("ab", "cd"), strict=True):
        Path(path).write_text(f'rule one {{ strings: $s = "{word}" condition: $s }}')
    place = [Segment(0, 8, "ram", 0)]
    hits = compile_rules(paths).search(place, {"ram": Block(b"..abcd..")})
    assert [(hit.address, hit.rule) for hit in hits] == [(2, "one"), (4, "one")]
