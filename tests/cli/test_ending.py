"""INT, TERM, HUP and QUIT in every verb: it ends within a second, and nothing is left of it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from migstream.cli import ending
from migstream.cli.group import VERBS
from support import build
from support.endings import COMMAND, PATIENCE, SIGNALS, alive, end, start, until
from support.lacking import needs_proc
from support.samples import Sample
from support.terminal import Terminal

Named = Callable[[str], Sample]

REST = tuple(number for number in SIGNALS if number != signal.SIGTERM)
by_signal = pytest.mark.parametrize("number", SIGNALS, ids=lambda n: signal.Signals(n).name)

# Every write ends with `fsync`, before a name is given: a disk that takes its time there is the
# latest moment at which nothing may be left behind. Where the disk is, it says so in a file.
SLOW_DISK = """
import os, pathlib, time
def fsync(fd):
    pathlib.Path(os.environ["MOMENT"]).touch()
    time.sleep(600)
os.fsync = fsync
"""
# And one in which the interpreter cannot be interrupted, as in a file system that hangs.
STUCK_DISK = """
import hashlib, os, pathlib
def fsync(fd):
    pathlib.Path(os.environ["MOMENT"]).touch()
    hashlib.pbkdf2_hmac("sha256", b"", b"", 1 << 30)
