"""A position in bytes already in memory: the only thing every reader reads through."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

from migstream.errors import BadFraming, NeedData, Truncated
from migstream.names import decoded
from migstream.wire.model import Span

__all__ = ["LONGEST", "WINDOW", "Bytes", "Cursor", "windows", "zeros"]

U16 = struct.Struct(">H")
U32 = struct.Struct(">I")
U64 = struct.Struct(">Q")


SEARCHED_AT_ONCE = 1 << 20
LONGEST = 16  # bytes of the longest thing that is searched for


_BLANK = bytes(SEARCHED_AT_ONCE)


def zeros(piece: bytes | memoryview) -> bool:
    """Whether nothing but zeros is in at most 1 MiB of bytes; comparing is fifty times faster than stripping."""
    return bytes(piece) == _BLANK[: len(piece)]


class Bytes(Protocol):
    """The whole source, where it can be asked for any range (source.store.Store)."""

    size: int

    def view(self, start: int, stop: int) -> memoryview: ...


class Cursor:
    """A position in a window of bytes. Opens nothing, waits for nothing.

    Parameters
    ----------
    view : the window; pieces taken from it are views, whoever keeps one copies it
    base : absolute offset of the window's first byte
    eof : nothing follows the window; where it is false a shortage raises NeedData instead of
        Truncated, and the driver goes back to `mark`, refills, and calls the reader again
    whole : all of the source that the window is a part of, where it is at hand: looking ahead and
        searching then need no larger window
    """

    __slots__ = ("_at", "_base", "_eof", "_mark", "_view", "_whole")

    def __init__(
        self,
        view: bytes | memoryview,
        base: int = 0,
        *,
        eof: bool = True,
        whole: Bytes | None = None,
    ) -> None:
        self._view = memoryview(view)
        self._base = base
        self._eof = eof
        self._at = 0
        self._mark = 0
        self._whole = whole

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
    def whole(self) -> bool:
        """Whether all of the source is at hand: what is passed over can still be looked at later."""
        return self._whole is not None or self._eof

    @property
    def end(self) -> int | None:
        """Absolute offset at which the source ends; None where that is not known yet."""
        if self._whole is not None:
            return self._whole.size
        return self._base + len(self._view) if self._eof else None

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
        stop = self._base + len(self._view) if self._whole is None else self._whole.size
        if not self._base <= offset <= stop:
            raise ValueError(f"offset {offset:#x} is outside the window")
        self._at = offset - self._base

    def _short(self, size: int) -> Exception:
        end = self.end
        if end is None or self.offset + size <= end:
            return NeedData()
        return self._short_of(size, end)

    def _short_of(self, size: int, end: int) -> Truncated:
        left = max(end - self.offset, 0)
        return Truncated(
            f"wanted {size} byte{'s' * (size != 1)}, {left} left",
            at=min(self.offset, end),
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

    def at(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes at an absolute offset, without moving; fewer only at the very end."""
        index = offset - self._base
        if index >= 0 and index + size <= len(self._view):
            return bytes(self._view[index : index + size])
        if self._whole is not None:
            return bytes(self._whole.view(max(offset, 0), offset + size))
        if not self._eof:
            raise NeedData
        return bytes(self._view[max(index, 0) : max(index + size, 0)])

    def skip(self, size: int) -> None:
        """Pass over bytes; where all of the source is at hand they need not be in the window."""
        end = self.end
        if end is None and self._at + size > len(self._view):
            raise NeedData
        if end is not None and self.offset + size > end:
            raise self._short_of(size, end)
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
        return decoded(raw)

    def find(self, needle: bytes, start: int, stop: int | None = None) -> int:
        """Absolute offset of the next `needle` at or after `start` and before `stop`; −1 where there is none."""
        return next(self.search(re.escape(needle), start, stop), -1)

    def search(self, pattern: bytes, start: int, stop: int | None = None) -> Iterator[int]:
        """Absolute offsets in [start, stop) at which a pattern (of `re`, DOTALL) of at most 16 bytes matches, ascending.

        To the end of the source without `stop`; NeedData where the window ends before that and the
        source is not at hand.
        """
        end = self.end
        last = stop if end is None or (stop is not None and stop < end) else end
        at, size = start, 1 << 16
        while last is None or at < last:
            # matches that begin in [at, most), with room behind the last of them
            piece, most = self._piece(at, size)
            most = most if last is None else min(most, last)
            for hit in re.finditer(pattern, piece, re.DOTALL):
                if at + hit.start() >= most:
                    break
                yield at + hit.start()
            if most <= at:
                raise NeedData
            at, size = most, min(2 * size, SEARCHED_AT_ONCE)

    def _piece(self, at: int, size: int) -> tuple[memoryview, int]:
        """Bytes from `at` on, and up to where a match may begin in them."""
        here = self._base + len(self._view)
        if self._eof and self._base <= at:
            return self._view[at - self._base :], here
        if self._base <= at < here - LONGEST:
            return self._view[at - self._base :], here - LONGEST
        if self._whole is None:
            return memoryview(b""), at
        return self._whole.view(at, at + size + LONGEST), at + size

    def data_end(self, low: int = 0) -> int:
        """Absolute offset behind the last byte of the source that is not zero; `low` where all behind that are."""
        end = self.end
        if end is None:
            raise NeedData
        size = 1 << 16
        while end > low:
            start = max(low, end - size)
            piece = self.at(start, end - start)
            if not zeros(piece):
                return start + len(piece.rstrip(b"\0"))
            end, size = start, SEARCHED_AT_ONCE
        return low

    def span(self, start: int) -> Span:
        """From `start` to here."""
        return Span(start, self.offset)


WINDOW = 1 << 20
T = TypeVar("T")


def windows(read: Callable[[Cursor], Iterator[T]], store: Bytes) -> Iterator[T]:
    """All that a reader of items gives of a source that is at hand, through windows.

    Parameters
    ----------
    read : gives the items from the cursor on, committing before each, and is called again where a
        window ended before the source did
    """
    base, want = 0, WINDOW
    while True:
        view = store.view(base, base + want)
        cur = Cursor(view, base, eof=base + len(view) >= store.size, whole=store)
        try:
            yield from read(cur)
        except NeedData:
            want = WINDOW if cur.mark > base else 2 * want
            base = cur.mark
        else:
            return
