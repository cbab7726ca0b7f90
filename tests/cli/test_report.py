"""The page of `report` in a browser: what somebody does with it, and what it never does."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import pytest
from click.testing import CliRunner

import migstream
from migstream.cli.group import cli
from support.browser import Watched, chromium, serious
from support.build import described, device, field
from support.hostile import named
from support.samples import Sample

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Named = Callable[[str], Sample]
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"
BREAKING = '"></title></style></script><svg onload=alert(3)>{{ 7*7 }}'


class Look(NamedTuple):
    """How somebody looks at a page; what is not a matter of colour or width is asked once."""

    colours: Literal["light", "dark"]
    width: int
    rules: tuple[str, ...] = ()


LOOKS = {
    "light": Look("light", 1280),
    "dark": Look("dark", 1280, ("color-contrast",)),
    "narrow": Look("light", 400, ("target-size", "scrollable-region-focusable")),
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


def made(stream: Path, folder: Path, *more: str) -> Path:
    """The page about a stream."""
    page = folder / "page.html"
    result = CliRunner().invoke(cli, ["report", str(stream), "-o", str(page), *more])
    assert result.exit_code == 0, result.output
    assert page.stat().st_mode & 0o077 == 0
    return page


@pytest.fixture(scope="module")
def live(named_sample: Named, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """About a stream of several rounds, with what changed from another."""
    other = str(named_sample("pc-vga-7.2.mig").path)
    folder = tmp_path_factory.mktemp("report")
    return made(named_sample("pc-xbzrle-7.2.mig").path, folder, "--diff", other)


@pytest.mark.parametrize("name", LOOKS)
def test_how_it_looks(browser: Browser, live: Path, name: str) -> None:
    """In light and dark and on a telephone nothing is seriously wrong; `build/report` has the pictures."""
    look = LOOKS[name]
    with Watched(browser, live, colours=look.colours, width=look.width) as seen:
        seen.page.fill("#query", "eip")
        seen.page.press("#query", "Enter")
        seen.picture(name)
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= look.width
        assert serious(seen.page, *look.rules) == []
        if name == "light":
            seen.page.emulate_media(media="print")
            seen.picture("print")
        assert not seen.requests
        assert not seen.complaints


def test_a_field_and_its_bytes(browser: Browser, live: Path, named_sample: Named) -> None:
    """What is found by the search is chosen, and exactly its bytes are marked; a byte chooses its field."""
    with migstream.open(named_sample("pc-xbzrle-7.2.mig").path) as stream:
        value = stream["cpu[0]/env.eip"]
        raw, path, start = bytes(value), value.path, value.span.start
    with Watched(browser, live) as seen:
        page = seen.page
        page.keyboard.press("/")
        page.keyboard.type("env.eip")
        page.wait_for_selector("#hits button")
        assert page.locator("#hits .name").all_inner_texts() == [path]
        page.keyboard.press("Enter")
        assert page.locator("#chosen .path").inner_text() == path
        assert page.evaluate("document.activeElement.getAttribute('aria-selected')") == "true"
        marked = page.locator("#hex mark").all_inner_texts()
        digits = "".join(text for text in marked if len(text) == 2 and text.strip())
        assert bytes.fromhex(digits) == raw
        assert page.url.endswith("#at=cpu%5B0%5D%2Fenv.eip")
        page.keyboard.press("ArrowDown")
        assert page.locator("#chosen .path").inner_text() == "cpu[0]/env.eflags"
        page.locator("#hex mark").first.click()
        page.keyboard.press("ArrowLeft")
        assert page.locator("#chosen .path").inner_text() == "cpu[0]"
        page.keyboard.press("ArrowLeft")
        assert page.locator("[role=treeitem][aria-expanded=true]").count() == 0
        page.evaluate(f"location.hash = '#at=@{start}'")
        page.wait_for_function(
            "document.querySelector('#chosen .path').textContent == 'cpu[0]/env.eip'"
        )
        page.locator(".treemap a").first.click()
        page.wait_for_function("document.querySelector('#chosen .path').textContent.endsWith(']')")
        assert not seen.complaints


def test_names_of_a_hostile_stream_are_text(browser: Browser, tmp_path: Path) -> None:
    inner = [field(EVIL, "uint8", 1), field(BREAKING, BREAKING, 1)]
    text = described(device(EVIL, inner), device("two", [field("n", "uint32", 4)]))
    raw = named(
        EVIL.encode(),
        machine=BREAKING.encode(),
        block=EVIL.encode(),
        capability=BREAKING.encode(),
        text=json.dumps(text).encode(),
    )
    (tmp_path / "evil.mig").write_bytes(raw)
    page = tmp_path / "evil.html"
    CliRunner().invoke(cli, ["report", str(tmp_path / "evil.mig"), "-o", str(page)])
    with Watched(browser, page) as seen:
        seen.page.fill("#query", "alert(1)")
        seen.page.press("#query", "Enter")
        assert seen.page.locator("#chosen .path").inner_text().startswith(EVIL)
        assert seen.page.locator("script").count() == 2
        assert seen.page.locator("img, [onload], [onerror]").count() == 0
        assert "{{ 7*7 }}" in seen.page.locator("#summary").inner_text()
        assert not seen.requests
        assert not seen.complaints


def test_no_other_verb_loads_the_template_engine(named_sample: Named) -> None:
    stream = str(named_sample("none-7.2.mig").path)
    for verb in (["info", stream], ["check", stream], ["report", "--help"]):
        command = [sys.executable, "-X", "importtime", "-m", "migstream", *verb]
        run = subprocess.run(command, check=True, capture_output=True, text=True)
        assert "msgspec" in run.stderr
        assert "jinja2" not in run.stderr
