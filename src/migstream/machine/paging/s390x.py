"""Page tables of s390x: region, segment and page tables, and the prefix.

References
----------
z/Architecture Principles of Operation, "Dynamic Address Translation" and "Prefixing"; what QEMU does of it:
target/s390x/mmu_helper.c: mmu_translate_asce, mmu_real2abs, target/s390x/helper.c: s390_cpu_get_phys_page_debug
"""

from __future__ import annotations

from migstream.machine.paging.tables import (
    EXECUTE,
    PREFIX_AREA,
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

# Of the PSW: translation, which address space, and how wide addresses are
DAT, HOME, WIDE, HALF = 1 << 58, 3 << 46, 1 << 32, 1 << 31
# Of control register 0: large pages (EDAT), instruction-execution protection
EDAT, IEP = 1 << 23, 1 << 20
PREFIX = 0x7FFF_FFFF & -PREFIX_AREA

# Of an address-space-control element
ORIGIN, REAL_SPACE, PRIVATE, LENGTH = -(1 << 12), 1 << 5, 1 << 8, 3

PAGE = Level("page", 12, 8, leads=False)
# By the type that an address-space-control element names, and the entries of the first table, too
LEVELS = (
    Level("segment", 20, 11),
    Level("region third", 31, 11),
    Level("region second", 42, 11, maps=False),
    Level("region first", 53, 11, maps=False),
)
PART = 512  # entries: what a table's length and offset count

# Of the entries of region and segment tables, and of page tables
LARGE, PROTECTED, NO_EXECUTE, INVALID, COMMON = 1 << 10, 1 << 9, 1 << 8, 1 << 5, 1 << 4
TYPE, OFFSET, LAST = 2, 6, 0  # where two bits stand
PAGE_ZERO, PAGE_INVALID = 1 << 11, 1 << 10
SEGMENT_ORIGIN = -(1 << 11)
WHOLE = (1 << 64) - 1


def scheme(cpu: Registers) -> Scheme:
    """How this CPU translates: in its home space where it runs there, in its primary one otherwise, as QEMU looks."""
    mask = register(cpu, "psw.mask")
    prefix = cpu.values.get("prefix", 0) & PREFIX
    width = 64 if mask & WIDE else 31 if mask & HALF else 24
    if not mask & DAT:
        return identity("no translation (DAT is off)", width, prefix=prefix)
    home = mask & HOME == HOME
    control = register(cpu, "c13" if home else "c1")
    name = f"{'home' if home else 'primary'} space"
    if control & REAL_SPACE:
        return identity(f"{name} (real)", width, prefix=prefix)
    depth = control >> 2 & 3
    top = LEVELS[depth]
    levels = (*LEVELS[depth::-1], PAGE)
    zero = register(cpu, "c0")
    entries = Descriptors(
        large=bool(zero & EDAT), protects=bool(zero & IEP), private=bool(control & PRIVATE)
    )
    bits = min(top.shift + top.bits, width)
    held = range(PART * ((control & LENGTH) + 1))
    space = Space(0, bits, levels, entries, control & ORIGIN & WHOLE, held=held)
    return Scheme(f"{name}, {top.name} table", (space,), prefix=prefix)


class Descriptors(Entries):
    """Entries of all of these tables. Who may use a page is said by storage keys, not here.

    Parameters
    ----------
    large, protects : segments and regions of 2 GiB may be mapped as they are; entries forbid to execute
    private : the space has nothing in common with others
    """

    order = "big"
    empty = False

    def __init__(self, *, large: bool, protects: bool, private: bool) -> None:
        self._large = large
        self._no_execute = NO_EXECUTE if protects else 0
        self._private = private

    def read(self, level: Level, index: int, value: int, rights: int) -> Table | Page | str:  # noqa: ARG002
        if not level.leads:
            if value & PAGE_INVALID:
                return "invalid"
            if value & PAGE_ZERO:
                return "reserved bit 52 is set"
            return Page(value & ORIGIN, self._flags(value, rights))
        if value & INVALID:
            return "invalid"
        depth = LEVELS.index(level)
        if value >> TYPE & 3 != depth:
            return f"an entry of a {LEVELS[value >> TYPE & 3].name} table"
        if value & COMMON and self._private and level.maps and (self._large or not depth):
            return "a common one in a private space"
        if value & PROTECTED and (self._large or not depth):
            rights &= ~WRITE
        if self._large and level.maps and value & LARGE:
            return Page(value & -level.size, self._flags(value, rights))
        if not depth:
            return Table(value & SEGMENT_ORIGIN, rights)
        held = range((value >> OFFSET & 3) * PART, ((value >> LAST & 3) + 1) * PART)
        if not held:
            return "its table begins behind its end"
        return Table(value & ORIGIN, rights, held)

    def _flags(self, value: int, rights: int) -> int:
        if value & PROTECTED:
            rights &= ~WRITE
        if value & self._no_execute:
            rights &= ~EXECUTE
        return rights & ~USER_EXECUTE
