"""Registers of Arm, 64 and 32 bits and M-profile: which field of the CPU section holds which.

References
----------
QEMU, target/arm/machine.c: ``vmstate_arm_cpu`` and its subsections
"""

from __future__ import annotations

from collections.abc import Mapping

from migstream.machine.registers.rows import Fields, Joined, Row
from migstream.machine.registers.rows import read as read_rows
from migstream.vmstate.meaning.cpregs import name_of
from migstream.vmstate.meaning.cpu_registers import ARM_BANKS, ARM_FPU, ARM_WIDE
from migstream.vmstate.values import Value

__all__ = ["pc", "read", "root"]

NARROW, MODE, THUMB_ONLY = 0x10, 0x1F, "cpu/m"

# M-profile's XPSR as a CPSR, which is how QEMU's core files have it: flags, GE and IT are the same bits
# (target/arm/cpu.h: XPSR_*), mode and masks are those of a reset and never change (arm_cpu_reset).
SAME_IN_XPSR, XPSR_T, CPSR_T, M_CPSR = 0xFE0F_FC00, 24 - 5, 5, 0x1D3

# The bits of FPSCR that are FPSR's and FPCR's (Arm ARM, registers FPSR and FPCR)
FPSR, FPCR = 0xF800009F, 0x07FF9F00

BANK_OF_MODE = {
    0x10: "usr",
    0x11: "fiq",
    0x12: "irq",
    0x13: "svc",
    0x16: "mon",
    0x17: "abt",
    0x1A: "hyp",
    0x1B: "und",
    0x1F: "usr",
}

FPU: tuple[Row | Joined, ...] = (
    Row("fpsid", ("cpu/vfp", "env.vfp.xregs[0]")),
    Row(ARM_FPU, ("cpu/vfp", "env.vfp.xregs")),
    Row("fpscr", ("cpu/vfp", "fpscr")),
    # where bits are set that FPSCR does not have; it is 0 then
    *(Row(name, ("cpu/vfp", "cpu/vfp/fpcr_fpsr", name)) for name in ("fpcr", "fpsr")),
)
SAVED: tuple[Row | Joined, ...] = (
    *(Row(ARM_WIDE[name], (name,)) for name in ("env.sp_el", "env.elr_el", "env.banked_spsr")),
)
VECTORS: tuple[Row | Joined, ...] = (
    *(Joined(f"v{i}", (("cpu/vfp", f"env.vfp.zregs[{i}].d"),)) for i in range(32)),
)
WIDE: tuple[Row | Joined, ...] = (
    Row(ARM_WIDE["env.xregs"], ("env.xregs",)),
    Row("pc", ("env.pc",)),
    Row("pstate", ("cpsr",)),
    Row("pstate", ("cpu/pstate64", "pstate64")),
    *SAVED,
    *VECTORS,
    *FPU,
)
SHORT: tuple[Row | Joined, ...] = (
    Row(" ".join(f"r{i}" for i in range(16)), ("env.regs",)),
    Row("cpsr", ("cpsr",)),
    *(Row(f"d{2 * i} d{2 * i + 1}", ("cpu/vfp", f"env.vfp.zregs[{i}].d")) for i in range(16)),
    *FPU,
)
BANKED: tuple[Row | Joined, ...] = tuple(Row(names, (name,)) for name, names in ARM_BANKS.items())
M_PROFILE: tuple[Row | Joined, ...] = (
    Row("other_sp", ("cpu/m", "cpu/m/other-sp", "env.v7m.other_sp")),
    Row("primask", ("cpu/m", "cpu/m/faultmask-primask", "env.v7m.primask[M_REG_NS]")),
    Row("faultmask", ("cpu/m", "cpu/m/faultmask-primask", "env.v7m.faultmask[M_REG_NS]")),
    *(
        Row(name, ("cpu/m", f"env.v7m.{field}"))
        for name, field in (
            ("basepri", "basepri[M_REG_NS]"),
            ("control", "control[M_REG_NS]"),
            ("vtor", "vecbase[M_REG_NS]"),
            ("ccr", "ccr[M_REG_NS]"),
            ("cfsr", "cfsr[M_REG_NS]"),
            ("hfsr", "hfsr"),
            ("dfsr", "dfsr"),
            ("mmfar", "mmfar[M_REG_NS]"),
            ("bfar", "bfar"),
            ("mpu_ctrl", "mpu_ctrl[M_REG_NS]"),
        )
    ),
    Row("vpr", ("cpu/m", "cpu/m/mve", "env.v7m.vpr")),
    Row("secure", ("cpu/m-security", "env.v7m.secure")),
    *(
        Row(f"{name}_s", ("cpu/m-security", f"env.v7m.{field}[M_REG_S]"))
        for name, field in (
            ("basepri", "basepri"),
            ("primask", "primask"),
            ("faultmask", "faultmask"),
            ("control", "control"),
            ("vtor", "vecbase"),
            ("ccr", "ccr"),
            ("cfsr", "cfsr"),
            ("mmfar", "mmfar"),
            ("mpu_ctrl", "mpu_ctrl"),
        )
    ),
)

