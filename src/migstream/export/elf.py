"""ELF core of guest-physical memory with the registers of every CPU, as dump-guest-memory writes it.

Everything but the memory itself is made here; the caller copies each range to its place.

References
----------
QEMU, dump/dump.c: ``dump_begin`` for the order of the parts (that of QEMU up to 7.0)
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple, Protocol

import msgspec

from migstream.export.notes import CPU_NUMBER, FLOATING, Order, first_note
from migstream.export.ranges import check_ranges
from migstream.export.targets import Target, target
from migstream.export.virtual import Segment
from migstream.machine.physical import Range

__all__ = ["CpuState", "ElfPlan", "elf_head"]

# glibc, elf/elf.h: e_ident, e_type, p_type
IDENT_SIZE, ELFCLASS32, ELFCLASS64, EV_CURRENT = 16, 1, 2, 1
ET_CORE = 4
PT_LOAD, PT_NOTE = 1, 4
# e_phnum where the number of program headers is in section header 0 instead
PN_XNUM = 0xFFFF


class CpuState(Protocol):
    """What is needed of a CPU (`machine.registers.Cpu`): its number from 0, registers by name."""

    @property
    def index(self) -> int: ...
    @property
    def values(self) -> Mapping[str, int]: ...


class ElfPlan(msgspec.Struct, frozen=True):
    """A core file but for its memory.

    Parameters
    ----------
    head : the file's first bytes
    offsets : bytes from the start of the file to the memory of each range
    size : bytes of the whole file
    remarks : what the file does not say and a reader might expect, one sentence each
    """

    head: bytes
    offsets: tuple[int, ...]
    size: int
    remarks: tuple[str, ...]


class _Load(NamedTuple):
    """What a program header says: p_offset, p_vaddr, p_paddr, and the size in file and memory."""

    offset: int
    virtual: int
    physical: int
    size: int


class _Class(msgspec.Struct, frozen=True):
    """ELFCLASS32 or ELFCLASS64: Elf*_Ehdr behind e_ident, Elf*_Phdr and Elf*_Shdr as `struct` has them.

    The parts stand in this order: ELF header, PT_NOTE, a PT_LOAD for each segment, section header 0
    if the program headers are too many to count in e_phnum, notes, memory.
    """

    number: int
    header: str
    segment: str
    section: str

    def notes_at(self, count: int) -> int:
        """Bytes in front of the notes, with `count` program headers."""
        sections = _size(self.section) if count >= PN_XNUM else 0
        return IDENT_SIZE + _size(self.header) + _size(self.segment) * count + sections

    def memory_at(self, segments: int, notes: bytes) -> int:
        """Bytes in front of the memory."""
        return self.notes_at(segments + bool(notes)) + len(notes)

    def head(self, machine: int, order: Order, notes: bytes, loads: Sequence[_Load]) -> bytes:
        """All parts but the memory."""
        mark = "<" if order == "little" else ">"
        count = len(loads) + bool(notes)
        many = count >= PN_XNUM
        segments_at = IDENT_SIZE + _size(self.header)
        rows = [(PT_NOTE, _Load(self.notes_at(count), 0, 0, len(notes)))] if notes else []
        rows += [(PT_LOAD, load) for load in loads]
        header = struct.pack(
            mark + self.header,
            *(ET_CORE, machine, EV_CURRENT, 0),
            *(segments_at, segments_at + _size(self.segment) * count if many else 0, 0),
            *(segments_at, _size(self.segment), min(count, PN_XNUM)),
            *((_size(self.section), 1, 0) if many else (0, 0, 0)),
        )
        # sh_info, the eighth of ten fields, is the number of program headers
        section = struct.pack(mark + self.section, *(0,) * 7, count, 0, 0) if many else b""
        return b"".join(
            (
                b"\x7fELF",
                bytes((self.number, 1 if order == "little" else 2, EV_CURRENT)),
                bytes(IDENT_SIZE - 7),
                header,
                self._segments(mark, rows),
                section,
                notes,
            )
        )

    def _segments(self, mark: str, rows: Iterable[tuple[int, _Load]]) -> bytes:
        """Program headers, each with its type; p_flags and p_align stay zero."""
        pack = struct.Struct(mark + self.segment).pack
        if self.number == ELFCLASS64:  # p_flags stands second there, last but one in ELFCLASS32
            return b"".join(
                pack(kind, 0, at, virtual, to, size, size, 0)
                for kind, (at, virtual, to, size) in rows
            )
        return b"".join(
            pack(kind, at, virtual, to, size, size, 0, 0) for kind, (at, virtual, to, size) in rows
        )


def _size(form: str) -> int:
    return struct.calcsize("<" + form)


_CLASSES = {
    32: _Class(ELFCLASS32, "HHIIIIIHHHHHH", "IIIIIIII", "IIIIIIIIII"),
    64: _Class(ELFCLASS64, "HHIQQQIHHHHHH", "IIQQQQQQ", "IIQQQQIIQQ"),
}


def elf_head(
    arch: str | None,
    cpus: Sequence[CpuState],
    ranges: Sequence[Range],
    guest_note: bytes = b"",
    segments: Sequence[Segment] | None = None,
) -> ElfPlan:
    """Lay out a core file.

    Parameters
    ----------
    arch : of `machine.arch`; what is not known there gives a file with memory only
    ranges : guest-physical memory in the order in which it stands in the file
    segments : a PT_LOAD for each; without them one for each range, whose p_vaddr is p_paddr
    guest_note : memory in which the guest left a note for dumps (`export.vmcoreinfo`)

    Raises
    ------
    Unsupported : ranges that no address or no file can hold
    """
    check_ranges(ranges)
    first = cpus[0].values if cpus else {}
    kind = target(arch, first)
    order = kind.order(first)
    notes = _notes(kind, cpus, order) + first_note(guest_note, order)
    if segments is None:
        segments = [Segment(one.start, n, 0, one.size) for n, one in enumerate(ranges)]
    form = _CLASSES[kind.bits]
    if (
        any(one.stop > kind.highest for one in ranges)
        or any(one.virtual + one.size > 1 << 32 for one in segments)
        or form.memory_at(len(segments), notes) + sum(one.size for one in ranges) > 1 << 32
    ):
        form = _CLASSES[64]
    *offsets, size = accumulate(
        (one.size for one in ranges), initial=form.memory_at(len(segments), notes)
    )
    loads = [
        _Load(
            offsets[one.range] + one.offset,
            one.virtual,
            ranges[one.range].start + one.offset,
            one.size,
        )
        for one in segments
    ]
    head = form.head(kind.machine, order, notes, loads)
    return ElfPlan(head, tuple(offsets), size, tuple(_remarks(arch, kind, cpus)))


def _notes(kind: Target, cpus: Sequence[CpuState], order: Order) -> bytes:
    """The notes of all CPUs, then QEMU's own notes of all CPUs."""
    return b"".join(
        note.of({**cpu.values, CPU_NUMBER: cpu.index + 1, FLOATING: int("d0" in cpu.values)}, order)
        for notes in (kind.notes, kind.qemu_notes)
        for cpu in cpus
        for note in notes
    )


def _remarks(arch: str | None, kind: Target, cpus: Sequence[CpuState]) -> list[str]:
    """What is missing."""
    if not kind.notes:
        return [f"no notes of CPUs are known for {arch or 'this architecture'}: memory only"]
    if not cpus:
        return ["the stream tells no registers: memory only"]
    lost = dict.fromkeys(
        name
        for cpu in cpus
        for note in (*kind.notes, *kind.qemu_notes)
        for name in note.missing(cpu.values)
    )
    return [f"registers not in the stream, written as zero: {', '.join(lost)}"] if lost else []
