"""What all verbs share: options, opening, printing, errors and the exit status."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import click

from migstream.cli import terminal
from migstream.cli.completed import completed
from migstream.cli.options import INDEX, MAPS, output_options, stream_options
from migstream.cli.printing import warn
from migstream.errors import (
    MigstreamError,
    NoSuchAddress,
    NoSuchPath,
    StreamError,
    Unsupported,
)
from migstream.names import json_text, unescape
from migstream.render.text import escape
from migstream.source.address import hidden, public
from migstream.source.layers import Tell, Watch, telling
from migstream.stream import Stream, open_anything

if TYPE_CHECKING:
    from migstream.render.answer import Answer, Printed, PrintedType
    from migstream.render.missing import Missing
    from migstream.render.shown import Part

__all__ = [
    "Out",
    "Run",
    "Verb",
    "any_in_memory",
    "begun",
    "fail",
    "guarded",
    "naming",
    "paths",
    "progress",
    "verb",
    "watching",
    "with_stream",
]

MOST_DAMAGE = 5
BROKEN_PIPE = 141
CHANNELS = (
    ". --channel takes one FILE: a folder, or a pattern in quotes ('ch*.bin'), stands for several"
)


class Verb(click.Command):
    """A command that knows what it answers, and has examples in its help.

    Parameters
    ----------
    answers : what it prints with --json; `migstream schema` prints the schema of it
    lines : what it prints with --ndjson, a line each
    """

    def __init__(
        self,
        *args: Any,
        answers: Sequence[type[Answer]] = (),
        lines: Sequence[PrintedType] = (),
        **rest: Any,
    ) -> None:
        super().__init__(*args, **rest)
        self.answers = tuple(answers)
        self.lines = tuple(lines)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does it; of several files behind one --channel it is said how they are meant."""
        several = "--channel" in args
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            if several and "extra argument" in error.message:
                error.message += CHANNELS  # type: ignore[misc]  # click reads it when it prints
            raise

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from migstream.cli.examples import examples_of, write_examples

        write_examples(formatter, examples_of(ctx.info_name or ""))
        super().format_epilog(ctx, formatter)


class Out:
    """Where a verb's words go, and in which form; `aside` where standard output is for something else."""

    def __init__(self, *, as_json: bool, color: str, verbose: bool, ndjson: bool = False) -> None:
        if as_json and ndjson:
            raise click.UsageError("--json and --ndjson are two forms of the same: choose one")
        self.as_json = as_json
        self.ndjson = ndjson
        self.verbose = verbose
        self.aside = False
        self.colour = terminal.colours(sys.stdout, color)
        self.width = terminal.width(sys.stdout)

    @property
    def plain(self) -> bool:
        """Whether lines are printed as they are: neither JSON nor folded to a terminal's width."""
        return not (self.as_json or self.ndjson) and (self.aside or self.width is None)

    def show(
        self, answer: Callable[[], Answer], parts: Iterable[Part], lines: Iterable[Printed] = ()
    ) -> None:
        """Print a result on standard output: the answer with --json, lines with --ndjson, else its parts.

        Only that which is printed is made, where `parts` and `lines` are generators.
        """
        if self.as_json:
            self.emit(answer())
        elif self.ndjson:
            self.lines(lines)
        else:
            self.print(parts)

    def print(self, parts: Iterable[Part]) -> None:
        """Print parts of a result as text."""
        from migstream.render.paint import text

        out = sys.stderr if self.aside else sys.stdout
        colour, width = (False, None) if self.aside else (self.colour, self.width)
        for line in text(parts, colour=colour, width=width):
            out.write(line + "\n")

    def ready(self, text: str) -> None:
        """Print lines that are text already, with their ends."""
        (sys.stderr if self.aside else sys.stdout).write(text)

    def emit(self, answer: Answer | Mapping[str, Any], *, pretty: bool = True) -> None:
        """Print a JSON document; on a terminal as text, which is paged."""
        data = json_text(answer, pretty=pretty) + b"\n"
        if terminal.is_terminal(sys.stdout):
            sys.stdout.write(data.decode())
        else:
            self.write(data)

    def lines(self, lines: Iterable[Printed]) -> None:
        """Print each as a line of JSON, which can be read before the next is looked for."""
        from migstream.render.answer import line_text

        for one in lines:
            self.write(line_text(one) + b"\n")

    def write(self, data: bytes | memoryview) -> None:
        """Write bytes to standard output as they are."""
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


