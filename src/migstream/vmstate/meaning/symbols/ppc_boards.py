"""What machines of PowerPC have: interrupt controllers of pseries, CUDA and serial lines of Macs, firmware's NVRAM.

References: LoPAR 1.1, C (XICS); Power ISA's XIVE; Rockwell R6522 VIA; Zilog SCC; QEMU, include/hw/ppc/xics.h, xive_regs.h,
hw/misc/mos6522.c, hw/char/escc.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migstream.vmstate.meaning.symbols.ethernet import mac
from migstream.vmstate.meaning.symbols.model import Symbol, Table, bits, enumeration, text

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["ESCC", "ICP", "ICS", "NVRAM", "SPAPR", "VIA", "XIVE_SOURCE", "XIVE_THREAD"]

MASKED = 0xFF
_PRIORITY = enumeration({MASKED: "MASKED"})
ICS: Table = {
    "irqs/flags": bits("LSI MSI"),
    "irqs/status": bits("ASSERTED SENT REJECTED MASKED_PENDING PRESENTED QUEUED"),
    "irqs/priority": _PRIORITY,
    "irqs/saved_priority": _PRIORITY,
}


def _xirr(value: Any, _: Value) -> Symbol:
    """The priority that runs now, and which interrupt is presented."""
    if not isinstance(value, int) or not value:
        return Symbol()
    return Symbol(f"CPPR={value >> 24 & 0xFF:#x} XISR={value & 0xFFFFFF:#x}")


ICP: Table = {
    "xirr": _xirr,
    "pending_priority": enumeration({MASKED: ("", "nothing waits")}),
    "mfrr": enumeration({MASKED: ("", "no interrupt of another CPU")}),
}
_STATES = ("RESET", "OFF", "PENDING", "QUEUED")


def _esb(value: Any, _: Value) -> Symbol:
    """Event state: two bits, and above them the level of the line."""
    if not isinstance(value, int):
        return Symbol()
    return Symbol(f"{_STATES[value & 3]}{' ASSERTED' * (value >> 2 & 1)}")


XIVE_SOURCE: Table = {"status/source": _esb}
XIVE_THREAD: Table = {
    "*/PIPR": enumeration({MASKED: ("", "nothing waits")}),
    "*/IPB": bits(
        "PRIORITY7 PRIORITY6 PRIORITY5 PRIORITY4 PRIORITY3 PRIORITY2 PRIORITY1 PRIORITY0"
    ),
    "regs/os/NSR": bits("-:7 EO"),
    "regs/physical/NSR": bits("GROUP:6 HE:2"),
    "*/WORD2": bits("CAM:31 VALID"),
}
_INTERRUPTS = bits("CA2 CA1 SR CB2 CB1 T2 T1 ANY")
VIA: Table = {
    "*/ifr": _INTERRUPTS,
    "*/ier": bits("CA2 CA1 SR CB2 CB1 T2 T1 SET"),
    "*/acr": bits("LATCH_A LATCH_B SHIFT:3 T2_COUNT T1:2"),
}
ESCC: Table = {
    "*/rregs/STATUS": bits("RX_AVAILABLE ZERO_COUNT TX_EMPTY DCD SYNC CTS TX_UNDERRUN BREAK"),
    "*/rregs/SPECIAL": bits("ALL_SENT RESIDUE:3 PARITY_ERROR OVERRUN FRAMING_ERROR END_OF_FRAME"),
    "*/rregs/INT_PENDING": bits("B_EXT B_TX B_RX A_EXT A_TX A_RX"),
    "*/wregs/INT_MODE": bits("EXT TX PARITY_SPECIAL RX:2 WAIT_RX WAIT_READY WAIT"),
    "*/wregs/RX_CONTROL": bits("ENABLE SYNC_LOAD_INHIBIT ADDRESS_SEARCH CRC HUNT AUTO BITS:2"),
    "*/wregs/TX_RX_MODE": bits("PARITY EVEN STOP:2 SYNC:2 CLOCK:2"),
    "*/wregs/TX_CONTROL": bits("CRC RTS SDLC ENABLE BREAK BITS:2 DTR"),
    "*/wregs/MASTER_INT": bits("VIS NV DLC ENABLE HIGH SOFT_INTACK RESET:2"),
    "*/wregs/MISC_CONTROL_2": bits("BAUD BAUD_SOURCE DTR_REQUEST ECHO LOOPBACK COMMAND:3"),
    "*/wregs/EXT_INT": bits("- ZERO_COUNT - DCD SYNC CTS TX_UNDERRUN BREAK"),
}
_VARIABLE = text()
NVRAM: Table = {
    "*/partition/signature": enumeration({0x70: "VARIABLES", 0x7F: "FREE", 0xA0: "OPERATING_SYSTEM", 0x5A: "APPLE"}),
    "*/partition/name": _VARIABLE,
    "*/partition/*": _VARIABLE,
}  # fmt: skip


def _property(value: Any, at: Value) -> Symbol:
    """The text of a property, or the texts of a list: all of it has to be letters, and the last byte a NUL."""
    if not isinstance(value, bytes):
        return Symbol()
    if at.above is not None and at.above.name.endswith("mac-address"):
        return mac(value, at)
    *texts, end = value.decode("latin-1").split("\0")
    good = not end and texts and all(one and one.isascii() and one.isprintable() for one in texts)
    return Symbol(" ".join(texts) if good else "")


SPAPR: Table = {
    "*/magic": enumeration({0xD00DFEED: ("", "a device tree")}),
    "*/name": _VARIABLE,
    "*/value": _property,
}
