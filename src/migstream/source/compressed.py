"""Whole files that are compressed: read forward, one member or frame after the other, in bounded memory.

Everything that can be unpacked comes out before the damage behind it is said.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, BinaryIO, NamedTuple, Protocol

from migstream.errors import SourceError

__all__ = ["Unpacked", "kind_of"]

CHUNK = 1 << 16
MOST_AT_ONCE = 1 << 20
# Windows are allocated as large as they are claimed. 128 MiB is what `zstd -d` and `xz -d` take without being asked.
MOST_WINDOW = 1 << 27


class Member(Protocol):
    """One member of a compressed file (zlib's, bz2's and lzma's objects are so, or nearly)."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def needs_input(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Gzip:
    """A gzip member; zlib's object leaves it to its user to keep what it did not take."""

    def __init__(self) -> None:
        self._object = zlib.decompressobj(31)

    @property
    def eof(self) -> bool:
        return self._object.eof

    @property
    def unused_data(self) -> bytes:
        return self._object.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._object.unconsumed_tail

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._object.decompress(self._object.unconsumed_tail + data, max(max_length, 0))


class _Zstd:
    """A zstd frame. The library gives all that its input unpacks to, so that little is fed at a time."""

    needs_input = True

    def __init__(self, library: Any) -> None:
        self._frame = library.ZstdDecompressor(max_window_size=MOST_WINDOW).decompressobj()

    @property
    def eof(self) -> bool:
        return bool(self._frame.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._frame.unused_data)

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        del max_length
        return bytes(self._frame.decompress(data))


class Kind(NamedTuple):
    """A way of compressing: its name, what a file of it begins with, a maker of readers, their errors, bytes to feed at once."""

    name: str
    magic: bytes
    start: Callable[[], tuple[Callable[[], Member], tuple[type[Exception], ...]]]
    feed: int = CHUNK


def _gzip() -> tuple[Callable[[], Member], tuple[type[Exception], ...]]:
    return _Gzip, (zlib.error,)


def _bzip2() -> tuple[Callable[[], Member], tuple[type[Exception], ...]]:
    import bz2

    return bz2.BZ2Decompressor, (OSError, ValueError)


def _xz() -> tuple[Callable[[], Member], tuple[type[Exception], ...]]:
    import lzma

    def member() -> Member:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MOST_WINDOW + (MOST_WINDOW >> 2))

    return member, (lzma.LZMAError,)


def _zstd() -> tuple[Callable[[], Member], tuple[type[Exception], ...]]:
    try:
        import zstandard
    except ImportError:
        raise SourceError(
            "this file is compressed with zstd, and no decoder is installed",
            hint="pip install 'migstream[zstd]', or unpack it first: zstd -d",
        ) from None
    return lambda: _Zstd(zstandard), (zstandard.ZstdError,)


KINDS = (
    Kind("gzip", b"\x1f\x8b", _gzip),
    Kind("bzip2", b"BZh", _bzip2),
    Kind("xz", b"\xfd7zXZ\x00", _xz),
    Kind("zstd", b"\x28\xb5\x2f\xfd", _zstd, 1 << 10),
)
TOO_MUCH = ("memory", "Memory")  # in what xz and zstd say of a window beyond the limit


def kind_of(head: bytes) -> Kind | None:
    """How a file that begins so is compressed; None where it is not."""
    return next((kind for kind in KINDS if head.startswith(kind.magic)), None)


class Unpacked:
    """The bytes inside a compressed file, forward; damage in it is an error of ours, said once.

    Raises SourceError where no decoder is installed. `packed` counts the bytes of the file that were read so far.
    """

    def __init__(self, raw: BinaryIO, kind: Kind) -> None:
        self.packed = 0
        self._raw = raw
        self._kind = kind
        self._start, self._errors = kind.start()
        self._member: Member | None = None
        self._data = b""
        self._ready = memoryview(b"")
        self._ended = False

    def read(self, size: int) -> bytes:
        """Up to `size` bytes, none at the end.

        Raises
        ------
        SourceError : the compressed file is damaged or cut off here; what precedes was given
        """
        while not self._ready and not self._ended:
            self._ready = memoryview(self._more())
        piece = bytes(self._ready[:size])
        self._ready = self._ready[size:]
        return piece

    def _more(self) -> bytes:
        if not self._data and (self._member is None or self._member.needs_input):
            self._data = self._raw.read(self._kind.feed)
            self.packed += len(self._data)
            if not self._data:
                self._ended = True
                if self._member is not None:
                    raise self._damaged("it is cut off")
                return b""
        if self._member is None:
            self._data = self._data.lstrip(b"\0") if self.packed > len(self._data) else self._data
            if not self._data:
                return b""  # padding between members, or behind the last one
            self._member = self._start()
        data, self._data = self._data, b""
        try:
            piece = self._member.decompress(data, MOST_AT_ONCE)
        except self._errors as error:
            self._ended = True
            raise self._damaged(str(error)) from None
        if self._member.eof:
            self._data, self._member = self._member.unused_data, None
        return piece

    def _damaged(self, reason: str) -> SourceError:
        hint = "what it holds up to here was read; another copy of the file may be whole"
        if any(word in reason for word in TOO_MUCH):
            hint = f"it was compressed with a very large window: unpack it with {self._kind.name} itself, then open that"
        return SourceError(f"the compressed file is damaged: {reason}", hint=hint)
