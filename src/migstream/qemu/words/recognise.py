"""QEMU's messages found in a text, whatever else stands in its lines."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from migstream.names import brief
from migstream.qemu.words.model import Message, Wording, literal, pattern
from migstream.qemu.words.table import MESSAGES

if TYPE_CHECKING:
    import re

__all__ = ["Said", "filled", "recognise"]

MOST_LINES = 1 << 16
LONGEST_LINE = 1 << 12
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


@cache
def _table() -> tuple[tuple[str, Message, Wording], ...]:
    """Every wording, with the literal that a line must have: patterns are made when they are needed."""
    return tuple((literal(w.text), m, w) for m in MESSAGES for w in m.wordings)


class _Hit(NamedTuple):
    """A wording that fits, in the order in which they are taken: the one that begins first, the longest."""

    start: int
    minus_stop: int
    match: re.Match[str]
    message: Message
    wording: Wording


def _line(number: int, line: str) -> Iterator[Said]:
    """Messages of one line from left to right.

    One whose end is any text is what a program said of another one's words. Where these are a cause that is
    known, they are no longer its end, and it is only where that was said.
    """
    hits: list[_Hit] = []
    for piece, message, wording in _table():
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
        yield Said(message=message, wording=wording, line=number, text=text, values=values)


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
