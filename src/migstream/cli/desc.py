"""`migstream desc`."""

from __future__ import annotations

from migstream.cli.common import Run, verb
from migstream.cli.options import raw_options
from migstream.render.description import description_parts, description_text

__all__ = ["command"]


@verb(*raw_options("The exact bytes of the stream."))
def command(run: Run, raw: bool) -> None:
    """The JSON description of the stream's devices, one entry on a line.

    Keys that an object has more than once are kept, in their order.
    """
    text = description_text(run.stream)
    if raw:
        run.write(text)
    else:
        run.print(description_parts(text))
