"""What takes long is shown on a terminal, from half a second on, and nowhere else."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import migstream
from migstream.cli import common, watching
from migstream.errors import SourceError
from migstream.source.layers import COPIED, READING, UNPACKED, UNPACKING
from support import build
from support.pcap import Flow, pcap, spoken
from support.samples import Sample
from support.terminal import MIGSTREAM, Terminal

Named = Callable[[str], Sample]
# The command, for which half a second has passed already.
AT_ONCE = (
    sys.executable,
    "-c",
    "from migstream.cli import main, watching; watching.SOON = watching.EVERY = -1; main()",
)
CLEAR = "\r\x1b[K"


def said(*words: object, columns: int = 80, **environment: str) -> list[str]:
    """What stands one after another in the line of a terminal that is standard error."""
    with Terminal(
        *AT_ONCE, *words, columns=columns, results=False, environment=environment
    ) as terminal:
        terminal.end()
        return terminal.text().split(CLEAR)


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    path = tmp_path / "one.mig.gz"
    path.write_bytes(gzip.compress(build.small() + os.urandom(1 << 20)))
    return path


def test_unpacking_shows_how_far_it_is_and_where_to(packed: Path) -> None:
    lines = said("mem", packed, "--text", "x", TMPDIR="/var/tmp", NO_COLOR="1")  # noqa: S108
    assert any(re.match(rf"{UNPACKED}  +\d+ %  .* of 1.0 MiB", line) for line in lines), lines
    [note] = [line for line in lines if "TMPDIR" in line]
    assert " ".join(note.split()) == (
        f"migstream: {UNPACKED} in /var/tmp; TMPDIR names another folder"
    )
    lines = said("info", packed)
    assert any(line.startswith("unpacking  ") for line in lines)
    assert not any("temporary" in line for line in lines)


def test_the_line_fits_and_is_taken_away(packed: Path) -> None:
    for columns in (40, 80):
        lines = said("info", packed, columns=columns)
        assert all(len(line) < columns for line in lines if "MS" not in line)
        assert len(lines) > 2
        assert "unpacking" not in lines[-1]


# Verbs that read all of guest memory, or write it; what is said on the way.
LONG = {
    "check {}": ["reading"],
    "stat {}": ["reading"],
    "ls {}": ["reading"],
    "info {} --walk": ["reading"],
    "digest {}": ["reading", "hashing"],
    "mem {} --find 00ff00ee": ["reading", "searching"],
    "mem {} --text zebra": ["searching"],
    "mem {} --regex [x]ylo": ["searching"],
    "mem {} --strings": ["searching"],
    "diff {} {}": ["reading", "comparing"],
    "set {} cpu/env.eip=1 -o made": ["reading", "writing"],
    "drop {} cpu -o made": ["reading", "writing"],
    "rename {} ram/pc.bios pc.other -o made": ["reading", "writing"],
    "redact {} -o made": ["reading", "looking for pages"],
    "convert {} -o made --ram linear": ["reading", "converting"],
    "convert {} -o made --container gzip": ["converting", "compressing"],
    "extract {} -o made": ["reading", "writing"],
    "decode {} --full -o made": ["reading", "writing"],
    "index {} -o made": ["reading"],
    "find twice": ["searching"],
    "find twice --extract 1 -o made": ["searching"],
    "compat {} --to-stream {}": ["reading"],
    "explain nothing --stream {}": ["reading"],
}


@pytest.mark.parametrize("words", LONG)
def test_every_verb_that_may_take_long_says_how_far_it_is(
    words: str, named_sample: Named, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stream = named_sample("pc-xbzrle-7.2.mig").path
    Path("twice").write_bytes(stream.read_bytes() * 2)
    lines = said(*(word.format(stream) for word in words.split()))
    for what in LONG[words]:
        assert any(line.startswith(f"{what}  ") for line in lines), (what, lines)


def test_a_folder_that_is_encoded_too(
    named_sample: Named, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stream = named_sample("pc-7.2.mig").path
    subprocess.run([*MIGSTREAM, "decode", stream, "--full", "-o", "made"], check=True)
    assert any(line.startswith("writing  ") for line in said("encode", "made", "-o", "again"))


def test_a_pipe_has_no_end_that_is_known(named_sample: Named) -> None:
    stream = named_sample("pc-xbzrle-7.2.mig").path
    command = (
        "from migstream.cli import main, watching; watching.SOON = watching.EVERY = -1; main()"
    )
    script = f'cat {stream} | "$0" -c "{command}" info - >/dev/null'
    with Terminal("sh", "-c", script, sys.executable) as terminal:
        assert terminal.end() == 0
        lines = terminal.text().split(CLEAR)
    assert any(re.match(r"reading  [0-9.]+ [KM]?i?B", line) for line in lines), lines
    assert not any("%" in line or "left" in line for line in lines)


def test_reading_a_capture_does_too(tmp_path: Path) -> None:
    path = tmp_path / "lo.pcap"
    path.write_bytes(pcap(spoken(Flow("10.0.0.1", 1, "10.0.0.2", 2), build.small())))
    # a small one is read before anybody is told
    with Terminal(*AT_ONCE, "info", path) as terminal:
        assert terminal.end() == 0


def test_what_is_short_shows_nothing(named_sample: Named) -> None:
    with Terminal(
        *MIGSTREAM, "get", named_sample("pc-7.2.mig").path, "cpu/env.eip", results=False
    ) as terminal:
        assert terminal.end() == 0
        assert terminal.text() == ""


def test_no_terminal_no_line(packed: Path) -> None:
    words = [*AT_ONCE, "mem", str(packed), "--text", "x"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert "unpacking" not in done.stderr
    assert common.watching() is None


class Clock:
    """Seconds go by when a test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.shown: list[str] = []
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(
            watching, "show_status", lambda parts: self.shown.append("  ".join(parts))
        )


