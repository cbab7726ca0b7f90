"""Every verb of guest memory says what its stream does not hold of it, as text and as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import migstream
from migstream.cli.group import cli
from migstream.machine.registers.read import Cpu
from migstream.stream import Stream
from support import build
from support.build import be64, counted

P = 4096
PAGES = 8
SENT = {0: b"a", 1: b"", 4: b"needle"}
LINE = "5 of 8 pages, 20.0 KiB (20 480), are not in this stream"


def stream(sent: dict[int, bytes]) -> bytes:
    """A guest of eight pages, of which some were sent; there is no telling where the others are."""
    records = b"".join(
        be64(page * P | (0x08 if data else 0x02))
        + counted("ram")
        + (data.ljust(P, b".") if data else b"\0")
        for page, data in sent.items()
    )
    return (
        build.HEADER
        + build.configuration()
        + build.ram_start(build.ram_block("ram", PAGES * P), PAGES * P)
        + build.ram_part(records)
        + build.END
        + build.description(build.described())
    )


@pytest.fixture
def partly(tmp_path: Path) -> Path:
    path = tmp_path / "a.mig"
    path.write_bytes(stream(SENT))
    return path


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def table(*words: object) -> Any:
    return json.loads(run(*words, "--json").stdout)


def test_where_only_zeros_were_sent_channels_are_a_guess(tmp_path: Path) -> None:
    """A stream that is cut off early looks as the main stream of multifd does."""
    path = tmp_path / "a.mig"
    path.write_bytes(stream({0: b"", 1: b""}))
    assert "nothing but zeros was sent before. Perhaps they went" in run("info", path).stdout


MISSING = {"block": "ram", "kind": "absent", "pages": 5, "of": 8, "bytes": 5 * P}


def same(entry: dict[str, Any]) -> bool:
    return {key: entry[key] for key in MISSING} == MISSING


def test_info_and_stat(partly: Path) -> None:
    for verb in ("info", "stat"):
        text = run(verb, partly)
        assert "3 of 8 pages" in text.stdout
        assert LINE in text.stdout
        found = table(verb, partly)["ram"]
        [entry] = found["missing"]
        assert same(entry)
        [block] = found["blocks"]
        assert block["pages"]["sent"] == 3


def test_extract(partly: Path, tmp_path: Path) -> None:
    done = run("extract", partly, "-f", "raw", "-o", tmp_path / "one")
    assert done.exit_code == 1
    assert LINE in done.stderr
    assert "20.0 KiB (20 480) absent" in done.stdout
    done = run("extract", partly, "-f", "raw", "-o", tmp_path / "two", "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    [entry] = found["missing"]
    assert same(entry)
    assert entry["ranges"] == [[2 * P, 4 * P], [5 * P, 8 * P]]
    [file] = found["files"]
    assert file["coverage"] == {"data": 2 * P, "zero": P, "absent": 5 * P, "unplugged": 0}
    kept = json.loads((tmp_path / "two" / "blocks.json").read_text())
    assert kept[0]["coverage"] == file["coverage"]
    mapped = ("extract", partly, "-f", "phys", "--map", "ram@0x2000", "-o", tmp_path / "three")
    done = run(*mapped, "--json")
    [file] = json.loads(done.stdout)["files"]
    assert [(one["at"], one["size"], one["offset"]) for one in file["missing"]] == [
        (0x4000, 2 * P, 2 * P),
        (0x7000, 3 * P, 5 * P),
    ]


def test_a_dump_has_no_zeros_in_the_place_of_what_is_absent(partly: Path) -> None:
    done = run("mem", partly, "--block", "ram", hex(P), "-n", 3 * P)
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert lines[0].startswith("00001000  00 00")
    assert lines[-1] == "00002000-00004000  not in this stream: 8.0 KiB (8 192) of ram"
    assert "not shown" in done.stderr
    found = table("mem", partly, "--block", "ram", hex(P), "-n", 3 * P)
    assert found["missing"] == [{"address": 2 * P, "kind": "absent", "size": 2 * P, "block": "ram"}]
    raw = run("mem", partly, "--block", "ram", hex(P), "-n", 3 * P, "-r")
    assert (raw.exit_code, len(raw.stdout_bytes)) == (1, 3 * P)
    assert "zeros in their place" in raw.stderr
    there = run("mem", partly, "--block", "ram", "0", "-n", 2 * P)
    assert (there.exit_code, there.stderr) == (0, "")


def test_a_dump_of_physical_memory(partly: Path) -> None:
    done = run("mem", partly, "--map", "ram@0x10000", "0x11000", "-n", 3 * P)
    assert done.stdout.splitlines()[-1].startswith("00012000-00014000  not in this stream")


def test_a_search_says_what_it_did_not_look_through(partly: Path) -> None:
    done = run("mem", partly, "--block", "ram", "--find", "6e 65 65 64")
    assert done.exit_code == 0
    assert done.stdout.startswith("00004000")
    assert "not looked through: 20.0 KiB (20 480) of ram" in done.stderr
    found = table("mem", partly, "--block", "ram", "--find", "6e 65 65 64")
    assert [(one["kind"], one["address"]) for one in found["hits"]] == [("hex", 4 * P)]
    assert [(one["kind"], one["address"]) for one in found["missing"]] == [
        ("absent", 2 * P),
        ("absent", 5 * P),
    ]


def test_a_search_finds_no_zeros_where_nothing_was_sent(partly: Path) -> None:
    found = table("mem", partly, "--block", "ram", "--find", "00 " * 64)
    assert {one["address"] // P for one in found["hits"]} == {1}
    across = run("mem", partly, "--block", "ram", "--find", "00 " * (P + 1))
    assert across.exit_code == 1
    assert across.stdout == ""


def test_digest_and_diff(partly: Path, tmp_path: Path) -> None:
    done = run("digest", partly)
    assert f"{5 * P} never sent" in done.stdout
    assert LINE in done.stderr
    other = tmp_path / "b.mig"
    other.write_bytes(stream(SENT | {2: b""}))
    alike = run("diff", partly, partly)
    assert alike.exit_code == 0
    assert alike.stderr.count(LINE) == 2
    found = table("diff", partly, other)
    assert [[one["pages"] for one in side] for side in found["missing"]] == [[5], [4]]
    [change] = found["changes"]
    assert change["ranges"] == [{"start": 2 * P, "stop": 3 * P, "old": "absent", "new": "zero"}]
    assert run("diff", partly, partly, "--values").stderr == ""


def test_convert(partly: Path, tmp_path: Path) -> None:
    done = run("convert", partly, "--ram", "linear", "-o", tmp_path / "c.mig")
    assert done.exit_code == 0
    assert LINE in done.stdout
    assert f"{3 * P // 1024}.0 KiB" in done.stdout.splitlines()[-1]
    found = table("convert", partly, "--ram", "linear", "-o", tmp_path / "d.mig")
    assert same(found["missing"][0])
    assert found["compared"] == {"ram": PAGES * P}  # that both lack the same pages, too
    with migstream.open(tmp_path / "c.mig") as made:
        assert made.ram["ram"].presence().sent == 3


def test_history_of_what_was_never_sent(partly: Path) -> None:
    done = run("history", partly, f"ram@{2 * P}")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "no version of this page is in the stream" in done.stderr
    assert table("history", partly, f"ram@{2 * P}")["versions"] == []
    for words in (["-n", 0], ["--diff", 0, 0]):
        assert run("history", partly, f"ram@{2 * P}", *words).exit_code == 2


def test_history_without_guest_memory(tmp_path: Path) -> None:
    path = tmp_path / "none.mig"
    devices = build.described(build.device("one", [build.field("n", "uint32", 4)]))
    path.write_bytes(
        build.HEADER
        + build.configuration()
        + build.full(3, "one", bytes(4))
        + build.END
        + build.description(devices)
    )
    done = run("history", path, "ram@0")
    assert done.exit_code == 2
    assert "no guest memory" in done.stderr


def test_whole_memory_is_passed_over_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "whole.mig"
    path.write_bytes(stream(dict.fromkeys(range(PAGES), b"x")))
    for words in (
        ["stat", path],
        ["digest", path],
        ["diff", path, path],
        ["mem", path, "--block", "ram", "--text", "x."],
        ["extract", path, "-f", "raw", "-o", tmp_path / "out"],
    ):
        done = run(*words)
        assert (done.exit_code, done.stderr) == (0, "")
        assert "pages" not in done.stdout or words[0] == "stat"


def test_page_tables_that_are_absent(partly: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry that was never sent is not an entry saying that nothing is mapped."""
    values = {"cr0": 0x80000001, "cr3": 2 * P, "cr4": 0}
    paging = Cpu(index=0, arch="x86_64", values=values, pc=0, root=2 * P)
    monkeypatch.setattr(Stream, "registers", (paging,))
    for words in (["--translate", "0x1000"], ["--virt", "0x1000"], ["--pages"]):
        done = run("mem", partly, "--map", "ram@0", *words)
        assert "page tables" in done.stderr
        assert "of ram, not in this stream" in done.stderr
