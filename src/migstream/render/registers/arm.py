"""Registers of Arm as `info registers` lays them out: AArch64, AArch32, M-profile.

References
----------
QEMU, target/arm/cpu.c: ``arm_cpu_dump_state``; whether floating point is on: Arm ARM, CPACR_EL1.FPEN,
CPTR_EL2, CPTR_EL3
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from migstream.render.registers.bits import Bits
from migstream.render.registers.lines import fill, rows

__all__ = ["lines"]

Values = Mapping[str, int]

NARROW, MODE = 0x10, 0x1F
FLAGS = (("N", 31), ("Z", 30), ("C", 29), ("V", 28))
MODES = {
    0: "usr",
    1: "fiq",
    2: "irq",
    3: "svc",
    6: "mon",
    7: "abt",
    10: "hyp",
    11: "und",
    15: "sys",
}
MONITOR = 0x16
THUMB, M_THUMB, M_EXCEPTION, M_UNPRIVILEGED = 1 << 5, 1 << 24, 0x1FF, 1

SCR_NS = 1
HCR_TGE, HCR_E2H = 1 << 27, 1 << 34
NESTED = ((42, " NV"), (43, " NV1"), (45, " NV2"))  # bits of HCR_EL2
CPTR_TFP = 1 << 10
FPEN, TRAPS_EL0, TRAPS_NONE = 20, 1, 3
PFR1_BT, PFR1_SME = 0xF, 0xF << 24
BTYPE = 10
DOUBLES = {1: 16, 2: 32}  # by MVFR0.SIMDReg


def lines(values: Values, arch: str) -> list[str]:
    """Those of which all registers are known."""
    if arch == "aarch64" and "r0" not in values:
        return fill(_long(values), Bits(values), 8)
    cells = (f"R{n:02}={{r{n}}}" for n in range(16))
    status = _m_status(values) if "xpsr" in values else _status(values)
    return fill((*rows(cells, 4), status, *_floating(values)), Bits(values), 8)


def _flags(status: int) -> str:
    return "".join(letter if status >> bit & 1 else "-" for letter, bit in FLAGS)


def _security(values: Values) -> str:
    """The state of a CPU that has EL3."""
    scr = values.get("scr_el3")
    return "" if scr is None else "NS " if scr & SCR_NS else "S "


# --- AArch64 -------------------------------------------------------------------------------------


def _long(values: Values) -> Iterator[str]:
    general = (f"X{n:02}={{x{n}:16}}" for n in range(31))
    yield from rows((" PC={pc:16}", *general, " SP={sp:16}"), 3)
    status = values.get("pstate", 0)
    level = status >> 2 & 3
    security = _security(values) if level < 3 else ""
    line = f"PSTATE={{pstate}} {_flags(status)} {security}EL{level}{'h' if status & 1 else 't'}"
    features = values.get("id_aa64pfr1_el1", 0)
    if features & PFR1_SME:
        svcr = values.get("svcr", 0)
        marks = ("Z" if svcr & 2 else "-") + ("S" if svcr & 1 else "-")
        line += f"  SVCR={{svcr}} {marks}"
    if features & PFR1_BT:
        line += f"  BTYPE={status >> BTYPE & 3}"
    hcr = values.get("hcr_el2", 0)
    line += "".join(mark for bit, mark in NESTED if hcr >> bit & 1)
    if _is_trapped(values, level):
        yield f"{line}    FPU disabled"
        return
    yield f"{line}     FPCR={{fpcr}} FPSR={{fpsr}}"
    yield from rows((f"Q{n:02}={{v{n}@64:16}}:{{v{n}:16}}" for n in range(32)), 2)


def _is_trapped(values: Values, level: int) -> bool:
    """Whether an instruction of floating point would be an exception at this level."""
    hcr = values.get("hcr_el2", 0)
    hosted, general = bool(hcr & HCR_E2H), bool(hcr & HCR_TGE)
    if (
        level < 2
        and not (hosted and general)
        and _off(values.get("cpacr_el1", 0) >> FPEN, not level)
    ):
        return True
    if level < 3 and "cptr_el2" in values and (level == 2 or _has_el2(values)):
        cptr = values["cptr_el2"]
        by_el2 = _off(cptr >> FPEN, general and not level) if hosted else bool(cptr & CPTR_TFP)
        if by_el2:
            return True
    return bool(values.get("cptr_el3", 0) & CPTR_TFP)


def _has_el2(values: Values) -> bool:
    """Whether EL2 is there for what runs below it: for the secure world it is not, before Armv8.4."""
    scr = values.get("scr_el3")
    return scr is None or bool(scr & (SCR_NS | 1 << 18))


def _off(enable: int, user: bool) -> bool:
    """What a two-bit field FPEN says."""
    enable &= 3
    return enable != TRAPS_NONE and (enable != TRAPS_EL0 or user)


# --- AArch32 and M-profile -----------------------------------------------------------------------


def _status(values: Values) -> str:
    status = values.get("cpsr", 0)
    security = "" if status & MODE == MONITOR else _security(values)
    mode = MODES.get(status & 0xF, "???") + ("32" if status & NARROW else "26")
    state = "T" if status & THUMB else "A"
    return f"PSR={{cpsr}} {_flags(status)} {state} {security}{mode}"


def _m_status(values: Values) -> str:
    status, secure = values.get("xpsr", 0), values.get("secure")
    control = values.get("control_s" if secure else "control", 0)
    security = "" if secure is None else "S " if secure else "NS "
    mode = (
        "handler"
        if status & M_EXCEPTION
        else "unpriv-thread"
        if control & M_UNPRIVILEGED
        else "priv-thread"
    )
    state = "T" if status & M_THUMB else "A"
    return f"XPSR={{xpsr}} {_flags(status)} {state} {security}{mode}"


def _floating(values: Values) -> Iterator[str]:
    for n in range(DOUBLES.get(values.get("mvfr0", 0) & 0xF, 0)):
        yield f"s{2 * n:02}={{d{n}}} s{2 * n + 1:02}={{d{n}@32}} d{n:02}={{d{n}:16}}"
    yield "FPSCR: {fpscr}"
    yield "VPR: {vpr}"
