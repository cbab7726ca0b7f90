"""`-o -`: what a verb writes as a file, on standard output; and bytes that no terminal gets unasked."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from support import examples
from support.samples import Sample
from support.terminal import MIGSTREAM, Terminal

Named = Callable[[str], Sample]

# Each writes one file; OUT is its place.
WRITING = (
    "set guest.mig cpu[0]/env.eip=5 -o OUT",
    "drop guest.mig i8254 -o OUT",
    "rename guest.mig i8254 pit -o OUT",
    "redact guest.mig -o OUT",
    "convert live.mig --ram linear -o OUT",
    "convert guest.mig --to-container zstd -o OUT",
    "encode decoded -o OUT",
    "index live.mig -o OUT",
    "extract guest.mig -o OUT",
    "extract guest.mig -f lime -o OUT",
    "find disk.img --extract 1 -o OUT",
    "minimise bad.mig --tries 4 -o OUT -- false",
)
FOLDERS = (
    "extract guest.mig -f raw -o -",
    "decode guest.mig --full -o -",
    "find disk.img --extract all -o -",
    "man -o -",
)
RAW = (
    "get guest.mig cpu[0] -r",
    "mem guest.mig 0xf0000 -r",
    "history live.mig 0x10000 --dump 0 -r",
    "desc guest.mig -r",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, named_sample: Named) -> Path:
    made = tmp_path_factory.mktemp("standard-output")
    examples.fill(made, named_sample)
    return made


def run(line: str, folder: Path, out: str = "-") -> subprocess.CompletedProcess[bytes]:
    words = [out if word == "OUT" else word for word in line.split()]
    return subprocess.run([*MIGSTREAM, *words], cwd=folder, capture_output=True, check=False)


def on_terminal(words: Sequence[str], folder: Path) -> tuple[int, bytes]:
    """Status, and what came on a terminal."""
    with Terminal(*MIGSTREAM, *words, columns=0, cwd=folder) as terminal:
        return terminal.end(), terminal.shown


@pytest.mark.parametrize("line", WRITING)
def test_it_is_what_the_file_would_be(line: str, folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "file"
    as_file, sent = run(line, folder, str(target)), run(line, folder)
    assert (sent.returncode, as_file.returncode) == (0, 0), sent.stderr
    assert sent.stdout == target.read_bytes()
    assert not (folder / "-").exists()


def test_what_is_said_goes_to_standard_error(folder: Path) -> None:
    sent = run(WRITING[0], folder)
    assert b"cpu[0]/env.eip" in sent.stderr
    assert sent.stdout.startswith(b"QEVM")


def test_it_is_a_filter(folder: Path) -> None:
    """From a pipe into a pipe."""
    given = (folder / "guest.mig").read_bytes()
    words = ["set", "-", "cpu[0]/env.eip=5", "-o", "-"]
    sent = subprocess.run([*MIGSTREAM, *words], input=given, capture_output=True, check=True)
    assert sent.stdout == run(WRITING[0], folder).stdout


@pytest.mark.parametrize("line", FOLDERS)
def test_a_folder_is_refused(line: str, folder: Path) -> None:
    ended = run(line, folder)
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert b"folder" in ended.stderr


@pytest.mark.parametrize("line", [f"{WRITING[0]} --json", "find disk.img --extract 1 -o OUT --json",
                                  "find disk.img --extract 1 -o OUT --ndjson"])  # fmt: skip
def test_json_cannot_go_there_too(line: str, folder: Path) -> None:
    ended = run(line, folder)
    assert (ended.returncode, ended.stdout) == (2, b"")


def test_a_file_of_that_name_is_not_what_is_meant(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "-").write_text("somebody's")
    ended = run(f"find {folder / 'disk.img'} --extract 1 -o OUT", tmp_path)
    assert (ended.returncode, ended.stdout[:4]) == (0, b"QEVM")
    assert b"/output" not in ended.stderr


def test_what_fails_sends_nothing(folder: Path) -> None:
    ended = run("set guest.mig nobody=5 -o OUT", folder)
    assert (ended.returncode, ended.stdout) == (2, b"")


@pytest.mark.parametrize("line", [WRITING[0].replace("OUT", "-"), *RAW])
def test_a_terminal_gets_no_bytes_unasked(line: str, folder: Path) -> None:
    status, shown = on_terminal(line.split(), folder)
    assert status == 2
    assert b"--force" in shown
    assert b"QEVM" not in shown
    for words in ([*line.split(), "--force"], ["--force"]):
        words = (
            words if len(words) > 1 else [line.split(maxsplit=1)[0], "--force", *line.split()[1:]]
        )
        status, shown = on_terminal(words, folder)
        assert status == 0, shown


@pytest.mark.parametrize("line", RAW)
def test_a_redirection_is_asking(line: str, folder: Path) -> None:
    ended = run(line, folder)
    assert ended.returncode == 0
    assert ended.stdout


def test_a_reader_may_go_away(folder: Path, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*MIGSTREAM, "convert", "guest.mig", "-o", "-"],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert done.returncode == 141
    assert b"Traceback" not in done.stderr
    assert not [*tmp_path.iterdir()]


def test_a_disk_that_is_full_is_said(folder: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*MIGSTREAM, "convert", "guest.mig", "-o", "-"],
            cwd=folder,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 5
    assert b"no space left" in done.stderr


# --- outputs that are closed, full, or that nobody reads ---------------------------------------------

ENDED = 128 + 13  # as SIGPIPE ends a process


def closed(line: str, folder: Path, how: str) -> subprocess.CompletedProcess[bytes]:
    words = shlex.join([*MIGSTREAM, *line.split()])
    return subprocess.run(
        ["bash", "-c", f"{words} {how}"], cwd=folder, capture_output=True, check=False
    )


@pytest.mark.parametrize("how", [">&-", "2>&-", "<&-", ">&- 2>&-"])
@pytest.mark.parametrize("line", ["info guest.mig", "decode guest.mig", "set guest.mig cpu[0]/env.eip=5 -o closed.mig --force",
                                  "get guest.mig cpu[0] -r"])  # fmt: skip
def test_what_is_closed_is_no_error(line: str, how: str, folder: Path) -> None:
    ended = closed(line, folder, how)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert ended.stdout == (
        b"" if ">&- " in f"{how} " and how != "2>&-" else run(line, folder).stdout
    )


@pytest.mark.parametrize("verb", ["digest", "ls", "info"])
def test_a_damaged_stream_whose_reader_has_gone_or_has_no_room(verb: str, folder: Path) -> None:
    cut = folder / "cut.mig"
    cut.write_bytes((folder / "guest.mig").read_bytes()[:-1000])
    gone = closed(f"{verb} cut.mig", folder, "| true; exit ${PIPESTATUS[0]}")
    assert gone.returncode in {ENDED, 3}  # where it wrote all before the reader went
    assert b"Traceback" not in gone.stderr
    full = closed(f"{verb} cut.mig", folder, "> /dev/full")
    assert full.returncode == 5
    assert b"Traceback" not in full.stderr
