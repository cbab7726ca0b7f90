"""The examples of every verb's help, each run as a person copies it."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from migstream.cli.examples import EXAMPLES, FIRST, Example
from migstream.cli.group import VERBS, cli
from support import examples
from support.lacking import lacks
from support.samples import Sample
from support.transcript import Shell

ALL = [(verb, one) for verb, several in {"": FIRST, **EXAMPLES}.items() for one in several]


@pytest.fixture(scope="session")
def prepared(
    tmp_path_factory: pytest.TempPathFactory, named_sample: Callable[[str], Sample]
) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    examples.fill(folder, named_sample)
    return folder


def _label(case: tuple[str, Example]) -> str:
    return f"{case[0] or 'first'}: {case[1].line}".replace("/", "|")


@pytest.mark.parametrize("case", ALL, ids=_label)
def test_an_example_does_what_it_says(
    case: tuple[str, Example], prepared: Path, tmp_path: Path
) -> None:
    verb, one = case
    assert f"migstream {verb}".strip() in one.line
    program = shlex.split(one.line)[0]
    if program != "migstream" and shutil.which(program) is None:
        lacks(f"{program} is not installed")
    folder = tmp_path / "copy"
    shutil.copytree(prepared, folder)
    ran = Shell(folder).run(one.line)
    assert ran.status == one.status, ran
    if verb == "tui":  # there is no terminal here
        assert "no terminal" in ran.err
        return
    assert ran.out or set(folder.iterdir()) > {folder / path.name for path in prepared.iterdir()}


@pytest.mark.parametrize("verb", VERBS)
def test_help_has_two_to_four_the_shortest_first(verb: str) -> None:
    several = EXAMPLES[verb]
    assert 2 <= len(several) <= 4
    assert len(several[0].line) == min(len(one.line) for one in several)
    said = CliRunner().invoke(cli, [verb, "--help"], terminal_width=80).output
    for one in several:
        assert f"$ {one.line}\n" in said  # in one line, to be copied
        assert one.says in said
        assert (one.status == 1) == ("1" in one.says.partition("(")[2])  # said where it is not 0


def test_every_verb_and_no_other_has_examples() -> None:
    assert EXAMPLES.keys() == VERBS.keys()
    for _, one in ALL:
        assert len(f"  $ {one.line}") <= 80, one.line
        assert len(f"  # {one.says}") <= 80, one.says
        assert shlex.split(one.line)
