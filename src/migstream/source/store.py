"""Where the bytes of a stream live: one place to ask for a range of them.

A file is mapped, so that a range costs nothing until it is looked at. A pipe goes by once; what
was kept of it (device state, never guest memory) is a list of pieces.
"""

from __future__ import annotations

import io
import mmap
import os
import sys
from bisect import bisect_right
from typing import Any, BinaryIO, Protocol

from migstream.errors import NotAStream, SourceError

__all__ = ["Kept", "Store", "Whole", "open_source"]

Openable = str | os.PathLike[str] | BinaryIO | bytes | bytearray | memoryview

COMPRESSED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bz2",
    b"\xfd7zXZ\x00": "lzma",
    b"\x28\xb5\x2f\xfd": "zstd",
}


class Store(Protocol):
    """Bytes by absolute offset. `size` is the source's length in bytes."""

    size: int

    def view(self, start: int, stop: int) -> memoryview:
        """Bytes [start, stop); raises SourceError where they were not kept."""
        ...


class Whole:
    """All bytes at hand: a mapped file, or a bytes object."""

    def __init__(self, data: bytes | bytearray | memoryview | mmap.mmap) -> None:
        self._view = memoryview(data)
        self.size = len(self._view)

    def view(self, start: int, stop: int) -> memoryview:
        return self._view[start:stop]


MOST_KEPT = 2 << 30
SPOOL_CHUNK = 1 << 18


