"""`migstream static-checker`."""

from __future__ import annotations

import sys
from typing import Any

import click

from migstream.cli.common import Out, Verb, guarded
from migstream.cli.destination import schema_at
from migstream.cli.options import output_options
from migstream.render.schemas import SchemaAnswer, schema_parts, schemas

__all__ = ["command"]


class StaticChecker(SchemaAnswer, tag="static-checker", frozen=True, kw_only=True):
    """Two schemas held against each other; what only the destination has is no difference.

    The machines are those that the files name, empty where one names none.
    """


@click.command("static-checker", cls=Verb, answers=(StaticChecker,))
@click.option(
    "-s", "--src", "source", required=True, metavar="SRC", help="-dump-vmstate of the source."
)
@click.option(
    "-d", "--dest", "destination", required=True, metavar="DEST", help="That of the destination."
)
@click.option("--reverse", is_flag=True, help="The other direction.")
def command(source: str, destination: str, reverse: bool, **printing: Any) -> None:
    """Two -dump-vmstate files held against each other, with the flags of QEMU's own script.

    Real breaks, what depends on the guest, and what is the same bytes under other names. Exit status: 0 no
    break, 1 any.
    """
    if reverse:
        source, destination = destination, source

    def work() -> None:
        from migstream.analysis.compat.schemas import check_schemas

        report = check_schemas(schema_at(source), schema_at(destination))
        Out(**printing).show(lambda: schemas(report, StaticChecker), schema_parts(report))
        sys.stdout.flush()
        sys.exit(report.exit_status)

    guarded(work, source)


command.params += output_options()
