"""Addresses that fsspec knows (`s3://`, `gs://`, `https://`, `ssh://`, `memory://`, …), read by ranges.

fsspec, and the package that a scheme needs, are extras: they are imported when an address is opened.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import Any, TypeVar

from migstream.errors import MigstreamError, NotAStream, SourceError
from migstream.source.address import public, scheme_of, scrub
from migstream.source.containers import Opener
from migstream.source.layers import Opened
from migstream.source.ranged import Passing, Ranged, patiently

__all__ = ["COMMON", "open_remote", "opener_of"]

# What is an address without fsspec, too, to say that it is lacking.
COMMON = frozenset(
    [
        "abfs",
        "az",
        "adl",
        "ftp",
        "gcs",
        "gs",
        "hdfs",
        "hf",
        "http",
        "https",
        "memory",
        "oci",
        "oss",
        "s3",
        "s3a",
        "sftp",
        "smb",
        "ssh",
        "webdav",
        "webhdfs",
    ]
)
WEB = ("http", "https")
# seconds: for finding and opening what is there, and for a range; then so many for each of its bytes
OPENING, READING, CLOSING, SLOWEST = 60.0, 60.0, 2.0, 1 << 16
LOOKS = 5.0  # seconds between two looks at whether it is still the same
# What tells one state of an object from another, by the names that file systems of fsspec have for it.
MARKS = (
    "size",
    "ETag",
    "etag",
    "generation",
    "version_id",
    "LastModified",
    "last_modified",
    "updated",
    "mtime",
    "created",
)
PASSING = (ConnectionError, TimeoutError)
COPY = "copy it to a file with another program, then open that"

T = TypeVar("T")


def opener_of(address: str) -> Opener | None:
    """What opens an address; None where its scheme is none that fsspec knows, and it may be a file's name."""
    scheme = scheme_of(address)
    if not scheme:
        return None
    try:
        from fsspec import available_protocols
    except ImportError:
        return _lacking if scheme in COMMON else None
    if scheme not in available_protocols():
        return None
    if scheme in WEB:
        return _web
    return open_remote


def _lacking(address: str) -> Opened:
    raise SourceError(
        f"{public(address)}: addresses need fsspec, which is not installed",
        hint="pip install 'migstream[url]', or copy it to a file first",
    )


def _web(address: str) -> Opened:
    try:
        from migstream.source.web import open_web
    except ImportError as error:
        raise _lacks(public(address), error, "") from None
    return open_web(address)


def _lacks(name: str, error: ImportError, said: str) -> SourceError:
    """That a package is lacking which a scheme needs; an import that failed names it."""
    cause: BaseException | None = error
    while cause is not None and getattr(cause, "name", None) is None:
        cause = cause.__cause__ or cause.__context__
    package = (getattr(cause, "name", None) or "").partition(".")[0]
    get = "pip install " + ("'migstream[url]'" if package in {"aiohttp", "yarl"} else package)
    return SourceError(
        f"{name}: needs {package or 'a package'}, which is not installed",
        hint=f"{get}, or copy it to a file first" if package else said,
    )


def open_remote(address: str) -> Opened:
    """Open an address of any scheme that fsspec knows (protocol: source.containers.Opener).

    Raises
    ------
    SourceError : the package for it is not installed, there is nothing, it is refused, or nothing
        answers in time
    NotAStream : it is a folder
    """
    name = public(address)
    object_ = _Object(address, name)
    size = patiently(object_.begin, name)
    if size is None:
        return Opened(name, None, object_, [object_])
    ranged = Ranged(object_, name)
    opened = Opened(name, ranged, None, [object_, ranged])
    opened.far = True
    return opened


