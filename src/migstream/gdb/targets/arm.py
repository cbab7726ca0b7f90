"""Arm: AArch64, AArch32 and M-profile, then what else the stream holds.

References
----------
QEMU, gdb-xml/aarch64-core.xml, aarch64-fpu.xml, arm-core.xml, arm-neon.xml, arm-m-profile.xml; target/arm/gdbstub.c,
gdbstub64.c: registers are little-endian whatever the guest's data are
"""

from __future__ import annotations

from collections.abc import Sequence

from migstream.gdb.target import Feature, Target, listed, others
from migstream.gdb.targets.types import VECTOR
from migstream.machine.registers.read import Cpu

__all__ = ["describe"]

STATUS = 25  # the number of CPSR: the registers of the FPA came before it once

A64 = Feature(
    "org.gnu.gdb.aarch64.core",
    "aarch64-core.xml",
    (
        *listed([f"x{n}" for n in range(31)], 64),
        *listed("sp", 64, "data_ptr"),
        *listed("pc", 64, "code_ptr"),
        *listed("cpsr=pstate", 32),
    ),
)
A64_FLOAT = Feature(
    "org.gnu.gdb.aarch64.fpu",
    "aarch64-fpu.xml",
    (
        *listed([f"v{n}" for n in range(32)], 128, "vec128"),
        *listed("fpsr fpcr", 32),
    ),
    VECTOR,
)
CORE = (
    *listed([f"r{n}" for n in range(13)], 32),
    *listed("sp=r13", 32, "data_ptr"),
    *listed("lr=r14", 32),
    *listed("pc=r15", 32, "code_ptr"),
)
A32 = Feature("org.gnu.gdb.arm.core", "arm-core.xml", (*CORE, *listed("cpsr", 32, number=STATUS)))
M_PROFILE = Feature(
    "org.gnu.gdb.arm.m-profile",
    "arm-m-profile.xml",
    (*CORE, *listed("xpsr", 32, number=STATUS)),
)
FLOAT = Feature(
    "org.gnu.gdb.arm.vfp",
    "arm-neon.xml",
    (*listed([f"d{n}" for n in range(32)], 64, "ieee_double"), *listed("fpscr", 32, group="float")),
)
# q0 to q15 are made of the others by gdb itself where this feature is.
NEON = Feature("org.gnu.gdb.arm.neon", "migstream-neon.xml")


def describe(cpus: Sequence[Cpu]) -> Target:
    """The core registers of the state that the CPUs are in, floating point where they have it, the others."""
    values = cpus[0].values
    if cpus[0].arch == "aarch64":
        found = [A64, A64_FLOAT]
    elif "xpsr" in values:
        found = [M_PROFILE, *([FLOAT] if "d0" in values else [])]
    else:
        found = [A32, *([FLOAT, NEON] if "d0" in values else [])]
    more = others(cpus, found, {"cpsr"})
    system = Feature("org.migstream.arm.system", "migstream-system.xml", more)
    return Target(cpus[0].arch, (*found, system))
