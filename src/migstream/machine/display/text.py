"""VGA's text modes: characters and attributes drawn with the font in plane 2.

References: QEMU, hw/display/vga.c: vga_draw_text, vga_get_text_resolution; hw/display/vga-helpers.h.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from migstream.machine.display.palette import palette16
from migstream.machine.display.pixels import gather
from migstream.machine.display.registers import (
    ATC_MODE,
    CHARACTER_MAP,
    CLOCK_MODE,
    CURSOR_END,
    CURSOR_HI,
    CURSOR_LO,
    CURSOR_START,
    MAX_SCAN,
    Mode,
    Registers,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from migstream.machine.display.model import Bytes, Picture

    Array = NDArray[np.uint8]

__all__ = ["cell", "cells", "lines", "picture"]

FONT = 8192  # bytes of plane 2: 256 characters of 32 rows
BLINK = 0x08  # of ATC_MODE: the attribute's highest bit
LINE_GRAPHICS = (0xB0, 0xDF)  # characters whose eighth dot may be repeated in the ninth
# Code page 437 as it is drawn: Python's codec has controls below a space, where there are pictures
LOW = " ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼"
CHARACTERS = LOW + bytes(range(0x20, 0x7F)).decode() + "⌂" + bytes(range(0x80, 0x100)).decode("cp437")  # fmt: skip


def cell(regs: Registers) -> tuple[int, int]:
    """Height and width of a character in dots."""
    height = (regs.cr[MAX_SCAN] & 0x1F) + 1
    clock = regs.sr[CLOCK_MODE]
    return height, 16 if clock & 8 else 8 if clock & 1 else 9


def _starts(regs: Registers, mode: Mode) -> list[int]:
    """Where each row begins; the one that reaches the line compare is followed by the beginning of memory."""
    tall = cell(regs)[0]
    starts, at = [], mode.start
    for row in range(mode.height):
        starts.append(at)
        at += mode.line
        if row * tall < mode.line_compare <= (row + 1) * tall:
            at = 0
    return starts


def cells(regs: Registers, mode: Mode, vram: Bytes) -> Array:
    """Characters and attributes, shape (rows, columns, 2): planes 0 and 1."""
    raw = gather(vram, _starts(regs, mode), 4 * mode.width, vram.size)
    return raw.reshape(mode.height, mode.width, 4)[:, :, :2]


def lines(found: Array) -> list[str]:
    """The characters as Unicode, a line for each row, without the blanks behind it."""
    return ["".join(CHARACTERS[n] for n in row).rstrip() for row in found[:, :, 0].tolist()]


def _fonts(regs: Registers, vram: Bytes) -> Array:
    """The two fonts in use, shape (2, 256, 32)."""
    chosen = regs.sr[CHARACTER_MAP]
    which = (chosen >> 4 & 1 | chosen << 1 & 6, chosen >> 5 & 1 | chosen >> 1 & 6)
    raw = gather(vram, [4 * FONT * n for n in which], 4 * FONT, vram.size)
    return raw.reshape(2, 256, 32, 4)[:, :, :, 2]


def picture(regs: Registers, mode: Mode, vram: Bytes, *, cursor: bool = True) -> Picture:
    """A text screen, with the cursor and what blinks as they are while they are seen.

    Where characters blink, attributes have eight backgrounds: QEMU has known that since 11.1.
    """
    tall, wide = cell(regs)
    found = cells(regs, mode, vram)
    characters, attributes = found[:, :, 0], found[:, :, 1]
    glyphs = _fonts(regs, vram)[attributes >> 3 & 1, characters, :tall]
    dots = np.unpackbits(glyphs[..., None], axis=-1)  # rows, columns, tall, 8
    if wide == 9:
        low, high = LINE_GRAPHICS
        again = (characters >= low) & (characters <= high) & bool(regs.ar[ATC_MODE] & 4)
        dots = np.concatenate([dots, dots[..., 7:] & again[:, :, None, None]], axis=-1)
    elif wide == 16:
        dots = dots.repeat(2, axis=-1)
    if cursor:
        _cursor(regs, mode, dots)
    fore, back = attributes[:, :, None, None] & 15, attributes[:, :, None, None] >> 4
    if regs.ar[ATC_MODE] & BLINK:
        back = back & 7
    colours = np.where(dots, fore, back).transpose(0, 2, 1, 3)
    return palette16(regs)[colours.reshape(mode.height * tall, mode.width * wide)]


def _cursor(regs: Registers, mode: Mode, dots: Array) -> None:
    """Fill the cursor's rows in every cell that shows its place in memory."""
    cr = regs.cr
    first, last = cr[CURSOR_START] & 0x1F, cr[CURSOR_END] & 0x1F
    if cr[CURSOR_START] & 0x20:
        return
    place = 4 * (cr[CURSOR_HI] << 8 | cr[CURSOR_LO])
    for row, start in enumerate(_starts(regs, mode)):
        column = (place - start) // 4
        if 0 <= column < mode.width:
            dots[row, column, first : last + 1] = 1
