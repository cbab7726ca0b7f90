"""What an edit changed, as lines and as an answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from migstream.render.answer import Answer
from migstream.render.text import escape, prose

if TYPE_CHECKING:
    from migstream.edit.change import Change as Made

__all__ = ["Change", "Drop", "Edited", "Redact", "Rename", "Set", "change_lines", "changed"]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One change: `size` bytes at `offset` of the source, which are at `new_offset` of the result."""

    what: str
    path: str
    before: str
    after: str
    offset: int
    size: int
    new_offset: int


class Edited(Answer, frozen=True, kw_only=True):
    """The stream that was made, its size, and what was changed in the order of the source."""

    output: str
    size: int
    changes: list[Change]


class Set(Edited, tag="set", frozen=True, kw_only=True):
    """A stream with other values."""


class Drop(Edited, tag="drop", frozen=True, kw_only=True):
    """A stream without something."""


class Rename(Edited, tag="rename", frozen=True, kw_only=True):
    """A stream in which something has another name."""


class Redact(Edited, tag="redact", frozen=True, kw_only=True):
    """A stream without secrets."""


def change_lines(changes: Sequence[Made]) -> Iterator[str]:
    """One line for each change: where it was and is, what was done, before and after."""
    for change in changes:
        where = f"{change.span.start:#x} -> {change.at:#x}"
        values = " -> ".join(part for part in (change.before, change.after) if part)
        told = f"  {prose(values)}" if values else ""
        yield f"{where:<24}  {change.what:<6}  {escape(change.path)}{told}"
    if not changes:
        yield "nothing is changed"


def changed(made: Sequence[Made]) -> list[Change]:
    """The changes as an answer has them."""
    return [
        Change(
            what=one.what,
            path=one.path,
            before=one.before,
            after=one.after,
            offset=one.span.start,
            size=one.span.size,
            new_offset=one.at,
        )
        for one in made
    ]
