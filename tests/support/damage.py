"""Kinds of damage that happen to streams, each at a place of one's choice.

A kind takes a good stream and a source of numbers, and gives the damaged bytes and the offset in them; None where
the stream has no such place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

from migstream.stream import Stream
from migstream.wire.model import (
    Configuration,
    End,
    Item,
    Section,
    SectionType,
    Span,
    VMDescription,
    flat,
)

Damaged = tuple[bytes, int] | None
Kind = Callable[["Good", Random], Damaged]
KINDS: dict[str, Kind] = {}


class Good:
    """A good stream, taken apart once."""

    def __init__(self, data: bytes, stream: Stream) -> None:
        self.data = data
        self.stream = stream
        self.items: list[Item] = list(flat(stream.items))
        sections = [i for i in self.items if isinstance(i, Section)]
        self.full = [s for s in sections if s.type == SectionType.FULL]
        layouts = [(d.section, d.layout) for d in stream.devices]
        # Old-style sections have no version in the description, inexact ones no size.
        self.known = [s for s, at in layouts if at and at.exact and at.version is not None]
        self.ram = [s for s in sections if s.name == "ram"]
        self.described = stream.description_span is not None
        self.footers = any(s.footer for s in sections)

    def one(self, kind: type[Item]) -> Item | None:
        return next((i for i in self.items if isinstance(i, kind)), None)


def _kind(function: Kind) -> Kind:
    KINDS[function.__name__] = function
    return function


def _flip(data: bytes, at: int, random: Random) -> Damaged:
    return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :], at


def _header(name: str, part: Callable[[Section], tuple[int, int]], *, start: bool = False) -> None:
    """A bit of a section's header: offset and length of the part that it is in."""

    def damage(good: Good, random: Random) -> Damaged:
        among = [s for s in good.ram if s.type == SectionType.START] if start else good.known
        if not among or not good.described:
            return None
        section = random.choice(among)
        at, length = part(section)
        return _flip(good.data, section.span.start + at + random.randrange(length), random)

    KINDS[name] = damage


def _length(section: Section) -> int:
    return len(section.name.encode())


for _who in (False, True):
    _of = "start" if _who else "full"
    _header(f"{_of}_name_length", lambda _: (5, 1), start=_who)
    _header(f"{_of}_name", lambda s: (6, _length(s)), start=_who)
    _header(f"{_of}_instance", lambda s: (6 + _length(s), 4), start=_who)
    _header(f"{_of}_version", lambda s: (10 + _length(s), 4), start=_who)
_header("full_type", lambda _: (0, 1))


@_kind
def file_header(good: Good, random: Random) -> Damaged:
    return _flip(good.data, random.randrange(8), random)


@_kind
def configuration_length(good: Good, random: Random) -> Damaged:
    item = good.one(Configuration)
    return _flip(good.data, item.span.start + 1 + random.randrange(4), random) if item else None


@_kind
def footer(good: Good, random: Random) -> Damaged:
    spans = [s.footer for s in good.full if s.footer]
    return _flip(good.data, random.randrange(*random.choice(spans)), random) if spans else None


@_kind
def footer_removed(good: Good, random: Random) -> Damaged:
    spans = [s.footer for s in good.full if s.footer]
    return _without(good.data, random.choice(spans)) if spans else None


@_kind
def subsection(good: Good, random: Random) -> Damaged:
    """Type, name or version of one."""
    spans = [_heading(v) for d in good.stream.devices for v in _subsections(d.value.children)]
    return _flip(good.data, random.randrange(*random.choice(spans)), random) if spans else None


@_kind
def subsection_removed(good: Good, random: Random) -> Damaged:
    spans = [v.span for d in good.stream.devices for v in _subsections(d.value.children)]
    return _without(good.data, random.choice(spans)) if spans and good.footers else None


def _subsections(values: Iterable[Any]) -> list[Any]:
    return [v for v in values if v.kind == "subsection"]


def _heading(value: Any) -> Span:
    return Span(value.span.start, value.span.start + 6 + len(value.name))


