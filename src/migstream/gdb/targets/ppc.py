"""PowerPC: core, floating point, AltiVec, VSX, then what else the stream holds.

References
----------
QEMU, gdb-xml/power64-core.xml, power-core.xml, power-fpu.xml, power-altivec.xml, power-vsx.xml;
target/ppc/gdbstub.c: ``ppc_maybe_bswap_register``
"""

from __future__ import annotations

from collections.abc import Sequence

from migstream.gdb.target import Feature, Target, listed, others
from migstream.gdb.targets.types import VECTOR
from migstream.machine.registers.read import Cpu

__all__ = ["describe"]

PC, F0 = 64, 71  # gdb's numbers
MSR_LE = 1


def describe(cpus: Sequence[Cpu]) -> Target:
    """Those of the program, in the order of the guest at this moment; AltiVec and VSX where the stream has them."""
    values = cpus[0].values
    wide = cpus[0].arch == "ppc64"
    bits, word = (64, "uint64") if wide else (32, "uint32")
    found = [
        Feature(
            "org.gnu.gdb.power.core",
            "power64-core.xml" if wide else "power-core.xml",
            (
                *listed([f"r{n}" for n in range(32)], bits, word),
                *listed("pc=nip", bits, "code_ptr", number=PC),
                *listed("msr", bits, word),
                *listed("cr", 32, "uint32"),
                *listed("lr", bits, "code_ptr"),
                *listed("ctr", bits, word),
                *listed("xer", 32, "uint32"),
            ),
        ),
        Feature(
            "org.gnu.gdb.power.fpu",
            "power-fpu.xml",
            (
                *listed([f"f{n}" for n in range(32)], 64, "ieee_double", number=F0),
                *listed("fpscr", 32, group="float"),
            ),
        ),
    ]
    if "v0" in values:
        vectors = (
            *listed([f"vr{n}=v{n}" for n in range(32)], 128, "vec128"),
            *listed("vscr vrsave", 32, group="vector"),
        )
        found.append(Feature("org.gnu.gdb.power.altivec", "power-altivec.xml", vectors, VECTOR))
    if "v0" in values and "vsl0" in values:
        halves = listed([f"vs{n}h=vsl{n}" for n in range(32)], 64, "uint64")
        found.append(Feature("org.gnu.gdb.power.vsx", "power-vsx.xml", halves))
    more = others(cpus, found, {f"v{n}" for n in range(32)})
    system = Feature("org.migstream.power.system", "migstream-system.xml", more)
    return Target(
        "powerpc:common64" if wide else "powerpc:common",
        (*found, system),
        "little" if values.get("msr", 0) & MSR_LE else "big",
    )
