"""Numbers in QEMU's messages by name: registers of PCI's configuration space, model-specific registers.

References: PCI Local Bus Specification 3.0, 6.1 and PCI-to-PCI Bridge Architecture 1.2, 3.2; Linux,
arch/x86/include/asm/msr-index.h; Intel SDM volume 4; the Hyper-V TLFS, appendix C.
"""

from __future__ import annotations

from migstream.qemu.words.recognise import Said

__all__ = ["numbers"]

PCI = (
    (0x00, "vendor id"), (0x02, "device id"), (0x04, "command"), (0x06, "status"), (0x08, "revision"),
    (0x09, "class code"), (0x0C, "cache line size"), (0x0D, "latency timer"), (0x0E, "header type"),
    (0x0F, "BIST"), (0x10, "BAR 0"), (0x14, "BAR 1"), (0x18, "BAR 2; bus numbers of a bridge"),
    (0x1C, "BAR 3; I/O window of a bridge"), (0x20, "BAR 4; memory window of a bridge"),
    (0x24, "BAR 5; prefetchable window of a bridge"), (0x28, "CardBus CIS"),
    (0x2C, "subsystem vendor id"), (0x2E, "subsystem id"), (0x30, "expansion ROM"),
    (0x34, "pointer to the capabilities"), (0x38, "reserved; ROM of a bridge"), (0x3C, "interrupt line"),
    (0x3D, "interrupt pin"), (0x3E, "minimum grant; control of a bridge"), (0x3F, "maximum latency"),
)  # fmt: skip
CAPABILITIES, EXTENDED = 0x40, 0x100

# First and last number, name, and what a host or a kernel must have for it.
MSRS = (
    (0x10, 0x10, "IA32_TIME_STAMP_COUNTER", "the time stamp counter"),
    (0x1B, 0x1B, "IA32_APICBASE", "the local APIC"),
    (0x3A, 0x3A, "IA32_FEATURE_CONTROL", "nested virtualization, SGX"),
    (0x3B, 0x3B, "IA32_TSC_ADJUST", "tsc_adjust"),
    (0x48, 0x48, "IA32_SPEC_CTRL", "spec-ctrl, ssbd: newer microcode"),
    (0x8B, 0x8B, "IA32_UCODE_REV", "the microcode's revision"),
    (0xC1, 0xC8, "IA32_PMC0 and on", "the performance counters (pmu)"),
    (0xE1, 0xE1, "IA32_UMWAIT_CONTROL", "waitpkg"),
    (0x10A, 0x10A, "IA32_ARCH_CAPABILITIES", "arch-capabilities: newer microcode and kernel"),
    (0x122, 0x122, "IA32_TSX_CTRL", "tsx-ctrl"),
    (0x140, 0x140, "MISC_FEATURES_ENABLES", "CPUID faulting"),
    (0x174, 0x176, "IA32_SYSENTER", "sep"),
    (0x186, 0x189, "IA32_PERFEVTSEL", "the performance counters (pmu)"),
    (0x1A0, 0x1A0, "IA32_MISC_ENABLE", "the CPU's model"),
    (0x1C4, 0x1C5, "IA32_XFD", "xfd, AMX"),
    (0x200, 0x20F, "IA32_MTRR_PHYS", "mtrr"),
    (0x250, 0x26F, "IA32_MTRR_FIX", "mtrr"),
    (0x277, 0x277, "IA32_PAT", "pat"),
    (0x2FF, 0x2FF, "IA32_MTRR_DEF_TYPE", "mtrr"),
    (0x309, 0x30C, "IA32_FIXED_CTR", "the performance counters (pmu)"),
    (0x345, 0x345, "IA32_PERF_CAPABILITIES", "pdcm: the host's performance monitoring"),
    (0x38D, 0x391, "IA32_PERF_GLOBAL", "the performance counters (pmu)"),
    (0x480, 0x491, "IA32_VMX", "nested virtualization: vmx, and the same VMX features of the host's CPU and kvm_intel"),
    (0x560, 0x587, "IA32_RTIT", "intel-pt"),
    (0x6A0, 0x6A8, "IA32_CET", "shstk, ibt"),
    (0x6E0, 0x6E0, "IA32_TSC_DEADLINE", "tsc-deadline"),
    (0x8FC, 0x8FC, "IA32_LBR", "arch-lbr"),
    (0xD90, 0xD90, "IA32_BNDCFGS", "mpx: gone from newer CPUs and kernels"),
    (0xDA0, 0xDA0, "IA32_XSS", "xsaves"),
    (0x40000000, 0x400000FF, "HV_X64_MSR", "Hyper-V enlightenments of the host's kernel (hv-…)"),
    (0x40000100, 0x400001FF, "HV_X64_MSR (crash, tsc emulation)", "Hyper-V enlightenments of the host's kernel (hv-…)"),
    (0x4B564D00, 0x4B564DFF, "MSR_KVM", "KVM's own features of the host's kernel (kvmclock, kvm-asyncpf, kvm-steal-time…)"),
    (0xC0000080, 0xC0000080, "EFER", "lm, nx, svm"),
    (0xC0000081, 0xC0000084, "STAR, LSTAR, CSTAR, FMASK", "syscall"),
    (0xC0000100, 0xC0000102, "FS_BASE, GS_BASE, KERNEL_GS_BASE", "lm"),
    (0xC0000103, 0xC0000103, "TSC_AUX", "rdtscp"),
    (0xC0000104, 0xC0000104, "AMD64_TSC_RATIO", "tsc-scale: nested virtualization"),
    (0xC001011F, 0xC001011F, "AMD64_VIRT_SPEC_CTRL", "virt-ssbd"),
    (0xC0010117, 0xC0010117, "VM_HSAVE_PA", "svm: nested virtualization"),
)  # fmt: skip


def numbers(cause: Said | None) -> tuple[tuple[str, str], ...]:
    """Numbers of a message, each with what it is: `("register 0x10", "BAR 0")`."""
    if cause is None:
        return ()
    reading = READERS.get(cause.message.name)
    found = None if reading is None else reading(cause.values)
    return () if found is None else (found,)


def _pci(values: dict[str, str]) -> tuple[str, str] | None:
    if "index" not in values:
        return None
    offset = int(values["index"], 16)
    if offset >= EXTENDED:
        name = "an extended capability"
    elif offset >= CAPABILITIES:
        name = "a capability (MSI, MSI-X, power management, PCI Express, or virtio's own)"
    else:
        name = next(name for at, name in reversed(PCI) if at <= offset)
    return f"register {offset:#x}", name


def _msr(values: dict[str, str]) -> tuple[str, str] | None:
    if "register" not in values:
        return None
    number = int(values["register"], 16)
    for first, last, name, wants in MSRS:
        if first <= number <= last:
            return f"MSR {number:#x}", f"{name}: {wants}"
    return f"MSR {number:#x}", "not one of those that are known here"


READERS = {"pci-config": _pci, "msr": _msr}
