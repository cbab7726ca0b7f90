"""A digest that was made."""

from __future__ import annotations

from migstream.names import many
from migstream.render.answer import Answer
from migstream.render.shown import Line
from migstream.render.written import Written, written_line

__all__ = ["DigestWritten", "Digested", "digested_line"]


class Digested(Answer, tag="digest", frozen=True, kw_only=True):
    """The digest of a stream: the `lines` of its text."""

    file: str
    lines: list[str]


class DigestWritten(Written, tag="digest", frozen=True, kw_only=True):
    """The digest of a stream, as `output`: how many devices and RAM blocks it covers."""

    file: str
    devices: int
    blocks: int


def digested_line(one: DigestWritten) -> Line:
    """Its name, its size, and what is in it."""
    covered = [many(one.devices, "device")]
    if one.blocks:
        covered.append(many(one.blocks, "RAM block"))
    return written_line(one, f"of {', '.join(covered)}")
