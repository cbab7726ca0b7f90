"""Every verb as a person sees it, and every block of the documentation, run again.

`support.transcript` says how they are written. ``make golden`` (``pytest --update-golden``) writes what is printed
today into the transcripts and the pages: the difference is the review.
"""

from __future__ import annotations

import difflib
import os
import re
import shutil
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner

from migstream.cli.group import VERBS, cli
from support import errorpage, schemas, transcript
from support.lacking import lacks
from support.qemu import find
from support.samples import REPOSITORY, Packed, Sample
from support.transcript import PAGES, RUN, Block, Ran, Screen, Shell, Step

Unpack = Callable[[Packed], Sample]

TRANSCRIPTS = sorted(Path(__file__).parent.glob("*.t"))
LANGUAGES = {*RUN, "text", "toml", "yaml", "json", "sh"}
# They are run as a whole by tests of their own: tests/qemu/test_ci_recipe.py, tests/examples/.
ELSEWHERE = {"ci.md", "extending.md", "tutorial-machine.md"}
HERE = [page for page in PAGES if page.name not in ELSEWHERE]
# Help and wrong usage are in the words of the click that is pinned.
CLICK = re.search(
    r"^click==([\w.]+)", (REPOSITORY / "requirements/dev.txt").read_text(), re.MULTILINE
)
pinned_click = pytest.mark.skipif(
    CLICK is None or version("click") != CLICK[1],
    reason=f"click {version('click')} has other words than the one that is pinned",
)


def _name(path: Path) -> str:
    return path.name


def _marks(page: Path) -> list[pytest.MarkDecorator]:
    """A page that needs a QEMU is a test of QEMU."""
    needs = transcript.needs(page.read_text())
    return [pytest.mark.qemu] if any(need.startswith("qemu-") for need in needs) else []


def _there(need: str) -> bool:
    if need.startswith("/"):
        return any(os.access(path, os.R_OK) for path in Path("/").glob(need[1:]))
    command, _, release = need.partition(" ")
    if release:
        return any(one.root is None and one.version.startswith(release) for one in find(command))
    return shutil.which(command) is not None


@pytest.fixture
def update(pytestconfig: pytest.Config) -> bool:
    return bool(pytestconfig.getoption("update_golden"))


def _settled(path: Path, new: str, *, update: bool) -> None:
    """The text is what it was, or is from now on."""
    old = path.read_text()
    if update:
        if new != old:
            path.write_text(new)
        return
    name = str(path.relative_to(REPOSITORY))
    found = difflib.unified_diff(
        old.splitlines(), new.splitlines(), name, "what is printed now", lineterm=""
    )
    if text := "\n".join(found):
        pytest.fail(f"{text}\n(if it is meant: make golden)", pytrace=False)


# What these print is not ours to describe: the description of the stream, what other programs read, the form of a script of QEMU.
OTHERS = {"desc", "gdb", "tui", "schema", "completion", "man", "analyze-migration"}


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in OTHERS])
def test_every_answer_has_a_schema_and_a_transcript(verb: str) -> None:
    assert schemas.schema_of(verb)["title"] == f"migstream {verb} --json"
    text = (Path(__file__).parent / f"{verb}.t").read_text()
    lines = [step.line for step in transcript.transcript(text)]
    assert any(f"migstream {verb} " in line and " --json" in line for line in lines)


@pytest.mark.parametrize("verb", sorted(OTHERS))
def test_what_has_no_schema_says_so(verb: str) -> None:
    ended = CliRunner().invoke(cli, ["schema", verb])
    assert ended.exit_code == 2
    assert "no answer" in ended.stderr


@pinned_click
@pytest.mark.parametrize("path", TRANSCRIPTS, ids=_name)
def test_the_command_prints_what_it_printed(
    path: Path, tmp_path: Path, unpack: Unpack, *, update: bool
) -> None:
    text = path.read_text()
    transcript.fill(text, tmp_path, unpack)
    shell = Shell(tmp_path)
    steps = [
        Step(step.line, _ran(shell, step).transcript(), step.before)
        for step in transcript.transcript(text)
    ]
    for verb, document in shell.answers:
        schemas.hold(verb, document)
    new = transcript.document(steps)
    assert transcript.transcript(new) == steps, "what is printed is taken for what is typed"
    assert str(tmp_path) not in new
    assert "\x1b" not in new
    _settled(path, new, update=update)


def _ran(shell: Shell, step: Step) -> Ran:
    screen = step.screen
    return shell.run(step.line) if screen is None else shell.run_on(screen, step.line)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_a_transcript_with_its_help(verb: str) -> None:
    text = (Path(__file__).parent / f"{verb}.t").read_text()
    assert f"$ migstream {verb} --help\n" in text


def test_the_page_of_errors_is_that_of_the_table(*, update: bool) -> None:
    errorpage.PAGE.touch()
    _settled(errorpage.PAGE, errorpage.page(), update=update)


