"""Streams that claim much and hold little: work and memory follow what was sent.

Each verb runs in a process of its own, whose address space (so its page tables, too) is limited; the time limit is
far above what is needed, and says only that there is an end.
"""

from __future__ import annotations

import resource
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import migstream
from support import build, samples
from support.build import be64, counted

P = 4096
HUGE = 1 << 52
SPACE = 256 << 20
END = 60
DELTAS = 4000
FAULTS = samples.SHARED / "faults"


def huge() -> bytes:
    """A block of 2^52 bytes with its first and its last page."""
    name = counted("ram")
    return (
        build.HEADER
        + build.configuration()
        + build.ram_start(build.ram_block("ram", HUGE), HUGE)
        + build.ram_part(
            be64(0x08) + name + b"A" * P + be64(HUGE - P | 0x08) + name + b"needle".ljust(P, b"B")
        )
        + build.END
    )


def chained() -> bytes:
    """A page, and thousands of deltas of it, each of one byte."""
    delta = b"\0\1x"
    change = be64(0x40 | 0x20) + b"\1" + struct.pack(">H", len(delta)) + delta
    page = be64(0x08) + counted("ram") + b"A" * P
    return (
        build.HEADER
        + build.configuration()
        + build.ram_start(build.ram_block("ram", P), P)
        + build.ram_part(page + change * DELTAS)
        + build.END
    )


def bounded(*words: object) -> subprocess.CompletedProcess[str]:
    """Run the command in little memory; it ends, and not in a traceback."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (SPACE, SPACE))

    done = subprocess.run(
        [sys.executable, "-m", "migstream", *map(str, words)],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=END,
        preexec_fn=limit,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode >= 0
    return done


VERBS: list[tuple[Sequence[object], set[int]]] = [
    (["check"], {1}),
    (["digest"], {0}),
    (["stat"], {0}),
    (["info"], {0}),
    (["mem", "--block", "ram", "--text", "needle"], {0}),
    (["mem", "--block", "ram", "--strings"], {0}),
    (["mem", "--block", "ram", "--find", "00 00"], {1}),
    (["mem", "--block", "ram", "0x1000", "-n", "4096"], {1}),
    (["history", "ram@0"], {0}),
    (["convert", "-o", "out"], {0}),
    (["convert", "--ram", "linear", "-o", "out"], {0}),
    (["convert", "--ram", "mapped", "-o", "out"], {4}),
    (["extract", "-f", "raw", "-o", "out"], {1, 5}),
]


@pytest.mark.parametrize(("words", "codes"), VERBS, ids=lambda one: "-".join(map(str, one)))
def test_a_block_of_which_little_was_sent(
    tmp_path: Path, words: Sequence[object], codes: set[int]
) -> None:
    path = tmp_path / "huge.mig"
    path.write_bytes(huge())
    rest = [tmp_path / word if word == "out" else word for word in words[1:]]
    done = bounded(words[0], path, *rest)
    assert done.returncode in codes, done.stderr


def test_two_of_them_are_compared(tmp_path: Path) -> None:
    path = tmp_path / "huge.mig"
    path.write_bytes(huge())
    done = bounded("diff", path, path)
    assert done.returncode == 0
    assert "1 099 511 627 774 of 1 099 511 627 776 pages" in done.stderr


def test_runs_and_coverage_in_the_library() -> None:
    with migstream.open(huge()) as stream:
        block = stream.ram["ram"]
        runs = [(run.kind, run.start, run.stop) for run in block.runs()]
        assert runs == [("data", 0, P), ("absent", P, HUGE - P), ("data", HUGE - P, HUGE)]
        assert block.coverage()["absent"] == HUGE - 2 * P
        assert block.array(HUGE - P, HUGE - P + 6).tobytes() == b"needle"


def test_a_chain_of_deltas_is_applied_once(tmp_path: Path) -> None:
    path = tmp_path / "chained.mig"
    path.write_bytes(chained())
    done = bounded("history", path, "ram@0")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 1 + 1 + DELTAS
    with migstream.open(path) as stream:
        versions = stream.history("ram", 0)
        assert len(versions) == 1 + DELTAS
        assert versions[0].data == b"A" * P
        assert versions[-1].data == b"x" + b"A" * (P - 1)
        assert versions[2].number == 2
        assert [one.number for one in versions[-2:]] == [DELTAS - 1, DELTAS]
        with pytest.raises(IndexError):
            versions[DELTAS + 1]


KEPT = [
    ("05-index-block-not-utf8.mig", ["index", "-o", "out"], {0}),
    ("06-history-nothing-sent.mig", ["history", "ram@0"], {1, 3}),
    ("07-history-no-ram.mig", ["history", "or1k.ram@0"], {2, 3}),
    ("14-hang-huge-block.mig", ["digest"], {0}),
    ("15-hang-history-xbzrle.mig", ["history", "pc.ram@0"], {0, 3}),
]


@pytest.mark.parametrize(("name", "words", "codes"), KEPT, ids=[row[0] for row in KEPT])
def test_kept_ones(tmp_path: Path, name: str, words: list[str], codes: set[int]) -> None:
    if not (FAULTS / name).exists():
        pytest.skip("the larger collection is not here")
    rest = [tmp_path / word if word == "out" else word for word in words[1:]]
    done = bounded(words[0], FAULTS / name, *rest)
    assert done.returncode in codes, done.stderr
