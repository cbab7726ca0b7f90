"""`migstream registers`."""

from __future__ import annotations

import click

from migstream.cli.common import Run, verb
from migstream.cli.options import all_option
from migstream.errors import NoSuchPath
from migstream.machine.registers.read import registers
from migstream.render.registers.table import Registers, cpu_parts

__all__ = ["command"]


@verb(
    click.Option(["--cpu"], type=click.IntRange(min=0), metavar="N", help="Only this CPU, from 0."),
    all_option("Every other register too, by name."),
    answers=(Registers,),
)
def command(run: Run, cpu: int | None, everything: bool) -> None:
    """The registers of every virtual CPU, as QEMU's `info registers` prints them."""
    found = registers(run.stream)
    if cpu is not None:
        if cpu >= len(found):
            raise NoSuchPath(f"there is no CPU {cpu}", hint=f"CPUs are 0 to {len(found) - 1}")
        found = found[cpu : cpu + 1]
    run.show(
        lambda: Registers(file=run.stream.name, cpus=[*found]),
        (part for one in found for part in cpu_parts(one, everything=everything)),
    )
