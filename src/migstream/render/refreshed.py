"""What `digest --refresh` changed in a digest."""

from __future__ import annotations

from collections.abc import Iterator

from migstream.analysis.golden import Difference
from migstream.names import many
from migstream.render.answer import Answer
from migstream.render.shown import Part
from migstream.render.text import escape, prose

__all__ = ["Refreshed", "refreshed_parts"]


class Refreshed(Answer, tag="digest", frozen=True, kw_only=True):
    """A digest that was made again, where it was not the `same`; there is a document for each.

    `file` is the digest, `differences` are what it has now and did not have before.
    """

    file: str
    same: bool
    differences: list[Difference]


def refreshed_parts(one: Refreshed, *, most: int | None) -> Iterator[Part]:
    """A line for each difference, up to so many, and one that counts them."""
    for difference in one.differences[:most]:
        old, new = difference.old, difference.new
        mark = "+" if old is None else "-" if new is None else "~"
        sides = " → ".join(side for side in (old, new) if side is not None)
        yield f"{mark} {escape(difference.path)}  {prose(sides)}"
    more = len(one.differences[most:]) if most is not None else 0
    if more:
        yield f"… and {more} more (--all)"
    told = many(len(one.differences), "difference") if one.differences else "no difference"
    yield f"{escape(one.file)}: {told}"
