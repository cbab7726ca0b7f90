"""LiME: guest-physical memory as ranges, each behind a header of its own, without registers.

References
----------
LiME, doc/README: "LiME Memory Range Header Version 1"
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from migstream.export.ranges import check_ranges
from migstream.machine.physical import Range

__all__ = ["LIME_HEADER_SIZE", "lime_header", "lime_plan"]

LIME_MAGIC = 0x4C694D45
LIME_VERSION = 1
# magic, version, first address, last address (inside the range), eight reserved bytes
_HEADER = struct.Struct("<IIQQ8x")
LIME_HEADER_SIZE = _HEADER.size


def lime_header(one: Range) -> bytes:
    """The 32 bytes in front of a range's memory."""
    return _HEADER.pack(LIME_MAGIC, LIME_VERSION, one.start, one.stop - 1)


def lime_plan(ranges: Sequence[Range]) -> Iterator[tuple[int, bytes, Range]]:
    """Where the parts of a file stand: offset of a header, the header, and its range.

    The range's memory follows its header, the next header follows the memory: the format knows
    neither padding nor alignment, and readers expect ascending ranges without overlap.

    Raises
    ------
    Unsupported : ranges that no address or no file can hold
    """
    check_ranges(ranges)
    at = 0
    for one in ranges:
        yield at, lime_header(one), one
        at += LIME_HEADER_SIZE + one.size