def test_rate_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    watch = watching.Watching()
    for second in range(5):
        clock.now = second / 2
        watch(READING, second << 20, 200 << 20)
    assert clock.shown[0] == "reading   0 %  1 min 40 s left  1.0 MiB of 200.0 MiB  2.0 MiB/s"
    assert clock.shown[-1] == "reading   2 %  1 min 38 s left  4.0 MiB of 200.0 MiB  2.0 MiB/s"
    watch(READING, 200 << 20, 200 << 20)
    watch("playing", 1, 0)
    assert len(clock.shown) == 4
    counted = watching.Watching("machine types")
    for second in range(3):
        clock.now = 10.0 + second
        counted("playing", second, 12)
    assert clock.shown[-1] == "playing  16 %  10 s left  2 of 12 machine types"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (59.4, "59 s"), (125, "2 min 5 s"), (7320, "2 h 2 min")]
)
def test_a_duration_as_people_say_it(seconds: float, text: str) -> None:
    assert watching._duration(seconds) == text


def test_what_took_long_says_once_how_it_need_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(watching, "SLOW", -1)
    watch = watching.Watching()
    watch("reading the capture", 10, 10)
    assert "xz -T0" not in capsys.readouterr().err
    for what in sorted(UNPACKING):
        watch(what, 5, 10)
        watch(what, 10, 10)
    assert capsys.readouterr().err.count("xz -T0 --block-size=16MiB and pzstd") == 1


# --- the library -----------------------------------------------------------------------------------


def test_the_library_tells_how_much_of_the_file_was_read() -> None:
    told: list[tuple[str, int, int]] = []
    stream = gzip.compress(build.small() + os.urandom(1 << 20))
    with migstream.open(stream, spool=True, watch=lambda *one: told.append(one)):
        unpacked = [one for one in told if one[0] == UNPACKED]
        assert {total for _, _, total in unpacked} == {len(stream)}
        done = [done for _, done, _ in unpacked]
        assert done == sorted(done)
        assert done[-1] == len(stream)
        assert done[0] < len(stream)
    told.clear()
    with pytest.raises(SourceError, match="unpack to more"):
        migstream.open(
            gzip.compress(build.small() + bytes(200 << 20)),
            spool=True,
            watch=lambda *one: told.append(one),
        )
    assert told[-1][1] == told[-1][2]


@pytest.mark.parametrize("spool", [True, False])
def test_it_tells_of_a_file_of_a_pipe_and_always_to_the_end(
    named_sample: Named, spool: bool
) -> None:
    path = named_sample("pc-xbzrle-7.2.mig").path
    size = path.stat().st_size
    told: list[tuple[str, int, int]] = []
    with migstream.open(path, watch=lambda *one: told.append(one)) as stream:
        assert stream.items
        assert told[-1] == (READING, size, size)
        assert all(0 <= done <= total == size for _, done, total in told)
        told.clear()
        migstream.digest(stream)
        assert {what for what, _, _ in told} == {"hashing"}
        assert told[-1][1] == told[-1][2] == sum(block.size for block in stream.ram.values())
    told.clear()
    reader, writer = os.pipe()
    process = subprocess.Popen(["cat", path], stdout=writer)
    os.close(writer)
    with (
        os.fdopen(reader, "rb") as pipe,
        migstream.open(pipe, spool=spool, watch=lambda *one: told.append(one)) as stream,
    ):
        assert stream.items
        what = COPIED if spool else READING
        mine = [one for one in told if one[0] == what]
        assert {total for _, _, total in mine[:-1]} == {0}
        assert 0 < mine[-1][1] == mine[-1][2] <= size
    process.wait()
