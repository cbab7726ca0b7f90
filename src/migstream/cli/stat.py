"""`migstream stat`."""

from __future__ import annotations

from migstream.cli.common import Run, verb
from migstream.render.stat import Stat, stat, stat_parts

__all__ = ["command"]


@verb(answers=(Stat,))
def command(run: Run) -> None:
    """Where the bytes go: RAM by block and kind, dirty rounds, devices, the downtime part."""
    one = stat(run.stream)
    run.show(lambda: one, stat_parts(one, verbose=run.verbose))
    run.damage()