# Arm ARM, section D1.20.1: where the registers of AArch32 are when a CPU goes on in AArch64
SEEN_64 = [
    "r0",
    "r1",
    "r2",
    "r3",
    "r4",
    "r5",
    "r6",
    "r7",
    "r8_usr",
    "r9_usr",
    "r10_usr",
    "r11_usr",
    "r12_usr",
    "r13_usr",
    "r14_usr",
    "r13_hyp",
    "r14_irq",
    "r13_irq",
    "r14_svc",
    "r13_svc",
    "r14_abt",
    "r13_abt",
    "r14_und",
    "r13_und",
    "r8_fiq",
    "r9_fiq",
    "r10_fiq",
    "r11_fiq",
    "r12_fiq",
    "r13_fiq",
    "r14_fiq",
]

# A register of the AArch32 view that the list has by its 64-bit name (Arm ARM, "AArch64 System register X
# is architecturally mapped to AArch32 System register Y"); the secure bank is EL3's, or has its own id.
MAPPED = {
    "sctlr": "sctlr_el1",
    "cpacr": "cpacr_el1",
    "ttbr0": "ttbr0_el1",
    "ttbr1": "ttbr1_el1",
    "ttbcr": "tcr_el1",
    "vbar": "vbar_el1",
    "contextidr": "contextidr_el1",
    "tpidrurw": "tpidr_el0",
    "tpidruro": "tpidrro_el0",
    "tpidrprw": "tpidr_el1",
    "par": "par_el1",
}
SECURE = {"sctlr": "sctlr_el3", "ttbr0": "ttbr0_el3", "ttbcr": "tcr_el3", "vbar": "vbar_el3"}
BANKED_SYSTEM = ["dacr", "dfsr", "dfar", "ifsr", "ifar", "csselr"]
SCR_NS = 1

SCTLR_M = 1
TCR_EPD0, TCR_EPD1, TTBCR_EAE = 1 << 7, 1 << 23, 1 << 31
TTBCR_N, TTBCR_PD0, TTBCR_PD1 = 7, 1 << 4, 1 << 5
TABLE_64 = (1 << 48) - 2  # without the ASID and CnP
TABLE_LONG = (1 << 40) - 32
HCR_TGE, HCR_E2H = 1 << 27, 1 << 34


def read(cpu: Value, arch: str) -> dict[str, int]:
    """Every register that the CPU section holds.

    A CPU with 64 bits in 32-bit state (`aarch64`, PSTATE.nRW) has both its `r0` ... and what they are
    seen as in 64-bit state. `v0` ... are 128 bits. A 32-bit CPU's banked system registers are those of the
    security state it is in; `_s` is the secure bank's. M-profile has `xpsr`, of which `cpsr` is QEMU's view.
    """
    fields = Fields(cpu)
    status = fields.number(("cpsr",)) or 0
    if fields.get((THUMB_ONLY,)) is not None:
        values = read_rows(fields, (*SHORT, *M_PROFILE))
        if "cpsr" in values:
            xpsr = values["xpsr"] = values["cpsr"]
            values["cpsr"] = xpsr & SAME_IN_XPSR | xpsr >> XPSR_T & 1 << CPSR_T | M_CPSR
    elif arch == "aarch64" and not status & NARROW:
        values = read_rows(fields, WIDE)
    else:
        values = _narrow(fields, status & MODE)
        if arch == "aarch64":
            values |= {f"x{i}": values[r] for i, r in enumerate(SEEN_64) if r in values}
            values |= {n: values[r] for n, r in (("pc", "r15"), ("pstate", "cpsr")) if r in values}
            values |= read_rows(fields, (*SAVED, *VECTORS))
    if fpscr := values.get("fpscr"):
        values |= {"fpsr": fpscr & FPSR, "fpcr": fpscr & FPCR}
    elif fpscr is not None:
        values = {"fpsr": 0, "fpcr": 0} | values
    values |= _system(fields)
    return values if arch == "aarch64" else values | _banked_system(values)


