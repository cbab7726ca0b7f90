"""Displays: what a VGA card shows, its registers and colours, VBE of bochs, qxl.

References: IBM VGA, as in FreeVGA; VESA and bochs VBE (QEMU, hw/display/vga_int.h); spice, qxl_dev.h;
QEMU, hw/display/vga.c: vga_get_text_resolution, vga_get_resolution; cirrus_vga.c, qxl.h.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migstream.vmstate.meaning.symbols.model import (
    Symbol,
    Table,
    bits,
    enumeration,
    number_in_path,
)

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["QXL", "RAMFB", "VGA"]

# Registers by their numbers: of the CRT controller, and one each of the others.
H_DISP, V_TOTAL, OVERFLOW, MAX_SCAN, START_HI, START_LO, CURSOR_HI, CURSOR_LO = (
    1,
    6,
    7,
    9,
    12,
    13,
    14,
    15,
)
V_DISP_END, INTERLACE = 0x12, 0x1A
CLOCK_MODE, MISC, SHADOWED = 1, 6, 2
DOTS_8, HALF_CLOCK = 0x01, 0x08
SHOWN = 0x20  # of the attribute controller's index
GRAPHICS = 0x01
VBE = (
    "ID", "XRES", "YRES", "BPP", "ENABLE", "BANK", "VIRT_WIDTH", "VIRT_HEIGHT", "X_OFFSET", "Y_OFFSET", "VIDEO_MEMORY_64K",
)  # fmt: skip
XRES, YRES, BPP, ENABLE = 1, 2, 3, 4
ENABLED, WIDE_DAC = 0x01, 0x20
_VBE_BITS = bits("ENABLED GETCAPS - - - 8BIT_DAC LFB NOCLEARMEM")


def _beside(at: Value, name: str) -> Value | None:
    """A field of the same card; cirrus's are called `vga.cr` where others' are `cr`."""
    prefix = "vga." if at.name.startswith("vga.") else ""
    return (
        None if at.above is None else next((v for v in at.above if v.name == prefix + name), None)
    )


def _file(at: Value, name: str) -> bytes:
    found = _beside(at, name)
    return b"" if found is None else bytes(found.raw)


def _vbe_regs(found: Value | None) -> list[int]:
    """VBE's registers; none where it has none, or does not show what they say."""
    if found is None or found.count is None or found.count <= ENABLE:
        return []
    regs = [int(found.element(n)) for n in range(ENABLE + 1)]
    return regs if regs[ENABLE] & ENABLED else []


def _said(regs: list[int]) -> str:
    return f"{regs[XRES]}x{regs[YRES]}, {regs[BPP]} bits a pixel"


def _shown(value: Any, at: Value) -> Symbol:
    """The mode that the registers make: text or graphics, how large, where it begins."""
    sequencer, graphics, index = _file(at, "sr"), _file(at, "gr"), _beside(at, "ar_index")
    misc = MISC - SHADOWED if len(graphics) == 256 - SHADOWED else MISC
    if not isinstance(value, bytes) or len(value) <= INTERLACE or index is None:
        return Symbol()
    if len(sequencer) <= CLOCK_MODE or len(graphics) <= misc:
        return Symbol()
    if not int(index) & SHOWN:
        return Symbol("", "blank")
    if regs := _vbe_regs(_beside(at, "vbe_regs")):
        return Symbol("", f"graphics {_said(regs)}")
    columns = value[H_DISP] + 1
    lines = value[V_DISP_END] | (value[OVERFLOW] & 0x02) << 7 | (value[OVERFLOW] & 0x40) << 3
    start = value[START_HI] << 8 | value[START_LO]
    if graphics[misc] & GRAPHICS:
        # only cirrus's has the register
        twice = 2 if at.name.startswith("vga.") and value[INTERLACE] & 1 else 1
        return Symbol("", f"graphics {8 * columns}x{(lines + 1) * twice}, from {start:#x} on")
    high = (value[MAX_SCAN] & 0x1F) + 1
    wide = 16 if sequencer[CLOCK_MODE] & HALF_CLOCK else 8 if sequencer[CLOCK_MODE] & DOTS_8 else 9
    rows = 100 if value[V_TOTAL] == 100 else (lines + 1) // high
    cursor = (value[CURSOR_HI] << 8 | value[CURSOR_LO]) - start
    where = (
        f", cursor in row {cursor // columns} column {cursor % columns}"
        if 0 <= cursor < rows * columns
        else ""
    )
    return Symbol("", f"text {columns}x{rows} of {wide}x{high}, from {start:#x} on{where}")


