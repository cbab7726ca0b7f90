"""Guest memory: hexdumps, hits, and what is not there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from migstream.machine.view import Space
from migstream.names import many
from migstream.ram.presence import UNPLUGGED
from migstream.render.answer import Answer
from migstream.render.answer import Line as JsonLine
from migstream.render.missing import WORDS
from migstream.render.paint import painted
from migstream.render.shown import Bytes, Line, Mark, Part, dim, line, name
from migstream.render.text import LINE, escape, prose, size

if TYPE_CHECKING:
    from migstream.machine.search import Form, Gap, Hit
    from migstream.machine.yararules import Match
    from migstream.ram.image import Ram

__all__ = [
    "Around",
    "Dump",
    "Found",
    "HitLine",
    "Hits",
    "MatchLine",
    "Matched",
    "Matches",
    "Missed",
    "MissedLine",
    "around_parts",
    "dump_parts",
    "found",
    "hex_parts",
    "hit_line",
    "matched",
    "missed",
    "missed_lines",
    "string_form",
    "string_line",
]

Around = tuple[int, bytes]  # an address, and the bytes from there on
Pieces = Iterable[tuple[int, bytes]]


class Missed(msgspec.Struct, frozen=True, kw_only=True):
    """`size` bytes of a RAM block, at `address`, that are not in the stream ("absent"), or not plugged in."""

    address: int
    kind: Literal["absent", "unplugged"]
    size: int
    block: str


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A hit: its bytes in hexadecimal; `kind` is `hex`, `regex`, or the encoding of a text.

    `before` and `after` are the bytes around it that were asked for, as far as they are there.
    """

    address: int
    kind: str
    hex: str
    before: str = ""
    after: str = ""


class Matched(Found, frozen=True, kw_only=True):
    """What a string of a YARA rule matches, where the rule is true; `kind` is `yara`."""

    rule: str
    string: str


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


class Matches(Answer, tag="mem", frozen=True, kw_only=True):
    """The same of YARA rules."""

    file: str
    space: Space
    block: str | None
    hits: list[Matched]
    missing: list[Missed]


class HitLine(JsonLine, tag="mem", frozen=True, kw_only=True):
    """One thing that was found; `block` is that of whose offsets addresses are, null in other spaces."""

    space: Space
    block: str | None


class MatchLine(HitLine, tag="mem", frozen=True, kw_only=True):
    """The same of a YARA rule."""


class MissedLine(JsonLine, tag="mem", frozen=True, kw_only=True):
    """Behind what was found, told by its `kind`: what could not be looked through."""

    space: Space


def missed(gap: Gap) -> Missed:
    """What is not in the stream, as an answer has it beside bytes and hits."""
    return Missed(
        address=gap.address,
        kind="unplugged" if gap.kind == "unplugged" else "absent",
        size=gap.size,
        block=gap.block,
    )


def found(hit: Hit, around: Around | None = None) -> Found:
    """A hit as an answer has it, and what is `around` it."""
    before, after = ("", "") if around is None else _sides(hit, around)
    return Found(address=hit.address, kind=hit.kind, hex=hit.data.hex(), before=before, after=after)


def matched(match: Match, around: Around | None = None) -> Matched:
    """The same of what a YARA rule matches."""
    same = msgspec.structs.asdict(found(match, around))
    return Matched(**same, rule=match.rule, string=match.string)


def _sides(hit: Hit, around: Around) -> tuple[str, str]:
    start, data = around
    at = hit.address - start
    return data[:at].hex(), data[at + len(hit.data) :].hex()


# --- for people ----------------------------------------------------------------------------------


def hex_parts(pieces: Pieces, *, everything: bool) -> Iterator[Part]:
    """Sixteen bytes a line; lines like the one before are one `*` unless everything is wanted.

    Parameters
    ----------
    pieces : (address, bytes), each right behind the one before
    """
    last, starred, at = b"", False, 0
    for address, data in pieces:
        begun = 0  # of lines that are shown together
        for low in range(0, len(data), LINE):
            row, at = data[low : low + LINE], address + low
            if row != last or len(row) < LINE or everything:
                last, starred = row, False
                continue
            if low > begun:
                yield Bytes(address + begun, data[begun:low])
            if not starred:
                yield dim("*")
            starred, begun = True, low + LINE
        if begun < len(data):
            yield Bytes(address + begun, data[begun:])
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
    for (block, kind), total in totals.items():
        why = UNPLUGGED if kind == "unplugged" else ram[block].presence().why
        yield f"{size(total)} of {escape(block)}, {WORDS[kind]}: {why}"


def hit_line(hit: Hit) -> Bytes:
    """The hit's first sixteen bytes, and how many more there are."""
    more = len(hit.data) - LINE
    beside = f"{hit.label}, {more} more bytes" if more > 0 else hit.label
    return Bytes(hit.address, hit.data[:LINE], dim(beside))


def around_parts(hit: Hit, around: Around) -> Iterator[Part]:
    """The bytes around a hit, in lines that begin where sixteen do; the hit itself is marked, and named before them."""
    start, data = around
    marked = range(hit.address, hit.address + len(hit.data))
    yield line(name(f"{hit.address:08x}"), "  ", dim(f"{hit.label}, {many(len(hit.data), 'byte')}"))
    for low in range(start - start % LINE, start + len(data), LINE):
        first = max(low, start)
        row = data[first - start : low + LINE - start]
        here = frozenset(at - first for at in range(first, first + len(row)) if at in marked)
        yield Bytes(first, row, marked=here, indent=2)


def string_line(hit: Hit) -> Line:
    """A string and its address."""
    return line(dim(f"{hit.address:08x}"), "  ", prose(hit.data.decode(hit.kind)))


def string_form(*, colour: bool) -> Form:
    """What the same line is made of, for who writes many at once."""
    from migstream.machine.search import Form, Hit

    lead, between, tab = (
        part.encode()
        for part in re.split("0{8}|x", painted(string_line(Hit(0, b"x\t", "ascii")), colour=colour))
    )
    return Form(lead, between, tab)
