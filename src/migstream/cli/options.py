"""The options that several verbs have, each declared here once. What they mean is in `cli.vocabulary`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from migstream.cli import terminal
from migstream.cli.completed import completed
from migstream.names import unescape

__all__ = [
    "INDEX",
    "MAPS",
    "OFFSET",
    "STDOUT",
    "Option",
    "all_option",
    "as_is_option",
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
        *terminal.options(),
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


def force_option(words: str = "Replace what is there.", *, expose: bool = True) -> click.Option:
    """`--force`, which is known before the options that it allows something to."""
    return click.Option(
        ["--force"],
        is_flag=True,
        is_eager=True,
        callback=terminal.keep(FORCED),
        expose_value=expose,
        help=words,
    )


def _unless_terminal(what: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """A callback that refuses to write bytes to a terminal, which would obey some of them."""

    def callback(ctx: click.Context, _: click.Parameter, given: Any) -> Any:
        if (
            given in (True, STDOUT)
            and terminal.is_terminal(sys.stdout)
            and not ctx.meta.get(FORCED)
        ):
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


def raw_options(
    words: str = "The raw bytes.", force: click.Option | None = None
) -> list[click.Parameter]:
    """`-r`, of a verb that prints a result, and the `--force` that lets it write to a terminal."""
    return [
        click.Option(
            ["-r", "--raw"], is_flag=True, callback=_unless_terminal("what is raw"), help=words
        ),
        force or force_option("With -r: write to a terminal, too.", expose=False),
    ]


def as_is_option() -> click.Option:
    """`--no-names`, of a verb that prints values; `cli.common.with_stream` takes it."""
    words = "Numbers as they are, without names; blobs are not gone into."
    return Option(["--no-names", "as_is"], also=["--raw"], is_flag=True, help=words)


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
            shell_complete=completed("streams_inside"),
            help="Which one of several that STREAM holds: a snapshot's id or name, a connection.",
        ),
        click.Option(
            [container, "container"],
            metavar="KIND",
            shell_complete=completed("containers"),
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
        shell_complete=completed("ram_blocks"),
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
    shell_complete=completed("ram_blocks"),
    help="Where a RAM block is in guest-physical memory, if the stream does not say.",
)
