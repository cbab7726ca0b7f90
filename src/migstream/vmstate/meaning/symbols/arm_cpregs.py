"""What Arm's system registers hold, by name: bits, faults, memory types, which processor it is.

References: Arm ARM, D19 and G8; QEMU, target/arm/cpu.h, syndrome.h; parts: Linux, arch/arm64/include/asm/cputype.h.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from migstream.vmstate.meaning.symbols.model import Symbol, Symbols, Table, bits

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["AARCH32", "held_by", "saved", "state", "syndrome"]

# --- the state of a processor --------------------------------------------------------------------------

MODES = {0x10: "usr", 0x11: "fiq", 0x12: "irq", 0x13: "svc", 0x16: "mon", 0x17: "abt", 0x1A: "hyp",
         0x1B: "und", 0x1F: "sys"}  # fmt: skip
_CPSR = bits(".:5 T F I A E IT2_7:6 GE:4 IL DIT PAN SSBS J IT0_1:2 Q V C Z N")
_PSTATE = bits(".:5 - F I A D BTYPE:2 SSBS ALLINT -:6 IL SS PAN UAO DIT TCO -:2 V C Z N")
AARCH32 = 0x10  # of the lowest five bits: the state is AArch32's, and they are its mode


def state(value: Any, at: Value) -> Symbol:
    """CPSR, or PSTATE of AArch64, which has no bit 4."""
    if not isinstance(value, int):
        return Symbol()
    if value & AARCH32:
        return Symbol(" ".join(filter(None, (MODES.get(value & 0x1F, ""), _CPSR(value, at).name))))
    level = f"EL{value >> 2 & 3}{'h' if value & 1 else 't'}"
    return Symbol(" ".join(filter(None, (level, _PSTATE(value, at).name))))


def saved(value: Any, at: Value) -> Symbol:
    """The same of a register that nothing was saved in, where it is 0."""
    return state(value, at) if value else Symbol()


# --- exceptions ----------------------------------------------------------------------------------------

CLASSES = {
    0x00: "UNKNOWN", 0x01: "WFX", 0x03: "CP15_RT", 0x04: "CP15_RRT", 0x05: "CP14_RT", 0x06: "CP14_DT", 0x07: "FP_ACCESS",
    0x08: "FPID", 0x09: "PAC", 0x0C: "CP14_RRT", 0x0D: "BTI", 0x0E: "ILLEGAL_STATE", 0x11: "AA32_SVC", 0x12: "AA32_HVC",
    0x13: "AA32_SMC", 0x15: "AA64_SVC", 0x16: "AA64_HVC", 0x17: "AA64_SMC", 0x18: "SYSREG", 0x19: "SVE", 0x1A: "ERET",
    0x1C: "PAC_FAIL", 0x1D: "SME", 0x20: "INSN_ABORT", 0x21: "INSN_ABORT_SAME_EL", 0x22: "PC_ALIGNMENT",
    0x24: "DATA_ABORT", 0x25: "DATA_ABORT_SAME_EL", 0x26: "SP_ALIGNMENT", 0x27: "MOPS", 0x28: "AA32_FP", 0x2C: "AA64_FP",
    0x2F: "SERROR", 0x30: "BREAKPOINT", 0x31: "BREAKPOINT_SAME_EL", 0x32: "STEP", 0x33: "STEP_SAME_EL",
    0x34: "WATCHPOINT", 0x35: "WATCHPOINT_SAME_EL", 0x38: "AA32_BKPT", 0x3A: "VECTOR_CATCH", 0x3C: "AA64_BKPT",
}  # fmt: skip
INSTRUCTION_ABORTS, DATA_ABORTS = (0x20, 0x21), (0x24, 0x25)
FAULTS = {0: "address size", 1: "translation", 2: "access flag", 3: "permission"}  # and the level
OTHER_FAULTS = {
    0x10: "external abort",
    0x11: "tag check fault",
    0x21: "alignment fault",
    0x30: "TLB conflict",
}
IL, WNR = 1 << 25, 1 << 6


def syndrome(value: Any, _: Value) -> Symbol:
    """ESR, HSR: the exception's class, and what kind of fault an abort was."""
    if not isinstance(value, int) or not value:
        return Symbol()
    kind, fault = value >> 26 & 0x3F, value & 0x3F
    said = CLASSES.get(kind, f"class {kind:#x}")
    name = f"{said} IL" if value & IL else said
    if kind not in INSTRUCTION_ABORTS + DATA_ABORTS:
        return Symbol(f"{name} ISS={value & 0x1FFFFFF:#x}" if value & 0x1FFFFFF else name)
    if kind in DATA_ABORTS:
        name += " WRITE" if value & WNR else " READ"
    if fault >> 2 in FAULTS:
        return Symbol(name, f"{FAULTS[fault >> 2]} fault, level {fault & 3}")
    if fault >> 2 == 5:
        return Symbol(name, f"external abort on a walk, level {fault & 3}")
    return Symbol(name, OTHER_FAULTS.get(fault, f"fault {fault:#x}"))


