"""What `minimise` found, as lines and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from migstream.names import many
from migstream.render.text import Palette, escape, prose, size, table

if TYPE_CHECKING:
    from migstream.analysis.failure import Failure
    from migstream.edit.minimise.search import Minimum, Step

__all__ = ["minimum_json", "minimum_lines", "step_line"]


def step_line(step: Step) -> str:
    """How far it has come."""
    return f"{size(step.size)}, {many(step.sections, 'section')}, after {many(step.tries, 'try')}"


def minimum_lines(found: Minimum, target: str, said: str, palette: Palette) -> Iterator[str]:
    """Sizes, what is left, and the words in which both fail."""
    yield palette.head(f"{escape(target)}: {size(found.before)} -> {size(found.after)}")
    spent = "" if found.complete else "; the tries were spent, less may do"
    yield f"{many(found.count, 'section')} -> {len(found.left)}, {many(found.tries, 'try')}{spent}"
    rows = [
        (escape(one.piece.kind), escape(one.piece.path), size(one.piece.size), size(one.after))
        for one in found.left
    ]
    if rows:
        yield ""
        yield from table(rows, "<<>>", ("left", "path", "before", "after"), palette)
    yield ""
    yield "It fails as before:"
    yield from (f"  {palette.dim(prose(line))}" for line in said.splitlines())


def minimum_json(found: Minimum, target: str, said: str, failure: Failure) -> dict[str, Any]:
    """All of it; sizes in bytes."""
    return {
        "output": target,
        "before": found.before,
        "after": found.after,
        "sections": found.count,
        "left": [
            {
                "kind": one.piece.kind,
                "path": one.piece.path,
                "before": one.piece.size,
                "after": one.after,
            }
            for one in found.left
        ],
        "tries": found.tries,
        "complete": found.complete,
        "failure": msgspec.to_builtins(failure),
        "said": said,
    }
