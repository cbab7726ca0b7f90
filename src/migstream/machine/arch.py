"""Which architecture a stream's CPUs are of: told from the fields of their sections."""

from __future__ import annotations

from collections.abc import Iterator

from migstream.machine.state import DeviceState, State, child, number
from migstream.vmstate.meaning.cpus import family
from migstream.vmstate.values import Value

__all__ = ["architecture", "big_endian", "cpu_architecture", "cpus", "is_cpu"]

# Targets that are big-endian on their own (configs/targets: TARGET_BIG_ENDIAN); of MIPS there are both.
BIG_ENDIAN = frozenset({"m68k", "ppc", "ppc64", "s390x", "sparc"})

# KVM's id of it (Linux, arch/arm64/include/uapi/asm/kvm.h: ARM64_SYS_REG(3, 0, 0, 5, 0))
ID_AA64DFR0_EL1 = 0x6030_0000_0013_C028


def is_cpu(section: str) -> bool:
    """Whether a section of this name is a virtual CPU's."""
    return section == "cpu" or section.endswith("/cpu")


def cpus(state: State) -> Iterator[DeviceState]:
    """The sections of the virtual CPUs, in their order on the wire."""
    return (d for d in state.devices if is_cpu(d.name))


def architecture(state: State) -> str | None:
    """`x86_64`, `i386`, `aarch64`, `arm`, `ppc64`, `ppc`, `s390x`, `riscv64`, `riscv32`, ... or None.

    None where no CPU section is described, or its architecture is not known here.
    """
    found = (cpu_architecture(device.value) for device in cpus(state))
    return next((name for name in found if name is not None), None)


def cpu_architecture(value: Value) -> str | None:
    """The same of one CPU's state."""
    names = {c.name for c in value.children}
    name = family(names)
    return None if name is None else _width(name, value, names)


def big_endian(architecture: str | None) -> bool:
    """Whether a program of QEMU for this architecture takes guests to be big-endian."""
    return architecture in BIG_ENDIAN


def _width(name: str, value: Value, names: set[str]) -> str:
    """The architecture with its width, as the program that wrote the section has it."""
    if name == "i386":
        # target/i386/machine.c: CPU_NB_REGS is 16 in the 64-bit program, whatever the CPU model
        regs = child(value, "env.regs")
        return "x86_64" if regs is not None and regs.count == 16 else "i386"
    if name == "arm":
        # target/arm/machine.c: get_cpsr: PSTATE.nRW is 0 in AArch64 state; M-profile has an XPSR there
        narrow = (number(value, "cpsr") or 0) & 0x10
        short = "cpu/m" in names or (narrow and not _has_aarch64(value))
        return "arm" if short else "aarch64"
    if name == "ppc":
        return "ppc" if "env.gprh" in names else "ppc64"
    if name == "riscv":
        # QEMU up to 6.1 has misa in one, as wide as the registers are
        gpr = child(value, "env.gpr")
        width = 1 if gpr is not None and gpr.node.stride == 4 else 2
        mxl = number(value, "env.misa_mxl") or width
        return {1: "riscv32", 3: "riscv128"}.get(mxl, "riscv64")
    return name


def _has_aarch64(value: Value) -> bool:
    """Whether a CPU of Arm has 64-bit state, in which it need not be.

    The 64-bit view of the debug features is never 0 there; a 32-bit CPU reads as 0, or has none.
    """
    from migstream.machine.registers.rows import Fields

    fields = Fields(value)
    ids = fields.numbers(("cpreg_vmstate_indexes",))
    values = fields.numbers(("cpreg_vmstate_values",))
    return any(i == ID_AA64DFR0_EL1 and v for i, v in zip(ids, values, strict=False))
