"""Which architecture a CPU's section is of: all of them have a VMState called `cpu`, with fields of their own."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

__all__ = ["CPU", "family"]

CPU = "cpu"  # the name of the VMState, and of the section
# The fields that only this architecture's CPU section has (target/*/machine.c: vmstate_*_cpu).
SIGNS = (
    ("i386", ("env.eip",)),
    ("arm", ("env.xregs", "cpsr")),
    ("ppc", ("env.nip",)),
    ("s390x", ("env.psw.mask",)),
    ("riscv", ("env.mhartid",)),
    ("loongarch64", ("env.CSR_CRMD",)),
    ("loongarch64", ("env.sys_states[0].CSR_CRMD",)),  # since QEMU 11.1
    ("m68k", ("env.dregs",)),
    ("mips", ("env.active_tc",)),
    ("sparc", ("env.gregs",)),
)


def family(names: AbstractSet[str]) -> str | None:
    """The architecture by the names of the fields, whatever its width; None where it is not known."""
    return next((name for name, signs in SIGNS if names >= set(signs)), None)
