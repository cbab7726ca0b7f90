"""What is longer than the screen goes through a pager, on a terminal only, and ends as people expect it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.lacking import lacks
from support.samples import Sample
from support.terminal import MIGSTREAM, Terminal

Named = Callable[[str], Sample]
# A pager that says how it was called, and which lines it was given.
COUNTING = "printf '<%s>' \"$LESS\"; wc -l"
BROKEN_PIPE = 141


@pytest.fixture
def stream(named_sample: Named) -> Path:
    return named_sample("q35-7.2.mig").path


@pytest.fixture
def less() -> str:
    if shutil.which("less") is None:
        lacks("less is not installed")
    return "less -FRX"


def lines(*words: object) -> int:
    done = subprocess.run([*MIGSTREAM, *map(str, words)], capture_output=True, check=False)
    return done.stdout.count(b"\n")


@pytest.mark.parametrize("variable", ["PAGER", "MIGSTREAM_PAGER"])
def test_a_long_answer_goes_through_the_pager(stream: Path, variable: str) -> None:
    environment = {"PAGER": "false", variable: COUNTING}
    words = (*MIGSTREAM, "ls", stream, "--devices")
    with Terminal(*words, rows=24, environment=environment) as terminal:
        assert terminal.end() == 0
        assert terminal.text() == f"<FRX>{lines('ls', stream, '--devices')}\n"


@pytest.mark.parametrize(
    ("rows", "more", "environment"),
    [
        (200, (), {}),
        (0, (), {}),
        (24, ("--no-pager",), {}),
        (24, (), {"MIGSTREAM_PAGER": ""}),
        (24, (), {"MIGSTREAM_PAGER": "cat"}),
        (24, (), {"MIGSTREAM_PAGER": "there-is-no-such-pager -x"}),
        (24, (), {"TERM": "dumb"}),
    ],
    ids=str,
)
def test_else_it_is_printed(
    stream: Path, rows: int, more: tuple[str, ...], environment: dict[str, str]
) -> None:
    words = (*MIGSTREAM, "ls", stream, *more)
    with Terminal(*words, rows=rows, environment={"PAGER": COUNTING} | environment) as terminal:
        assert terminal.end() == 0
        assert "wc" not in terminal.text()
        assert "globalstate[0]" in terminal.text()


def test_never_in_a_pipe(stream: Path) -> None:
    with Terminal(
        "sh", "-c", '"$0" "$@" | tail -n 1', *MIGSTREAM, "ls", stream,
        rows=5, environment={"PAGER": COUNTING},
    ) as terminal:  # fmt: skip
        assert terminal.end() == 0
        assert "description" in terminal.text()
        assert "<FRX>" not in terminal.text()


@pytest.mark.parametrize(
    "words",
    ["info {} --json", "mem {} --help", "digest {}", "desc {}", "tree {} cpu", "get {} cpu/*"],
)
def test_whatever_is_printed(stream: Path, words: str) -> None:
    call = [word.format(stream) for word in words.split()]
    with Terminal(*MIGSTREAM, *call, rows=10, environment={"PAGER": "wc -l"}) as terminal:
        assert terminal.end() == 0
        assert int(terminal.text()) > 10


def test_errors_and_colours_and_the_status_go_through_it(stream: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mig"
    cut.write_bytes(stream.read_bytes()[:-30000])
    with Terminal(
        *MIGSTREAM, "ls", cut, rows=10, environment={"PAGER": "grep -c . ; echo end"}
    ) as terminal:
        assert terminal.end() == 3
        assert "[MS" not in terminal.text()
        assert terminal.text().endswith("\nend\n")
    words = ("tree", cut, "--color", "always")
    with Terminal(
        *MIGSTREAM, *words, rows=10, environment={"PAGER": "head -c 40", "NO_COLOR": "1"}
    ) as terminal:
        terminal.end()
        assert "\x1b[1m" in terminal.text()


def test_q_ends_it_quietly(stream: Path, less: str) -> None:
    with Terminal(
        *MIGSTREAM, "tree", stream, "--all", rows=12, environment={"PAGER": less}
    ) as terminal:
        terminal.until("timer")
        terminal.until(":")
        terminal.press("q")
        assert terminal.end() in {0, BROKEN_PIPE}
        assert "Traceback" not in terminal.text()
        assert "migstream" not in terminal.text()


def test_ctrl_c_is_for_the_pager_once_all_is_printed(stream: Path, less: str) -> None:
    """It stays, as the person reads; `q` ends it."""
    with Terminal(*MIGSTREAM, "info", stream, rows=12, environment={"PAGER": less}) as terminal:
        terminal.until("\x1b[K")
        terminal.press("\x03")
        assert terminal.end(pressing="q") in {0, 130}
        assert terminal.text().index("RAM") < terminal.text().index("\x1b[?1l")
        assert "Traceback" not in terminal.text()


def test_a_short_answer_is_not_held_back(stream: Path, less: str) -> None:
    with Terminal(
        *MIGSTREAM, "get", stream, "cpu[0]/env.eip", rows=24, environment={"PAGER": less}
    ) as terminal:
        assert terminal.end() == 0
        assert terminal.text() == "65520 (0xfff0)\n"
