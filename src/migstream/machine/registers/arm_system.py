"""System registers of Arm by the ids that KVM and QEMU give them.

References
----------
Linux, arch/arm64/include/uapi/asm/kvm.h: ``ARM64_SYS_REG``, arch/arm/include/uapi/asm/kvm.h: ``ARM_CP15_REG32``;
QEMU, target/arm/cpregs.h: ``cpreg_to_kvm_id``; names: Arm ARM, chapters D19 and G8
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Encoding", "encoding", "name_of", "own_id"]

ARM, ARM64 = 0x40, 0x60  # bits 63:56
SYSREG = 0x13  # KVM_REG_ARM64_SYSREG
WIDE, NON_SECURE = 3, 1 << 29  # size: 8 bytes
OWN_AARCH64, OWN_WIDE = 1 << 28, 1 << 15  # in QEMU's own ids: CP_REG_AA64_MASK, of 64 bits

# op0_op1_CRn_CRm_op2
_AARCH64 = {
    "3_0_0_0_0": "midr_el1",
    "3_0_0_0_5": "mpidr_el1",
    "3_0_0_0_6": "revidr_el1",
    "3_0_0_1_0": "id_pfr0_el1",
    "3_0_0_1_1": "id_pfr1_el1",
    "3_0_0_4_0": "id_aa64pfr0_el1",
    "3_0_0_4_1": "id_aa64pfr1_el1",
    "3_0_0_4_4": "id_aa64zfr0_el1",
    "3_0_0_4_5": "id_aa64smfr0_el1",
    "3_0_0_5_0": "id_aa64dfr0_el1",
    "3_0_0_5_1": "id_aa64dfr1_el1",
    "3_0_0_6_0": "id_aa64isar0_el1",
    "3_0_0_6_1": "id_aa64isar1_el1",
    "3_0_0_6_2": "id_aa64isar2_el1",
    "3_0_0_7_0": "id_aa64mmfr0_el1",
    "3_0_0_7_1": "id_aa64mmfr1_el1",
    "3_0_0_7_2": "id_aa64mmfr2_el1",
    "3_0_0_7_3": "id_aa64mmfr3_el1",
    "3_0_1_0_0": "sctlr_el1",
    "3_0_1_0_1": "actlr_el1",
    "3_0_1_0_2": "cpacr_el1",
    "3_0_1_0_3": "sctlr2_el1",
    "3_0_1_0_5": "rgsr_el1",
    "3_0_1_0_6": "gcr_el1",
    "3_0_1_2_0": "zcr_el1",
    "3_0_1_2_6": "smcr_el1",
    "3_0_2_0_0": "ttbr0_el1",
    "3_0_2_0_1": "ttbr1_el1",
    "3_0_2_0_2": "tcr_el1",
    "3_0_2_0_3": "tcr2_el1",
    "3_0_2_1_0": "apiakeylo_el1",
    "3_0_2_1_1": "apiakeyhi_el1",
    "3_0_2_1_2": "apibkeylo_el1",
    "3_0_2_1_3": "apibkeyhi_el1",
    "3_0_2_2_0": "apdakeylo_el1",
    "3_0_2_2_1": "apdakeyhi_el1",
    "3_0_2_2_2": "apdbkeylo_el1",
    "3_0_2_2_3": "apdbkeyhi_el1",
    "3_0_2_3_0": "apgakeylo_el1",
    "3_0_2_3_1": "apgakeyhi_el1",
    "3_0_4_6_0": "icc_pmr_el1",
    "3_0_5_1_0": "afsr0_el1",
    "3_0_5_1_1": "afsr1_el1",
    "3_0_5_2_0": "esr_el1",
    "3_0_6_0_0": "far_el1",
    "3_0_7_4_0": "par_el1",
    "3_0_10_2_0": "mair_el1",
    "3_0_10_2_2": "pire0_el1",
    "3_0_10_2_3": "pir_el1",
    "3_0_10_3_0": "amair_el1",
    "3_0_12_0_0": "vbar_el1",
    "3_0_12_1_1": "disr_el1",
    "3_0_13_0_1": "contextidr_el1",
    "3_0_13_0_4": "tpidr_el1",
    "3_0_14_1_0": "cntkctl_el1",
    "3_2_0_0_0": "csselr_el1",
    "3_3_0_0_1": "ctr_el0",
    "3_3_4_2_2": "svcr",
    "3_3_9_12_0": "pmcr_el0",
    "3_3_9_12_1": "pmcntenset_el0",
    "3_3_9_12_5": "pmselr_el0",
    "3_3_9_13_0": "pmccntr_el0",
    "3_3_9_14_0": "pmuserenr_el0",
    "3_3_13_0_2": "tpidr_el0",
    "3_3_13_0_3": "tpidrro_el0",
    "3_3_13_0_5": "tpidr2_el0",
    "3_3_14_0_0": "cntfrq_el0",
    "3_3_14_2_1": "cntp_ctl_el0",
    "3_3_14_2_2": "cntp_cval_el0",
    "3_3_14_3_1": "cntv_ctl_el0",
    "3_3_14_3_2": "cntv_cval_el0",
    "3_4_0_0_0": "vpidr_el2",
    "3_4_0_0_5": "vmpidr_el2",
    "3_4_1_0_0": "sctlr_el2",
    "3_4_1_0_1": "actlr_el2",
    "3_4_1_1_0": "hcr_el2",
    "3_4_1_1_1": "mdcr_el2",
    "3_4_1_1_2": "cptr_el2",
    "3_4_1_1_3": "hstr_el2",
    "3_4_1_2_2": "hcrx_el2",
    "3_4_2_0_0": "ttbr0_el2",
    "3_4_2_0_1": "ttbr1_el2",
    "3_4_2_0_2": "tcr_el2",
    "3_4_2_1_0": "vttbr_el2",
    "3_4_2_1_2": "vtcr_el2",
    "3_4_5_1_0": "afsr0_el2",
    "3_4_5_1_1": "afsr1_el2",
    "3_4_5_2_0": "esr_el2",
    "3_4_6_0_0": "far_el2",
    "3_4_6_0_4": "hpfar_el2",
    "3_4_10_2_0": "mair_el2",
    "3_4_10_3_0": "amair_el2",
    "3_4_12_0_0": "vbar_el2",
    "3_4_13_0_1": "contextidr_el2",
    "3_4_13_0_2": "tpidr_el2",
    "3_4_14_0_3": "cntvoff_el2",
    "3_4_14_1_0": "cnthctl_el2",
    "3_6_1_0_0": "sctlr_el3",
    "3_6_1_0_1": "actlr_el3",
    "3_6_1_1_0": "scr_el3",
    "3_6_1_1_1": "sder32_el3",
    "3_6_1_1_2": "cptr_el3",
    "3_6_1_3_1": "mdcr_el3",
    "3_6_2_0_0": "ttbr0_el3",
    "3_6_2_0_2": "tcr_el3",
    "3_6_5_1_0": "afsr0_el3",
    "3_6_5_1_1": "afsr1_el3",
    "3_6_5_2_0": "esr_el3",
    "3_6_6_0_0": "far_el3",
    "3_6_10_2_0": "mair_el3",
    "3_6_10_3_0": "amair_el3",
    "3_6_12_0_0": "vbar_el3",
    "3_6_12_0_1": "rvbar_el3",
    "3_6_12_0_2": "rmr_el3",
    "3_6_13_0_2": "tpidr_el3",
}

# coprocessor_op1_CRn_CRm_op2, as MRC has them
_AARCH32 = {
    "15_0_0_0_0": "midr",
    "15_0_0_0_1": "ctr",
    "15_0_0_0_2": "tcmtr",
    "15_0_0_0_3": "tlbtr",
    "15_0_0_0_5": "mpidr",
    "15_1_0_0_1": "clidr",
    "15_2_0_0_0": "csselr",
    "15_0_1_0_0": "sctlr",
    "15_0_1_0_1": "actlr",
    "15_0_1_0_2": "cpacr",
    "15_0_1_1_1": "sder",
    "15_0_1_1_2": "nsacr",
    "15_0_2_0_0": "ttbr0",
    "15_0_2_0_1": "ttbr1",
    "15_0_2_0_2": "ttbcr",
    "15_0_3_0_0": "dacr",
    "15_0_5_0_0": "dfsr",
    "15_0_5_0_1": "ifsr",
    "15_0_5_1_0": "adfsr",
    "15_0_5_1_1": "aifsr",
    "15_0_6_0_0": "dfar",
    "15_0_6_0_1": "wfar",
    "15_0_6_0_2": "ifar",
    "15_0_7_4_0": "par",
    "15_0_10_2_0": "prrr",
    "15_0_10_2_1": "nmrr",
    "15_0_12_0_0": "vbar",
    "15_0_12_0_1": "mvbar",
    "15_0_13_0_0": "fcseidr",
    "15_0_13_0_1": "contextidr",
    "15_0_13_0_2": "tpidrurw",
    "15_0_13_0_3": "tpidruro",
    "15_0_13_0_4": "tpidrprw",
}

# coprocessor_op1_CRm, as MRRC has them: QEMU saves the 64 bits of this one under its AArch32 number only
_WIDE = {"15_0_7": "par_el1"}


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
    """The name of a register, None for an id that is not a system register's.

    Where no name is known, the numbers of its instruction: `s3_0_c15_c2_1` as the assembler has it,
    `p15_0_c15_c0_1` for `mrc p15, 0, ..., c15, c0, 1`, `p15_0_c2` for `mrrc p15, 0, ..., c2`. A register
    of the secure bank has `_s` behind it.
    """
    one = encoding(register)
    if one is None or not register >> 56:
        return None
    numbers = f"{one.op1}_{one.crn}_{one.crm}_{one.op2}"
    plain = f"{one.op1}_c{one.crn}_c{one.crm}_{one.op2}"
    if one.aarch64:
        return _AARCH64.get(f"{one.op0}_{numbers}") or f"s{one.op0}_{plain}"
    bank = "" if register & NON_SECURE else "_s"
    if one.wide:
        known = _WIDE.get(f"{one.cp}_{one.op1}_{one.crm}")
        return (known or f"p{one.cp}_{one.op1}_c{one.crm}") + bank
    return (_AARCH32.get(f"{one.cp}_{numbers}") or f"p{one.cp}_{plain}") + bank
