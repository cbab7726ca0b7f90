"""QEMU's messages found in a text, whatever else stands in its lines."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import msgspec

from migstream.names import brief
from migstream.qemu.words.model import Message, Wording, literal, pattern
from migstream.qemu.words.table import MESSAGES

__all__ = ["Said", "filled", "recognise"]

MOST_LINES = 1 << 16
LONGEST_LINE = 1 << 12
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


def _line(number: int, line: str) -> Iterator[Said]:
    """Messages of one line from left to right: of those that overlap the one that begins first, the longest."""
    hits = []
    for piece, message, wording in _table():
        if piece in line:
            found = pattern(wording.text).finditer(line)
            hits += [(m.start(), -m.end(), m, message, wording) for m in found]
    stop = 0
    for start, _, match, message, wording in sorted(hits, key=lambda hit: hit[:2]):
        if start < stop:
            continue
        stop = match.end()
        if match[0].startswith(RESULT):
            stop = start + len(RESULT)
        yield Said(
            message=message,
            wording=wording,
            line=number,
            text=match[0],
            values={k: v for k, v in match.groupdict().items() if v is not None},
        )