def _narrow(fields: Fields, mode: int) -> dict[str, int]:
    """The registers of AArch32 state; the banked ones of the mode it is in are the current ones."""
    values = read_rows(fields, BANKED) | read_rows(fields, SHORT)
    bank = BANK_OF_MODE.get(mode)
    current = {f"r13_{bank}": "r13", f"r14_{'usr' if bank == 'hyp' else bank}": "r14"}
    high = "fiq" if bank == "fiq" else "usr"
    current |= {f"r{i}_{high}": f"r{i}" for i in range(8, 13)}
    values |= {banked: values[name] for banked, name in current.items() if name in values}
    saved = fields.number(("env.spsr",))
    if bank is not None and bank != "usr" and saved is not None:
        values |= {"spsr": saved, f"spsr_{bank}": saved}
    return values


def _system(fields: Fields) -> dict[str, int]:
    """System registers: two arrays of the same length, ids and values."""
    ids = fields.numbers(("cpreg_vmstate_indexes",))
    found = fields.numbers(("cpreg_vmstate_values",))
    named = ((name_of(register), value) for register, value in zip(ids, found, strict=False))
    return {name: value for name, value in named if name is not None}


def _banked_system(values: Mapping[str, int]) -> dict[str, int]:
    """The registers of the AArch32 view, of the bank that is in use."""
    monitor = values.get("cpsr", 0) & MODE == 0x16
    scr = values.get("scr_el3")
    secure = scr is not None and (monitor or not scr & SCR_NS)
    found = {}
    for name in (*MAPPED, *BANKED_SYSTEM):
        places = [MAPPED.get(name, name), name]
        if secure:
            places = [f"{name}_s", SECURE.get(name, name), *places]
        here = next((place for place in places if place in values), None)
        if here is not None:
            found[name] = values[here]
    return found


def pc(values: Mapping[str, int]) -> int:
    """PC, R15."""
    return values.get("pc", values.get("r15", 0))


def root(values: Mapping[str, int]) -> int | None:
    """The only table in use; None where there are two, for low and for high addresses, or none."""
    if "pstate" in values and not values["pstate"] & NARROW:
        return _root_64(values)
    if "sctlr" not in values or not values["sctlr"] & SCTLR_M:
        return None
    ttbcr = values.get("ttbcr", 0)
    if ttbcr & TTBCR_EAE:
        halved = ttbcr & 7 or ttbcr >> 16 & 7
        off = (bool(ttbcr & TCR_EPD0), not halved or bool(ttbcr & TCR_EPD1))
        return _only(values, "ttbr0", "ttbr1", off, TABLE_LONG)
    off = (bool(ttbcr & TTBCR_PD0), not ttbcr & TTBCR_N or bool(ttbcr & TTBCR_PD1))
    mask = (1 << 32) - (1 << 14 - (ttbcr & TTBCR_N))
    return _only(values, "ttbr0", "ttbr1", off, mask)


def _root_64(values: Mapping[str, int]) -> int | None:
    el = values["pstate"] >> 2 & 3
    hcr = values.get("hcr_el2", 0)
    hosted = bool(hcr & HCR_E2H)
    if el == 0:
        el = 2 if hosted and hcr & HCR_TGE else 1
    if not values.get(f"sctlr_el{el}", 0) & SCTLR_M:
        return None
    tcr = values.get(f"tcr_el{el}", 0)
    two = el == 1 or (el == 2 and hosted)
    off = (two and bool(tcr & TCR_EPD0), not two or bool(tcr & TCR_EPD1))
    return _only(values, f"ttbr0_el{el}", f"ttbr1_el{el}", off, TABLE_64)


def _only(
    values: Mapping[str, int], low: str, high: str, off: tuple[bool, bool], mask: int
) -> int | None:
    """The one of two tables that is on."""
    on = [name for name, no in zip((low, high), off, strict=True) if not no and name in values]
    return values[on[0]] & mask if len(on) == 1 else None
