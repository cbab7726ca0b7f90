"""`migstream stat`."""

from __future__ import annotations

from migstream.cli.common import Run, verb
from migstream.render.stat import stat_lines, stat_table

__all__ = ["command"]


@verb()
def command(run: Run) -> None:
    """Where the bytes go: RAM by block and kind, dirty rounds, devices, the downtime part."""
    table = stat_table(run.stream)
    if run.as_json:
        run.emit(table)
    else:
        run.print(stat_lines(table, run.palette, verbose=run.verbose))
    run.damage()
