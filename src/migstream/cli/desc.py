"""`migstream desc`."""

from __future__ import annotations

import click

from migstream.cli.common import Run, verb
from migstream.cli.completed import completed
from migstream.cli.options import raw_options
from migstream.render.description import description_parts, description_text

__all__ = ["command"]


@verb(
    *raw_options("The exact bytes of the stream."),
    click.Option(
        ["-f", "--format", "form"],
        metavar="FORMAT",
        shell_complete=completed("languages"),
        help="The form: declarations for jsonschema, c, python, kaitai, imhex, wireshark.",
    ),
)
def command(run: Run, raw: bool, form: str | None) -> None:
    """The JSON description of the stream's devices, one entry on a line.

    Keys that an object has more than once are kept, in their order. With --format what it says as declarations
    in another language, of every device's state in this stream, at its places.
    """
    if form is not None:
        _declared(run, form, raw=raw)
        return
    text = description_text(run.stream)
    if raw:
        run.write(text)
    else:
        run.print(description_parts(text))


def _declared(run: Run, form: str, *, raw: bool) -> None:
    from migstream.export.shapes import FORMATS
    from migstream.export.shapes.model import shapes

    if raw:
        raise click.UsageError("--raw is the description itself: not together with --format")
    write = FORMATS.find(form)
    if write is None:
        raise click.BadParameter(
            f"{form!r} is none of {', '.join(FORMATS.names())}", param_hint="--format"
        )
    structs, places = shapes(run.stream)
    run.print(write(structs, places))
