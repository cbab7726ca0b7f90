"""The terminal that a person sees, with keys and with the mouse, by Textual's own pilot."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from migstream.cli.group import cli
from migstream.stream import Stream, open_anything
from support.build import described, device, field, small
from support.hostile import NAMES, written
from support.samples import Sample
from support.terminal import MIGSTREAM, Terminal

pytest.importorskip("textual", reason="Textual is not installed")

from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from migstream.tui.app import Browser
from migstream.tui.entries import Entry
from migstream.tui.hexview import HexView
from migstream.tui.panels import Findings, MemoryScreen, Told

Asked = Callable[[Browser, Pilot[None]], Awaitable[None]]


@asynccontextmanager
async def browsing(stream: Stream, size: tuple[int, int]) -> AsyncIterator[tuple[Browser, Any]]:
    app = Browser(stream)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield app, pilot


def browse(path: Path, asked: Asked, size: tuple[int, int] = (80, 24)) -> None:
    async def run() -> None:
        with open_anything(str(path)) as stream:
            async with browsing(stream, size) as (app, pilot):
                await asked(app, pilot)

    asyncio.run(run())


def seen(app: Browser) -> str:
    """What stands on the screen."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(part.text for part in strip) for strip in strips)


async def typed(app: Browser, pilot: Pilot[None], key: str, text: str) -> None:
    """Press a key that asks for something, and answer."""
    await pilot.press(key)
    app.screen.query_one(Input).value = text
    await pilot.press("enter")
    await until(pilot, lambda: True)


async def until(pilot: Pilot[None], true: Callable[[], bool]) -> None:
    for _ in range(400):
        await pilot.pause()
        if true():
            break
        await asyncio.sleep(0.01)
    await pilot.pause()
    assert true(), seen(pilot.app) if isinstance(pilot.app, Browser) else ""


def chosen(app: Browser) -> Entry:
    node = app._tree.cursor_node
    assert node is not None
    assert node.data is not None
    return node.data


@pytest.fixture
def pc(named_sample: Callable[[str], Sample]) -> Path:
    return named_sample("pc-7.2.mig").path


def test_a_place_is_chosen_and_its_bytes_are_marked(pc: Path) -> None:
    async def asked(app: Browser, pilot: Pilot[None]) -> None:
        await typed(app, pilot, "g", "cpu[0]/env.eip")
        await until(pilot, lambda: chosen(app).path == "cpu[0]/env.eip")
        text = seen(app)
        assert "uint64  at 0x3a683, 8 bytes" in text
        assert "65520 (0xfff0)" in text
        pane = app.query_one("#bytes", HexView)
        assert (pane.mark.start, pane.mark.size) == (0x3A683, 8)
        at = app._stream.devices["cpu"].section.span.start
        assert pane.source is not None
        assert pane.source.row(at, 8) == bytes(app._stream.store.view(at, at + 8))
        await pilot.press("y")
        assert app.clipboard == "cpu[0]/env.eip"

    browse(pc, asked)


def test_words_are_searched_from_one_to_the_next(pc: Path) -> None:
    async def asked(app: Browser, pilot: Pilot[None]) -> None:
        await typed(app, pilot, "slash", "irr")
        await until(pilot, lambda: "irr" in chosen(app).path)
        first = chosen(app).path
        await pilot.press("n")
        await until(pilot, lambda: chosen(app).path != first)
        await pilot.press("N")
        await until(pilot, lambda: chosen(app).path == first)
        await typed(app, pilot, "slash", "nobody has this")
        await until(pilot, lambda: "not found" in seen(app))

    browse(pc, asked)


def test_guest_memory_by_block_and_by_address(pc: Path) -> None:
    async def asked(app: Browser, pilot: Pilot[None]) -> None:
        stream = app._stream
        await typed(app, pilot, "g", "ram/pc.bios@0x3fff0")
        pane = app.query_one("#bytes", HexView)
        await until(pilot, lambda: pane.source is not None and pane.top > 0x3F000)
        assert stream.ram["pc.bios"].read(0x3FFF0, 0x3FFF8).hex(" ") in seen(app)
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, MemoryScreen))
        await typed(app, pilot, "g", "0xffff0")
        await until(pilot, lambda: stream.memory.read(0xFFFF0, 16).hex(" ") in seen(app))
        top = app.screen.query_one(HexView).top
        await pilot.press("pageup")
        assert app.screen.query_one(HexView).top < top
        await typed(app, pilot, "g", "$nothing")
        assert "no register" in seen(app)
        await pilot.press("escape", "v", "escape")
        await until(pilot, lambda: not isinstance(app.screen, MemoryScreen))

    browse(pc, asked)


