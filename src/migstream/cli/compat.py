"""`migstream compat`."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from migstream.cli.common import Run, verb
from migstream.stream import open_stream

if TYPE_CHECKING:
    from migstream.analysis.compat_destination import Destination, Version

__all__ = ["command"]


def _release(text: str | None) -> Version | None:
    from migstream.edit.rules import parse_release

    try:
        return None if text is None else parse_release(text)[:2]
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--release") from None


def _destination(
    stack: ExitStack,
    schema: str | None,
    other: str | None,
    qemu: str | None,
    arguments: tuple[str, ...],
    release: Version | None,
) -> Destination:
    from migstream.analysis.compat_destination import Destination
    from migstream.analysis.schema import open_schema

    label = ""
    if qemu is not None:
        from migstream.analysis.compat_qemu import ask

        asked = stack.enter_context(ask(qemu, arguments))
        schema, other = schema or str(asked.schema), other or str(asked.stream)
        release, label = release or asked.release, qemu
    return Destination(
        None if schema is None else open_schema(schema),
        None if other is None else stack.enter_context(open_stream(other)),
        release,
        label,
    )


@verb(
    click.Argument(["arguments"], nargs=-1, metavar="[-- QEMU-ARGUMENTS...]"),
    click.Option(["--to", "schema"], metavar="SCHEMA", help="The destination's -dump-vmstate."),
    click.Option(
        ["--to-stream", "other"],
        metavar="OTHER",
        help="A stream that the destination saved, started as it will be for the load.",
    ),
    click.Option(
        ["--to-qemu", "qemu"],
        metavar="PATH",
        help="Ask this QEMU for both, started with the arguments behind --.",
    ),
    click.Option(["--release"], metavar="VERSION", help="The destination's release, such as 10.0."),
    click.Option(
        ["--accept"], type=click.Path(), metavar="FILE", help="Breaks that were accepted (TOML)."
    ),
)
def command(
    run: Run,
    arguments: tuple[str, ...],
    schema: str | None,
    other: str | None,
    qemu: str | None,
    release: str | None,
    accept: str | None,
) -> None:
    """Whether a stream will load in another QEMU.

    The load is played section by section: versions, fields by their bytes, subsections, RAM blocks,
    the machine, and what devices check by themselves. --to and --to-stream add to each other; a
    stream says more. Exit status: 0 QEMU would accept it, 1 it would not.
    """
    if schema is None and other is None and qemu is None:
        raise click.UsageError("say where to: --to SCHEMA, --to-stream OTHER or --to-qemu PATH")
    if arguments and qemu is None:
        raise click.UsageError("arguments behind -- are for --to-qemu")
    from migstream.analysis.breaks import read_breaks
    from migstream.analysis.compat import compat
    from migstream.render.compat import report_json, report_lines

    with ExitStack() as stack:
        to = _destination(stack, schema, other, qemu, arguments, _release(release))
        report = compat(run.stream, to, read_breaks(accept) if accept is not None else ())
        if run.as_json:
            run.emit(report_json(report))
        else:
            run.print(report_lines(report, run.palette, verbose=run.verbose))
    run.damage(run.stream.noticed)
    sys.exit(report.exit_status)
