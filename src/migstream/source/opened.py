"""Open a path, a pipe, a file object or bytes: what there is of them at hand, and what goes by once."""

from __future__ import annotations

import io
import os
import stat
import sys
from typing import BinaryIO

from migstream.errors import NotAStream, SourceError
from migstream.source.containers import SCHEMES, unwrap
from migstream.source.layers import MOST_ALIEN, MOST_HEAD, Asked, Opened, Watch, passed
from migstream.source.store import File, Slice, Store, Whole

__all__ = ["Openable", "open_source"]

Openable = str | os.PathLike[str] | BinaryIO | bytes | bytearray | memoryview


def _from_file(name: str, raw: BinaryIO, closing: list[object], offset: int) -> Opened:
    try:
        status = os.fstat(raw.fileno())
        size = status.st_size or raw.seek(0, os.SEEK_END)
        raw.seek(offset)
    except (OSError, io.UnsupportedOperation, AttributeError):
        return Opened(name, None, passed(_Raw(raw), offset), closing)
    if stat.S_ISCHR(
        status.st_mode
    ):  # a tape, a port: its bytes go by, whatever it says of its size
        return Opened(name, None, passed(_Raw(raw), offset), closing)
    file = File(raw.fileno(), size)
    opened = Opened(name, _from(file, offset), None, [*closing, file])
    opened.device = stat.S_ISBLK(status.st_mode)
    return opened


def _skipped(opened: Opened, offset: int) -> Opened:
    """The same without its first bytes."""
    if offset and opened.store is not None:
        opened.store = Slice(opened.store, offset)
    elif offset and opened.pipe is not None:
        opened.pipe = passed(opened.pipe, offset)
    return opened


def _from(store: Store, offset: int) -> Store:
    return Slice(store, offset) if offset else store


class _Raw:
    """A pipe or socket, whose errors are ours."""

    def __init__(self, inner: BinaryIO) -> None:
        self._inner = inner

    def read(self, size: int, /) -> bytes:
        try:
            return self._inner.read(size) or b""
        except OSError as error:
            raise SourceError(f"cannot be read: {(error.strerror or str(error)).lower()}") from None


def open_source(
    what: Openable,
    *,
    spool: bool = False,
    offset: int = 0,
    bare: bytes = b"",
    container: str | None = None,
    inside: str | None = None,
    watch: Watch | None = None,
) -> Opened:
    """Open a path, `-` (standard input), an address, a file object or bytes: what is in their innermost container.

    Parameters
    ----------
    spool : make a temporary file of what can only be read once, so that all bytes are at hand
    offset : bytes of the outermost source that are left out
    bare : what begins so is in no container (`source.containers.unwrap`)
    container : the name of the outermost container, "none" for none; its bytes tell without it
    inside : which of several things in a container
    watch : is told, again and again, what is done that takes long, how many bytes of how many

    Raises
    ------
    SourceError : it does not exist or cannot be read, or a container is broken
    NotAStream : it is a directory
    """
    opened = _open(what, offset)
    opened.origin = opened.base = offset
    opened.asked = Asked(container, inside, watch)
    try:
        opened = unwrap(opened, bare)
        if not _begins(opened, bare):
            opened.spool(MOST_ALIEN)  # what has no end fills no disk
        return opened.spool() if spool else opened
    except BaseException:
        opened.close()
        raise


def _begins(opened: Opened, bare: bytes) -> bool:
    """Whether it begins so, or does behind zeros, of which a disk may have some before."""
    if opened.head(len(bare)) == bare:
        return True
    return opened.store is None and opened.head(MOST_HEAD).lstrip(b"\0").startswith(bare)


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
        scheme, found, _ = path.partition("://")
        if found:
            from migstream.source.address import public
            from migstream.source.remote import opener_of

            opener = SCHEMES.find(scheme) or opener_of(path)
            if opener is not None:
                opened = _skipped(opener(path), offset)
                opened.name = public(opened.name)
                return opened
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
