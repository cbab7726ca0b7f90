"""System registers of Arm by the ids that KVM and QEMU give them.

References
----------
Linux, arch/arm64/include/uapi/asm/kvm.h: ``ARM64_SYS_REG``, arch/arm/include/uapi/asm/kvm.h: ``ARM_CP15_REG32``;
QEMU, target/arm/cpregs.h: ``cpreg_to_kvm_id``
"""

from __future__ import annotations

from typing import NamedTuple

from migstream.vmstate.meaning.cpreg_names import AARCH32, AARCH64, FIRMWARE, LONG

__all__ = ["Encoding", "encoding", "name_of", "own_id"]

ARM, ARM64 = 0x40, 0x60  # bits 63:56
SYSREG = 0x13  # KVM_REG_ARM64_SYSREG
WIDE, NON_SECURE = 3, 1 << 29  # size: 8 bytes
OWN_AARCH64, OWN_WIDE = 1 << 28, 1 << 15  # in QEMU's own ids: CP_REG_AA64_MASK, of 64 bits


class Encoding(NamedTuple):
    """The numbers of the instruction that reads a register.

    Parameters
    ----------
    aarch64 : whether that is `mrs`, else `mrc` of a coprocessor
    wide : whether that is `mrrc`, which has 64 bits of AArch32 and no crn and op2
    cp : the coprocessor; 0x13 of AArch64's registers
    op0, op1, crn, crm, op2 : op0 is 0 for AArch32, whose op1 is called opc1, and op2 opc2
    """

    aarch64: bool
    wide: bool
    cp: int
    op0: int
    op1: int
    crn: int
    crm: int
    op2: int

    def __str__(self) -> str:
        """In the words of the architecture."""
        if self.aarch64:
            return f"op0 {self.op0} op1 {self.op1} CRn {self.crn} CRm {self.crm} op2 {self.op2}"
        return f"cp {self.cp} CRn {self.crn} CRm {self.crm} opc1 {self.op1} opc2 {self.op2}"


def encoding(register: int) -> Encoding | None:
    """What a register's id says; None for an id that is not a system register's.

    It is KVM's, as streams have them, or QEMU's own, which it prints (target/arm/cpregs.h: ENCODE_CP_REG,
    ENCODE_AA64_CP_REG).
    """
    kind, cp = register >> 56, register >> 16 & 0xFFF
    if kind not in (ARM, ARM64, 0):
        return None
    op2 = register & 7
    if cp == SYSREG and (kind == ARM64 or (kind == 0 and register & OWN_AARCH64)):
        return Encoding(
            aarch64=True,
            wide=False,
            cp=cp,
            op0=register >> 14 & 3,
            op1=register >> 11 & 7,
            crn=register >> 7 & 15,
            crm=register >> 3 & 15,
            op2=op2,
        )
    if kind == ARM64:
        return None
    return Encoding(
        aarch64=False,
        wide=bool(register & OWN_WIDE) if kind == 0 else register >> 52 & 15 == WIDE,
        cp=cp & 0xFF,
        op0=0,
        op1=register >> 3 & 15,
        crn=register >> 11 & 15,
        crm=register >> 7 & 15,
        op2=op2,
    )


def own_id(register: int) -> int:
    """QEMU's own id of a register that KVM's id names (target/arm/cpregs.h: kvm_to_cpreg_id)."""
    low = register & 0xFFFFFFFF
    if register >> 56 == ARM64:
        return low | OWN_AARCH64
    return low | NON_SECURE | (OWN_WIDE if register >> 52 & 15 == WIDE else 0)


def name_of(register: int) -> str | None:
    """The name of a register, None for an id that is neither a system register's nor of KVM's firmware.

    Where no name is known, the numbers of its instruction: `s3_0_c15_c2_1` as the assembler has it,
    `p15_0_c15_c0_1` for `mrc p15, 0, ..., c15, c0, 1`, `p15_0_c2` for `mrrc p15, 0, ..., c2`. A register
    of the secure bank has `_s` behind it.
    """
    one = encoding(register)
    if one is None or not register >> 56:
        return FIRMWARE.get(register)
    numbers = f"{one.op1}_{one.crn}_{one.crm}_{one.op2}"
    plain = f"{one.op1}_c{one.crn}_c{one.crm}_{one.op2}"
    if one.aarch64:
        return AARCH64.get(f"{one.op0}_{numbers}") or f"s{one.op0}_{plain}"
    bank = "" if register & NON_SECURE else "_s"
    if one.wide:
        known = LONG.get(f"{one.cp}_{one.op1}_{one.crm}")
        return (known or f"p{one.cp}_{one.op1}_c{one.crm}") + bank
    return (AARCH32.get(f"{one.cp}_{numbers}") or f"p{one.cp}_{plain}") + bank
