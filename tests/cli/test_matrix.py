"""The page of `catalogue matrix` in a browser: what somebody chooses on it, with a script and without."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from migstream.cli.group import cli
from support.browser import Watched, chromium, serious

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ASKED = ("--machine", "pc-q35-7.2", "--machine", "microvm", "--from", "7.2")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("matrix") / "matrix.html"
    result = CliRunner().invoke(cli, ["catalogue", "matrix", *ASKED, "-o", str(path)])
    assert result.exit_code == 0, result.output
    return path


@pytest.mark.parametrize(("colours", "width"), [("light", 1280), ("dark", 400)])
def test_how_it_looks(browser: Browser, page: Path, colours: str, width: int) -> None:
    with Watched(
        browser, page, colours="dark" if colours == "dark" else "light", width=width
    ) as seen:
        seen.picture(f"matrix-{colours}")
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
        assert serious(seen.page) == []
        assert not seen.requests
        assert not seen.complaints


def test_one_pair_is_chosen_with_the_keyboard(browser: Browser, page: Path) -> None:
    with Watched(browser, page) as seen:
        look = seen.page
        look.focus("#to")
        look.select_option("#to", "10.0")
        assert look.locator("section.pair:visible h2").all_inner_texts() == [
            "x86_64: from 7.2.22 to 10.0.13"
        ]
        look.focus("#device")
        look.keyboard.type("am53")
        rows = look.locator("section.pair:visible > .wide tbody tr:visible")
        assert rows.count() == 1
        assert "drq_state" in rows.inner_text()
        assert look.inner_text("#count") == "1 row"
        look.fill("#device", "")
        look.fill("#machine", "microvm")
        assert look.inner_text("#count") != "0 rows"
        assert not seen.complaints


def test_a_link_from_the_overview_leads_to_its_pair(browser: Browser, page: Path) -> None:
    with Watched(browser, page) as seen:
        seen.page.click('.grid a[href="#x86_64-7.2-11.1"]')
        seen.page.wait_for_selector("#x86_64-7\\.2-11\\.1:visible")
        assert seen.page.input_value("#to") == "11.1"


def test_without_a_script_every_table_is_there(browser: Browser, page: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    seen = context.new_page()
    seen.goto(page.as_uri())
    assert seen.locator("section.pair").count() == seen.locator("section.pair:visible").count() > 2
    assert not seen.locator("#choice").is_visible()
    context.close()