@pytest.mark.parametrize(("key", "word"), [("r", "EIP=0000fff0"), ("i", "pc-i440fx-7.2"), ("question_mark", "guest memory by address"), ("t", "console")])  # fmt: skip
def test_other_verbs_are_a_key_away(pc: Path, key: str, word: str) -> None:
    async def asked(app: Browser, pilot: Pilot[None]) -> None:
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, Told) and word in seen(app))
        await pilot.press("escape")
        assert not isinstance(app.screen, Told)

    browse(pc, asked)


def test_a_finding_leads_to_its_place(pc: Path, tmp_path: Path) -> None:
    """Of a stream that was cut, too, there is to see what it has."""
    path = tmp_path / "cut.mig"
    path.write_bytes(pc.read_bytes()[:240_000])

    async def asked(app: Browser, pilot: Pilot[None]) -> None:
        assert "MS1" in seen(app)
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, Findings))
        app.screen.query_one(OptionList).highlighted = 0
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, Findings))
        await until(pilot, lambda: chosen(app).path != "")

    browse(path, asked)


def test_the_mouse_opens_lines_and_bytes_lead_to_their_fields(pc: Path) -> None:
    async def asked(app: Browser, pilot: Pilot[None]) -> None:
        await typed(app, pilot, "g", "timer[0]")
        await until(pilot, lambda: chosen(app).path == "timer[0]")
        node = app._tree.cursor_node
        assert node is not None
        assert not node.is_expanded
        await pilot.click("#tree", offset=(12, 1 + node.line - app._tree.scroll_offset.y))
        await until(pilot, lambda: node.is_expanded)
        pane = app.query_one("#bytes", HexView)
        leaf = next(app._stream.devices["timer"].value.leaves())
        row, index = divmod(leaf.span.start - pane.top, pane._per)
        await pilot.click("#bytes", offset=(10 + 3 * index, row))
        await until(pilot, lambda: chosen(app).path == leaf.path)

    browse(pc, asked)


@pytest.mark.parametrize("size", [(30, 10), (60, 20), (160, 50)])
def test_any_size_will_do(pc: Path, size: tuple[int, int]) -> None:
    async def asked(app: Browser, pilot: Pilot[None]) -> None:
        await typed(app, pilot, "g", "@0x20-0x30")
        await until(pilot, lambda: chosen(app).path == "@0x1a")
        await pilot.press("tab", "pagedown", "end", "home", "up")
        await pilot.resize_terminal(44, 12)
        await until(pilot, lambda: "00000" in seen(app))

    browse(pc, asked, size)


def test_names_are_text(tmp_path: Path) -> None:
    names = [*NAMES, "[bold]b[/bold]", "[/]", "[@click=app.quit]x[/]"]
    text = described(device("one", [field(name, "uint8", 1) for name in names]), device("two", [field("n", "uint32", 4)]))  # fmt: skip
    path = tmp_path / "names.mig"
    path.write_bytes(small(written(text).encode("utf-8", "surrogatepass")))

    async def asked(app: Browser, pilot: Pilot[None]) -> None:
        await typed(app, pilot, "g", "one")
        await until(pilot, lambda: chosen(app).path.startswith("one"))
        await pilot.press("right")
        for _ in names:
            await pilot.press("down")
            assert all(line.isprintable() for line in seen(app).split("\n"))
        await typed(app, pilot, "slash", "[bold]")
        await typed(app, pilot, "slash", "[/]")
        assert app.is_running

    browse(path, asked)


# --- the verb ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("environment", [{}, {"NO_COLOR": "1"}, {"TERM": "vt100"}])
def test_on_a_terminal_it_is_seen_and_left(pc: Path, environment: dict[str, str]) -> None:
    with Terminal(*MIGSTREAM, "tui", pc, rows=24, environment=environment) as terminal:
        terminal.until("devices")
        assert terminal.end("q") == 0
        coloured = b"\x1b[36;49m" in terminal.shown
        assert coloured is ("NO_COLOR" not in environment)
        assert b"38;2" not in terminal.shown


def test_elsewhere_it_says_that_it_needs_one(pc: Path) -> None:
    ran = CliRunner().invoke(cli, ["tui", str(pc)])
    assert ran.exit_code == 2
    assert "no terminal" in ran.output


def test_without_textual_it_is_said_what_to_install(
    pc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("migstream.tui.")]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.partition(".")[0] == "textual"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr("migstream.cli.tui._refuse", lambda: None)
    ran = CliRunner().invoke(cli, ["tui", str(pc)])
    assert ran.exit_code == 4
    assert "migstream[tui]" in ran.output
