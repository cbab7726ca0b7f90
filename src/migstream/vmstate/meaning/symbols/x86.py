"""Registers of x86 CPUs.

References: Intel SDM 1, 3.4 and 8.1, 3, 2.5, 3.4 and 11, 4; AMD APM 2, 15; QEMU, target/i386/cpu.h; Linux,
arch/x86/include/uapi/asm/kvm.h, kvm_para.h; Hyper-V TLFS 6.0b.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from migstream.vmstate.meaning.cpu_registers import X86_GENERAL, X86_SEGMENTS
from migstream.vmstate.meaning.symbols.model import (
    Symbol,
    Table,
    address,
    bits,
    called,
    enumeration,
    labelled,
    number_in_path,
)

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["CPU"]

SYSTEM = {0x1: "TSS16", 0x2: "LDT", 0x3: "TSS16_BUSY", 0x4: "CALL16", 0x5: "TASK", 0x6: "INT16", 0x7: "TRAP16",
          0x9: "TSS", 0xB: "TSS_BUSY", 0xC: "CALL", 0xE: "INT", 0xF: "TRAP"}  # fmt: skip
MEMORY_TYPES = {0: "UC", 1: "WC", 4: "WT", 5: "WP", 6: "WB", 7: "UC-"}


def _segment(value: Any, _: Value) -> Symbol:
    """The second word of a segment's descriptor, which is how QEMU keeps its attributes."""
    if not isinstance(value, int) or not value:
        return Symbol()
    kind, level = value >> 8 & 0xF, value >> 13 & 3
    said = [f"DPL={level}"]
    if not value >> 12 & 1:
        said.append(SYSTEM.get(kind, f"system type {kind}"))
    elif kind & 8:
        said.append("CODE64" if value >> 21 & 1 else "CODE32" if value >> 22 & 1 else "CODE16")
        said += [
            name for bit, name in ((4, "CONFORMING"), (2, "READ"), (1, "ACCESSED")) if kind & bit
        ]
    else:
        said.append("DATA32" if value >> 22 & 1 else "DATA16")
        said += [name for bit, name in ((4, "DOWN"), (2, "WRITE"), (1, "ACCESSED")) if kind & bit]
    said += [
        name for bit, name in ((15, "PRESENT"), (20, "AVL"), (23, "PAGES")) if value >> bit & 1
    ]
    return Symbol(" ".join(said))


def _pat(value: Any, _: Value) -> Symbol:
    """Eight memory types, that of entry 0 first."""
    if not isinstance(value, int) or not value:
        return Symbol()
    types = (value >> 8 * n & 7 for n in range(8))
    return Symbol(" ".join(MEMORY_TYPES.get(one, f"type {one}") for one in types))


def _mtrr_base(value: Any, _: Value) -> Symbol:
    if not isinstance(value, int) or not value:
        return Symbol()
    kind = value & 0xFF
    return Symbol(f"{MEMORY_TYPES.get(kind, f'type {kind}')} at {value & ~0xFFF:#x}")


def _mtrr_default(value: Any, at: Value) -> Symbol:
    if not isinstance(value, int) or not value:
        return Symbol()
    kind = value & 0xFF
    flags = bits("-:8 - - FIXED_ENABLE ENABLE")(value & ~0xFF, at).name
    return Symbol(f"{MEMORY_TYPES.get(kind, f'type {kind}')} {flags}".rstrip())


# Which part of the first megabyte each has the types of, an eighth of it each
_FIXED = (
    "FIX64K_00000",
    "FIX16K_80000",
    "FIX16K_A0000",
    *(f"FIX4K_{at:05X}" for at in range(0xC0000, 0x100000, 0x8000)),
)


def _mtrr_fixed(value: Any, _: Value) -> Symbol:
    """Eight memory types, or the one that all of them are."""
    if not isinstance(value, int):
        return Symbol()
    types = [value >> 8 * n & 0xFF for n in range(8)]
    said = [MEMORY_TYPES.get(one, f"type {one}") for one in types]
    return Symbol(said[0] if len({*types}) == 1 else " ".join(said))


BANK = ("CTL", "STATUS", "ADDR", "MISC")
_BANK_STATUS = bits("MCACOD:16 MSCOD:16 -:25 PCC ADDRV MISCV EN UC OVER VAL")


