"""A head of a display, and what is needed of the guest to draw it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

import msgspec

from migstream.errors import Unsupported
from migstream.machine.state import State, child
from migstream.names import brief

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from migstream.machine.physical import PhysicalMemory
    from migstream.vmstate.values import Value

    Picture = NDArray[np.uint8]

__all__ = ["MOST", "Bytes", "Display", "Guest", "Head", "held", "sized"]

MOST = 1 << 26  # pixels: twice what 8K has


class Bytes(Protocol):
    """Bytes that are read in pieces (`ram.image.Block`)."""

    @property
    def size(self) -> int: ...
    def read(self, start: int, stop: int) -> bytes: ...


class Guest(State, Protocol):
    """A guest's state and its memory. `Stream` fits."""

    @property
    def ram(self) -> Mapping[str, Bytes]: ...
    @property
    def memory(self) -> PhysicalMemory: ...


class Display(msgspec.Struct, frozen=True, kw_only=True):
    """A head of a display device.

    `width` and `height` are in pixels; `columns` and `rows` are a text mode's. `on` is false where it shows
    nothing, and `mode` says why. `memory` is the RAM block with its pixels, empty where they are in the
    device's own state. `damage` says why it cannot be drawn, empty where it can.
    """

    device: str
    head: int
    mode: str
    width: int = 0
    height: int = 0
    columns: int | None = None
    rows: int | None = None
    on: bool = False
    memory: str = ""
    damage: str = ""


class Head:
    """A display's head that can be drawn.

    Attributes
    ----------
    display : what it is
    text : the characters of a text mode, a line for each row; None in any other
    """

    def __init__(
        self,
        display: Display,
        draw: Callable[[], Picture] | None = None,
        text: Callable[[], list[str]] | None = None,
    ) -> None:
        self.display = display
        self.text = text
        self._draw = draw

    def __repr__(self) -> str:
        one = self.display
        return brief("Head", one.device, one.head, one.mode, f"{one.width}x{one.height}")

    def picture(self) -> Picture:
        """What it shows, as (height, width, 3) of uint8.

        Raises
        ------
        Unsupported : it shows nothing, or more than can be
        """
        one = self.display
        if self._draw is None or one.damage or not one.on:
            raise Unsupported(
                f"{one.device} shows nothing: {one.damage or one.mode}",
                hint="`migstream screen STREAM` lists the displays",
            )
        sized(one.width, one.height)
        return self._draw()


def sized(width: int, height: int) -> None:
    """Refuse what registers claim and no display has."""
    if not 0 < width * height <= MOST:
        raise Unsupported(f"a picture of {width}x{height} pixels")


def held(value: Value, name: str, size: int) -> bytes:
    """The bytes of a field, at least so many; raises where there are fewer."""
    one = child(value, name)
    raw = b"" if one is None else bytes(one.raw)
    if len(raw) < size:
        raise Unsupported(f"{value.path} has no {name} of {size} bytes")
    return raw
