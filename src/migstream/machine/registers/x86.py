"""Registers of x86: which field of the CPU section holds which.

References
----------
QEMU, target/i386/machine.c: ``vmstate_x86_cpu`` and its subsections; target/i386/cpu.h: ``HF_*``
"""

from __future__ import annotations

from collections.abc import Mapping

from migstream.machine.registers.rows import Fields, Joined, Row
from migstream.machine.registers.rows import read as read_rows
from migstream.vmstate.meaning.cpu_registers import X86_GENERAL, X86_SEGMENTS
from migstream.vmstate.values import Value

__all__ = ["pc", "read", "root"]

CR0_PG = 1 << 31
CR4_PAE = 1 << 5
EFER_LMA = 1 << 10
# What of CR3 is the address of the first table (Intel SDM volume 3, section 4.3 and following)
SHORT_ROOT = (1 << 32) - (1 << 12)
PAE_ROOT = (1 << 32) - (1 << 5)
LONG_ROOT = (1 << 52) - (1 << 12)

A20, CPL, SMM = 20, 3, 19

SEGMENT_FIELDS = ["selector", "base", "limit", "flags"]
PLACES = {
    **{name: ("env.segs", f"[{i}]") for i, name in enumerate(X86_SEGMENTS)},
    **{name: (f"env.{name}",) for name in ("ldt", "tr")},
}
VECTORS = 16
AVX512 = "cpu/avx512"


def _half(number: int) -> tuple[tuple[str, str], ...]:
    """Where the low 256 bits of a vector are."""
    return tuple((f"env.xmm_regs[{part}]", f"[{number}]") for part in (0, 1))


ROWS: tuple[Row | Joined, ...] = (
    Row(X86_GENERAL, ("env.regs",)),
    Row("rip", ("env.eip",)),
    Row("rflags", ("env.eflags",)),
    *(
        Row(f"{name}.{field}", (*place, field))
        for name, place in PLACES.items()
        for field in SEGMENT_FIELDS
    ),
    *(
        Row(f"{name}.{field}", (f"env.{name}", field))
        for name in ("gdt", "idt")
        for field in ("base", "limit")
    ),
    *(Row(f"cr{i}", (f"env.cr[{i}]",)) for i in (0, 2, 3, 4)),
    Row(" ".join(f"dr{i}" for i in range(8)), ("env.dr",)),
    *(
        Row(name, (f"env.{name}",))
        for name in [
            "efer",
            "star",
            "lstar",
            "cstar",
            "fmask",
            "kernelgsbase",
            "sysenter_cs",
            "sysenter_esp",
            "sysenter_eip",
            "pat",
            "tsc",
            "tsc_aux",
            "smbase",
            "xcr0",
            "mxcsr",
            "a20_mask",
            "hflags",
            "hflags2",
        ]
    ),
    Row("xss", ("cpu/xss", "env.xss")),
    Row("pkru", ("cpu/pkru", "env.pkru")),
    Row("fctrl", ("env.fpuc",)),
    Row("fstat", ("env.fpus_vmstate",)),
    Row("ftag", ("env.fptag_vmstate",)),
    # In the order of env.fpregs: KVM counts from the top of the stack there (FXSAVE), TCG does not.
    *(Joined(f"st{i}", (("env.fpregs", f"[{i}]"),)) for i in range(8)),
    *(Joined(f"xmm{i}", (("env.xmm_regs[0]", f"[{i}]"),)) for i in range(VECTORS)),
    *(Joined(f"ymm{i}", _half(i)) for i in range(VECTORS)),
    # there only where one of its registers is not 0
    Row(" ".join(f"k{i}" for i in range(8)), (AVX512, "env.opmask_regs")),
    *(
        Joined(f"zmm{i}", (*_half(i), (AVX512, "env.xmm_regs[0]", f"[{i}]")))
        for i in range(VECTORS)
    ),
    *(
        Joined(f"zmm{VECTORS + i}", ((AVX512, "env.xmm_regs[1]", f"[{i}]"),))
        for i in range(VECTORS)
    ),
)


def read(cpu: Value, arch: str) -> dict[str, int]:  # noqa: ARG001 - both programs use the same fields
    """Every register that the CPU section holds.

    The names are those of 64-bit mode for the 32-bit program too. `ftag` has a bit for each register of
    the x87 that is in use; segment `flags` are the upper half of the descriptor; `st0` ... are 80 bits,
    `xmm0` ... 128, `ymm0` ... 256.
    """
    values = read_rows(Fields(cpu), ROWS)
    for name, source, shift, mask in (
        ("a20", "a20_mask", A20, 1),
        ("cpl", "hflags", 0, CPL),
        ("smm", "hflags", SMM, 1),
    ):
        if source in values:
            values[name] = values[source] >> shift & mask
    return values


def pc(values: Mapping[str, int]) -> int:
    """RIP: the offset into the code segment, which need not begin at 0."""
    return values.get("rip", 0)


def root(values: Mapping[str, int]) -> int | None:
    """The table that CR3 names, as the mode has it; None where CR0.PG is off."""
    if not values.get("cr0", 0) & CR0_PG or "cr3" not in values:
        return None
    if not values.get("cr4", 0) & CR4_PAE:
        return values["cr3"] & SHORT_ROOT
    return values["cr3"] & (LONG_ROOT if values.get("efer", 0) & EFER_LMA else PAE_ROOT)
