"""The guest-physical map: the engine on pieces made by hand, maps on kept streams."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from migstream.errors import MigstreamError, NoSuchAddress
from migstream.machine.map.boards import BOARDS
from migstream.machine.map.flat import Area, clip, flatten, visible
from migstream.machine.map.physical_map import parse_override, physical_map
from migstream.machine.physical import PhysicalMemory
from migstream.ram.model import RamBlock
from migstream.stream import open_stream
from migstream.wire.model import Span
from support import samples
from support.samples import Packed, Sample

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


@dataclass
class Machine:
    """A state without devices: blocks of (name, bytes) or (name, bytes, address in the stream)."""

    machine: str | None
    listed: tuple[tuple[Any, ...], ...]
    devices: list[Any] = field(default_factory=list)

    @property
    def blocks(self) -> tuple[RamBlock, ...]:
        return tuple(
            RamBlock(name=b[0], used_length=b[1], address=b[2] if b[2:] else None, span=Span(0, 0))
            for b in self.listed
        )


def ranges(machine: str | None, *blocks: tuple[Any, ...], **more: Any) -> list[tuple[Any, ...]]:
    return [
        (r.start, r.size, r.block, r.offset) for r in physical_map(Machine(machine, blocks), **more)
    ]


# --- the engine ---------------------------------------------------------------------------------------


def test_priority_and_holes() -> None:
    seen = visible(
        [
            Area(start=0, size=100, block="ram"),
            Area(start=20, size=20, priority=1),
            Area(start=30, size=40, block="rom", priority=2),
            Area(start=90, size=20, block="behind", priority=-1),
        ]
    )
    assert [(r.start, r.size, r.block, r.offset) for r in seen] == [
        (0, 20, "ram", 0),
        (30, 40, "rom", 0),
        (70, 30, "ram", 70),
        (100, 10, "behind", 10),
    ]


def test_of_two_alike_the_later_is_seen() -> None:
    pieces = [Area(start=0, size=4, block="a"), Area(start=2, size=4, block="b")]
    assert [(r.start, r.size, r.block) for r in visible(pieces)] == [(0, 2, "a"), (2, 4, "b")]


def test_neighbours_are_one_where_their_block_goes_on() -> None:
    seen = visible(
        [
            Area(start=0, size=4, block="a", provenance="x"),
            Area(start=4, size=4, block="a", offset=4, provenance="y"),
            Area(start=8, size=4, block="a", offset=8, provenance="x"),
            Area(start=12, size=4, block="a", offset=0, provenance="x"),
        ]
    )
    assert [(r.start, r.size, r.offset, r.provenance) for r in seen] == [
        (0, 12, 0, "x; y"),
        (12, 4, 0, "x"),
    ]


def test_rom_devices_hide_and_are_left_out() -> None:
    pieces = [
        Area(start=0, size=8, block="ram"),
        Area(start=4, size=4, block="flash", rom_device=True, priority=1),
    ]
    assert [(r.start, r.size) for r in visible(pieces)] == [(0, 4)]
    assert [(r.start, r.block) for r in visible(pieces, rom_devices=True)] == [
        (0, "ram"),
        (4, "flash"),
    ]


def test_clip_moves_a_window() -> None:
    inside = [Area(start=10, size=10, block="a", offset=100)]
    (piece,) = clip(inside, 15, 20, to=1015, priority=7)
    assert (piece.start, piece.size, piece.offset, piece.priority) == (1015, 5, 105, 7)


PIECES = st.lists(
    st.builds(
        Area,
        start=st.integers(0, 40),
        size=st.integers(0, 20),
        block=st.sampled_from([None, "a", "b"]),
        offset=st.integers(0, 40),
        priority=st.integers(-1, 2),
    ),
    max_size=12,
)


@given(PIECES)
def test_every_address_shows_the_highest_piece(pieces: list[Area]) -> None:
    """Held against the definition, byte for byte."""
    flat = flatten(pieces)
    assert all(a.stop <= b.start for a, b in pairwise(flat))
    for address in range(64):
        covering = [(p.priority, n, p) for n, p in enumerate(pieces) if p.start <= address < p.stop]
        want = max(covering)[2] if covering else None
        got = next((p for p in flat if p.start <= address < p.stop), None)
        assert (got is None) == (want is None)
        if got is not None and want is not None:
            assert got.block == want.block
            if want.block is not None:
                assert got.offset + address - got.start == want.offset + address - want.start


# --- overrides --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("mach-virt.ram@0x40000000", ("mach-virt.ram", 0x40000000)),
        ("ram0@4096", ("ram0", 4096)),
        ("/rom@etc/acpi/tables@0", ("/rom@etc/acpi/tables", 0)),
        ("a@0Xff", ("a", 255)),
        ("a@0xffffffffffffffff", ("a", (1 << 64) - 1)),
    ],
)
def test_parse_override(text: str, want: tuple[str, int]) -> None:
    assert parse_override(text) == want


@pytest.mark.parametrize(
    "text",
    ["", "ram", "@0", "ram@", "ram@-1", "ram@0x", "ram@12h", "ram@0x10000000000000000", "ram@010x"],
)
def test_parse_override_says_what_is_wrong(text: str) -> None:
    with pytest.raises(ValueError, match=r"not BLOCK@ADDRESS|not an address"):
        parse_override(text)


def test_an_override_wins_and_moves_the_block() -> None:
    blocks = ("pc.ram", 16 * MIB), ("pc.bios", 256 * KIB)
    moved = ranges("pc-i440fx-7.2", *blocks, overrides=[("pc.bios", 0x100000)])
    assert moved == [
        (0, MIB, "pc.ram", 0),
        (MIB, 256 * KIB, "pc.bios", 0),
        (MIB + 256 * KIB, 15 * MIB - 256 * KIB, "pc.ram", MIB + 256 * KIB),
    ]


def test_an_override_of_no_block() -> None:
    with pytest.raises(NoSuchAddress, match=r"no RAM block is called 'x'"):
        physical_map(Machine("virt", (("ram", MIB),)), [("x", 0)])


def test_nothing_is_known_of_nothing() -> None:
    assert ranges(None) == []
    assert ranges("a machine that nobody has", ("ram", MIB)) == []
    assert ranges("a machine that nobody has", ("ram", MIB), overrides=[("ram", 0)]) == [
        (0, MIB, "ram", 0)
    ]


def test_the_address_in_the_stream_is_taken_for_an_unknown_machine() -> None:
    assert ranges("nobody's", ("ram", MIB, 0x80000000), ("rom", MIB, 0)) == [
        (0x80000000, MIB, "ram", 0)
    ]


# --- rules, where a stream says no more than its machine and its blocks -------------------------------------


@pytest.mark.parametrize(
    ("machine", "size", "low"),
    [
        ("pc-i440fx-1.7", 4 * GIB, 0xE0000000),
        ("pc-i440fx-7.2", 3500 * MIB, 3500 * MIB),
        ("pc-i440fx-7.2", 5 * GIB, 0xC0000000),
        ("pc-q35-7.2", 2800 * MIB, 2800 * MIB),
        ("pc-q35-7.2", 0xB0000000, 0x80000000),
        ("microvm", 5 * GIB, 0xC0000000),
        (None, 5 * GIB, 0xC0000000),
    ],
)
def test_where_ram_is_split(machine: str | None, size: int, low: int) -> None:
    found = ranges(machine, ("pc.ram", size))
    assert found[0] == (0, low, "pc.ram", 0)
    assert found[1:] == ([(4 * GIB, size - low, "pc.ram", low)] if size > low else [])


def test_the_provenance_says_that_it_is_a_rule() -> None:
    (one,) = physical_map(Machine("pc-q35-7.2", (("pc.ram", GIB),)))
    assert "rule for machine pc-q35-7.2" in one.provenance


@pytest.mark.parametrize(
    ("backends", "order"),
    [
        ((("r10", 3 * MIB), ("r9", MIB)), ["r9", "r10"]),
        ((("/objects/b", 3 * MIB), ("/objects/a", MIB)), ["/objects/a", "/objects/b"]),
        ((("a", 3 * MIB, MIB), ("b", MIB, 0)), ["b", "a"]),
        ((("a", 3 * MIB, MIB), ("b", MIB, MIB)), ["a", "b"]),
        ((("dimm0", 3 * MIB), ("ram", MIB)), ["ram"]),
    ],
)
def test_order_of_backends(backends: tuple[tuple[Any, ...], ...], order: list[str]) -> None:
    """By their places in machine RAM where the stream has them all, else by their names."""
    found = ranges("s390-ccw-virtio-7.2", *backends)
    assert [r[2] for r in found] == order
    assert [r[0] for r in found] == [
        0,
        *(sum(r[1] for r in found[:n]) for n in range(1, len(found))),
    ]


def test_tables_do_not_contradict_each_other() -> None:
    """No two boards claim one machine, architecture and block."""
    names = [(b.machines, arch, b.needs) for b in BOARDS for arch in (b.arches or {""})]
    assert len(names) == len(set(names))
    assert all(".c" in b.source for b in BOARDS)


class Contents:
    """Firmware tables, and no other block."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    def read(self, block: str, start: int, stop: int) -> bytes:
        assert block == "/rom@etc/acpi/tables"
        return self.raw[start:stop].ljust(stop - start, b"\0")


