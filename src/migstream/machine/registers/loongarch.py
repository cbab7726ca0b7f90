"""Registers of LoongArch.

References
----------
QEMU, target/loongarch/machine.c: ``vmstate_loongarch_cpu``, ``vmstate_fpu``, ``vmstate_msgint``; names of the control and
status registers: LoongArch Reference Manual, Volume 1, "Overview of Control and Status Registers"
"""

from __future__ import annotations

from migstream.machine.registers.rows import Fields, Row
from migstream.machine.registers.rows import read as read_rows
from migstream.vmstate.values import Value

__all__ = ["pc", "read", "root"]

# Of CSR_CRMD the name is crmd, and so on.
CSRS = """
    CRMD PRMD EUEN MISC ECFG ESTAT ERA BADV BADI EENTRY TLBIDX TLBEHI TLBELO0 TLBELO1 ASID PGDL PGDH PGD
    PWCL PWCH STLBPS RVACFG PRCFG1 PRCFG2 PRCFG3 TID TCFG TVAL CNTC TICLR LLBCTL IMPCTL1 IMPCTL2
    TLBRENTRY TLBRBADV TLBRERA TLBRSAVE TLBRELO0 TLBRELO1 TLBREHI TLBRPRMD
    MERRCTL MERRINFO1 MERRINFO2 MERRENTRY MERRERA MERRSAVE CTAG DBG DERA DSAVE
"""
CSR_ARRAYS = {"SAVE": 16, "DMW": 4}
PLACES = ("env.CSR_", "env.sys_states[0].CSR_")  # the second since QEMU 11.1
FLOATS = (("env.fpr",), ("cpu/fpu", "env.fpr"))  # the first in version 0 of the section
FLAGS = (("env.cf",), ("cpu/fpu", "env.cf"))

ROWS = (
    Row(" ".join(f"r{n}" for n in range(32)), ("env.gpr",)),
    Row("pc", ("env.pc",)),
    *(Row(name.lower(), (place + name,)) for place in PLACES for name in CSRS.split()),
    *(
        Row(" ".join(f"{name.lower()}{n}" for n in range(count)), (place + name,))
        for place in PLACES
        for name, count in CSR_ARRAYS.items()
    ),
    Row(" ".join(f"f{n}" for n in range(32)), FLOATS[0]),
    *(Row(f"f{n}", (*FLOATS[1], f"[{n}]", "UD[0]")) for n in range(32)),
    *(Row(" ".join(f"fcc{n}" for n in range(8)), path) for path in FLAGS),
    Row("fcsr0", ("env.fcsr0",)),
    Row("fcsr0", ("cpu/fpu", "env.fcsr0")),
    Row("msgis0 msgis1 msgis2 msgis3", ("cpu/msgint", f"{PLACES[1]}MSGIS")),
    *(Row(name.lower(), ("cpu/msgint", PLACES[1] + name)) for name in ("MSGIR", "MSGIE")),
)


def read(cpu: Value, arch: str) -> dict[str, int]:  # noqa: ARG001
    """By name; `fcc` has the condition flag fccN in bit N."""
    values = read_rows(Fields(cpu), ROWS)
    if "fcc0" in values:
        values["fcc"] = sum(values.get(f"fcc{n}", 0) << n for n in range(8))
    return values


def pc(values: dict[str, int]) -> int:
    """Of the next instruction."""
    return values.get("pc", 0)


def root(values: dict[str, int]) -> int | None:  # noqa: ARG001
    """None: software walks the tables, from PGDL and PGDH, one for each half."""
    return None
