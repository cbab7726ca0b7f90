"""How many columns of a terminal a text takes, and where it is cut into lines that fit.

East Asian wide characters take two columns, combining ones none (Unicode's tables, as Python has them).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["Cut", "columns", "fold", "longest", "middle", "take"]

WIDE = frozenset("WF")
# A vowel or final consonant of Hangul joins the syllable before it, though no table calls it combining.
JAMO = range(0x1160, 0x1200)
# A number and its unit or groups, and what `= ` stands before, stay together where there is room.
_TOGETHER = re.compile(
    r"(?:= )?(?:\(?\d{1,3}(?: \d{3}(?!\d)){1,6}[^ ]*|\(?\d[\d.]* [KMGTP]iB[^ ]*|[^ ]+)"
)
_WORD = re.compile("[^ ]+")

Cut = tuple[int, int]


def _column(char: str) -> int:
    import unicodedata

    if unicodedata.combining(char) or unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    if ord(char) in JAMO:
        return 0
    return 2 if unicodedata.east_asian_width(char) in WIDE else 1


def columns(text: str) -> int:
    """Columns that are taken."""
    return len(text) if text.isascii() else sum(map(_column, text))


def take(text: str, start: int, room: int) -> int:
    """The index behind as much of `text[start:]` as `room` columns hold, one character in any case."""
    piece = text[start : start + room + 1]
    if piece.isascii():
        return start + max(min(len(piece), room), 1)
    at = start
    for at in range(start, len(text)):
        room -= _column(text[at])
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
    for word in _TOGETHER.finditer(text):
        low, high = word.span()
        if take(text, low, room) >= high:
            yield low, high
        else:
            yield from (one.span() for one in _WORD.finditer(text, low, high))


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
