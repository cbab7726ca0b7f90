"""Registers of Arm CPUs, and which of the system registers each of two lists has.

References: Armv7-M ARM, B1.4 and B3.2; QEMU, target/arm/machine.c: vmstate_arm_cpu, cpregs.h: cpreg_to_kvm_id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migstream.vmstate.meaning.cpregs import encoding, name_of
from migstream.vmstate.meaning.cpu_registers import ARM_BANKS, ARM_FPU, ARM_WIDE
from migstream.vmstate.meaning.symbols.arm_cpregs import AARCH32, held_by, saved, state, syndrome
from migstream.vmstate.meaning.symbols.model import (
    Bits,
    Symbol,
    Symbols,
    Table,
    beside,
    bits,
    called,
    enumeration,
    labelled,
    number_in_path,
    top,
)

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["CPU"]


def _index(value: Any, _: Value) -> Symbol:
    """The register that one of the ids means, and the numbers of the instruction that reads it."""
    name = name_of(value) if isinstance(value, int) else None
    return Symbol() if name is None else Symbol(name.upper(), str(encoding(value) or ""))


def _register(at: Value) -> str:
    """The name of the register whose value stands here: that of the id with the same number."""
    number = number_in_path(at)
    register = None if number is None else beside(at, "cpreg_vmstate_indexes", number)
    return "" if register is None else name_of(register) or ""


def _held(value: Any, at: Value) -> Symbol:
    register = _register(at)
    known = held_by(register) if register else None
    return called(register.upper(), Symbol() if known is None else known(value, at))


def _bit(bit: int, at: Value) -> str:
    known = held_by(_register(at))
    return known.name(bit, at) if isinstance(known, Bits) else ""


def _of_state(field: str, inner: Symbols | None = None) -> Symbols:
    """Elements of an array that a CPU in 32-bit state has under other names than one in 64-bit state."""
    narrow, wide = (labelled(names[field], inner) for names in (ARM_BANKS, ARM_WIDE))

    def of(value: Any, at: Value) -> Symbol:
        status = beside(at, "cpsr")
        return (narrow if status is not None and status & AARCH32 else wide)(value, at)

    return of


# Of M-profile, whose XPSR stands where others have CPSR
_XPSR = bits("EXCEPTION:9 - IT2_7:6 GE:4 -:4 T IT0_1:2 Q V C Z N")
_CFSR = bits(
    "IACCVIOL DACCVIOL - MUNSTKERR MSTKERR MLSPERR - MMARVALID IBUSERR PRECISERR IMPRECISERR UNSTKERR STKERR LSPERR -"
    " BFARVALID UNDEFINSTR INVSTATE INVPC NOCP STKOF -:3 UNALIGNED DIVBYZERO"
)
_CCR = bits(
    "NONBASETHRDENA USERSETMPEND - UNALIGN_TRP DIV_0_TRP -:3 BFHFNMIGN . STKOFHFNMIGN -:5 DC IC BP"
)
_CONTROL = bits("nPRIV SPSEL FPCA SFPA")


def _status(value: Any, at: Value) -> Symbol:
    thumb_only = any(node.name == "cpu/m" for node in top(at).node.children)
    return (_XPSR if thumb_only else state)(value, at)


CPU: Table = {
    "env.regs": labelled(" ".join(f"r{n}" for n in range(16))),
    "env.xregs": labelled(ARM_WIDE["env.xregs"]),
    "env.sp_el": labelled(ARM_WIDE["env.sp_el"]),
    "env.elr_el": _of_state("env.elr_el"),
    "env.banked_spsr": _of_state("env.banked_spsr", saved),
    **{
        field: labelled(ARM_BANKS[field])
        for field in ("env.banked_r13", "env.banked_r14", "env.usr_regs", "env.fiq_regs")
    },
    "cpsr": _status,
    "*/pstate64": state,
    "env.spsr": saved,
    "env.exception.syndrome": syndrome,
    "cpreg_vmstate_indexes": _index,
    "cpreg_vmstate_values": Bits(_held, _bit),
    "*/fpscr": bits("IOC DZC OFC UFC IXC -:2 IDC IOE DZE OFE UFE IXE -:2 IDE LEN:3 FZ16 STRIDE:2 RMODE:2 FZ DN AHP QC V C Z N"),
    "*/fpcr": bits("FIZ AH NEP -:5 IOE DZE OFE UFE IXE EBF - IDE LEN:3 FZ16 STRIDE:2 RMODE:2 FZ DN AHP"),
    "*/fpsr": bits("IOC DZC OFC UFC IXC -:2 IDC -:19 QC V C Z N"),
    "*/env.vfp.xregs": labelled(ARM_FPU),
    "*/env.irq_line_state": bits("- IRQ FIQ VIRQ VFIQ NMI VINMI VFNMI"),
    "*/env.serror.pending": enumeration({1: "PENDING"}),
    "*/env.serror.esr": syndrome,
    "power_state": enumeration({0: "ON", 1: "OFF", 2: "ON_PENDING"}),
    # M-profile
    **{
        f"*/env.v7m.{field}{bank}": known
        for field, known in (
            ("control", _CONTROL),
            ("ccr", _CCR),
            ("cfsr", _CFSR),
            ("mpu_ctrl", bits("ENABLE HFNMIENA PRIVDEFENA")),
            ("scr", bits("- SLEEPONEXIT SLEEPDEEP SLEEPDEEPS SEVONPEND")),
        )
        for bank in ("[M_REG_NS]", "[M_REG_S]")
    },
    "*/env.v7m.hfsr": bits("- VECTTBL -:28 FORCED DEBUGEVT"),
    "*/env.v7m.dfsr": bits("HALTED BKPT DWTTRAP VCATCH EXTERNAL"),
    "*/env.v7m.secure": enumeration({0: "NON_SECURE", 1: "SECURE"}),
}  # fmt: skip
