"""Registers of LoongArch as `info registers` has them (target/loongarch/cpu.c: loongarch_cpu_dump_state).

The layout is that of QEMU 10.0.
"""

from __future__ import annotations

from collections.abc import Mapping

from migstream.render.registers.lines import fill, rows

__all__ = ["lines"]

# Numbers of the control and status registers: of the first in each line, the others follow
CONTROL = {
    0: "crmd prmd euen misc",
    4: "ecfg estat era badv",
    8: "badi",
    12: "eentry",
    16: "tlbidx tlbehi tlbelo0 tlbelo1",
    24: "asid pgdl pgdh pgd",
    28: "pwcl pwch stlbps rvacfg",
    32: "cpuid prcfg1 prcfg2 prcfg3",
    48: "save0 save1 save2 save3",
    52: "save4 save5 save6 save7",
    56: "save8 save9 save10 save11",
    60: "save12 save13 save14 save15",
    64: "tid tcfg tval cntc",
    68: "ticlr",
    96: "llbctl",
    136: "tlbrentry tlbrbadv tlbrera tlbrsave",
    140: "tlbrelo0 tlbrelo1 tlbrehi tlbrprmd",
    160: "msgis0 msgis1 msgis2 msgis3",
    164: "msgir",
    384: "dmw0 dmw1 dmw2 dmw3",
}
SAVE_NUM = 0xF  # of PRCFG1: how many of save0 and so on there are
NAME, CELL = 6, 23


def _cell(name: str, value: int | None) -> str:
    return f"{name.upper():{NAME}} {'?' if value is None else f'{value:x}'}".ljust(CELL)


def _control(values: Mapping[str, int]) -> list[str]:
    """Lines of control registers, without those of which none is known."""
    absent = {f"save{n}" for n in range(values.get("prcfg1", 0) & SAVE_NUM, 16)}
    found = []
    for number, names in CONTROL.items():
        here = [name for name in names.split() if name not in absent]
        if any(name in values for name in here):
            cells = " ".join(_cell(name, values.get(name)) for name in here)
            found.append(f" CSR{number:03}: {cells}".rstrip())
    return found


def lines(values: Mapping[str, int], arch: str) -> list[str]:  # noqa: ARG001
    """Without those of which no register is known, and without blanks at their ends."""
    general = (f"r{n} {{r{n}}}" for n in range(32))
    return [
        *fill((" PC={pc}  FCSR0 0x{fcsr0:8}", *rows(general, 4, " GPR#: ")), values, 16),
        *_control(values),
        *fill(rows((f"f{n} {{f{n}}}" for n in range(32)), 4, " "), values, 16),
    ]
