"""The machine of docs/tutorial-machine.md: real processes, files between them, and a socket."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

MACHINE = Path(__file__).parents[2] / "examples" / "machine"
PRINTING = "300300"  # instructions: in the middle of a line


def start(*words: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, str(MACHINE), *map(str, words)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="ascii"
    )


def machine(*words: str | Path) -> str:
    """What the guest prints; the command must succeed."""
    with start(*words) as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out


def refused(*words: str | Path) -> str:
    """What the command says when it fails; the guest must not have run."""
    with start(*words) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    return err


def migstream(*words: str | Path) -> str:
    command = [sys.executable, "-m", "migstream", *map(str, words)]
    return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout


@cache
def uninterrupted(*options: str) -> str:
    out = machine("run", *options)
    assert re.fullmatch(r"([0-9a-f]{8} [0-9a-f]{8}\n)+", out)
    return out


@pytest.mark.parametrize("options", [(), ("--fifo",)], ids=["plain", "fifo"])
def test_the_two_halves_make_the_whole(tmp_path: Path, options: tuple[str, ...]) -> None:
    file = tmp_path / "toy.mig"
    options = ("--lines", "20", *options)
    first = machine("save", file, "--after", PRINTING, *options)
    second = machine("load", file, *options)
    assert not first.endswith("\n")
    assert first + second == uninterrupted(*options)


def test_a_saved_file_describes_itself(tmp_path: Path) -> None:
    file = tmp_path / "toy.mig"
    machine("save", file, "--after", PRINTING, "--fifo")
    info = migstream("info", file)
    assert "toy-1.0" in info
    assert "all of it: whole" in info
    tree = migstream("tree", file)
    assert re.search(r"toy-uart/fifo +subsection\n +count +\d+ .*\n +data ", tree)
    assert migstream("get", file, "toy-cpu/icount").split()[0] == PRINTING
    assert migstream("get", file, "toy-timer/period").split()[0] == "20000"


def test_versions_load_each_other_as_far_as_their_rules_allow(tmp_path: Path) -> None:
    old, new, last = (tmp_path / name for name in ("old.mig", "new.mig", "last.mig"))
    lines = ("--lines", "20")
    # An old program, a new UART, the old program again: nobody has turned the FIFO on.
    out = machine("save", old, "--after", "100300", "--uart", "1", "--timer", "1", *lines)
    out += machine("save", new, "--from", old, "--after", "100000", "--timer", "1", *lines)
    out += machine("save", last, "--from", new, "--after", "30", "--uart", "1", "--timer", "1")
    assert out + machine("load", last) == uninterrupted(*lines)  # now the timer is new, too


def test_what_an_old_device_refuses(tmp_path: Path) -> None:
    file = tmp_path / "toy.mig"
    machine("save", file, "--after", PRINTING, "--fifo")
    said = refused("load", file, "--timer", "1")
    assert "savevm: unsupported version 2 for 'toy-timer' v1" in said
    said = refused("load", file, "--uart", "1")
    assert "VM subsection 'toy-uart/fifo' in 'toy-uart' does not exist" in said
    said = refused("load", file, "--memory", "8")
    assert "Size mismatch: toy.ram" in said


def migrated(source: tuple[str, ...], destination: tuple[str, ...]) -> list[tuple[int, str, str]]:
    """Exit status, guest's output and messages of both ends."""
    with start("destination", "127.0.0.1:0", *destination) as receiver:
        assert receiver.stderr is not None
        where = receiver.stderr.readline().split()[-1]
        with start("source", where, *source) as sender:
            sent = sender.communicate(timeout=60)
        received = receiver.communicate(timeout=60)
    return [(sender.returncode, *sent), (receiver.returncode, *received)]


def test_moves_while_it_runs() -> None:
    lines = ("--lines", "60")
    limits = ("--after", "100000", "--bandwidth", "32", "--downtime", "0")
    (status, first, said), (arrived, second, _) = migrated((*lines, *limits), lines)
    assert (status, arrived) == (0, 0)
    assert first
    assert second
    assert first + second == uninterrupted(*lines)
    rounds = re.findall(r"^round \d+: (\d+) pages", said, re.MULTILINE)
    assert rounds[0] == "1024"
    assert len(rounds) >= 2, "the guest changed nothing while it was sent"
    assert re.search(r"^paused for \d+\.\d ms, with \d+ pages to send$", said, re.MULTILINE)


def test_goes_on_where_it_is_when_the_destination_refuses() -> None:
    source, destination = migrated(("--lines", "20"), ("--memory", "8"))
    assert source[:2] == (1, uninterrupted("--lines", "20"))
    assert "not moved: going on here" in source[2]
    assert destination[:2] == (1, "")
    assert "Size mismatch: toy.ram" in destination[2]