class Run(Out):
    """One run of a verb: the open stream, and where its words go."""

    def __init__(self, stream: Stream, **printing: Any) -> None:
        super().__init__(**printing)
        self.stream = stream

    def missing(self, entries: Iterable[Missing], name: str = "") -> None:
        """Say what of guest memory is not there, as `render.missing.missing` tells it.

        `name` is given where it is another stream's.
        """
        from migstream.render.missing import missing_lines

        sys.stdout.flush()
        lead = f"migstream: {escape(name)}: " if name else "migstream: "
        for line in missing_lines(entries):
            warn(lead + line)

    def damage(self, found: list[StreamError] | None = None, name: str = "") -> None:
        """Report what is wrong with the stream; ends the command with status 3 if anything is.

        `found` is given by verbs that do not walk: what they came across on their way; and `name`
        where it is another stream's.
        """
        sys.stdout.flush()
        found = self.stream.damage if found is None else found
        shown = found if self.verbose else found[:MOST_DAMAGE]
        for error in shown:
            _complain(error, name or self.stream.name)
        if len(found) > len(shown):
            warn(f"migstream: and {len(found) - len(shown)} more (-v shows all)")
        if found:
            sys.exit(max(error.exit_status for error in found))


def _complain(error: MigstreamError, name: str) -> None:
    from migstream.render.errors import error_lines

    for line in error_lines(error, name):
        warn(hidden(line), "error")


def fail(error: MigstreamError, name: str) -> NoReturn:
    """Say it in one paragraph, and end with its status."""
    _complain(error, name)
    sys.exit(error.exit_status)


def any_in_memory(paths: tuple[str, ...]) -> bool:
    """Whether PATHs need what a pipe does not keep."""
    from migstream.places import in_memory

    return any(in_memory(path) for path in paths)


def begun(stream: Stream) -> Stream:
    """The stream; ends the command where it does not begin as one: nothing else can be said of it."""
    error = stream.not_begun
    if error is not None:
        fail(error, stream.name)
    return stream


@contextmanager
def naming(name: str) -> Iterator[None]:
    """What is wrong with a source, the verb's own or another one, is said with its name."""
    try:
        yield
    except MigstreamError as error:
        sys.stdout.flush()
        fail(error, public(name))


def guarded(function: Callable[[], None], name: str) -> None:
    """Run, and turn whatever goes wrong into one paragraph and an exit status.

    `name` is what was given for the stream; of an address nothing secret is shown.
    """
    name = public(name)
    try:
        with naming(name):
            function()
        sys.stdout.flush()
    except BrokenPipeError:
        # the reader has gone: nothing is left to say, and nothing may be flushed at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(BROKEN_PIPE)
    except RecursionError:
        warn(f"migstream: {escape(name)}: nested beyond reason [MS100]", "error")
        sys.exit(3)
    except (MemoryError, OSError) as error:
        reason = getattr(error, "strerror", None) or "out of memory"
        warn(f"migstream: {escape(name)}: {reason.lower()} [MS400]", "error")
        sys.exit(5)


def watching(unit: str = "") -> Watch | None:
    """Who is told how far something is; nobody where standard error is no terminal.

    Parameters
    ----------
    unit : what is counted, such as "machine types"; bytes where it is empty
    """
    if not terminal.is_terminal(sys.stderr):
        return None
    from migstream.cli.watching import Watching

    return Watching(unit)


@contextmanager
def progress(label: str, total: int) -> Iterator[Tell]:
    """The same, of bytes, for who tells how many were done since the last time."""
    with telling(watching(), label, total) as tell:
        yield tell