class _Object:
    """What is at an address: its ranges, or all of it once (protocols: ranged.Ranges, layers.Pipe)."""

    def __init__(self, address: str, name: str) -> None:
        self.size = 0
        self._address = address
        self._name = name
        self._files: Any = None
        self._path = ""
        self._file: Any = None
        self._marks: dict[str, str] = {}
        self._looked = 0.0

    def begin(self) -> int | None:
        """Its size; None where it has to be read as a whole, once."""
        self._within(OPENING, self._open)
        return self.size if self.size >= 0 else None

    def fetch(self, start: int, stop: int) -> bytes:
        data = self._within(READING + (stop - start) / SLOWEST, lambda: self._range(start, stop))
        if len(data) > stop - start:
            raise SourceError(
                f"{self._name}: {stop - start} bytes were asked for, and {len(data)} came",
                hint=COPY,
            )
        if not data:
            raise self._changed()
        return data

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes, none at the end."""
        try:
            data: bytes = self._within(READING, lambda: self._file.read(size))
        except Passing as error:
            raise SourceError(f"the connection ended early: {error}", hint=COPY) from None
        return data

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with suppress(Passing, MigstreamError):  # it is of no use any more in any case
                self._within(CLOSING, file.close)

    # --- in a thread of its own ----------------------------------------------------------------

    def _open(self) -> None:
        from fsspec.core import url_to_fs

        self._files, self._path = url_to_fs(self._address)
        marks = self._look()
        if marks.get("type") == "directory":
            raise NotAStream(
                "a directory is not a migration stream", hint="give the file that QEMU wrote"
            )
        self._marks, self._looked = marks, time.monotonic()
        self._file = self._files.open(self._path, "rb", cache_type="none")
        self.size = _size(self._file)

    def _look(self) -> dict[str, str]:
        self._files.invalidate_cache(self._path)
        found = self._files.info(self._path)
        return {mark: str(found[mark]) for mark in ("type", *MARKS) if found.get(mark) is not None}

    def _range(self, start: int, stop: int) -> bytes:
        if time.monotonic() - self._looked > LOOKS:
            if self._look() != self._marks:
                raise self._changed()
            self._looked = time.monotonic()
        self._file.seek(start)
        data: bytes = self._file.read(stop - start)
        return data

    # --- errors --------------------------------------------------------------------------------

    def _changed(self) -> SourceError:
        return SourceError(
            f"{self._name}: changed while it was read",
            hint="something else writes to it: wait for that to end, or copy it first",
        )

    def _within(self, seconds: float, work: Callable[[], T]) -> T:
        """What `work` gives, in a thread that is left alone where it takes longer.

        Raises
        ------
        Passing : it took too long, or failed in passing
        SourceError : it failed
        """
        done: list[T] = []
        failed: list[BaseException] = []

        def run() -> None:
            try:
                done.append(work())
            except BaseException as error:  # noqa: BLE001 - told below, in the thread that asked
                failed.append(error)

        thread = Thread(target=run, daemon=True)
        thread.start()
        thread.join(seconds)
        if done:
            return done[0]
        if not failed:
            raise Passing(f"no answer in {seconds:.0f} seconds")
        raise self._told(failed[0]) from None

    def _told(self, error: BaseException) -> BaseException:
        if isinstance(error, MigstreamError):
            return error
        said = " ".join(scrub(str(error), self._address).split())[:200]
        if isinstance(error, ImportError):
            return _lacks(self._name, error, said)
        if isinstance(error, FileNotFoundError):
            return SourceError(f"{self._name}: there is no such object", hint="look at the address")
        if isinstance(error, IsADirectoryError):
            return NotAStream(
                "a directory is not a migration stream", hint="give the file that QEMU wrote"
            )
        if isinstance(error, PASSING):
            return Passing(said or type(error).__name__)
        if type(error).__name__ == "FileExpired":  # s3fs: the object has another tag by now
            return self._changed()
        if isinstance(error, OSError) and error.strerror and not said:
            said = error.strerror.lower()
        return SourceError(
            f"{self._name}: {said or 'it cannot be read'} ({type(error).__name__})",
            hint="credentials and settings are those of fsspec and of the package for this scheme; "
            + COPY,
        )


def _size(file: Any) -> int:
    """Bytes of an open file, -1 where it can be read once only."""
    size = getattr(file, "size", None)
    if isinstance(size, int):
        return size
    try:
        size = file.seek(0, io.SEEK_END)
        size = file.tell() if size is None else size  # paramiko's says nothing
    except (OSError, ValueError, AttributeError):
        return -1
    return int(size)
