"""`migstream redact`."""

from __future__ import annotations

import click

from migstream.cli.common import Run, verb
from migstream.cli.editing import OUTPUT, edited
from migstream.render.changes import Redact

__all__ = ["command"]


@verb(
    click.Option(
        ["--keep-ram"],
        multiple=True,
        metavar="RANGE",
        help="Guest memory that stays: START-STOP, guest-physical, or BLOCK@START-STOP.",
    ),
    *OUTPUT,
    memory=True,
    answers=(Redact,),
)
def command(
    run: Run, keep_ram: tuple[str, ...], output: str | None, in_place: bool, force: bool
) -> None:
    """A stream for a bug report.

    Guest memory, network addresses, buffers of disks, keyboards and lines, serial numbers and the
    uuid are replaced. It loads as before, and device state decodes. What was wiped is listed.
    Registers and what firmware keeps elsewhere are not touched: look at the result first.
    """
    edited(run, Redact, lambda edit: edit.redact(keep_ram), output, in_place, force)
