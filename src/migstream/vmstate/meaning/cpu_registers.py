"""Which register each element of an array of a CPU's section is, in lower case; `-` is none.

References
----------
QEMU, target/i386/cpu.h: ``R_EAX``, ``R_ES``; target/arm/internals.h: ``bank_number``, ``aarch64_banked_spsr_index``
"""

from __future__ import annotations

__all__ = ["ARM_BANKS", "ARM_FPU", "ARM_WIDE", "X86_GENERAL", "X86_SEGMENTS"]

X86_GENERAL = "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15"
X86_SEGMENTS = ("es", "cs", "ss", "ds", "fs", "gs")

_BANKS = ("usr", "svc", "abt", "und", "irq", "fiq", "hyp", "mon")
# Arrays of Arm's as a CPU in 32-bit state has them. HYP has no LR of its own, and USR no SPSR.
ARM_BANKS = {
    "env.banked_r13": " ".join(f"r13_{bank}" for bank in _BANKS),
    "env.banked_r14": "r14_usr r14_svc r14_abt r14_und r14_irq r14_fiq - r14_mon",
    "env.banked_spsr": " ".join(["-", *(f"spsr_{bank}" for bank in _BANKS[1:])]),
    "env.elr_el": "- - elr_hyp",
    "env.usr_regs": "r8_usr r9_usr r10_usr r11_usr r12_usr",
    "env.fiq_regs": "r8_fiq r9_fiq r10_fiq r11_fiq r12_fiq",
}
# The same and others as one in 64-bit state has them; the stack pointer that is in use is the last one.
ARM_WIDE = {
    "env.xregs": " ".join([*(f"x{i}" for i in range(31)), "sp"]),
    "env.sp_el": "sp_el0 sp_el1 sp_el2 sp_el3",
    "env.elr_el": "- elr_el1 elr_el2 elr_el3",
    "env.banked_spsr": "- spsr_el1 spsr_abt spsr_und spsr_irq spsr_fiq spsr_el2 spsr_el3",
}
# Numbers 2 to 15 of the registers that VMRS reads, as far as somebody saves them
ARM_FPU = "- - - mvfr2 mvfr1 mvfr0 fpexc fpinst fpinst2"
