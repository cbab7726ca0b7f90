"""Streams that were found in something large."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from migstream.analysis.find import Found
from migstream.render.answer import Answer, Line, Pair
from migstream.render.shown import Part, Table
from migstream.render.text import escape, sizes

__all__ = ["Extracted", "Find", "FoundLine", "find_parts"]

KINDS = {"libvirt": "libvirt save image", "qcow2": "qcow2 image"}


class Extracted(msgspec.Struct, frozen=True, kw_only=True):
    """A stream that was written to a file: its `offset` in the source, its size."""

    file: str
    offset: int
    size: int


class Find(Answer, tag="find", frozen=True, kw_only=True):
    """What was found in a file or device of `size` bytes, by offset.

    `stopped` is the offset at which the search ended because it had found enough, null where it
    came to the end. `unreadable` are bytes [start, stop) that could not be read. `extracted` are the files that were written to `output`.
    """

    file: str
    size: int
    found: list[Found]
    stopped: int | None
    unreadable: list[Pair]
    output: str | None
    extracted: list[Extracted]


class FoundLine(Line, tag="find", frozen=True, kw_only=True):
    """One thing that was found."""


def find_parts(found: Sequence[Found], extracted: Sequence[Extracted]) -> Iterator[Part]:
    """A line for each, then the files."""
    if found:
        head = ("", "offset", "", "size", "bytes", "machine", "devices", "")
        yield Table([_row(n, one) for n, one in enumerate(found, 1)], ">><>><><", head)
    if extracted:
        rows = [(f"{one.offset:#x}", "→", escape(one.file), *sizes(one.size)) for one in extracted]
        yield ""
        yield Table(rows, "><<>>")


def _row(number: int, one: Found) -> tuple[str, ...]:
    return (
        str(number),
        f"{one.offset:#x}",
        KINDS.get(one.kind) or f"{one.state} stream",
        *(("", "") if one.size is None else sizes(one.size)),
        escape(one.machine or ""),
        "" if one.devices is None else str(one.devices),
        _notes(one),
    )


def _notes(one: Found) -> str:
    notes = [
        one.said and escape(one.said),
        one.damage and escape(one.damage),
        None if one.within is None else f"inside the one at {one.within:#x}",
    ]
    return "; ".join(note for note in notes if note)
