"""`migstream queue`."""

from __future__ import annotations

import click

from migstream.cli.common import Run, verb
from migstream.cli.completed import completed
from migstream.cli.options import all_option
from migstream.names import unescape
from migstream.render.queue import Queues, queue_parts, queues_answer, queues_parts

__all__ = ["command"]


@verb(
    click.Argument(
        ["device"], type=unescape, metavar="DEVICE", shell_complete=completed("stream_values")
    ),
    click.Argument(["number"], type=click.IntRange(0), required=False, metavar="[N]"),
    click.Option(["--contents"], is_flag=True, help="The bytes of the buffers, too."),
    all_option("All bytes of every buffer, not the first 256."),
    memory=True,
    answers=(Queues,),
)
def command(run: Run, device: str, number: int | None, contents: bool, everything: bool) -> None:
    """The virtqueues of a device, read out of guest memory; of queue N every request in it.

    A chain of buffers waits for the device, or is in flight: the device has taken it and not given it back.
    `driver's` and `device's` are where each of the two writes.
    """
    from migstream.machine.arch import architecture
    from migstream.machine.virtqueue import queue, queues

    found = run.stream.devices[device]
    memory, guest = run.stream.memory, architecture(run.stream)
    if number is None:
        every = queues(memory, found.value, architecture=guest)
        run.show(
            lambda: queues_answer(run.stream.name, found.path, every, chains=False),
            queues_parts(every),
        )
        return
    one = queue(memory, found.value, number, architecture=guest)
    run.show(
        lambda: queues_answer(run.stream.name, found.path, [one], chains=True),
        queue_parts(one, memory, contents=contents or everything, everything=everything),
    )
