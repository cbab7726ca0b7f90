"""Page tables of 32-bit Arm: short descriptors as of ARMv6, long ones (LPAE).

References
----------
Arm ARM for ARMv7-A, chapter B3, "Virtual Memory System Architecture"; what QEMU does of it: target/arm/ptw.c:
get_phys_addr_v6, get_phys_addr_lpae
"""

from __future__ import annotations

from collections.abc import Iterator

from migstream.errors import Unsupported
from migstream.machine.paging.aarch64 import Descriptors, Order, levels
from migstream.machine.paging.tables import (
    ACCESSED,
    ALL,
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

WIDTH = 32
MODE, HYP = 0x1F, 0x1A
SCTLR_M, SCTLR_XP, SCTLR_EE, SCTLR_AFE = 1 << 0, 1 << 23, 1 << 25, 1 << 29
HCR_VM = 1 << 0
TTBCR_EAE, TTBCR_N, TTBCR_SIZE = 1 << 31, 7, 7
# Which bit of TTBCR switches the walk through a table off, of short descriptors and of long ones
SHORT_OFF, LONG_OFF = (4, 5), (7, 23)
LONG_GRANULE, LONG_BASE = 12, (1 << 40) - 32

FIRST, SECOND = Level("first level", 20, 12), Level("second level", 12, 8, leads=False)
FIRST_SIZE = 14  # bits: a whole first table of 16 KiB
SUPERSECTION, CLIENT, MANAGER = 1 << 18, 1, 3
# What the kernel may do, and whether a program may at all, by AP[2:0]; of AP 2 programs only read. A page without any
# right is mapped all the same
ACCESS = {1: READ | WRITE, 2: READ | WRITE | USER, 3: READ | WRITE | USER}
ACCESS |= {5: READ, 6: READ | USER, 7: READ | USER}


def scheme(cpu: Registers) -> Scheme:
    """How this CPU translates, by the registers of the security state in which it stands.

    Raises
    ------
    Unsupported : it stands in Hyp mode, there is a second stage, or its tables are those of ARMv5
    """
    if "xpsr" in cpu.values:
        return identity("no paging", WIDTH)
    if cpu.values.get("cpsr", 0) & MODE == HYP:
        raise Unsupported(
            f"CPU {cpu.index} stands in Hyp mode, whose page tables are not read here"
        )
    if cpu.values.get("hcr_el2", cpu.values.get("hcr", 0)) & HCR_VM:
        raise Unsupported(
            f"CPU {cpu.index} translates in two stages (HCR.VM), for a guest of the guest"
        )
    sctlr = register(cpu, "sctlr")
    if not sctlr & SCTLR_M:
        return identity("no translation (SCTLR.M is off)", WIDTH)
    ttbcr = register(cpu, "ttbcr")
    order: Order = "big" if sctlr & SCTLR_EE else "little"
    if ttbcr & TTBCR_EAE:
        return Scheme("long descriptors", tuple(_long(cpu, ttbcr, order)))
    if not sctlr & SCTLR_XP:
        raise Unsupported(f"CPU {cpu.index} has page tables as of ARMv5, which are not read here")
    entries = Short(register(cpu, "dacr"), flagged=bool(sctlr & SCTLR_AFE), order=order)
    return Scheme("short descriptors", tuple(_short(cpu, ttbcr, entries)))


def _short(cpu: Registers, ttbcr: int, entries: Short) -> Iterator[Space]:
    """The lower addresses through TTBR0, and all from 2 ** (32 - N) on through TTBR1, which is a whole table."""
    n = ttbcr & TTBCR_N
    lower = (Level(FIRST.name, FIRST.shift, FIRST.bits - n), SECOND)
    for upper, top, steps in ((0, n, lower), (1, 0, (FIRST, SECOND)))[: 2 if n else 1]:
        root = register(cpu, f"ttbr{upper}") & (1 << WIDTH) - (1 << FIRST_SIZE - top)
        own = range(1 << WIDTH - n, 1 << WIDTH) if upper else None
        yield Space(
            0, WIDTH - top, steps, entries, root, own=own, disabled=_off(ttbcr, upper, SHORT_OFF)
        )


def _long(cpu: Registers, ttbcr: int, order: Order) -> Iterator[Space]:
    """As many of the lowest addresses as T0SZ says, and of the highest as T1SZ says, or all that are left."""
    entries = Descriptors(LONG_GRANULE, ds=False, wide=False, flat=False, dbm=False, order=order)
    sizes = [ttbcr >> 16 * upper & TTBCR_SIZE for upper in (0, 1)]
    lower = range(1 << WIDTH - sizes[0])
    higher = range((1 << WIDTH) - (1 << WIDTH - sizes[1]) if sizes[1] else lower.stop, 1 << WIDTH)
    for upper, held in enumerate((range(min(lower.stop, higher.start)), higher)):
        if not held:
            continue
        bits = WIDTH - sizes[upper]
        steps = tuple(levels(LONG_GRANULE, bits, wide=False))
        root = register(cpu, f"ttbr{upper}") & LONG_BASE & -(8 << steps[0].bits)
        start = (1 << WIDTH) - (1 << bits) if upper else 0
        own = range(held.start - start, held.stop - start)
        off = _off(ttbcr, upper, LONG_OFF)
        yield Space(start, bits, steps, entries, root, own=own, disabled=off)


def _off(ttbcr: int, upper: int, bits: tuple[int, int]) -> str:
    """Why nothing is translated through a table; empty where it is."""
    return f"TTBCR switches TTBR{upper} off" if ttbcr >> bits[upper] & 1 else ""


class Short(Entries):
    """Entries of four bytes; sixteen that are the same make a large page, or a supersection.

    Parameters
    ----------
    domains : DACR, two bits for each domain
    flagged : SCTLR.AFE, AP[0] is an access flag
    """

    size = 4

    def __init__(self, domains: int, *, flagged: bool, order: Order) -> None:
        self.order = order
        self._domains = domains
        self._flagged = flagged

    def read(self, level: Level, index: int, value: int, rights: int) -> Table | Page | str:
        kind = value & 3
        if not kind:
            return "not valid"
        if not level.leads:
            return self._page(index, value, kind, rights)
        wide = kind != 1 and bool(value & SUPERSECTION)
        domain = 0 if wide else value >> 5 & 0xF
        access = self._domains >> 2 * domain & 3
        if access not in (CLIENT, MANAGER):
            return f"domain {domain} has no access"
        # a manager's pages are checked for nothing, which the rights say by lacking what every page has
        rights = rights & ~READ if access == MANAGER else rights
        if kind == 1:
            return Table(
                value & -(1 << 10) & 0xFFFF_FFFF, rights & ~EXECUTE if value & 4 else rights
            )
        address = value & 0xFFF0_0000
        if wide:
            address = value & 0xFF00_0000 | (index & 0xF) << 20
            address |= (value >> 20 & 0xF) << 32 | (value >> 5 & 0xF) << 36
        protection = value >> 10 & 3 | value >> 13 & 4
        never = (USER_EXECUTE | EXECUTE if value & 1 << 4 else 0) | (EXECUTE if value & 1 else 0)
        return self._mapped(address, protection, rights & ~never, value >> 17 & 1)

    def _page(self, index: int, value: int, kind: int, rights: int) -> Page:
        large = kind == 1
        address = value & 0xFFFF_0000 | (index & 0xF) << 12 if large else value & 0xFFFF_F000
        if value & (1 << 15 if large else 1):
            rights &= ~(EXECUTE | USER_EXECUTE)
        return self._mapped(address, value >> 4 & 3 | value >> 7 & 4, rights, value >> 11 & 1)

    def _mapped(self, address: int, protection: int, rights: int, own: int) -> Page:
        more = 0 if own else GLOBAL
        if not rights & READ:
            return Page(address, ALL | more)
        if self._flagged:
            more |= ACCESSED if protection & 1 else 0
            protection |= 1
        allowed = ACCESS.get(protection, 0)
        execute = (EXECUTE if allowed else 0) | (USER_EXECUTE if allowed & USER else 0)
        return Page(address, (allowed | execute) & rights | more)
