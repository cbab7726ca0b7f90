"""Registers of s390x.

References
----------
QEMU, target/s390x/machine.c: ``vmstate_s390_cpu``, ``vmstate_fpu``, ``vmstate_vregs``, ``vmstate_gscb``; layout
of the PSW and of control register 1: z/Architecture Principles of Operation, "Program-Status Word",
"Address-Space-Control Element"
"""

from __future__ import annotations

from migstream.machine.registers.rows import Fields, Joined, Row
from migstream.machine.registers.rows import read as read_rows
from migstream.vmstate.values import Value

__all__ = ["pc", "read", "root"]


def _half(register: int, half: int) -> tuple[str, str]:
    """Where half of a vector register is: 0 the high one, which the first 16 have as f0 to f15."""
    section = "cpu/fpu" if register < 16 and half == 0 else "cpu/vregs"
    return section, f"env.vregs[{register}][{half}]"


ROWS: tuple[Row | Joined, ...] = (
    Row(" ".join(f"r{n}" for n in range(16)), ("env.regs",)),
    Row("psw.mask", ("env.psw.mask",)),
    Row("psw.addr", ("env.psw.addr",)),
    Row(" ".join(f"a{n}" for n in range(16)), ("env.aregs",)),
    Row(" ".join(f"c{n}" for n in range(16)), ("env.cregs",)),
    Row("prefix", ("env.psa",)),
    *(Row(name, (f"env.{name}",)) for name in ("todpr", "cputm", "ckc", "gbea", "pp")),
    Row("fpc", ("cpu/fpu", "env.fpc")),
    *(Row(f"f{n}", _half(n, 0)) for n in range(16)),
    *(Row(f"vl{n}", _half(n, 1)) for n in range(16)),
    *(Joined(f"v{n}", (_half(n, 1), _half(n, 0))) for n in range(32)),
    Row(" ".join(f"gscb{n}" for n in range(4)), ("cpu/gscb", "env.gscb")),
)

DAT = 1 << 58  # of the PSW: translation is on
# Of an address-space-control element
ORIGIN, REAL_SPACE = 0xFFFF_FFFF_FFFF_F000, 1 << 5


def read(cpu: Value, arch: str) -> dict[str, int]:  # noqa: ARG001
    """By name.

    There is no `cc`: QEMU's emulator keeps the condition code apart from the PSW, and it is in no
    stream (target/s390x/cpu.h: cc_op); its bits of `psw.mask` are of the time when the PSW was loaded.
    """
    return read_rows(Fields(cpu), ROWS)


def pc(values: dict[str, int]) -> int:
    """Of the next instruction."""
    return values.get("psw.addr", 0)


def root(values: dict[str, int]) -> int | None:
    """Of the primary address space; None without translation."""
    primary = values.get("c1", 0)
    if not values.get("psw.mask", 0) & DAT or primary & REAL_SPACE:
        return None
    return primary & ORIGIN
