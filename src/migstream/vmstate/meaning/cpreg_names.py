"""What Arm's system registers are called, by the numbers of the instruction that reads them.

References
----------
Arm ARM, chapters D19, D24 and G8; registers of one processor's own: QEMU, target/arm/tcg/cortex-regs.c, target/arm/tcg/cpu32.c
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["AARCH32", "AARCH64", "FIRMWARE", "LONG"]


def _each(rows: Mapping[str, str]) -> dict[str, str]:
    """The names of each row by its own numbers and op2, which counts from 0; `-` has no name."""
    return {
        f"{numbers}_{op2}": name
        for numbers, names in rows.items()
        for op2, name in enumerate(names.split())
        if name != "-"
    }


# op0_op1_CRn_CRm, and the names of op2 0 ...
_ROWS_64 = {
    **{
        f"2_0_0_{n}": f"- - - - dbgbvr{n}_el1 dbgbcr{n}_el1 dbgwvr{n}_el1 dbgwcr{n}_el1"
        for n in range(16)
    },
    "3_0_0_0": "midr_el1 - - - - mpidr_el1 revidr_el1",
    "3_0_0_1": "id_pfr0_el1 id_pfr1_el1 id_dfr0_el1 id_afr0_el1 id_mmfr0_el1 id_mmfr1_el1 id_mmfr2_el1 id_mmfr3_el1",
    "3_0_0_2": "id_isar0_el1 id_isar1_el1 id_isar2_el1 id_isar3_el1 id_isar4_el1 id_isar5_el1 id_mmfr4_el1 id_isar6_el1",
    "3_0_0_3": "mvfr0_el1 mvfr1_el1 mvfr2_el1 - id_pfr2_el1 id_dfr1_el1 id_mmfr5_el1",
    "3_0_0_4": "id_aa64pfr0_el1 id_aa64pfr1_el1 id_aa64pfr2_el1 - id_aa64zfr0_el1 id_aa64smfr0_el1 - id_aa64fpfr0_el1",
    "3_0_0_5": "id_aa64dfr0_el1 id_aa64dfr1_el1 id_aa64dfr2_el1 - id_aa64afr0_el1 id_aa64afr1_el1",
    "3_0_0_6": "id_aa64isar0_el1 id_aa64isar1_el1 id_aa64isar2_el1 id_aa64isar3_el1",
    "3_0_0_7": "id_aa64mmfr0_el1 id_aa64mmfr1_el1 id_aa64mmfr2_el1 id_aa64mmfr3_el1 id_aa64mmfr4_el1",
    "3_0_1_0": "sctlr_el1 actlr_el1 cpacr_el1 sctlr2_el1 - rgsr_el1 gcr_el1",
    "3_0_1_2": "zcr_el1 trfcr_el1 - - smpri_el1 - smcr_el1",
    "3_0_2_0": "ttbr0_el1 ttbr1_el1 tcr_el1 tcr2_el1",
    "3_0_2_1": "apiakeylo_el1 apiakeyhi_el1 apibkeylo_el1 apibkeyhi_el1",
    "3_0_2_2": "apdakeylo_el1 apdakeyhi_el1 apdbkeylo_el1 apdbkeyhi_el1",
    "3_0_2_3": "apgakeylo_el1 apgakeyhi_el1",
    "3_0_4_6": "icc_pmr_el1",
    "3_0_5_1": "afsr0_el1 afsr1_el1",
    "3_0_5_2": "esr_el1",
    "3_0_5_3": "erridr_el1 errselr_el1",
    "3_0_5_6": "tfsr_el1 tfsre0_el1",
    "3_0_6_0": "far_el1",
    "3_0_7_4": "par_el1",
    "3_0_9_14": "- pmintenset_el1 - - - - pmmir_el1",
    "3_0_10_2": "mair_el1 - pire0_el1 pir_el1 - por_el1",
    "3_0_10_3": "amair_el1",
    "3_0_10_4": "lorsa_el1 lorea_el1 lorn_el1 lorc_el1 - - - lorid_el1",
    "3_0_12_0": "vbar_el1 rvbar_el1 rmr_el1",
    "3_0_12_1": "- disr_el1",
    "3_0_13_0": "- contextidr_el1 - - tpidr_el1 - - scxtnum_el1",
    "3_0_14_1": "cntkctl_el1",
    "3_1_0_0": "ccsidr_el1 clidr_el1 - - gmid_el1 - smidr_el1 aidr_el1",
    "3_1_11_0": "- - l2ctlr_el1 l2ectlr_el1",
    "3_1_15_0": "l2actlr_el1",
    "3_1_15_2": "cpuactlr_el1 cpuectlr_el1 cpumerrsr_el1 l2merrsr_el1",
    "3_1_15_3": "cbar_el1",
    "3_2_0_0": "csselr_el1",
    "3_3_0_0": "- ctr_el0 - - - - - dczid_el0",
    "3_3_4_2": "- - svcr - - - - tco",
    "3_3_4_4": "fpcr fpsr fpmr",
    "3_3_9_12": "pmcr_el0 pmcntenset_el0 pmcntenclr_el0 pmovsclr_el0 pmswinc_el0 pmselr_el0 pmceid0_el0 pmceid1_el0",
    "3_3_9_13": "pmccntr_el0 pmxevtyper_el0 pmxevcntr_el0",
    "3_3_9_14": "pmuserenr_el0 - - pmovsset_el0",
    "3_3_13_0": "- - tpidr_el0 tpidrro_el0 - tpidr2_el0 - scxtnum_el0",
    "3_3_14_0": "cntfrq_el0",
    "3_3_14_2": "- cntp_ctl_el0 cntp_cval_el0",
    "3_3_14_3": "- cntv_ctl_el0 cntv_cval_el0",
    "3_4_0_0": "vpidr_el2 - - - - vmpidr_el2",
    "3_4_1_0": "sctlr_el2 actlr_el2 - sctlr2_el2",
    "3_4_1_1": "hcr_el2 mdcr_el2 cptr_el2 hstr_el2 hfgrtr_el2 hfgwtr_el2 hfgitr_el2 hacr_el2",
    "3_4_1_2": "zcr_el2 trfcr_el2 hcrx_el2 - - smprimap_el2 smcr_el2",
    "3_4_2_0": "ttbr0_el2 ttbr1_el2 tcr_el2 tcr2_el2",
    "3_4_2_1": "vttbr_el2 - vtcr_el2",
    "3_4_2_2": "vncr_el2",
    "3_4_2_6": "vsttbr_el2 - vstcr_el2",
    "3_4_3_0": "dacr32_el2",
    "3_4_3_1": "- - - - hdfgrtr_el2 hdfgwtr_el2",
    "3_4_5_0": "- ifsr32_el2",
    "3_4_5_1": "afsr0_el2 afsr1_el2",
    "3_4_5_2": "esr_el2 - - vsesr_el2",
    "3_4_5_3": "fpexc32_el2",
    "3_4_5_6": "tfsr_el2",
    "3_4_6_0": "far_el2 - - - hpfar_el2",
    "3_4_10_2": "mair_el2",
    "3_4_10_3": "amair_el2",
    "3_4_12_0": "vbar_el2 rvbar_el2 rmr_el2",
    "3_4_12_1": "- vdisr_el2",
    "3_4_13_0": "- contextidr_el2 tpidr_el2 - - - - scxtnum_el2",
    "3_4_14_0": "- - - cntvoff_el2 - - cntpoff_el2",
    "3_4_14_1": "cnthctl_el2",
    "3_4_14_2": "cnthp_tval_el2 cnthp_ctl_el2 cnthp_cval_el2",
    "3_4_14_3": "cnthv_tval_el2 cnthv_ctl_el2 cnthv_cval_el2",
    "3_6_1_0": "sctlr_el3 actlr_el3",
    "3_6_1_1": "scr_el3 sder32_el3 cptr_el3",
    "3_6_1_2": "zcr_el3 - - - - - smcr_el3",
    "3_6_1_3": "- mdcr_el3",
    "3_6_2_0": "ttbr0_el3 - tcr_el3",
    "3_6_5_1": "afsr0_el3 afsr1_el3",
    "3_6_5_2": "esr_el3",
    "3_6_5_6": "tfsr_el3",
    "3_6_6_0": "far_el3",
    "3_6_10_2": "mair_el3",
    "3_6_10_3": "amair_el3",
    "3_6_12_0": "vbar_el3 rvbar_el3 rmr_el3",
    "3_6_13_0": "- - tpidr_el3 - - - - scxtnum_el3",
    "3_7_14_2": "- cntps_ctl_el1 cntps_cval_el1",
}
AARCH64: dict[str, str] = {
    **_each(_ROWS_64),
    "2_0_0_0_2": "osdtrrx_el1",
    "2_0_0_2_0": "mdccint_el1",
    "2_0_0_2_2": "mdscr_el1",
    "2_0_0_3_2": "osdtrtx_el1",
    "2_0_0_6_2": "oseccr_el1",
    "2_0_1_0_0": "mdrar_el1",
    "2_0_1_1_4": "oslsr_el1",
    "2_0_1_3_4": "osdlr_el1",
    "2_0_7_8_6": "dbgclaimset_el1",
    "2_0_7_9_6": "dbgclaimclr_el1",
    "2_3_0_1_0": "mdccsr_el0",
    "2_3_0_4_0": "dbgdtr_el0",
    "2_3_0_5_0": "dbgdtrrx_el0",
    "2_4_0_7_0": "dbgvcr32_el2",
    **{f"3_3_14_{8 + n // 8}_{n % 8}": f"pmevcntr{n}_el0" for n in range(31)},
    **{f"3_3_14_{12 + n // 8}_{n % 8}": f"pmevtyper{n}_el0" for n in range(31)},
    "3_3_14_15_7": "pmccfiltr_el0",
}

# coprocessor_op1_CRn_CRm, as MRC has them
_ROWS_32 = {
    **{f"14_0_0_{n}": f"- - - - dbgbvr{n} dbgbcr{n} dbgwvr{n} dbgwcr{n}" for n in range(16)},
    **{f"14_0_1_{n}": f"- dbgbxvr{n}" for n in range(16)},
    "14_0_7_0": "dbgdevid2 dbgdevid1 dbgdevid",
    "14_6_0_0": "teecr",
    "14_6_1_0": "teehbr",
    "14_7_0_0": "jidr",
    "14_7_1_0": "joscr",
    "14_7_2_0": "jmcr",
    "15_0_0_0": "midr ctr tcmtr tlbtr - mpidr revidr",
    "15_0_0_1": "id_pfr0 id_pfr1 id_dfr0 id_afr0 id_mmfr0 id_mmfr1 id_mmfr2 id_mmfr3",
    "15_0_0_2": "id_isar0 id_isar1 id_isar2 id_isar3 id_isar4 id_isar5 id_mmfr4 id_isar6",
    "15_0_0_3": "- - - - id_pfr2 id_dfr1 id_mmfr5",
    "15_0_1_0": "sctlr actlr cpacr actlr2",
    "15_0_1_1": "- sder nsacr",
    "15_0_2_0": "ttbr0 ttbr1 ttbcr ttbcr2",
    "15_0_3_0": "dacr",
    "15_0_5_0": "dfsr ifsr",
    "15_0_5_1": "adfsr aifsr",
    "15_0_5_3": "erridr errselr",
    "15_0_6_0": "dfar wfar ifar",
    "15_0_7_4": "par",
    "15_0_9_12": "pmcr pmcntenset pmcntenclr pmovsr pmswinc pmselr pmceid0 pmceid1",
    "15_0_9_13": "pmccntr pmxevtyper pmxevcntr",
    "15_0_9_14": "pmuserenr pmintenset pmintenclr pmovsset pmceid2 pmceid3 pmmir",
    "15_0_10_2": "prrr nmrr",
    "15_0_10_3": "amair0 amair1",
    "15_0_12_0": "vbar mvbar rmr",
    "15_0_12_1": "- disr",
    "15_0_13_0": "fcseidr contextidr tpidrurw tpidruro tpidrprw",
    "15_0_14_0": "cntfrq",
    "15_0_14_1": "cntkctl",
    "15_0_14_2": "- cntp_ctl",
    "15_0_14_3": "- cntv_ctl",
    "15_1_0_0": "ccsidr clidr - - - - - aidr",
    "15_1_9_0": "- - l2ctlr l2ectlr",
    "15_2_0_0": "csselr",
    "15_4_0_0": "vpidr - - - - vmpidr",
    "15_4_1_0": "hsctlr hactlr - hactlr2",
    "15_4_1_1": "hcr hdcr hcptr hstr hcr2 - - hacr",
    "15_4_2_0": "- - htcr",
    "15_4_2_1": "- - vtcr",
    "15_4_5_1": "hadfsr haifsr",
    "15_4_5_2": "hsr - - vdfsr",
    "15_4_6_0": "hdfar - hifar - hpfar",
    "15_4_10_2": "hmair0 hmair1",
    "15_4_10_3": "hamair0 hamair1",
    "15_4_12_0": "hvbar",
    "15_4_12_1": "- vdisr",
    "15_4_13_0": "- - htpidr",
    "15_4_14_1": "cnthctl",
    "15_4_14_2": "cnthp_tval cnthp_ctl",
    "15_4_14_3": "- cnthv_ctl",
    "15_4_15_0": "cbar",
}
AARCH32: dict[str, str] = {
    **_each(_ROWS_32),
    "14_0_0_0_0": "dbgdidr",
    "14_0_0_0_2": "dbgdtrrxext",
    "14_0_0_1_0": "dbgdscrint",
    "14_0_0_2_0": "dbgdccint",
    "14_0_0_2_2": "dbgdscrext",
    "14_0_0_3_2": "dbgdtrtxext",
    "14_0_0_5_0": "dbgdtrrxint",
    "14_0_0_6_2": "dbgoseccr",
    "14_0_0_7_0": "dbgvcr",
    "14_0_1_0_0": "dbgdrar",
    "14_0_1_1_4": "dbgoslsr",
    "14_0_1_3_4": "dbgosdlr",
    "14_0_2_0_0": "dbgdsar",
    "14_0_7_8_6": "dbgclaimset",
    "14_0_7_9_6": "dbgclaimclr",
    **{f"15_0_14_{8 + n // 8}_{n % 8}": f"pmevcntr{n}" for n in range(31)},
    **{f"15_0_14_{12 + n // 8}_{n % 8}": f"pmevtyper{n}" for n in range(31)},
    "15_0_14_15_7": "pmccfiltr",
}

# coprocessor_op1_CRm, as MRRC has them. QEMU saves the 64 bits of PAR under its AArch32 number only.
LONG: dict[str, str] = {
    "15_0_7": "par_el1",
    "15_4_2": "httbr",
    "15_6_2": "vttbr",
    "15_4_14": "cntvoff",
    "15_6_14": "cnthp_cval",
}

# What KVM keeps beside them (Linux, arch/arm64/include/uapi/asm/kvm.h: KVM_REG_ARM_FW_REG, KVM_REG_ARM_FW_FEAT_BMAP_REG)
FIRMWARE: dict[int, str] = {
    0x6030_0000_0014_0000: "psci_version",
    0x6030_0000_0014_0001: "smccc_arch_workaround_1",
    0x6030_0000_0014_0002: "smccc_arch_workaround_2",
    0x6030_0000_0014_0003: "smccc_arch_workaround_3",
    0x6030_0000_0016_0000: "std_bmap",
    0x6030_0000_0016_0001: "std_hyp_bmap",
    0x6030_0000_0016_0002: "vendor_hyp_bmap",
}
