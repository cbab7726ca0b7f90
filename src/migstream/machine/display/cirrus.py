"""Cirrus Logic GD54xx: VGA with modes and a cursor of its own.

References: QEMU, hw/display/cirrus_vga.c: cirrus_get_params, cirrus_get_bpp, cirrus_get_resolution,
cirrus_cursor_draw_line.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from migstream.errors import Unsupported
from migstream.machine.display import vga
from migstream.machine.display.model import Bytes, Guest, Head
from migstream.machine.display.registers import OFFSET, Mode, Registers, mode, registers
from migstream.machine.isavga import is_isa_cirrus
from migstream.machine.state import DeviceState, child, number

if TYPE_CHECKING:
    from migstream.machine.display.model import Picture
    from migstream.vmstate.values import Value

__all__ = ["heads"]

EXTENDED = 7  # sr: CIRRUS_SR7_BPP_*
DEPTHS = {0x0: 8, 0x2: 16, 0x4: 24, 0x6: 16, 0x8: 32}
CURSOR, PATTERN = 0x12, 0x13  # sr
SHOW, LARGE = 0x01, 0x04
PATTERNS = 16 << 10  # bytes at the end of video memory
INVERTED, FIRST, SECOND = 1, 2, 3  # what the pointer's two bits say
# What drivers make of them: cirrus_hidden_palette is not in the state that QEMU saves
BLACK, WHITE = 0x00, 0xFF


def heads(guest: Guest, device: DeviceState) -> Iterator[Head]:
    """The one head of a Cirrus adapter."""
    if is_isa_cirrus(device):
        raise Unsupported(vga.NOT_SAVED)
    value = child(device.value, "cirrus_vga") or device.value
    regs = registers(value, big=False, prefix="vga.")
    name, memory = vga.video_memory(guest, device)
    one = vga.head(device.path, regs, _mode(regs, value), (name, memory))
    if one.display.columns is not None:
        yield one  # it is not drawn over text
    else:
        yield Head(one.display, lambda: _with_cursor(one.picture(), regs, value, memory))


def _mode(regs: Registers, value: Value) -> Mode:
    """VGA's, with the extended bits of size and start."""
    cr, found = regs.cr, mode(regs)
    depth = 0
    if regs.sr[EXTENDED] & 1:
        depth = DEPTHS.get(regs.sr[EXTENDED] & 0xE, 8)
        if depth == 16 and (number(value, "cirrus_hidden_dac_data") or 0) & 0xF != 1:
            depth = 15
    start = (
        found.start // 4 | (cr[0x1B] & 1) << 16 | (cr[0x1B] & 0xC) << 15 | (cr[0x1D] & 0x80) << 12
    )
    return msgspec.structs.replace(
        found,
        depth=depth,
        start=4 * start,
        line=(cr[OFFSET] | (cr[0x1B] & 0x10) << 4) << 3,
        height=found.height << (found.kind == "graphics" and cr[0x1A] & 1),
    )


def _with_cursor(picture: Picture, regs: Registers, value: Value, memory: Bytes) -> Picture:
    """Draw the pointer: two planes of bits say where the picture shows, is inverted, or has one of two colours."""
    if not regs.sr[CURSOR] & SHOW:
        return picture
    side = 64 if regs.sr[CURSOR] & LARGE else 32
    at = memory.size - PATTERNS
    at += (regs.sr[PATTERN] & (0x3C if side == 64 else 0x3F)) * 256
    if at < 0 or at + side * side // 4 > memory.size:
        return picture
    raw = np.frombuffer(memory.read(at, at + side * side // 4), np.uint8)
    # of the large one each row has its two planes, of the small one all rows of the first come first
    planes = raw.reshape(side, 2, 8).swapaxes(0, 1) if side == 64 else raw.reshape(2, side, 4)
    bits = np.unpackbits(planes, axis=-1)
    x, y = (number(value, f"vga.hw_cursor_{axis}") or 0 for axis in "xy")
    part = picture[y : y + side, x : x + side]
    codes = (bits[0] | bits[1] << 1)[: part.shape[0], : part.shape[1]]
    part[codes == INVERTED] ^= 0xFF
    part[codes == FIRST] = BLACK
    part[codes == SECOND] = WHITE
    return picture
