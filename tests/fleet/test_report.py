"""The page about a fleet: whatever objects are called, it is text, and nothing is fetched."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from migstream.cli.group import cli
from migstream.fleet.dataset import Dataset
from migstream.fleet.engines import Local
from migstream.fleet.query import Fleet
from migstream.fleet.scan import Questions
from migstream.render.report.fleet import CHAPTERS, fleet_page
from support import build
from support.browser import Watched, chromium, serious
from support.fleet import KINDS, saved_in, scanned

for package in ("pyarrow", "duckdb", "jinja2"):
    pytest.importorskip(package, reason=f"{package} is not installed")

NAME = "<script>alert(1)</script>\x1b[31m'\"&.mig"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fleet")
    saved = saved_in(folder / "saved", 2 * len(KINDS), [build.small()])
    (saved / NAME.replace("/", "_")).write_bytes(build.small()[:200])
    scanned(folder / "f", [str(saved)], Local(2), Questions(to=("11.1",)))
    return folder / "f"


def test_names_are_text(fleet: Path) -> None:
    with Fleet(Dataset.open(fleet)) as one:
        page = fleet_page(one, "<b>fleet</b>").decode()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<b>fleet" not in page
    assert "\x1b" not in page
    assert all(f'id="{chapter}"' in page for chapter, *_ in CHAPTERS)
    assert not re.search(r"(src|href)=\"(?!#)", page)
    assert "default-src &#39;none&#39;" in page


def test_an_empty_fleet_has_a_page(tmp_path: Path) -> None:
    with Fleet(Dataset.make(tmp_path / "f")) as one:
        page = fleet_page(one, "f").decode()
    assert page.count("Nothing was scanned yet.") >= 3


def test_the_verb_writes_it_once(fleet: Path, tmp_path: Path) -> None:
    words = ["fleet", "report", str(fleet), "-o", str(tmp_path / "x.html")]
    runner = CliRunner()
    assert runner.invoke(cli, words).exit_code == 0
    assert runner.invoke(cli, words).exit_code == 5
    assert runner.invoke(cli, [*words, "--force"]).exit_code == 0
    sent = runner.invoke(cli, [*words[:-1], "-"])
    assert sent.stdout_bytes == (tmp_path / "x.html").read_bytes()


def test_in_a_browser(fleet: Path, tmp_path: Path) -> None:
    page = tmp_path / "x.html"
    with Fleet(Dataset.open(fleet)) as one:
        page.write_bytes(fleet_page(one, "fleet"))
    with chromium() as browser:
        for width in (400, 1280):
            with Watched(browser, page, width=width) as seen:
                assert seen.requests == []
                assert seen.complaints == []
                assert serious(seen.page) == []
