"""Registers of PowerPC.

References
----------
QEMU, target/ppc/machine.c: ``vmstate_ppc_cpu``, ``vmstate_fpu``, ``vmstate_altivec``, ``vmstate_vsx``; numbers of the
special-purpose registers: Power ISA, Book III, "Move To/From System Register Instructions"
"""

from __future__ import annotations

from migstream.machine.registers.rows import Fields, Row
from migstream.machine.registers.rows import read as read_rows
from migstream.vmstate.values import Value

__all__ = ["pc", "read", "root"]

SPRS = {
    "xer": 1,
    "lr": 8,
    "ctr": 9,
    "dsisr": 18,
    "dar": 19,
    "srr0": 26,
    "srr1": 27,
    "vrsave": 256,
    **{f"sprg{n}": 272 + n for n in range(8)},
    "pvr": 287,
    "hid0": 1008,
}
# Other numbers mean other registers, or none, on other processors.
CLASSIC = {"sdr1": 25}
SERVER = {"cfar": 28, "pidr": 48, "hsrr0": 314, "hsrr1": 315, "lpcr": 318, "lpidr": 319}
BOOK_E = {
    "pid": 48,
    "decar": 54,
    "csrr0": 58,
    "csrr1": 59,
    "dear": 61,
    "esr": 62,
    "ivpr": 63,
    "pir": 286,
    "epcr": 307,
    "tsr": 336,
    "tcr": 340,
    "mcsrr0": 570,
    "mcsrr1": 571,
    "mcsr": 572,
    "mcar": 573,
    "sprg8": 604,
    "pid1": 633,
    "pid2": 634,
    "epr": 702,
    "svr": 1023,
}
FREESCALE = {
    **{f"mas{n}": 624 + n for n in range(5)},
    "mas6": 630,
    "tlb0cfg": 688,
    "tlb1cfg": 689,
    "mas7": 944,
    "mmucfg": 1015,
}
PROCESSORS = {
    # the high half of the PVR
    **dict.fromkeys((0x4222, 0x7FF2, 0x1302), BOOK_E),  # 440, 460
    **dict.fromkeys((0x8020, 0x8021, 0x8023, 0x8024, 0x8040), BOOK_E | FREESCALE),  # e500 to e6500
    **dict.fromkeys((0x3F, 0x4A, 0x4B, 0x4C, 0x4D), SERVER | CLASSIC),  # POWER7, POWER8
    **dict.fromkeys((0x4E, 0x80, 0x82), SERVER | {"ptcr": 464}),  # POWER9 and later
}


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
