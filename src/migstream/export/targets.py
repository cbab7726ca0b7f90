"""What dump-guest-memory knows of each architecture: kind of ELF file, byte order, notes.

References
----------
QEMU, target/*/arch_dump.c: ``cpu_get_dump_info``, ``*_cpu_write_elf*_note``
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from migstream.export.notes import (
    FLOATING,
    NT_PRFPREG,
    NT_PRSTATUS,
    PID,
    Note,
    Order,
    Words,
    numbered,
    words,
    zeros,
)

__all__ = ["Target", "target"]

Values = Mapping[str, int]


class Target(msgspec.Struct, frozen=True):
    """One architecture's kind of core file.

    Parameters
    ----------
    machine : e_machine
    bits : 32 or 64: ELFCLASS, as far as the memory allows
    order : byte order of the file, from the registers of the first CPU
    notes : of one CPU, which stand together
    qemu_notes : of one CPU, behind the notes of all CPUs
    highest : memory that ends above it asks for ELFCLASS64
    """

    machine: int
    bits: int
    order: Callable[[Values], Order]
    notes: tuple[Note, ...] = ()
    qemu_notes: tuple[Note, ...] = ()
    highest: int = 1 << 32


# --- byte order ----------------------------------------------------------------------------------


def _little(_: Values) -> Order:
    return "little"


def _big(_: Values) -> Order:
    return "big"


def _big_if(register: str, bit: int) -> Callable[[Values], Order]:
    def order(values: Values) -> Order:
        return "big" if values.get(register, 0) >> bit & 1 else "little"

    return order


def _little_if(register: str, bit: int) -> Callable[[Values], Order]:
    def order(values: Values) -> Order:
        return "little" if values.get(register, 0) >> bit & 1 else "big"

    return order


# --- struct elf_prstatus -------------------------------------------------------------------------


def _prstatus(bits: int, *registers: Words) -> Note:
    """The note all architectures share: a thread's number and, further down, its registers."""
    before, between = (32, 76) if bits == 64 else (24, 44)
    return Note("CORE", NT_PRSTATUS, (zeros(before), PID, zeros(between), *registers))


# --- x86 -----------------------------------------------------------------------------------------

_SEGMENTS = tuple(
    field
    for name in ("cs", "ds", "es", "fs", "gs", "ss", "ldt", "tr")
    for field in (
        words(4, f"{name}.selector {name}.limit {name}.flags 0"),
        words(8, f"{name}.base"),
    )
) + tuple(
    field
    for name in ("gdt", "idt")
    for field in (words(4, f"0 {name}.limit 0 0"), words(8, f"{name}.base"))
)


def _qemu_cpu_state(high: Words, kernel_gs_base: str) -> Note:
    """QEMUCPUState, version 1; CR1 does not exist.

    The last word is KernelGSBase, which the program for 32-bit guests does not have, nor R8-R15.
    """
    size = 440
    return Note(
        "QEMU",
        0,
        (
            words(4, f"1 {size}"),
            words(8, "rax rbx rcx rdx rsi rdi rsp rbp"),
            high,
            words(8, "rip rflags"),
            *_SEGMENTS,
            words(8, f"cr0 0 cr2 cr3 cr4 {kernel_gs_base}"),
        ),
    )


# struct user_regs_struct
_X86_64 = _prstatus(
    64,
    words(8, "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi 0"),
    words(8, "rip cs.selector rflags rsp ss.selector fs.base gs.base"),
    words(8, "ds.selector es.selector fs.selector gs.selector"),
    zeros(8),
)
_I386 = _prstatus(
    32,
    words(4, "rbx rcx rdx rsi rdi rbp rax"),
    words(4, "ds.selector es.selector fs.selector gs.selector"),
    words(4, "0 rip cs.selector rflags rsp ss.selector"),
    zeros(4),
)
_QEMU_X86_64 = _qemu_cpu_state(numbered(8, "r", 8, first=8), "kernelgsbase")
_QEMU_I386 = _qemu_cpu_state(zeros(64), "0")
# QEMU asks for an end above UINT_MAX, so that the flash below 4 GiB makes an ELFCLASS64.
_X86_HIGHEST = (1 << 32) - 1

_LONG_MODE = Target(62, 64, _little, (_X86_64,), (_QEMU_X86_64,))
# The program for 64-bit guests, the first CPU of which is not in long mode.
_SHORT_MODE = Target(3, 32, _little, (_I386,), (_QEMU_X86_64,), _X86_HIGHEST)
_I386_TARGET = Target(3, 32, _little, (_I386,), (_QEMU_I386,), _X86_HIGHEST)

_EFER_LMA = 1 << 10

# --- Arm -----------------------------------------------------------------------------------------

_NT_ARM_VFP = 0x400
_SCTLR_EE = 25