@_kind
def description_length(good: Good, random: Random) -> Damaged:
    item = good.one(VMDescription)
    return _flip(good.data, item.span.start + 1 + random.randrange(4), random) if item else None


@_kind
def description_type(good: Good, random: Random) -> Damaged:
    item = good.one(VMDescription)
    return _flip(good.data, item.span.start, random) if item and good.footers else None


@_kind
def description_mark(good: Good, random: Random) -> Damaged:
    """A brace, bracket, comma or quote."""
    item = good.one(VMDescription)
    if item is None:
        return None
    marks = [m.start() for m in re.finditer(rb'[{}\[\],:"]', good.data[item.span.start + 5 :])]
    return _flip(good.data, item.span.start + 5 + random.choice(marks), random)


@_kind
def end_removed(good: Good, _: Random) -> Damaged:
    item = good.one(End)
    return _without(good.data, item.span) if item and good.described else None


@_kind
def cut(good: Good, random: Random) -> Damaged:
    at = random.randrange(1, len(good.data))
    return good.data[:at], at


@_kind
def inserted(good: Good, random: Random) -> Damaged:
    """One to eight bytes in a device."""
    at = _inside(good, random)
    if at is None:
        return None
    return good.data[:at] + random.randbytes(random.randint(1, 8)) + good.data[at:], at


@_kind
def removed(good: Good, random: Random) -> Damaged:
    """One to eight bytes of a device."""
    at = _inside(good, random)
    return _without(good.data, Span(at, at + random.randint(1, 8))) if at is not None else None


def _inside(good: Good, random: Random) -> int | None:
    sections = [s for s in good.known if s.payload.size >= 8]
    if not (sections and good.footers and good.described):
        return None
    payload = random.choice(sections).payload
    return random.randint(payload.start, payload.stop - 8)


@_kind
def swapped(good: Good, random: Random) -> Damaged:
    """Two sections that follow each other."""
    pairs = [
        (a, b)
        for a, b in zip(good.full, good.full[1:], strict=False)
        if a.span.stop == b.span.start and a.key != b.key
    ]
    if not pairs or not good.described:
        return None
    one, two = random.choice(pairs)
    data, at = good.data, one.span.start
    return data[:at] + data[slice(*two.span)] + data[slice(*one.span)] + data[two.span.stop :], at


@_kind
def doubled(good: Good, random: Random) -> Damaged:
    if not good.full:
        return None
    start, stop = random.choice(good.full).span
    return good.data[:stop] + good.data[start:], stop


@_kind
def section_removed(good: Good, random: Random) -> Damaged:
    return (
        _without(good.data, random.choice(good.full).span) if good.full and good.described else None
    )


@_kind
def start_removed(good: Good, _: Random) -> Damaged:
    return _without(good.data, good.ram[0].span) if good.ram else None


@_kind
def setup(good: Good, random: Random) -> Damaged:
    """A name or length in the list of RAM blocks."""
    blocks = good.stream.blocks
    return (
        _flip(good.data, random.randrange(*random.choice(blocks).span), random) if blocks else None
    )


@_kind
def leading(good: Good, random: Random) -> Damaged:
    return random.randbytes(random.choice([1, 16, 512])) + good.data, 0


@_kind
def trailing(good: Good, random: Random) -> Damaged:
    return good.data + random.randbytes(random.choice([1, 7, 512])), len(good.data)


@_kind
def line_feeds(good: Good, _: Random) -> Damaged:
    data = good.data
    return (data.replace(b"\n", b"\r\n"), data.index(b"\n")) if data.count(b"\n") > 16 else None


@_kind
def seven_bits(good: Good, _: Random) -> Damaged:
    data = bytes(byte & 0x7F for byte in good.data)
    if len(data) < 4096 or data == good.data:
        return None
    return data, next(i for i, byte in enumerate(good.data) if byte > 0x7F)


def _without(data: bytes, span: Span) -> Damaged:
    return data[: span.start] + data[span.stop :], span.start
