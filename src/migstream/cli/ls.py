"""`migstream ls`."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

import click

from migstream.cli.common import Run, begun, verb
from migstream.render.items import (
    ItemLine,
    Items,
    Row,
    channel_rows,
    device_rows,
    item_lines,
    item_parts,
    item_rows,
)
from migstream.render.recorded import recorded_rows

__all__ = ["command"]


@verb(
    click.Option(["--devices"], is_flag=True, help="Devices only; guest memory is not read."),
    any_source=True,
    answers=(Items,),
    lines=((ItemLine, Row),),
)
def command(run: Run, devices: bool) -> None:
    """Every item of the stream in its order: offset, size, kind, section id, name, version.

    What a package holds is indented. A recorded return path is listed by its messages, a
    multifd channel by its packets; channels named with --channel follow the stream.
    """
    stream = run.stream
    back = None if devices else recorded_rows(stream)
    rows: Iterable[Row]
    if back is not None:
        rows, error = back
    else:
        begun(stream)
        rows = device_rows(stream) if devices else chain(item_rows(stream), channel_rows(stream))
        error = None
    run.show(
        lambda: Items(file=stream.name, items=[*rows]),
        item_parts(rows),
        item_lines(stream.name, rows),
    )
    if error is not None:
        raise error
    if back is None and not devices:
        run.damage()
