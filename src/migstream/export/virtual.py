"""Guest memory by virtual address: which parts of it the page tables of all CPUs map where.

References
----------
QEMU, dump/dump.c: ``dump_init``, ``write_elf64_loads``, ``get_offset_range``; system/memory_mapping.c:
``memory_mapping_list_add_merge_sorted``
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from migstream.errors import Unsupported
from migstream.machine.paging.tables import Registers
from migstream.machine.paging.walk import pages, scheme
from migstream.machine.physical import PhysicalMemory, Range

__all__ = ["MOST_SEGMENTS", "Segment", "segments"]

MOST_SEGMENTS = 1 << 18  # 14 MiB of program headers


class Segment(msgspec.Struct, frozen=True, order=True):
    """`size` bytes of memory at a virtual address: those of range number `range` from `offset` on."""

    virtual: int
    range: int
    offset: int
    size: int


def segments(
    cpus: Sequence[Registers], memory: PhysicalMemory, ranges: Sequence[Range]
) -> tuple[Segment, ...]:
    """What the CPUs map of these ranges, ascending, each once; what is no memory is left out.

    Raises
    ------
    Unsupported : nothing reads these page tables, or they map more pieces than a file is to have
    """
    held = PhysicalMemory(ranges, _Nothing())
    numbers = {one.start: number for number, one in enumerate(ranges)}
    found: set[Segment] = set()
    for cpu in _of_their_own(cpus):
        for virtual, size, physical in _merged(cpu, memory):
            for one, at, length in held.pieces(physical, size):
                if one is not None:
                    place = virtual + at - physical
                    found.add(Segment(place, numbers[one.start], at - one.start, length))
            if len(found) > MOST_SEGMENTS:
                raise Unsupported(f"page tables that map more than {MOST_SEGMENTS} pieces")
    return tuple(sorted(found))


def _of_their_own(cpus: Sequence[Registers]) -> Iterator[Registers]:
    """One CPU of those that use the same tables in the same way.

    A CPU without tables, which has not been started yet, says something only where none has any
    (system/memory_mapping.c: qemu_get_guest_memory_mapping).
    """
    seen = set()
    schemes = [scheme(cpu) for cpu in cpus]
    translates = [any(space.levels for space in how.spaces) for how in schemes]
    for cpu, how, own in zip(cpus, schemes, translates, strict=True):
        if any(translates) and not own:
            continue
        key = how.name, how.hole, *((one.start, one.bits, one.root) for one in how.spaces)
        if key not in seen:
            seen.add(key)
            yield cpu


class _Nothing:
    """Ranges are looked up only."""

    def read(self, block: str, start: int, stop: int) -> bytes:
        raise NotImplementedError


def _merged(cpu: Registers, memory: PhysicalMemory) -> Iterator[tuple[int, int, int]]:
    """Virtual address, size and physical one of what follows each other, whatever its rights."""
    last: tuple[int, int, int] | None = None
    for one in pages(cpu, memory):
        if last is not None:
            virtual, size, physical = last
            if (virtual + size, physical + size) == (one.virtual, one.physical):
                last = virtual, size + one.size, physical
                continue
            yield last
        last = one.virtual, one.size, one.physical
    if last is not None:
        yield last
