"""The model of a guest's CPU, as far as its registers tell.

Arm and PowerPC have a register that names the processor. Of x86 no stream has what CPUID says: what a guest switched on,
and the state that only some processors have, are all that is seen.

References
----------
QEMU, target/arm/cpu.h (MIDR), target/ppc/cpu-models.h (PVR), target/mips/cpu-defs.c.inc (PRid), target/i386/machine.c
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from migstream.machine.arch import cpu_architecture, cpus
from migstream.machine.registers.rows import Fields

if TYPE_CHECKING:
    from migstream.stream import Stream

__all__ = ["cpu_model"]

# KVM's ids of registers (Linux, arch/arm64/include/uapi/asm/kvm.h): MIDR of a 64-bit CPU and of a 32-bit one, and
# VPIDR_EL2, which has the same value until a hypervisor changes it.
MIDR = (0x6030_0000_0013_C000, 0x4020_0000_000F_0000, 0x4020_0000_200F_0000, 0x6030_0000_0013_E000)
# Where none of them is saved: PMCR_EL0, whose upper half names the processor (target/arm/tcg/cpu64.c: reset_pmcr_el0).
PMCR = 0x6030_0000_0013_DCE0
PMCR_OF = {
    0x4100: "Cortex-A8", 0x4101: "Cortex-A57, or QEMU's max", 0x4102: "Cortex-A72", 0x4103: "Cortex-A53",
    0x4107: "Cortex-A7", 0x4109: "Cortex-A9", 0x410A: "Cortex-A35", 0x410B: "Cortex-A55 or A76", 0x410C: "Neoverse-N1",
    0x410F: "Cortex-A15", 0x4121: "Neoverse-V1", 0x4122: "Cortex-A78AE", 0x4601: "A64FX",
}  # fmt: skip
PVR = 287
# By the high half of the PVR
POWERPC = {
    0x0003: "603", 0x0004: "604", 0x0006: "603e", 0x0007: "603e7", 0x0008: "750", 0x0009: "604e", 0x000C: "7400",
    0x0039: "970", 0x003C: "970FX", 0x0044: "970MP", 0x003F: "POWER7", 0x004A: "POWER7+", 0x004B: "POWER8E",
    0x004C: "POWER8NVL", 0x004D: "POWER8", 0x004E: "POWER9", 0x0080: "POWER10", 0x0082: "POWER11", 0x800C: "7410",
    0x8000: "7450", 0x8001: "7445/7455", 0x8002: "7447/7457", 0x8003: "7447A", 0x8004: "7448 or e600",
    0x8020: "e500v1", 0x8021: "e500v2", 0x8023: "e500mc", 0x8024: "e5500", 0x8040: "e6500", 0x7FF2: "440 (Xilinx)",
    0x4222: "440EP", 0x1302: "460EX", 0x0083: "e300c1", 0x0084: "e300c2", 0x0085: "e300c3", 0x0086: "e300c4",
}  # fmt: skip
MIPS = {
    0x018000: "4Kc", 0x018300: "4Km", 0x019000: "4KEc", 0x019300: "24K", 0x019600: "24KE", 0x019500: "34K",
    0x019700: "74K", 0x019B00: "M14K", 0x019C00: "M14Kc", 0x01A800: "P5600", 0x000400: "R4000", 0x005400: "VR5432",
    0x018100: "5K", 0x0182A0: "20Kc", 0x018900: "5KE", 0x01A900: "I6400", 0x01B000: "I6500",
    0x006302: "Loongson-2E", 0x006303: "Loongson-2F", 0x006305: "Loongson-3A1000", 0x14C000: "Loongson-3A4000",
}  # fmt: skip
# x86: subsections of a processor's own registers (target/i386/machine.c), and bits of XCR0.
X86_STATE = {
    "cpu/amd_tsc_scale_msr": "AMD", "cpu/msr_hwcr": "AMD", "cpu/svm_guest": "AMD, a guest of its own runs",
    "cpu/intel_pt": "Intel, processor trace", "cpu/intel_sgx": "Intel, SGX", "cpu/fred": "FRED", "cpu/cet": "CET",
    "cpu/apx": "APX", "cpu/arch_lbr": "Intel, architectural LBR", "cpu/msr_architectural_pmu": "performance counters",
    "cpu/nested_state": "nested virtualization", "cpu/pkru": "protection keys", "cpu/umwait": "UMWAIT",
}  # fmt: skip
XCR0 = ((2, "AVX"), (3, "MPX"), (5, "AVX-512"), (9, "protection keys"), (17, "AMX"), (19, "APX"))


def cpu_model(stream: Stream) -> str | None:
    """The model of the first CPU, or what of it is seen; None where nothing is."""
    device = next((one for one in cpus(stream) if one.described), None)
    architecture = None if device is None else cpu_architecture(device.value)
    if device is None or architecture is None:
        return None
    for kinds, read in READERS:
        if architecture in kinds:
            return read(Fields(device.value), {part.name for part in device.value.children})
    return None


def _arm(fields: Fields, _: set[str]) -> str | None:
    ids = fields.numbers(("cpreg_vmstate_indexes",))
    values = fields.numbers(("cpreg_vmstate_values",))
    held = {one: value for one, value in zip(ids, values, strict=False) if value}
    midr = next((held[one] for one in MIDR if one in held), None)
    if midr is None:
        return PMCR_OF.get(held.get(PMCR, 0) >> 16)
    from migstream.vmstate.meaning.symbols.arm_cpregs import processor

    return processor(midr)


def _powerpc(fields: Fields, _: set[str]) -> str | None:
    numbers = fields.numbers(("env.spr",))
    if len(numbers) <= PVR or not numbers[PVR]:
        return None
    pvr = numbers[PVR] & 0xFFFF_FFFF
    return f"{POWERPC.get(pvr >> 16, 'unknown')} (PVR {pvr:#010x})"


def _mips(fields: Fields, _: set[str]) -> str | None:
    number = fields.number(("env.CP0_PRid",))
    return None if not number else f"{MIPS.get(number, 'unknown')} (PRid {number:#x})"


def _x86(fields: Fields, parts: set[str]) -> str | None:
    seen = [text for name, text in X86_STATE.items() if name in parts]
    xcr0 = fields.number(("env.xcr0",)) or 0
    seen += [text for bit, text in XCR0 if xcr0 >> bit & 1]
    return f"its model is not in a stream; seen: {', '.join(dict.fromkeys(seen))}" if seen else None


def _riscv(fields: Fields, _: set[str]) -> str | None:
    extensions = fields.number(("env.misa_ext",))
    width = {1: "rv32", 2: "rv64", 3: "rv128"}.get(fields.number(("env.misa_mxl",)) or 0)
    if not extensions or width is None:
        return None
    return width + "".join(letter for letter in _letters(extensions))


def _letters(extensions: int) -> Iterator[str]:
    """Extensions by their letters, base first (RISC-V privileged architecture, misa)."""
    present = {chr(ord("a") + bit) for bit in range(26) if extensions >> bit & 1}
    yield from (letter for letter in "iemafdqcbvh" if letter in present)


READERS: tuple[tuple[frozenset[str], Callable[[Fields, set[str]], str | None]], ...] = (
    (frozenset({"x86_64", "i386"}), _x86),
    (frozenset({"aarch64", "arm"}), _arm),
    (frozenset({"ppc64", "ppc"}), _powerpc),
    (frozenset({"mips", "mipsel", "mips64", "mips64el"}), _mips),
    (frozenset({"riscv32", "riscv64", "riscv128"}), _riscv),
)
