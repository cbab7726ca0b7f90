"""Virtual addresses: translated, listed, and read through.

References
----------
QEMU's own way to the same answers: the monitor's `gva2gpa`, `info tlb`, `info mem` and `x`
(cpu_get_phys_page_attrs_debug of each target).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from importlib import import_module
from typing import NamedTuple

import msgspec

from migstream.errors import NoSuchAddress, Unsupported
from migstream.machine.paging.tables import (
    ALL,
    EXECUTE,
    READ,
    USER,
    WRITE,
    Level,
    Page,
    Registers,
    Scheme,
    Space,
    Table,
    words,
)
from migstream.machine.physical import PhysicalMemory

__all__ = [
    "MOST_TABLES",
    "Entry",
    "Mapping",
    "Translation",
    "VirtualMemory",
    "pages",
    "scheme",
    "translate",
]

# The module that knows the tables of an architecture (`machine.arch`).
SCHEMES = {
    "x86_64": "x86",
    "i386": "x86",
    "aarch64": "aarch64",
    "riscv64": "riscv",
    "riscv32": "riscv",
    "arm": "arm",
    "s390x": "s390x",
    "loongarch64": "loongarch",
    "ppc64": "ppc",
    "ppc": "ppc",
}

# Tables that `pages` visits before it gives up: pages of 4 KiB over 128 GiB. Tables that lead to
# themselves, which is what some kernels do on purpose and a hostile guest may, multiply: one such
# table of 512 entries stands for 512 ** 4 tables.
MOST_TABLES = 1 << 16
UNTRANSLATED = READ | WRITE | EXECUTE | USER


class Entry(msgspec.Struct, frozen=True):
    """An entry that was looked at: entry `index` of a table of `level`, at a physical address."""

    level: str
    index: int
    address: int
    value: int


class Translation(msgspec.Struct, frozen=True):
    """Where a virtual address leads.

    `page_size` is the bytes that the last entry maps (all of the space where nothing is
    translated; at most 1 MiB while the A20 gate is closed, 8 KiB where there is a prefix), `flags` what it and
    those above it allow, in words.
    """

    virtual: int
    physical: int
    page_size: int
    flags: tuple[str, ...]
    entries: tuple[Entry, ...]
    scheme: str


class Mapping(NamedTuple):
    """Virtual addresses that follow each other to physical ones that do, with the same rights."""

    virtual: int
    size: int
    physical: int
    flags: tuple[str, ...]


def scheme(cpu: Registers) -> Scheme:
    """How a CPU translates at this moment.

    Raises
    ------
    Unsupported : nothing here reads its page tables
    """
    name = SCHEMES.get(cpu.arch)
    if name is None:
        raise Unsupported(
            f"nothing here reads the page tables of {cpu.arch}",
            hint=f"those of {', '.join(SCHEMES)} are; guest-physical addresses need none",
        )
    found: Scheme = import_module(f"migstream.machine.paging.{name}").scheme(cpu)
    return found


def translate(cpu: Registers, memory: PhysicalMemory, address: int) -> Translation:
    """The physical address behind a virtual one.

    Raises
    ------
    NoSuchAddress : it is not mapped; the hint says which entry says so
    Unsupported : nothing here reads the page tables of this CPU
    """
    return _translate(scheme(cpu), memory, address)


def _locate(how: Scheme, address: int) -> tuple[Space, int]:
    """The space that holds an address, and how far into it."""
    for space in how.spaces:
        offset = space.offset(address)
        if offset is None:
            continue
        if space.disabled:
            raise _unmapped(address, space.disabled, how.name)
        return space, offset
    held = ", ".join(
        f"{space.virtual(start):#x} to {space.virtual(start + size - 1):#x}"
        for space in how.spaces
        for start, size in _halves(space)
    )
    raise _unmapped(address, "no address that is translated", f"{how.name} translates {held}")


def _halves(space: Space) -> Iterator[tuple[int, int]]:
    """A space as runs of neighbouring addresses: (offset, size)."""
    whole = 1 << space.bits
    if space.signed:
        yield 0, whole // 2
        yield whole // 2, whole // 2
    else:
        own = space.own or range(whole)
        yield own.start, own.stop - own.start


def _unmapped(address: int, reason: str, hint: str) -> NoSuchAddress:
    return NoSuchAddress(f"virtual address {address:#x} is not mapped: {reason}", hint=hint)


def _translate(how: Scheme, memory: PhysicalMemory, address: int) -> Translation:
    space, offset = _locate(how, address)
    table, rights, held, own = Table(space.root, ALL, space.held)
    seen: list[Entry] = []
    size, base, flags = 1 << space.bits, 0, UNTRANSLATED
    for usual in space.levels:
        assert space.entries is not None
        level = own or usual
        width = space.entries.size
        index = offset >> level.shift & (1 << level.bits) - 1
        if held is not None and index not in held:
            reason = f"its {level.name} table has no entry {index}"
            raise _unmapped(address, reason, _walked(seen))
        at = (table + index * width) & ~how.hole
        try:
            value = int.from_bytes(memory.read(at, width), space.entries.order)
        except NoSuchAddress as error:
            reason = f"its {level.name} table is not in guest memory"
            raise _unmapped(address, reason, f"{_walked(seen)}: {error.message}") from error
        seen.append(Entry(level.name, index, at, value))
        found = space.entries.read(level, index, value, rights)
        if isinstance(found, str):
            raise _unmapped(address, found, _walked(seen))
        if isinstance(found, Page):
            size, base, flags = level.size, found.address, found.flags
            break
        table, rights, held, own = found
    physical, size = how.placed(base + offset % size), min(size, how.step)
    return Translation(address, physical, size, words(flags), tuple(seen), how.name)


def _walked(seen: list[Entry]) -> str:
    """The last entry that was looked at, in words."""
    if not seen:
        return "the first table"
    last = seen[-1]
    return f"{last.level} entry {last.index} at physical {last.address:#x} is {last.value:#x}"


def pages(cpu: Registers, memory: PhysicalMemory, limit: int = MOST_TABLES) -> Iterator[Mapping]:
    """All that is mapped, ascending; neighbours with the same rights are one.

    Of the flags only the rights are told. A table that is not guest memory maps nothing.

    Parameters
    ----------
    limit : tables to visit

    Raises
    ------
    Unsupported : nothing reads these page tables, or there are more than `limit` of them
    """
    how = scheme(cpu)
    run: tuple[int, int, int, int] | None = None
    for virtual, size, physical, flags in _leaves(how, memory, limit):
        if run is not None:
            start, length, first, rights = run
            if start + length == virtual and first + length == physical and rights == flags:
                run = start, length + size, first, rights
                continue
            yield Mapping(start, length, first, words(rights))
        run = virtual, size, physical, flags
    if run is not None:
        yield Mapping(*run[:3], words(run[3]))


def _leaves(how: Scheme, memory: PhysicalMemory, limit: int) -> Iterator[tuple[int, int, int, int]]:
    """Each entry that maps something, as (virtual, size, physical, rights)."""
    walk = _Walk(how, memory, limit)
    for space in how.spaces:
        if space.disabled:
            continue
        found = walk.space(space) if space.levels else [(0, 1 << space.bits, 0, UNTRANSLATED)]
        for offset, size, physical, flags in found:
            own = space.own or range(offset, offset + size)
            start, stop = max(offset, own.start), min(offset + size, own.stop)
            if start >= stop:
                continue  # all of it is another space's
            for step, length, place in how.pieces(physical + start - offset, stop - start):
                yield space.virtual(start + step), length, place, flags & ALL


class _Walk:
    """Through all tables, counting them. What was read of a table is kept: some are used often."""

    def __init__(self, how: Scheme, memory: PhysicalMemory, limit: int) -> None:
        self._how = how
        self._memory = memory
        self._limit = limit
        self._left = limit
        self._known: dict[tuple[Level, Table], list[tuple[int, Table | Page]]] = {}

    def space(self, space: Space) -> Iterator[tuple[int, int, int, int]]:
        """What a space maps, as (offset in it, size, physical, flags)."""
        root = Table(space.root, ALL, space.held)
        stack = [(0, space.levels[0].size, iter(self._read(space, space.levels[0], root)))]
        while stack:
            start, size, rest = stack[-1]
            for offset, found in rest:
                if isinstance(found, Table):
                    level = found.level or space.levels[len(stack)]
                    below = self._read(space, level, found)
                    stack.append((start + offset, level.size, iter(below)))
                    break
                yield start + offset, size, found.address, found.flags
            else:
                stack.pop()

    def _read(self, space: Space, level: Level, table: Table) -> list[tuple[int, Table | Page]]:
        """The entries of a table that map something, with their offsets in what it maps."""
        if not self._left:
            raise Unsupported(
                f"more than {self._limit} page tables",
                hint="tables that lead to themselves look endless; --translate follows one address",
            )
        self._left -= 1
        entries = space.entries
        assert entries is not None
        key = level, table
        if key not in self._known:
            held = table.held or range(1 << level.bits)
            start = table.address + held.start * entries.size
            try:
                raw = self._memory.read(start & ~self._how.hole, len(held) * entries.size)
            except NoSuchAddress:
                raw = b""
            order = "<" if entries.order == "little" else ">"
            values = struct.iter_unpack(f"{order}{'Q' if entries.size == 8 else 'I'}", raw)
            self._known[key] = [
                (index << level.shift, found)
                for index, (value,) in enumerate(values, held.start)
                if (value or not entries.empty)
                and not isinstance(found := entries.read(level, index, value, table.rights), str)
            ]
        return self._known[key]


class VirtualMemory:
    """The memory as a CPU sees it now: `memory[0xffffffff81000000:0xffffffff81001000]`."""

    def __init__(self, cpu: Registers, memory: PhysicalMemory) -> None:
        self._scheme = scheme(cpu)
        self._memory = memory

    def __getitem__(self, key: slice | int) -> bytes:
        """Bytes [start, stop); one byte for an integer. Raises NoSuchAddress where nothing is mapped."""
        if isinstance(key, int):
            return self.read(key, 1)
        if key.step not in (None, 1) or key.start is None or key.stop is None:
            raise ValueError("virtual memory is read as memory[start:stop]")
        return self.read(key.start, key.stop - key.start)

    def translate(self, address: int) -> Translation:
        """The physical address behind a virtual one, as `translate` has it."""
        return _translate(self._scheme, self._memory, address)

    def read(self, address: int, size: int) -> bytes:
        """`size` bytes from a virtual address on, across pages.

        Raises
        ------
        NoSuchAddress : a byte of it is not mapped, or mapped to what is not guest memory
        """
        out = []
        while size > 0:
            found = self.translate(address)
            here = min(found.page_size - address % found.page_size, size)
            out.append(self._memory.read(found.physical, here))
            address, size = address + here, size - here
        return b"".join(out)
