"""The way out that `heal` found."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from migstream.edit.heal.model import Where
from migstream.names import many
from migstream.render.answer import Answer
from migstream.render.compat import LoadProblem, load_problem
from migstream.render.shown import Part, Title, dim, line
from migstream.render.text import escape, prose, size

if TYPE_CHECKING:
    from migstream.analysis.compat.model import Problem
    from migstream.edit.heal.model import Healed

__all__ = ["Healing", "healed", "healed_parts", "play_line"]

LEAST = "nothing"


class HealingChange(msgspec.Struct, frozen=True, kw_only=True):
    """One change: of the "destination"'s options or of the "stream"; what the guest loses by it, empty where that is nothing.

    `why` is the problem that it is an answer to.
    """

    where: Where
    what: str
    loses: str
    why: str


class Healing(Answer, tag="heal", frozen=True, kw_only=True):
    """The smallest set of changes that was found, after which the stream loads.

    `loads` is whether it does with them (`tried`: a real QEMU said so; else it is foretold), `as_it_is` whether it
    does without. `arguments` are the destination's with the changes, null where none were given; `command` is the
    same, quoted for a shell. `problem` is what it ends with as it is, `left` what stands in the way where there is no
    way out. `plays` is how often the load was foretold, `tries` how often the QEMU was given a stream, `said` its last
    words by line; `complete` is false where the plays were spent. `output` is the healed stream of `size` bytes, null
    where none was written.
    """

    file: str
    destination: str
    loads: bool
    as_it_is: bool
    tried: bool
    changes: list[HealingChange]
    arguments: list[str] | None
    command: str | None
    problem: LoadProblem | None
    left: LoadProblem | None
    plays: int
    tries: int
    said: list[str]
    complete: bool
    assumptions: tuple[str, ...]
    output: str | None
    size: int | None


def healed(found: Healed, output: str | None, written: int | None) -> Healing:
    """All that there is to say; `written` are the bytes of the new stream, None where there is none."""
    first, left = found.before.first, None if found.loads else found.report.first
    return Healing(
        file=found.before.file,
        destination=found.before.destination,
        loads=found.loads,
        as_it_is=found.loads and not found.changes,
        tried=found.accepted is not None,
        changes=[
            HealingChange(where=one.where, what=one.what, loses=one.loses, why=one.why)
            for one in found.changes
        ],
        arguments=None if found.line is None else list(found.arguments),
        command=None if found.line is None else shlex.join(found.arguments),
        problem=None if first is None else load_problem(first),
        left=None if left is None else load_problem(left),
        plays=found.plays,
        tries=found.tries,
        said=(found.said or "").splitlines(),
        complete=found.complete,
        assumptions=found.report.assumptions,
        output=None if written is None else output,
        size=written,
    )


def play_line(number: int, outcome: Problem | bool) -> str:
    """One play, and what it came to."""
    if isinstance(outcome, bool):
        return f"play {number}: {'loads' if outcome else 'cannot be made, or does not start'}"
    problem = outcome
    return f"play {number}: {escape(problem.path or problem.device)}: {prose(problem.message)}"


def healed_parts(
    found: Healed, output: str | None, written: int | None, *, verbose: bool
) -> Iterator[Part]:
    """The verdict, each change with what the guest loses by it, the arguments; or what stands in the way."""
    to = f"{escape(found.before.file)} in {escape(found.before.destination)}"
    tried = " (tried)" if found.accepted is not None else ""
    if not found.loads:
        yield Title(f"{to}: no way out was found")
        yield from _left(found)
        return
    if not found.changes:
        yield Title(f"{to}: loads as it is{tried}")
        return
    yield Title(f"{to}: loads with {many(len(found.changes), 'change')}{tried}")
    yield ""
    for change in found.changes:
        yield line(f"{change.where:<11}  ", prose(change.what))
        if change.loses:
            yield line(" " * 13, dim(f"lost: {prose(change.loses)}"))
        if verbose:
            yield line(" " * 13, dim(f"because: {prose(change.why)}"))
    if any(change.steps for change in found.changes) and found.line is not None:
        yield ""
        yield "Start the destination with:"
        yield escape(shlex.join(found.arguments))
    if output is not None and not found.alters:
        yield ""
        yield "Nothing of the stream has to change: no file was made."
    if found.alters:
        yield ""
        if written is not None:
            yield f"{escape(output or '')}: {size(written)}, its description says who changed what"
        else:
            yield "The stream is as it was: -o FILE writes the one with the changes."
    if verbose:
        yield ""
        yield from _counts(found)
    yield from (line(dim(f"assumed: {prose(one)}")) for one in found.report.assumptions)


def _left(found: Healed) -> Iterator[Part]:
    problem = found.report.first
    yield ""
    if problem is not None:
        yield line(escape(problem.path or problem.device or "stream"), "  ", prose(problem.message))
        if problem.hint:
            yield line("  ", dim(f"hint: {prose(problem.hint)}"))
    for said in (found.said or "").splitlines():
        yield line("  ", dim(prose(said)))
    yield ""
    if found.complete:
        yield "Neither an option of the destination that is known nor a change of the stream helps."
    yield from _counts(found)


def _counts(found: Healed) -> Iterator[Part]:
    tries = f", a QEMU given {many(found.tries, 'stream')}" if found.tries else ""
    more = "" if found.complete else "; more may help (--plays)"
    yield f"{many(found.plays, 'load')} foretold{tries}{more}"
