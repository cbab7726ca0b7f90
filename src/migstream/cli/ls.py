"""`migstream ls`."""

from __future__ import annotations

import click

from migstream.cli.common import Run, begun, verb
from migstream.render.items import (
    Items,
    channel_rows,
    device_rows,
    item_parts,
    item_rows,
    recorded_rows,
)

__all__ = ["command"]


@verb(
    click.Option(["--devices"], is_flag=True, help="Devices only; guest memory is not read."),
    any_source=True,
    answers=(Items,),
)
def command(run: Run, devices: bool) -> None:
    """Every item of the stream in its order: offset, size, kind, section id, name, version.

    What a package holds is indented. A recorded return path is listed by its messages, a
    multifd channel by its packets; channels named with --channel follow the stream.
    """
    back = None if devices else recorded_rows(run.stream)
    if back is not None:
        rows, error = back
    else:
        begun(run.stream)
        rows, error = (device_rows if devices else item_rows)(run.stream), None
        if not devices:
            rows += channel_rows(run.stream)
    run.show(lambda: Items(file=run.stream.name, items=rows), item_parts(rows))
    if error is not None:
        raise error
    if back is None and not devices:
        run.damage()
