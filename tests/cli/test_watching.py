"""What takes long while a source is opened is shown on a terminal, and nowhere else."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest

import migstream
from migstream.cli import watching
from migstream.errors import SourceError
from migstream.source.layers import UNPACKING
from support import build
from support.lacking import open_terminal
from support.pcap import Flow, pcap, spoken


def shown(*words: object) -> str:
    """What a command says on standard error, which is a terminal."""
    ours, theirs = open_terminal()
    with subprocess.Popen(
        [sys.executable, "-m", "migstream", *map(str, words)],
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    ):
        os.close(theirs)
        out = b""
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:  # Linux: nobody has the other end any more
                break
            if not piece:
                break
            out += piece
    os.close(ours)
    return out.decode()


def test_unpacking_shows_how_far_it_is(tmp_path: Path) -> None:
    path = tmp_path / "one.mig.gz"
    path.write_bytes(gzip.compress(build.small()))
    said = shown("mem", path, "--text", "x")
    assert "unpacking" in said
    assert "100%" in said
    assert "unpacked to look into memory" not in said  # it was not long
    assert "unpacking" not in shown("info", path)


def test_reading_a_capture_does_too(tmp_path: Path) -> None:
    path = tmp_path / "lo.pcap"
    path.write_bytes(pcap(spoken(Flow("10.0.0.1", 1, "10.0.0.2", 2), build.small())))
    assert "reading the capture" in shown("info", path)


def test_no_terminal_no_bar(tmp_path: Path) -> None:
    path = tmp_path / "one.mig.gz"
    path.write_bytes(gzip.compress(build.small()))
    words = [sys.executable, "-m", "migstream", "mem", str(path), "--text", "x"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert "unpacking" not in done.stderr


def test_what_took_long_says_how_it_need_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(watching, "SLOW", -1)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    watch = watching.Watching()
    watch("reading the capture", 10, 10)
    assert "xz -T0" not in capsys.readouterr().err
    watch(UNPACKING, 5, 10)
    watch(UNPACKING, 10, 10)
    assert "xz -T0 --block-size=16MiB and pzstd" in capsys.readouterr().err


def test_the_library_tells_how_much_of_the_file_was_read() -> None:
    told: list[tuple[str, int, int]] = []
    stream = gzip.compress(build.small() + os.urandom(1 << 20))
    with migstream.open(stream, spool=True, watch=lambda *one: told.append(one)):
        assert {(what, total) for what, _, total in told} == {("unpacking", len(stream))}
        done = [done for _, done, _ in told]
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
