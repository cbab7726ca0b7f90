"""Guest memory as RAM sections hold it: plain page records, or the areas of mapped-ram.

The smallest records with the same memory: each page once, without its content where it is zero,
without the block's name where that is the one before. Facts: QEMU, migration/ram.c
(save_page_header, ram_save_setup, mapped_ram_setup_ramblock).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from migstream.ram import kernel
from migstream.ram.image import Block
from migstream.ram.mapped import HEADER, VERSION
from migstream.ram.model import RamBlock
from migstream.ram.records import EOS, MEM_SIZE, PAGE, ZERO
from migstream.wire.write import counted

__all__ = ["END_OF_RECORDS", "Area", "entry", "fill_area", "page_records", "setup_word"]

ALIGNMENT = 1 << 20
LOOKED = 1 << 20  # bytes of memory that are looked at together
WIDE = 16  # zero pages that are not looked at
ZEROS = 1 << 16  # zero records made together
Lend = Callable[[int], memoryview]
END_OF_RECORDS = EOS.to_bytes(8, "big")


def own(size: int) -> memoryview:
    """A buffer for pages that nobody else has."""
    return memoryview(bytearray(size))


def setup_word(total: int) -> bytes:
    """The record that opens the list of blocks; `total` is the sum of their lengths in bytes."""
    return (total | MEM_SIZE).to_bytes(8, "big")


def entry(block: RamBlock, size: int) -> bytes:
    """A block of `size` bytes in that list, as it is without postcopy-ram: no page size."""
    address = b"" if block.address is None else block.address.to_bytes(8, "big")
    return counted(block.name) + size.to_bytes(8, "big") + address


class _Stretch(NamedTuple):
    """`pages` pages that were sent, and whether it is known that they are zeros."""

    first: int
    pages: int
    zero: bool


def _stretches(block: Block, size: int) -> Iterator[_Stretch]:
    """The pages that were sent, at most LOOKED bytes at once where they are to be looked at.

    A block that is to have another size is cut, or goes on with zeros.
    """
    page = block.page
    most = max(LOOKED // page, 1)
    start = count = 0
    for run in block.runs(0, min(size, block.size)):
        first, stop = run.start // page, -(-run.stop // page)
        wide = run.kind == "zero" and stop - first >= WIDE
        if wide or run.kind not in {"zero", "data"}:
            if count:
                yield _Stretch(start, count, zero=False)
                count = 0
            if wide:
                yield _Stretch(first, stop - first, zero=True)
            continue
        while first < stop:
            start = start if count else first
            more = min(stop - first, most - count)
            first, count = first + more, count + more
            if count == most:
                yield _Stretch(start, count, zero=False)
                count = 0
    if count:
        yield _Stretch(start, count, zero=False)
    if size > block.size:
        yield _Stretch(block.size // page, (size - block.size) // page, zero=True)


def _kinds(block: Block, first: int, out: memoryview) -> bytearray:
    """Get the pages that `out` has room for; PAGE for each, or ZERO where contents turn out to be zeros."""
    block.fill(first, out)
    kinds = bytearray(b"\1") * (len(out) // block.page)
    kernel.kinds(out.cast("Q"), 0, block.page // 8, memoryview(kinds))
    return kinds


def page_records(block: Block, size: int, lend: Lend = own) -> Iterator[tuple[int, memoryview]]:
    """Records of all pages of a block that were sent, in ascending order: bytes of memory, and their records.

    Parameters
    ----------
    size : of the block in the new stream, in bytes: it is cut, or filled up with zeros
    lend : gives buffers to make them in

    The first names the block, the others continue it: nothing may be put between.
    """
    page, name = block.page, memoryview(counted(block.name))
    buffer = memoryview(bytearray(max(LOOKED, page)))
    for first, count, zero in _stretches(block, size):
        for at in range(first, first + count, ZEROS):
            pages = min(ZEROS, first + count - at)
            data = buffer[: 0 if zero else pages * page]
            kinds = bytearray((ZERO,)) * pages if zero else _kinds(block, at, data)
            out = lend(len(name) + pages * (9 if zero else 8 + page))
            used = kernel.pack(data, at, memoryview(kinds), at, page, name, out)
            yield pages * page, out[:used]
            name = name[:0]


class Area(NamedTuple):
    """Where mapped-ram puts a block whose header begins at offset `header` of the file."""

    header: int
    bitmap: int
    pages: int
    stop: int

    @classmethod
    def behind(cls, header: int, length: int, page: int) -> Area:
        """The area of a block of `length` bytes."""
        bitmap = header + HEADER.size
        behind = bitmap + -(-length // page // 64) * 8
        pages = -(-behind // ALIGNMENT) * ALIGNMENT
        return cls(header, bitmap, pages, pages + length)

    def bitmap_size(self, page: int) -> int:
        """Bytes of the bitmap: whole words of 64 bits."""
        return -(-(self.stop - self.pages) // page // 64) * 8

    def head(self, page: int) -> bytes:
        """The header (migration/ram.c: MappedRamHeader)."""
        return HEADER.pack(VERSION, page, self.bitmap, self.pages)


def fill_area(
    block: Block, size: int, bitmap: bytearray, lend: Lend = own
) -> Iterator[tuple[int, memoryview]]:
    """Offsets in the area and the pages to put there, in buffers that `lend` gives; their bits are set in `bitmap`.

    The bitmap has little-endian words, as a little-endian host writes and expects them.
    """
    page = block.page
    for first, count, zero in _stretches(block, size):
        if zero:
            continue
        data = lend(count * page)
        kinds = _kinds(block, first, data)
        start = kinds.find(PAGE)
        while start >= 0:
            stop = kinds.find(ZERO, start)
            stop = count if stop < 0 else stop
            _set(bitmap, first + start, first + stop)
            yield (first + start) * page, data[start * page : stop * page]
            start = kinds.find(PAGE, stop)


def _set(bitmap: bytearray, first: int, stop: int) -> None:
    """Set bits [first, stop); bit 0 is the least of byte 0."""
    low, high = first >> 3, (stop - 1) >> 3
    ends = 0xFF << (first & 7) & 0xFF, 0xFF >> (7 - (stop - 1 & 7))
    if low == high:
        bitmap[low] |= ends[0] & ends[1]
    else:
        bitmap[low] |= ends[0]
        bitmap[low + 1 : high] = b"\xff" * (high - low - 1)
        bitmap[high] |= ends[1]
