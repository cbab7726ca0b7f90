"""Who says whether a stream fails: a command, a QEMU, or a function; and the whole search with it.

    migstream.minimise("guest.mig", "small.mig", ["./load.sh", "{}"])

A judge is asked of every candidate how it fails. It fails as the source does where the two answers are
equal: so what counts of a failure is what the answer consists of.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from migstream.analysis.failure import Failure, failure
from migstream.edit.minimise.parts import Candidate
from migstream.edit.minimise.search import Minimum, Step, search
from migstream.errors import NoFailure, QemuError, SourceError
from migstream.stream import Stream, as_stream
from migstream.wire.model import Opaque, Trailer

if TYPE_CHECKING:
    from migstream.source.opened import Openable

__all__ = ["Attempt", "NoMatch", "Outcome", "minimise"]

PLACE = "{}"
SHOWN = 8  # lines of what was said that are shown, where none is known

# How the stream in a file fails; anything false where it does not. Equal answers are the same failure.
Attempt = Callable[[Path], object]


class NoMatch(ValueError):
    """What was to be in the output is not, not even for the stream itself."""


class Outcome(msgspec.Struct, frozen=True, eq=False):
    """How one run failed, and all that it said, of which only `failure` counts."""

    failure: Failure
    said: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Outcome) and self.failure == other.failure

    __hash__ = None  # type: ignore[assignment]

    @property
    def telling(self) -> str:
        """The lines that count: QEMU's messages, else the last ones."""
        from migstream.analysis.explain.log import recognise

        lines = self.said.strip().splitlines()
        known = sorted({one.line for one in recognise(self.said.strip())})
        return "\n".join([lines[number - 1] for number in known] or lines[-SHOWN:])


def command(words: Sequence[str], timeout: float, match: re.Pattern[str] | None) -> Attempt:
    """A command that is to fail: with the candidate's path for `{}`, else on standard input."""

    def run(path: Path) -> Outcome | None:
        from migstream.qemu.child import Child

        arguments = [word.replace(PLACE, str(path)) for word in words]
        named = any(PLACE in word for word in words)
        with Path(os.devnull if named else path).open("rb") as source:
            try:
                with Child(arguments, stdin=source.fileno()) as child:
                    status, said = child.wait(timeout), child.said()
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
                raise SourceError(f"{words[0]}: {reason}") from None
        if not status:
            return None  # it does not fail, or goes on, as a QEMU does that loaded a stream
        text = said.replace(str(path), "STREAM")
        return Outcome(failure(status, text, match), text)

    return run


def qemu(
    binary: Sequence[str],
    arguments: Sequence[str],
    capabilities: Sequence[str],
    timeout: float,
    match: re.Pattern[str] | None,
) -> Attempt:
    """A real QEMU that is to refuse."""

    def run(path: Path) -> Outcome | None:
        from migstream.qemu.load import load

        verdict = load(binary, arguments, path, capabilities, timeout)
        if verdict.accepted:
            return None
        return Outcome(failure(None, verdict.said, match), verdict.said)

    return run


class _Judge:
    """Tries candidates, one at a time in the same place, and knows how the source failed."""

    def __init__(self, attempt: Attempt, place: Path, source: Candidate) -> None:
        self._attempt = attempt
        self._place = place
        self.wanted = self.outcome(source)

    def outcome(self, candidate: Candidate) -> object:
        """How a candidate fails; anything false where it does not."""
        with self._place.open("wb") as file:
            candidate.write(file.fileno())
        return self._attempt(self._place)

    def fails(self, candidate: Candidate) -> bool:
        """Whether a candidate fails as the source did."""
        try:
            outcome = self.outcome(candidate)
        except QemuError:
            return False  # it neither loads nor refuses: another failure
        return bool(outcome) and outcome == self.wanted


def minimise(
    stream: Stream | Openable,
    path: str | os.PathLike[str],
    fails: Sequence[str] | Attempt,
    *,
    qemu: str | Sequence[str] | None = None,
    capabilities: Sequence[str] = (),
    match: str | re.Pattern[str] | None = None,
    timeout: float = 20.0,
    tries: int | None = 1000,
    force: bool = False,
    told: Callable[[Step], None] = lambda _: None,
) -> Minimum:
    """Write the smallest stream that still fails in the same way.

    The new file is there whole or not at all, and failed once more before.

    Parameters
    ----------
    stream : a Stream, all of whose bytes are at hand, or whatever `open` takes
    path : the file to make
    fails : the words of a command, with `{}` for the stream's path, else it comes on standard input;
        it fails with another status than 0. Or a function that takes a path, and gives something true
        where the stream there fails: the same where it fails in the same way
    qemu : has this QEMU load the stream; `fails` are then its arguments
    capabilities : that this QEMU is to have
    match : a regular expression that a command's output is to match, instead of what is known of it
    timeout : seconds after which what still runs has not failed
    tries : how often it may be tried; None: as often as it takes
    force : whether a plain file that is there may be replaced
    told : hears of every candidate that failed

    Raises
    ------
    TypeError : `fails` is neither
    NoMatch : (a ValueError) the output for the stream itself does not match
    NoFailure : the stream does not fail, or the smallest one did once and then no more
    Unsupported : the stream is a pipe, or has channels besides
    StreamError : nothing of it can be read
    SourceError : a command does not start, or a file cannot be written
    """
    from migstream.source.output import new_file
    from migstream.source.temporary import need_room, temporary_folder

    attempt = _attempt(fails, qemu, capabilities, timeout, match)
    with as_stream(stream, spool=True) as source:
        _readable(source)
        need_room(source.size)
        with temporary_folder() as folder, new_file(path, replace=force) as fd:
            judge = _Judge(attempt, folder / "candidate.mig", Candidate(source))
            likely = _likely(judge.wanted)
            found = search(source, judge.fails, likely=likely, tries=tries, told=told)
            if not judge.fails(found.candidate):
                raise NoFailure(
                    "the smallest stream failed once and then no more: nothing was written"
                )
            found.candidate.write(fd)
            return msgspec.structs.replace(found, outcome=judge.wanted)


def _attempt(
    fails: Sequence[str] | Attempt,
    binary: str | Sequence[str] | None,
    capabilities: Sequence[str],
    timeout: float,
    match: str | re.Pattern[str] | None,
) -> Attempt:
    if callable(fails):
        return fails
    if isinstance(fails, str) or not all(isinstance(word, str) for word in fails):
        raise TypeError("what fails is a list of words, or a function that takes a path")
    pattern = re.compile(match, re.MULTILINE) if isinstance(match, str) else match
    if binary is None:
        return command(fails, timeout, pattern)
    words = [binary] if isinstance(binary, str) else binary
    return qemu(words, fails, capabilities, timeout, pattern)


def _readable(stream: Stream) -> None:
    """Raise what is wrong with a source of which nothing at all can be read."""
    if all(isinstance(item, Opaque | Trailer) for item in stream.items):
        raise stream.damage[0]


def _likely(wanted: object) -> Collection[tuple[str, int | None]]:
    """The section that seems to be the reason; raises where there is no failure to look for."""
    if not wanted:
        raise NoFailure("the command does not fail on it: there is nothing to look for")
    if not isinstance(wanted, Outcome):
        return ()
    if wanted.failure.matched is False:
        raise NoMatch("match: the output for the stream itself does not match")
    return [(wanted.failure.device, wanted.failure.instance)] if wanted.failure.device else []
