"""Page tables of AArch64: stage 1 of the EL1&0 regime, and of EL2&0 where it is like that one.

References
----------
Arm ARM, chapter D8, "The AArch64 Virtual Memory System Architecture", registers TCR_EL1 and
TTBR0_EL1; what QEMU does of it: target/arm/ptw.c: get_phys_addr_lpae, target/arm/helper.c:
aa64_va_parameters
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from migstream.errors import Unsupported
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

__all__ = ["Descriptors", "Order", "levels", "scheme"]

Order = Literal["little", "big"]

SCTLR_M, SCTLR_EE = 1 << 0, 1 << 25
NARROW = 1 << 4  # PSTATE.nRW
HCR_VM, HCR_TGE, HCR_E2H = 1 << 0, 1 << 27, 1 << 34
TCR_TBI0, TCR_HPD0 = 37, 41  # bit numbers, those of TTBR1 follow
TCR_HD, TCR_DS = 1 << 40, 1 << 59
WIDEST = 6  # TCR.IPS: addresses of 52 bits

LAST = 3
# A granule's bits by TCR.TG0 and TCR.TG1
LARGE_GRANULE = 16
GRANULES = ({0: 12, 1: 16, 2: 14}, {1: 14, 2: 12, 3: 16})
# The first level at which an entry may map memory itself, without and with addresses of 52 bits
FIRST_BLOCK = {12: (1, 0), 14: (2, 1), 16: (2, 1)}
SMALLEST, LARGEST, SMALLEST_WIDE = 16, 48, 12  # TxSZ

VALID, LEADS = 1 << 0, 1 << 1
SHORT_ADDRESS = (1 << 48) - 1
AP_USER, AP_READ_ONLY, AF, NG = 1 << 6, 1 << 7, 1 << 10, 1 << 11
DBM, PXN, UXN = 1 << 51, 1 << 53, 1 << 54
# What a set bit takes away: in a descriptor of memory, and of a table
PAGE_RIGHTS = ((PXN, EXECUTE), (UXN, USER_EXECUTE))
TABLE_RIGHTS = (
    (1 << 59, EXECUTE),  # PXNTable
    (1 << 60, USER_EXECUTE),  # UXNTable
    (1 << 61, USER),  # APTable[0]
    (1 << 62, WRITE),  # APTable[1]
)


def scheme(cpu: Registers) -> Scheme:
    """How this CPU translates at the exception level at which it stands.

    Raises
    ------
    Unsupported : it stands at EL3, or at EL2 with its one range of addresses, or in AArch32 state;
        or there is a second stage
    """
    status, hcr = register(cpu, "pstate"), cpu.values.get("hcr_el2", 0)
    if status & NARROW and status & 0xF:
        raise Unsupported(
            f"CPU {cpu.index} is in AArch32 state, whose page tables are not read here"
        )
    el = 0 if status & NARROW else status >> 2 & 3
    hosted = bool(hcr & HCR_E2H)
    if el == 0:
        el = 2 if hosted and hcr & HCR_TGE else 1
    sctlr = register(cpu, f"sctlr_el{el}")
    if el == 1 and hcr & HCR_VM:
        raise Unsupported(
            f"CPU {cpu.index} translates in two stages (HCR_EL2.VM), for a guest of the guest"
        )
    if not sctlr & SCTLR_M:
        return identity("no translation (SCTLR.M is off)", 52)
    if el > 1 and not (el == 2 and hosted):
        raise Unsupported(
            f"CPU {cpu.index} stands at EL{el}: page tables of EL1 are read here, and of EL2 with HCR_EL2.E2H"
        )
    tcr = register(cpu, f"tcr_el{el}")
    order: Order = "big" if sctlr & SCTLR_EE else "little"
    halves = (_space(tcr, register(cpu, f"ttbr{n}_el{el}"), n, order) for n in (0, 1))
    return Scheme(f"stage 1 of EL{el}&0", tuple(halves))


def _space(tcr: int, ttbr: int, upper: int, order: Order) -> Space:
    """The lower (0, TTBR0) or upper (1, TTBR1) range of addresses."""
    field = tcr >> 16 * upper
    size, tagged = field & 0x3F, bool(tcr >> (TCR_TBI0 + upper) & 1)
    granule = GRANULES[upper].get(field >> 14 & 3)
    ds = bool(tcr & TCR_DS) and granule != LARGE_GRANULE
    wide = ds or (granule == LARGE_GRANULE and tcr >> 32 & 7 == WIDEST)
    smallest = SMALLEST_WIDE if ds or granule == LARGE_GRANULE else SMALLEST
    disabled = (
        f"TCR.EPD{upper} switches this range off"
        if field >> 7 & 1
        else f"TCR.TG{upper} has a reserved value"
        if granule is None
        else f"TCR.T{upper}SZ is out of range: {size}"
        if not smallest <= size <= LARGEST
        else ""
    )
    bits = 64 - min(max(size, SMALLEST), LARGEST) if disabled else 64 - size
    start = ((1 << 64) - (1 << bits)) * upper
    if disabled or granule is None:
        return Space(start, bits, tagged=tagged, disabled=disabled)
    steps = tuple(levels(granule, bits, wide))
    # the first table is aligned to its own size
    root = ttbr & SHORT_ADDRESS & ~(max(8 << steps[0].bits, 64 if wide else 0) - 1)
    if wide:
        root |= (ttbr >> 2 & 0xF) << 48
    entries = Descriptors(
        granule,
        ds=ds,
        wide=wide,
        flat=bool(tcr >> (TCR_HPD0 + upper) & 1),
        dbm=bool(tcr & TCR_HD),
        order=order,
    )
    return Space(start, bits, steps, entries, root, tagged=tagged)


def levels(granule: int, bits: int, wide: bool) -> Iterator[Level]:
    """The levels that an address of so many bits goes through; the last one is level 3."""
    stride = granule - 3
    first = LAST + 1 - -(-(bits - granule) // stride)
    for number in range(first, LAST + 1):
        shift = granule + stride * (LAST - number)
        yield Level(
            f"level {number}",
            shift,
            min(bits - shift, stride),
            maps=number >= FIRST_BLOCK[granule][wide],
            leads=number < LAST,
        )


class Descriptors(Entries):
    """Descriptors of VMSAv8-64.

    The access flag is reported and not asked for: a page without it is mapped all the same, and
    its first use would have been noticed by the kernel.

    Parameters
    ----------
    ds, wide : TCR.DS (52-bit addresses of small granules); whether addresses have 52 bits at all
    flat : TCR.HPDn, rights in table descriptors mean nothing
    dbm : TCR.HD, hardware marks a writable page as dirty by making it no longer read-only
    """

    def __init__(
        self, granule: int, *, ds: bool, wide: bool, flat: bool, dbm: bool, order: Order
    ) -> None:
        self.order = order
        self._flat = flat
        self._dbm = dbm
        # where the address's bits 51:48 (of DS: 51:50) stand in a descriptor, and how many are there
        self._plain = (1 << (50 if ds else 48)) - (1 << granule)
        self._high = (8, 3, 50) if ds else (12, 0xF, 48) if wide else (0, 0, 0)

    def read(self, level: Level, index: int, value: int, rights: int) -> Table | Page | str:  # noqa: ARG002
        if not value & VALID:
            return "not valid"
        shift, mask, at = self._high
        address = value & self._plain | (value >> shift & mask) << at
        if value & LEADS and level.leads:
            return Table(address, rights if self._flat else _left(value, rights, TABLE_RIGHTS))
        if not value & LEADS and not (level.leads and level.maps):
            return f"no block may stand at {level.name}"
        return Page(address & ~(level.size - 1), self._flags(value, rights))

    def _flags(self, value: int, rights: int) -> int:
        flags = _left(value, rights, PAGE_RIGHTS)
        if not value & AP_USER:
            flags &= ~USER
        counted = self._dbm and value & DBM
        if value & AP_READ_ONLY and not counted:
            flags &= ~WRITE
        elif counted and not value & AP_READ_ONLY:
            flags |= DIRTY
        return flags | (ACCESSED if value & AF else 0) | (0 if value & NG else GLOBAL)


def _left(value: int, rights: int, takes: tuple[tuple[int, int], ...]) -> int:
    """What a descriptor leaves of the rights."""
    for bit, lost in takes:
        if value & bit:
            rights &= ~lost
    return rights