os.fsync = fsync
"""


@pytest.fixture
def stream(named_sample: Named, tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    return Path(shutil.copy(named_sample("microvm-7.2.mig").path, folder / "guest.mig"))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files of what is started."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


# --- reading ---------------------------------------------------------------------------------------

# Arguments behind the stream; what is not here has no stream to wait for, or is tried below.
READING = {
    "info": (),
    "identify": (),
    "ls": (),
    "tree": (),
    "show": ("cpu",),
    "get": ("cpu/env.eip",),
    "registers": (),
    "mem": ("0x0",),
    "history": ("pc.ram@0",),
    "screen": (),
    "console": (),
    "report": ("-o", "made"),
    "queue": ("virtio-net",),
    "gdb": ("--listen", "0"),
    "tui": (),
    "extract": ("-o", "made"),
    "check": ("--report", "made.json"),
    "set": ("cpu/env.eip=0", "-o", "made"),
    "drop": ("cpu", "-o", "made"),
    "rename": ("cpu", "made", "-o", "made"),
    "redact": ("-o", "made"),
    "minimise": ("-o", "made", "--", "false"),
    "convert": ("-o", "made", "--ram", "linear"),
    "desc": (),
    "stat": (),
    "diff": ("-",),
    "digest": ("-o", "made"),
    "decode": ("--full", "-o", "made"),
    "index": ("-o", "made"),
    "find": ("--extract", "1", "-o", "made"),
    "compat": ("--to-stream", "-"),
    "heal": ("--to", "10.0", "-o", "made"),
}
OTHERS = {"explain", "static-checker", "encode", "analyze-migration"}
OTHERS |= {"schema", "completion", "man", "catalogue", "fleet"}  # read nothing


@pytest.mark.parametrize(
    ("verb", "number"),
    [*((verb, signal.SIGTERM) for verb in READING), *(("info", number) for number in REST)],
)
def test_a_verb_that_waits_for_its_stream_ends(
    verb: str, number: int, stream: Path, out: Path, temporary: Path
) -> None:
    """A pipe that gives half of a stream and then stands still."""
    needs_proc()  # /dev/fd is in it
    reader, writer = os.pipe()
    raw = stream.read_bytes()
    process = start(verb, f"/dev/fd/{reader}", *READING[verb], cwd=out, pass_fds=(reader,))
    os.close(reader)
    with os.fdopen(writer, "wb", buffering=0) as pipe:
        pipe.write(raw[: len(raw) // 2])  # returns when it has been read but for 64 KiB
        until(lambda: waiting(pipe.fileno()) == 0, process)
        end(process, number)
    assert names(out) == names(temporary) == []


def waiting(pipe: int) -> int:
    """Bytes in a pipe that nobody has read yet."""
    size: int = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))[0]
    return size


def test_no_verb_is_forgotten() -> None:
    assert set(VERBS) == READING.keys() | OTHERS


@by_signal
def test_a_verb_whose_reader_does_not_read_ends(number: int, stream: Path) -> None:
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    process = start("decode", stream, stdout=writer)
    until(lambda: waiting(reader) == 4096, process)
    end(process, number)
    os.close(reader)
    os.close(writer)


@by_signal
def test_a_file_that_is_sent_and_not_read_is_taken_away(
    number: int, stream: Path, temporary: Path
) -> None:
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    process = start("convert", stream, "-o", "-", stdout=writer)
    until(lambda: waiting(reader) == 4096, process)
    assert names(temporary) != []
    end(process, number)
    assert names(temporary) == []
    os.close(reader)
    os.close(writer)


def test_a_signal_that_the_parent_ignores_is_ignored(stream: Path) -> None:
    """As nohup(1) and the background of a shell have it."""
    shell = ["sh", "-c", 'trap "" HUP INT; exec "$@"', "sh", *COMMAND]
    raw = stream.read_bytes()
    process = start("info", "-", command=shell, stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(raw[: len(raw) // 2])
    process.stdin.flush()
    until(lambda: waiting(process.stdin.fileno()) == 0, process)  # type: ignore[union-attr]
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(raw[len(raw) // 2 :], timeout=PATIENCE)
    assert process.returncode == 0
    assert b"microvm" in said


# --- writing ---------------------------------------------------------------------------------------

WRITING = {
    "set": ("set", "{}", "cpu/env.eip=0", "-o", "made"),
    "in place": ("set", "{}", "cpu/env.eip=0", "--in-place"),
    "drop": ("drop", "{}", "cpu", "-o", "made"),
    "rename": ("rename", "{}", "cpu", "made", "-o", "made"),
    "redact": ("redact", "{}", "-o", "made"),
    "index": ("index", "{}"),
    "index elsewhere": ("index", "{}", "-o", "made"),
    "extract": ("extract", "{}", "-o", "made"),
    "extract raw": ("extract", "{}", "-o", "made", "-f", "raw"),
    "convert": ("convert", "{}", "-o", "made", "--ram", "linear"),
    "find": ("find", "{}", "--extract", "1", "-o", "made"),
    "find all": ("find", "{}", "--extract", "all", "-o", "made"),
    "digest": ("digest", "{}", "-o", "made"),
    "check": ("check", "{}", "--report", "made.xml", "--report", "made.sarif"),
    "decode": ("decode", "{}", "--full", "-o", "made"),
    "encode": ("encode", "{folder}", "-o", "made"),
    "analyze": ("analyze-migration", "-x", "-f", "{}"),
    "minimise": ("minimise", "{}", "-o", "made", "--tries", "3", "--", "false"),
}


def begin(
    words: tuple[str, ...], stream: Path, out: Path, moment: Path, disk: str
) -> subprocess.Popen[bytes]:
    """Start a verb and wait until all is written and has no name yet."""
    folder = stream.parent / "folder"
    if "{folder}" in words:
        subprocess.run([*COMMAND, "decode", stream, "--full", "-o", folder], check=True)
    words = tuple(word.format(stream, folder=folder) for word in words)
    process = start(
        *words,
        before=disk,
        cwd=out,
        env={**os.environ, "MOMENT": str(moment)},
    )
    until(moment.exists, process)
    return process


@pytest.mark.parametrize(
    ("verb", "number"),
    [
        *((verb, signal.SIGTERM) for verb in WRITING),
        *((verb, number) for verb in ("in place", "extract raw", "minimise") for number in REST),
    ],
)
def test_a_verb_that_writes_leaves_nothing(
    verb: str, number: int, stream: Path, out: Path, temporary: Path, tmp_path: Path
) -> None:
    before = stream.read_bytes()
    process = begin(WRITING[verb], stream, out, tmp_path / "moment", SLOW_DISK)
    parts = [*out.glob(".*.part"), *stream.parent.glob(".*.part")]
    assert parts
    for part in parts:
        assert part.is_dir() or part.stat().st_mode & 0o777 == 0o600
    end(process, number)
    assert names(out) == names(temporary) == []
    assert set(names(stream.parent)) <= {"guest.mig", "folder"}
    assert stream.read_bytes() == before


@pytest.mark.parametrize("verb", ["set", "extract raw", "minimise"])
def test_a_verb_that_is_stuck_in_the_system_leaves_nothing(
    verb: str, stream: Path, out: Path, temporary: Path, tmp_path: Path
) -> None:
    process = begin(WRITING[verb], stream, out, tmp_path / "moment", STUCK_DISK)
    end(process, signal.SIGTERM)
    assert names(out) == names(temporary) == []


@pytest.mark.parametrize("verb", ["convert", "decode", "digest"])
def test_a_verb_that_computes_ends(verb: str, out: Path, temporary: Path, tmp_path: Path) -> None:
    """4 GiB of one byte, and of nothing but the loops over them: nothing waits for anything.

    Zeros where they are written, for they need no room; where they are hashed they would be done at once.
    """
    path = tmp_path / "zeros.mig"
    path.write_bytes(alike(1 << 20, byte=int(verb == "digest")))
    process = start(*(word.format(path) for word in WRITING[verb]), cwd=out)
    until(lambda: list(out.glob(".*.part")), process)
    end(process, signal.SIGTERM)
    assert names(out) == names(temporary) == []


def alike(count: int, byte: int = 0) -> bytes:
    """A stream of one RAM block of so many pages, all of one byte."""
    fill = bytes((byte,))
    bits = build.subsection("configuration/target-page-bits", build.be32(12))
    first = build.be64(2) + build.counted("ram") + fill
    rest = b"".join((number << 12 | 0x22).to_bytes(8, "big") + fill for number in range(1, count))
    return (
        build.HEADER
        + build.configuration("none", bits)
        + build.ram_start(build.ram_block("ram", count << 12), count << 12)
        + build.ram_part(first + rest)
        + build.END
    )


def test_who_asks_twice_interrupts_no_cleaning(
    stream: Path, out: Path, temporary: Path, tmp_path: Path
) -> None:
    process = begin(WRITING["extract raw"], stream, out, tmp_path / "moment", SLOW_DISK)
    for _ in range(20):
        process.send_signal(signal.SIGINT)
    end(process, signal.SIGINT)
    assert names(out) == names(temporary) == []


# --- children --------------------------------------------------------------------------------------


@pytest.fixture
def mark(tmp_path: Path) -> Iterator[str]:
    """A word by which processes are found again; what a failed test left of them is ended."""
    needs_proc()
    word = f"migstream-test-{os.getpid()}-{tmp_path.name}"
    yield word
    for pid in alive(word):
        os.kill(pid, signal.SIGKILL)


def gone(word: str) -> bool:
    late = time.monotonic() + 10
    while alive(word):
        if time.monotonic() > late:
            return False
        time.sleep(0.01)
    return True


# A shell that is itself waited for by nobody else: a child and a grandchild, both with the word.
FAMILY = 'sh -c "sleep 600; : $0" "$0" & sh -c "sleep 600; : $0" "$0"; exit 1'


@pytest.mark.parametrize("number", [*SIGNALS, signal.SIGKILL], ids=lambda n: signal.Signals(n).name)
def test_a_tried_command_ends_with_us_and_all_that_it_started(
    number: int, stream: Path, out: Path, temporary: Path, mark: str
) -> None:
    words = ("minimise", stream, "-o", "made", "--", "sh", "-c", FAMILY, mark)
    process = start(*words, cwd=out)
    until(lambda: len(alive(mark)) >= 4, process)  # ours, the shell, and its two
    if number == signal.SIGKILL:
        process.kill()
        process.communicate()
        assert gone(mark)
        return
    end(process, number)
    assert not alive(mark)
    assert names(out) == names(temporary) == []


def test_endless_words_of_a_tried_command_fill_nothing(
    stream: Path, out: Path, temporary: Path
) -> None:
    most = 0
    over = threading.Event()

    def look() -> None:
        nonlocal most
        while not over.wait(0.01):
            try:  # what is looked at goes away meanwhile, files and the folder that they are in
                sizes = [path.stat().st_blocks * 512 for path in temporary.rglob("*")]
            except OSError:
                continue
            most = max(most, *sizes, 0)

    watcher = threading.Thread(target=look)
    watcher.start()
    words = ("minimise", stream, "-o", "made", "--timeout", "1", "--", "yes")
    process = start(*words, cwd=out)
    _, said = process.communicate(timeout=PATIENCE)
    over.set()
    watcher.join()
    assert process.returncode == 1
    assert b"does not fail" in said
    assert most <= 2 * stream.stat().st_size


def test_the_first_of_many_words_count(stream: Path, out: Path) -> None:
    talk = 'echo "qemu: broken pipe organ" >&2; yes | head -c 50000000; exit 3'
    words = ("minimise", stream, "-o", "made", "--match", "pipe organ", "--tries", "2", "--json")
    process = start(*words, "--", "sh", "-c", talk, cwd=out)
    said, wrong = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, wrong
    assert json.loads(said)["tries"] <= 2


@pytest.mark.parametrize("asked", [[], [signal.SIGTERM]], ids=["on its own", "asked to end"])
def test_an_end_that_cannot_be_raised_is_not_told(
    asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As inside the callback of a weak reference; what else cannot be raised is told as ever."""
    told: list[object] = []
    monkeypatch.setattr(sys, "__unraisablehook__", told.append)
    monkeypatch.setattr(ending, "_asked", asked)
    end, other = (SimpleNamespace(exc_value=one) for one in (SystemExit(143), ValueError()))
    for one in (end, other):
        ending._unraisable(cast("sys.UnraisableHookArgs", one))
    assert told == ([other] if asked else [end, other])


