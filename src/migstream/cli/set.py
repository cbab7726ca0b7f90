"""`migstream set`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from migstream.cli.common import Run, verb
from migstream.cli.completed import completed
from migstream.cli.editing import OUTPUT, edited
from migstream.names import unescape
from migstream.render.changes import Set

if TYPE_CHECKING:
    from migstream.edit.change import Edit

__all__ = ["command"]


def _pair(text: str) -> tuple[str, str]:
    path, equals, value = text.partition("=")
    if not equals or not path:
        raise click.UsageError(f"{text!r} is not PATH=VALUE")
    return unescape(path), value


@verb(
    click.Argument(
        ["assignments"],
        nargs=-1,
        metavar="[PATH=VALUE]...",
        shell_complete=completed("assignments"),
    ),
    click.Option(["--machine"], metavar="NAME", help="Name another machine type."),
    click.Option(
        ["--capabilities"],
        metavar="LIST",
        help="Record these capabilities, with commas between; none where LIST is empty.",
    ),
    click.Option(
        ["--order"],
        metavar="LIST",
        help="Devices, with commas between, that are to stand in this order in their places.",
    ),
    *OUTPUT,
    memory=True,
    later=True,
    answers=(Set,),
)
def command(
    run: Run,
    assignments: tuple[str, ...],
    machine: str | None,
    capabilities: str | None,
    order: str | None,
    output: str | None,
    in_place: bool,
    force: bool,
) -> None:
    """A stream with other values.

    VALUE is a number in decimal or with 0x, `true`, `not armed`, hexadecimal or quoted text for
    bytes; the elements of an array have commas between. Guest memory is ram/BLOCK@OFFSET=HEX.
    The result describes itself again, is read again, and what was changed is listed.
    """
    if not assignments and machine is capabilities is order is None:
        raise click.UsageError(
            "nothing to change: say PATH=VALUE, --machine, --capabilities or --order"
        )
    pairs = [_pair(text) for text in assignments]

    def change(edit: Edit) -> None:
        for path, value in pairs:
            edit.set(path, value)
        if machine is not None:
            edit.machine(machine)
        if capabilities is not None:
            edit.capabilities([name for name in capabilities.split(",") if name])
        if order is not None:
            edit.order(order.split(","))

    edited(run, Set, change, output, in_place, force)
