"""Open a path, a pipe, a file object or bytes: what there is of them at hand, and what goes by once."""

from __future__ import annotations

import io
import os
import stat
import sys
from typing import BinaryIO, Protocol

from migstream.errors import NotAStream, SourceError
from migstream.source.compressed import Unpacked, kind_of
from migstream.source.store import File, Slice, Store, Whole

__all__ = ["Openable", "Opened", "Pipe", "open_source"]

Openable = str | os.PathLike[str] | BinaryIO | bytes | bytearray | memoryview

SPOOL_CHUNK = 1 << 18
# What a compressed file may unpack to on a disk: this much in any case, and so many times its own size.
UNPACKED_FLOOR, UNPACKED_RATIO = 64 << 20, 256


class Pipe(Protocol):
    """Bytes that go by once."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes, none at the end; raises SourceError where they are damaged."""
        ...


class Opened:
    """An open source: `store` where the bytes are at hand, else `pipe` to read them from, once.

    `cut` says why a pipe that was spooled ended early; `path` is that of a plain file; `device`
    tells a block device, whose end is not the stream's; `origin` is where in the source the
    stream begins.
    """

    def __init__(
        self, name: str, store: Store | None, pipe: Pipe | None, closing: list[object]
    ) -> None:
        self.name = name
        self.store = store
        self.pipe = pipe
        self.cut: SourceError | None = None
        self.path: str | None = None
        self.device = False
        self.origin = 0
        self._closing = closing

    @property
    def packed(self) -> int | None:
        """Bytes of the compressed file that were read so far; None where nothing is compressed."""
        return self.pipe.packed if isinstance(self.pipe, Unpacked) else None

    def spool(self) -> None:
        """Make a file of a pipe, so that all bytes are at hand."""
        self.store = self.drain(b"")

    def drain(self, first: bytes) -> Store:
        """The rest of a pipe behind `first`, in a temporary file that no folder names.

        Raises
        ------
        SourceError : there is no room for it, or it unpacks to more than it ever should
        """
        from migstream.source.spool import Spool

        assert self.pipe is not None
        spool = Spool()
        self._closing.append(spool)
        spool.append(first)
        while True:
            try:
                piece = self.pipe.read(SPOOL_CHUNK)
            except SourceError as error:
                self.cut, piece = error, b""
            if not piece:
                break
            if self.packed is not None and spool.size > self.most:
                raise SourceError(
                    f"{self.packed} bytes unpack to more than {spool.size >> 20} MiB",
                    hint="if that is meant, unpack it to a file first, then open that",
                )
            spool.append(piece)
        self.pipe = None
        return spool

    @property
    def most(self) -> int:
        """Bytes that may be unpacked to a temporary file."""
        return UNPACKED_FLOOR + UNPACKED_RATIO * (self.packed or 0)

    def close(self) -> None:
        for thing in reversed(self._closing):
            thing.close()  # type: ignore[attr-defined]


def _from_file(name: str, raw: BinaryIO, closing: list[object], offset: int) -> Opened:
    try:
        status = os.fstat(raw.fileno())
        size = status.st_size or raw.seek(0, os.SEEK_END)
        raw.seek(offset)
    except (OSError, io.UnsupportedOperation, AttributeError):
        return Opened(name, None, _passed(_Raw(raw), offset), closing)
    kind = kind_of(raw.read(8))
    raw.seek(offset)
    if kind is not None:
        return Opened(name, None, Unpacked(raw, kind), closing)
    file = File(raw.fileno(), size)
    opened = Opened(name, _from(file, offset), None, [*closing, file])
    opened.device = stat.S_ISBLK(status.st_mode)
    return opened


def _from(store: Store, offset: int) -> Store:
    return Slice(store, offset) if offset else store


def _passed(pipe: Pipe, size: int) -> Pipe:
    """A pipe of which so many bytes went by."""
    while size:
        piece = pipe.read(min(size, SPOOL_CHUNK))
        if not piece:
            break
        size -= len(piece)
    return pipe


class _Raw:
    """A pipe or socket, whose errors are ours."""

    def __init__(self, inner: BinaryIO) -> None:
        self._inner = inner

    def read(self, size: int, /) -> bytes:
        try:
            return self._inner.read(size) or b""
        except OSError as error:
            raise SourceError(f"cannot be read: {(error.strerror or str(error)).lower()}") from None


def open_source(what: Openable, *, spool: bool = False, offset: int = 0) -> Opened:
    """Open a path, `-` (standard input), a file object or bytes.

    Parameters
    ----------
    spool : make a temporary file of what can only be read once, so that all bytes are at hand
    offset : bytes before the stream, which are left out

    Raises
    ------
    SourceError : it does not exist or cannot be read
    NotAStream : it is a directory
    """
    opened = _open(what, offset)
    opened.origin = offset
    if spool and opened.pipe is not None:
        opened.spool()
    return opened


def _open(what: Openable, offset: int) -> Opened:
    if isinstance(what, bytes | bytearray | memoryview):
        return Opened("<bytes>", _from(Whole(what), offset), None, [])
    if isinstance(what, io.BytesIO):
        return Opened("<bytes>", _from(Whole(what.getvalue()), offset), None, [])
    if isinstance(what, str | os.PathLike):
        if str(what) == "-":
            return _from_file("<stdin>", sys.stdin.buffer, [], offset)
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
        opened = _from_file(path, raw, [raw], offset)
        opened.path = path if opened.store is not None else None
        return opened
    given: object = what  # whatever the annotation says
    if isinstance(given, io.TextIOBase) or not hasattr(given, "read"):
        raise TypeError(
            "a path, bytes, or a file that was opened with 'rb' can be a stream, not a"
            f" {type(given).__name__}"
        )
    return _from_file(getattr(what, "name", "<file>"), what, [], offset)