def srat(*nodes: tuple[int, int, int]) -> bytes:
    """A table with RAM of (node, address, size)."""
    entries = b"".join(
        struct.pack("<BBIHQQIIQ", 1, 40, node, 0, start, size, 0, 1, 0)
        for node, start, size in nodes
    )
    return b"SRAT" + struct.pack("<I", 48 + len(entries)) + bytes(40) + entries


def test_nodes_of_the_firmware_table() -> None:
    """Node 0 has the smaller backend, whatever their names; the gap below 1 MiB is node 0's."""
    raw = b"XSDT" + bytes(60) + srat((0, 0, 640 * KIB), (0, MIB, MIB), (1, 2 * MIB, 6 * MIB))
    tables = ("/rom@etc/acpi/tables", 4096)
    state = Machine("s390-ccw-virtio-7.2", (("a", 6 * MIB), ("b", 2 * MIB), tables))
    seen = physical_map(state, contents=Contents(raw))
    assert [(r.block, r.start) for r in seen] == [("b", 0), ("a", 2 * MIB)]
    assert [r.block for r in physical_map(state)] == ["a", "b"]


@given(st.binary(max_size=300), st.sampled_from([b"", b"SRAT", b"NFIT"]), st.integers(0, 400))
def test_tables_of_any_bytes(raw: bytes, signature: bytes, size: int) -> None:
    text = signature + struct.pack("<I", size) + raw
    blocks = ("pc.ram", MIB), ("m0", MIB), ("m1", MIB), ("/rom@etc/acpi/tables", 512)
    found = physical_map(Machine("pc-i440fx-7.2", blocks), contents=Contents(text))
    assert all(a.stop <= b.start for a, b in pairwise(found))


