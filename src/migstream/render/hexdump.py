"""Bytes beside what owns them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

import msgspec

from migstream.places import Place, contents
from migstream.render.answer import Answer, Pair
from migstream.render.items import note, title
from migstream.render.shown import Bytes, Line, Part, dim, line, name
from migstream.render.shown import value as held
from migstream.render.text import LINE, escape, grouped, prose
from migstream.stream import Device, Stream
from migstream.vmstate.values import Value
from migstream.wire.model import Command, Item, Section, Span

__all__ = ["Hexdump", "Piece", "Region", "dump_parts", "of_place", "pieces", "region"]

FEW_LINES = 16
FEW_ELEMENTS = 16
FEW_ZEROS = 4  # elements one after another, nothing but zeros, that are still told one by one
LONGEST = 60


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes with one owner, `within` a device; `span` in the stream, of guest memory in its RAM block.

    `whose` is what the element of an array that they are in is called.
    """

    span: Span
    path: str
    type: str
    text: str
    data: memoryview
    within: str = ""
    whose: str = ""


class Region(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes with one owner, in hexadecimal; `path` is that of a field or item, `text` what they mean.

    `span` is in the stream, of guest memory in its RAM block.
    """

    span: Pair
    path: str
    type: str
    text: str
    hex: str


class Hexdump(Answer, tag="show", frozen=True, kw_only=True):
    """The bytes of what was named, piece by piece."""

    file: str
    pieces: list[Region]


def _device(stream: Stream, offset: int) -> Device | None:
    return next((d for d in stream.devices if offset in d.section.payload), None)


def of_place(stream: Stream, place: Place, *, everything: bool = True) -> Iterator[Piece]:
    """The owners of what a name means; of guest memory its contents.

    Without `everything`, elements of an array of structs that hold nothing but zeros are one piece.
    """
    if place.kind == "memory":
        yield _memory(stream, place)
    for span in place.spans:
        yield from pieces(stream, span, everything=everything)


def _memory(stream: Stream, place: Place) -> Piece:
    raw = contents(stream, place)
    return Piece(
        span=Span(place.start, place.start + len(raw)),
        path=place.path,
        type="memory",
        text="",
        data=memoryview(raw),
    )


def pieces(stream: Stream, span: Span, *, everything: bool = True) -> Iterator[Piece]:
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
        for value in _owners(device.value, at, end, everything):
            low, high = max(value.span.start, at), min(value.span.stop, end)
            if low > at:
                yield _gap(stream, device, at, low)
            yield Piece(
                span=Span(low, high),
                path=value.path,
                type=_kind(value),
                text=_word(value),
                data=stream.store.view(low, high),
                within=device.path,
                whose=value.name_around,
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
        within=device.path,
    )


def _owners(value: Value, low: int, high: int, everything: bool) -> Iterator[Value]:
    """Leaves with bytes in [low, high), plain arrays as one; those that are there in part by element."""
    if value.span.stop <= low or value.span.start >= high or not value.span.size:
        return
    if value.kind == "leaf" and value.count is not None:
        yield from _part_of_array(value, low, high)
        return
    some = False
    whole = low <= value.span.start and value.span.stop <= high
    # A sequence numbers its elements itself: its children may be runs of several.
    if value.node.repeats and whole and not everything:
        yield from _of_structs(value, low, high)
        return
    for child in value.elements() if value.kind == "sequence" and not whole else value.children:
        some = True
        yield from _owners(child, low, high, everything)
    if not some:
        yield value


def _part_of_array(value: Value, low: int, high: int) -> Iterator[Value]:
    """An array, of which a part is asked for: few elements are told one by one, many as a range of them."""
    start, stride, count = value.span.start, value.node.stride, value.count or 0
    first = max(low - start, 0) // stride
    last = min(-(-(high - start) // stride), count)
    some = (first, last) != (0, count)
    if some and (last - first == 1 or (stride > 1 and last - first <= FEW_ELEMENTS)):
        yield from (value.element(index) for index in range(first, last))
    else:
        yield _range(value, first, last)


def _range(value: Value, first: int, last: int) -> Value:
    """Elements [first, last) of an array as one."""
    if (first, last) == (0, value.count):
        return value
    stride = value.node.stride
    node = msgspec.structs.replace(value.node, size=(last - first) * stride, count=last - first)
    start = value.span.start + first * stride
    return value.laid(node, start, f"{value.path}[{first}..{last - 1}]")


def _of_structs(value: Value, low: int, high: int) -> Iterator[Value]:
    """What each element consists of; several in turn that hold nothing but zeros are one."""
    raw, stride = bytes(value.raw), value.node.stride
    nothing = bytes(stride)
    starts = range(0, len(raw), stride) if stride else ()
    first = 0
    for zero, run in groupby(raw[at : at + stride] == nothing for at in starts):
        last = first + sum(1 for _ in run)
        if zero and last - first > FEW_ZEROS:
            yield _range(value, first, last)
        else:
            for index in range(first, last):
                yield from _owners(value.element(index), low, high, everything=False)
        first = last


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


def region(piece: Piece) -> Region:
    """The piece as an answer has it."""
    return Region(
        span=piece.span,
        path=piece.path,
        type=piece.type,
        text=piece.text,
        hex=bytes(piece.data).hex(),
    )


def dump_parts(found: Iterable[Piece], *, everything: bool) -> Iterator[Part]:
    """Sixteen bytes a line; the owner stands beside its first line. Bytes that are all the same are one line."""
    for piece in found:
        label = _label(piece)
        size = piece.span.size
        lines = -(-size // LINE)
        shown = lines if everything else min(lines, FEW_LINES)
        alike = "" if everything or lines < 2 else _alike(piece.data)
        shown = 1 if alike else shown
        yield Bytes(
            piece.span.start, piece.data[: shown * LINE], label, within=escape(piece.within)
        )
        if shown < lines:
            more = f"… {grouped(size - shown * LINE)} more bytes{alike}"
            yield dim(f"{'':8}  {more} (--all)")


def _alike(data: memoryview) -> str:
    """That all bytes are the same, if they are."""
    first = data[0]
    if bytes(data).count(first) < len(data):
        return ""
    return f", all {first:02x}" if first else ", all zero"


def _label(piece: Piece) -> Line:
    """Who owns a piece, and what it means."""
    kind, text = escape(piece.type), prose(piece.text)
    whose = f"({escape(piece.whose)}) " if piece.whose else ""
    behind = line(dim(f"{whose}{kind}"), " = " if text else "", held(text))
    return line(name(escape(piece.path)), " " if piece.path and behind else "", behind)
