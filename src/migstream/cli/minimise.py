"""`migstream minimise`."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

import click

from migstream.cli.binary import binary
from migstream.cli.common import Run, verb
from migstream.cli.options import Option, force_option, output_option
from migstream.cli.printing import warn
from migstream.cli.sending import target
from migstream.cli.terminal import is_terminal
from migstream.errors import NoFailure
from migstream.render.minimum import Minimised, minimised, minimum_parts, step_line

if TYPE_CHECKING:
    from migstream.edit.minimise.search import Step

__all__ = ["command"]

UNFAILING = 1


def _pattern(_: click.Context, __: click.Parameter, text: str | None) -> re.Pattern[str] | None:
    try:
        return None if text is None else re.compile(text, re.MULTILINE)
    except re.error as error:
        raise click.BadParameter(f"no regular expression: {error}") from None


def _tell(run: Run) -> Callable[[Step], None]:
    if not (run.verbose or is_terminal(sys.stderr)):
        return lambda _: None
    return lambda step: warn(f"migstream: {step_line(step)}")


def _fail(run: Run, text: str) -> NoReturn:
    from migstream.render.text import escape, prose

    warn(f"migstream: {escape(run.stream.name)}: {prose(text)}")
    sys.exit(UNFAILING)


@verb(
    click.Argument(["words"], nargs=-1, required=True, metavar="-- COMMAND..."),
    output_option("The stream to make; - is standard output.", required=True),
    force_option(),
    click.Option(
        ["--qemu"],
        callback=binary,
        metavar="PATH",
        help="Have this QEMU load the stream; its arguments stand behind --.",
    ),
    Option(
        ["--cap", "capabilities"],
        also=["--capability"],
        multiple=True,
        metavar="NAME",
        help="A migration capability that this QEMU is to have; once for each.",
    ),
    click.Option(
        ["--match"],
        metavar="REGEX",
        callback=_pattern,
        help="What the output must contain, instead of the messages that are known.",
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
    answers=(Minimised,),
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
    from migstream.edit.minimise.judge import NoMatch, Outcome, minimise

    if capabilities and qemu is None:
        raise click.UsageError("--cap is for --qemu")
    with target(run, output, run.stream.size) as path:
        try:
            found = minimise(
                run.stream,
                path,
                words,
                qemu=qemu,
                capabilities=capabilities,
                match=match,
                timeout=timeout,
                tries=tries,
                force=force,
                told=_tell(run),
            )
        except NoFailure as error:
            _fail(run, error.message)
        except NoMatch:
            raise click.UsageError(
                "--match: the command's output does not match on STREAM itself"
            ) from None
        assert isinstance(found.outcome, Outcome)  # a command's or a QEMU's
        outcome = found.outcome
        told = minimised(found, run.stream.name, output, outcome.telling, outcome.failure)
        run.show(lambda: told, minimum_parts(told))
    sys.exit(0)
