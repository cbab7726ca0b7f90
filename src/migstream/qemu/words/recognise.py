"""QEMU's messages found in a text, whatever else stands in its lines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import msgspec

from migstream.names import brief
from migstream.qemu.words.model import Message, Wording, literal, pattern
from migstream.qemu.words.table import MESSAGES

__all__ = ["Said", "filled", "mentions", "recognise"]

MOST_LINES = 1 << 16
LONGEST_LINE = 1 << 14
FREE = ": {why:s}"  # how a wording ends that quotes another's words
RESULT = "load of migration failed: "  # clauses follow since 10.2


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One message that was recognised: which, in which line (from 1), its words and values."""

    message: Message
    wording: Wording
    line: int
    text: str
    values: dict[str, str]

    def __repr__(self) -> str:
        return brief("Said", self.message.name, f"in line {self.line}:", self.text)


def recognise(text: str) -> list[Said]:
    """Every message of QEMU's in a text, each once, in order."""
    found: list[Said] = []
    seen: set[str] = set()
    for number, line in enumerate(text.splitlines()[:MOST_LINES], 1):
        for said in _line(number, line[:LONGEST_LINE]):
            if said.text not in seen:
                seen.add(said.text)
                found.append(said)
    return found


def filled(text: str, said: Said) -> str:
    """A text of a message's with the values of what was said in it."""
    for name, value in said.values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def mentions(line: str) -> bool:
    """Whether a line, or one of several, may have a message in it: the quick half of `recognise`."""
    words = set(WORDS.findall(line))
    table, by_word, always = _table()
    if any(table[one][0] in line for one in always):
        return True
    return not by_word.keys().isdisjoint(words) and any(
        table[one][0] in line for word in words for one in by_word.get(word, ())
    )


WORDS = re.compile("[A-Za-z]{2,}")
WHOLE = re.compile("(?<=[^A-Za-z])[A-Za-z]{2,}(?=[^A-Za-z])")
_Entry = tuple[str, Message, Wording]


@cache
def _table() -> tuple[tuple[_Entry, ...], dict[str, list[int]], list[int]]:
    """Every wording, with the literal that a line must have: patterns are made when they are needed.

    A line is asked for those alone of which it has the rarest word; the last list is of those without one.
    """
    table = tuple((literal(w.text), m, w) for m in MESSAGES for w in m.wordings)
    words = [set(WHOLE.findall(piece)) for piece, _, _ in table]
    often = Counter(word for some in words for word in some)
    by_word: dict[str, list[int]] = {}
    always = []
    for number, some in enumerate(words):
        if some:
            rarest = min(some, key=lambda word: (often[word], -len(word), word))
            by_word.setdefault(rarest, []).append(number)
        else:
            always.append(number)
    return table, by_word, always


class _Hit(NamedTuple):
    """A wording that fits, in the order in which they are taken: the one that begins first, the longest."""

    start: int
    minus_stop: int
    match: re.Match[str]
    message: Message
    wording: Wording


def _line(at: int, line: str) -> Iterator[Said]:
    """Messages of one line from left to right.

    One whose end is any text is what a program said of another one's words. Where these are a cause that is
    known, they are no longer its end, and it is only where that was said.
    """
    hits: list[_Hit] = []
    table, by_word, always = _table()
    asked = {one for word in WORDS.findall(line) for one in by_word.get(word, ())}
    for number in sorted(asked.union(always)):
        piece, message, wording = table[number]
        if piece in line:
            found = pattern(wording.text).finditer(line)
            hits += [_Hit(m.start(), -m.end(), m, message, wording) for m in found]
    hits.sort(key=lambda hit: hit[:2])
    stop = 0
    for hit in hits:
        start, _, match, message, wording = hit
        if start < stop:
            continue
        stop = match.end()
        text, values = match[0], {k: v for k, v in match.groupdict().items() if v is not None}
        if text.startswith(RESULT):
            stop = start + len(RESULT)
        elif (inner := _inner(line, hit, hits)) is not None:
            stop = min(stop, inner)
            text = line[start:stop].rstrip(": ")
            values.popitem()
            message = msgspec.structs.replace(message, kind="context")
        yield Said(message=message, wording=wording, line=at, text=text, values=values)


def _inner(line: str, outer: _Hit, hits: list[_Hit]) -> int | None:
    """Where a cause begins in the text that `outer` ends with, or right behind it; None where none does."""
    match = outer.match
    if outer.message.kind != "cause" or not outer.wording.text.endswith(FREE):
        return None
    begin, stop = match.start(match.lastindex or 0), match.end()
    stop += 2 if line.startswith(": ", stop) else 0
    return next(
        (hit.start for hit in hits if begin <= hit.start <= stop and hit.message.kind == "cause" and hit is not outer),
        None,
    )  # fmt: skip
