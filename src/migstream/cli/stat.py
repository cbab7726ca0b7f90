"""`migstream stat`."""

from __future__ import annotations

from migstream.cli.common import Run, verb
from migstream.cli.options import all_option
from migstream.render.stat import Stat, stat, stat_parts

__all__ = ["command"]


@verb(all_option("Every device, not the largest."), answers=(Stat,))
def command(run: Run, everything: bool) -> None:
    """Where the bytes go: RAM by block and kind, dirty rounds, devices, the downtime part."""
    one = stat(run.stream)
    run.show(lambda: one, stat_parts(one, everything=everything or run.verbose))
    run.damage()
