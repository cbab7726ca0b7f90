"""`migstream static-checker`."""

from __future__ import annotations

import sys

import click

from migstream.cli.common import guarded
from migstream.cli.printing import print_json
from migstream.render.text import Palette

__all__ = ["command"]


@click.command("static-checker")
@click.option(
    "-s", "--src", "source", required=True, metavar="SRC", help="-dump-vmstate of the source."
)
@click.option(
    "-d", "--dest", "destination", required=True, metavar="DEST", help="That of the destination."
)
@click.option("--reverse", is_flag=True, help="The other direction.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(source: str, destination: str, reverse: bool, as_json: bool) -> None:
    """Two -dump-vmstate files held against each other, with the flags of QEMU's own script.

    Real breaks, what depends on the guest, and what is the same bytes under other names. Exit status: 0 no
    break, 1 any.
    """
    if reverse:
        source, destination = destination, source

    def work() -> None:
        from migstream.analysis.compat.schemas import check_schemas
        from migstream.render.compat import schema_lines
        from migstream.vmstate.schema import open_schema

        report = check_schemas(open_schema(source), open_schema(destination))
        if as_json:
            from migstream.render.shape import to_json

            print_json(to_json(report, pretty=True))
        else:
            sys.stdout.writelines(line + "\n" for line in schema_lines(report, Palette()))
        sys.stdout.flush()
        sys.exit(report.exit_status)

    guarded(work, source)
