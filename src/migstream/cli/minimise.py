"""`migstream minimise`."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import click

from migstream.cli.binary import binary
from migstream.cli.common import Run, verb
from migstream.cli.printing import warn
from migstream.errors import SourceError
from migstream.qemu.child import Child

if TYPE_CHECKING:
    from migstream.analysis.failure import Failure
    from migstream.edit.minimise.parts import Candidate
    from migstream.edit.minimise.search import Step

__all__ = ["command"]

PLACE = "{}"
SHOWN = 8  # lines of it that are shown
UNFAILING = 1


class Outcome(NamedTuple):
    """How one run failed, and all that it said."""

    failure: Failure
    said: str


Try = Callable[[Path], Outcome | None]


def _command(words: Sequence[str], seconds: float, match: re.Pattern[str] | None) -> Try:
    """A command that is to fail: with the candidate's path for `{}`, else on standard input."""

    def run(path: Path) -> Outcome | None:
        from migstream.analysis.failure import failure

        arguments = [word.replace(PLACE, str(path)) for word in words]
        named = any(PLACE in word for word in words)
        with Path(os.devnull if named else path).open("rb") as source:
            try:
                with Child(arguments, stdin=source.fileno()) as child:
                    status, said = child.wait(seconds), child.said()
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
                raise SourceError(f"{words[0]}: {reason}") from None
        if not status:
            return None  # it does not fail, or goes on, as a QEMU does that loaded a stream
        text = said.replace(str(path), "STREAM")
        return Outcome(failure(status, text, match), text)

    return run


def _qemu(
    binary: Sequence[str],
    arguments: Sequence[str],
    capabilities: Sequence[str],
    seconds: float,
    match: re.Pattern[str] | None,
) -> Try:
    """A real QEMU that is to refuse."""

    def run(path: Path) -> Outcome | None:
        from migstream.analysis.failure import failure
        from migstream.qemu.load import load

        verdict = load(binary, arguments, path, capabilities, seconds)
        if verdict.accepted:
            return None
        return Outcome(failure(None, verdict.said, match), verdict.said)

    return run


class _Judge:
    """Tries candidates, one at a time in the same place, and knows how the source failed."""

    def __init__(self, attempt: Try, place: Path) -> None:
        self._attempt = attempt
        self._place = place
        self.wanted: Outcome | None = None

    def outcome(self, candidate: Candidate) -> Outcome | None:
        """How a candidate fails, None where it does not."""
        with self._place.open("wb") as file:
            candidate.write(file.fileno())
        return self._attempt(self._place)

    def fails(self, candidate: Candidate) -> bool:
        """Whether a candidate fails as the source did."""
        from migstream.errors import QemuError

        try:
            outcome = self.outcome(candidate)
        except QemuError:
            return False  # it neither loads nor refuses: another failure
        wanted = self.wanted
        return outcome is not None and wanted is not None and outcome.failure == wanted.failure


def _pattern(_: click.Context, __: click.Parameter, text: str | None) -> re.Pattern[str] | None:
    try:
        return None if text is None else re.compile(text, re.MULTILINE)
    except re.error as error:
        raise click.BadParameter(f"no regular expression: {error}") from None


def _readable(run: Run) -> None:
    """Raise what is wrong with a source of which nothing at all can be read."""
    from migstream.wire.model import Opaque, Trailer

    if all(isinstance(item, Opaque | Trailer) for item in run.stream.items):
        raise run.stream.damage[0]


def _shown(text: str) -> str:
    """The lines that count: QEMU's messages, else the last ones."""
    from migstream.analysis.explain.log import recognise

    lines = text.strip().splitlines()
    known = sorted({said.line for said in recognise(text.strip())})
    return "\n".join([lines[number - 1] for number in known] or lines[-SHOWN:])


def _tell(run: Run) -> Callable[[Step], None]:
    from migstream.render.minimum import step_line

    if not (run.verbose or sys.stderr.isatty()):
        return lambda _: None
    return lambda step: warn(f"migstream: {step_line(step)}")


def _fail(run: Run, text: str) -> NoReturn:
    from migstream.render.text import escape, prose

    warn(f"migstream: {escape(run.stream.name)}: {prose(text)}")
    sys.exit(UNFAILING)


@verb(
    click.Argument(["words"], nargs=-1, required=True, metavar="-- COMMAND..."),
    click.Option(["-o", "--output"], type=click.Path(), required=True, help="The stream to make."),
    click.Option(["--force"], is_flag=True, help="Replace what is there."),
    click.Option(
        ["--qemu"],
        callback=binary,
        metavar="PATH",
        help="Have this QEMU load the stream; its arguments stand behind --.",
    ),
    click.Option(
        ["--capability", "capabilities"],
        multiple=True,
        metavar="NAME",
        help="A migration capability that this QEMU is to have; once for each.",
    ),
    click.Option(
        ["--match"],
        metavar="REGEX",
        callback=_pattern,
        help="What is to be in the output; instead of the messages that are known.",
    ),
    click.Option(
        ["--timeout"],
        type=click.FloatRange(min=0, min_open=True),
        default=20.0,
        metavar="SECONDS",
        help="What still runs then does not fail (20).",
    ),
    click.Option(
        ["--tries"],
        type=click.IntRange(min=1),
        default=1000,
        metavar="N",
        help="How often the command may be run (1000).",
    ),
    memory=True,
)
def command(
    run: Run,
    words: tuple[str, ...],
    output: str,
    force: bool,
    qemu: tuple[str, ...] | None,
    capabilities: tuple[str, ...],
    match: re.Pattern[str] | None,
    timeout: float,
    tries: int,
) -> None:
    """The smallest stream on which a command still fails in the same way.

    Devices, subsections, guest memory are left out as long as COMMAND ends with the same status and
    says the same: QEMU's messages with their device and fields, or migstream's codes. {} in it is
    the stream's path; without, it comes on standard input. With --qemu, a QEMU is told to load it.
    Exit status: 0 made, 1 COMMAND does not fail, 3 nothing of the stream can be read.
    """
    from migstream.edit.minimise.parts import Candidate
    from migstream.edit.minimise.search import minimise
    from migstream.render.minimum import minimum_json, minimum_lines
    from migstream.source.output import new_file
    from migstream.source.temporary import need_room, temporary_folder

    if capabilities and qemu is None:
        raise click.UsageError("--capability is for --qemu")
    _readable(run)
    attempt = (
        _command(words, timeout, match)
        if qemu is None
        else _qemu(qemu, words, capabilities, timeout, match)
    )
    need_room(run.stream.size)
    with (
        temporary_folder() as folder,
        new_file(output, replace=force) as fd,
    ):
        judge = _Judge(attempt, folder / "candidate.mig")
        judge.wanted = wanted = judge.outcome(Candidate(run.stream))
        if wanted is None:
            _fail(run, "the command does not fail on it: there is nothing to look for")
        if wanted.failure.matched is False:
            raise click.UsageError("--match: the command's output does not match on STREAM itself")
        likely = [(wanted.failure.device, wanted.failure.instance)] if wanted.failure.device else []
        found = minimise(run.stream, judge.fails, likely=likely, tries=tries, told=_tell(run))
        if not judge.fails(found.candidate):
            _fail(run, "the smallest stream failed once and then no more: nothing was written")
        found.candidate.write(fd)
    said = _shown(wanted.said)
    if run.as_json:
        run.emit(minimum_json(found, output, said, wanted.failure))
    else:
        run.print(minimum_lines(found, output, said, run.palette))
    sys.exit(0)
