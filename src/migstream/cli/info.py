"""`migstream info`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from migstream.cli.common import Run, begun, verb
from migstream.cli.options import all_option
from migstream.render.info import (
    Info,
    Recording,
    info,
    info_parts,
    recording,
    recording_parts,
)
from migstream.render.recorded import recorded_rows

if TYPE_CHECKING:
    from migstream.render.guest import Guest
    from migstream.stream import Stream

__all__ = ["command"]


@verb(
    all_option("Every device, not the largest."),
    click.Option(
        ["--guest"],
        is_flag=True,
        help="What is in guest memory: firmware's tables, kernel, command line.",
    ),
    any_source=True,
    spooled_for="guest",
    answers=(Info, Recording),
)
def command(run: Run, everything: bool, guest: bool) -> None:
    """What this is: container, machine, devices, RAM blocks, sizes.

    Instant on a file of any size: guest memory is walked up to 256 MiB, or where the end of the file
    may be another stream's (--walk: always). Of a recorded return path or multifd channel it says how
    much of what it holds.
    """
    stream = run.stream
    back = recorded_rows(stream)
    if back is not None:
        rows, error = back
        told = recording(stream, rows)
        run.show(lambda: told, recording_parts(told))
        if error is not None:
            raise error
        return
    begun(stream)
    walked = stream.walked
    one = info(stream, walked=walked, inside=_guest(stream) if guest else None)
    run.show(
        lambda: one, info_parts(one, verbose=run.verbose, everything=everything or run.verbose)
    )
    if walked or guest:
        run.damage()


def _guest(stream: Stream) -> Guest:
    from migstream.render.guest import guest

    return guest(stream)
