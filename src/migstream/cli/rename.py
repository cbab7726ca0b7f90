"""`migstream rename`."""

from __future__ import annotations

import click

from migstream.cli.common import Run, verb
from migstream.cli.completed import completed
from migstream.cli.editing import OUTPUT, edited
from migstream.names import unescape
from migstream.render.changes import Rename

__all__ = ["command"]


@verb(
    click.Argument(
        ["path"], type=unescape, metavar="PATH", shell_complete=completed("stream_values")
    ),
    click.Argument(["name"], type=unescape, metavar="NAME"),
    *OUTPUT,
    memory=True,
    later=True,
    answers=(Rename,),
)
def command(
    run: Run, path: str, name: str, output: str | None, in_place: bool, force: bool
) -> None:
    """A stream in which a device, subsection or RAM block (ram/BLOCK) is called NAME.

    A device's NAME may give its instance id too: NAME[INSTANCE].
    """
    edited(run, Rename, lambda edit: edit.rename(path, name), output, in_place, force)
