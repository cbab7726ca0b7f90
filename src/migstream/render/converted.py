"""What became of a stream that was written in another form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from migstream.render.answer import Answer
from migstream.render.changes import Change, change_lines, changed
from migstream.render.missing import Missing, missing_lines
from migstream.render.shown import Part
from migstream.render.text import escape, size

if TYPE_CHECKING:
    from migstream.edit.convert import Converted

__all__ = ["Convert", "converted", "converted_parts"]


class Convert(Answer, tag="convert", frozen=True, kw_only=True):
    """The stream that was made.

    `before` is the size of the source, `written` what of `size` is no hole. `dropped` are items
    that are not in the result, `resized` RAM blocks that have another size now and `lost` bytes of
    data that were cut off them; `rules` between releases that had something to do, and `changes`
    what they changed. `compared` is how many bytes of each block were found to be the same, where
    the result was read again (`verified`).
    """

    output: str
    size: int
    written: int
    before: int
    ram: str
    dropped: tuple[str, ...]
    resized: dict[str, int]
    lost: dict[str, int]
    rules: tuple[str, ...]
    changes: list[Change]
    missing: list[Missing]
    verified: bool
    compared: dict[str, int]


def converted(made: Converted, output: str, missing: list[Missing]) -> Convert:
    """The answer.

    `missing` is what the source lacks of its guest's memory.
    """
    return Convert(
        output=output,
        size=made.size,
        written=made.written,
        before=made.before,
        ram=made.ram,
        dropped=made.dropped,
        resized=made.resized,
        lost=made.lost,
        rules=made.rules or (),
        changes=changed(made.changes),
        missing=missing,
        verified=made.compared is not None,
        compared=made.compared or {},
    )


def converted_parts(made: Converted, output: str, missing: list[Missing]) -> Iterator[Part]:
    """The same in words."""
    yield (
        f"{escape(output)}  {size(made.size)}, {size(made.written)} written"
        f" (before: {size(made.before)})"
    )
    if made.dropped:
        yield f"left out: {', '.join(made.dropped)}"
    yield from missing_lines(missing)
    for name, after in made.resized.items():
        lost = f", {size(made.lost[name])} of data cut off" if name in made.lost else ""
        yield f"resized: {escape(name)}, {size(after)}{lost}"
    if made.rules is not None:
        yield f"rules: {', '.join(made.rules) or 'none has anything to do'}"
        yield from change_lines(made.changes)
    if made.compared is not None:
        lacking = (m.bytes for m in missing if m.block in made.compared)
        memory = size(sum(made.compared.values()) - sum(lacking))
        rest = "devices" if made.rules is None else "all other devices"
        yield f"read again: {rest} and {memory} of memory are the same"