_AARCH64 = (
    _prstatus(64, numbered(8, "x", 31), words(8, "sp pc pstate"), words(4, "1 0")),
    Note("CORE", NT_PRFPREG, (numbered(16, "v", 32), words(4, "fpsr fpcr"), zeros(8))),
)
_ARM_REGISTERS = (numbered(4, "r", 16), words(4, "cpsr 0"))
_ARM = (
    _prstatus(32, *_ARM_REGISTERS, words(4, FLOATING)),
    Note("LINUX", _NT_ARM_VFP, (numbered(8, "d", 32), words(4, "fpscr")), absent="omitted"),
)

# --- PowerPC -------------------------------------------------------------------------------------

_NT_PPC_VMX, _NT_PPC_SPE, _NT_PPC_VSX = 0x100, 0x101, 0x102
_LPCR_ILE, _MSR_ILE = 25, 16


def _ppc(size: int) -> tuple[Note, ...]:
    """The five notes of a CPU with registers of `size` bytes."""
    return (
        # QEMU leaves as much room in front of the registers for 32 bits as it does for 64.
        _prstatus(
            64,
            numbered(size, "r", 32),
            words(size, "nip msr 0 ctr lr xer cr"),
            zeros(size * 5 + 40),
        ),
        Note("CORE", NT_PRFPREG, (numbered(8, "f", 32), words(size, "fpscr")), absent="zero"),
        Note(
            "CORE",
            _NT_PPC_VMX,
            (numbered(16, "v", 32), zeros(12), words(4, "vscr"), zeros(16)),
            absent="zero",
        ),
        Note("CORE", _NT_PPC_VSX, (numbered(8, "vsl", 32),), absent="zero"),
        Note(
            "CORE",
            _NT_PPC_SPE,
            (zeros(128), words(8, "spe_acc"), zeros(4)),
            absent="zero",
        ),
    )


# --- s390x, RISC-V, LoongArch --------------------------------------------------------------------

_S390X = (
    _prstatus(
        64,
        words(8, "psw.mask psw.addr"),
        numbered(8, "r", 16),
        numbered(4, "a", 16),
        zeros(16),
    ),
    Note("CORE", NT_PRFPREG, (words(4, "fpc 0"), numbered(8, "f", 16))),
    Note("LINUX", 0x305, (words(4, "prefix"),)),
    Note("LINUX", 0x304, (numbered(8, "c", 16),)),
    Note("LINUX", 0x301, (words(8, "cputm"),)),
    Note("LINUX", 0x302, (words(8, "ckc"),)),
    Note("LINUX", 0x303, (words(4, "todpr"),)),
    Note("LINUX", 0x309, (numbered(8, "vl", 16),), absent="zero"),
    Note("LINUX", 0x30A, (numbered(16, "v", 16, first=16),), absent="zero"),
    Note("LINUX", 0x30B, (numbered(8, "gscb", 4),), absent="zero"),
)
_RISCV64 = _prstatus(64, words(8, "pc"), numbered(8, "x", 31, first=1), zeros(8))
_RISCV32 = _prstatus(32, words(4, "pc"), numbered(4, "x", 31, first=1), zeros(4))
_MSTATUS_UBE = 6
_LOONGARCH64 = (
    _prstatus(64, numbered(8, "r", 32), words(8, "0 era badv"), zeros(80), words(4, "1 0")),
    Note("CORE", NT_PRFPREG, (numbered(8, "f", 32), words(8, "fcc"), words(4, "fcsr0"))),
)

TARGETS = {
    "x86_64": _SHORT_MODE,
    "i386": _I386_TARGET,
    "aarch64": Target(183, 64, _big_if("sctlr_el1", _SCTLR_EE), _AARCH64),
    "arm": Target(40, 32, _big_if("sctlr", _SCTLR_EE), _ARM),
    "ppc64": Target(21, 64, _little_if("lpcr", _LPCR_ILE), _ppc(8)),
    "ppc": Target(20, 32, _little_if("msr", _MSR_ILE), _ppc(4)),
    "s390x": Target(22, 64, _big, _S390X),
    "riscv64": Target(243, 64, _big_if("mstatus", _MSTATUS_UBE), (_RISCV64,)),
    "riscv32": Target(243, 32, _big_if("mstatus", _MSTATUS_UBE), (_RISCV32,)),
    "loongarch64": Target(258, 64, _little, _LOONGARCH64),
    # QEMU cannot dump these; the file has their memory only.
    "m68k": Target(4, 32, _big),
    "mips": Target(8, 64, _big),
    "sparc": Target(43, 64, _big),
}
# EM_NONE: whose memory it is remains unsaid.
_UNKNOWN = Target(0, 64, _little)


def target(arch: str | None, first: Values) -> Target:
    """The kind of core file for an architecture of `machine.arch`.

    Parameters
    ----------
    first : registers of the first CPU, by which QEMU goes (target/i386/arch_dump.c: HF_LMA_MASK)
    """
    if arch == "x86_64" and first.get("efer", 0) & _EFER_LMA:
        return _LONG_MODE
    return TARGETS.get(arch or "", _UNKNOWN)
