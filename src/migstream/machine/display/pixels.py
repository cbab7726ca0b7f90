"""Bytes of video memory to pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from migstream.machine.display.model import Bytes, Picture

__all__ = ["FORMATS", "Format", "framebuffer", "gather", "rgb", "vga_format"]

PAGE = 4096


class Format(NamedTuple):
    """How a pixel lies in memory.

    Of 3 and 4 bytes `fields` are the places of the bytes of red, green and blue; of 2 how far each is shifted, and
    its bits.
    """

    size: int
    fields: tuple[int, ...]
    bits: tuple[int, ...] = ()
    order: str = "<"


# Named as their bytes follow each other in memory, as VIRTIO does.
FORMATS = {
    "B8G8R8X8": Format(4, (2, 1, 0)),
    "X8R8G8B8": Format(4, (1, 2, 3)),
    "R8G8B8X8": Format(4, (0, 1, 2)),
    "X8B8G8R8": Format(4, (3, 2, 1)),
    "B8G8R8": Format(3, (2, 1, 0)),
    "R8G8B8": Format(3, (0, 1, 2)),
    "RGB565": Format(2, (11, 5, 0), (5, 6, 5)),
    "RGB565 BE": Format(2, (11, 5, 0), (5, 6, 5), ">"),
    "RGB555": Format(2, (10, 5, 0), (5, 5, 5)),
    "RGB555 BE": Format(2, (10, 5, 0), (5, 5, 5), ">"),
}
# What a depth of VGA's is: little-endian, big-endian.
DEPTHS = {
    15: ("RGB555", "RGB555 BE"),
    16: ("RGB565", "RGB565 BE"),
    24: ("B8G8R8", "R8G8B8"),
    32: ("B8G8R8X8", "X8R8G8B8"),
}


def vga_format(depth: int, *, big: bool) -> Format:
    """The pixels of a depth of 15 bits and more."""
    return FORMATS[DEPTHS[depth][big]]


def rgb(raw: NDArray[np.uint8], form: Format) -> Picture:
    """Rows of pixels as colours; bits are spread as pixman does: the highest once more below."""
    height = raw.shape[0]
    if form.size > 2:
        return np.ascontiguousarray(raw.reshape(height, -1, form.size)[:, :, list(form.fields)])
    pixels = np.ascontiguousarray(raw).view(f"{form.order}u2")
    out = np.empty((*pixels.shape, 3), np.uint8)
    for n, (shift, bits) in enumerate(zip(form.fields, form.bits, strict=True)):
        field = pixels >> shift & (1 << bits) - 1
        out[:, :, n] = field << 8 - bits | field >> 2 * bits - 8
    return out


def framebuffer(
    source: Bytes, at: int, stride: int, width: int, height: int, form: Format
) -> Picture:
    """A picture whose rows are `stride` bytes apart, from `at` on."""
    starts = range(at, at + height * stride, stride) if stride else [at] * height
    return rgb(gather(source, starts, width * form.size, source.size), form)


def gather(source: Bytes, starts: Sequence[int], length: int, wrap: int) -> NDArray[np.uint8]:
    """Rows of `length` bytes, each from its start on; behind `wrap` memory begins again.

    What is behind the end of `source` reads as zeros.
    """
    out = np.zeros((len(starts), length), np.uint8)
    wrap = max(wrap, PAGE)
    known: dict[int, int] = {}
    for row, start in enumerate(starts):
        first = known.setdefault(start, row)
        if first != row:
            out[row] = out[first]
        else:
            _fill(out[row], source, start % wrap, wrap)
    return out


def _fill(row: NDArray[np.uint8], source: Bytes, at: int, wrap: int) -> None:
    done = 0
    while done < len(row):
        here = min(len(row) - done, wrap - at)
        stop = min(at + here, source.size)
        if at < stop:
            row[done : done + stop - at] = np.frombuffer(source.read(at, stop), np.uint8)
        done, at = done + here, 0
