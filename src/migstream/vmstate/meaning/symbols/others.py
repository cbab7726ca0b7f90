"""Status registers of LoongArch, MIPS, SPARC and m68k CPUs.

References: LoongArch Reference Manual 1, 7; MIPS64 PRA 3, 9; SPARC Architecture Manual 8, 4; M68000 Family PRM, 1; QEMU,
target/loongarch/cpu-csr.h, target/mips/cpu.h, target/sparc/cpu.h, target/m68k/cpu.h.
"""

from __future__ import annotations

from migstream.vmstate.meaning.symbols.model import Table, bits, labelled

__all__ = ["LOONGARCH", "M68K", "MIPS", "SPARC"]

_CSRS: Table = {
    "CRMD": bits("PLV:2 IE DA PG DATF:2 DATM:2 WE"),
    "PRMD": bits("PPLV:2 PIE PWE"),
    "EUEN": bits("FPE SXE ASXE BTE"),
    "ECFG": bits("LIE:13 -:3 VS:3"),
    "ESTAT": bits("IS:13 -:3 ECODE:6 ESUBCODE:9"),
    "TLBIDX": bits("INDEX:16 -:8 PS:6 - NE"),
    "ASID": bits("ASID:10 -:6 ASIDBITS:8"),
    "TCFG": bits("EN PERIODIC .:62"),
    "DMW": bits("PLV0 -:2 PLV3 MAT:2 -:54 VSEG:4"),
    "LLBCTL": bits("ROLLB WCLLB KLO"),
}
LOONGARCH: Table = {
    "env.gpr": labelled(" ".join(f"r{n}" for n in range(32))),
    # the second since QEMU 11.1
    **{
        f"env.{where}CSR_{name}": known
        for where in ("", "sys_states.")
        for name, known in _CSRS.items()
    },
}
# Numbers with a sign, which is the highest of 32 bits
MIPS: Table = {
    "env.CP0_Status": bits(
        "IE EXL ERL KSU:2 UX SX KX IM:8 -:3 NMI SR TS BEV PX MX RE FR RP CU0 CU1 CU2 CU3 .:32"
    ),
    "env.CP0_Cause": bits("-:2 EXCCODE:5 - IP:8 -:6 WP IV -:2 PCI DC CE:2 TI BD .:32"),
    "env.CP0_Debug": bits("DSS DBP DDBL DDBS DIB DINT -:8 SST NOSST -:14 DM DBD .:32"),
}
SPARC: Table = {
    "env.gregs": labelled(" ".join(f"g{n}" for n in range(8))),
    "psr": bits("CWP:5 ET PS S PIL:4 EF EC -:6 C V Z N VER:4 IMPL:4"),
    "env.fsr": bits("CEXC:5 AEXC:5 FCC:2 - QNE FTT:3 VER:3 -:2 NS TEM:5 -:2 RD:2"),
}
M68K: Table = {
    "env.dregs": labelled(" ".join(f"d{n}" for n in range(8))),
    "env.aregs": labelled(" ".join(f"a{n}" for n in range(8))),
    "env.sr": bits("C V Z N X -:3 IPL:3 - M S T0 T1"),
}
