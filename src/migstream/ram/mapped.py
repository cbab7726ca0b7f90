"""A block's mapped-ram part: header, bitmap and page area (migration/ram.c: mapped_ram_setup_ramblock)."""

from __future__ import annotations

import struct

from migstream.errors import BadRam
from migstream.qemu.words import say
from migstream.ram.model import MappedRam
from migstream.wire.cursor import Cursor
from migstream.wire.model import Span

__all__ = ["MappedReader"]

HEADER = struct.Struct(">IQQQ")
VERSION = 1
CHUNK = 1 << 16


class MappedReader:
    """Reads one block's part, in as many steps as it takes.

    Parameters
    ----------
    page : target page size, None where unknown
    limit : size of the source in bytes, None where unknown
    base : what the header's offsets may count from: offset of the stream's first byte in its file
    """

    def __init__(
        self,
        cur: Cursor,
        name: str,
        length: int,
        page: int | None,
        limit: int | None,
        base: int = 0,
    ) -> None:
        start = cur.offset
        self.version, self.page, self.bitmap_at, self.pages_at = cur.unpack(HEADER)
        self._name = name
        self._header = Span(start, cur.offset)
        self._length = length
        self._present = 0
        self._check(start, page)
        self.empty = self.bitmap_at == self.pages_at == 0
        pages = -(-length // self.page)
        self._base = 0
        self._left = 0 if self.empty else -(-pages // 64) * 8
        self._tail = pages % 64
        if self.empty:
            return
        stop = cur.offset + self._left
        # `file:PATH,offset=N` counts from the file's beginning; copied behind something, or out of it, they do not.
        self._base = base if self.bitmap_at == cur.offset + base else 0
        if self.bitmap_at != cur.offset + self._base:
            raise BadRam(
                f"{say('mapped-bitmap')}: block {name} puts it elsewhere",
                at=start + 12,
                expected=cur.offset + base,
                found=self.bitmap_at,
                hint="mapped-ram offsets are those of the file: the stream was moved within it",
            )
        if self.pages_at < stop + self._base or self.pages_at % self.page:
            raise BadRam(
                say("mapped-alignment", block=name),
                at=start + 20,
                expected=f"a multiple of {self.page} from {stop + self._base:#x} on",
                found=self.pages_at,
                hint="a damaged header, or fields before it that were taken for it",
            )
        if limit is not None and self.pages_at - self._base + length > limit:
            raise BadRam(
                f"Error reading ramblock {name} pages: they end behind the file",
                at=start + 20,
                expected=f"at most {limit + self._base - length:#x}",
                found=self.pages_at,
                hint="a damaged header, or a file that was cut off",
            )

    def _check(self, start: int, page: int | None) -> None:
        if self.version != VERSION:
            raise BadRam(
                say("mapped-version", local=VERSION, received=self.version),
                at=start,
                expected=VERSION,
                found=self.version,
                hint="a damaged header, or a newer QEMU",
            )
        fits = self.page.bit_count() == 1 and 256 <= self.page <= 1 << 16
        if not fits or (page is not None and page != self.page):
            raise BadRam(
                f"mapped-ram page size {self.page} of block {self._name}",
                at=start + 4,
                expected=page or "a power of two from 256 to 65536",
                found=self.page,
                hint="a damaged header",
            )

    def step(self, cur: Cursor) -> MappedRam | None:
        """Read on, committing; the result when all of it was read."""
        while self._left:
            at = cur.offset
            chunk = bytes(cur.take(min(self._left, CHUNK)))
            if len(chunk) == self._left and self._tail:
                self._check_tail(chunk[-8:], at + len(chunk) - 8)
            self._left -= len(chunk)
            self._present += int.from_bytes(chunk, "little").bit_count()
            cur.commit()
        bitmap_stop = cur.offset
        if self.empty:
            bitmap = gap = pages = Span(bitmap_stop, bitmap_stop)
        else:
            start = self.pages_at - self._base
            bitmap = Span(self.bitmap_at - self._base, bitmap_stop)
            gap = Span(bitmap_stop, start)
            pages = Span(start, start + self._length)
            cur.skip(pages.stop - bitmap_stop)
        return MappedRam(
            version=self.version,
            page_size=self.page,
            bitmap_offset=self.bitmap_at,
            pages_offset=self.pages_at,
            header=self._header,
            bitmap=bitmap,
            gap=gap,
            pages=pages,
            pages_present=self._present,
        )

    def _check_tail(self, word: bytes, at: int) -> None:
        """The last word has no bit of a page that is not there, in one byte order or the other."""
        least = min(int.from_bytes(word, "little"), int.from_bytes(word, "big"))
        if least >> self._tail:
            raise BadRam(
                say("mapped-range", block=self._name),
                at=at,
                expected=f"{self._tail} bits",
                found=word.hex(),
                hint="the bitmap is damaged",
            )
