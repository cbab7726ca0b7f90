"""Registers of PowerPC.

References
----------
QEMU, target/ppc/machine.c: ``vmstate_ppc_cpu``, ``vmstate_fpu``, ``vmstate_altivec``, ``vmstate_vsx``
"""

from __future__ import annotations

from migstream.machine.registers.rows import Fields, Row
from migstream.machine.registers.rows import read as read_rows
from migstream.vmstate.meaning.sprs import CLASSIC, PROCESSORS, SPRS
from migstream.vmstate.values import Value

__all__ = ["pc", "read", "root"]


def _special(numbers: dict[str, int]) -> Row:
    names = {number: name for name, number in numbers.items()}
    return Row(" ".join(names.get(n, "-") for n in range(max(names) + 1)), ("env.spr",))


ROWS = (
    Row(" ".join(f"r{n}" for n in range(32)), ("env.gpr",)),
    Row(" ".join(f"ev{n}h" for n in range(32)), ("env.gprh",)),
    Row("nip", ("env.nip",)),
    Row("msr", ("env.msr",)),
    Row("reserve_addr", ("env.reserve_addr",)),
    Row("spe_acc", ("env.spe_acc",)),
    _special(SPRS),
    Row(" ".join(f"f{n}" for n in range(32)), ("cpu/fpu", "env.vsr")),
    Row("fpscr", ("cpu/fpu", "env.fpscr")),
    Row("vscr", ("cpu/altivec", "vscr")),
    Row(" ".join(f"vsl{n}" for n in range(32)), ("cpu/vsx", "env.vsr")),
    Row(" ".join(f"sr{n}" for n in range(16)), ("cpu/sr", "env.sr")),
)

PAIR = ">2Q"
LPCR_HR = 1 << 20  # the host translates by radix trees
PATB = 0x0FFF_FFFF_FFFF_F000  # of PTCR


def read(cpu: Value, arch: str) -> dict[str, int]:  # noqa: ARG001
    """By name; `evNh` are the high halves that GPRs of 32 bits have for the SPE."""
    fields = Fields(cpu)
    values = read_rows(fields, ROWS)
    processor = PROCESSORS.get(values.get("pvr", 0) >> 16, CLASSIC)
    values |= read_rows(fields, (_special(processor),))
    condition = fields.numbers(("env.crf",), 8)
    if len(condition) == 8:
        values["cr"] = sum((field & 0xF) << 28 - 4 * n for n, field in enumerate(condition))
    return values | _vectors(fields.get(("cpu/altivec", "env.vsr")))


def _vectors(held: Value | None) -> dict[str, int]:
    """v0 to v31, as they lay in the memory of a little-endian host: the low half first."""
    if held is None or held.count != 32 or held.wire.words != PAIR:
        return {}
    pairs = held.wire.bulk(held.raw, 32)
    return {f"v{n}": high << 64 | low for n, (low, high) in enumerate(pairs)}


def pc(values: dict[str, int]) -> int:
    """Of the next instruction."""
    return values.get("nip", 0)


def root(values: dict[str, int]) -> int | None:
    """Of the partition table, through which radix trees are found; None for hashed page tables."""
    found = values.get("ptcr", 0) & PATB
    return found if found and values.get("lpcr", 0) & LPCR_HR else None