class Kept:
    """Pieces of a source that went by, in ascending order; at most 2 GiB of them."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._pieces: list[bytes] = []
        self.size = 0
        self._total = 0

    def add(self, start: int, piece: bytes) -> None:
        self._total += len(piece)
        if self._total > MOST_KEPT:
            raise SourceError(
                f"more than {MOST_KEPT >> 30} GiB of device state in a pipe",
                hint="save the stream to a file first, then open the file",
            )
        self._starts.append(start)
        self._pieces.append(piece)
        self.size = max(self.size, start + len(piece))

    def join(self, start: int) -> bytes:
        """Make one piece of all that follow each other from `start` on, and give it."""
        index = self._starts.index(start)
        joined = b"".join(self._pieces[index:])
        self._starts[index:] = [start]
        self._pieces[index:] = [joined]
        return joined

    def view(self, start: int, stop: int) -> memoryview:
        index = bisect_right(self._starts, start) - 1
        if index >= 0:
            at = start - self._starts[index]
            piece = self._pieces[index]
            if at + (stop - start) <= len(piece):
                return memoryview(piece)[at : at + stop - start]
        raise SourceError(
            f"bytes {start:#x}-{stop:#x} went by in the pipe and were not kept",
            hint="save the stream to a file first, then open the file",
        )


class Opened:
    """An open source: `store` where the bytes are at hand, else `pipe` to read them from, once.

    `cut` says why a pipe that was spooled ended early; `path` is that of a plain file.
    """

    def __init__(
        self,
        name: str,
        store: Whole | None,
        pipe: BinaryIO | Unpacked | None,
        closing: list[object],
    ) -> None:
        self.name = name
        self.store = store
        self.pipe = pipe
        self.cut: SourceError | None = None
        self.path: str | None = None
        self._closing = closing

    def spool(self) -> None:
        """Make a file of a pipe: an unlinked temporary one, zeros in it as holes."""
        if self.pipe is None:
            return
        from tempfile import TemporaryFile

        file = TemporaryFile(prefix="migstream-")  # noqa: SIM115 - lives as long as the map of it
        self._closing.append(file)
        size = 0
        while True:
            try:
                piece = self.pipe.read(SPOOL_CHUNK)
            except SourceError as error:
                self.cut, piece = error, b""
            if not piece:
                break
            size += len(piece)
            if piece.strip(b"\0"):
                file.write(piece)
            else:
                file.seek(size)
        file.truncate(size)
        file.flush()
        self.pipe = None
        if size:
            mapped = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)
            self._closing.append(mapped)
            self.store = Whole(mapped)
        else:
            self.store = Whole(b"")

    def close(self) -> None:
        for thing in reversed(self._closing):
            if isinstance(thing, mmap.mmap):
                try:
                    thing.close()
                except BufferError:  # a caller still holds a view; the map goes with the last one
                    continue
            else:
                thing.close()  # type: ignore[attr-defined]


class ZstdFrames:
    """Reads zstd frames one after another, and says when the last one is cut off.

    The library's own reader takes a cut for the end. Little is fed at a time, since a few bytes
    can unpack to a hundred thousand each.
    """

    def __init__(self, raw: BinaryIO, library: Any) -> None:
        self._raw = raw
        self._library = library
        self._frame: Any = None
        self._ready = bytearray()

    def read(self, size: int) -> bytes:
        """Up to `size` bytes, none at the end; EOFError where a frame is cut off."""
        while not self._ready:
            packed = self._raw.read(1024)
            if not packed:
                if self._frame is not None:
                    raise EOFError("its last frame is cut off")
                return b""
            while packed:
                if self._frame is None:
                    window = self._library.ZstdDecompressor(max_window_size=2**31)
                    self._frame = window.decompressobj()
                self._ready += self._frame.decompress(packed)
                packed = b""
                if self._frame.eof:
                    packed, self._frame = self._frame.unused_data, None
        piece = bytes(self._ready[:size])
        del self._ready[:size]
        return piece


class Unpacked:
    """The bytes inside a compressed file; damage in it is an error of ours."""

    def __init__(self, inner: BinaryIO | ZstdFrames, damaged: tuple[type[Exception], ...]) -> None:
        self._inner = inner
        self._damaged = damaged

    def read(self, size: int) -> bytes:
        """Up to `size` bytes, none at the end."""
        try:
            return self._inner.read(size)
        except self._damaged as error:
            raise SourceError(
                f"the compressed file is damaged: {error}",
                hint="unpack what can be unpacked with the compressor's own tool, then open that",
            ) from None


def _decompressor(kind: str, raw: BinaryIO) -> Unpacked:
    """A reader of the unpacked bytes: a compressed file is a pipe, it only goes forward."""
    if kind == "zstd":
        try:
            import zstandard
        except ImportError:
            raise SourceError(
                "this file is compressed with zstd, and no decoder is installed",
                hint="pip install 'migstream[zstd]', or unpack it first: zstd -d",
            ) from None
        return Unpacked(ZstdFrames(raw, zstandard), (zstandard.ZstdError, EOFError))
    import zlib
    from importlib import import_module
    from lzma import LZMAError

    opened = import_module(kind).open(raw)
    return Unpacked(opened, (OSError, EOFError, zlib.error, LZMAError))


def _from_file(name: str, raw: BinaryIO, closing: list[object]) -> Opened:
    try:
        size = os.fstat(raw.fileno()).st_size or raw.seek(0, os.SEEK_END)
        raw.seek(0)
    except (OSError, io.UnsupportedOperation, AttributeError):
        return Opened(name, None, raw, closing)
    if not size:
        return Opened(name, Whole(b""), None, closing)
    head = raw.read(8)
    raw.seek(0)
    for magic, kind in COMPRESSED.items():
        if head.startswith(magic):
            return Opened(name, None, _decompressor(kind, raw), closing)
    try:
        mapped = mmap.mmap(raw.fileno(), size, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        return Opened(name, None, raw, closing)
    return Opened(name, Whole(mapped), None, [*closing, mapped])


def open_source(what: Openable, *, spool: bool = False) -> Opened:
    """Open a path, `-` (standard input), a file object or bytes.

    Parameters
    ----------
    spool : make a temporary file of what can only be read once, so that all bytes are at hand

    Raises
    ------
    SourceError : it does not exist or cannot be read
    NotAStream : it is a directory
    """
    opened = _open(what)
    if spool:
        opened.spool()
    return opened


def _open(what: Openable) -> Opened:
    if isinstance(what, bytes | bytearray | memoryview):
        return Opened("<bytes>", Whole(what), None, [])
    if isinstance(what, io.BytesIO):
        return Opened("<bytes>", Whole(what.getvalue()), None, [])
    if isinstance(what, str | os.PathLike):
        if str(what) == "-":
            return _from_file("<stdin>", sys.stdin.buffer, [])
        # pathlib would cost each command as much as reading a small stream does
        path = os.fspath(what)
        try:
            if os.path.isdir(path):  # noqa: PTH112
                raise NotAStream(
                    "a directory is not a migration stream", hint="give the file that QEMU wrote"
                )
            raw = open(path, "rb")  # noqa: PTH123, SIM115 - closed by Opened
        except OSError as error:
            raise SourceError(f"{path}: {(error.strerror or str(error)).lower()}") from None
        except ValueError as error:
            if isinstance(error, NotAStream):
                raise
            raise SourceError(f"{what!r}: {error}") from None
        opened = _from_file(path, raw, [raw])
        opened.path = path if opened.store is not None else None
        return opened
    return _from_file(getattr(what, "name", "<file>"), what, [])
