"""Help: verbs in groups, a line each, and where there is more."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

from migstream.cli.group import cli
from migstream.cli.verbs import GROUPS, VERBS

HELP = ("--help", "-h")


def said(*words: str) -> list[str]:
    """What is printed in a terminal of 80 columns."""
    return CliRunner().invoke(cli, words, terminal_width=80).output.splitlines()


def test_each_verb_stands_in_its_group_in_one_line() -> None:
    lines = said("--help")
    at = {title: lines.index(f"{title}:") for title in GROUPS}
    assert [*at.values()] == sorted(at.values())
    for title, verbs in GROUPS.items():
        rows = lines[at[title] + 1 : at[title] + 1 + len(verbs)]
        assert [row.split()[0] for row in rows] == list(verbs)
        for row, line in zip(rows, verbs.values(), strict=True):
            assert row.endswith(line)  # not wrapped
        assert lines[at[title] + 1 + len(verbs)] == ""


def test_no_line_is_wider_than_the_terminal() -> None:
    for verb in [(), *((verb,) for verb in VERBS)]:
        assert [line for line in said(*verb, "--help") if len(line) > 80] == []


def test_the_first_thing_to_try_and_where_more_is_are_said() -> None:
    text = " ".join(" ".join(said("--help")).split())
    assert "$ migstream info guest.save" in text
    assert "migstream man VERB" in text
    assert "commands.md" in text


@pytest.mark.parametrize("verb", VERBS)
def test_both_flags_ask_for_help(verb: str) -> None:
    assert said(verb, "-h") == said(verb, "--help")


def test_help_loads_no_verb() -> None:
    """It has the lines by itself; only a verb of another package would be loaded for its own."""
    code = (
        "import sys; from click.testing import CliRunner; from migstream.cli.group import cli;"
        "CliRunner().invoke(cli, ['--help']);"
        "print([m for m in sys.modules if m.startswith('migstream.cli.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (
        done.stdout.strip()
        == "['migstream.cli.verbs', 'migstream.cli.group', 'migstream.cli.examples']"
    )


@pytest.mark.parametrize("words", [["get"], ["info"], ["tree"]])
def test_a_verb_loads_neither_examples_nor_the_manual(words: list[str]) -> None:
    code = (
        "import sys; from click.testing import CliRunner; from migstream.cli.group import cli;"
        f"CliRunner().invoke(cli, {words!r});"
        "print([m for m in sys.modules if m.rpartition('.')[2] in"
        " {'examples', 'manual', 'shells', 'shell_completion', 'sarif'}])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
