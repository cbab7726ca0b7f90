"""What `minimise` found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from migstream.analysis.failure import Failure
from migstream.names import many
from migstream.render.answer import Answer
from migstream.render.shown import Part, Table, Title, dim, line
from migstream.render.text import escape, grouped, prose, size

if TYPE_CHECKING:
    from migstream.edit.minimise.search import Minimum, Step

__all__ = ["Minimised", "minimised", "minimum_parts", "step_line"]


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """A section, a command or unread bytes that are still there: bytes of it in the source and now."""

    kind: str
    path: str
    before: int
    after: int


class Minimised(Answer, tag="minimise", frozen=True, kw_only=True):
    """The smallest stream that was found: `size` bytes, made of `before` with so many `sections`.

    `complete` is false where the tries were spent, so that less may do. `failure` is what was
    compared, `said` the lines of the output that count.
    """

    file: str
    output: str
    size: int
    before: int
    sections: int
    left: list[Left]
    tries: int
    complete: bool
    failure: Failure
    said: str


def minimised(found: Minimum, file: str, output: str, said: str, failure: Failure) -> Minimised:
    """All that there is to say.

    Parameters
    ----------
    file, output : names of the source and of what was made
    said, failure : how both of them fail
    """
    return Minimised(
        file=file,
        output=output,
        size=found.after,
        before=found.before,
        sections=found.count,
        left=[
            Left(kind=one.piece.kind, path=one.piece.path, before=one.piece.size, after=one.after)
            for one in found.left
        ],
        tries=found.tries,
        complete=found.complete,
        failure=failure,
        said=said,
    )


def step_line(step: Step) -> str:
    """How far it has come."""
    return f"{size(step.size)}, {many(step.sections, 'section')}, after {many(step.tries, 'try')}"


def minimum_parts(one: Minimised) -> Iterator[Part]:
    """Sizes, what is left, and the words in which both fail."""
    yield Title(f"{escape(one.output)}: {size(one.before)} -> {size(one.size)}")
    spent = "" if one.complete else "; the tries were spent, less may do"
    yield f"{many(one.sections, 'section')} -> {len(one.left)}, {many(one.tries, 'try')}{spent}"
    rows = [
        (escape(left.kind), escape(left.path), grouped(left.before), grouped(left.after))
        for left in one.left
    ]
    if rows:
        yield ""
        yield Table(rows, "<<>>", ("left", "path", "bytes before", "after"))
    yield ""
    yield "It fails as before:"
    yield from (line("  ", dim(prose(said))) for said in one.said.splitlines())
