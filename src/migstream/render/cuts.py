"""Texts cut into lines that fit a terminal: where they are cut, and the marks that they keep."""

from __future__ import annotations

import re
from collections.abc import Iterator

from migstream.render.shown import Cell, Text, like, texts
from migstream.render.text import columns

__all__ = ["Cut", "fold", "longest", "middle", "piece", "take"]

# A number and its unit or groups, and what `= ` stands before, stay together where there is room.
TOGETHER = r"(?:= )?(?:\(?\d{1,3}(?: \d{3}(?!\d)){1,6}[^ ]*|\(?\d[\d.]* [KMGTP]iB[^ ]*|[^ ]+)"

Cut = tuple[int, int]


def take(text: str, start: int, room: int) -> int:
    """The index behind as much of `text[start:]` as `room` columns hold, one character in any case."""
    piece = text[start : start + room + 1]
    if piece.isascii():
        return start + max(min(len(piece), room), 1)
    at = start
    for at in range(start, len(text)):
        room -= columns(text[at])
        if room < 0:
            return max(at, start + 1)
    return at + 1


def longest(text: str) -> int:
    """Columns of the longest word."""
    return max(map(columns, text.split(" ")), default=0)


def fold(text: str, first: int, rest: int) -> Iterator[Cut]:
    """Where the lines of a text begin and end; blanks at which it is cut are in none of them.

    Only a word that is longer than a line is cut in itself.

    Parameters
    ----------
    first, rest : columns of the first line and of the others
    """
    begin = end = 0
    room = first
    for low, high in _words(text, rest):
        if take(text, begin, room) < high and end > begin:
            yield begin, end
            begin, room = low, rest
        while (cut := take(text, begin, room)) < high:
            yield begin, cut
            begin, room = cut, rest
        end = high
    if end > begin or not begin:
        yield begin, end


def _words(text: str, room: int) -> Iterator[Cut]:
    for together in re.finditer(TOGETHER, text):
        low, high = together.span()
        if take(text, low, room) >= high:
            yield low, high
            continue
        for word in text[low:high].split(" "):
            if word:
                yield low, low + len(word)
            low += len(word) + 1


def middle(text: str, room: int) -> tuple[int, int]:
    """The text without what is between these two indexes has room for `…` in so many columns.

    What a name ends with says as much as its beginning: both stay.
    """
    room = max(room - 1, 1)
    tail = room // 2
    head = take(text, 0, room - tail)
    at = len(text)
    while at > head and columns(text[at - 1 :]) <= tail:
        at -= 1
    return head, at


# --- texts with marks ----------------------------------------------------------------------------


def piece(cell: Cell, start: int, stop: int) -> list[Text]:
    """Its characters [start, stop)."""
    found: list[Text] = []
    at = 0
    for one in texts(cell):
        text = one if isinstance(one, str) else one.text
        low, high = max(start - at, 0), min(stop - at, len(text))
        if low < high:
            found.append(like(one, text[low:high]))
        at += len(text)
    return found
