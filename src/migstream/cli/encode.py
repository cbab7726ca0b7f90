"""`migstream encode`."""

from __future__ import annotations

import inspect
from typing import Any

import click

from migstream.cli.common import Out, Verb, guarded, watching
from migstream.cli.options import force_option, output_option, output_options
from migstream.cli.sending import target
from migstream.render.written import Written, written_line

__all__ = ["command"]


class Encode(Written, tag="encode", frozen=True, kw_only=True):
    """The stream that was written."""


def _command(folder: str, output: str, original: str | None, force: bool, **printing: Any) -> None:
    """Write the stream of a folder that `migstream decode --full` made and a person edited.

    Where nothing was changed, its bytes are those of the stream that was decoded. What cannot be
    written is refused with its place: exit status 2, and nothing is left behind.
    """

    def work() -> None:
        from migstream.document.folder import encode

        out = Out(**printing)
        with target(out, output) as path:
            size = encode(folder, path, original=original, replace=force, watch=watching())
            made = Encode(output=output, size=size)
            out.show(lambda: made, [written_line(made)])

    guarded(work, folder)


command = Verb(
    "encode",
    callback=_command,
    help=inspect.cleandoc(_command.__doc__ or ""),
    answers=(Encode,),
    params=[
        click.Argument(["folder"], type=click.Path(), metavar="DIR"),
        output_option("The stream to write; - is standard output.", required=True),
        click.Option(
            ["--original"],
            type=click.Path(),
            metavar="STREAM",
            help="Where the stream is now that DIR refers to (decode --no-ram), if it was moved.",
        ),
        force_option(),
        *output_options(),
    ],
)
