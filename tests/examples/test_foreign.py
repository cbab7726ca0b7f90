"""The package of docs/extending.md, installed as pip leaves it: the page shows its files, and what it adds works."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from migstream.catalogue.files import MAGIC
from migstream.catalogue.shelf import on_shelf
from support import build, transcript
from support.samples import REPOSITORY, Packed, Sample

FOREIGN = REPOSITORY / "examples" / "foreign"
PAGE = REPOSITORY / "docs" / "extending.md"
BLOCKS = transcript.blocks(PAGE.read_text())
PROJECT = tomllib.loads((FOREIGN / "pyproject.toml").read_text())["project"]
MODULES = sorted((FOREIGN / "acme").glob("[a-z]*.py"))

COUNTERS = build.be32(2) + build.be64(7) + build.be64(9)
STREAM = (
    build.HEADER + build.configuration() + build.section_start(1, 9, "acme-counters") + COUNTERS
    + build.footer(9) + b"\3" + build.be32(9) + COUNTERS + build.footer(9) + build.END
)  # fmt: skip
FLASHES = build.be16(2) + build.be64(5000) + build.be64(2**64 - 1)
BEACON = (
    build.HEADER + build.configuration() + build.full(3, "beacon", FLASHES) + build.END
    + build.description(build.described(
        build.device("beacon", [build.field("state", "acme beacon", len(FLASHES))])
    ))
)  # fmt: skip
NOTE = b"before the upgrade"

Run = Callable[[str], subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path, unpack: Callable[[Packed], Sample]) -> Run:
    """Runs a line of the shell where the package is installed, beside the streams of the page."""
    site, work = tmp_path / "site", tmp_path / "work"
    shutil.copytree(FOREIGN / "acme", site / "acme", ignore=shutil.ignore_patterns("__pycache__"))
    info = site / "acme_migstream-1.0.dist-info"
    info.mkdir()
    about = f"Metadata-Version: 2.1\nName: {PROJECT['name']}\nVersion: {PROJECT['version']}\n"
    (info / "METADATA").write_text(about)
    lines = []
    for group, claims in PROJECT["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {where}" for name, where in claims.items()), ""]
    (info / "entry_points.txt").write_text("\n".join(lines))
    work.mkdir()
    transcript.fill(PAGE.read_text(), work, unpack)
    (work / "counters.mig").write_bytes(STREAM)
    (work / "beacon.mig").write_bytes(BEACON)
    (work / "night.acme").write_bytes(b"ACMESAVE" + build.be32(len(NOTE)) + NOTE + build.small())
    path = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    more = {"PYTHONPATH": path, "PATH": tools, "COLUMNS": "80", "NO_COLOR": "1"}

    def line(text: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", text], cwd=work, env=os.environ | more, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip

    return line


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_the_page_shows_each_module_as_it_is(module: Path) -> None:
    shown = ["\n".join(block.text) + "\n" for block in BLOCKS if block.language == "python"]
    assert module.read_text() in shown


def test_the_page_shows_each_line_as_it_is() -> None:
    shown = [block for block in BLOCKS if block.language == "toml"]
    claims: dict[str, dict[str, str]] = {}
    for block in shown:
        claims |= tomllib.loads("\n".join(block.text))["project"]["entry-points"]
    assert claims == PROJECT["entry-points"]
    assert all(len(one) == 1 for one in claims.values())
    assert len(MODULES) == len(shown) == len(claims)


@pytest.mark.parametrize("number", [n for n, b in enumerate(BLOCKS) if b.language == "console"])
def test_what_the_page_shows_is_printed(run: Run, number: int, pytestconfig: pytest.Config) -> None:
    block = BLOCKS[number]
    steps = transcript.transcript("\n".join(block.text))
    printed = [run(step.line).stdout.splitlines() for step in steps]
    if pytestconfig.getoption("update_golden"):
        for step, lines in zip(steps, printed, strict=True):
            step.shown = transcript.cut(step.shown, lines)
        new = transcript.document(steps)
        PAGE.write_text(PAGE.read_text().replace("\n".join(block.text) + "\n", new))
        return
    for step, lines in zip(steps, printed, strict=True):
        assert transcript.same(step.shown, lines), "\n".join([step.line, *lines])


def test_nothing_of_it_is_there_where_it_is_not_installed(run: Run, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "site")
    assert "a live section" in run("migstream check counters.mig").stdout
    assert run("migstream info night.acme").returncode == 3
    assert "count" not in run("migstream tree beacon.mig").stdout
    assert run("migstream explain ACME001").returncode == 2
    assert run("migstream blocks pc-7.2.mig").returncode == 2
    assert run("migstream extract pc-7.2.mig -f acme -o dump").returncode == 2


def test_its_catalogues_are_found_by_their_names(run: Run, tmp_path: Path) -> None:
    own = next(one for one in on_shelf() if one.path.stem == "x86_64-7.2")
    index = msgspec.msgpack.encode(msgspec.structs.replace(own.index, names=("acme-9",), like=None))
    data = own.path.read_bytes()
    at = len(MAGIC)
    behind = at + 4 + int.from_bytes(data[at : at + 4], "big")
    whole = MAGIC + len(index).to_bytes(4, "big") + index + data[behind:]
    (tmp_path / "site" / "acme" / "acme.cat").write_bytes(whole)
    assert "acme-9" in run("migstream catalogue list").stdout
    assert "loads in QEMU" in run("migstream compat pc-7.2.mig --to acme-9").stdout
    (tmp_path / "site" / "acme" / "acme.cat").write_bytes(whole[:100])
    done = run("migstream compat pc-7.2.mig --to acme-9")
    assert "a broken catalogue" in done.stdout
    assert run("migstream compat pc-7.2.mig --to 10.0").returncode == 0


def test_help_lists_its_verb(run: Run) -> None:
    out = run("migstream --help").stdout
    assert "Commands of other packages:\n  blocks  RAM blocks and their sizes" in out
    assert "Did you mean" in run("migstream block").stdout


def test_an_error_in_its_verb_is_one_paragraph(run: Run) -> None:
    done = run("migstream blocks nothing.mig")
    assert done.returncode == 5
    assert done.stdout.startswith("migstream: blocks: nothing.mig: no such file or directory")


def test_a_module_that_fails_is_named_and_harms_nothing_else(run: Run, tmp_path: Path) -> None:
    for name in ("verb", "rule"):
        (tmp_path / "site" / "acme" / f"{name}.py").write_text("1 / 0\n")
    done = run("migstream blocks pc-7.2.mig")
    assert done.returncode == 5
    assert "the package acme-migstream adds 'blocks'" in done.stdout
    assert "Traceback" not in done.stdout
    assert run("migstream info pc-7.2.mig").returncode == 0
    assert "ZeroDivisionError" in run("migstream --help").stdout
    assert "[MS420]" in run("migstream check pc-7.2.mig").stdout
