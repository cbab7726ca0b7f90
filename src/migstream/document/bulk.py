"""Bulk beside the JSON: bytes that nobody edits by hand, in side files or still in the original.

A reference names a plain file of the folder (`{"file": "ram.bin", "at": 0, "size": 4096}`) or a
place of the stream that was decoded (`{"original": 512, "size": 4096}`). Bytes are copied in
pieces; what is zero becomes a hole.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from migstream.errors import BadValue, SourceError
from migstream.source.layers import Tell
from migstream.source.pieces import Bulk, PieceWriter
from migstream.source.store import Store
from migstream.wire.model import Span

__all__ = [
    "FILE",
    "ORIGINAL",
    "RAW",
    "RESERVED",
    "Aside",
    "Sources",
]

RAW, FILE, ORIGINAL = "raw", "file", "original"
RESERVED = frozenset((RAW, FILE, ORIGINAL))
KEYS = {FILE: {FILE, "at", "size"}, ORIGINAL: {ORIGINAL, "size"}}
ENDS = 64 << 10


class Aside:
    """Puts bytes of a stream aside while it is decoded.

    Parameters
    ----------
    folder : where the side files go
    store : the stream's bytes
    original : whether references into the stream take the place of copies
    tell : told how many bytes were copied since the last time
    """

    def __init__(self, folder: Path, store: Store, *, original: bool, tell: Tell) -> None:
        self._folder = folder
        self._store = store
        self._original = original
        self._tell = tell
        self._open: dict[str, PieceWriter] = {}
        self._closing = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.__exit__(kind, error, trace)

    def finish(self) -> None:
        """Write what is still on its way."""
        for one in self._open.values():
            one.finish()

    def keep(self, span: Span, file: str) -> dict[str, Any]:
        """A reference to these bytes of the stream, for whose sake they are copied to `file`."""
        if self._original:
            return {ORIGINAL: span.start, "size": span.size}
        if file not in self._open:
            made = self._closing.enter_context((self._folder / file).open("xb"))
            self._open[file] = self._closing.enter_context(
                PieceWriter(made.fileno(), self._store.view, self._tell)
            )
        out = self._open[file]
        at = out.at
        out.add(span)
        return {FILE: file, "at": at, "size": span.size}

    def head(self, path: Path) -> dict[str, Any]:
        """What the document says of the original, so that it is known again: see `Sources`."""
        size = self._store.size
        found = _ends(lambda at, most: bytes(self._store.view(at, at + most)), size)
        return {"path": str(path.absolute()), "size": size, "sha256": found}


class Sources:
    """The files that references name, opened once each. Names never lead out of the folder."""

    def __init__(self, folder: str | os.PathLike[str], original: Path | None = None) -> None:
        self._open: dict[str, Bulk] = {}
        self._elsewhere = original
        self._original: Bulk | None = None
        try:
            self._folder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise SourceError(
                f"{os.fspath(folder)}: {(error.strerror or str(error)).lower()}",
                hint="give the folder that `migstream decode --full` made",
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        opened = [*self._open.values(), *([self._original] if self._original else [])]
        for one in opened:
            os.close(one.fd)
        os.close(self._folder)

    def file(self, name: Any) -> Bulk:
        """The whole of a file of the folder."""
        if not isinstance(name, str) or not name or name in {".", ".."} or {"/", "\0"} & set(name):
            raise BadValue("no file of this folder", expected="a name without /", found=repr(name))
        if name not in self._open:
            self._open[name] = _regular(name, dir_fd=self._folder)
        return self._open[name]

    @property
    def size(self) -> int:
        """Bytes of all files, and of the original: about as many as a stream of them has."""
        with os.scandir(self._folder) as entries:
            size = sum(one.stat(follow_symlinks=False).st_size for one in entries)
        return size + (self._original.size if self._original is not None else 0)

    def known(self, head: Any) -> None:
        """Open the original that `head` speaks of, and see that it is still the same.

        Raises
        ------
        BadValue : it is another file now
        SourceError : it is not there
        """
        if not isinstance(head, dict) or not isinstance(head.get("path"), str):
            raise BadValue("no original is named", path=[ORIGINAL], expected="a path", found=head)
        path = self._elsewhere or Path(head["path"])
        self._original = opened = _regular(path)
        found = opened.size, _ends(lambda at, most: os.pread(opened.fd, most, at), opened.size)
        if found != (head.get("size"), head.get("sha256")):
            raise BadValue(
                f"{path} is not the stream that was decoded",
                path=[ORIGINAL],
                expected=f"{head.get('size')} bytes with the same ends",
                found=f"{opened.size} bytes",
                hint="--original says where that stream is now",
            )

    def find(self, reference: dict[str, Any]) -> Bulk:
        """The bytes of a reference; `at` is 0 and `size` the rest of the file where not given."""
        kind = FILE if FILE in reference else ORIGINAL
        odd = reference.keys() - KEYS[kind]
        if odd:
            raise BadValue("no reference", expected=" ".join(sorted(KEYS[kind])), found=min(odd))
        if kind == FILE:
            whole = self.file(reference[FILE])
        elif self._original is not None:
            whole = self._original
        else:
            raise BadValue("no original is named", expected="a file", found=ORIGINAL)
        at = reference.get("at" if kind == FILE else ORIGINAL, 0)
        size = reference.get("size", whole.size - at if type(at) is int else 0)
        if type(at) is not int or type(size) is not int or not 0 <= at <= at + size <= whole.size:
            raise BadValue(
                "outside of the file",
                expected=f"0 to {whole.size}",
                found=f"{size} bytes at {at}",
            )
        return Bulk(whole.fd, at, size)


def _regular(name: str | Path, dir_fd: int | None = None) -> Bulk:
    """A plain file; in the folder not even a symbolic link, which could lead out of it."""
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        fd = os.open(name, flags | (0 if dir_fd is None else os.O_NOFOLLOW), dir_fd=dir_fd)
    except (OSError, UnicodeEncodeError) as error:
        if getattr(error, "errno", None) == errno.ELOOP:
            raise BadValue(
                f"{name} is a symbolic link", expected="a file", found="a link"
            ) from None
        reason = getattr(error, "strerror", None) or "no such name"
        raise SourceError(f"{name}: {reason.lower()}") from None
    about = os.fstat(fd)
    if not stat.S_ISREG(about.st_mode):
        os.close(fd)
        raise BadValue(f"{name} is not a plain file", expected="a file", found="something else")
    return Bulk(fd, 0, about.st_size)


def _ends(read: Callable[[int, int], bytes], size: int) -> str:
    """SHA-256 of the first and the last 64 KiB, hexadecimal."""
    digest = hashlib.sha256(read(0, min(ENDS, size)))
    digest.update(read(max(size - ENDS, 0), min(ENDS, size)))
    return digest.hexdigest()
