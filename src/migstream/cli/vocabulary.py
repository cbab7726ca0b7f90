"""One vocabulary: the options that several verbs have, each declared here and meaning the same everywhere.

`WORDS` says what each means. docs/commands.md and the manual show it, and a test holds every verb to it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import click

from migstream.cli.complete import containers, ram_blocks, streams_inside
from migstream.names import unescape

__all__ = [
    "INDEX",
    "MAPS",
    "OFFSET",
    "STDOUT",
    "WORDS",
    "Option",
    "Word",
    "all_option",
    "block_option",
    "force_option",
    "hex_option",
    "output_option",
    "output_options",
    "printed",
    "raw_options",
    "stream_options",
    "verbose_option",
]

STDOUT = "-"
FORCED = "migstream.forced"


class Word(NamedTuple):
    """An option of the vocabulary: all its spellings, whether a value follows, what it means, how help says it.

    `said` is a regular expression of which every verb's own words have something.
    """

    spellings: tuple[str, ...]
    takes: bool
    means: str
    said: str


WORDS = (
    Word(("--json",), False, "one JSON document; `migstream schema VERB` prints its shape", "JSON"),
    Word(
        ("--ndjson",), False,
        "JSON, one line for each thing as it is found; `migstream schema VERB --ndjson` prints its shape",
        "JSON",
    ),
    Word(("-v", "--verbose"), False, "say more", "(?i)all|more"),
    Word(("--all",), False, "do not cut: every line, element, finding", "(?i)all|every"),
    Word(("-n", "--length"), True, "so many bytes: 64, 0x40, 4K", "Bytes"),
    Word(("-x", "--hex"), False, "numbers in hexadecimal", "(?i)hexadecimal"),
    Word(("-r", "--raw"), False, "the bytes as they are; to a terminal only with `--force`", "bytes"),
    Word(("--where",), False, "the offset of each value", "(?i)offset"),
    Word(("-f", "--format"), True, "the form of what is printed or written", "(?i)form|how|image"),
    Word(
        ("-o", "--output"), True,
        "where to write; `-` is standard output, to a terminal only with `--force`",
        "(?i)make|write|file|folder",
    ),
    Word(("--force",), False, "do what is refused otherwise: replace what is there, write bytes to a terminal", "(?i)replace|terminal"),
    Word(("--in-place",), False, "replace STREAM itself, once the result is complete", "(?i)replace"),
    Word(("--no-ram",), False, "leave guest memory out", "(?i)guest memory"),
    Word(("--cpu",), True, "this virtual CPU, counted from 0", "(?i)cpu"),
    Word(("--block",), True, "this RAM block", "block"),
    Word(("--ignore",), True, "leave these out", "(?i)leave out|not these"),
    Word(("--machine",), True, "a machine type, by its name", "machine type"),
    Word(("--depth",), True, "so many levels", "Levels"),
    Word(("--color",), True, "`auto` (on a terminal, unless NO_COLOR is set), `always`, `never`; also `--colour`", "(?i)colour"),
    Word(("--like",), True, "take the description from another stream where this one has none", "description"),
    Word(("--channel",), True, "a recorded multifd channel; a folder or a pattern in quotes for several", "channel"),
    Word(("--offset",), True, "where in the file to begin", "(?i)where"),
    Word(("--inside",), True, "which one of several that the file holds", "several"),
    Word(("--container",), True, "what the stream stands in (`none`: nothing), where the bytes mislead", "stands in"),
    Word(("--walk",), False, "read all of a large stream before anything is said of it", "(?i)read all"),
    Word(("--map",), True, "where a RAM block is in guest-physical memory, if the stream does not say", "RAM block"),
    Word(("--index",), True, "an index to use, wherever it lies", "index"),
    Word(("--to",), True, "the destination's -dump-vmstate", "-dump-vmstate"),
    Word(("--to-stream",), True, "a stream that the destination saved", "saved"),
    Word(("--release",), True, "the destination's release, such as 10.0", "release"),
    Word(("--cap",), True, "a migration capability that is on there; once for each", "capability"),
)  # fmt: skip


class Option(click.Option):
    """An option that answers to other spellings, too, which help and completion do not list.

    Parameters
    ----------
    also : the other spellings: American ones, and what it was called before
    """

    def __init__(
        self, declarations: Sequence[str], *, also: Sequence[str] = (), **rest: Any
    ) -> None:
        super().__init__(declarations, **rest)
        self.also = tuple(also)

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        listed = self.opts
        self.opts = [*listed, *self.also]
        try:
            super().add_to_parser(parser, ctx)
        finally:
            self.opts = listed


# --- how a verb prints -----------------------------------------------------------------------------


def verbose_option(words: str = "Say all that is known.") -> click.Option:
    """`-v`."""
    return click.Option(["-v", "--verbose"], is_flag=True, help=words)


def output_options(*, lines: bool = False, json: str = "Print JSON.") -> list[click.Parameter]:
    """What says how a verb prints: what `Out` takes; with `lines` also a line of JSON for each thing."""
    ndjson = click.Option(
        ["--ndjson"], is_flag=True, help="Print a line of JSON for each as it is found."
    )
    return [
        click.Option(["--json", "as_json"], is_flag=True, help=json),
        *([ndjson] if lines else []),
        Option(
            ["--color"],
            also=["--colour"],
            type=click.Choice(["auto", "always", "never"]),
            default="auto",
            help="Colour; auto: on a terminal, unless NO_COLOR is set.",
        ),
        verbose_option(),
    ]


def all_option(words: str) -> click.Option:
    """`--all`: do not cut; the value is called everything."""
    return click.Option(["--all", "everything"], is_flag=True, help=words)


def hex_option() -> click.Option:
    """`-x`; the value is called hexadecimal."""
    return click.Option(
        ["-x", "--hex", "hexadecimal"], is_flag=True, help="Numbers in hexadecimal."
    )


# --- what it writes --------------------------------------------------------------------------------


def _force(ctx: click.Context, _: click.Parameter, given: bool) -> bool:
    ctx.meta[FORCED] = given
    return given


def force_option(words: str = "Replace what is there.", *, expose: bool = True) -> click.Option:
    """`--force`, which is known before the options that it allows something to."""
    return click.Option(
        ["--force"],
        is_flag=True,
        is_eager=True,
        callback=_force,
        expose_value=expose,
        help=words,
    )


def _unless_terminal(what: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """A callback that refuses to write bytes to a terminal, which would obey some of them."""

    def callback(ctx: click.Context, _: click.Parameter, given: Any) -> Any:
        if given in (True, STDOUT) and sys.stdout.isatty() and not ctx.meta.get(FORCED):
            raise click.UsageError(
                f"{what} is not written to a terminal: redirect it (> FILE, | xxd), or say --force",
                ctx,
            )
        return given

    return callback


def output_option(
    words: str, *, required: bool = False, metavar: str | None = None
) -> click.Option:
    """`-o`, of a verb that writes one file: `-` is standard output (`cli.sending.target`)."""
    return click.Option(
        ["-o", "--output"],
        type=click.Path(allow_dash=True),
        required=required,
        metavar=metavar,
        callback=_unless_terminal("a file of bytes"),
        help=words,
    )


def printed(_ctx: click.Context, _: click.Parameter, output: str | None) -> str | None:
    """Callback of the `-o` of a verb that prints text where nothing is written: `-` is none at all."""
    return None if output == STDOUT else output


def raw_options(words: str = "The raw bytes.") -> list[click.Parameter]:
    """`-r`, of a verb that prints a result, and the `--force` that lets it write to a terminal."""
    return [
        click.Option(
            ["-r", "--raw"], is_flag=True, callback=_unless_terminal("what is raw"), help=words
        ),
        force_option("With -r: write to a terminal, too.", expose=False),
    ]


# --- what it reads ---------------------------------------------------------------------------------


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

    `container` is the option that says what it stands in, for a verb whose result stands in one, too.
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
            shell_complete=streams_inside,
            help="Which one of several that STREAM holds: a snapshot's id or name, a connection.",
        ),
        click.Option(
            [container, "container"],
            metavar="KIND",
            shell_complete=containers,
            help="What the stream stands in (none: nothing), where the bytes mislead.",
        ),
        click.Option(
            ["--walk"],
            is_flag=True,
            help="Read all of a large stream before anything is said of it.",
        ),
    ]


def block_option(words: str, *declarations: str, multiple: bool = False) -> click.Option:
    """`--block`: a RAM block by its name."""
    return click.Option(
        ["--block", *declarations],
        type=unescape,
        multiple=multiple,
        metavar="NAME",
        shell_complete=ram_blocks,
        help=words,
    )


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
    shell_complete=ram_blocks,
    help="Where a RAM block is in guest-physical memory, if the stream does not say.",
)
