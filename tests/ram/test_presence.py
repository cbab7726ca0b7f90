"""What a stream holds of its guest's memory: zero, absent and unplugged are told apart."""

from __future__ import annotations

import gzip
import json
import os
import struct
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import migstream
from migstream.errors import NoSuchAddress
from migstream.ram.presence import CHANNELS, NEVER_SENT, SHARED, Run, without
from support import build, samples
from support.build import be32, be64, counted
from support.samples import Packed, Sample

PAGE, P = 0x08, 4096
ZERO, CONTINUE, FLUSH = 0x02, 0x20, 0x200
SIZES = {"ram": 12 * P, "rom": 2 * P}


def record(name: str, page: int, fill: bytes = b"") -> bytes:
    """A page full of a byte, or without one a zero page."""
    body = fill * P if fill else b"\0"
    return be64(page * P | (PAGE if fill else ZERO)) + counted(name) + body


def stream_of(records: bytes, configuration: bytes = b"", blocks: bytes = b"") -> bytes:
    listed = blocks or b"".join(build.ram_block(name, size) for name, size in SIZES.items())
    return (
        build.HEADER
        + build.configuration("none", configuration)
        + build.ram_start(listed, sum(SIZES.values()))
        + build.ram_part(records)
        + build.END
        + build.description(build.described())
    )


ROM = record("rom", 0, b"r") + record("rom", 1)
PARTLY = ROM + record("ram", 0, b"x") + record("ram", 1) + record("ram", 5, b"y")


# --- runs ------------------------------------------------------------------------------------------


@st.composite
def rows(draw: st.DrawFn) -> tuple[list[Run], list[tuple[int, int]]]:
    cuts = sorted(draw(st.sets(st.integers(0, 60), min_size=2)))
    kinds = [draw(st.sampled_from(("data", "zero", "absent"))) for _ in cuts[1:]]
    runs = [Run(kind, *piece) for kind, piece in zip(kinds, pairwise(cuts), strict=True)]
    holes = sorted(draw(st.sets(st.integers(0, 70))))
    gone = list(zip(holes[::2], holes[1::2], strict=False))
    return runs, gone


@given(rows(), st.sampled_from(("absent", "zero")))
def test_unplugged_is_what_is_hollow_and_gone(
    made: tuple[list[Run], list[tuple[int, int]]], hollow: str
) -> None:
    runs, gone = made
    found = list(without(runs, hollow, gone))
    told = {at: run.kind for run in found for at in range(run.start, run.stop)}
    assert len(told) == sum(run.stop - run.start for run in found)
    for run in runs:
        for at in range(run.start, run.stop):
            out = run.kind == hollow and any(start <= at < stop for start, stop in gone)
            assert told.pop(at) == ("unplugged" if out else run.kind)
    assert not told


# --- blocks ----------------------------------------------------------------------------------------


