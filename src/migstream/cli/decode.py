"""`migstream decode`."""

from __future__ import annotations

import click

from migstream.cli.common import Run, verb
from migstream.render.shape import decoded

__all__ = ["command"]


@verb(click.Option(["--pretty"], is_flag=True, help="Indented, not in one line."))
def command(run: Run, pretty: bool) -> None:
    """The whole device state as JSON (docs/decode.md); guest memory is not read."""
    import sys

    run.emit(decoded(run.stream), pretty=pretty or sys.stdout.isatty())
