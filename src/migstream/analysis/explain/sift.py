"""Logs of any length, read once and forward: of a long one only what may be about a failure is kept."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol

from migstream.analysis.explain.episodes import BEGIN, END
from migstream.analysis.explain.peel import LONGEST, MOST_LINES
from migstream.qemu.words.recognise import mentions

__all__ = ["sift"]

SHORT = 1 << 18  # bytes of a log that is kept as it is
MOST = 1 << 24  # characters that are kept of a longer one
AROUND = 50  # lines that are kept before and behind one that says something
CHUNK = 1 << 16
MOST_READ = 1 << 30  # bytes, of a compressed one when it is unpacked
PACKED = (
    (b"\x1f\x8b", gzip.open),
    (b"\xfd7zXZ\0", lzma.open),
    (b"BZh", bz2.open),
)  # as they are rotated
WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # as PowerShell redirects


class Readable(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes: ...


def sift(file: io.BufferedReader, tell: Callable[[int], None] | None = None) -> str:
    """Return a log as text; what is compressed is unpacked, as far as it goes.

    In a long one, lines far from everything that is known are empty, so that the others keep their numbers. Where
    too much is left the end counts.

    Parameters
    ----------
    file : open at its beginning; a pipe, too
    tell : is told how many bytes were read of one that is not compressed

    Raises
    ------
    OSError : the file cannot be read
    """
    magic = file.peek(8)[:8]
    unpack = next((unpack for mark, unpack in PACKED if magic.startswith(mark)), None)
    pieces = _pieces(file, tell) if unpack is None else _unpacked(unpack(file))
    head = b""
    for piece in pieces:
        head += piece
        if len(head) > SHORT:
            break
    else:
        return head.decode(_encoding(head), "replace")
    kept = _Kept()
    for lines in _blocks(head, pieces):
        kept.block(lines)
    return kept.text()


def _encoding(head: bytes) -> str:
    return "utf-16" if head.startswith(WIDE) else "utf-8"


def _pieces(file: Readable, tell: Callable[[int], None] | None = None) -> Iterator[bytes]:
    left = MOST_READ
    while left > 0 and (piece := file.read(min(CHUNK, left))):
        left -= len(piece)
        if tell is not None:
            tell(len(piece))
        yield piece


def _unpacked(file: Readable) -> Iterator[bytes]:
    try:
        yield from _pieces(file)
    except (EOFError, zlib.error, lzma.LZMAError, OSError, ValueError):
        return  # damaged: what came before counts


def _blocks(head: bytes, pieces: Iterator[bytes]) -> Iterator[list[str]]:
    """The lines, some at a time, of which each is as long as is looked at."""
    decoder = codecs.getincrementaldecoder(_encoding(head))("replace")
    rest = decoder.decode(head)
    while True:
        *lines, rest = rest.split("\n")
        yield [line[:LONGEST] for line in lines]
        piece = next(pieces, None)
        if piece is None:
            break
        new = decoder.decode(piece)
        rest = rest + new if len(rest) < LONGEST or "\n" in new else rest
    yield [rest[:LONGEST]]


class _Kept:
    """The lines that are kept, with their numbers; of them the last."""

    def __init__(self) -> None:
        self._lines: deque[tuple[int, str]] = deque()
        self._before: deque[tuple[int, str]] = deque(maxlen=AROUND)
        self._size = self._next = self._behind = 0

    def block(self, lines: list[str]) -> None:
        """Take the next lines; of those in which nobody says anything only the first and the last are looked at."""
        quiet = not _says("\n".join(lines))
        for at, line in enumerate(lines):
            if quiet and not self._behind and at < len(lines) - AROUND:
                continue
            self._before.append((self._next + at, line))
            if not quiet and _says(line):
                self._behind = AROUND + 1
            if self._behind:
                self._behind -= 1
                self._keep()
        self._next += len(lines)

    def _keep(self) -> None:
        self._lines += self._before
        self._size += sum(len(line) for _, line in self._before)
        self._before.clear()
        while self._size > MOST or len(self._lines) > MOST_LINES:
            self._size -= len(self._lines.popleft()[1])

    def text(self) -> str:
        at, out = 0, []
        for number, line in (*self._lines, *self._before):
            out.append("\n" * (number - at))
            out.append(line)
            at = number
        return "".join(out)


def _says(text: str) -> bool:
    return mentions(text) or bool(BEGIN.search(text) or END.search(text))
