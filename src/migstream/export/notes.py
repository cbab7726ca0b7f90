"""ELF notes with the registers of CPUs, the same bytes that QEMU's dump-guest-memory writes.

Every note is a table of words; `targets` holds the tables of each architecture.

References
----------
QEMU, dump/dump.c: ``write_elf64_notes``; target/*/arch_dump.c
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Literal

import msgspec

__all__ = [
    "CPU_NUMBER",
    "FLOATING",
    "NT_PRFPREG",
    "NT_PRSTATUS",
    "PID",
    "Note",
    "Order",
    "Words",
    "first_note",
    "numbered",
    "pack_note",
    "words",
    "zeros",
]

Order = Literal["little", "big"]

# glibc, elf/elf.h
NT_PRSTATUS = 1
NT_PRFPREG = 2
NOTE_HEAD_SIZE = 12


class Words(msgspec.Struct, frozen=True):
    """Words of `size` bytes each. A name is a register's, a decimal number stands for itself."""

    size: int
    names: tuple[str, ...]

    def pack(self, values: Mapping[str, int], order: Order) -> bytes:
        mask = (1 << self.size * 8) - 1
        return b"".join(
            ((int(name) if name.isdecimal() else values.get(name, 0)) & mask).to_bytes(
                self.size, order
            )
            for name in self.names
        )


def words(size: int, names: str) -> Words:
    """Words of `size` bytes, their names separated by blanks."""
    return Words(size, tuple(names.split()))


def numbered(size: int, name: str, count: int, first: int = 0) -> Words:
    """Registers that differ in their number only: `r0`, `r1`, ..."""
    return Words(size, tuple(f"{name}{index}" for index in range(first, first + count)))


def zeros(size: int) -> Words:
    """`size` bytes of padding, or of fields that QEMU leaves empty."""
    return Words(1, ("0",) * size)


# The number of a CPU, from 1, where Linux has a thread's: struct elf_prstatus, pr_pid.
CPU_NUMBER = "pid"
PID = words(4, CPU_NUMBER)
# Whether the CPU has floating point: pr_fpvalid.
FLOATING = "fpvalid"
COMPUTED = {CPU_NUMBER, FLOATING}


class Note(msgspec.Struct, frozen=True):
    """One kind of note.

    Parameters
    ----------
    name, type : who defines the contents, and which of theirs they are
    fields : the contents from their first byte to their last
    absent : what becomes of it where a CPU has none of its registers: they are "missed", since
        every CPU has them; they are "zero", since QEMU asks for no such facility; it is "omitted"
    """

    name: str
    type: int
    fields: tuple[Words, ...]
    absent: Literal["missed", "zero", "omitted"] = "missed"

    def of(self, values: Mapping[str, int], order: Order) -> bytes:
        """The whole note of a CPU, empty where it has none. What is not in `values` is zero."""
        if self.absent == "omitted" and not self.known(values):
            return b""
        contents = b"".join(field.pack(values, order) for field in self.fields)
        return pack_note(self.name, self.type, contents, order)

    def registers(self) -> list[str]:
        """Every register it names, in its order."""
        return [
            name
            for field in self.fields
            for name in field.names
            if name not in COMPUTED and not name.isdecimal()
        ]

    def known(self, values: Mapping[str, int]) -> bool:
        """Whether any of its registers is."""
        return any(name in values for name in self.registers())

    def missing(self, values: Mapping[str, int]) -> list[str]:
        """Registers that it wants and `values` lacks."""
        if self.absent != "missed" and not self.known(values):
            return []
        return [name for name in self.registers() if name not in values]


def pack_note(name: str, kind: int, contents: bytes, order: Order) -> bytes:
    """A note as it stands in the file: Elf32_Nhdr and Elf64_Nhdr are the same three words."""
    label = name.encode() + b"\0"
    head = struct.pack(f"{_mark(order)}III", len(label), len(contents), kind)
    return head + _aligned(label) + _aligned(contents)


def first_note(raw: bytes, order: Order) -> bytes:
    """The note that `raw` begins with, to its end; empty where it is cut off or none."""
    if len(raw) < NOTE_HEAD_SIZE:
        return b""
    name, contents, _ = struct.unpack_from(f"{_mark(order)}III", raw)
    size = NOTE_HEAD_SIZE + sum(length + -length % 4 for length in (name, contents))
    return raw[:size] if size <= len(raw) else b""


def _mark(order: Order) -> str:
    """The sign of a byte order that `struct` has."""
    return "<" if order == "little" else ">"


def _aligned(piece: bytes) -> bytes:
    """With zeros up to a multiple of four bytes."""
    return piece + bytes(-len(piece) % 4)
