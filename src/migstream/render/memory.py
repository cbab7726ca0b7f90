"""Guest memory: hexdumps, hits, and what is not there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from migstream.ram.presence import UNPLUGGED
from migstream.render.answer import Answer
from migstream.render.shown import Bytes, Line, Mark, Part, dim, line
from migstream.render.text import LINE, escape, prose, size

if TYPE_CHECKING:
    from migstream.machine.search import Gap, Hit
    from migstream.ram.image import Ram

__all__ = [
    "WORDS",
    "Dump",
    "Found",
    "Hits",
    "Missed",
    "Space",
    "dump_parts",
    "found",
    "hex_parts",
    "hit_line",
    "missed",
    "missed_lines",
    "string_line",
]

WORDS = {"absent": "not in this stream", "unplugged": "not plugged in"}

Space = Literal["physical", "virtual", "block"]
Pieces = Iterable[tuple[int, bytes]]


class Missed(msgspec.Struct, frozen=True, kw_only=True):
    """`size` bytes of a RAM block, at `address`, that are not in the stream ("absent"), or not plugged in."""

    address: int
    kind: Literal["absent", "unplugged"]
    size: int
    block: str


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A hit: its bytes in hexadecimal; `kind` is `hex`, `regex`, or the encoding of a text."""

    address: int
    kind: str
    hex: str


class Dump(Answer, tag="mem", frozen=True, kw_only=True):
    """Bytes of guest memory in hexadecimal, from an address on; what `missing` lists is zeros there.

    In the space `block` addresses are offsets in the RAM block of that name; `block` is null elsewhere.
    """

    file: str
    space: Space
    block: str | None
    address: int
    size: int
    hex: str
    missing: list[Missed]


class Hits(Answer, tag="mem", frozen=True, kw_only=True):
    """What was found, ascending, and in `missing` what could not be looked through.

    In the space `block` addresses are offsets in the RAM block of that name; `block` is null elsewhere.
    """

    file: str
    space: Space
    block: str | None
    hits: list[Found]
    missing: list[Missed]


def missed(gap: Gap) -> Missed:
    """What is not in the stream, as an answer has it beside bytes and hits."""
    return Missed(
        address=gap.address,
        kind="unplugged" if gap.kind == "unplugged" else "absent",
        size=gap.size,
        block=gap.block,
    )


def found(hit: Hit) -> Found:
    """A hit as an answer has it."""
    return Found(address=hit.address, kind=hit.kind, hex=hit.data.hex())


# --- for people ----------------------------------------------------------------------------------


def hex_parts(pieces: Pieces, *, everything: bool) -> Iterator[Part]:
    """Sixteen bytes a line; lines like the one before are one `*` unless everything is wanted.

    Parameters
    ----------
    pieces : (address, bytes), each right behind the one before
    """
    last, starred, at = b"", False, 0
    for address, data in pieces:
        for low in range(0, len(data), LINE):
            row, at = data[low : low + LINE], address + low
            if row == last and len(row) == LINE and not everything:
                if not starred:
                    yield dim("*")
                starred = True
                continue
            yield Bytes(at, row)
            last, starred = row, False
    if starred:
        yield f"{at + LINE:08x}"


def dump_parts(
    read: Callable[[int, int], Pieces],
    start: int,
    length: int,
    gaps: Sequence[Gap],
    *,
    everything: bool,
) -> Iterator[Part]:
    """A hexdump with a line for each gap in it.

    Parameters
    ----------
    read : gives the bytes at an address, so many, piece by piece; is not asked for gaps
    """
    at = start
    for gap in gaps:
        yield from hex_parts(read(at, gap.address - at), everything=everything)
        yield _gap_line(gap)
        at = gap.address + gap.size
    yield from hex_parts(read(at, start + length - at), everything=everything)


def _gap_line(gap: Gap) -> Mark:
    """What is not there, in the place of a line of bytes."""
    return dim(
        f"{gap.address:08x}-{gap.address + gap.size:08x}  {WORDS[gap.kind]}: {size(gap.size)}"
        f" of {escape(gap.block)}"
    )


def missed_lines(gaps: Iterable[Gap], ram: Ram) -> Iterator[str]:
    """A line for each kind of each block, with the reason."""
    totals: dict[tuple[str, str], int] = {}
    for gap in gaps:
        key = gap.block, gap.kind
        totals[key] = totals.get(key, 0) + gap.size
    for (name, kind), total in totals.items():
        why = UNPLUGGED if kind == "unplugged" else ram[name].presence().why
        yield f"{size(total)} of {escape(name)}, {WORDS[kind]}: {why}"


def hit_line(hit: Hit) -> Bytes:
    """The hit's first sixteen bytes, and how many more there are."""
    more = len(hit.data) - LINE
    beside = f"{hit.kind}, {more} more bytes" if more > 0 else hit.kind
    return Bytes(hit.address, hit.data[:LINE], dim(beside))


def string_line(hit: Hit) -> Line:
    """A string and its address."""
    return line(dim(f"{hit.address:08x}"), "  ", prose(hit.data.decode(hit.kind)))
