"""Where a load ends because the stream itself is cut off or damaged, wherever it is loaded.

Up to the end marker QEMU reads every byte; what is behind it, a description that is cut off among
it, it takes for what it is worth (migration/savevm.c: qemu_loadvm_state).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from migstream.analysis.compat.model import Problem
from migstream.errors import BadSection, StreamError, Truncated
from migstream.vmstate.contradictions import wrong_subsections
from migstream.wire.model import End, Section, Span, flat

if TYPE_CHECKING:
    from migstream.analysis.compat.said import Words
    from migstream.stream import Stream

__all__ = ["damage_problem", "fatal"]


def fatal(stream: Stream) -> StreamError | None:
    """The first damage that lies before the end marker; None where there is none."""
    if stream.walked:
        end = next((i.span.start for i in stream.items if isinstance(i, End)), None)
    else:
        end = None if stream.description_span is None else stream.description_span.start
    found = [e for e in stream.noticed if end is None or (e.at or 0) < end]
    return min([*found, *_unread(stream)], key=lambda error: error.at or 0, default=None)


def _unread(stream: Stream) -> Iterator[StreamError]:
    """Subsections that QEMU does not take for such."""
    for device in stream.devices:
        if device.layout is not None:
            yield from wrong_subsections(device.section, device.layout, stream.store.view)


def damage_problem(stream: Stream, others: Sequence[Problem], words: Words) -> Problem | None:
    """The damage that ends the load; None where there is none, or one of the others tells of it.

    Parameters
    ----------
    others : what this destination does not take
    """
    error = fatal(stream)
    if error is None:
        return None
    at = error.at or 0
    inside = _section(stream, at)
    if any(_told(problem, at, inside) for problem in others):
        return None
    missed = (
        error.code == BadSection.code and error not in stream.noticed
    )  # then it is of `_unread`
    return Problem(
        kind="damage",
        device="" if inside is None else inside.path,
        path="/".join(error.path),
        span=Span(at, at if isinstance(error, Truncated) else at + 1),
        message=error.message,
        said=words.missing_footer(inside) if missed and inside is not None else (),
        hint=error.hint,
    )


def _section(stream: Stream, at: int) -> Section | None:
    """The section that the byte at `at`, or the last one in front of it, belongs to."""
    sections = (
        stream.sections
        if stream.walked
        else [
            *(i for i in flat(stream.head) if isinstance(i, Section)),
            *(device.section for device in stream.devices),
        ]
    )
    return next((s for s in sections if s.span.start < at <= s.span.stop), None)


def _told(problem: Problem, at: int, inside: Section | None) -> bool:
    covers = problem.span.start <= at < problem.span.stop
    return covers or (inside is not None and problem.device == inside.path)
