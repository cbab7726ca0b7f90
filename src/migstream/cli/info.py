"""`migstream info`."""

from __future__ import annotations

from migstream.cli.common import Run, begun, verb
from migstream.render.info import info_lines, info_table, recorded_lines, recorded_table
from migstream.render.items import recorded_rows

__all__ = ["command"]


@verb(any_source=True)
def command(run: Run) -> None:
    """What this is: container, machine, devices, RAM blocks, sizes.

    Instant on a file of any size: guest memory is walked up to 256 MiB, or where the end of the file
    may be another stream's (--walk: always). Of a recorded return path or multifd channel it says how
    much of what it holds.
    """
    stream = run.stream
    back = recorded_rows(stream)
    if back is not None:
        rows, error = back
        table = recorded_table(stream, rows)
        if run.as_json:
            run.emit(table)
        else:
            run.print(recorded_lines(table, run.palette))
        if error is not None:
            raise error
        return
    begun(stream)
    walked = stream.walked
    table = info_table(stream, walked=walked)
    if run.as_json:
        run.emit(table)
    else:
        run.print(info_lines(table, run.palette))
    if walked:
        run.damage()
