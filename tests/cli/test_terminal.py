"""The command on a real terminal: colour, a reader that goes away, bytes that do not belong there."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable

import pytest

from support.samples import Sample
from support.terminal import MIGSTREAM, Terminal

Named = Callable[[str], Sample]
ESCAPE = b"\x1b["
BROKEN_PIPE = 141


def on_terminal(*words: object, **environment: str) -> bytes:
    """What a command writes to a terminal of its own, which does not say how wide it is."""
    with Terminal(*MIGSTREAM, *words, columns=0, environment=environment) as terminal:
        assert terminal.end() == 0, terminal.shown
        return terminal.shown


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
