"""Page tables of LoongArch: those of a kernel that walks them by the CPU's own instructions, and direct windows.

References
----------
LoongArch Reference Manual, Volume 1, "Memory Management", CSR.PWCL, CSR.PWCH, CSR.DMW; what QEMU does of it:
target/loongarch/cpu_helper.c: get_physical_address, loongarch_page_table_walker
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from migstream.errors import Unsupported
from migstream.machine.paging.tables import (
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

CRMD_PG = 1 << 4
PHYSICAL = 48  # bits of a physical address, and of a direct window
HALF = 47  # bits of each half of the virtual addresses
WINDOWS = 4
ADDRESSES = (1 << 64) - 1

# Where the lowest bit of a directory's index is and how many there are: register, bit number, bits of the fields
DIRECTORIES = (("pwch", 12, 6), ("pwch", 0, 6), ("pwcl", 20, 5), ("pwcl", 10, 5))
TABLE = ("pwcl", 0, 5)

VALID, WRITABLE, HUGE = 1 << 0, 1 << 1, 1 << 6
NO_READ, NO_EXECUTE = 1 << 61, 1 << 62
PRIVILEGE, GLOBAL_BIT, HUGE_GLOBAL_BIT = 2, 6, 12
ADDRESS = (1 << PHYSICAL) - (1 << 12)


def scheme(cpu: Registers) -> Scheme:
    """How this CPU translates: direct windows first, then tables as PWCL and PWCH describe them.

    The TLB is left aside: it says what the tables said when it was filled.

    Raises
    ------
    Unsupported : PWCL and PWCH describe no tables
    """
    crmd = register(cpu, "crmd")
    if not crmd & CRMD_PG:
        return identity("no translation (CRMD.PG is off)", 64)
    windows = sorted(set(_windows(cpu, crmd & 3)))
    levels = tuple(_levels(cpu))
    first, size = levels[0], levels[0].shift + levels[0].bits
    if any(one.shift < two.shift + two.bits for one, two in pairwise(levels)):
        raise Unsupported(f"CPU {cpu.index} has page tables whose indices overlap (PWCL, PWCH)")
    halves = []
    for upper, name in enumerate(("pgdl", "pgdh")):
        # both trees are indexed by the whole address: of a first table that is as wide half is used
        bits, root = min(size, HALF), register(cpu, name) & ADDRESS
        top = Level(first.name, first.shift, bits - first.shift, first.maps, first.leads)
        root += (upper << size - 1 - first.shift) * 8 if size > HALF else 0
        start = (1 << 64) - (1 << bits) if upper else 0
        halves.append(Space(start, bits, (top, *levels[1:]), Descriptors(), root))
    spaces = [Space(start, PHYSICAL) for start in windows]
    kept = [
        one for one in halves if not any(window.offset(one.start) is not None for window in spaces)
    ]
    found = sorted([*spaces, *kept], key=lambda space: space.start)
    return Scheme("page tables and direct windows", tuple(found))


def _windows(cpu: Registers, privilege: int) -> Iterator[int]:
    """Where the direct windows of this privilege level begin."""
    for n in range(WINDOWS):
        window = register(cpu, f"dmw{n}")
        if window >> privilege & 1:
            yield window >> 60 << 60


def _levels(cpu: Registers) -> Iterator[Level]:
    """The directories that there are, outermost first, and the table of pages."""
    for number, (name, at, width) in zip((4, 3, 2, 1), DIRECTORIES, strict=True):
        shift, bits = _field(cpu, name, at, width)
        if bits:
            yield Level(f"directory {number}", shift, bits)
    shift, bits = _field(cpu, *TABLE)
    yield Level("page", shift, bits, leads=False)


def _field(cpu: Registers, name: str, at: int, width: int) -> tuple[int, int]:
    value = register(cpu, name) >> at
    return value & (1 << width) - 1, value >> width & (1 << width) - 1


class Descriptors(Entries):
    """Entries as the instructions lddir and ldpte take them."""

    def read(self, level: Level, index: int, value: int, rights: int) -> Table | Page | str:  # noqa: ARG002
        huge = level.leads and bool(value & HUGE)
        if level.leads and not huge:
            return Table(value & ADDRESS, rights) if value & ADDRESS else "no table"
        if not value & VALID:
            return "not valid"
        flags = rights
        user = value >> PRIVILEGE & 3 == 3
        for lost, by in (
            (WRITE, not value & WRITABLE),
            (READ, value & NO_READ),
            (EXECUTE | USER_EXECUTE, value & NO_EXECUTE),
            (USER | USER_EXECUTE, not user),
        ):
            flags = flags & ~lost if by else flags
        flags |= DIRTY if value & WRITABLE else 0
        flags |= GLOBAL if value >> (HUGE_GLOBAL_BIT if huge else GLOBAL_BIT) & 1 else 0
        return Page(value & ADDRESS & -level.size, flags)
