"""Where the content of each page of a mapped-ram block lies: a bitmap, and an area."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from migstream.ram import kernel
from migstream.ram.model import MappedRam
from migstream.ram.pages import Source, page_behind
from migstream.source.store import read_into

if TYPE_CHECKING:
    from migstream.ram.records import BlockId, Seen

__all__ = ["BitmapPages"]

SAMPLES = 64
SHOWN = 8 << 20  # bytes of the area that are read at once to be shown
PIECE = 1 << 20  # the same where they follow each other: no store is asked for more
ROWS = 1 << 10


class BitmapPages:
    """Pages of a mapped-ram block: a bitmap and an area (migration/ram.c: ram_save_file_bmap).

    A page whose bit is 0 is zero. The words are in the byte order of the host that wrote them,
    which nothing records: see `_flip`.
    """

    def __init__(self, mapped: MappedRam, length: int, source: Source) -> None:
        self.page = mapped.page_size
        self._bitmap = source.view(*mapped.bitmap)
        self._area = mapped.pages.start
        self._source = source
        self._count = -(-length // self.page)

    @cached_property
    def _flip(self) -> int:
        """0 where the bitmap has little-endian words, 7 where it has big-endian ones of 64 bits.

        In the wrong order the last word has bits of pages that are not there, or set bits lead to
        pages of zeros: QEMU clears the bit of those (ram.c: save_zero_page).
        """
        tail = self._count % 64
        if tail and int.from_bytes(self._bitmap[-8:], "little") >> tail:
            return 7
        return 7 if self._hollow(0) and not self._hollow(7) else 0

    def _hollow(self, flip: int) -> bool:
        """Whether one of the first pages that the bitmap names holds nothing but zeros."""
        at, left = 0, SAMPLES
        while at < self._count and left:
            bit, count = kernel.bitmap_run(self._bitmap, flip, at, self._count)
            for index in range(at, at + min(count, left) if bit else at):
                left -= 1
                start = self._area + index * self.page
                if not any(self._source.view(start, start + self.page)):
                    return True
            at += count
        return False

    def _bits(self, at: int, stop: int) -> tuple[int, int]:
        return kernel.bitmap_run(self._bitmap, self._flip, at, stop)

    def alike(self, at: int, stop: int) -> Iterator[tuple[int, int]]:
        while at < stop:
            bit, count = self._bits(at, stop)
            yield kernel.DATA if bit else kernel.FILL, count
            at += count

    def filled(self, at: int) -> int | None:
        return None if self._bits(at, at + 1)[0] else 0

    def fill(self, first: int, out: memoryview) -> None:
        page = self.page
        at, stop = first, first + len(out) // page
        while at < stop:
            bit, count = self._bits(at, stop)
            to = out[(at - first) * page : (at - first + count) * page]
            start = self._area + at * page
            if not bit:
                to[:] = bytes(len(to))
            elif read_into(self._source, start, to) < len(to):
                raise page_behind(start, len(to))
            at += count

    def show(self, name: str, block: BlockId, seen: Seen) -> None:
        """Show all pages as a walk does that comes to their records: rows and the bytes that they point into."""
        rows = memoryview(array("q", bytes(8 * kernel.ROW * ROWS)))
        buffer = memoryview(bytearray(SHOWN))
        at = 0
        while at < self._count:
            at, used, size = self._gathered(at, rows, buffer)
            seen.rows(name, block, rows, used, buffer[:size], 0)

    def _gathered(self, at: int, rows: memoryview, out: memoryview) -> tuple[int, int, int]:
        """Pages from `at` on as rows that point into `out`, where their bytes are put: where they end, how many rows and bytes."""
        page, used, size = self.page, 0, 0
        while at < self._count and used < ROWS:
            bit, count = self._bits(at, self._count)
            if bit:
                count = min(count, (len(out) - size) // page, PIECE // page)
                if not count:
                    break
            row = used * kernel.ROW
            rows[row], rows[row + 1], rows[row + 2] = kernel.DATA if bit else kernel.FILL, at, count
            rows[row + 3] = size
            if bit:
                start, room = self._area + at * page, out[size : size + count * page]
                if read_into(self._source, start, room) < len(room):
                    raise page_behind(start, len(room))
                size += len(room)
            used += 1
            at += count
        return at, used, size
