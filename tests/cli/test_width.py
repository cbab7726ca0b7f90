"""What every verb prints fits the terminal, of any kept stream, and says what it says in a pipe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from migstream.cli import terminal
from migstream.cli.group import cli
from migstream.render.text import columns
from support import build
from support.samples import Sample
from support.terminal import MIGSTREAM, Terminal

Named = Callable[[str], Sample]

VERBS = (
    "info {} -v",
    "ls {}",
    "tree {} --where --depth 3",
    "stat {} -v",
    "registers {} --all",
    "check {}",
    "mem {}",
    "show {} cpu*/*",
    "compat {} --to-stream {}",
)


def printed(words: list[str], width: int | None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    with monkeypatch.context() as patch:
        patch.setattr(terminal, "width", lambda _: width)
        return CliRunner().invoke(cli, words).stdout.splitlines()


STREAMS = ("arm-virt", "none", "pc-xbzrle", "pseries", "q35", "riscv64-virt", "s390x")


@pytest.mark.parametrize(
    ("name", "width"), [*((name, 60) for name in STREAMS), *(("q35", n) for n in (40, 80, 120))]
)
def test_no_line_is_wider_than_the_terminal(
    named_sample: Named, name: str, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = str(named_sample(f"{name}-7.2.mig").path)
    for verb in VERBS:
        words = [word.format(stream) for word in verb.split()]
        lines = printed(words, width, monkeypatch)
        assert lines or name == "none", verb
        assert [line for line in lines if columns(line) > width] == [], verb


@pytest.mark.parametrize("width", [40, 60, 80])
def test_what_has_to_be_found_in_a_line_is_in_one(
    named_sample: Named, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers, names that fit, registers: no line ends in the midst of one."""
    stream = str(named_sample("q35-7.2.mig").path)
    for verb in (
        "registers {}",
        "tree {} --where cpu i8254",
        "check {}",
        "compat {} --to-stream {}",
    ):
        words = [word.format(stream) for word in verb.split()]
        plain = {word for line in printed(words, None, monkeypatch) for word in line.split()}
        shown = {word for line in printed(words, width, monkeypatch) for word in line.split()}
        assert {word for word in plain if columns(word) <= width // 2} <= shown, verb


def test_hostile_names_fit_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "hostile.mig"
    name = "字" * 30 + "\x1b[2J\u202e" + "e\u0301" * 20
    path.write_bytes(
        build.small(build.described(build.device(name, [build.field("n", "uint32", 4)])))
    )
    for verb in ("info", "ls", "tree", "stat", "check"):
        lines = printed([verb, str(path)], 60, monkeypatch)
        assert lines
        assert all(columns(line) <= 60 and line.isprintable() for line in lines)


@pytest.mark.parametrize(
    ("environment", "more", "widest"),
    [
        ({}, (), 60),
        ({"COLUMNS": "90"}, (), 90),
        ({"COLUMNS": "7"}, (), 40),
        ({"COLUMNS": "many"}, (), 60),
        ({}, ("--wide",), 200),
    ],
)
def test_the_width_is_the_terminal_s_or_that_of_columns(
    named_sample: Named, environment: dict[str, str], more: tuple[str, ...], widest: int
) -> None:
    stream = named_sample("pc-xbzrle-7.2.mig").path
    words = (*MIGSTREAM, "stat", stream, *more)
    with Terminal(*words, columns=60, environment={"NO_COLOR": "1"} | environment) as screen:
        assert screen.end() == 0
        taken = max(map(columns, screen.text().splitlines()))
    assert 3 * widest // 5 < taken <= widest


def test_in_a_pipe_columns_says_nothing(
    named_sample: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["stat", str(named_sample("pc-xbzrle-7.2.mig").path)]
    wide = CliRunner().invoke(cli, words).stdout
    monkeypatch.setenv("COLUMNS", "40")
    assert CliRunner().invoke(cli, words).stdout == wide


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [
        ({}, False),
        ({"CLICOLOR_FORCE": "1"}, True),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "0"}, False),
        ({"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False),
        ({"CLICOLOR_FORCE": "1", "NO_COLOR": ""}, True),
    ],
)
def test_colours_in_a_pipe_are_for_who_forces_them(
    environment: dict[str, str], *, coloured: bool, named_sample: Named
) -> None:
    clean = dict.fromkeys(("NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR"))
    words = ["info", str(named_sample("pc-7.2.mig").path)]
    shown = CliRunner().invoke(cli, words, env=clean | environment, color=True).stdout
    assert ("\x1b[" in shown) is coloured


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, True), ({"CLICOLOR": "0"}, False), ({"TERM": "dumb"}, False), ({"NO_COLOR": "1"}, False)],
)
def test_errors_are_red_on_a_terminal(
    environment: dict[str, str], *, coloured: bool, tmp_path: Path
) -> None:
    with Terminal(*MIGSTREAM, "info", tmp_path / "none", environment=environment) as screen:
        assert screen.end() == 5
        assert screen.text().startswith("\x1b[1;31mmigstream:\x1b[0m") is coloured
        assert "no such file" in " ".join(screen.text().split())
