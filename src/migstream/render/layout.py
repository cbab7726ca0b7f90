"""Parts of a result as lines, each of them texts with marks: as wide as they are, or to fit a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest

from migstream.render.cuts import fold, longest, piece
from migstream.render.shown import (
    Bytes,
    Evenly,
    Line,
    Mark,
    Paragraph,
    Part,
    Style,
    Table,
    Text,
    Title,
    plain,
    stripped,
    texts,
)
from migstream.render.text import LINE, columns

__all__ = ["bytes_beside", "bytes_line", "laid_out"]

HANG = 2  # columns that a line goes on further to the right
LABEL = 26  # columns beside bytes for what they are; with less it stands above
PER_LINE = (LINE, 8, 4)  # bytes, as many as there is room for

SECOND, SIGN = r"(?<=[^ ]) {2,}(?=[^ ])", r"(?:\d+\.|[-+~=]) "
CHARACTERS = bytes(b if 32 <= b < 127 else ord(".") for b in range(256))


def laid_out(part: Part, width: int | None) -> Iterator[Line]:
    """The lines of a part; none is wider than `width`, where that is given.

    The empty line before a title, and what `Bytes` have in common, are the painter's, who sees more
    than one part.
    """
    match part:
        case Table():
            if width is None:
                yield from part.lines()
                return
            from migstream.render.grid import grid

            for one in grid(part, width):
                yield from _line(one, width)
        case Bytes():
            yield from _bytes(part, width)
        case Title():
            yield from _line(Line((Mark("head", part.text),)), width)
        case Evenly():
            yield from _evenly(part.text, width)
        case Paragraph():
            yield from _paragraph(part.text, width)
        case Line():
            yield from _line(part, width)
        case _:
            yield from _line(Line((part,)), width)


def _line(cell: Line, width: int | None, hang: int | None = None) -> Iterator[Line]:
    """A line, and what of it has no room below: beside its second column, else a little to the right.

    `hang` says how far, where that is known.
    """
    text = plain(cell)
    if width is None or (len(text) <= width and columns(text) <= width):
        yield cell
        return
    body = text.lstrip(" ")
    lead = len(text) - len(body)
    beside = min(lead, width // 2)
    hang = beside + (_hang(body, width - beside) if hang is None else hang)
    for number, (start, stop) in enumerate(fold(body, width - beside, width - hang)):
        before = " " * (hang if number else beside)
        yield stripped([before, *piece(cell, start + lead, stop + lead)])


def _hang(body: str, room: int) -> int:
    """How much further to the right a line goes on: no word that fits in one is cut for it."""
    second, sign = re.search(SECOND, body), re.match(SIGN, body)
    word = max((one for one in map(columns, body.split(" ")) if one <= room), default=0)
    wanted = [columns(body[: found.end()]) for found in (second, sign) if found is not None]
    for hang in (*wanted, HANG):
        if hang <= room // 2 and word <= room - hang:
            return hang
    return 0


def _paragraph(text: str, width: int | None) -> Iterator[Line]:
    lines = text.split("\n")
    listed = any(one.startswith((" ", "- ")) for one in lines)
    if width is not None and not listed and any(columns(one) > width for one in lines):
        lines = [" ".join(lines)]
    for one in lines:
        yield from _line(Line((one,)), width, hang=0)


def _evenly(text: str, width: int | None) -> Iterator[Line]:
    if width is None or columns(text) <= width:
        yield Line((text,))
        return
    body = text.lstrip(" ")
    lead = " " * min(len(text) - len(body), width // 2)
    room = width - len(lead)
    most = len(list(fold(body, room, room)))
    least = max(LINE, min(longest(body), room))
    while room > least and len(list(fold(body, room - 1, room - 1))) == most:
        room -= 1
    yield from (Line((lead, body[start:stop])) for start, stop in fold(body, room, room))


# --- bytes ---------------------------------------------------------------------------------------


def _bytes(part: Bytes, width: int | None) -> Iterator[Line]:
    lead = " " * part.indent + part.lead
    address = max(8, len(f"{part.at + max(len(part.data) - 1, 0):x}"))
    label = plain(part.label)
    per, room = LINE, 0
    if width is not None:
        before = columns(lead) + address + 2
        per, room = _room(width - before, label)
        if label and not room:
            yield from _line(Line((lead, *texts(part.label))), width)
    beside = [list(texts(part.label))] if label and (room or width is None) else []
    if room:
        beside = [piece(part.label, start, stop) for start, stop in fold(label, room, room)]
    lows = range(0, len(part.data), per)
    rows = (_row(part, lead, bytes(part.data[n : n + per]), n, per, address) for n in lows)
    blank = " " * (columns(lead) + address + 4 * per + 3)
    for row, told in zip_longest(rows, beside):
        yield stripped([*(row or [blank]), *(["  ", *told] if told else [])])


def bytes_beside(width: int, address: int) -> int:
    """How many bytes stand in a line of this width, of which the address takes so many columns."""
    return _room(width - address - 2, "")[0]


def bytes_line(part: Bytes, per: int, address: int) -> Line:
    """Bytes in one line that has room for `per`, the address in so many digits where it has more than eight."""
    return Line(_row(part, part.lead, bytes(part.data), 0, per, address))


def _room(width: int, label: str) -> tuple[int, int]:
    """How many bytes stand in a line, and the columns beside them: 0 where what they are stands above."""
    if label:
        word = longest(label)
        for per in PER_LINE:
            room = width - 4 * per - 1 - 2
            if room >= max(LABEL, word):
                return per, room
    return next((per for per in PER_LINE if 4 * per + 1 <= width), PER_LINE[-1]), 0


def _row(part: Bytes, lead: str, data: bytes, low: int, per: int, address: int) -> list[Text]:
    """Address, bytes, characters."""
    chars = data.translate(CHARACTERS).decode("ascii")
    begin = f"{lead}{part.at + low:0{address if part.at >> 32 else 8}x}  "
    text = f"{begin}{data.hex(' '):<{3 * per - 1}}  {chars:<{per}}"
    if part.marked is None:
        return [Mark(part.style, text)]
    spans: list[tuple[int, int]] = []
    for first, step, size in ((len(begin), 3, 2), (len(begin) + 3 * per + 1, 1, 1)):
        for index in range(len(data)):
            if low + index in part.marked:
                at = first + step * index
                if spans and at - spans[-1][1] < step and spans[-1][0] >= first:
                    at = spans.pop()[0]
                spans.append((at, first + step * index + size))
    return _marked(text, spans, part.style)


def _marked(text: str, spans: list[tuple[int, int]], style: Style) -> list[Text]:
    found: list[Text] = []
    at = 0
    for start, stop in spans:
        found += [text[at:start], Mark(style, text[start:stop])]
        at = stop
    return [*found, text[at:]]
