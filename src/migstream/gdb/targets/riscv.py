"""RISC-V: integer and floating point registers, CSRs by their own numbers, the privilege level.

References
----------
QEMU, gdb-xml/riscv-64bit-*.xml; target/riscv/gdbstub.c: ``riscv_gen_dynamic_csr_xml``; numbers: The RISC-V Instruction Set
Manual, Volume II, "CSR Listing"
"""

from __future__ import annotations

from collections.abc import Sequence

from migstream.gdb.target import Feature, Register, Target, listed, others
from migstream.machine.registers.read import Cpu

__all__ = ["describe"]

INTEGER = """
    zero ra sp gp tp t0 t1 t2 fp s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6
"""
FLOAT = """
    ft0 ft1 ft2 ft3 ft4 ft5 ft6 ft7 fs0 fs1 fa0 fa1 fa2 fa3 fa4 fa5 fa6 fa7
    fs2 fs3 fs4 fs5 fs6 fs7 fs8 fs9 fs10 fs11 ft8 ft9 ft10 ft11
"""
TYPES = {"ra": "code_ptr", "sp": "data_ptr", "gp": "data_ptr", "tp": "data_ptr", "fp": "data_ptr"}
DOUBLE = """\
  <union id="riscv_double">
    <field name="float" type="ieee_single"/>
    <field name="double" type="ieee_double"/>
  </union>
"""
FIRST_CSR = 66  # gdb's number of CSR 0; the 66 before it are x, pc, f, and priv
CSRS = {
    "frm": 0x002, "vstart": 0x008, "vxsat": 0x009, "vxrm": 0x00A,
    "stvec": 0x105, "scounteren": 0x106, "senvcfg": 0x10A, "scountinhibit": 0x120, "sscratch": 0x140,
    "sepc": 0x141, "scause": 0x142, "stval": 0x143, "stimecmp": 0x14D, "siselect": 0x150, "satp": 0x180,
    "vsstatus": 0x200, "vsie": 0x204, "vstvec": 0x205, "vsscratch": 0x240, "vsepc": 0x241, "vscause": 0x242,
    "vstval": 0x243, "vstimecmp": 0x24D, "vsiselect": 0x250, "vsatp": 0x280,
    "mstatus": 0x300, "misa": 0x301, "medeleg": 0x302, "mideleg": 0x303, "mie": 0x304, "mtvec": 0x305,
    "mcounteren": 0x306, "mvien": 0x308, "mvip": 0x309, "menvcfg": 0x30A, "mcountinhibit": 0x320,
    "mscratch": 0x340, "mepc": 0x341, "mcause": 0x342, "mtval": 0x343, "mip": 0x344, "mtinst": 0x34A,
    "mtval2": 0x34B, "miselect": 0x350,
    "hstatus": 0x600, "hedeleg": 0x602, "hideleg": 0x603, "htimedelta": 0x605, "hcounteren": 0x606,
    "hgeie": 0x607, "hvien": 0x608, "hvictl": 0x609, "henvcfg": 0x60A, "htval": 0x643, "hvip": 0x645,
    "htinst": 0x64A, "hgatp": 0x680,
    "vl": 0xC20, "vtype": 0xC21, "hgeip": 0xE12, "mhartid": 0xF14,
}  # fmt: skip


def describe(cpus: Sequence[Cpu]) -> Target:
    """Those that the hart has."""
    values = cpus[0].values
    bits = 32 if cpus[0].arch == "riscv32" else 64
    core = tuple(
        Register(name, bits, f"x{n}", TYPES.get(name, "int"))
        for n, name in enumerate(INTEGER.split())
    )
    floats = listed([f"{name}=f{n}" for n, name in enumerate(FLOAT.split())], 64, "riscv_double")
    found = [
        Feature(
            "org.gnu.gdb.riscv.cpu",
            f"riscv-{bits}bit-cpu.xml",
            (*core, *listed("pc", bits, "code_ptr")),
        ),
        Feature("org.gnu.gdb.riscv.fpu", f"riscv-{bits}bit-fpu.xml", floats, DOUBLE),
        Feature("org.gnu.gdb.riscv.virtual", f"riscv-{bits}bit-virtual.xml", listed("priv", bits)),
        Feature(
            "org.gnu.gdb.riscv.csr",
            "riscv-csr.xml",
            tuple(
                Register(name, bits, name, number=FIRST_CSR + number)
                for name, number in CSRS.items()
                if name in values
            ),
        ),
    ]
    system = Feature("org.migstream.riscv.system", "migstream-system.xml", others(cpus, found))
    return Target(f"riscv:rv{bits}", (*found, system))
