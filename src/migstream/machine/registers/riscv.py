"""Registers of RISC-V.

References
----------
QEMU, target/riscv/machine.c: ``vmstate_riscv_cpu``, ``vmstate_hyper``, ``vmstate_vector``; layout of registers:
The RISC-V Instruction Set Manual, Volume II
"""

from __future__ import annotations

from migstream.machine.registers.rows import Fields, Row
from migstream.machine.registers.rows import read as read_rows
from migstream.vmstate.values import Value

__all__ = ["pc", "read", "root"]

# The field of satp is env.satp, and so on. Of registers that a supervisor and a guest's supervisor have,
# QEMU exchanges the two when a guest is entered or left: these are the ones in force.
GROUPS: dict[tuple[str, ...], str] = {
    (): """
        pc priv mhartid mstatus mip mie mideleg satp stval medeleg stvec sepc scause mtvec mepc mcause mtval
        miselect siselect scounteren mcounteren scountinhibit mcountinhibit sscratch mscratch frm stimecmp
        mvien mvip
    """,
    ("cpu/hyper",): """
        hstatus hedeleg hideleg hcounteren htval htinst hgatp hgeie hgeip hvien hvip htimedelta vstimecmp
        hvictl vsstatus vstvec vsscratch vsepc vscause vstval vsatp vsiselect vsie mtval2 mtinst
    """,
    ("cpu/envcfg",): "menvcfg senvcfg henvcfg",
    ("cpu/vector",): "vxrm vxsat vl vstart vtype",
}

ROWS = (
    # older names, up to version 2 of the section (QEMU 6.1)
    Row("misa", ("env.misa",)),
    Row("stval", ("env.sbadaddr",)),
    Row("mtval", ("env.mbadaddr",)),
    Row(" ".join(f"x{n}" for n in range(32)), ("env.gpr",)),
    Row(" ".join(f"f{n}" for n in range(32)), ("env.fpr",)),
    *(
        Row(name, (*group, f"env.{name}"))
        for group, names in GROUPS.items()
        for name in names.split()
    ),
    Row("virt", ("env.virt",)),  # 1 while a guest of a hypervisor runs
    Row("virt", ("env.virt_enabled",)),
)

# What QEMU keeps in 64 bits for harts of 32, too
WIDE = """
    mstatus mip mie mideleg hideleg hvip menvcfg henvcfg htimedelta stimecmp vstimecmp mvien mvip hvien
    vsstatus vsie
"""
WIDTHS = {"riscv32": 32, "riscv64": 64}
# misa.MXL, its two highest bits
MXL = {32: 1, 64: 2}
# Where mstatus.VS, FS and XS begin, each of which is 3 when there is something to save
STATES, DIRTY = (9, 13, 15), 3
# Of hstatus: the width of guests, which is always the hart's (target/riscv/csr.c: read_hstatus)
VSXL_AT = 32
VSXL = 3 << VSXL_AT


def read(cpu: Value, arch: str) -> dict[str, int]:
    """By name, and as software reads them, not as QEMU keeps them: of 32 bits, nameh is the high half."""
    fields = Fields(cpu)
    values = read_rows(fields, ROWS)
    width = WIDTHS[arch]
    extensions = fields.number(("env.misa_ext",))
    if extensions is not None:
        values["misa"] = MXL[width] << width - 2 | extensions
    if width == 32:
        values |= _narrow(values)
    if "mstatus" in values:
        values["mstatus"] |= _dirty(values["mstatus"]) << width - 1
    if "hstatus" in values and width == 64:
        values["hstatus"] = values["hstatus"] & ~VSXL | MXL[width] << VSXL_AT
    return values


def _narrow(values: dict[str, int]) -> dict[str, int]:
    """The registers that QEMU keeps in 64 bits for either width, apart into halves."""
    return {
        half: values[name] >> shift & 0xFFFF_FFFF
        for name in WIDE.split()
        if name in values
        for half, shift in ((name, 0), (f"{name}h", 32))
    }


def _dirty(mstatus: int) -> bool:
    """SD, the highest bit: it sums up others when it is read (target/riscv/csr.c: add_status_sd)."""
    return any(mstatus >> state & 3 == DIRTY for state in STATES)


def pc(values: dict[str, int]) -> int:
    """Of the next instruction."""
    return values.get("pc", 0)


def root(values: dict[str, int]) -> int | None:
    """Of satp; None where it does not translate, or to addresses that hgatp translates once more."""
    narrow = values.get("misa", 0) >> 30 == MXL[32]
    satp, hgatp = (values.get(name, 0) for name in ("satp", "hgatp"))
    mode, number = (31, 22) if narrow else (60, 44)
    if not satp >> mode or (values.get("virt") and hgatp >> mode):
        return None
    return (satp & (1 << number) - 1) << 12