# --- kept streams -----------------------------------------------------------------------------------------------


def judged() -> list[Packed]:
    """Streams for which a dump of the same state is known."""
    return [p for p in samples.streams() + samples.channels(".mig") if "memory" in p.meta]


@pytest.mark.parametrize("packed", judged() or [None], ids=lambda p: p.label if p else "none")
def test_ranges_are_those_of_a_dump(
    packed: Packed | None, unpack: Callable[[Packed], Sample]
) -> None:
    if packed is None:
        pytest.skip("no stream with a dump is here")
    with open_stream(unpack(packed).path) as stream:
        got = [(r.start, r.size) for r in physical_map(stream)]
    assert got == [(m["paddr"], m["size"]) for m in packed.meta["memory"]]


def test_every_kept_stream_has_a_map(sample: Sample) -> None:
    with open_stream(sample.path) as stream:
        found = physical_map(stream)
        sizes = {b.name: b.used_length for b in stream.blocks}
    assert bool(found) == bool(sizes)
    for one in found:
        assert one.size > 0
        assert 0 <= one.offset <= one.offset + one.size <= sizes[one.block]
        assert one.provenance
    assert all(one.stop <= after.start for one, after in pairwise(found))


def test_what_lies_where(named_sample: Callable[[str], Sample]) -> None:
    with open_stream(named_sample("pc-7.2.mig").path) as stream:
        memory = PhysicalMemory(physical_map(stream), stream)
        place = memory.find(0xFFFFFFF0)
    assert place is not None
    assert (place.block, place.provenance) == ("pc.bios", "firmware below 4 GiB")


def test_flash_only_when_asked_for(named_sample: Callable[[str], Sample]) -> None:
    with open_stream(named_sample("riscv64-virt-7.2.mig").path) as stream:
        plain, full = physical_map(stream), physical_map(stream, rom_devices=True)
    assert {r.block for r in full} - {r.block for r in plain} == {"virt.flash0", "virt.flash1"}


@pytest.mark.parametrize(
    "name", ["pc-7.2.mig", "q35-7.2.mig", "microvm-7.2.mig", "arm-virt-7.2.mig"]
)
def test_garbage_gives_a_map_or_our_errors(
    name: str, named_sample: Callable[[str], Sample]
) -> None:
    """Whatever registers, sizes and names say: ranges in order, or one of our errors."""
    raw = named_sample(name).read()
    rng = random.Random(name)  # noqa: S311 - nothing is secret here
    tail = len(raw) * 9 // 10
    for _ in range(60):
        bad = bytearray(raw)
        for _ in range(rng.randrange(1, 40)):
            bad[rng.randrange(64 if rng.random() < 0.2 else tail, len(bad))] = rng.randrange(256)
        try:
            with open_stream(bytes(bad)) as stream:
                found = physical_map(stream, rom_devices=True)
        except MigstreamError:
            continue
        assert all(a.stop <= b.start for a, b in pairwise(found))


def test_many_blocks_take_no_time_worth_mentioning() -> None:
    """A hostile list of blocks: each is a DIMM to look at, none costs more than its place."""
    listed = tuple((f"m{n}", MIB) for n in range(20_000))
    found = physical_map(Machine("pc-i440fx-7.2", (("pc.ram", GIB), *listed)))
    assert sum(r.size for r in found) == GIB + 20_000 * MIB


def test_pieces_stay_what_they_are() -> None:
    one = Area(start=0, size=1)
    with pytest.raises(AttributeError):
        one.start = 1  # type: ignore[misc]
    assert msgspec.structs.replace(one, size=2).stop == 2
