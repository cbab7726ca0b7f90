"""What a type checker knows of the library."""

from __future__ import annotations

from pathlib import Path

import pytest
from mypy import api

from support.transcript import PAGES, blocks

HERE = Path(__file__).parent
CONFIG = HERE.parents[1] / "pyproject.toml"


# Its blocks are excerpts of examples/machine, which mypy reads as it reads the library.
EXCERPTS = "tutorial-machine.md"

WRONG = """
from migstream import open
reveal_type(open("-").devices["cpu", 0]["env.eip"])
number: int = open("-").devices["cpu", 0]["env.eip"]
"""


@pytest.mark.slow
def test_a_type_checker_knows_what_every_expression_gives(
    pytestconfig: pytest.Config, tmp_path: Path
) -> None:
    """`assert_type` says what is expected, and mypy complains of what is otherwise."""
    cache = pytestconfig.cache.mkdir("mypy")
    command = ["--config-file", str(CONFIG), "--cache-dir", str(cache), "--no-error-summary"]
    out, err, status = api.run([*command, str(HERE / "front_door.py")])
    assert (out, err, status) == ("", "", 0)
    wrong = tmp_path / "wrong.py"
    wrong.write_text(WRONG)
    out, err, status = api.run([*command, str(wrong)])
    assert 'Revealed type is "migstream.vmstate.values.Value"' in out
    assert "Incompatible types in assignment" in out
    assert (err, status) == ("", 1)


def module(page: str) -> str:
    """The Python of a page, each line where it stands there, with what is done before each block."""
    lines = [""] * page.count("\n")
    for block in blocks(page):
        if (
            block.language == "python" and not block.file
        ):  # a file is a program of its own, of other libraries
            lines[block.start : block.stop] = block.text
            given = block.given.splitlines()
            lines[block.start - 1 - len(given) : block.start - 1] = given
    return "\n".join(lines)


@pytest.mark.slow
def test_the_python_of_every_page_passes(pytestconfig: pytest.Config, tmp_path: Path) -> None:
    """Each page is one module, as it is one program to who runs its blocks."""
    made = []
    for page in PAGES:
        text = module(page.read_text())
        if text.strip() and page.name != EXCERPTS:
            made.append(tmp_path / f"page_{page.stem.lower().replace('-', '_')}.py")
            made[-1].write_text(text)
    assert len(made) > 10
    cache = pytestconfig.cache.mkdir("mypy")
    command = ["--config-file", str(CONFIG), "--cache-dir", str(cache), "--no-error-summary"]
    out, err, status = api.run([*command, *map(str, made)])
    assert (out, err, status) == ("", "", 0)


def test_excerpts_are_lines_of_what_mypy_reads() -> None:
    [page] = [page for page in PAGES if page.name == EXCERPTS]
    sources = (page.parents[1] / "examples" / "machine").glob("*.py")
    there = {
        line.partition("  # noqa")[0].strip()
        for source in sources
        for line in source.read_text().splitlines()
    }
    shown = [b.text for b in blocks(page.read_text()) if b.language == "python"]
    assert shown
    assert not [line for text in shown for line in text if line.strip() not in there]
