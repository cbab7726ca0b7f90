"""Where guest memory is: ranges of guest-physical memory, walks through page tables, what these map."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from migstream.machine.paging.walk import Entry, Mapping, Translation
from migstream.machine.physical import Range
from migstream.render.answer import Answer
from migstream.render.answer import Line as JsonLine
from migstream.render.shown import Line, Part, Table, dim, line, value
from migstream.render.text import escape, short_size

__all__ = [
    "Mapped",
    "MappedLine",
    "Mappings",
    "RangeLine",
    "Ranges",
    "Translated",
    "mapped",
    "mapping_line",
    "range_parts",
    "translated",
    "translation_parts",
]


class Ranges(Answer, tag="mem", frozen=True, kw_only=True):
    """The map of guest-physical memory, ascending."""

    file: str
    ranges: tuple[Range, ...]


class Translated(Answer, tag="mem", frozen=True, kw_only=True):
    """Where a virtual address of a CPU leads, and the entries on the way.

    `page_size` is the bytes that the last entry maps, all of the space where nothing is translated;
    `flags` are what it and those above it allow; `scheme` is the kind of page tables.
    """

    file: str
    cpu: int
    virtual: int
    physical: int
    page_size: int
    flags: tuple[str, ...]
    entries: tuple[Entry, ...]
    scheme: str


class Mapped(msgspec.Struct, frozen=True, kw_only=True):
    """Virtual addresses that follow each other to physical ones that do, with the same rights."""

    virtual: int
    size: int
    physical: int
    flags: tuple[str, ...]


class Mappings(Answer, tag="mem", frozen=True, kw_only=True):
    """All that the page tables of a CPU map, ascending."""

    file: str
    cpu: int
    mappings: list[Mapped]


class RangeLine(JsonLine, tag="mem", frozen=True, kw_only=True):
    """One range of guest-physical memory."""


class MappedLine(JsonLine, tag="mem", frozen=True, kw_only=True):
    """What the page tables of a CPU map."""

    cpu: int


def translated(file: str, cpu: int, one: Translation) -> Translated:
    """A walk through the page tables as an answer has it."""
    return Translated(
        file=file,
        cpu=cpu,
        virtual=one.virtual,
        physical=one.physical,
        page_size=one.page_size,
        flags=one.flags,
        entries=one.entries,
        scheme=one.scheme,
    )


def mapped(run: Mapping) -> Mapped:
    """A run of virtual addresses as an answer has it."""
    return Mapped(**run._asdict())


# --- for people ----------------------------------------------------------------------------------


def range_parts(one: Ranges) -> Iterator[Part]:
    """The physical map as a table."""
    rows = [
        (
            f"{found.start:08x}-{found.stop:08x}",
            short_size(found.size),
            escape(found.block),
            f"+{found.offset:#x}",
            escape(found.provenance),
        )
        for found in one.ranges
    ]
    yield Table(rows, "<><><", ("guest-physical", "size", "block", "offset", "known from"))


def translation_parts(one: Translated) -> Iterator[Part]:
    """Where an address leads, and the entries on the way."""
    page = f"{short_size(one.page_size)} page, " if one.entries else ""
    yield line(
        f"{one.virtual:#x} is at physical ",
        value(f"{one.physical:#x}"),
        f": {page}{' '.join(one.flags)} ({one.scheme})",
    )
    if one.entries:
        rows = [
            (f"{e.level}[{e.index}]", f"at {e.address:#x}", f"{e.value:#018x}") for e in one.entries
        ]
        yield Table(rows, "<<<", indent=2)


def mapping_line(run: Mapping) -> Line:
    """One run of virtual addresses; a line by itself, as there may be very many."""
    return line(
        f"{run.virtual:016x}-{run.virtual + run.size:016x}  {short_size(run.size):>9}  "
        f"{run.physical:012x}  ",
        dim(" ".join(run.flags)),
    )