# --- what is said ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "more"),
    [("set", "; nothing written to made"), ("digest", "; nothing written to made")],
)
def test_ctrl_c_says_what_is_not_there(
    verb: str, more: str, stream: Path, out: Path, temporary: Path, tmp_path: Path
) -> None:
    process = begin(WRITING[verb], stream, out, tmp_path / "moment", SLOW_DISK)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + signal.SIGINT
    assert said.decode().splitlines() == [f"migstream: interrupted{more}"]


def test_ctrl_c_on_a_terminal_has_a_line_of_its_own(stream: Path) -> None:
    """The line that says how far something is, and the terminal's ^C, give way to it."""
    needs_proc()
    at_once = "from migstream.cli import main, watching; watching.SOON = -1; main()"
    raw = stream.read_bytes()
    reader, writer = os.pipe()
    with Terminal(
        sys.executable, "-c", at_once, "info", f"/dev/fd/{reader}", pass_fds=(reader,)
    ) as terminal:
        os.close(reader)
        with os.fdopen(writer, "wb", buffering=0) as pipe:
            pipe.write(raw[: len(raw) // 2])
            until(lambda: waiting(pipe.fileno()) == 0, terminal.process)
            terminal.press("\x03")
            assert terminal.end() == 128 + signal.SIGINT
    last = terminal.text().rpartition("\r\x1b[K")[2]
    assert last == "\x1b[1;33mmigstream:\x1b[0m interrupted\n"


def test_only_ctrl_c_is_worth_a_word(stream: Path, out: Path, tmp_path: Path) -> None:
    process = begin(WRITING["set"], stream, out, tmp_path / "moment", SLOW_DISK)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=PATIENCE)
    assert (process.returncode, said) == (128 + signal.SIGTERM, b"")
