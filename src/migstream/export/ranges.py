"""What every file of guest-physical memory asks of the ranges that go into it."""

from __future__ import annotations

from collections.abc import Sequence

from migstream.errors import Unsupported
from migstream.machine.physical import Range

__all__ = ["check_ranges"]

# off_t has a sign; the rest is for what stands between the ranges
_LARGEST = (1 << 63) - (1 << 40)


def check_ranges(ranges: Sequence[Range]) -> None:
    """Whether addresses and sizes fit into 64 bits, and all of it into a file.

    Raises
    ------
    Unsupported : they do not
    """
    for one in ranges:
        if one.stop > 1 << 64:
            raise Unsupported(f"{one.block}: {one.size} bytes at {one.start:#x} reach past 64 bits")
    if (size := sum(one.size for one in ranges)) > _LARGEST:
        raise Unsupported(f"no file can hold {size} bytes of guest memory")