def _color(value: Any, at: Value) -> Symbol:
    """As the web writes it; the DAC has 6 bits of each unless VBE asked for 8."""
    if not isinstance(value, bytes) or len(value) != 3:
        return Symbol()
    whole = at.above and at.above.above
    regs = _vbe_regs(_beside(whole, "vbe_regs")) if whole is not None else []
    if not (regs and regs[ENABLE] & WIDE_DAC):
        value = bytes((c & 0x3F) << 2 | 3 * (c & 1) for c in value)  # vga.c: c6_to_8
    return Symbol(f"#{value.hex()}")


def _vbe(value: Any, at: Value) -> Symbol:
    number = number_in_path(at)
    if number is None or number >= len(VBE) or not isinstance(value, int):
        return Symbol()
    if number != ENABLE:
        return Symbol(VBE[number])
    regs = _vbe_regs(at.above)
    return Symbol(
        f"{VBE[number]} {_VBE_BITS(value, at).name}".rstrip(), _said(regs) if regs else ""
    )


_CARD: Table = {
    "cr": _shown,
    "vbe_regs": _vbe,
    "vbe_index": enumeration(dict(enumerate(VBE))),
    "ar_index": bits("INDEX:5 ENABLE"),
    "msr": bits("COLOR RAM_ENABLE CLOCK:2 - PAGE HSYNC_NEGATIVE VSYNC_NEGATIVE"),
    "st01": bits("DISABLED - - VRETRACE"),
    "is_vbe_vmstate": enumeration({0: ("", "no VBE"), 1: ("", "with VBE")}),
    "sr/clock_mode": bits("8DOTS - LOAD2 HALF_CLOCK LOAD4 SCREEN_OFF"),
    "sr/plane_write": bits("PLANE0 PLANE1 PLANE2 PLANE3"),
    "sr/memory_mode": bits("- EXTENDED SEQUENTIAL CHAIN4"),
    "gr/data_rotate": bits("COUNT:3 FUNCTION:2"),
    "gr/mode": bits("WRITE:2 - READ ODD_EVEN SHIFT:2"),
    "gr/misc": bits("GRAPHICS ODD_EVEN MAP:2"),
    "ar/mode": bits("GRAPHICS MONO LINE_GRAPHICS BLINK - PANNING 8BIT P54"),
    "cr/max_scan": bits("LINES:5 V_BLANK9 LINE_COMPARE9 DOUBLE"),
    "cr/cursor_start": bits("LINE:5 OFF"),
    "cr/mode": bits("MAP13 MAP14 H_RETRACE2 COUNT2 - WRAP BYTE ENABLE"),
    "palette/color": _color,
}  # fmt: skip
# On ISA the card is the whole device.
VGA: Table = {
    f"{where}{name}": of
    for where in ("", "vga/", "vga.", "cirrus_vga/vga.")
    for name, of in _CARD.items()
}
QXL: Table = {
    **VGA,
    "mode": enumeration({0: "UNDEFINED", 1: "VGA", 2: "COMPAT", 3: "NATIVE"}),
    "guest_primary.surface/format": enumeration(
        {1: "1_A", 8: "8_A", 16: "16_555", 80: "16_565", 32: "32_xRGB", 96: "32_ARGB"}
    ),
}


def _fourcc(value: Any, _: Value) -> Symbol:
    """A format of Linux's DRM, named by four characters, the lowest byte first."""
    if not isinstance(value, int) or not 0 < value < 1 << 32:
        return Symbol()
    name = value.to_bytes(4, "little")
    return Symbol(name.decode("ascii")) if name.isalnum() else Symbol()


RAMFB: Table = {"*/fourcc": _fourcc}
