"""Registers of Power CPUs, and the interrupt controllers of pseries machines.

References: Power ISA 3.1, books I and III; PAPR+ 2.13, B; QEMU, target/ppc/cpu.h, mmu-hash64.h, include/hw/ppc/xics.h.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migstream.vmstate.meaning.sprs import PVR, names_of
from migstream.vmstate.meaning.symbols.model import (
    Bits,
    Symbol,
    Table,
    beside,
    bits,
    called,
    labelled,
    number_in_path,
)

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["CPU"]

# --- special-purpose registers -------------------------------------------------------------------------

PROCESSORS = {
    0x0008: "750", 0x000C: "7400", 0x0039: "970", 0x003C: "970FX", 0x003F: "POWER7", 0x0044: "970MP", 0x004A: "POWER7+",
    0x004B: "POWER8E", 0x004C: "POWER8NVL", 0x004D: "POWER8", 0x004E: "POWER9", 0x0080: "POWER10", 0x0082: "POWER11",
    0x8020: "e500v1", 0x8021: "e500v2", 0x8023: "e500mc", 0x8024: "e5500", 0x8040: "e6500",
}  # fmt: skip
_MSR = bits(
    "LE RI PMM - DR IR EP AL FE1 BE SE FE0 ME FP PR EE ILE TGPR POW -:6 VR UCLE -:5 TM TS:2 -:25 HV ISF TAG SF"
)


def _pvr(value: Any, _: Value) -> Symbol:
    """Which processor it is, and its revision."""
    if not isinstance(value, int):
        return Symbol()
    known = PROCESSORS.get(value >> 16)
    return Symbol() if known is None else Symbol("", f"{known} {value >> 8 & 0xFF}.{value & 0xFF}")


# By the register's name
_HELD: Table = {
    "pvr": _pvr,
    "xer": bits(".:29 CA OV SO"),
    "dsisr": bits("-:22 DAWR - - ISSTORE - PROTECTION -:2 NOPTE"),
    "srr1": _MSR,
    "hsrr1": _MSR,
    "csrr1": _MSR,
    "mcsrr1": _MSR,
    "lpcr": bits(
        "HDICE RMI LPES1 LPES0 HEIC -:4 TC GTSE MER OEE DEE EEE HDEE PDEE LD ONL - HR EVIRT UPRT AIL:2 ILE RMLS:4 -:14 HVEE:3"
        " VRMASD:5 DPFD:3 -:5 KBV ISL VPM1 VPM0"
    ),
    "ctrl": bits("RUN"),
}


def _name(at: Value) -> str:
    """The name of the register whose value stands here; empty where this processor has none, or it is not known."""
    number = number_in_path(at)
    processor = beside(at, "env.spr", PVR)
    return "" if number is None else names_of(processor or 0).get(number, "")


def _special(value: Any, at: Value) -> Symbol:
    name = _name(at)
    known = _HELD.get(name)
    return called(name.upper(), known(value, at) if known and value else Symbol())


def _bit(bit: int, at: Value) -> str:
    known = _HELD.get(_name(at))
    return known.name(bit, at) if isinstance(known, Bits) else ""


# --- the segment lookaside buffer ----------------------------------------------------------------------

SLB_VALID, SLB_FLAGS = 1 << 27, ((11, "Ks"), (10, "Kp"), (9, "N"), (8, "L"), (7, "C"))
SEGMENTS = {0: (12, 28, "256M"), 1: (24, 40, "1T")}  # by B: where VSID and ESID begin, and the size


def _segment(value: Any, _: Value) -> Symbol:
    """An entry: which effective segment is which virtual one."""
    if (
        not isinstance(value, tuple)
        or len(value) != 2
        or not all(isinstance(one, int) for one in value)
    ):
        return Symbol()
    esid, vsid = value
    if not esid & SLB_VALID:
        return Symbol()
    size = SEGMENTS.get(vsid >> 62 & 3)
    if size is None:
        return Symbol("V")
    low, high, word = size
    flags = [name for bit, name in SLB_FLAGS if vsid >> bit & 1]
    return Symbol(
        " ".join(
            [
                "V",
                f"{esid >> high << high:#x}",
                f"VSID={(vsid & (1 << 62) - 1) >> low:#x}",
                word,
                *flags,
            ]
        )
    )


CPU: Table = {
    "env.gpr": labelled(" ".join(f"r{n}" for n in range(32))),
    "env.crf": labelled(" ".join(f"cr{n}" for n in range(8)), bits("SO EQ GT LT")),
    "env.msr": _MSR,
    "env.spr": Bits(_special, _bit),
    "*/env.fpscr": bits(
        "RN:2 NI XE ZE UE OE VE VXCVI VXSQRT VXSOFT - FU FE FG FL C FI FR VXVC VXIMZ VXZDZ VXIDI VXISI VXSNAN XX ZX UX OX VX"
        " FEX FX DRN:3"
    ),
    "*/vscr": bits("SAT -:15 NJ"),
    "*/env.slb": _segment,
    "*/env.sr": labelled(" ".join(f"sr{n}" for n in range(16)), bits("VSID:24 -:4 N Kp Ks T")),
}
