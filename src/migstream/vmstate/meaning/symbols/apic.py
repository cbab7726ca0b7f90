"""Interrupt controllers of a PC: local APIC and IOAPIC.

References: Intel SDM 3, 11.4 to 11.8; Intel 82093AA; QEMU, hw/intc/apic_common.c, ioapic_common.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migstream.vmstate.meaning.symbols.model import (
    Symbol,
    Table,
    address,
    bits,
    enumeration,
    number_in_path,
)

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["APIC", "IOAPIC"]

LVT = ("TIMER", "THERMAL", "PERF", "LINT0", "LINT1", "ERROR")
DELIVERY = ("FIXED", "LOWEST", "SMI", "mode 3", "NMI", "INIT", "SIPI", "EXTINT")
TIMER = ("ONE_SHOT", "PERIODIC", "TSC_DEADLINE", "timer mode 3")
MASKED, LEVEL, REMOTE_IRR, LOW, PENDING, LOGICAL = (
    1 << 16,
    1 << 15,
    1 << 14,
    1 << 13,
    1 << 12,
    1 << 11,
)


def _entry(value: int) -> list[str]:
    """What the entries of both have in common."""
    said = [f"vector {value & 0xFF:#x}", DELIVERY[value >> 8 & 7]]
    names = ((PENDING, "PENDING"), (LOW, "LOW"), (REMOTE_IRR, "IRR"), (LEVEL, "LEVEL"))
    return said + [name for bit, name in names if value & bit]


def _lvt(value: Any, at: Value) -> Symbol:
    number = number_in_path(at)
    if not isinstance(value, int) or number is None or number >= len(LVT):
        return Symbol()
    said = [LVT[number], *_entry(value)]
    if number == 0:
        said.append(TIMER[value >> 17 & 3])
    return Symbol(" ".join([*said, "MASKED"] if value & MASKED else said))


def _redirection(value: Any, _: Value) -> Symbol:
    if not isinstance(value, int):
        return Symbol()
    said = _entry(value)
    if value & MASKED:
        said.append("MASKED")
    kind = "logical" if value & LOGICAL else "physical"
    return Symbol(" ".join([*said, f"to {kind} {value >> 56 & 0xFF:#x}"]))


def _vectors(value: Any, at: Value) -> Symbol:
    """32 bits of 256, one for each vector."""
    number = number_in_path(at)
    if not isinstance(value, int) or number is None:
        return Symbol()
    return Symbol(" ".join(f"{32 * number + n:#x}" for n in range(32) if value >> n & 1))


def _command(value: Any, at: Value) -> Symbol:
    """Two words of 32 bits: what is sent, and to whom."""
    if not isinstance(value, int) or not value:
        return Symbol()
    if number_in_path(at) == 1:
        return Symbol(f"to {value >> 24:#x}")
    said = _entry(value & ~REMOTE_IRR)
    if value & LOGICAL:
        said.append("logical")
    return Symbol(" ".join([*said, ("", "self", "all", "all but self")[value >> 18 & 3]]).rstrip())


# Of the bus clock, by the bits 0, 1 and 3
DIVISORS = {
    0b0000: 2,
    0b0001: 4,
    0b0010: 8,
    0b0011: 16,
    0b1000: 32,
    0b1001: 64,
    0b1010: 128,
    0b1011: 1,
}

APIC: Table = {
    "apicbase": address("-:8 BSP - X2APIC ENABLE", 12),
    "spurious_vec": bits("VECTOR:8 ENABLE FOCUS_OFF -:2 EOI_SUPPRESS"),
    "dest_mode": enumeration({0x0: "CLUSTER", 0xF: "FLAT"}),
    "lvt": _lvt,
    "icr": _command,
    "divide_conf": enumeration({code: f"1/{by}" for code, by in DIVISORS.items()}),
    "isr": _vectors,
    "tmr": _vectors,
    "irr": _vectors,
    "esr": bits("SEND_CS RECEIVE_CS SEND_ACCEPT RECEIVE_ACCEPT - SEND_VECTOR RECEIVE_VECTOR REGISTER"),
    "timer_expiry": enumeration({-1: ("", "not armed")}),
}  # fmt: skip
IOAPIC: Table = {
    "ioredtbl": _redirection,
    "irr": bits(" ".join(f"IRQ{n}" for n in range(24))),
    "ioregsel": enumeration({0: "ID", 1: "VERSION", 2: "ARBITRATION"}),
}
