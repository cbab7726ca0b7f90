"""That a file was written."""

from __future__ import annotations

from migstream.render.answer import Answer
from migstream.render.shown import Line, line
from migstream.render.text import escape, size

__all__ = ["Written", "written_line"]


class Written(Answer, frozen=True, kw_only=True):
    """What was made, and its size; each verb that makes one file and has no more to say has a class of it."""

    output: str
    size: int


def written_line(one: Written, what: str = "") -> Line:
    """Name, size, and what it is where that is not plain."""
    return line(f"{escape(one.output)}  {size(one.size)}", f" {what}" if what else "")
