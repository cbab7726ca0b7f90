"""What all verbs share: options, opening, printing, errors and the exit status."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import click

from migstream.cli import terminal
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
from migstream.source.address import hidden, public, scheme_of
from migstream.source.layers import Tell, Watch, telling
from migstream.stream import Stream, open_anything

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from migstream.render.answer import Answer
    from migstream.render.missing import Missing
    from migstream.render.shown import Part

__all__ = [
    "Out",
    "Run",
    "Verb",
    "begun",
    "fail",
    "guarded",
    "naming",
    "output_options",
    "paths",
    "progress",
    "stream_options",
    "verb",
    "watching",
    "with_stream",
]

MOST_DAMAGE = 5
BROKEN_PIPE = 141


class Verb(click.Command):
    """A command that knows what it answers under --json; `migstream schema` prints the schema of it."""

    def __init__(self, *args: Any, answers: Sequence[type[Answer]] = (), **rest: Any) -> None:
        super().__init__(*args, **rest)
        self.answers = tuple(answers)


class Out:
    """Where a verb's words go, and in which form."""

    def __init__(self, *, as_json: bool, color: str, verbose: bool) -> None:
        self.as_json = as_json
        self.verbose = verbose
        self.colour = terminal.colours(sys.stdout, color)
        self.width = terminal.width(sys.stdout)

    def show(self, answer: Callable[[], Answer], parts: Iterable[Part]) -> None:
        """Print a result on standard output: the answer with --json, else its parts.

        Only that which is printed is made, where `parts` is a generator.
        """
        if self.as_json:
            self.emit(answer())
        else:
            self.print(parts)

    def print(self, parts: Iterable[Part]) -> None:
        """Print parts of a result as text."""
        from migstream.render.paint import text

        out = sys.stdout
        for line in text(parts, colour=self.colour, width=self.width):
            out.write(line + "\n")

    def emit(self, answer: Answer, *, pretty: bool = True) -> None:
        """Print a JSON document; on a terminal as text, which is paged."""
        data = json_text(answer, pretty=pretty) + b"\n"
        if terminal.is_terminal(sys.stdout):
            sys.stdout.write(data.decode())
        else:
            self.write(data)

    def write(self, data: bytes | memoryview) -> None:
        """Write bytes to standard output as they are."""
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


class Run(Out):
    """One run of a verb: the open stream, and where its words go."""

    def __init__(self, stream: Stream, *, as_json: bool, color: str, verbose: bool) -> None:
        super().__init__(as_json=as_json, color=color, verbose=verbose)
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


def begun(stream: Stream) -> Stream:
    """The stream; ends the command where it does not begin as one: nothing else can be said of it."""
    error = stream.not_begun
    if error is not None:
        fail(error, stream.name)
    return stream


@contextmanager
def naming(name: str) -> Iterator[None]:
    """What is wrong with another source than the verb's own is said with that one's name."""
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
        function()
        sys.stdout.flush()
    except MigstreamError as error:
        sys.stdout.flush()
        fail(error, name)
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
def progress(label: str, total: int, unit: str = "") -> Iterator[Tell]:
    """The same for who tells how much was done since the last time."""
    with telling(watching(unit), label, total) as tell:
        yield tell


def output_options() -> list[click.Parameter]:
    """What says how a verb prints: what `Out` takes."""
    return [
        click.Option(["--json", "as_json"], is_flag=True, help="Print JSON."),
        click.Option(
            ["--color"],
            type=click.Choice(["auto", "always", "never"]),
            default="auto",
            help="Colour; auto: on a terminal, unless NO_COLOR is set.",
        ),
        click.Option(["-v", "--verbose"], is_flag=True, help="Say all that is known."),
        *terminal.options(),
    ]


class _Offset(click.ParamType):  # type: ignore[type-arg]
    """A number of bytes, decimal or with 0x."""

    name = "offset"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            number = int(str(value), 0)
        except ValueError:
            number = -1
        if number < 0:
            self.fail(f"{value!r} is not an offset in bytes, such as 0x45c", param, ctx)
        return number


OFFSET = _Offset()


def stream_options(container: str = "--container") -> list[click.Parameter]:
    """What belongs to a stream and is not in it.

    `container` is the option that says what it stands in, for a verb that has another `--container`.
    """
    return [
        click.Option(
            ["--like"],
            type=click.Path(allow_dash=True),
            metavar="OTHER",
            help="Take the description from another stream where this one has none.",
        ),
        click.Option(
            ["--channel", "channels"],
            type=click.Path(),
            multiple=True,
            metavar="FILE",
            help="A recorded multifd channel of this migration; a folder or a pattern ('ch*.bin') for several.",
        ),
        click.Option(
            ["--offset"],
            type=OFFSET,
            default=0,
            metavar="N",
            help="Where in STREAM the stream begins; offsets are counted from there.",
        ),
        click.Option(
            ["--inside"],
            type=unescape,
            metavar="NAME",
            help="Which one of several that STREAM holds: a snapshot's id or name, a connection.",
        ),
        click.Option(
            [container, "container"],
            metavar="KIND",
            help="What the stream stands in (none: nothing), where the bytes mislead.",
        ),
        click.Option(
            ["--walk"],
            is_flag=True,
            help="Read all of a large stream before anything is said of it.",
        ),
    ]


INDEX = click.Option(
    ["--index"],
    type=click.Path(),
    metavar="FILE",
    help="An index to use, wherever it lies (`index` makes one).",
)
MAPS = click.Option(
    ["--map", "maps"],
    multiple=True,
    metavar="BLOCK@ADDRESS",
    help="Where a RAM block is in guest-physical memory, if the stream does not say.",
)


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
    spooled_for: str = "",
    any_source: bool = False,
    answers: Sequence[type[Answer]] = (),
    container: str = "--container",
) -> Callable[[Callable[..., None]], click.Command]:
    """Make a command of a function that takes a Run and the values of `params`.

    Parameters
    ----------
    answers : what it prints with --json
    container : the option that says what the stream stands in
    memory : for verbs that look into guest memory: they take --map, and a pipe is spooled
    spooled_for : the name of a parameter: a pipe is spooled where it is given
    any_source : for verbs that have something to say of what is not a stream, too
    """

    def make(function: Callable[..., None]) -> click.Command:
        def run(source: str, **values: Any) -> None:
            spool = memory or bool(spooled_for and values[spooled_for])
            with_stream(source, function, spool=spool, any_source=any_source, **values)

        stream = click.Argument(["source"], type=click.Path(allow_dash=True), metavar="STREAM")
        options = [
            *([MAPS, INDEX] if memory else []),
            *stream_options(container),
            *output_options(),
        ]
        return Verb(
            answers=answers,
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
    as_json: bool,
    like: str | None,
    channels: tuple[str, ...],
    color: str,
    verbose: bool,
    offset: int = 0,
    walk: bool = False,
    maps: tuple[str, ...] = (),
    index: str | None = None,
    inside: str | None = None,
    container: str | None = None,
    any_source: bool = False,
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
            watch=watching(),
        ) as stream:
            one = Run(stream, as_json=as_json, color=color, verbose=verbose)
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
        shell_complete=_complete,
    )


def _complete(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Devices first; behind a slash the fields of what is written so far."""
    from click.shell_completion import CompletionItem

    from migstream.render.tree import completions

    source = ctx.params.get("source")
    if not source or source == "-" or scheme_of(source):
        return []  # nothing is fetched over a network because somebody pressed a key
    try:
        with open_anything(source) as stream:
            return [CompletionItem(text, more=True) for text in completions(stream, incomplete)]
    except (MigstreamError, OSError):
        return []
