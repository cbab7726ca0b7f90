"""`migstream rename`."""

from __future__ import annotations

import click

from migstream.cli.common import Run, verb
from migstream.cli.editing import OUTPUT, edited
from migstream.names import unescape

__all__ = ["command"]


@verb(
    click.Argument(["path"], type=unescape, metavar="PATH"),
    click.Argument(["name"], type=unescape, metavar="NAME"),
    *OUTPUT,
    memory=True,
)
def command(
    run: Run, path: str, name: str, output: str | None, in_place: bool, force: bool
) -> None:
    """A stream in which a device, subsection or RAM block (ram/BLOCK) is called NAME.

    A device's NAME may give its instance id too: NAME[INSTANCE].
    """
    edited(run, lambda edit: edit.rename(path, name), output, in_place, force)