@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=_marks(page), id=page.name) for page in HERE]
)
def test_the_documentation_is_true(
    page: Path, tmp_path: Path, unpack: Unpack, *, update: bool
) -> None:
    text = page.read_text()
    if missing := [need for need in transcript.needs(text) if not _there(need)]:
        lacks(f"not here: {', '.join(missing)}")
    transcript.fill(text, tmp_path, unpack)
    shell = Shell(tmp_path)
    lines = text.split("\n")
    new: list[tuple[Block, list[str]]] = []
    for block in transcript.blocks(text):
        if block.file:
            (tmp_path / block.file).write_text("".join(f"{line}\n" for line in block.text))
            continue
        if block.language not in RUN or block.not_run:
            continue
        if block.language == "python":
            shell.python(block.given, page, block.start - 1)
            shell.python("\n".join(block.text), page, block.start)
            continue
        for given in block.given.splitlines():
            ran = shell.run(given)
            assert ran.status == 0, (given, ran)
        new.append((block, _again(block, shell.run)))
    for block, shown in reversed(new):
        lines[block.start : block.stop] = shown
    _settled(page, "\n".join(lines), update=update)


def _again(block: Block, run: Callable[[str], Ran]) -> list[str]:
    """The block with what its commands print now, cut as it was cut."""
    steps = transcript.transcript("\n".join(block.text))
    assert steps, f"line {block.start}: a console block without a command"
    for step in steps:
        printed = run(step.line).document()
        if not transcript.same(step.shown, printed):
            step.shown = transcript.cut(step.shown, printed)
    return transcript.document(steps).splitlines()


def _not_run() -> list[str]:
    return [
        f"{page.name}, line {block.start}: {block.not_run}"
        for page in HERE
        for block in transcript.blocks(page.read_text())
        if block.not_run
    ]


@pytest.mark.parametrize("reason", _not_run(), ids=str)
def test_a_block_that_is_not_run_says_why(reason: str) -> None:
    pytest.skip(reason)


@pytest.mark.parametrize("page", HERE, ids=_name)
def test_no_command_hides_from_the_runner(page: Path) -> None:
    """In a language that nobody knows, or in a block that is indented."""
    text = page.read_text()
    found = transcript.blocks(text)
    assert {block.language for block in found} <= LANGUAGES
    scripts = [block for block in found if block.language == "sh"]
    assert [block.start for block in scripts if not (block.file or block.not_run)] == []
    inside = {number for block in found for number in range(block.start - 1, block.stop + 1)}
    command = re.compile(r"(?: {4,}|\t)(?:\$ |(?:migstream|make|import|from|with) )")
    outside = [line for n, line in enumerate(text.split("\n")) if n not in inside]
    assert [line for line in outside if command.match(line)] == []


PRINTED = ["one", "two", "three", "four"]


@pytest.mark.parametrize(
    ("shown", "true"),
    [
        (["one", "two", "three", "four"], True),
        (["one", "two", "three"], False),
        (["one", "two", "three", "four", "five"], False),
        (["one", "..."], True),
        (["two", "..."], False),
        (["...", "four"], True),
        (["one", "...", "four"], True),
        (["one", "tw...", "three", "four"], True),
        (["one", "twe...", "three", "four"], False),
        ([], False),
    ],
)
def test_what_is_cut_must_be_true_too(shown: list[str], *, true: bool) -> None:
    assert transcript.same(shown, PRINTED) is true


def test_what_is_written_anew_is_cut_where_it_was() -> None:
    assert transcript.cut(["a", "...", "b"], PRINTED) == ["one", "...", "four"]
    assert transcript.cut(["a", "abcd..."], PRINTED) == ["one", "two...", "three", "four"]
    assert transcript.cut(["a"], PRINTED) == PRINTED
    assert transcript.cut(["a", "b", "c"], ["one"]) == ["one"]


def test_a_transcript_is_read_as_it_is_written() -> None:
    text = "# About it.\n$ one\nsaid\n\n# About this.\n$ two\n[stderr]\nno\n[exit status 2]\n"
    steps = transcript.transcript(text)
    assert [(step.line, step.shown) for step in steps] == [
        ("one", ["said"]),
        ("two", ["[stderr]", "no", "[exit status 2]"]),
    ]
    assert transcript.document(steps) == text


def test_a_line_is_run_on_the_terminal_that_its_remark_names(tmp_path: Path) -> None:
    text = "# On a terminal of 40 columns, in colour.\n$ stty size; test -t 2\n"
    [step] = transcript.transcript(text)
    assert step.screen == Screen(40, colour=True)
    assert Shell(tmp_path).run_on(step.screen, step.line) == Ran("0 40\n", "", 0)
    assert transcript.transcript("# About it.\n$ stty size\n")[0].screen is None


def test_a_block_may_be_a_file_and_a_page_says_what_it_needs() -> None:
    page = "<!-- needs: one, two 7.2 -->\n<!-- needs: /three/* -->\n\n<!-- file: run.sh -->\n```sh\nexit 3\n```\n"
    (block,) = transcript.blocks(page)
    assert (block.language, block.file, block.text) == ("sh", "run.sh", ["exit 3"])
    assert transcript.needs(page) == ["one", "two 7.2", "/three/*"]


def test_what_a_page_needs_is_looked_for(tmp_path: Path) -> None:
    assert _there("sh")
    assert not _there("no-such-command")
    assert not _there("qemu-system-x86_64 0.1")
    assert not _there(f"{tmp_path}/kernel-*")
    (tmp_path / "kernel-1").touch()
    assert _there(f"{tmp_path}/kernel-*")


def test_a_line_is_run_as_a_shell_runs_it(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    assert shell.run("printf 'a|b\\n' | tr a c > 'x y'") == Ran("", "", 0)
    assert shell.run("cat x*") == Ran("c|b\n", "", 0)
    assert shell.run("migstream --version > version | cat; cat version").status == 0
    assert shell.run("migstream explain < 'x y'").status == 1
    assert shell.run("exit 3").transcript() == ["[exit status 3]"]