def _bank(value: Any, at: Value) -> Symbol:
    """Four registers of each bank of machine checks."""
    number = number_in_path(at)
    if not isinstance(value, int) or number is None:
        return Symbol()
    kind = BANK[number % len(BANK)]
    said = _BANK_STATUS(value, at) if kind == "STATUS" else Symbol()
    return called(f"MC{number // len(BANK)}_{kind}", said)


_VECTOR = r"env\.xmm_regs(?:\[\d\])?\[(\d+)\]/[^/]*\[(\d)\]$"
UPPER = "cpu/avx512/env.xmm_regs[1]"  # where the vectors from 16 on are
WIDTHS = ("XMM", "XMM", "YMM", "YMM")


def _vector(value: Any, at: Value) -> Symbol:
    """Which 64 bits of which vector they are."""
    found = re.search(_VECTOR, at.path)
    if not isinstance(value, int) or found is None:
        return Symbol()
    number, word = int(found[1]), int(found[2])
    upper = UPPER in at.path
    name = "ZMM" if upper or word >= len(WIDTHS) else WIDTHS[word]
    return Symbol(f"{name}{number + 16 * upper}[{64 * word + 63}:{64 * word}]")


def _frequency(value: Any, _: Value) -> Symbol:
    return (
        Symbol("", f"{value / 1e6:.3f} GHz") if isinstance(value, int) and value > 0 else Symbol()
    )


EXCEPTIONS = (
    "DE", "DB", "NMI", "BP", "OF", "BR", "UD", "NM", "DF", "", "TS", "NP", "SS", "GP", "PF", "", "MF", "AC", "MC",
    "XM", "VE", "CP",
)  # fmt: skip
_EXCEPTION = enumeration(
    {-1: ("", "none")} | {n: f"#{name}" for n, name in enumerate(EXCEPTIONS) if name}
)
_XSTATE = bits(
    "X87 SSE AVX BNDREGS BNDCSR OPMASK ZMM_HI256 HI16_ZMM PT PKRU PASID CET_U CET_S HDC UINTR LBR HWP XTILECFG XTILEDATA APX"
)
_ENABLED = bits("ENABLED")
_CET = bits(
    "SH_STK_EN WR_SHSTK_EN ENDBR_EN LEG_IW_EN NO_TRACK_EN SUPPRESS_DIS -:4 SUPPRESS TRACKER"
)
_COUNTERS = bits(
    f"{' '.join(f'PMC{n}' for n in range(32))} {' '.join(f'FIXED{n}' for n in range(16))} PERF_METRICS"
    " -:6 TRACE_TOPA -:2 LBR_FRZ CTR_FRZ ASCI UNCORE DS COND_CHGD"
)
_NESTED = bits("GUEST_MODE RUN_PENDING EVMCS MTF_PENDING -:4 GIF_SET")
_NESTED_ADDRESS = enumeration({(1 << 64) - 1: ("", "none")})


LINUX, MICROSOFT = 1, 1
OPEN = {2: "FreeBSD", 3: "Xen", 4: "Illumos"}
WINDOWS = {1: "MS-DOS", 2: "Windows 3", 3: "Windows 9x", 4: "Windows NT", 5: "Windows CE"}


def _guest_os(value: Any, _: Value) -> Symbol:
    """An open system's kind and version, or a proprietary one's vendor, kind and version."""
    if not isinstance(value, int) or not value:
        return Symbol()
    if value >> 63:
        kind, version = value >> 56 & 0x7F, value >> 16 & 0xFFFFFFFF
        if kind == LINUX:
            return Symbol("", f"Linux {version >> 16}.{version >> 8 & 0xFF}.{version & 0xFF}")
        return Symbol("", OPEN.get(kind, ""))
    if value >> 48 != MICROSOFT:
        return Symbol()
    windows = WINDOWS.get(value >> 40 & 0xFF, "Microsoft")
    return Symbol("", f"{windows} {value >> 32 & 0xFF}.{value >> 24 & 0xFF} build {value & 0xFFFF}")


