"""Registers and video memory to pictures: what VGA's manuals say, and what no guest writes."""

from __future__ import annotations

import struct
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import migstream
from migstream.errors import MigstreamError, Unsupported
from migstream.machine.console import consoles
from migstream.machine.display import graphics, heads, text, vga
from migstream.machine.display.model import MOST, Display, Head, sized
from migstream.machine.display.pixels import FORMATS, framebuffer, gather, rgb
from migstream.machine.display.registers import Registers, mode
from migstream.machine.display.registers import registers as state_registers
from migstream.machine.physical import PhysicalMemory, Range
from migstream.vmstate.layout import Layout, Node
from migstream.vmstate.values import Value, root
from migstream.wire.model import Span
from support.meaning import device
from support.samples import Sample

Named = Callable[[str], Sample]
SIZE = 1 << 20


class Memory:
    """Video memory (protocol: model.Bytes)."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.size = len(raw)

    def read(self, start: int, stop: int) -> bytes:
        assert 0 <= start <= stop <= self.size
        return self.raw[start:stop]


def registers(**set_: dict[int, int] | tuple[int, ...] | int) -> Registers:
    """80x25 characters of 8x16 dots, or what is set otherwise: `cr={1: 39}`."""
    values = {
        "sr": {1: 1},
        "gr": {5: 0x10, 6: 0x0E},
        "ar": {**{n: n for n in range(16)}, 0x10: 0x04, 0x12: 0x0F},
        "cr": {1: 79, 7: 0x1F, 9: 0x4F, 0x0A: 0x20, 0x12: 0x8F, 0x13: 40, 0x17: 0xA3, 0x18: 0xFF},
        "palette": {3 * n + c: n + 16 * c for n in range(64) for c in range(3)},
    }
    sizes = {"sr": 8, "gr": 16, "ar": 21, "cr": 256, "palette": 768}
    for name, new in set_.items():
        if isinstance(new, dict):
            values[name] |= new
    raw = {}
    for name, size in sizes.items():
        raw[name] = bytes(values[name].get(n, 0) for n in range(size))
    rest = {name: new for name, new in set_.items() if not isinstance(new, dict)}
    return Registers(**{"ar_index": 0x20, **raw, **rest})  # type: ignore[arg-type]


def screen(*written: tuple[int, bytes]) -> Memory:
    raw = bytearray(SIZE)
    for at, data in written:
        raw[at : at + len(data)] = data
    return Memory(bytes(raw))


def shown(regs: Registers, memory: Memory) -> Head:
    return vga.head("vga[0]", regs, mode(regs), ("vga.vram", memory))


def test_characters_are_drawn_with_plane_2() -> None:
    """A letter whose font has one row of dots, in cyan on red."""
    regs, tall = registers(), 16
    memory = screen((0, bytes((0x41, 0x43))), (4 * 32 * 0x41 + 4 * 3 + 2, b"\x81"))
    head = shown(regs, memory)
    assert (head.display.columns, head.display.rows) == (80, 25)
    picture = head.picture()
    assert picture.shape == (400, 640, 3)
    cyan, red = picture[3, 0], picture[0, 0]
    assert not (cyan == red).all()
    assert (picture[3, 1:7] == red).all()
    assert (picture[3, 7] == cyan).all()
    assert (picture[:3, :8] == red).all()
    assert (picture[4:tall, :8] == red).all()
    assert head.text is not None
    assert head.text()[0] == "A"


def test_nine_dots_repeat_line_graphics_alone() -> None:
    regs = registers(sr={1: 0})
    memory = screen(
        (0, b"\xb0\x07\0\0A\x07"),
        *((4 * 32 * code + 2, b"\xff") for code in (0xB0, 0x41)),
    )
    picture = shown(regs, memory).picture()
    assert picture.shape == (400, 720, 3)
    assert (picture[0, 8] == picture[0, 7]).all()
    assert not (picture[0, 17] == picture[0, 16]).all()


def test_the_cursor_and_what_blinks() -> None:
    regs = registers(cr={0x0A: 14, 0x0B: 15, 0x0F: 81})
    memory = screen((0, b"\0\x07" * 4), (4 * 81, b"\0\x07"))
    found = mode(regs)
    with_, without = (text.picture(regs, found, memory, cursor=one) for one in (True, False))
    differs = np.argwhere((with_ != without).any(axis=2))
    assert differs.min(axis=0).tolist() == [16 + 14, 8]
    assert differs.max(axis=0).tolist() == [16 + 15, 15]
    memory = screen((0, b"\0\xf0"))
    sixteen = shown(registers(), memory).picture()[0, 0]
    eight = shown(registers(ar={0x10: 0x0C}), memory).picture()[0, 0]
    assert not (sixteen == eight).all()


def test_a_split_screen_begins_again_at_0() -> None:
    regs = registers(cr={0x0C: 0x04, 7: 0x0F, 9: 0x0F, 0x18: 160})
    memory = screen((0, b"T\x07"), (4 * 0x400, b"S\x07"))
    one = shown(regs, memory).text
    assert one is not None
    lines = one()
    assert lines[0] == "S"
    assert lines[10] == "T"


def test_code_page_437() -> None:
    assert len(text.CHARACTERS) == 256
    assert text.CHARACTERS[1] + text.CHARACTERS[0x7F] + text.CHARACTERS[0x81] == "☺⌂ü"


GRAPHICS = {"gr": {5: 0, 6: 5}, "cr": {1: 79, 7: 0x1F, 9: 0x40, 0x12: 0xDF, 0x13: 40, 0x17: 0xE3}}


def test_a_pixel_is_a_bit_of_each_plane() -> None:
    regs = registers(**GRAPHICS)
    picture = shown(regs, screen((4 * 80, b"\x80\x00\x80\x01"))).picture()
    own = picture[1]
    assert (own[0] == (5 << 2 | 3, 84 | 3, 148 | 3)).all() or own[0].any()
    assert not (own[7] == own[0]).all()
    assert (own[1:7] == picture[0, 0]).all()
    masked = shown(registers(**{**GRAPHICS, "ar": {0x12: 0x07}}), screen((0, b"\0\0\0\xff")))
    assert (masked.picture()[0] == picture[0, 0]).all()


def test_panning_moves_by_pixels() -> None:
    memory = screen((0, bytes(Random(1).randbytes(SIZE // 4))))  # noqa: S311 - no secret
    still = shown(registers(**GRAPHICS), memory).picture()
    moved = shown(registers(**{**GRAPHICS, "ar": {0x13: 3}}), memory).picture()
    assert (moved[:, :-8] == still[:, 3:-5]).all()


def test_vbe_of_every_depth() -> None:
    """One pixel after another, in both byte orders."""
    for depth, pixel, colour in (
        (15, 0x7C1F, (255, 0, 255)), (16, 0x07E0, (0, 255, 0)), (24, 0x123456, (0x12, 0x34, 0x56)),
        (32, 0x00FEDCBA, (0xFE, 0xDC, 0xBA)),
    ):  # fmt: skip
        size = (depth + 7) // 8
        for order in ("little", "big"):
            regs = registers(
                vbe=(0xB0C5, 64, 48, depth, 1, 0, 64, 0, 0, 0),
                vbe_line=64 * size,
                big_endian=order == "big",
            )
            raw = pixel.to_bytes(size, order) * (64 * 48)
            head = shown(regs, screen((0, raw)))
            assert head.display.mode == f"VBE, {depth} bits"
            assert (head.picture() == colour).all()


def test_what_is_off_or_too_large() -> None:
    assert not shown(registers(ar_index=0), screen()).display.on
    with pytest.raises(Unsupported, match="shows nothing: blank"):
        shown(registers(ar_index=0), screen()).picture()
    vast = registers(vbe=(0xB0C5, 16000, 12000, 32, 1, 0, 0, 0, 0, 0), vbe_line=64000)
    assert shown(vast, screen()).display.damage
    with pytest.raises(Unsupported, match="more than"):
        shown(vast, screen()).picture()
    with pytest.raises(Unsupported, match="pixels"):
        sized(MOST, 2)
    nothing = Head(Display(device="a", head=0, mode="off"))
    with pytest.raises(Unsupported, match="off"):
        nothing.picture()


NUMBERS = st.integers(0, 255)
BYTES = {
    "sr": st.binary(min_size=8, max_size=8), "gr": st.binary(min_size=16, max_size=16),
    "ar": st.binary(min_size=21, max_size=21), "cr": st.binary(min_size=256, max_size=256),
    "palette": st.binary(min_size=768, max_size=768),
}  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    st.fixed_dictionaries(BYTES),
    st.lists(st.integers(0, 2000), min_size=10, max_size=10),
    st.integers(0, 1 << 32),
    st.integers(0, 4000),
    st.sampled_from([0, 1, 4096, 1 << 16, SIZE]),
)
def test_any_registers_give_a_picture_or_say_why_not(
    raw: dict[str, Any], vbe: list[int], start: int, line: int, size: int
) -> None:
    regs = Registers(ar_index=0x20, vbe=tuple(vbe), vbe_start=start, vbe_line=line, **raw)
    head = vga.head("vga[0]", regs, mode(regs), ("vga.vram", Memory(bytes(size))))
    one = head.display
    try:
        picture = head.picture()
    except MigstreamError:
        return
    assert picture.dtype == np.uint8
    assert picture.shape[::2] == (one.height, 3)
    if head.text is not None:
        assert len(head.text()) == one.rows


@given(st.sampled_from(sorted(FORMATS)), st.binary(min_size=24, max_size=24))
def test_formats_are_what_a_plain_loop_says(name: str, raw: bytes) -> None:
    form = FORMATS[name]
    found = rgb(np.frombuffer(raw, np.uint8).reshape(1, -1), form)[0]
    for n, pixel in enumerate(found.tolist()):
        piece = raw[form.size * n : form.size * (n + 1)]
        if form.size > 2:
            assert pixel == [piece[at] for at in form.fields]
            continue
        [word] = struct.unpack(f"{form.order}H", piece)
        for value, shift, bits in zip(pixel, form.fields, form.bits, strict=True):
            field = word >> shift & (1 << bits) - 1
            assert (
                value == round(field * 255 / ((1 << bits) - 1))
                or abs(value - field * 255 / ((1 << bits) - 1)) < 1
            )


@given(st.lists(st.integers(0, 40000), min_size=1, max_size=8), st.integers(1, 9000))
def test_rows_are_gathered_around_the_end(starts: list[int], length: int) -> None:
    raw = Random(2).randbytes(10000)  # noqa: S311 - no secret
    found = gather(Memory(raw), starts, length, 16384)
    twice = (raw + bytes(6384)) * 4
    assert [bytes(row) for row in found] == [
        twice[start % 16384 : start % 16384 + length] for start in starts
    ]


def test_a_framebuffer_of_one_row_for_all() -> None:
    found = framebuffer(Memory(bytes(range(64))), 0, 0, 4, 3, FORMATS["B8G8R8X8"])
    assert (found == found[0]).all()


# --- real streams ----------------------------------------------------------------------------------


def test_a_stream_s_screen_and_console(named_sample: Named) -> None:
    with migstream.open(named_sample("pc-vga-7.2.mig").path) as stream:
        [head] = heads(stream)
        assert head.picture().shape == (400, 720, 3)
        [one] = [c for c in consoles(stream) if c.what.startswith("on its screen")]
        assert one.lines == ["Grüße from the guest"]
        regs = state_registers(stream.devices["vga"].value["vga"], big=False)
        assert graphics.colours(regs, mode(regs)) == "16 colours"


# --- other devices ---------------------------------------------------------------------------------


class Guest:
    """A guest of one device and one page of memory (protocol: model.Guest)."""

    machine = None
    blocks = ()
    ram: dict[str, Memory] = {}  # noqa: RUF012 - nobody writes to it

    def __init__(self, value: Value, memory: bytes = b"") -> None:
        self.devices = [Section(value)]
        raw = Memory(memory)
        reader = type("Reader", (), {"read": lambda _, __, start, stop: raw.read(start, stop)})()
        self.memory = PhysicalMemory([Range(0x1000, len(memory), "pc.ram", 0, "")], reader)


class Section:
    instance_id, described = 0, True

    def __init__(self, value: Value) -> None:
        self.value, self.path = value, value.path
        self.name = value.path.removesuffix("[0]")


SCANOUT = struct.pack(">IIIii", 5, 2, 2, 1, 0)


def gpu(image: bytes, scanout: bytes = SCANOUT + bytes(20)) -> Guest:
    resource = struct.pack(">IIIII", 5, 3, 2, 1, 1) + struct.pack(">QI", 0x1000, 24) + image
    raw = resource + bytes(4) + struct.pack(">II", 1, 1) + scanout
    return Guest(device("virtio-gpu", raw, section="0000:00:02.0/virtio-gpu", field="virtio-gpu"))


def test_a_scanout_is_a_part_of_its_resource() -> None:
    [head] = heads(gpu(bytes(range(24))))
    assert head.picture().tolist() == [[[6, 5, 4], [10, 9, 8]], [[18, 17, 16], [22, 21, 20]]]


@given(st.binary(min_size=20, max_size=20))
def test_any_scanout_is_drawn_or_refused(scanout: bytes) -> None:
    [head] = heads(gpu(bytes(24), scanout + bytes(20)))
    try:
        assert head.picture().nbytes <= 3 * 6
    except MigstreamError:
        assert head.display.damage or not head.display.on


RAMFB = struct.pack(">Q4sIIII", 0x1000, b"42RX", 0, 16, 16, 0)


def ramfb(config: bytes) -> Guest:
    value = device("buffer", config, section="ramfb", field="cfg")
    return Guest(value, bytes(range(256)) * 16)


def test_a_framebuffer_in_guest_memory() -> None:
    [head] = heads(ramfb(RAMFB))
    assert head.picture()[0, 1].tolist() == [6, 5, 4]
    assert head.display.memory == "pc.ram"


@given(st.one_of(st.binary(max_size=40), st.tuples(st.binary(max_size=8), st.just(RAMFB)).map(
    lambda two: two[0] + two[1][len(two[0]):])))  # fmt: skip
def test_any_configuration_is_drawn_or_refused(config: bytes) -> None:
    [head] = heads(ramfb(config))
    try:
        assert head.picture().nbytes <= 3 * 4096
    except MigstreamError:
        assert head.display.damage or not head.display.on


# --- QXL -------------------------------------------------------------------------------------------

NUMBERS = st.one_of(st.integers(0, 40), st.integers(0, (1 << 32) - 1))


@given(
    st.integers(0, 4),
    st.tuples(NUMBERS, NUMBERS, NUMBERS, st.sampled_from([16, 32, 80, 96, 8])),
    st.one_of(st.integers(0, 1 << 13), st.integers(0, (1 << 64) - 1)),
    st.one_of(st.just(0x1000), st.integers(0, (1 << 64) - 1)),
    st.integers(0, 1),
)
def test_any_primary_surface_is_drawn_or_refused(
    mode: int, surface: tuple[int, ...], where: int, start: int, active: int
) -> None:
    raw = struct.pack(">QII4IQ", start, active, mode, *surface, where)
    [head] = heads(Guest(qxl(raw), bytes(range(256)) * 16))
    try:
        assert head.picture().nbytes <= 3 * 4096
    except MigstreamError:
        assert head.display.damage or not head.display.on


def qxl(raw: bytes) -> Value:
    numbers = (("width", 16), ("height", 20), ("stride", 24), ("format", 28))
    inside = (
        *(Node(name, "int32", "leaf", at - 16, 4, stride=4) for name, at in numbers),
        Node("mem", "uint64", "leaf", 16, 8, stride=8),
    )
    slot = (
        Node("slot.mem_start", "uint64", "leaf", 0, 8, stride=8),
        Node("active", "uint32", "leaf", 8, 4, stride=4),
    )
    children = (
        Node("guest_slots", "struct", "struct", 0, 12, 1, 12, children=slot),
        Node("mode", "uint32", "leaf", 12, 4, stride=4),
        Node("guest_primary.surface", "struct", "struct", 16, 24, children=inside),
    )
    path = "0000:00:02.0/qxl[0]"
    data = memoryview(raw)
    layout = Layout("qxl", 21, 40, children)
    return root(layout, Span(0, 40), path, lambda start, stop: data[start:stop])