def _overrides(maps: Iterable[str]) -> list[tuple[str, int]]:
    if not maps:
        return []
    from migstream.machine.map.physical_map import parse_override

    try:
        return [parse_override(text) for text in maps]
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--map") from None


def verb(
    *params: click.Parameter,
    memory: bool = False,
    later: bool = False,
    spooled_for: str = "",
    spooled_if: Callable[[Any], bool] = bool,
    any_source: bool = False,
    answers: Sequence[type[Answer]] = (),
    lines: Sequence[PrintedType] = (),
    container: str = "--container",
) -> Callable[[Callable[..., None]], click.Command]:
    """Make a command of a function that takes a Run and the values of `params`.

    Parameters
    ----------
    answers, lines : what it prints with --json, and a line of it with --ndjson
    container : the option that says what the stream stands in
    memory : for verbs that look into guest memory: they take --map, and a pipe is spooled
    later : for those of them that may do so when they run for a while: a file is not walked before
    spooled_for, spooled_if : the name of a parameter: a pipe is spooled where it is given, or is such
    any_source : for verbs that have something to say of what is not a stream, too
    """

    def make(function: Callable[..., None]) -> click.Command:
        def run(source: str, **values: Any) -> None:
            spool = memory or bool(spooled_for and spooled_if(values[spooled_for]))
            with_stream(source, function, spool=spool, later=later, any_source=any_source, **values)

        stream = click.Argument(["source"], type=click.Path(allow_dash=True), metavar="STREAM")
        options = [
            *([MAPS, INDEX] if memory else []),
            *stream_options(container),
            *output_options(lines=bool(lines)),
        ]
        return Verb(
            answers=answers,
            lines=lines,
            name=function.__name__.rstrip("_"),
            callback=run,
            params=[stream, *params, *options],
            help=inspect.cleandoc(function.__doc__ or ""),
        )

    return make


def with_stream(
    source: str,
    function: Callable[..., None],
    *,
    spool: bool,
    later: bool = False,
    as_json: bool,
    like: str | None,
    channels: tuple[str, ...],
    color: str,
    verbose: bool,
    ndjson: bool = False,
    offset: int = 0,
    walk: bool = False,
    maps: tuple[str, ...] = (),
    index: str | None = None,
    inside: str | None = None,
    container: str | None = None,
    any_source: bool = False,
    as_is: bool = False,
    **rest: Any,
) -> None:
    """Open a stream, call `function` with a Run and the `rest`, and report damage at the end."""
    places = _overrides(maps)

    def work() -> None:
        with open_anything(
            source,
            like=like,
            channels=channels,
            maps=places,
            spool=spool,
            walk=walk,
            offset=offset,
            index=index,
            inside=inside,
            container=container,
            meaning=not as_is,
            watch=watching(),
            later=later,
        ) as stream:
            one = Run(stream, as_json=as_json, ndjson=ndjson, color=color, verbose=verbose)
            if not any_source:
                begun(stream)
            try:
                function(one, **rest)
            except (NoSuchPath, NoSuchAddress, Unsupported) as error:
                # Where the stream is damaged, that is why: it is said, and is the status.
                if not stream.noticed:
                    raise
                if error not in stream.noticed:
                    sys.stdout.flush()
                    _complain(error, stream.name)
            if stream.index_refused:
                sys.stdout.flush()
                warn(f"migstream: {escape(stream.index_refused)}")
            noticed = stream.noticed
            if any_source and noticed and stream.not_begun:
                return  # a recording of something else, of which the verb has said all
            one.damage(noticed)

    guarded(work, source if source != "-" else "<stdin>")


def paths(*, required: bool) -> click.Argument:
    """The paths to look at, completed with the names in the stream; a name's escapes are undone."""
    return click.Argument(
        ["paths"],
        type=unescape,
        nargs=-1,
        required=required,
        metavar="PATH..." if required else "[PATH]...",
        shell_complete=completed("stream_values"),
    )
