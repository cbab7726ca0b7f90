"""Registers of CPUs, bit by bit, where the values are the architecture's own.

References: Intel SDM 1, 3.4 and 8.1, 3, 2.5, 3.4 and 11, 4; AMD APM 2, 15; RISC-V Privileged 20240411;
z/Architecture SA22-7832, 4; Power ISA 3.1, book III 4.2; QEMU, target/i386/cpu.h, target/riscv/cpu_bits.h,
target/s390x/cpu.h; Linux, arch/x86/include/uapi/asm/kvm_para.h; Hyper-V TLFS 6.0b.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migstream.vmstate.meaning.symbols.model import Symbol, Table, address, bits, enumeration

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["CPU"]

# --- x86 ---------------------------------------------------------------------------------------------

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

_X86: Table = {
    "env.eflags": bits("CF . PF - AF - ZF SF TF IF DF OF IOPL:2 NT - RF VM AC VIF VIP ID"),
    # QEMU, target/i386/cpu.h: HF_…, HF2_…
    "env.hflags": bits(
        "CPL:2 - INHIBIT_IRQ CS32 SS32 ADDSEG PE TF MP EM TS IOPL:2 LMA CS64 RF VM AC SMM SVME GUEST OSFXSR SMAP"
        " IOBPT MPX_EN MPX_IU UMIP AVX_EN"
    ),
    "env.hflags2": bits("GIF HIF NMI VINTR SMM_INSIDE_NMI MPX_PR NPT IGNNE VGIF"),
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
    "env.mtrr_deftype": _mtrr_default,
    "env.mtrr_var/base": _mtrr_base,
    "env.mtrr_var/mask": address("-:11 VALID", 12),
    "env.mcg_cap": bits("BANKS:8 CTL EXT CMCI TES -:4 EXT_REGISTERS:8 SER EMC ELOG LMCE"),
    "env.mcg_status": bits("RIPV EIPV MCIP LMCES"),
    "env.exception_nr": _EXCEPTION,
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
    "*/env.async_pf_en_msr": address("ENABLED SEND_ALWAYS PF_VMEXIT INTERRUPT", 6),
    "*/env.steal_time_msr": address("ENABLED", 6),
    "*/env.pv_eoi_en_msr": address("ENABLED", 2),
    "*/env.poll_control_msr": _ENABLED,
    # MSRs of the CPU's
    "*/env.msr_ia32_misc_enable": bits(
        "FAST_STRING -:2 TCC -:3 EMON -:3 BTS_UNAVAILABLE PEBS_UNAVAILABLE -:3 SPEEDSTEP - MWAIT -:3 LIMIT_CPUID"
        " XTPR_DISABLE -:10 XD_DISABLE"
    ),
    "*/env.msr_ia32_feature_control": bits("LOCKED VMX_IN_SMX VMX -:14 SGX_LC SGX - LMCE"),
    "*/env.spec_ctrl": bits("IBRS STIBP SSBD"),
    "*/env.tsx_ctrl": bits("RTM_DISABLE CPUID_CLEAR"),
    # Hyper-V
    "*/env.msr_hv_hypercall": address("ENABLED LOCKED", 12),
    "*/env.msr_hv_vapic": address("ENABLED", 12),
    "*/env.msr_hv_tsc": address("ENABLED", 12),
    "*/env.msr_hv_synic_control": _ENABLED,
    "*/env.msr_hv_synic_evt_page": address("ENABLED", 12),
    "*/env.msr_hv_synic_msg_page": address("ENABLED", 12),
}  # fmt: skip

# --- RISC-V ------------------------------------------------------------------------------------------

_MSTATUS = bits(
    "- SIE - MIE - SPIE UBE MPIE SPP VS:2 MPP:2 FS:2 XS:2 MPRV SUM MXR TVM TW TSR SPELP -:8 UXL:2 SXL:2 SBE MBE GVA MPV - MPELP -:21 SD"
)
_RISCV_INTERRUPTS = bits("- SSI VSSI MSI - STI VSTI MTI - SEI VSEI MEI SGEI LCOFI")
_CAUSES = {
    0: "INST_MISALIGNED", 1: "INST_ACCESS_FAULT", 2: "ILLEGAL_INST", 3: "BREAKPOINT", 4: "LOAD_MISALIGNED",
    5: "LOAD_ACCESS_FAULT", 6: "STORE_MISALIGNED", 7: "STORE_ACCESS_FAULT", 8: "U_ECALL", 9: "S_ECALL",
    10: "VS_ECALL", 11: "M_ECALL", 12: "INST_PAGE_FAULT", 13: "LOAD_PAGE_FAULT", 15: "STORE_PAGE_FAULT",
}  # fmt: skip
_RISCV_LINES = {
    1: "S_SOFT", 2: "VS_SOFT", 3: "M_SOFT", 5: "S_TIMER", 6: "VS_TIMER", 7: "M_TIMER", 9: "S_EXT", 10: "VS_EXT",
    11: "M_EXT", 12: "S_GEXT",
}  # fmt: skip


def _cause(value: Any, _: Value) -> Symbol:
    """The highest bit of 32 or 64 says that it is an interrupt; 0 is also what it is after a reset."""
    if not isinstance(value, int) or not value:
        return Symbol()
    interrupt = value >> 63 or (value >> 31 == 1)
    number = value & 0x7FFFFFFF
    if interrupt:
        return Symbol(f"INTERRUPT {_RISCV_LINES.get(number, number)}")
    return Symbol(_CAUSES.get(value, ""))


def _satp(value: Any, _: Value) -> Symbol:
    """Of 64 bits; those of 32 begin with one bit of mode."""
    if not isinstance(value, int) or not value:
        return Symbol()
    if value >> 32:
        modes = {0: "BARE", 8: "SV39", 9: "SV48", 10: "SV57"}
        mode, table = value >> 60, (value & (1 << 44) - 1) << 12
        return Symbol(f"{modes.get(mode, f'mode {mode}')} table at {table:#x}")
    return Symbol(f"SV32 table at {(value & (1 << 22) - 1) << 12:#x}" if value >> 31 else "BARE")


def _misa(value: Any, _: Value) -> Symbol:
    if not isinstance(value, int):
        return Symbol()
    return Symbol("".join(chr(ord("A") + n) for n in range(26) if value >> n & 1))


_RISCV: Table = {
    "env.mstatus": _MSTATUS,
    "*/env.vsstatus": _MSTATUS,
    "*/env.mstatus_hs": _MSTATUS,
    "*/env.hstatus": bits("-:5 VSBE GVA SPV SPVP HU -:2 VGEIN:6 -:2 VTVM VTW VTSR -:9 VSXL:2"),
    "env.priv": enumeration({0: "U", 1: "S", 3: "M"}),
    "env.satp": _satp,
    "*/env.vsatp": _satp,
    "*/env.hgatp": _satp,
    "env.mip": _RISCV_INTERRUPTS,
    "env.mie": _RISCV_INTERRUPTS,
    "env.mideleg": _RISCV_INTERRUPTS,
    "env.scause": _cause,
    "env.mcause": _cause,
    "*/env.vscause": _cause,
    "env.misa_ext": _misa,
    "env.misa_ext_mask": _misa,
    "env.misa_mxl": enumeration({1: "RV32", 2: "RV64", 3: "RV128"}),
    "env.misa_mxl_max": enumeration({1: "RV32", 2: "RV64", 3: "RV128"}),
    "env.priv_ver": enumeration({0: "1.10.0", 1: "1.11.0", 2: "1.12.0", 3: "1.13.0"}),
}

# --- ARM ---------------------------------------------------------------------------------------------

_ARM_MODES = {0x10: "usr", 0x11: "fiq", 0x12: "irq", 0x13: "svc", 0x16: "mon", 0x17: "abt", 0x1A: "hyp",
              0x1B: "und", 0x1F: "sys"}  # fmt: skip
_CPSR = bits(".:5 T F I A E IT2_7:6 GE:4 IL DIT PAN SSBS J IT0_1:2 Q V C Z N")
_PSTATE = bits(".:5 - F I A D BTYPE:2 SSBS ALLINT -:6 IL SS PAN UAO DIT TCO -:2 V C Z N")
AARCH32 = 0x10  # of the lowest five bits: the state is AArch32's, and they are its mode


def _arm_state(value: Any, at: Value) -> Symbol:
    """CPSR, or PSTATE of AArch64, which has no bit 4."""
    if not isinstance(value, int):
        return Symbol()
    if value & AARCH32:
        return Symbol(
            " ".join(filter(None, (_ARM_MODES.get(value & 0x1F, ""), _CPSR(value, at).name)))
        )
    level = f"EL{value >> 2 & 3}{'h' if value & 1 else 't'}"
    return Symbol(" ".join(filter(None, (level, _PSTATE(value, at).name))))


_ARM: Table = {
    "cpsr": _arm_state,
    "env.spsr": lambda value, at: _arm_state(value, at) if value else Symbol(),
    "*/fpscr": bits("IOC DZC OFC UFC IXC -:2 IDC IOE DZE OFE UFE IXE -:2 IDE LEN:3 FZ16 STRIDE:2 RMODE:2 FZ DN AHP QC V C Z N"),
    "power_state": enumeration({0: "ON", 1: "OFF", 2: "ON_PENDING"}),
}  # fmt: skip

# --- Power, s390 -------------------------------------------------------------------------------------

_POWER: Table = {
    "env.msr": bits(
        "LE RI PMM - DR IR EP AL FE1 BE SE FE0 ME FP PR EE ILE TGPR POW -:6 VR UCLE -:5 TM TS:2 -:25 HV ISF TAG SF"
    ),
}
_PSW_MASK = bits(
    "-:31 BA EA -:7 PROGRAM_MASK:4 CC:2 AS:2 PROBLEM WAIT MCHECK - KEY:4 EXT IO DAT -:3 PER"
)
_S390: Table = {
    "env.psw.mask": _PSW_MASK,
    "*/env.cpu_state": enumeration(
        {0: "UNINITIALIZED", 1: "STOPPED", 2: "CHECK_STOP", 3: "OPERATING", 4: "LOAD"}
    ),
}
CPU: Table = {**_X86, **_RISCV, **_ARM, **_POWER, **_S390}