CPU: Table = {
    "env.eflags": bits("CF . PF - AF - ZF SF TF IF DF OF IOPL:2 NT - RF VM AC VIF VIP ID"),
    # QEMU, target/i386/cpu.h: HF_…, HF2_…
    "env.hflags": bits(
        "CPL:2 - INHIBIT_IRQ CS32 SS32 ADDSEG PE TF MP EM TS IOPL:2 LMA CS64 RF VM AC SMM SVME GUEST OSFXSR SMAP"
        " IOBPT MPX_EN MPX_IU UMIP AVX_EN"
    ),
    "env.hflags2": bits("GIF HIF NMI VINTR SMM_INSIDE_NMI MPX_PR NPT IGNNE VGIF"),
    "env.regs": labelled(X86_GENERAL),
    "env.segs/selector": labelled(" ".join(X86_SEGMENTS)),
    "env.segs/flags": _segment,
    "env.ldt/flags": _segment,
    "env.tr/flags": _segment,
    "env.cr[0]": bits("PE MP EM TS ET NE -:10 WP - AM -:10 NW CD PG"),
    "env.cr[4]": bits(
        "VME PVI TSD DE PSE PAE MCE PGE PCE OSFXSR OSXMMEXCPT UMIP LA57 VMXE SMXE - FSGSBASE PCIDE OSXSAVE KL SMEP"
        " SMAP PKE CET PKS UINTR - - LAM_SUP -:3 FRED"
    ),
    "env.dr[6]": bits("B0 B1 B2 B3 .:8 - BD BS BT .:16"),
    "env.dr[7]": bits(
        "L0 G0 L1 G1 L2 G2 L3 G3 LE GE . RTM - GD - - RW0:2 LEN0:2 RW1:2 LEN1:2 RW2:2 LEN2:2 RW3:2 LEN3:2"
    ),
    "env.efer": bits("SCE -:7 LME - LMA NXE SVME LMSLE FFXSR TCE - MCOMMIT INTWB - UAIE AIBRSE"),
    "env.fmask": bits("CF - PF - AF - ZF SF TF IF DF OF IOPL:2 NT - RF VM AC VIF VIP ID"),
    "env.mxcsr": bits("IE DE ZE OE UE PE DAZ IM DM ZM OM UM PM RC:2 FZ"),
    "env.fpuc": bits("IM DM ZM OM UM PM . - PC:2 RC:2 X"),
    "env.fpus_vmstate": bits("IE DE ZE OE UE PE SF ES C0 C1 C2 TOP:3 C3 B"),
    "*/env.xcr0": _XSTATE,
    "*/env.xstate_bv": _XSTATE,
    "*/env.xss": _XSTATE,
    "*/env.msr_xfd": _XSTATE,
    "*/env.msr_xfd_err": _XSTATE,
    "env.pat": _pat,
    "env.mtrr_fixed": labelled(" ".join(_FIXED), _mtrr_fixed),
    "env.mtrr_deftype": _mtrr_default,
    "env.mtrr_var/base": _mtrr_base,
    "env.mtrr_var/mask": address("-:11 VALID", 12),
    "env.mcg_cap": bits("BANKS:8 CTL EXT CMCI TES -:4 EXT_REGISTERS:8 SER EMC ELOG LMCE"),
    "env.mcg_status": bits("RIPV EIPV MCIP LMCES"),
    "*/env.mcg_ext_ctl": bits("LMCE"),
    "env.mce_banks": _bank,
    "*/_q_ZMMReg": _vector,
    "env.exception_nr": _EXCEPTION,
    "env.intercept_exceptions": bits(" ".join(f"#{name}" if name else "-" for name in EXCEPTIONS)),
    "*/env.tsc_khz": _frequency,
    "*/env.interrupt_injected": enumeration({-1: ("", "none")}),
    "env.a20_mask": enumeration({-1: ("", "A20 open"), ~(1 << 20): ("", "A20 closed")}),
    # include/standard-headers/asm-*/kvm.h: KVM_MP_STATE_…
    "env.mp_state": enumeration(
        {
            0: "RUNNABLE",
            1: "UNINITIALIZED",
            2: "INIT_RECEIVED",
            3: ("HALTED", "waits for an interrupt"),
            4: "SIPI_RECEIVED",
            5: "STOPPED",
            6: "CHECK_STOP",
            7: "OPERATING",
            8: "LOAD",
            9: "AP_RESET_HOLD",
            10: "SUSPENDED",
        }
    ),
    # MSRs of KVM's
    "env.system_time_msr": address("ENABLED", 1),
    "env.wall_clock_msr": address("", 0),
    "*/env.async_pf_en_msr": address("ENABLED SEND_ALWAYS PF_VMEXIT INTERRUPT", 6),
    "*/env.async_pf_int_msr": bits("VECTOR:8"),
    "*/env.steal_time_msr": address("ENABLED", 6),
    "*/env.pv_eoi_en_msr": address("ENABLED", 2),
    "*/env.poll_control_msr": _ENABLED,
    "*/env.migration_control_msr": bits("READY"),
    # MSRs of the CPU's
    "*/env.msr_ia32_misc_enable": bits(
        "FAST_STRING -:2 TCC -:3 EMON -:3 BTS_UNAVAILABLE PEBS_UNAVAILABLE -:3 SPEEDSTEP - MWAIT -:3 LIMIT_CPUID"
        " XTPR_DISABLE -:10 XD_DISABLE"
    ),
    "*/env.msr_ia32_feature_control": bits("LOCKED VMX_IN_SMX VMX -:14 SGX_LC SGX - LMCE"),
    "*/env.spec_ctrl": bits("IBRS STIBP SSBD"),
    "*/env.tsx_ctrl": bits("RTM_DISABLE CPUID_CLEAR"),
    "*/env.virt_ssbd": bits("- - SSBD"),
    "*/env.umwait": bits("C02_DISABLED - .:30"),
    "*/env.pkru": bits(" ".join(f"AD{n} WD{n}" for n in range(16))),
    "*/env.pkrs": bits(" ".join(f"AD{n} WD{n}" for n in range(16))),
    "*/env.u_cet": _CET,
    "*/env.s_cet": _CET,
    "*/env.msr_fixed_ctr_ctrl": bits(" ".join(f"OS{n} USR{n} ANY{n} PMI{n}" for n in range(4))),
    "*/env.msr_global_ctrl": _COUNTERS,
    "*/env.msr_global_status": _COUNTERS,
    "*/env.msr_global_ovf_ctrl": _COUNTERS,
    "*/env.msr_gp_evtsel": bits("EVENT:8 UMASK:8 USR OS EDGE PC INT ANY EN INV CMASK:8"),
    "*/env.msr_bndcfgs": address("EN BNDPRESERVE", 12),
    "*/env.bndcs_regs.cfgu": address("EN BNDPRESERVE", 12),
    "*/env.msr_rtit_ctrl": bits(
        "TraceEn CYCEn OS User PwrEvtEn FUPonPTW FabricEn CR3Filter ToPA MTCEn TSCEn DisRETC PTWEn BranchEn MTCFreq:4 -"
        " CycThresh:4 - PSBFreq:4"
    ),
    # KVM's guests of a guest: linux-headers/asm-x86/kvm.h: struct kvm_nested_state
    "cpu/nested_state/env.nested_state/flags": _NESTED,
    "cpu/nested_state/env.nested_state/format": enumeration({0: "VMX", 1: "SVM"}),
    "*/hdr.vmx.vmxon_pa": _NESTED_ADDRESS,
    "*/hdr.vmx.vmcs12_pa": _NESTED_ADDRESS,
    "*/hdr.vmx.smm.flags": bits("GUEST_MODE VMXON"),
    "*/env.nested_pg_mode": bits("PAE LMA NX PSE LA57 PG PKE SMEP SMAP"),
    # Hyper-V
    "*/env.msr_hv_guest_os_id": _guest_os,
    "*/env.msr_hv_synic_sint": bits("VECTOR:8 -:8 MASKED AUTO_EOI POLLING"),
    "*/env.msr_hv_stimer_config": bits("ENABLED PERIODIC LAZY AUTO_ENABLE VECTOR:8 DIRECT -:3 SINT:4"),
    "*/env.msr_hv_reenlightenment_control": bits("VECTOR:8 -:8 ENABLED .:15 TARGET_VP:32"),
    "*/env.msr_hv_tsc_emulation_control": _ENABLED,
    "*/env.msr_hv_tsc_emulation_status": bits("IN_PROGRESS"),
    "*/env.msr_hv_hypercall": address("ENABLED LOCKED", 12),
    "*/env.msr_hv_vapic": address("ENABLED", 12),
    "*/env.msr_hv_tsc": address("ENABLED", 12),
    "*/env.msr_hv_synic_control": _ENABLED,
    "*/env.msr_hv_synic_evt_page": address("ENABLED", 12),
    "*/env.msr_hv_synic_msg_page": address("ENABLED", 12),
}  # fmt: skip
