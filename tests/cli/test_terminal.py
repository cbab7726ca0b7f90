"""The command on a real terminal and in a real shell: colour, completion, a reader that goes away."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from migstream.cli.group import VERBS
from support.lacking import open_terminal
from support.samples import Sample

Named = Callable[[str], Sample]
MIGSTREAM = [sys.executable, "-m", "migstream"]
ESCAPE = b"\x1b["
BROKEN_PIPE = 141


def on_terminal(*words: object, **environment: str) -> bytes:
    """What a command writes to a terminal of its own."""
    ours, theirs = open_terminal()
    clean = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    process = subprocess.Popen(
        [*MIGSTREAM, *map(str, words)],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env={**clean, "TERM": "xterm", **environment},
    )
    os.close(theirs)
    found = b""
    while piece := _read(ours):
        found += piece
    os.close(ours)
    assert process.wait() == 0, found
    return found


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # Linux says EIO when the last writer has closed the terminal
        return b""


@pytest.mark.parametrize("words", [("info",), ("ls",), ("tree", "cpu"), ("show", "cpu"), ("stat",)])
def test_colour_on_a_terminal_only(named_sample: Named, words: tuple[str, ...]) -> None:
    path = named_sample("pc-7.2.mig").path
    command = (words[0], str(path), *words[1:])
    assert ESCAPE in on_terminal(*command)
    assert ESCAPE not in on_terminal(*command, NO_COLOR="1")
    assert ESCAPE in on_terminal(*command, NO_COLOR="")  # an empty one says nothing (no-color.org)
    assert ESCAPE in on_terminal(*command, "--color", "always", NO_COLOR="1")
    assert ESCAPE not in on_terminal(*command, "--color", "never")
    piped = subprocess.run([*MIGSTREAM, *command], capture_output=True, check=True)
    assert ESCAPE not in piped.stdout
    assert piped.stdout == on_terminal(*command, "--color", "never").replace(b"\r\n", b"\n")


def test_decode_is_indented_for_a_reader(named_sample: Named) -> None:
    path = named_sample("pc-7.2.mig").path
    shown = on_terminal("decode", path)
    piped = subprocess.run([*MIGSTREAM, "decode", path], capture_output=True, check=True).stdout
    assert piped.count(b"\n") == 1 < shown.count(b"\n")
    assert json.loads(shown) == json.loads(piped)


@pytest.mark.parametrize("verb", ["info", "ls", "tree", "decode", "desc", "stat"])
def test_a_reader_may_go_away(named_sample: Named, verb: str) -> None:
    """As `migstream tree FILE | head -1` does: nothing is said about it."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*MIGSTREAM, verb, named_sample("pc-7.2.mig").path],
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (BROKEN_PIPE, b"")


# --- completion ------------------------------------------------------------------------------------

# What bash does on TAB, with the function that the command itself prints: the line is cut into
# words as bash cuts it, and COMPREPLY is what bash puts in place of the last of them.
SHELL = r"""
migstream() { "$PYTHON" -m migstream "$@"; }
eval "$(_MIGSTREAM_COMPLETE=bash_source migstream)"
compopt() { :; }
COMP_LINE=$1 COMP_POINT=${#1}
_migstream_completion migstream
printf '%s\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def complete() -> Callable[[str], list[str]]:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")

    def run(line: str) -> list[str]:
        done = subprocess.run(
            [bash, "--norc", "-c", SHELL, "bash", line],
            env={**os.environ, "PYTHON": sys.executable},
            capture_output=True,
            text=True,
            check=True,
        )
        assert not done.stderr
        return done.stdout.split()

    return run


def test_verbs_and_options_are_completed(complete: Callable[[str], list[str]]) -> None:
    assert complete("migstream ") == list(VERBS)
    assert complete("migstream dec") == ["decode"]
    assert complete("migstream get --wh") == ["--where"]
    assert complete("migstream ls file --color ") == ["auto", "always", "never"]


def test_devices_and_fields_are_completed(
    named_sample: Named, complete: Callable[[str], list[str]]
) -> None:
    line = f"migstream get {named_sample('pc-7.2.mig').path} "
    assert {"cpu[0]", "timer[0]", "dma[0]", "dma[1]"} <= set(complete(line))
    assert complete(f"{line}i8259[1]") == ["i8259[1]"]
    assert complete(f"{line}cpu[0]/env.ei") == ["cpu[0]/env.eip"]
    assert complete(f"{line}cpu[0]/env.segs[1]/s") == ["cpu[0]/env.segs[1]/selector"]
    assert complete(f"{line}nothing") == []


def test_a_word_with_colons_is_completed_from_its_last_part(
    named_sample: Named, complete: Callable[[str], list[str]]
) -> None:
    line = f"migstream tree {named_sample('pc-7.2.mig').path} "
    assert complete(f"{line}0000:00:01.1") == ["01.1/ide[0]"]
    assert complete(f"{line}0000:00:01.1/ide[0]/par") == ["01.1/ide[0]/parent_obj"]


def test_what_bash_calls_is_click_s_protocol(named_sample: Named) -> None:
    line = f"migstream tree {named_sample('pc-7.2.mig').path} time"
    done = subprocess.run(
        MIGSTREAM,
        env={**os.environ, "_MIGSTREAM_COMPLETE": "bash_complete", "COMP_LINE": line},
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"more,timer[0]\n"


@pytest.mark.parametrize("content", [None, b"", b"no stream\n", b"QEVM"])
def test_completion_of_no_stream_says_nothing(
    complete: Callable[[str], list[str]], tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    assert complete(f"migstream tree {path} cpu") == []
    assert complete("migstream tree - cpu") == []
