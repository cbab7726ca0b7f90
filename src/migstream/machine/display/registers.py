"""VGA's registers in a device's state, and the mode that they amount to.

References: QEMU, hw/display/vga.c: vga_get_params, vga_get_resolution, vga_get_text_resolution, vbe_fixup_regs,
vbe_update_vgaregs; FreeVGA.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from migstream.machine.display.model import held
from migstream.machine.state import child, number

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["Mode", "Registers", "mode", "registers"]

# Registers by QEMU's names (hw/display/vga_regs.h, bochs-vbe.h), and bits of them
CLOCK_MODE, CHARACTER_MAP = 1, 3  # sr
GFX_MODE, GFX_MISC = 5, 6  # gr
H_DISP, V_TOTAL, OVERFLOW, MAX_SCAN = 1, 6, 7, 9  # cr
CURSOR_START, CURSOR_END, START_HI, START_LO, CURSOR_HI, CURSOR_LO = range(0x0A, 0x10)
V_DISP_END, OFFSET, CRTC_MODE, LINE_COMPARE = 0x12, 0x13, 0x17, 0x18
ATC_MODE, PLANE_ENABLE, PEL, COLOR_PAGE = 0x10, 0x12, 0x13, 0x14  # ar
XRES, YRES, BPP, ENABLE = 1, 2, 3, 4  # vbe
SIZES = {"sr": 8, "ar": 21, "cr": 256, "palette": 768}
GR = 16
VBE = 10  # 16-bit registers
ENABLED, DAC_8BIT = 0x01, 0x20  # of ENABLE
VIDEO = 0x20  # of ar_index: the palette is not being written
NEVER = 65535  # a line compare that no picture has
DEPTHS = {4, 8, 15, 16, 24, 32}


class Registers(msgspec.Struct, frozen=True, kw_only=True):
    """A VGA's registers by their numbers, as QEMU keeps them; `vbe_start` counts in units of 4 bytes."""

    sr: bytes
    gr: bytes
    ar: bytes
    cr: bytes
    palette: bytes
    ar_index: int
    vbe: tuple[int, ...] = (0,) * VBE
    vbe_start: int = 0
    vbe_line: int = 0
    big_endian: bool = False

    @property
    def vbe_enabled(self) -> bool:
        return bool(self.vbe[ENABLE] & ENABLED)


class Mode(msgspec.Struct, frozen=True, kw_only=True):
    """What the registers amount to.

    `kind` is "blank", "text" or "graphics". `width` and `height` are in cells in a text mode, in pixels else,
    before pixels are doubled. `depth` is 0 in a mode of VGA's own. `start` and `line` are bytes.
    """

    kind: str
    width: int
    height: int
    start: int
    line: int
    line_compare: int
    depth: int = 0
    vbe: bool = False
    hpel: int = 0
    hpel_split: bool = False


def registers(value: Value, *, big: bool, prefix: str = "") -> Registers:
    """The registers in a VGA's state; raises Unsupported.

    Parameters
    ----------
    big : whether the target is big-endian, which a framebuffer is, too, where its state does not say
    prefix : what the fields' names begin with
    """
    raw = {name: held(value, f"{prefix}{name}", size) for name, size in SIZES.items()}
    gr = held(value, f"{prefix}gr", GR)
    if prefix:  # Cirrus keeps the first two apart: vmstate_cirrus_vga
        first = (number(value, f"cirrus_shadow_gr{n}") or 0 for n in (0, 1))
        gr = bytes(first) + gr
    rest: dict[str, object] = {}
    if number(value, "is_vbe_vmstate"):
        vbe = held(value, "vbe_regs", 2 * VBE)
        rest = {
            "vbe": tuple(int.from_bytes(vbe[at : at + 2], "big") for at in range(0, 2 * VBE, 2)),
            "vbe_start": number(value, "vbe_start_addr") or 0,
            "vbe_line": number(value, "vbe_line_offset") or 0,
        }
    other = child(value, "vga.endian", "big_endian_fb")
    order = big if other is None else bool(other.value)
    index = number(value, f"{prefix}ar_index") or 0
    return msgspec.convert(
        {**raw, "gr": gr, "ar_index": index, "big_endian": order, **rest}, Registers
    )


def mode(regs: Registers) -> Mode:
    """What a standard VGA shows."""
    cr = regs.cr
    if regs.vbe_enabled:
        depth = regs.vbe[BPP]
        return Mode(
            kind="graphics" if regs.ar_index & VIDEO else "blank",
            width=regs.vbe[XRES],
            height=regs.vbe[YRES],
            start=4 * regs.vbe_start,
            line=regs.vbe_line,
            line_compare=NEVER,
            depth=depth if depth in DEPTHS else 8,
            vbe=True,
        )
    text = not regs.gr[GFX_MISC] & 1
    return Mode(
        kind="blank" if not regs.ar_index & VIDEO else "text" if text else "graphics",
        width=cr[H_DISP] + 1 if text else 8 * (cr[H_DISP] + 1),
        height=_rows(cr) if text else _lines(cr),
        start=4 * (cr[START_HI] << 8 | cr[START_LO]),
        line=cr[OFFSET] << 3,
        line_compare=cr[LINE_COMPARE] | (cr[OVERFLOW] & 0x10) << 4 | (cr[MAX_SCAN] & 0x40) << 3,
        hpel=regs.ar[PEL],
        hpel_split=bool(regs.ar[ATC_MODE] & 0x20),
    )


def _lines(cr: bytes) -> int:
    return (cr[V_DISP_END] | (cr[OVERFLOW] & 0x02) << 7 | (cr[OVERFLOW] & 0x40) << 3) + 1


def _rows(cr: bytes) -> int:
    """Of a text mode; 100 of them is CGA's 160x100 (vga_get_text_resolution)."""
    return 100 if cr[V_TOTAL] == 100 else _lines(cr) // ((cr[MAX_SCAN] & 0x1F) + 1)
