"""VGA's colours: the attribute controller's sixteen, and the DAC's 256.

References: QEMU, hw/display/vga.c: update_palette16, update_palette256; vga_int.h: c6_to_8.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from migstream.machine.display.registers import ATC_MODE, COLOR_PAGE, DAC_8BIT, ENABLE, Registers

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["palette16", "palette256", "spread"]


def spread(raw: bytes) -> NDArray[np.uint8]:
    """Colours of six bits each, as (n, 3) of eight: the lowest bit is repeated below."""
    six = np.frombuffer(raw, np.uint8).reshape(-1, 3) & np.uint8(0x3F)
    low = six & np.uint8(1)
    return six << np.uint8(2) | low * np.uint8(3)


def palette16(regs: Registers) -> NDArray[np.uint8]:
    """(16, 3): the attribute controller picks them out of the DAC's."""
    own = np.frombuffer(regs.ar, np.uint8)[:16]
    page = regs.ar[COLOR_PAGE]
    if regs.ar[ATC_MODE] & 0x80:
        index = (page & 0xF) << 4 | own & 0xF
    else:
        index = (page & 0xC) << 4 | own & 0x3F
    found: NDArray[np.uint8] = spread(regs.palette[:768])[index]
    return found


def palette256(regs: Registers) -> NDArray[np.uint8]:
    """(256, 3) of the DAC, of eight bits where VBE has made it so."""
    if regs.vbe[ENABLE] & DAC_8BIT:
        return np.frombuffer(regs.palette, np.uint8)[:768].reshape(256, 3)
    return spread(regs.palette[:768])
