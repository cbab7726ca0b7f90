"""Registers of s390x CPUs, and the clock that they share.

References: z/Architecture SA22-7832, 4 and 5; QEMU, target/s390x/cpu.h, hw/s390x/tod.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migstream.vmstate.meaning.symbols.model import (
    Symbol,
    Symbols,
    Table,
    bits,
    called,
    date,
    enumeration,
    labelled,
    number_in_path,
)

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["CPU", "TOD"]

EPOCH = 2_208_988_800  # seconds from 1900, where the clock begins, to 1970
SECOND = 4_096_000_000  # of its units: bit 51 is a microsecond
NEVER = (1 << 64) - 1
_DATE = date()


def _clock(value: Any, at: Value) -> Symbol:
    """A time of the clock's; before 1970 it was never set."""
    if not isinstance(value, int) or not 0 <= value < NEVER:
        return Symbol()
    return _DATE(value // SECOND - EPOCH, at)


def _comparator(value: Any, at: Value) -> Symbol:
    return Symbol("", "never") if value == NEVER else _clock(value, at)


def _timer(value: Any, _: Value) -> Symbol:
    """What is left of it, which may be less than nothing."""
    if not isinstance(value, int) or not value:
        return Symbol()
    signed = value - (1 << 64) if value >> 63 else value
    return Symbol("", f"{signed / SECOND:.6f} s left")


_PSW_MASK = bits(
    "-:31 BA EA -:7 PROGRAM_MASK:4 CC:2 AS:2 PROBLEM WAIT MCHECK - KEY:4 EXT IO DAT -:3 PER"
)
_CR0 = bits(
    "-:2 CRYPTO - TIMING_ALERT MEASUREMENT_ALERT INTERRUPT_KEY . - SERVICE_SIGNAL CPU_TIMER CLOCK_COMPARATOR - EXTERNAL_CALL"
    " EMERGENCY_SIGNAL MALFUNCTION_ALERT - VECTOR AFP ASN_LX IEP -:2 EDAT STORAGE_OVERRIDE FETCH_OVERRIDE SECONDARY_SPACE"
    " EXTRACTION LOW_PROTECTION TOD_SYNC SSM -:2 WARNING_TRACK -:20 PIFO TXC"
)
_SPACE = bits("LENGTH:2 .:2 - REAL_SPACE SPACE_SWITCH ALT_EVENT PRIVATE SUBSPACE")
SPACES = (
    "SEGMENTS",
    "REGION3",
    "REGION2",
    "REGION1",
)  # which tables the first one's entries lead to


def _space(value: Any, at: Value) -> Symbol:
    """An address-space-control element."""
    if not isinstance(value, int) or not value:
        return Symbol()
    flags = _SPACE(value & 0xFFF, at).name
    return Symbol(
        " ".join(filter(None, (SPACES[value >> 2 & 3], flags, f"table at {value & ~0xFFF:#x}")))
    )


# Of the control registers, those whose contents are the same on every machine
CONTROLS: dict[int, Symbols] = {
    0: _CR0,
    1: _space,
    7: _space,
    13: _space,
    14: bits("-:24 WARNING EXTERNAL_DAMAGE DEGRADATION RECOVERY CHANNEL_REPORT"),
}


def _control(value: Any, at: Value) -> Symbol:
    number = number_in_path(at)
    known = None if number is None else CONTROLS.get(number)
    said = Symbol() if known is None else known(value, at)
    return said if number is None else called(f"CR{number}", said)


CPU: Table = {
    "env.regs": labelled(" ".join(f"r{n}" for n in range(16))),
    "env.aregs": labelled(" ".join(f"ar{n}" for n in range(16))),
    "env.cregs": _control,
    "env.psw.mask": _PSW_MASK,
    "env.ckc": _comparator,
    "env.cputm": _timer,
    "env.pfault_token": enumeration({NEVER: ("", "none")}),
    "*/env.fpc": bits("RM:3 -:5 DXC:8 -:3 SX SU SO SZ SI -:3 IMX IMU IMO IMZ IMI"),
    "*/env.cpu_state": enumeration(
        {0: "UNINITIALIZED", 1: "STOPPED", 2: "CHECK_STOP", 3: "OPERATING", 4: "LOAD"}
    ),
}
TOD: Table = {
    "*/present": enumeration({0: "MISSING", 1: "PRESENT"}),
    "*/tod_low": _clock,
}
