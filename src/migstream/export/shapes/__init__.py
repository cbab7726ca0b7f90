"""A stream's device state as declarations in other languages: what another program needs to read it.

`model` makes shapes of a stream's description; a module for each format writes them. Offsets are those
of one stream: what has a length of its own there is a fixed number of bytes here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from migstream.export.shapes.model import Place, Shape
from migstream.plugins import Registry

__all__ = ["FORMATS", "Format"]

# Of the shapes, each behind those that it is made of; and of the devices, in the order of the stream: lines.
Format = Callable[[Sequence[Shape], Sequence[Place]], Iterator[str]]

_HERE = "migstream.export.shapes"
FORMATS: Registry[Format] = Registry(
    "migstream.shapes",
    {
        "jsonschema": f"{_HERE}.jsonschema:lines",
        "c": f"{_HERE}.c:lines",
        "python": f"{_HERE}.python:lines",
        "kaitai": f"{_HERE}.kaitai:lines",
        "imhex": f"{_HERE}.imhex:lines",
        "wireshark": f"{_HERE}.wireshark:lines",
    },
)
