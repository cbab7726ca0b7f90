"""What page tables of any architecture are made of: levels, entries, spaces, rights.

An architecture says how its tables are laid out (`Space`, `Level`) and what is in them
(`Entries`); `machine.paging` walks them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from typing import Literal, NamedTuple, Protocol

import msgspec

from migstream.errors import Unsupported

__all__ = [
    "A20_STEP",
    "ACCESSED",
    "ALL",
    "DIRTY",
    "EXECUTE",
    "GLOBAL",
    "PREFIX_AREA",
    "READ",
    "USER",
    "USER_EXECUTE",
    "WRITE",
    "Entries",
    "Level",
    "Page",
    "Registers",
    "Scheme",
    "Space",
    "Table",
    "identity",
    "register",
    "words",
]

READ, WRITE, EXECUTE, USER, USER_EXECUTE, GLOBAL, ACCESSED, DIRTY = (1 << n for n in range(8))
# The rights; the other flags come and go from page to page.
ALL = READ | WRITE | EXECUTE | USER | USER_EXECUTE
WORDS = ("read", "write", "execute", "user", "user-execute", "global", "accessed", "dirty")

ADDRESSES = 1 << 64
A20_STEP = 1 << 20
PREFIX_AREA = 1 << 13


@cache
def words(flags: int) -> tuple[str, ...]:
    """The flags in words."""
    return tuple(word for bit, word in enumerate(WORDS) if flags >> bit & 1)


class Registers(Protocol):
    """What is asked of a CPU (`machine.registers.Cpu`)."""

    @property
    def index(self) -> int: ...
    @property
    def arch(self) -> str: ...
    @property
    def values(self) -> Mapping[str, int]: ...


def register(cpu: Registers, name: str) -> int:
    """A register that translation depends on.

    Raises
    ------
    Unsupported : the stream does not have it
    """
    value = cpu.values.get(name)
    if value is None:
        raise Unsupported(f"how CPU {cpu.index} translates: the stream has no register {name}")
    return value


class Level(msgspec.Struct, frozen=True):
    """One level of tables: `bits` bits of the address from bit `shift` on choose the entry.

    `maps` says whether an entry may map memory itself, `leads` whether it may lead to a table.
    """

    name: str
    shift: int
    bits: int
    maps: bool = True
    leads: bool = True

    @property
    def size(self) -> int:
        """Bytes that one entry stands for."""
        return 1 << self.shift


class Table(NamedTuple):
    """An entry that leads to the next table.

    `rights` are those that it leaves; `held` are the entries that the table has, None for all of its level; `level` is
    the table's where it is not that of its space.
    """

    address: int
    rights: int
    held: range | None = None
    level: Level | None = None


class Page(NamedTuple):
    """An entry that maps memory at a physical address."""

    address: int
    flags: int


class Entries(ABC):
    """What entries mean.

    `size` is the bytes of one, `order` their order; `empty` says that one of zeros maps nothing, whatever its place.
    """

    size: int = 8
    order: Literal["little", "big"] = "little"
    empty: bool = True

    @abstractmethod
    def read(self, level: Level, index: int, value: int, rights: int) -> Table | Page | str:
        """What an entry says; a reason where it maps nothing.

        Parameters
        ----------
        index : the entry's number in its table
        rights : what the entries above it leave
        """


class Space(msgspec.Struct, frozen=True):
    """2 ** `bits` virtual addresses from `start` on, with one tree of tables.

    Parameters
    ----------
    levels : outermost first; none where virtual addresses are physical ones
    entries : what is in the tables
    root : physical address of the first table
    held : the entries that the first table has; None for all of its level
    own : the offsets that are this space's; None for all
    signed : the upper half of the addresses stands at the upper end of all, sign-extended
    tagged : bits 63:56 of an address are not looked at
    disabled : why nothing is translated here; empty where it is
    """

    start: int
    bits: int
    levels: tuple[Level, ...] = ()
    entries: Entries | None = None
    root: int = 0
    held: range | None = None
    own: range | None = None
    signed: bool = False
    tagged: bool = False
    disabled: str = ""

    def offset(self, address: int) -> int | None:
        """How far into the tables an address lies; None where it is not of this space."""
        if self.tagged:  # bit 55 speaks for the bits above it
            address = address % (1 << 56) - (address >> 55 & 1) * (1 << 56) & ADDRESSES - 1
        offset = address - self.start if not self.signed else address % (1 << self.bits)
        inside = offset in (self.own or range(1 << self.bits))
        return offset if inside and self.virtual(offset) == address else None

    def virtual(self, offset: int) -> int:
        """The virtual address at an offset."""
        upper = self.signed and offset >> (self.bits - 1)
        return self.start + offset + (ADDRESSES - (1 << self.bits) if upper else 0)


class Scheme(msgspec.Struct, frozen=True):
    """How a CPU translates at this moment.

    Parameters
    ----------
    name : for people: `4-level paging`
    spaces : ascending, without overlap
    hole : bits of physical addresses that are held at 0 (the A20 gate)
    prefix : PREFIX_AREA bytes at this address change places with those at 0, of what is translated and not of tables;
        aligned to as many
    """

    name: str
    spaces: tuple[Space, ...]
    hole: int = 0
    prefix: int = 0

    @property
    def step(self) -> int:
        """Bytes, so aligned, that follow each other in memory whatever is done to a translated address."""
        return A20_STEP if self.hole else PREFIX_AREA if self.prefix else ADDRESSES

    def placed(self, address: int) -> int:
        """Where in memory a translated address is."""
        area = address & -PREFIX_AREA
        if self.prefix and area in (0, self.prefix):
            address ^= self.prefix
        return address & ~self.hole

    def pieces(self, address: int, size: int) -> Iterator[tuple[int, int, int]]:
        """Translated addresses as runs of memory: (how far behind the first, size, where in memory)."""
        if self.hole:
            edges = [*range(address, address + size, min(size, A20_STEP))]
        elif self.prefix:
            ends = (PREFIX_AREA, self.prefix, self.prefix + PREFIX_AREA)
            edges = [address, *(end for end in ends if address < end < address + size)]
        else:
            edges = [address]
        for start, stop in pairwise([*edges, address + size]):
            yield start - address, stop - start, self.placed(start)


def identity(name: str, bits: int, *, hole: int = 0, prefix: int = 0) -> Scheme:
    """A scheme without tables: virtual addresses are physical ones."""
    return Scheme(name, (Space(0, bits),), hole=hole, prefix=prefix)
