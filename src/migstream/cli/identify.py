"""`migstream identify`."""

from __future__ import annotations

from migstream.cli.common import Run, begun, verb
from migstream.render.identified import Identified, identified, identified_parts

__all__ = ["command"]


@verb(answers=(Identified,))
def command(run: Run) -> None:
    """Which QEMU wrote this: release, whose build, target, accelerator, CPU.

    Each fact in the stream that not every release writes narrows the releases down; those that begin
    and end the answer are listed with their places, -v lists all. A damaged stream is taken as far as it goes.
    """
    from migstream.analysis.identify.writer import identify

    stream = run.stream
    begun(stream)
    one = identify(stream)
    run.show(lambda: identified(stream.name, one), identified_parts(one, verbose=run.verbose))
    if stream.walked:
        run.damage()
