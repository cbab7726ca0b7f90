"""`migstream console`."""

from __future__ import annotations

import click

from migstream.cli.common import Run, verb
from migstream.cli.completed import completed
from migstream.names import unescape
from migstream.render.screen import Consoles, consoles_parts

__all__ = ["command"]


@verb(
    click.Argument(
        ["device"],
        type=unescape,
        required=False,
        metavar="[DEVICE|kernel]",
        shell_complete=completed("stream_values"),
    ),
    memory=True,
    answers=(Consoles,),
)
def command(run: Run, device: str | None) -> None:
    """The text of the guest's consoles: screens in a text mode, what serial ports hold; `kernel` is its log.

    The log is that of a Linux guest, as dmesg prints it; it is looked for in all of guest memory.

    Characters of a screen are those of code page 437, which a VGA has in its font; a guest may have loaded another.
    """
    from migstream.machine.console import KERNEL, consoles, kernel

    if device == KERNEL:
        found = [kernel(run.stream)]
        run.show(lambda: Consoles(file=run.stream.name, consoles=found), consoles_parts(found))
        return
    path = None if device is None else run.stream.devices[device].path
    found = [one for one in consoles(run.stream) if path in (None, one.device)]
    run.show(
        lambda: Consoles(file=run.stream.name, consoles=found),
        consoles_parts(found),
    )
