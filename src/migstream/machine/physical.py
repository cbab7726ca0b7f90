"""Guest-physical memory: which bytes of which RAM block the guest sees where.

The ranges come from `machine.maps`; here they are read through.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Protocol

import msgspec

from migstream.errors import NoSuchAddress
from migstream.names import brief

__all__ = ["BlockReader", "PhysicalMemory", "Range"]


class Range(msgspec.Struct, frozen=True):
    """`size` bytes of guest-physical memory at `start`: those of a RAM block from `offset` on.

    `provenance` says in a few words where this is known from.
    """

    start: int
    size: int
    block: str
    offset: int
    provenance: str

    def __repr__(self) -> str:
        span = f"{self.start:#x}-{self.stop:#x}"
        return brief("Range", span, f"{self.block}+{self.offset:#x}", self.provenance)

    @property
    def stop(self) -> int:
        return self.start + self.size

    def __contains__(self, address: object) -> bool:
        return isinstance(address, int) and self.start <= address < self.stop


class BlockReader(Protocol):
    """Final contents of RAM blocks (`ram.image.Ram`)."""

    def read(self, block: str, start: int, stop: int) -> bytes: ...


class PhysicalMemory:
    """Guest-physical memory as the guest saw it: `memory[0x7c00:0x7e00]`.

    Parameters
    ----------
    ranges : ascending, without overlap
    """

    def __init__(self, ranges: Iterable[Range], blocks: BlockReader) -> None:
        self.ranges = tuple(ranges)
        self._starts = [r.start for r in self.ranges]
        self._blocks = blocks

    def __repr__(self) -> str:
        span = f"{self.ranges[0].start:#x}-{self.ranges[-1].stop:#x}" if self.ranges else ""
        return brief("PhysicalMemory", len(self.ranges), "ranges", span)

    def __getitem__(self, key: slice | int) -> bytes:
        """Bytes [start, stop); one byte for an integer. Raises NoSuchAddress in a hole."""
        if isinstance(key, int):
            return self.read(key, 1)
        if key.step not in (None, 1) or key.start is None or key.stop is None:
            raise ValueError("guest-physical memory is read as memory[start:stop]")
        return self.read(key.start, key.stop - key.start)

    def find(self, address: int) -> Range | None:
        """The range that holds an address, None in a hole."""
        index = bisect_right(self._starts, address) - 1
        return self.ranges[index] if index >= 0 and address in self.ranges[index] else None

    def pieces(self, address: int, size: int) -> Iterator[tuple[Range | None, int, int]]:
        """Parts of [address, address + size) as (range or None for a hole, address, size)."""
        stop = address + size
        index = max(bisect_right(self._starts, address) - 1, 0)
        for one in self.ranges[index:]:
            if one.start >= stop or address >= stop:
                break
            if one.stop <= address:
                continue
            if one.start > address:
                yield None, address, one.start - address
                address = one.start
            here = min(one.stop, stop) - address
            yield one, address, here
            address += here
        if address < stop:
            yield None, address, stop - address

    def read(self, address: int, size: int, fill: bytes | None = None) -> bytes:
        """`size` bytes from `address` on.

        Parameters
        ----------
        fill : one byte for each byte that is not guest memory; without it a hole is an error

        Raises
        ------
        NoSuchAddress : a byte of it is not guest memory, and there is no `fill`
        """
        out = []
        for one, at, length in self.pieces(address, size):
            if one is not None:
                offset = one.offset + at - one.start
                out.append(self._blocks.read(one.block, offset, offset + length))
            elif fill is not None:
                out.append(fill * length)
            else:
                raise NoSuchAddress(
                    f"no guest memory at physical address {at:#x}",
                    hint="`migstream mem STREAM` lists the ranges that are known",
                )
        return b"".join(out)
