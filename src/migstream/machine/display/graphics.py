"""VGA's graphics modes: planes, CGA's two bits, the DAC's bytes, and VBE's direct colours.

References: QEMU, hw/display/vga.c: vga_draw_graphic; hw/display/vga-helpers.h.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from migstream.machine.display.palette import palette16, palette256
from migstream.machine.display.pixels import gather, rgb, vga_format
from migstream.machine.display.registers import (
    CLOCK_MODE,
    CRTC_MODE,
    GFX_MODE,
    MAX_SCAN,
    PLANE_ENABLE,
    Mode,
    Registers,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from migstream.machine.display.model import Bytes, Picture

    Array = NDArray[np.uint8]

__all__ = ["colours", "doubled", "picture"]

PLANES, CGA, BYTES = range(3)  # shift_control
WINDOW = 256 << 10  # four planes: where VGA's own modes begin again
NEUTRAL = 8  # a panning of no pixels


def _shift(regs: Registers, mode: Mode) -> int:
    """How bytes are shifted out; a VBE mode sets it (vbe_update_vgaregs)."""
    if mode.vbe:
        return PLANES if mode.depth == 4 else BYTES
    return min(regs.gr[GFX_MODE] >> 5 & 3, BYTES)


def doubled(regs: Registers, mode: Mode) -> bool:
    """Whether every pixel is shown twice, and the picture is twice as wide as the registers say."""
    return not mode.vbe and _shift(regs, mode) != BYTES and bool(regs.sr[CLOCK_MODE] & 8)


def colours(regs: Registers, mode: Mode) -> str:
    """In a few words."""
    shift = _shift(regs, mode)
    if shift == BYTES:
        return f"{mode.depth} bits" if mode.depth > 8 else "256 colours"
    return "4 colours" if shift == CGA else "16 colours"


def _starts(regs: Registers, mode: Mode) -> list[int]:
    """Where in video memory each line of the picture begins."""
    control = 3 if mode.vbe else regs.cr[CRTC_MODE]
    repeat = _repeated(regs, mode)
    mask = control & 3 ^ 3
    starts, at, line, run = [], mode.start, 0, repeat
    for row in range(mode.height):
        here = at
        if not control & 1:  # CGA: odd lines are a bank of their own
            shift = 14 + (control >> 6 & 1)
            here = here & ~(1 << shift) | (line & 1) << shift
        if not control & 2:
            here = here & ~0x8000 | (line & 2) << 14
        starts.append(here)
        if run:
            run -= 1
        else:
            if line & mask == mask:
                at += mode.line
            line, run = line + 1, repeat
        if row == mode.line_compare:
            at = 0
    return starts


def _repeated(regs: Registers, mode: Mode) -> int:
    """How often each line is shown once more."""
    if mode.vbe:
        return 0
    scan = regs.cr[MAX_SCAN]
    if not regs.cr[CRTC_MODE] & 1:  # with banks of lines, as CGA has them
        return scan >> 7
    return ((scan & 0x1F) + 1 << (scan >> 7)) - 1


def picture(regs: Registers, mode: Mode, vram: Bytes) -> Picture:
    """A screen in a graphics mode."""
    starts = _starts(regs, mode)
    if mode.depth > 8:
        form = vga_format(mode.depth, big=regs.big_endian)
        return rgb(gather(vram, starts, mode.width * form.size, vram.size), form)
    split = mode.line_compare + 1 if mode.hpel_split else len(starts)
    parts = ((starts[:split], mode.hpel), (starts[split:], NEUTRAL))
    return np.concatenate([_lines(regs, mode, vram, *part) for part in parts if part[0]])


def _lines(regs: Registers, mode: Mode, vram: Bytes, starts: list[int], hpel: int) -> Picture:
    """Lines of indexed colours, from the pixel `hpel` on."""
    shift = _shift(regs, mode)
    groups = mode.width // 8 + 1  # of eight pixels: one more, to pan into
    wrap = vram.size if mode.depth == 8 or mode.vbe else WINDOW
    each = 8 if mode.depth == 8 else 4
    raw = gather(vram, starts, each * groups, wrap)
    if shift == BYTES:
        pixels, table, skip = raw, palette256(regs), hpel >> 1 & 3
        double = mode.depth != 8
    else:
        masked = raw.reshape(len(starts), groups, 4) & _plane_mask(regs)
        pixels = _cga(masked) if shift == CGA else _planes(masked)
        table, skip, double = palette16(regs), hpel & 7, doubled(regs, mode)
    if double:
        pixels, skip = pixels.repeat(2, axis=1), 2 * skip
    width = mode.width // 8 * 8 << doubled(regs, mode)
    shown: Picture = table[pixels[:, skip : skip + width]]
    return shown


def _plane_mask(regs: Registers) -> Array:
    return np.array([255 * (regs.ar[PLANE_ENABLE] >> n & 1) for n in range(4)], np.uint8)


def _planes(raw: Array) -> Array:
    """A bit of each of the four planes is a pixel (vga_draw_line4)."""
    bits = np.unpackbits(raw[..., None], axis=-1)
    weights = np.array([1, 2, 4, 8], np.uint8)[:, None]
    pixels: Array = (bits * weights).sum(axis=2, dtype=np.uint8)
    return pixels.reshape(len(raw), -1)


def _cga(raw: Array) -> Array:
    """Two bits of planes 0 and 2, then of 1 and 3 (vga_draw_line2)."""
    pairs = np.stack([raw >> np.uint8(n) & np.uint8(3) for n in (6, 4, 2, 0)], axis=-1)
    pixels = np.bitwise_or(pairs[:, :, :2], np.left_shift(pairs[:, :, 2:], np.uint8(2)))
    return np.asarray(pixels, np.uint8).reshape(len(raw), -1)
