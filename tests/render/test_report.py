"""The page of `report` without a browser: what is computed for it, what it may hold, and hostile streams."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any, BinaryIO, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import migstream
from migstream.errors import Unsupported
from migstream.ram.presence import KINDS
from migstream.render.report import state as states
from migstream.render.report.memory import CELLS, CLASSES, MemoryMap, cell_pages, memory_map
from migstream.render.report.page import page
from migstream.render.report.sections import Strip, section_map
from migstream.render.report.state import state
from migstream.render.report.treemap import treemap
from migstream.render.stat import DeviceShare
from support.build import (
    END,
    HEADER,
    be64,
    configuration,
    counted,
    ram_block,
    ram_part,
    ram_start,
)
from support.hostile import tampered
from support.samples import Sample

Named = Callable[[str], Sample]


def inside(node: list[Any], above: tuple[int, int]) -> int:
    """How many nodes there are; each lies in the one above it."""
    _, _, _, at, size, *below = node
    assert above[0] <= at <= at + size <= above[1]
    return 1 + sum(inside(one, (at, at + size)) for one in (below[0] if below else ()))


# --- what a page may hold --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["pc-vga-7.2.mig", "none-7.2.mig", "s390x-7.2.mig"])
def test_nothing_of_it_is_elsewhere(named_sample: Named, name: str) -> None:
    with migstream.open(named_sample(name).path) as stream:
        text = page(stream).data.decode()
    assert len(text) < 5 << 20
    for address in re.findall(r'(?:src|href|action|data|srcset)="([^"]*)"', text):
        assert address.startswith(("#", "data:image/png;base64,")), address
    assert "style=" not in text
    assert text.count("<script") == 2
    assert 'http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;;' in text


def test_without_the_template_engine_it_is_named(
    monkeypatch: pytest.MonkeyPatch, named_sample: Named
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with (
        migstream.open(named_sample("none-7.2.mig").path) as stream,
        pytest.raises(Unsupported, match="Jinja2") as caught,
    ):
        page(stream)
    assert "migstream[report]" in caught.value.hint


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_whatever_a_description_says_there_is_a_page(seed: int) -> None:
    with migstream.open(tampered(seed)) as stream:
        assert page(stream).data.startswith(b"<!doctype html>")


# --- the tree and the bytes ------------------------------------------------------------------------


def test_every_value_of_the_tree_has_its_bytes(own_sample: Sample) -> None:
    with migstream.open(own_sample.path) as stream:
        found = state(stream)
        assert len(found.devices) == len(stream.devices)
        for one, device in zip(found.devices, stream.devices, strict=True):
            assert one.start == device.section.span.start
            assert inside(one.node, (0, one.size))
        assert "<" not in found.json
        assert json.loads(found.json)["left_out"] == found.left_out


def test_what_has_no_room_is_told(named_sample: Named, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states, "BYTES", 1000)
    monkeypatch.setattr(states, "TEXT", 1 << 14)
    with migstream.open(named_sample("pc-7.2.mig").path) as stream:
        found = state(stream)
    assert len(found.json) < 1 << 16
    assert any(line.startswith("cpu[0]: ") and "bytes" in line for line in found.left_out)
    assert any("of its values" in line for line in found.left_out)


# --- pictures --------------------------------------------------------------------------------------


def test_the_strips_show_all_of_the_stream(own_sample: Sample) -> None:
    with migstream.open(own_sample.path) as stream:
        strips = [one for one in section_map(stream) if isinstance(one, Strip)]
    for strip in strips:
        at = 0.0
        for cell in strip.cells:
            assert cell.x == pytest.approx(at, abs=0.01)
            at = cell.x + cell.width
        assert at == pytest.approx(100, abs=0.01)


@given(st.lists(st.integers(0, 1 << 40), max_size=100))
def test_a_tile_is_as_large_as_its_device(sizes: list[int]) -> None:
    devices = [DeviceShare(path=f"d[{n}]", bytes=b) for n, b in enumerate(sorted(sizes)[::-1])]
    for one in treemap(devices):
        areas = [tile.width * tile.height / 100 for tile in one.tiles]
        assert sum(areas) == pytest.approx(100, abs=0.5)
        for area, device in zip(areas, devices, strict=False):
            assert area == pytest.approx(100 * device.bytes / sum(sizes), abs=0.5)
        assert all(
            tile.x + tile.width < 100.01 and tile.y + tile.height < 100.01 for tile in one.tiles
        )


def cells(one: MemoryMap) -> dict[str, int]:
    """How many cells of each class its paths draw."""
    return {area.kind: sum(map(int, re.findall(r"h(\d+)v", area.path))) for area in one.areas}


def test_a_map_shows_what_is_there(own_sample: Sample) -> None:
    with migstream.open(own_sample.path) as stream:
        cell = cell_pages(list(stream.ram.values()))
        for one in memory_map(stream):
            if not isinstance(one, MemoryMap):
                continue
            block = stream.ram[one.name]
            drawn = cells(one)
            assert sum(drawn.values()) == -(-block.size // (block.page * cell))
            assert drawn.keys() <= {*CLASSES}
            if stream.ram.round_count < 2 and cell == 1:
                pages = {k: -(-n // block.page) for k, n in block.coverage().items() if n}
                assert drawn == pages


def test_of_a_larger_guest_a_cell_is_several_pages() -> None:
    """One that only claims to be large costs nothing."""
    size = 1 << 40
    ram = ram_start(ram_block("pc.ram", size), size) + ram_part(
        be64(0x08) + counted("pc.ram") + bytes(4096) + be64((size - 4096) | 0x22) + b"\0"
    )
    with migstream.open(HEADER + configuration() + ram + END) as stream:
        [one] = [one for one in memory_map(stream) if isinstance(one, MemoryMap)]
    assert sum(cells(one).values()) == CELLS
    assert set(cells(one)) <= set(KINDS)


# --- what was sent again ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["pc-xbzrle-7.2.mig", "pc-7.2.mig"])
def test_what_rounds_sent(named_sample: Named, name: str) -> None:
    """The counts are those of the walk, and a page's last round that of its history."""
    with migstream.open(named_sample(name).path) as stream:
        sent = stream.resends()
        rounds = [
            sum(one.pages[turn] for one in sent.values())
            for turn in range(1, stream.ram.round_count + 1)
        ]
        assert rounds == [one.pages for one in stream.ram.rounds]
        assert any(one.last for one in sent.values()) == (stream.ram.round_count > 1)
        for block, one in sent.items():
            for page_number, turn in list(one.last.items())[::97]:
                versions = stream.history(block, page_number * stream.ram[block].page)
                assert len(versions) > 1
                assert [*versions][-1].turn == turn
        coarse = stream.resends(16)
        for block, one in sent.items():
            assert {n // 16 for n in one.last} == coarse[block].last.keys()


def test_rounds_of_a_pipe_are_not_told_apart(named_sample: Named) -> None:
    path = named_sample("pc-7.2.mig").path
    with (
        subprocess.Popen(["cat", path], stdout=subprocess.PIPE) as cat,
        migstream.open(cast("BinaryIO", cat.stdout)) as stream,
        pytest.raises(Unsupported),
    ):
        stream.resends()