# --- memory --------------------------------------------------------------------------------------------

DEVICES = {0x00: "nGnRnE", 0x04: "nGnRE", 0x08: "nGRE", 0x0C: "GRE"}
CACHED = {0x4: "NC", 0xB: "WT", 0xF: "WB"}


def _memory(attribute: int) -> str:
    if attribute in DEVICES:
        return DEVICES[attribute]
    outer, inner = (CACHED.get(half) for half in (attribute >> 4, attribute & 0xF))
    if outer is None or inner is None:
        return f"{attribute:#04x}"
    return outer if outer == inner else f"{outer}/{inner}"


def _mair(value: Any, _: Value) -> Symbol:
    """Eight memory types, that of entry 0 first: of devices, or how memory is cached, outer/inner."""
    if not isinstance(value, int) or not value:
        return Symbol()
    return Symbol(" ".join(_memory(value >> 8 * n & 0xFF) for n in range(8)))


def _table(value: Any, _: Value) -> Symbol:
    """TTBRn_ELx: a table, and whose entries of the TLB are meant."""
    if not isinstance(value, int) or not value:
        return Symbol()
    number = value >> 48 & 0xFFFF
    said = [f"ID={number:#x}"] if number else []
    said += ["CNP"] if value & 1 else []
    return Symbol(" ".join([*said, f"table at {value & (1 << 48) - 2:#x}"]))


# --- who it is -----------------------------------------------------------------------------------------

MAKERS = {0x41: "Arm", 0x42: "Broadcom", 0x43: "Cavium", 0x46: "Fujitsu", 0x48: "HiSilicon", 0x4E: "NVIDIA", 0x50: "APM",
          0x51: "Qualcomm", 0x61: "Apple", 0x69: "Intel", 0xC0: "Ampere"}  # fmt: skip
PARTS = {
    0x926: "ARM926", 0x946: "ARM946", 0xB36: "ARM1136", 0xB76: "ARM1176", 0xB02: "ARM11 MPCore", 0xC05: "Cortex-A5",
    0xC07: "Cortex-A7", 0xC08: "Cortex-A8", 0xC09: "Cortex-A9", 0xC0E: "Cortex-A17", 0xC0F: "Cortex-A15",
    0xC15: "Cortex-R5", 0xD03: "Cortex-A53", 0xD04: "Cortex-A35", 0xD05: "Cortex-A55", 0xD07: "Cortex-A57",
    0xD08: "Cortex-A72", 0xD09: "Cortex-A73", 0xD0A: "Cortex-A75", 0xD0B: "Cortex-A76", 0xD0C: "Neoverse-N1",
    0xD13: "Cortex-R52", 0xD40: "Neoverse-V1", 0xD47: "Cortex-A710", 0xD49: "Neoverse-N2", 0xD4F: "Neoverse-V2",
}  # fmt: skip