def test_pages_that_were_never_sent_are_counted() -> None:
    with migstream.open(stream_of(PARTLY)) as stream:
        block = stream.ram["ram"]
        here = block.presence()
        assert (here.pages, here.sent, here.absent, here.unplugged) == (12, 3, 9, 0)
        assert (here.why, here.complete) == (NEVER_SENT, False)
        assert [(run.kind, run.start // P, run.stop // P) for run in block.runs()] == [
            ("data", 0, 1),
            ("zero", 1, 2),
            ("absent", 2, 5),
            ("data", 5, 6),
            ("absent", 6, 12),
        ]
        assert block.coverage() == {"data": 2 * P, "zero": P, "absent": 9 * P, "unplugged": 0}
        assert stream.ram["rom"].presence().complete


@given(st.lists(st.tuples(st.integers(0, 11), st.booleans()), max_size=30))
def test_what_is_counted_is_what_the_runs_are(sent: list[tuple[int, bool]]) -> None:
    records = b"".join(record("ram", page, b"x" if data else b"") for page, data in sent)
    with migstream.open(stream_of(ROM + records)) as stream:
        for block in stream.ram.values():
            here, sizes = block.presence(), block.coverage()
            assert here.absent * P == sizes["absent"]
            assert here.sent * P == sizes["data"] + sizes["zero"]


def test_a_main_channel_alone_names_its_channels() -> None:
    """It has sync points, so pages that are not in it went elsewhere, whatever else is in it."""
    with migstream.open(stream_of(PARTLY + be64(FLUSH))) as stream:
        block = stream.ram["ram"]
        assert block.presence().sent == 3
        assert block.presence().why == block.elsewhere == CHANNELS
        with pytest.raises(NoSuchAddress) as caught:
            block.read(0, 1)
        assert "--channel" in caught.value.hint
        assert stream.ram["rom"].elsewhere is None


def test_an_ignored_block_of_mapped_ram_reads_well() -> None:
    """Its header has no bitmap and no pages: what follows stands right behind it (QEMU 11.0)."""
    names = counted("x-ignore-shared") + counted("mapped-ram")
    capabilities = build.subsection("configuration/capabilities", be32(2) + names)
    head = build.HEADER + build.configuration("none", capabilities)
    head += build.section_start(1, build.RAM_ID, "ram", version=4)
    head += be64(sum(SIZES.values()) | build.MEM_SIZE)
    ignored = counted("ram") + be64(SIZES["ram"]) + be64(0x100000000)
    ignored += struct.pack(">IQQQ", 1, P, 0, 0)
    head += ignored + counted("rom") + be64(SIZES["rom"]) + be64(0xFFFC0000)
    bitmap, pages = len(head) + 28, P
    raw = head + struct.pack(">IQQQ", 1, P, bitmap, pages) + b"\1" + bytes(7)
    raw = raw.ljust(pages, b"\0") + b"r" * P + bytes(P)
    raw += be64(build.EOS) + build.footer(build.RAM_ID) + build.ram_part() + build.END
    raw += build.description(build.described())
    with migstream.open(raw) as stream:
        assert stream.damage == []
        assert [block.address for block in stream.blocks] == [0x100000000, 0xFFFC0000]
        shared, rom = stream.ram["ram"], stream.ram["rom"]
        assert shared.elsewhere == SHARED
        assert [run.kind for run in shared.runs()] == ["absent"]
        assert shared.presence().absent == 12
        assert rom[:] == b"r" * P + bytes(P)
        assert rom.presence().complete


def test_a_pipe_counts_what_went_by(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from migstream.cli.group import cli

    path, packed = tmp_path / "a.mig", tmp_path / "a.mig.gz"
    path.write_bytes(stream_of(PARTLY))
    packed.write_bytes(gzip.compress(path.read_bytes()))
    for verb in ("info", "stat"):
        tables = []
        for source, data in ((path, None), (packed, None), ("-", path.read_bytes())):
            done = CliRunner().invoke(cli, [verb, str(source), "--json"], input=data)
            tables.append(json.loads(done.stdout)["ram"])
        assert tables[0] == tables[1] == tables[2]
        assert tables[0]["pages"] == {
            "page_size": P, "total": 14, "sent": 5, "absent": 9, "unplugged": 0,
        }  # fmt: skip
        text = CliRunner().invoke(cli, [verb, str(path)]).stdout
        assert "3 of 12 pages" in text
        assert "5 of 14 pages" in text


def test_what_was_not_walked_is_not_counted(tmp_path: Path) -> None:
    """`info` of a large file stays instant: it says that it does not know, and not that nothing lacks."""
    from click.testing import CliRunner

    from migstream.cli.group import cli

    size = 1 << 30
    head = (
        build.HEADER + build.configuration() + build.ram_start(build.ram_block("ram", size), size)
    )
    path = tmp_path / "large.mig"
    with path.open("wb") as file:
        file.write(head + b"\2" + be32(build.RAM_ID))
        for page in range(0, size // P, 1024):
            file.write(be64(page * P | PAGE) + counted("ram") + b"x" * P)
        file.write(be64(build.EOS) + build.footer(build.RAM_ID) + build.ram_part())
        file.write(build.full(3, "one", build.ONE_BYTES) + build.END)
        file.write(build.description(build.described(build.ONE)))
        os.truncate(path, file.tell() + size)
    done = CliRunner().invoke(cli, ["info", str(path), "--json"])
    table = json.loads(done.stdout)
    if not table["walked"]:
        assert table["ram"]["pages"] is table["ram"]["missing"] is None
        assert table["ram"]["blocks"][0]["pages"] is None
        assert "not walked" in CliRunner().invoke(cli, ["info", str(path)]).stdout


# --- real ones -------------------------------------------------------------------------------------

MAINS = [p for p in samples.channels(".main.mig") if p.name.startswith("multifd")]


@pytest.mark.parametrize("packed", MAINS, ids=lambda packed: packed.label)
def test_every_main_channel_says_what_it_lacks(
    packed: Packed, unpack: Callable[[Packed], Sample]
) -> None:
    from click.testing import CliRunner

    from migstream.cli.group import cli

    path = unpack(packed).path
    with migstream.open(path) as stream:
        assert not all(block.presence().complete for block in stream.ram.values())
        for block in stream.ram.values():
            assert block.presence().complete or "--channel" in block.presence().why
    for verb in ("info", "stat"):
        text = CliRunner().invoke(cli, [verb, str(path)]).stdout
        assert " of 4 096 pages" in text
        assert "--channel" in text
    for words in (["digest"], ["mem", "--text", "x"], ["extract", "-o", str(path) + ".core"]):
        done = CliRunner().invoke(cli, [words[0], str(path), *words[1:]])
        assert "--channel" in done.stderr


@pytest.mark.parametrize("packed", samples.streams(), ids=lambda packed: packed.label)
def test_whole_streams_lack_nothing_but_shared_memory(
    packed: Packed, unpack: Callable[[Packed], Sample]
) -> None:
    with migstream.open(unpack(packed).path) as stream:
        for block in stream.ram.values():
            assert block.presence().complete or block.elsewhere == SHARED
