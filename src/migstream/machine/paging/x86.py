"""Page tables of x86: 32-bit, PAE, 4-level, 5-level.

References
----------
Intel SDM volume 3, chapter 4, "Paging"; what QEMU does of it: target/i386/helper.c:
x86_cpu_get_phys_page_attrs_debug, target/i386/tcg/sysemu/excp_helper.c: mmu_translate
"""

from __future__ import annotations

from migstream.machine.paging.tables import (
    ACCESSED,
    DIRTY,
    EXECUTE,
    GLOBAL,
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

CR0_PG = 1 << 31
CR4_PSE, CR4_PAE, CR4_LA57 = 1 << 4, 1 << 5, 1 << 12
EFER_LMA, EFER_NXE = 1 << 10, 1 << 11
A20 = 1 << 20

PRESENT, RW, US, ACC, DRT, LARGE, GLB = 1 << 0, 1 << 1, 1 << 2, 1 << 5, 1 << 6, 1 << 7, 1 << 8
NX = 1 << 63
PAT_LARGE = 1 << 12  # of a large page: the one bit below its address that means something

LONG_ADDRESS = (1 << 52) - (1 << 12)
SHORT_ADDRESS = (1 << 32) - (1 << 12)
PDPT_ADDRESS = (1 << 32) - (1 << 5)  # of a PAE CR3: four entries of 8 bytes

PT = Level("PT", 12, 9, leads=False)
FOUR = (Level("PML4", 39, 9, maps=False), Level("PDPT", 30, 9), Level("PD", 21, 9), PT)
FIVE = (Level("PML5", 48, 9, maps=False), *FOUR)
PAE = (Level("PDPT", 30, 2, maps=False), Level("PD", 21, 9), PT)
SHORT_PT = Level("PT", 12, 10, leads=False)
SHORT = (Level("PD", 22, 10, maps=False), SHORT_PT)
SHORT_PSE = (Level("PD", 22, 10), SHORT_PT)


def scheme(cpu: Registers) -> Scheme:
    """How this CPU translates: from CR0.PG, CR4.PAE, EFER.LMA, CR4.LA57, CR4.PSE."""
    # target/i386/helper.c: x86_cpu_set_a20: the mask is all ones but for bit 20; there is no gate in SMM
    hole = 0 if cpu.values.get("smm") else ~cpu.values.get("a20_mask", -1) & A20
    if not register(cpu, "cr0") & CR0_PG:
        return identity("no paging", 32, hole=hole)
    cr3, cr4, efer = register(cpu, "cr3"), register(cpu, "cr4"), cpu.values.get("efer", 0)
    if not cr4 & CR4_PAE:
        levels = SHORT_PSE if cr4 & CR4_PSE else SHORT
        return _scheme("32-bit paging", levels, Short(), cr3 & SHORT_ADDRESS, hole)
    entries = Long(bool(efer & EFER_NXE))
    if not efer & EFER_LMA:
        return _scheme("PAE paging", PAE, entries, cr3 & PDPT_ADDRESS, hole)
    long = FIVE if cr4 & CR4_LA57 else FOUR
    return _scheme(f"{len(long)}-level paging", long, entries, cr3 & LONG_ADDRESS, hole)


def _scheme(name: str, levels: tuple[Level, ...], entries: Entries, root: int, hole: int) -> Scheme:
    bits = levels[0].shift + levels[0].bits
    return Scheme(name, (Space(0, bits, levels, entries, root, signed=bits > 32),), hole)


def _rights(value: int, rights: int) -> int:
    """What an entry leaves of the rights."""
    if not value & RW:
        rights &= ~WRITE
    if not value & US:
        rights &= ~(USER | USER_EXECUTE)
    if value & NX:
        rights &= ~(EXECUTE | USER_EXECUTE)
    return rights


def _flags(value: int, rights: int) -> int:
    """What an entry that maps a page says of it."""
    flags = _rights(value, rights) & ~USER_EXECUTE  # one execute right holds for both
    for bit, flag in ((ACC, ACCESSED), (DRT, DIRTY), (GLB, GLOBAL)):
        if value & bit:
            flags |= flag
    return flags


class Short(Entries):
    """Entries of four bytes; the large pages are of 4 MiB, at up to 40 bits (PSE-36)."""

    size = 4

    def read(self, level: Level, index: int, value: int, rights: int) -> Table | Page | str:  # noqa: ARG002
        if not value & PRESENT:
            return "not present"
        if not level.leads:
            return Page(value & SHORT_ADDRESS, _flags(value, rights))
        if not (value & LARGE and level.maps):
            return Table(value & SHORT_ADDRESS, _rights(value, rights))
        if value >> 21 & 1:
            return "reserved bit 21 is set"
        address = value & ~(level.size - 1) | (value >> 13 & 0xFF) << 32
        return Page(address, _flags(value, rights))


class Long(Entries):
    """Entries of eight bytes.

    Address bits above the CPU's width are reserved too, but the width is nowhere in a stream:
    an address that is not memory is found out when it is read.
    """

    def __init__(self, no_execute: bool) -> None:
        self.no_execute = no_execute

    def read(self, level: Level, index: int, value: int, rights: int) -> Table | Page | str:  # noqa: ARG002
        if not value & PRESENT:
            return "not present"
        if value & NX and not self.no_execute:
            return "reserved bit 63 is set (EFER.NXE is off)"
        if not level.leads:
            return Page(value & LONG_ADDRESS, _flags(value, rights))
        if not value & LARGE:
            # the four entries of a PAE root have no rights: their bits are reserved
            rights = rights if level is PAE[0] else _rights(value, rights)
            return Table(value & LONG_ADDRESS, rights)
        if not level.maps:
            return "reserved bit 7 is set"
        if value & (level.size - 1) & LONG_ADDRESS & ~PAT_LARGE:
            return "reserved bits are set below the address of a large page"
        return Page(value & LONG_ADDRESS & ~(level.size - 1), _flags(value, rights))
