"""What displays show, as pictures in the page."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import TYPE_CHECKING

from migstream.errors import MigstreamError
from migstream.export.picture import PNG, encoded
from migstream.machine.console import consoles
from migstream.machine.display import heads
from migstream.render.report.blocks import Block, Picture, Told
from migstream.render.screen import consoles_parts, screen_parts
from migstream.render.text import escape, prose
from migstream.stream import Stream

if TYPE_CHECKING:
    from migstream.machine.display.model import Head

__all__ = ["screen"]

HEADS = 2  # that are shown
PIXELS = 1 << 21  # of one picture: about Full HD; every second, third, ... is taken of more
BYTES = 400 << 10  # of one picture's PNG


def screen(stream: Stream) -> Iterator[Block]:
    """The list of displays, their pictures, and the text on consoles."""
    found = list(heads(stream))
    yield Told(parts=[*screen_parts([one.display for one in found])])
    on = [one for one in found if one.display.on and not one.display.damage]
    for one in on[:HEADS]:
        try:
            yield _picture(one)
        except MigstreamError as error:
            hint = f": {prose(error.hint)}" if error.hint else ""
            yield Told(parts=[f"{prose(error.message)}{hint}"])
    told = list(consoles(stream))
    if told:
        yield Told(summary="Text on consoles", parts=[*consoles_parts(told)], unfolded=True)


def _picture(one: Head) -> Picture:
    """Its picture, smaller where it would take too much of the page."""
    picture = one.picture()
    high, wide, _ = picture.shape
    step = 1
    while high * wide > PIXELS * step * step:
        step += 1
    data = encoded(picture[::step, ::step].copy(), PNG)
    while len(data) > BYTES:
        step += 1
        data = encoded(picture[::step, ::step].copy(), PNG)
    display = one.display
    smaller = "" if step == 1 else f", every pixel of {step} in each direction"
    return Picture(
        title=f"{escape(display.device)} head {display.head}, {wide}x{high}, {escape(display.mode)}{smaller}",
        url=f"data:image/png;base64,{b64encode(data).decode()}",
        width=-(-wide // step),
        height=-(-high // step),
    )
