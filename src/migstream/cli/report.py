"""`migstream report`."""

from __future__ import annotations

from contextlib import ExitStack

import click

from migstream.cli.common import Run, naming, verb, watching
from migstream.cli.options import force_option, output_option
from migstream.cli.sending import only_bytes, target
from migstream.render.report.answer import Report, report_parts

__all__ = ["command"]


@verb(
    output_option("The page to make; - is standard output.", required=True),
    click.Option(
        ["--diff", "older"],
        type=click.Path(),
        metavar="OLDER",
        help="And what changed from another stream to STREAM.",
    ),
    force_option(),
    memory=True,
    answers=(Report,),
)
def command(run: Run, output: str, older: str | None, force: bool) -> None:
    """One page about a stream, complete in itself, to look at in a browser and to send to others.

    What info, check, stat, tree, show, registers and screen say, with pictures: where everything is in
    the stream, which device takes how much, what of guest memory is there, what was sent again. It
    loads nothing and needs no server. `report --diff A B` is about B, and what changed from A.
    """
    from migstream.render.report.page import page
    from migstream.source.output import new_file, write_at
    from migstream.stream import open_anything

    only_bytes(run, output)
    with ExitStack() as stack:
        # what may not be written is said before everything is read
        path = stack.enter_context(target(run, output))
        before = None
        if older is not None:
            with naming(older):
                opened = open_anything(older, spool=True, watch=watching())
                before = stack.enter_context(opened)
                if before.not_begun is not None:
                    raise before.not_begun
        with new_file(path, replace=force) as fd:
            made = page(run.stream, older=before)
            write_at(fd, [made.data], 0)
        size, left_out = len(made.data), made.left_out
        run.show(
            lambda: Report(file=run.stream.name, output=output, size=size, left_out=left_out),
            report_parts(output, size, left_out),
        )
    run.damage()
