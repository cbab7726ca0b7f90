"""Registers of PowerPC as `info registers` has them (target/ppc/cpu_init.c: ppc_cpu_dump_state)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from migstream.render.registers.lines import fill, rows

__all__ = ["lines"]

DIGITS = {"ppc": 8, "ppc64": 16}
# One letter for each field of CR: less, greater, equal; the last bit is summary overflow
LETTERS = ((8, "L"), (4, "G"), (2, "E"))
SPECIAL = (
    " SRR0 {srr0}  SRR1 {srr1}    PVR {pvr} VRSAVE {vrsave}",
    "SPRG0 {sprg0} SPRG1 {sprg1}  SPRG2 {sprg2}  SPRG3 {sprg3}",
    "SPRG4 {sprg4} SPRG5 {sprg5}  SPRG6 {sprg6}  SPRG7 {sprg7}",
    "HSRR0 {hsrr0} HSRR1 {hsrr1}",
    "CSRR0 {csrr0} CSRR1 {csrr1} MCSRR0 {mcsrr0} MCSRR1 {mcsrr1}",
    "  TCR {tcr}   TSR {tsr}    ESR {esr}   DEAR {dear}",
    "  PIR {pir} DECAR {decar}   IVPR {ivpr}   EPCR {epcr}",
    " MCSR {mcsr} SPRG8 {sprg8}    EPR {epr}",
    " MCAR {mcar}  PID1 {pid1}   PID2 {pid2}    SVR {svr}",
    " CFAR {cfar}",
    " LPCR {lpcr}",
    " SDR1 {sdr1}   DAR {dar}  DSISR {dsisr}",
    " PTCR {ptcr}   DAR {dar}  DSISR {dsisr}",
    " MAS0 {mas0}  MAS1 {mas1}   MAS2 {mas2}   MAS3 {mas3}",
    " MAS4 {mas4}  MAS6 {mas6}   MAS7 {mas7}    PID {pid}",
    "MMUCFG {mmucfg} TLB0CFG {tlb0cfg} TLB1CFG {tlb1cfg}",
)
# 64 bits on either: on 32, the SPE's halves in front
GENERAL = {"ppc": "{{ev{0}h:8}}{{r{0}:8}}", "ppc64": "{{r{0}:16}}"}


def _condition(cr: int) -> Iterator[str]:
    for at in range(28, -4, -4):
        field = cr >> at & 0xF
        letter = next((letter for bit, letter in LETTERS if field & bit), "-")
        yield letter + ("O" if field & 1 else " ")


def lines(values: Mapping[str, int], arch: str) -> list[str]:
    """Without what the processor does not have, and what is not in a stream.

    That is time base and decrementer, QEMU's own flags and, from QEMU 10.0 on, the reservation.
    """
    reserved = "             RES {reserve_addr}" if "reserve_addr" in values else ""
    condition = " ".join(_condition(values.get("cr", 0)))
    templates = (
        "NIP {nip}   LR {lr} CTR {ctr} XER {xer}",
        "MSR {msr} HID0 {hid0}",
        *rows((GENERAL[arch].format(n) for n in range(32)), 4, "GPR# "),
        f"CR {{cr:8}}  [ {condition} ]{reserved}",
        *rows((f"{{f{n}:16}}" for n in range(32)), 4, "FPR# "),
        "FPSCR {fpscr}",
        *SPECIAL,
    )
    return fill(templates, values, DIGITS[arch])
