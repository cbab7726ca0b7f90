"""What boards have: VGA, ARM's UART and clock.

References: VESA and bochs VBE (QEMU, hw/display/vga_int.h); ARM DDI 0183, 0224; QEMU, hw/char/pl011.c, hw/rtc/pl031.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migstream.vmstate.meaning.symbols.model import (
    Symbol,
    Table,
    bits,
    date,
    enumeration,
    number_in_path,
)

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["GOLDFISH_RTC", "PL011", "PL031", "VGA"]

VBE = (
    "ID", "XRES", "YRES", "BPP", "ENABLE", "BANK", "VIRT_WIDTH", "VIRT_HEIGHT", "X_OFFSET", "Y_OFFSET", "VIDEO_MEMORY_64K",
)  # fmt: skip
VBE_ENABLE = 4


def _vbe(value: Any, at: Value) -> Symbol:
    number = number_in_path(at)
    if number is None or number >= len(VBE) or not isinstance(value, int):
        return Symbol()
    said = bits("ENABLED GETCAPS - - - 8BIT_DAC LFB NOCLEARMEM")(value, at).name
    return Symbol(f"{VBE[number]} {said}".rstrip() if number == VBE_ENABLE else VBE[number])


VGA: Table = {
    "*/vbe_regs": _vbe,
    "*/vbe_index": enumeration(dict(enumerate(VBE))),
    "*/msr": bits("COLOR RAM_ENABLE CLOCK:2 - PAGE HSYNC_NEGATIVE VSYNC_NEGATIVE"),
    "*/st01": bits("DISABLED - - VRETRACE"),
    "*/is_vbe_vmstate": enumeration({0: ("", "no VBE"), 1: ("", "with VBE")}),
}
_INTERRUPTS = bits("RI CTS DCD DSR RX TX RT FE PE BE OE")
PL011: Table = {
    "flags": bits("CTS DSR DCD BUSY RXFE TXFF RXFF TXFE RI"),
    "lcr": bits("BRK PEN EPS STP2 FEN WLEN:2 SPS"),
    "cr": bits("UARTEN SIREN SIRLP -:4 LBE TXE RXE DTR RTS OUT1 OUT2 RTSEN CTSEN"),
    "int_enabled": _INTERRUPTS,
    "int_level": _INTERRUPTS,
    "rsr": bits("FE PE BE OE"),
    "dmacr": bits("RXDMAE TXDMAE DMAONERR"),
}
PL031: Table = {"tick_offset_vmstate": date()}
GOLDFISH_RTC: Table = {"tick_offset": date(10**9), "tick_offset_vmstate": date(10**9)}
