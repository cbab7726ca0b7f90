"""What boards have: ARM's UART and clock, a clock of Goldfish.

References: ARM DDI 0183, 0224; QEMU, hw/char/pl011.c, hw/rtc/pl031.c.
"""

from __future__ import annotations

from migstream.vmstate.meaning.symbols.model import (
    Table,
    bits,
    date,
)

__all__ = ["GOLDFISH_RTC", "PL011", "PL031"]

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
