"""What `report` says of the page that it wrote."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from migstream.render.answer import Answer
from migstream.render.shown import Part, dim, line
from migstream.render.text import escape, size

__all__ = ["Report", "report_parts"]


class Report(Answer, tag="report", frozen=True, kw_only=True):
    """The page that was written: of which stream, its name and size in bytes, and what had no room in it."""

    file: str
    output: str
    size: int
    left_out: list[str]


def report_parts(output: str, bytes_: int, left_out: Sequence[str]) -> Iterator[Part]:
    """Its name and size, and a line for each thing that is not in it."""
    yield line(escape(output), f"  {size(bytes_)}")
    yield from (line("  ", dim("left out:"), f" {one}") for one in left_out)
