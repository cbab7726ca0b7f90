"""The manual: pages that mandoc and man take without a word, made of what help is made of."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from migstream.cli.examples import EXAMPLES
from migstream.cli.group import COMMANDS, VERBS, cli
from migstream.cli.manual import STATUSES, page
from support.lacking import lacks
from support.samples import REPOSITORY

PAGES = [None, *VERBS]
SECTIONS = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "EXAMPLES", "SEE ALSO"]


def _name(verb: str | None) -> str:
    return verb or "migstream"


@pytest.mark.parametrize("verb", PAGES, ids=_name)
def test_mandoc_has_nothing_to_say(verb: str | None) -> None:
    if shutil.which("mandoc") is None:
        lacks("mandoc is not installed")
    words = ["mandoc", "-T", "lint", "-W", "style"]
    done = subprocess.run(words, input=page(verb), capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def shown(verb: str | None) -> str:
    """A page as man(1) shows it, in lines of any length."""
    if shutil.which("man") is None or shutil.which("groff") is None:
        lacks("man is not installed")
    done = subprocess.run(
        ["man", "--warnings", "--no-hyphenation", "--no-justification", "-P", "cat", "-l", "-"],
        input=page(verb),
        env={**os.environ, "MANWIDTH": "1000", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stderr, done.returncode) == ("", 0)
    return done.stdout


@pytest.mark.parametrize("verb", PAGES, ids=_name)
def test_man_shows_it_without_a_warning(verb: str | None) -> None:
    text = shown(verb)
    command = cli if verb is None else COMMANDS.find(verb)
    assert command is not None
    for one in command.params:
        if isinstance(one, click.Option):
            assert all(spelling in text for spelling in one.opts), one.opts
    for example in EXAMPLES.get(verb or "", ()):
        assert example.line in text  # as it is typed: plain hyphens and quotes


@pytest.mark.parametrize("verb", VERBS)
def test_it_has_the_parts_of_a_page(verb: str) -> None:
    text = page(verb)
    assert re.findall(r"^\.SH (.+)$", text, re.MULTILINE) == SECTIONS
    help_text = CliRunner().invoke(cli, [verb, "--help"], terminal_width=80).output
    first = help_text.split("\n\n")[1].split()
    plain = text.replace("\\-", "-").replace("\\(aq", "'").replace("\\(ga", "`")
    plain = re.sub(r"\\f[BIR]", "", plain)
    assert " ".join(first).replace("`", "") in " ".join(plain.split()).replace("`", "")


def test_the_whole_names_every_page() -> None:
    text = page(None).replace("\\-", "-")
    for verb in VERBS:
        assert f"migstream-{verb}\\fR(1)" in text
    documented = (REPOSITORY / "docs" / "commands.md").read_text()
    for status, _ in STATUSES:
        assert f"| {status} |" in documented  # the same statuses in both


def test_no_text_becomes_a_request() -> None:
    """A line of roff that begins with a full stop or a quote is one."""
    known = re.compile(r"\.(TH|SH|SS|PP|TP|RS|RE|nf|fi)\b")
    for verb in PAGES:
        for line in page(verb).splitlines():
            assert not line.startswith("'")
            assert not line.startswith(".") or known.match(line), line


def test_all_of_them_are_written_where_a_package_is_built(tmp_path: Path) -> None:
    folder = tmp_path / "man1"
    words = [sys.executable, "-m", "migstream.cli.manual", str(folder)]
    for _ in range(2):  # and again over those that are there
        subprocess.run(words, check=True)
    assert {path.name for path in folder.iterdir()} == {
        "migstream.1",
        *(f"migstream-{verb}.1" for verb in VERBS),
    }
    assert (folder / "migstream-get.1").read_text() == page("get")


@pytest.mark.parametrize("verb", VERBS)
def test_help_is_the_same_after_the_page(verb: str) -> None:
    """click keeps what it makes of a command's help option."""
    page(verb)
    assert "-h, --help" in CliRunner().invoke(cli, [verb, "--help"]).output
