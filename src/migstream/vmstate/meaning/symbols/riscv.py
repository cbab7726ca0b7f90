"""Registers of RISC-V CPUs, and the interrupt controller of their boards.

References: RISC-V Privileged 20240411; QEMU, target/riscv/cpu_bits.h, hw/intc/sifive_plic.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migstream.vmstate.meaning.symbols.model import (
    Symbol,
    Table,
    bits,
    enumeration,
    labelled,
    listed,
    number_in_path,
    top,
)

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["CPU", "PLIC"]

_MSTATUS = bits(
    "- SIE - MIE - SPIE UBE MPIE SPP VS:2 MPP:2 FS:2 XS:2 MPRV SUM MXR TVM TW TSR SPELP -:8 UXL:2 SXL:2 SBE MBE GVA MPV - MPELP -:21 SD"
)
_INTERRUPTS = bits("- SSI VSSI MSI - STI VSTI MTI - SEI VSEI MEI SGEI LCOFI")
_CAUSES = {
    0: "INST_MISALIGNED", 1: "INST_ACCESS_FAULT", 2: "ILLEGAL_INST", 3: "BREAKPOINT", 4: "LOAD_MISALIGNED",
    5: "LOAD_ACCESS_FAULT", 6: "STORE_MISALIGNED", 7: "STORE_ACCESS_FAULT", 8: "U_ECALL", 9: "S_ECALL",
    10: "VS_ECALL", 11: "M_ECALL", 12: "INST_PAGE_FAULT", 13: "LOAD_PAGE_FAULT", 15: "STORE_PAGE_FAULT",
}  # fmt: skip
_LINES = {
    1: "S_SOFT", 2: "VS_SOFT", 3: "M_SOFT", 5: "S_TIMER", 6: "VS_TIMER", 7: "M_TIMER", 9: "S_EXT", 10: "VS_EXT",
    11: "M_EXT", 12: "S_GEXT",
}  # fmt: skip


def _cause(value: Any, _: Value) -> Symbol:
    """The highest bit of 32 or 64 says that it is an interrupt; 0 is also what it is after a reset."""
    if not isinstance(value, int) or not value:
        return Symbol()
    interrupt = value >> 63 or (value >> 31 == 1)
    number = value & 0x7FFFFFFF
    if interrupt:
        return Symbol(f"INTERRUPT {_LINES.get(number, number)}")
    return Symbol(_CAUSES.get(value, ""))


def _satp(value: Any, _: Value) -> Symbol:
    """Of 64 bits; those of 32 begin with one bit of mode."""
    if not isinstance(value, int) or not value:
        return Symbol()
    if value >> 32:
        modes = {0: "BARE", 8: "SV39", 9: "SV48", 10: "SV57"}
        mode, table = value >> 60, (value & (1 << 44) - 1) << 12
        return Symbol(f"{modes.get(mode, f'mode {mode}')} table at {table:#x}")
    return Symbol(f"SV32 table at {(value & (1 << 22) - 1) << 12:#x}" if value >> 31 else "BARE")


def _misa(value: Any, _: Value) -> Symbol:
    if not isinstance(value, int):
        return Symbol()
    return Symbol("".join(chr(ord("A") + n) for n in range(26) if value >> n & 1))


def _vector(value: Any, _: Value) -> Symbol:
    """Where traps go to: the lowest bits say whether interrupts have places of their own."""
    if not isinstance(value, int) or not value:
        return Symbol()
    mode = {0: "DIRECT", 1: "VECTORED"}.get(value & 3, f"mode {value & 3}")
    return Symbol(f"{mode} at {value & ~3:#x}")


def _protection(value: Any, _: Value) -> Symbol:
    """One byte of pmpcfg."""
    if not isinstance(value, int) or not value:
        return Symbol()
    said = [name for bit, name in enumerate("RWX") if value >> bit & 1]
    said.append(("OFF", "TOR", "NA4", "NAPOT")[value >> 3 & 3])
    return Symbol(" ".join([*said, "LOCKED"] if value >> 7 & 1 else said))


def _vector_type(value: Any, at: Value) -> Symbol:
    """vtype: its highest bit says that it is illegal."""
    if not isinstance(value, int) or not value:
        return Symbol()
    if value >> 63 or value >> 31 == 1:
        return Symbol("ILL")
    length = ("1", "2", "4", "8", "reserved", "1/8", "1/4", "1/2")[value & 7]
    return Symbol(
        " ".join(
            filter(None, (f"SEW={8 << (value >> 3 & 7)} LMUL={length}", _POLICY(value, at).name))
        )
    )


def _extensions(value: Any, _: Value) -> Symbol:
    """Of the vector extension: two numbers of 16 bits."""
    if not isinstance(value, int) or not value:
        return Symbol()
    return Symbol("", f"{value >> 16}.{value & 0xFFFF}")


def _virtual(value: Any, _: Value) -> Symbol:
    return Symbol("", "a guest runs") if value else Symbol()


_POLICY = bits("TA MA -:24", 6)
_EXCEPTIONS = bits(" ".join(_CAUSES.get(n, "-") for n in range(16)) + " -:2 SOFTWARE_CHECK HARDWARE_ERROR"
                   " INST_GUEST_PAGE_FAULT LOAD_GUEST_PAGE_FAULT VIRTUAL_INST STORE_GUEST_PAGE_FAULT")  # fmt: skip
_COUNTERS = bits("CY TM IR " + " ".join(f"HPM{n}" for n in range(3, 32)))
_ENVIRONMENT = bits("FIOM - LPE SSE CBIE:2 CBCFE CBZE -:24 PMM:2 -:25 DTE CDE ADUE PBMTE STCE")
_EVENT = bits(".:58 VUINH VSINH UINH SINH MINH OF")
# The registers of a hart as calls use them
_NAMES = "zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6"

CPU: Table = {
    "env.mstatus": _MSTATUS,
    "*/env.vsstatus": _MSTATUS,
    "*/env.mstatus_hs": _MSTATUS,
    "*/env.hstatus": bits("-:5 VSBE GVA SPV SPVP HU -:2 VGEIN:6 -:2 VTVM VTW VTSR -:9 VSXL:2"),
    "env.priv": enumeration({0: "U", 1: "S", 3: "M"}),
    "env.satp": _satp,
    "*/env.vsatp": _satp,
    "*/env.satp_hs": _satp,
    "*/env.hgatp": _satp,
    "env.mip": _INTERRUPTS,
    "env.mie": _INTERRUPTS,
    "env.mideleg": _INTERRUPTS,
    "env.miclaim": _INTERRUPTS,
    "env.sie": _INTERRUPTS,
    "env.mvien": _INTERRUPTS,
    "env.mvip": _INTERRUPTS,
    "*/env.hideleg": _INTERRUPTS,
    "*/env.hvip": _INTERRUPTS,
    "*/env.hvien": _INTERRUPTS,
    "*/env.vsie": _INTERRUPTS,
    "env.medeleg": _EXCEPTIONS,
    "*/env.hedeleg": _EXCEPTIONS,
    "env.gpr": labelled(_NAMES),
    "env.mtvec": _vector,
    "env.stvec": _vector,
    "*/env.vstvec": _vector,
    "*/env.stvec_hs": _vector,
    "env.scounteren": _COUNTERS,
    "env.mcounteren": _COUNTERS,
    "*/env.hcounteren": _COUNTERS,
    "env.scountinhibit": _COUNTERS,
    "env.mcountinhibit": _COUNTERS,
    "*/env.menvcfg": _ENVIRONMENT,
    "*/env.senvcfg": _ENVIRONMENT,
    "*/env.henvcfg": _ENVIRONMENT,
    "env.mhpmevent_val": _EVENT,
    "env.frm": enumeration({0: "RNE", 1: "RTZ", 2: "RDN", 3: "RUP", 4: "RMM", 7: "DYN"}),
    "env.virt": _virtual,
    "env.virt_enabled": _virtual,
    "env.vext_ver": _extensions,
    "*/cfg_reg": _protection,
    "*/env.vtype": _vector_type,
    "*/env.vxrm": enumeration({0: "RNU", 1: "RNE", 2: "RDN", 3: "ROD"}),
    "*/env.mseccfg": bits("MML MMWP RLB -:5 USEED SSEED MLPE -:21 PMM:2"),
    "env.scause": _cause,
    "env.mcause": _cause,
    "*/env.vscause": _cause,
    "*/env.scause_hs": _cause,
    "env.misa": _misa,
    "env.misa_ext": _misa,
    "env.misa_ext_mask": _misa,
    "env.misa_mxl": enumeration({1: "RV32", 2: "RV64", 3: "RV128"}),
    "env.misa_mxl_max": enumeration({1: "RV32", 2: "RV64", 3: "RV128"}),
    "env.priv_ver": enumeration({0: "1.10.0", 1: "1.11.0", 2: "1.12.0", 3: "1.13.0"}),
}


_SOURCES = listed(lambda number: f"IRQ{number}")


def _enabled(value: Any, at: Value) -> Symbol:
    """Interrupts of a board's for each context, a mode of a hart: one behind another."""
    number, of_each = number_in_path(at), _words(at)
    if not isinstance(value, int) or not value or number is None or not of_each:
        return Symbol()
    first = 32 * (number % of_each)
    said = (f"IRQ{first + n}" for n in range(32) if value >> n & 1)
    return Symbol(f"context {number // of_each}: {' '.join(said)}")


def _words(at: Value) -> int:
    """Of 32 interrupts each."""
    pending = next((one for one in top(at).children if one.name == "pending"), None)
    return 0 if pending is None else pending.count or 0


PLIC: Table = {"pending": _SOURCES, "claimed": _SOURCES, "enable": _enabled}
