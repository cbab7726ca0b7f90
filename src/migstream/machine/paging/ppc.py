"""Page tables of Power: radix trees of a pseries machine's process table.

References
----------
Power ISA 3.0, Book III, "Radix Tree Translation"; what QEMU does of it: target/ppc/mmu-radix64.c:
ppc_radix64_process_scoped_xlate, hw/ppc/spapr.c: spapr_get_pate
"""

from __future__ import annotations

from migstream.errors import Unsupported
from migstream.machine.paging.tables import (
    ACCESSED,
    DIRTY,
    EXECUTE,
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
)

__all__ = ["scheme"]

MSR_DR, LPCR_HR = 1 << 4, 1 << 20
WIDTHS = {"ppc64": 64, "ppc": 32}
# Of the second doubleword of a partition table's entry
PROCESS_TABLE, PROCESS_SIZE = 0x0FFF_FFFF_FFFF_F000, 0x1F
ENTRY_SIZE = 16
UPPER = 3 << 62  # the quadrant of process 0; the lower one is that of PIDR

# All that the architecture allows for 52 bits; which pages the last table has is said by what leads to it
BITS = 52
PROCESS = Level("process", BITS, 0, maps=False)
LEVELS = (PROCESS, Level("level 1", 39, 13), Level("level 2", 30, 9), Level("level 3", 21, 9))
LAST = {9: Level("level 4", 12, 9, leads=False), 5: Level("level 4", 16, 5, leads=False)}
STEPS = (*LEVELS, LAST[9])

VALID, LEAF, NUMBER = 1 << 63, 1 << 62, 0x01FF_FFFF_FFFF_F000
BELOW, WIDTH = 0x0FFF_FFFF_FFFF_FF00, 0x1F
PRIVILEGED = 1 << 3
FLAGS = ((6, READ), (2, WRITE), (1, EXECUTE), (1 << 8, ACCESSED), (1 << 7, DIRTY))


def scheme(cpu: Registers) -> Scheme:
    """How this CPU translates addresses of data.

    Raises
    ------
    Unsupported : by hashed tables, by a partition table of its own, or the stream does not say
    """
    if not cpu.values.get("msr", MSR_DR) & MSR_DR:
        return identity("no paging", WIDTHS[cpu.arch])
    table, lpcr = cpu.values.get("patb_entry"), cpu.values.get("lpcr", 0)
    if cpu.arch == "ppc" or table is None or not lpcr & LPCR_HR:
        raise Unsupported(
            f"nothing here reads the page tables of {cpu.arch} but radix trees of pseries",
            hint="guest-physical addresses need none",
        )
    first, size = table & PROCESS_TABLE, 1 << 12 + (table & PROCESS_SIZE)
    spaces = []
    for start, process in ((0, cpu.values.get("pidr", 0) & 0xFFFF_FFFF), (UPPER, 0)):
        at = process * ENTRY_SIZE
        off = "" if at < size else f"the process table has no entry {process}"
        root = first + at if not off else first
        spaces.append(Space(start, BITS, STEPS, Radix(), root, disabled=off))
    return Scheme("radix trees", tuple(spaces))


class Radix(Entries):
    """Entries of the process table and of all levels below it."""

    order = "big"

    def read(self, level: Level, index: int, value: int, rights: int) -> Table | Page | str:  # noqa: ARG002
        width = value & WIDTH
        if level is PROCESS:
            reach = (value >> 58 & 0x18 | value >> 5 & 7) + 31
            if (reach, width) != (BITS, LEVELS[1].bits):
                return f"a tree for {reach} bits with a root of 2 ** {width} entries"
            return Table(value & BELOW, rights)
        if not value & VALID:
            return "not valid"
        if value & LEAF:
            return Page(value & NUMBER & -level.size, _flags(value))
        if not level.leads:
            return "it leads to a table, below the last level"
        below = LAST.get(width) if level is LEVELS[3] else LEVELS[LEVELS.index(level) + 1]
        if below is None or below.bits != width:
            return f"it leads to a table of 2 ** {width} entries"
        return Table(value & BELOW, rights, level=below)


def _flags(value: int) -> int:
    flags = sum(flag for bits, flag in FLAGS if value & bits)
    if value & PRIVILEGED:
        return flags
    return flags | USER | (USER_EXECUTE if flags & EXECUTE else 0)