def processor(midr: int) -> str:
    """Which processor a main id register names: `Arm Cortex-A57 r1p0`."""
    maker, part = midr >> 24 & 0xFF, midr >> 4 & 0xFFF
    made = MAKERS.get(maker, f"maker {maker:#x}")
    called = PARTS.get(part) if MAKERS.get(maker) == "Arm" else None
    return f"{made} {called or f'part {part:#x}'} r{midr >> 20 & 0xF}p{midr & 0xF}"


def _midr(value: Any, _: Value) -> Symbol:
    return Symbol("", processor(value)) if isinstance(value, int) and value else Symbol()


def _mpidr(value: Any, _: Value) -> Symbol:
    """Affinity, from level 3 down; the bit that says how is not there on the oldest."""
    if not isinstance(value, int):
        return Symbol()
    levels = (value >> shift & 0xFF for shift in (32, 16, 8, 0))
    flags = [name for bit, name in ((30, "U"), (24, "MT")) if value >> bit & 1]
    return Symbol(" ".join([".".join(map(str, levels)), *flags]))


# --- one by one ----------------------------------------------------------------------------------------

_HIGHER = bits(
    "M A C SA . . nAA -:4 . I EnDB -:2 . - . WXN - IESB . . - EE - EnDA . . EnIB EnIA -:4 BT ITFSB -:2 TCF:2 - ATA DSSBS"
)
_TCR_HIGHER = bits(
    "T0SZ:6 -:2 IRGN0:2 ORGN0:2 SH0:2 TG0:2 PS:3 - TBI HA HD . HPD . . . . TBID TCMA ."
)
_TIMER = bits("ENABLE IMASK ISTATUS")
# By the register's name, or by it without the level that it belongs to
HELD: Table = {
    "midr": _midr,
    "vpidr": _midr,
    "mpidr": _mpidr,
    "vmpidr": _mpidr,
    "sctlr_el1": bits(
        "M A C SA SA0 CP15BEN nAA ITD SED UMA EnRCTX EOS I EnDB DZE UCT nTWI - nTWE WXN TSCXT IESB EIS SPAN E0E EE UCI EnDA"
        " nTLSMD LSMAOE EnIB EnIA CMOW MSCEn EnFPM BT0 BT1 ITFSB TCF0:2 TCF:2 ATA0 ATA DSSBS TWEDEn TWEDEL:4 TMT0 TMT TME0"
        " TME EnASR EnAS0 EnALS EPAN TCSO0 TCSO EnTP2 NMI SPINTMASK TIDCP"
    ),
    "sctlr_el2": _HIGHER,
    "sctlr_el3": _HIGHER,
    "sctlr": bits(
        "M A C . . CP15BEN . ITD SED - SW Z I V RR - . HA . WXN UWXN FI U XP VE EE - NMFI TRE AFE TE DSSBS"
    ),
    "hsctlr": bits("M A C . . CP15BEN . ITD SED -:2 . I -:3 . - . WXN - FI . . - EE -:2 . . TE DSSBS"),
    "cpacr_el1": bits("-:16 ZEN:2 -:2 FPEN:2 -:2 SMEN:2 -:2 TTA E0POE"),
    "cpacr": bits("-:20 CP10:2 CP11:2 -:4 TRCDIS - D32DIS ASEDIS"),
    "nsacr": bits("-:10 CP10 CP11 -:2 D32DIS ASEDIS -:4 TRCDIS"),
    "cptr_el2": bits(".:8 TZ . TFP . TSM . -:6 TTA -:9 TAM TCPAC"),
    "cptr_el3": bits("-:8 EZ - TFP - ESM -:7 TTA -:9 TAM TCPAC"),
    "hcr_el2": bits(
        "VM SWIO PTW FMO IMO AMO VF VI VSE FB BSU:2 DC TWI TWE TID0 TID1 TID2 TID3 TSC TIDCP TACR TSW TPCP TPU TTLB TVM TGE"
        " TDZ HCD TRVM RW CD ID E2H TLOR TERR TEA MIOCNCE TME APK API NV NV1 AT NV2 FWB FIEN GPF TID4 TICAB AMVOFFEN TOCU"
        " EnSCXT TTLBIS TTLBOS ATA DCT TID5 TWEDEn TWEDEL:4"
    ),
    "hcr": bits(
        "VM SWIO PTW FMO IMO AMO VF VI VA FB BSU:2 DC TWI TWE TID0 TID1 TID2 TID3 TSC TIDCP TAC TSW TPC TPU TTLB TVM TGE -"
        " HCD TRVM"
    ),
    "scr_el3": bits(
        "NS IRQ FIQ EA . . - SMD HCE SIF RW ST TWI TWE TLOR TERR APK API EEL2 EASE NMEA FIEN -:3 EnSCXT ATA FGTEn ECVEn"
        " TWEDEn TWEDEL:4 TME AMVOFFEN EnAS0 ADEn HXEn - TRNDR EnTP2 - TCR2EN SCTLR2EN PIEN -:2 GPF"
    ),
    "scr": bits("NS IRQ FIQ EA FW AW nET SCD HCE SIF -:2 TWI TWE TERR"),
    "tcr_el1": bits(
        "T0SZ:6 - EPD0 IRGN0:2 ORGN0:2 SH0:2 TG0:2 T1SZ:6 A1 EPD1 IRGN1:2 ORGN1:2 SH1:2 TG1:2 IPS:3 - AS TBI0 TBI1 HA HD"
        " HPD0 HPD1 HWU059 HWU060 HWU061 HWU062 HWU159 HWU160 HWU161 HWU162 TBID0 TBID1 NFD0 NFD1 E0PD0 E0PD1 TCMA0 TCMA1 DS"
    ),
    "tcr_el2": _TCR_HIGHER,
    "tcr_el3": _TCR_HIGHER,
    "vtcr_el2": bits("T0SZ:6 SL0:2 IRGN0:2 ORGN0:2 SH0:2 TG0:2 PS:3 VS - HA HD -:2 HWU59 HWU60 HWU61 HWU62 NSW NSA ."),
    "ttbcr": bits("N:3 - PD0 PD1 -:25 EAE"),
    "ttbr0_el1": _table, "ttbr1_el1": _table, "ttbr0_el2": _table, "ttbr1_el2": _table, "ttbr0_el3": _table,
    "vttbr_el2": _table, "vttbr": _table,
    "mair": _mair,
    "esr": syndrome,
    "hsr": syndrome,
    "vsesr": syndrome,
    "dfsr": bits("FS:4 DOMAIN:4 - LPAE FS4 WNR EXT CM"),
    "ifsr": bits("FS:4 -:5 LPAE FS4 - EXT"),
    "spsr": saved,
    "mdscr": bits("SS -:5 ERR -:5 TDCC KDE HDE MDE -:3 TXU RXO -:5 TXfull RXfull"),
    "oslsr": bits(". OSLK nTT OSLM"),
    "cntp_ctl": _TIMER, "cntv_ctl": _TIMER, "cnthp_ctl": _TIMER, "cnthv_ctl": _TIMER, "cntps_ctl": _TIMER,
    "cntkctl": bits("EL0PCTEN EL0VCTEN EVNTEN EVNTDIR EVNTI:4 EL0VTEN EL0PTEN"),
    "cnthctl": bits("EL1PCTEN EL1PCEN EVNTEN EVNTDIR EVNTI:4"),
    "pmcr": bits("E P C D X DP LC LP - FZO - N:5 IDCODE:8 IMP:8"),
    "pmuserenr": bits("EN SW CR ER"),
}  # fmt: skip
_LEVEL = re.compile(r"_el\d$|_s$")


def held_by(register: str) -> Symbols | None:
    """What says more of a register's value than the number."""
    return HELD.get(register) or HELD.get(_LEVEL.sub("", register))
