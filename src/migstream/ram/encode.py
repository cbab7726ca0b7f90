"""Guest memory as RAM sections hold it: plain page records, or the areas of mapped-ram.

The smallest records with the same memory: each page once, without its content where it is zero,
without the block's name where that is the one before. Facts: QEMU, migration/ram.c
(save_page_header, ram_save_setup, mapped_ram_setup_ramblock).
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator
from typing import NamedTuple

from migstream.ram.image import Block
from migstream.ram.mapped import HEADER, VERSION
from migstream.ram.model import RamBlock
from migstream.ram.records import CONTINUE, EOS, MEM_SIZE, PAGE, ZERO
from migstream.wire.write import counted

__all__ = ["END_OF_RECORDS", "Area", "entry", "fill_area", "page_records", "setup_word"]

ALIGNMENT = 1 << 20
PAGES = 512  # looked at together
ZEROS = 1 << 16  # zero records made together
END_OF_RECORDS = EOS.to_bytes(8, "big")


def setup_word(total: int) -> bytes:
    """The record that opens the list of blocks; `total` is the sum of their lengths in bytes."""
    return (total | MEM_SIZE).to_bytes(8, "big")


def entry(block: RamBlock, size: int) -> bytes:
    """A block of `size` bytes in that list, as it is without postcopy-ram: no page size."""
    address = b"" if block.address is None else block.address.to_bytes(8, "big")
    return counted(block.name) + size.to_bytes(8, "big") + address


def _words(first: int, count: int, page: int, flags: int) -> memoryview:
    """The be64 words of records of pages that follow each other, as bytes."""
    words = array("Q", range(first * page | flags, (first + count) * page | flags, page))
    if sys.byteorder == "little":
        words.byteswap()
    return memoryview(words).cast("B")


def _zero_records(first: int, count: int, page: int) -> bytes:
    """ZERO records of the current block: 9 bytes each."""
    words = _words(first, count, page, ZERO | CONTINUE)
    made = bytearray(9 * count)
    for byte in range(8):
        made[byte::9] = words[byte::8]
    return bytes(made)


class _Stretch(NamedTuple):
    """`length` pages that are alike: a view of each, or None where they are zero."""

    first: int
    length: int
    pages: list[memoryview] | None


def _stretches(block: Block, size: int) -> Iterator[_Stretch]:
    """The pages that were sent. Contents that turn out to be zeros are zero pages.

    A block that is to have another size is cut, or goes on with zeros.
    """
    page = block.page
    blank = bytes(page)
    for run in block.runs(0, min(size, block.size)):
        first, stop = run.start // page, -(-run.stop // page)
        if run.kind == "zero":
            yield _Stretch(first, stop - first, None)
        elif run.kind == "data":
            for at in range(first, stop, PAGES):
                pieces = block.pieces(at, min(PAGES, stop - at))
                pages = [p[n : n + page] for p in pieces for n in range(0, len(p), page)]
                done = 0
                for n in [n for n, p in enumerate(pages) if not p[0] and p.tobytes() == blank]:
                    if n > done:
                        yield _Stretch(at + done, n - done, pages[done:n])
                    yield _Stretch(at + n, 1, None)
                    done = n + 1
                if done < len(pages):
                    yield _Stretch(at + done, len(pages) - done, pages[done:])
    if size > block.size:
        yield _Stretch(block.size // page, (size - block.size) // page, None)


def page_records(block: Block, size: int) -> Iterator[list[memoryview | bytes]]:
    """Records of all pages of a block that were sent, in ascending order, in pieces.

    Parameters
    ----------
    size : of the block in the new stream, in bytes: it is cut, or filled up with zeros

    The first names the block, the others continue it: nothing may be put between.
    """
    page, named = block.page, False
    for first, count, pages in _stretches(block, size):
        skip = 0
        if not named:
            flags, content = (ZERO, b"\0") if pages is None else (PAGE, pages[0])
            yield [(first * page | flags).to_bytes(8, "big"), counted(block.name), content]
            named, skip = True, 1
        if pages is None:
            for at in range(first + skip, first + count, ZEROS):
                yield [_zero_records(at, min(ZEROS, first + count - at), page)]
        elif count > skip:
            words = _words(first + skip, count - skip, page, PAGE | CONTINUE)
            pieces: list[memoryview | bytes] = [b""] * (2 * (count - skip))
            pieces[0::2] = [words[n : n + 8] for n in range(0, len(words), 8)]
            pieces[1::2] = pages[skip:]
            yield pieces


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


def fill_area(block: Block, size: int, bitmap: bytearray) -> Iterator[tuple[int, list[memoryview]]]:
    """Offsets in the area and the pages to put there; their bits are set in `bitmap`.

    The bitmap has little-endian words, as a little-endian host writes and expects them.
    """
    for first, count, pages in _stretches(block, size):
        if pages is not None:
            _set(bitmap, first, first + count)
            yield first * block.page, pages


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
