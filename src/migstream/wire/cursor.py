"""A position in bytes already in memory: the only thing every reader reads through."""

from __future__ import annotations

import mmap
import re
import struct
from functools import lru_cache

from migstream.errors import BadFraming, NeedData, Truncated
from migstream.wire.model import Span

__all__ = ["Cursor"]

U16 = struct.Struct(">H")
U32 = struct.Struct(">I")
U64 = struct.Struct(">Q")


@lru_cache(maxsize=64)
def _needle(needle: bytes) -> re.Pattern[bytes]:
    return re.compile(re.escape(needle), re.DOTALL)


class Cursor:
    """A position in a window of bytes. Opens nothing, waits for nothing.

    Parameters
    ----------
    view : the window; pieces taken from it are views, whoever keeps one copies it
    base : absolute offset of the window's first byte
    eof : nothing follows the window; where it is false a shortage raises NeedData instead of
        Truncated, and the driver goes back to `mark`, refills, and calls the reader again
    """

    __slots__ = ("_at", "_base", "_eof", "_mark", "_view")

    def __init__(
        self, view: bytes | memoryview | mmap.mmap, base: int = 0, *, eof: bool = True
    ) -> None:
        self._view = memoryview(view)
        self._base = base
        self._eof = eof
        self._at = 0
        self._mark = 0

    @property
    def offset(self) -> int:
        """Absolute offset of the next byte."""
        return self._base + self._at

    @property
    def view(self) -> memoryview:
        """The whole window; its first byte is at absolute offset `base`."""
        return self._view

    @property
    def base(self) -> int:
        return self._base

    @property
    def eof(self) -> bool:
        """Whether the window's end is the end of the source."""
        return self._eof

    @property
    def left(self) -> int:
        """Bytes of the window from here on (negative after a `skip` past it)."""
        return len(self._view) - self._at

    @property
    def mark(self) -> int:
        """Absolute offset of the last commit: nothing before it will be read again."""
        return self._base + self._mark

    def commit(self) -> None:
        """What was read so far is done: a later shortage goes back to here, not further."""
        self._mark = self._at

    def rollback(self) -> None:
        self._at = self._mark

    def seek(self, offset: int) -> None:
        """Go to an absolute offset inside the window."""
        if not self._base <= offset <= self._base + len(self._view):
            raise ValueError(f"offset {offset:#x} is outside the window")
        self._at = offset - self._base

    def _short(self, size: int) -> Exception:
        if not self._eof:
            return NeedData()
        left = max(self.left, 0)
        return Truncated(
            f"wanted {size} byte{'s' * (size != 1)}, {left} left",
            at=min(self.offset, self._base + len(self._view)),
            expected=size,
            found=left,
            hint="the stream was cut off; what precedes this place is intact",
        )

    def take(self, size: int) -> memoryview:
        """The next `size` bytes, as a view."""
        stop = self._at + size
        if stop > len(self._view):
            raise self._short(size)
        piece = self._view[self._at : stop]
        self._at = stop
        return piece

    def peek(self, size: int = 1) -> bytes:
        """Up to `size` of the next bytes, without moving; fewer only at the very end."""
        if self._at + size > len(self._view) and not self._eof:
            raise NeedData
        return bytes(self._view[self._at : self._at + size])

    def skip(self, size: int) -> None:
        """Pass over bytes without needing them in the window."""
        if self._eof and self._at + size > len(self._view):
            raise self._short(size)
        self._at += size

    def u8(self) -> int:
        if self._at >= len(self._view):
            raise self._short(1)
        value = self._view[self._at]
        self._at += 1
        return value

    def u16(self) -> int:
        return int(U16.unpack(self.take(2))[0])

    def u32(self) -> int:
        return int(U32.unpack(self.take(4))[0])

    def u64(self) -> int:
        return int(U64.unpack(self.take(8))[0])

    def unpack(self, layout: struct.Struct) -> tuple[int, ...]:
        """Several integers at once: `layout` is a compiled big-endian Struct."""
        return layout.unpack(self.take(layout.size))

    def counted(self) -> bytes:
        """A counted string: u8 length, then that many bytes, no NUL."""
        return bytes(self.take(self.u8()))

    def idstr(self) -> str:
        """A counted string that names something: never empty (migration/savevm.c: qemu_get_counted_string)."""
        at = self.offset
        raw = self.counted()
        if not raw:
            raise BadFraming("a name of no bytes", at=at, expected="1 to 255 bytes", found=0)
        return raw.decode("utf-8", "surrogateescape")

    def find(self, needle: bytes, start: int) -> int:
        """Absolute offset of the next `needle` at or after `start`, −1 where the window has none."""
        hit = _needle(needle).search(self._view, start - self._base)
        return -1 if hit is None else self._base + hit.start()

    def span(self, start: int) -> Span:
        """From `start` to here."""
        return Span(start, self.offset)
