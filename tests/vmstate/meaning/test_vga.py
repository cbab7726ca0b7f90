"""What a display shows, from its registers."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

import migstream
from migstream.vmstate.layout import Layout, Node
from migstream.vmstate.values import Value, root
from migstream.wire.model import Span
from support.meaning import covered, expand
from support.samples import Sample

CR_TEXT = bytes.fromhex("5f4f50825581bf1f004f0d0e000007a99c8e8f281f96b9a3ff") + bytes(231)
CR_GRAPHICS = bytes.fromhex("5f4f50825481bf1f00000000010000009c8e8f281f96b9e3ff") + bytes(231)
FIELDS = (("sr", 8), ("gr", 16), ("ar_index", 1), ("cr", 256), ("palette", 768))


def card(*, vbe: tuple[int, ...] = (), cirrus: bool = False, **values: bytes) -> Value:
    """A VGA card of these fields, others empty."""
    prefix = "vga." if cirrus else ""
    nodes, raw = [], b""
    for name, size in FIELDS:
        piece = values.get(name, bytes(254 if cirrus and name == "gr" else size))
        kind = "uint8" if name == "ar_index" else "buffer"
        nodes.append(Node(prefix + name, kind, "leaf", len(raw), len(piece), stride=len(piece)))
        raw += piece
    if vbe:
        nodes.append(Node("vbe_regs", "uint16", "leaf", len(raw), 20, 10, 2))
        raw += struct.pack(">10H", *vbe, *[0] * (10 - len(vbe)))
    data = memoryview(raw)
    layout = Layout("cirrus_vga" if cirrus else "vga", 1, len(raw), tuple(nodes))
    return root(layout, Span(0, len(raw)), "vga[0]", lambda a, b: data[a:b])


ON = b"\x20"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"cr": CR_TEXT, "ar_index": ON}, "text 80x25 of 9x16, from 0x0 on, cursor in row 24 column 41"),
        ({"cr": CR_TEXT, "ar_index": ON, "sr": b"\0\1" + bytes(6)}, "text 80x25 of 8x16, from 0x0 on, cursor in row 24 column 41"),
        ({"cr": CR_TEXT}, "blank"),
        ({"cr": CR_GRAPHICS, "ar_index": ON, "gr": bytes(6) + b"\1" + bytes(9)}, "graphics 640x400, from 0x100 on"),
        ({"cr": CR_GRAPHICS, "ar_index": ON, "vbe": (0xB0C5, 1024, 768, 32, 0x41)}, "graphics 1024x768, 32 bits a pixel"),
        ({"cr": CR_TEXT, "ar_index": ON, "vbe": (0xB0C5, 1024, 768, 32, 0x40)}, "text 80x25 of 9x16, from 0x0 on, cursor in row 24 column 41"),
        ({"cr": CR_GRAPHICS, "ar_index": ON, "gr": bytes(4) + b"\1" + bytes(249), "cirrus": True}, "graphics 640x400, from 0x100 on"),
    ],
)  # fmt: skip
def test_the_mode_that_registers_make(values: dict[str, bytes], said: str) -> None:
    cirrus = "cirrus" in values
    assert card(**values)["vga.cr" if cirrus else "cr"].description == said  # type: ignore[arg-type]


def test_vbe_says_the_mode_where_it_is_enabled() -> None:
    regs = card(vbe=(0xB0C5, 800, 600, 16, 0x61))["vbe_regs"]
    assert (
        regs.element(4).text == "97 (0x61) ENABLE ENABLED 8BIT_DAC LFB (800x600, 16 bits a pixel)"
    )
    assert regs.element(1).text == "800 (0x320) XRES"


def test_colors_are_those_of_the_screen() -> None:
    palette = bytes(3) + b"\x2a\x15\x00" + b"\x3f\x3f\x3f" + bytes(759)
    narrow = card(palette=palette)["palette/color"]
    assert [narrow.element(n).symbol for n in range(3)] == ["#000000", "#a85700", "#ffffff"]
    wide = card(palette=palette, vbe=(0, 1, 1, 8, 0x21))["palette/color"]
    assert wide.element(1).symbol == "#2a1500"


def test_registers_by_name() -> None:
    parts = {part.name: part for part in card(cr=CR_TEXT, cirrus=True)["vga.cr"].children}
    assert parts["v_disp_end"].span.size == 1
    assert parts["max_scan"].text == "79 (0x4f) LINES=15 LINE_COMPARE9"
    assert parts["rest"].span.size == 231
    assert [v.name for v in card(cirrus=True)["vga.gr"].children][:2] == [
        "compare_value",
        "data_rotate",
    ]


@given(st.binary(min_size=256, max_size=256), st.binary(min_size=16, max_size=16), st.integers(0, 255), st.booleans(),
       st.tuples(*[st.integers(0, 65535)] * 5))  # fmt: skip
def test_any_registers_are_said(
    cr: bytes, gr: bytes, index: int, cirrus: bool, vbe: tuple[int, ...]
) -> None:
    values = {"cr": cr, "gr": gr, "ar_index": bytes([index]), "palette": cr * 3}
    one = card(vbe=vbe, cirrus=cirrus, **values)
    for leaf in one.leaves():
        assert isinstance(leaf.text, str)
    for part in one.children:
        assert isinstance(part.text, str)
        if part.name.endswith(("cr", "gr", "palette")):
            covered(part)


@given(st.binary(max_size=40))
def test_what_a_ramfb_was_told(raw: bytes) -> None:
    told = struct.pack(">QIIIII", 0x3C00000, 0x34325258, 0, 1024, 768, 4096)
    where = {"section": "ramfb-dev", "vmsd": "ramfb-dev", "field": "cfg"}
    parts = expand("buffer", told, **where)
    assert parts["fourcc"].symbol == "XR24"
    assert int(parts["addr"]) == 0x3C00000
    assert int(parts["width"]) == 1024
    assert len(raw) == 28 or not expand("buffer", raw, **where)


REAL = {
    "x86-pc-rich-10.0.mig": {
        "vga/vga/cr": "text 80x25 of 9x16, from 0x0 on, cursor in row 24 column 41",
        "vga/vga/sr/memory_mode": "",
    },
}


def test_displays_of_real_machines(sample: Sample) -> None:
    expected = REAL.get(sample.name, {})
    with migstream.open(sample.path) as opened:
        assert {path: opened[path].description for path in expected} == expected
