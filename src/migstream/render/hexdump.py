"""Bytes beside what owns them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from migstream.errors import NoSuchPath
from migstream.render.items import note, title
from migstream.render.text import LINE, Palette, escape, grouped, hex_line, prose
from migstream.stream import Device, Stream
from migstream.vmstate.values import Value
from migstream.wire.model import Command, Item, Section, SectionType, Span, flat

__all__ = ["Piece", "dump_lines", "pieces", "region", "resolve"]

FEW_LINES = 16
REGION = re.compile(r"@(0[xX][0-9a-fA-F]+|\d+)(?:-(0[xX][0-9a-fA-F]+|\d+))?")
LONGEST = 60


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes with one owner."""

    span: Span
    path: str
    type: str
    text: str
    data: memoryview


def resolve(stream: Stream, path: str) -> Iterator[Span]:
    """The bytes that a path, @OFFSET or @START-STOP names."""
    match = REGION.fullmatch(path)
    if match is None:
        if path.startswith("@"):
            raise NoSuchPath(
                f"{path!r} is no place",
                hint="a place is @OFFSET or @START-STOP, such as @0x1f0-0x200",
            )
        live = _live(stream, path)
        yield from live or (value.span for value in stream.find(path))
        return
    start = int(match[1], 0)
    stop = start + 1 if match[2] is None else int(match[2], 0)
    if not 0 <= start < stop <= stream.size:
        raise NoSuchPath(
            f"{path!r} lies outside", hint=f"the stream has the bytes 0 to {stream.size:#x}"
        )
    if match[2] is None:
        yield stream.at(start).span
        return
    yield Span(start, stop)


def _live(stream: Stream, path: str) -> list[Span]:
    """The sections of live state, such as `ram[0]`; walks the stream only if it has them."""
    begun = any(isinstance(i, Section) and path in {i.name, i.path} for i in flat(stream.head))
    sections = stream.sections if begun else ()
    return [s.span for s in sections if path in {s.name, s.path} and s.type != SectionType.FULL]


def pieces(stream: Stream, span: Span) -> Iterator[Piece]:
    """The owners of a region in order: fields inside devices, parts of items elsewhere."""
    at = span.start
    while at < span.stop:
        device = stream.devices.at(at)
        if device is None:
            item = stream.at(at)
            assert isinstance(item, Item)  # no device has it
            stop, path, kind, text = _part(item, at)
            stop = min(stop, span.stop)
            yield Piece(
                span=Span(at, stop),
                path=path,
                type=kind,
                text=text,
                data=stream.store.view(at, stop),
            )
            at = stop
            continue
        end = min(span.stop, device.section.payload.stop)
        for value in _owners(device.value, at, end):
            low, high = max(value.span.start, at), min(value.span.stop, end)
            if low > at:
                yield _gap(stream, device, at, low)
            yield Piece(
                span=Span(low, high),
                path=value.path,
                type=_kind(value),
                text=_word(value),
                data=stream.store.view(low, high),
            )
            at = high
        if at < end:
            yield _gap(stream, device, at, end)
            at = end


def _gap(stream: Stream, device: Device, low: int, high: int) -> Piece:
    owner = device.value.owner(low)
    return Piece(
        span=Span(low, high),
        path=owner.path,
        type="header",
        text="",
        data=stream.store.view(low, high),
    )


def _owners(value: Value, low: int, high: int) -> Iterator[Value]:
    """Leaves with bytes in [low, high), plain arrays as one."""
    if value.span.stop <= low or value.span.start >= high or not value.span.size:
        return
    if value.kind == "leaf" and value.count is not None:
        yield value
        return
    some = False
    for child in value.children:
        some = True
        yield from _owners(child, low, high)
    if not some:
        yield value


def _kind(value: Value) -> str:
    return value.type if value.count is None else f"{value.type}[{value.count}]"


def _word(value: Value) -> str:
    if value.count is not None:
        return ""
    text = value.text
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _part(item: Item, at: int) -> tuple[int, str, str, str]:
    """Where the part of an item that holds `at` ends, and what it is."""
    label, name = item.label, title(item)
    if isinstance(item, Section):
        if at < item.payload.start:
            return item.payload.start, name, f"{label} header", f"section {item.section_id}"
        if item.footer is not None and at >= item.footer.start:
            return item.footer.stop, name, "footer", f"section {item.section_id}"
        return item.payload.stop, name, label, note(item)
    if isinstance(item, Command) and item.items and at < item.items[0].span.start:
        return item.items[0].span.start, name, label, note(item)
    return item.span.stop, name, label, note(item)


def dump_lines(found: Iterable[Piece], palette: Palette, *, everything: bool) -> Iterator[str]:
    """Sixteen bytes a line; the owner stands beside its first line."""
    for piece in found:
        word = f" = {palette.value(prose(piece.text))}" if piece.text else ""
        label = f"{palette.name(escape(piece.path))}{' ' if piece.path else ''}{palette.dim(escape(piece.type))}{word}"
        size = piece.span.size
        lines = -(-size // LINE)
        shown = lines if everything else min(lines, FEW_LINES)
        for index in range(shown):
            low = index * LINE
            data = bytes(piece.data[low : low + LINE])
            beside = f"  {label}" if not index else ""
            yield f"{hex_line(piece.span.start + low, data)}{beside}".rstrip()
        if shown < lines:
            yield palette.dim(f"{'':8}  … {grouped(size - shown * LINE)} more bytes (--all)")


def region(piece: Piece) -> dict[str, Any]:
    """The piece as JSON has it."""
    return {
        "span": list(piece.span),
        "path": piece.path,
        "type": piece.type,
        "text": piece.text,
        "hex": bytes(piece.data).hex(),
    }
