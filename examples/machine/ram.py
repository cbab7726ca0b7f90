"""Guest memory that notes which of its pages are written to."""

from __future__ import annotations

from struct import Struct

from migstream.savevm.ram import Block, GuestRam

__all__ = ["Ram"]

WORD = Struct("<I")
PAGE_BITS = 12


class Ram:
    """Little-endian words at addresses that wrap around.

    Parameters
    ----------
    size : in bytes, a power of two of at least one page
    """

    def __init__(self, size: int) -> None:
        if size.bit_count() != 1:
            raise ValueError(f"{size} bytes of memory are no power of two")
        self.bytes = bytearray(size)
        self.block = Block("toy.ram", self.bytes, 1 << PAGE_BITS)
        self.live = GuestRam([self.block])  # what is registered with SaveVM
        self._mask = size - 4

    def load(self, address: int) -> int:
        value: int = WORD.unpack_from(self.bytes, address & self._mask)[0]
        return value

    def store(self, address: int, value: int) -> None:
        """Write, then mark: a page that is sent in between is marked again, and sent again.
        The other way round the mark could be taken off before there is anything to send.
        """
        at = address & self._mask
        WORD.pack_into(self.bytes, at, value)
        self.block.dirty[at >> PAGE_BITS] = 1
