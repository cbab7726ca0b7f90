"""`migstream registers`."""

from __future__ import annotations

import click

from migstream.cli.common import Run, verb

__all__ = ["command"]


@verb(
    click.Option(["--cpu"], type=click.IntRange(min=0), metavar="N", help="Only this CPU, from 0."),
    click.Option(["--all", "everything"], is_flag=True, help="Every other register too, by name."),
)
def command(run: Run, cpu: int | None, everything: bool) -> None:
    """The registers of every virtual CPU, as QEMU's `info registers` prints them."""
    from migstream.errors import NoSuchPath
    from migstream.machine.registers.read import registers
    from migstream.render.registers.table import cpu_json, cpu_lines

    found = registers(run.stream)
    if cpu is not None:
        if cpu >= len(found):
            raise NoSuchPath(f"there is no CPU {cpu}", hint=f"CPUs are 0 to {len(found) - 1}")
        found = found[cpu : cpu + 1]
    if run.as_json:
        run.emit([cpu_json(one) for one in found])
        return
    for one in found:
        run.print(cpu_lines(one, everything=everything))
