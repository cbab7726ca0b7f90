"""Page tables of RISC-V: Sv32, Sv39, Sv48, Sv57.

References
----------
The RISC-V Instruction Set Manual, Volume II, "Supervisor-Level ISA", satp and Sv32 to Sv57,
Svnapot, Svpbmt; what QEMU does of it: target/riscv/cpu_helper.c: get_physical_address
"""

from __future__ import annotations

from migstream.errors import Unsupported
from migstream.machine.paging.tables import (
    ACCESSED,
    ALL,
    DIRTY,
    EXECUTE,
    GLOBAL,
    READ,
    USER,
    USER_EXECUTE,
    WRITE,
    Entries,
    Level,
    Page,
    Registers,
    Scheme,
    Space,
    Table,
    identity,
    register,
)

__all__ = ["scheme"]

MACHINE = 3  # privilege level
VALID, R, W, X, U, G, A, D = (1 << n for n in range(8))
# A leaf's bits; U decides who may do what R, W and X say, and comes apart
FLAGS = ((R, READ), (W, WRITE), (X, EXECUTE), (G, GLOBAL), (A, ACCESSED), (D, DIRTY))
NAPOT, RESERVED = 1 << 63, 0x7F << 54
NAPOT_64K = 8  # the low bits of the page number of a naturally aligned 64 KiB


def _levels(count: int, bits: int) -> tuple[Level, ...]:
    return tuple(
        Level(f"level {n}", 12 + bits * n, bits, leads=n > 0) for n in reversed(range(count))
    )


SV32 = _levels(2, 10)
# satp.MODE of RV64
MODES = {8: ("Sv39", _levels(3, 9)), 9: ("Sv48", _levels(4, 9)), 10: ("Sv57", _levels(5, 9))}


def scheme(cpu: Registers) -> Scheme:
    """How this CPU translates: from the privilege level and satp. mstatus.MPRV is left aside.

    Raises
    ------
    Unsupported : satp.MODE is none that is known, or hgatp translates once more
    """
    narrow = cpu.arch == "riscv32"
    if cpu.values.get("priv") == MACHINE:
        return identity("no translation (machine mode)", 32 if narrow else 64)
    satp = register(cpu, "satp")
    if cpu.values.get("virt") and cpu.values.get("hgatp", 0) >> (31 if narrow else 60):
        raise Unsupported(
            f"CPU {cpu.index} translates in two stages (hgatp), for a guest of the guest"
        )
    if narrow:
        if not satp >> 31:
            return identity("no translation (bare)", 32)
        root = (satp & 0x3FFFFF) << 12
        return Scheme("Sv32", (Space(0, 32, SV32, Short(), root),))
    mode = satp >> 60
    if not mode:
        return identity("no translation (bare)", 64)
    if mode not in MODES:
        raise Unsupported(f"CPU {cpu.index} translates by satp.MODE {mode}, which is unknown here")
    name, levels = MODES[mode]
    bits = levels[0].shift + levels[0].bits
    root = (satp & (1 << 44) - 1) << 12
    return Scheme(name, (Space(0, bits, levels, Long(), root, signed=True),))


def _read(level: Level, number: int, value: int, rights: int) -> Table | Page | str:
    """An entry with the physical page `number`."""
    if not value & VALID:
        return "not valid"
    if not value & (R | W | X):
        if not level.leads:
            return "it leads to a table, below the last level"
        if value & (U | A | D):
            return "reserved bits are set (U, A or D of a table)"
        return Table(number << 12, rights)
    if value & (R | W) == W:
        return "reserved combination: writable, not readable"
    if number << 12 & (level.size - 1):
        return "a large page that is not aligned to its size"
    flags = sum(flag for bit, flag in FLAGS if value & bit)
    if value & U:
        # a user's page is never executed by the supervisor
        user = USER | (USER_EXECUTE if flags & EXECUTE else 0)
        flags = flags & ~EXECUTE | user
    return Page(number << 12, flags & (rights | ~ALL))


class Short(Entries):
    """Sv32: four bytes, physical addresses of 34 bits."""

    size = 4

    def read(self, level: Level, index: int, value: int, rights: int) -> Table | Page | str:  # noqa: ARG002
        return _read(level, value >> 10, value, rights)


class Long(Entries):
    """Eight bytes, physical addresses of 56 bits."""

    def read(self, level: Level, index: int, value: int, rights: int) -> Table | Page | str:
        number = value >> 10 & (1 << 44) - 1
        if value & RESERVED:
            return "reserved bits are set (60:54)"
        if value & NAPOT and value & VALID:
            if level.leads or number & 0xF != NAPOT_64K:
                return "reserved bits are set (N)"
            number = number & ~0xF | index & 0xF  # one of the sixteen entries for the same 64 KiB
        return _read(level, number, value, rights)
