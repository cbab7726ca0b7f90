"""What a new stream is made of, piece after piece, and the one writer of them.

Whoever makes a stream of another one says what comes next, and need not know how it is copied, where
a file has holes, or how much is in memory meanwhile: at no time more than some windows.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import NamedTuple, Protocol, Self

from migstream.errors import SourceError
from migstream.source.sparse import SparseWriter
from migstream.source.store import Store, file_under

__all__ = ["Bulk", "Fetch", "Piece", "PieceWriter", "Sink", "Stretch", "Zeros", "size_of", "write"]

CHUNK = 1 << 20
FEW = 64 << 10  # bytes among which no zeros are looked for
MANY = 1 << 20  # bytes that are worth asking the kernel to copy

Fetch = Callable[[int, int], memoryview]


class Zeros(NamedTuple):
    """`size` zero bytes, which take no memory here and are a hole in a file."""

    size: int


class Bulk(NamedTuple):
    """`size` bytes from offset `at` on of an open file."""

    fd: int
    at: int
    size: int

    def pieces(self) -> Iterator[bytes]:
        """The bytes, some at a time; raises SourceError where they are gone."""
        for start in range(0, self.size, CHUNK):
            want = min(CHUNK, self.size - start)
            piece = os.pread(self.fd, want, self.at + start)
            if len(piece) < want:
                raise SourceError("a file became shorter while it was read")
            yield piece


class Stretch(Protocol):
    """Bytes [start, stop) of the source, as `wire.model.Span` has them."""

    @property
    def start(self) -> int: ...
    @property
    def stop(self) -> int: ...


class Rest(NamedTuple):
    """What is left of a Stretch."""

    start: int
    stop: int


Piece = bytes | memoryview | Stretch | Zeros | Bulk


class Sink(Protocol):
    """Where bytes go in their order: an open file."""

    def write(self, data: memoryview, /) -> int | None: ...


def size_of(piece: Piece) -> int:
    """How many bytes a piece has."""
    if isinstance(piece, bytes | memoryview):
        return len(piece)
    return piece.size if isinstance(piece, Zeros | Bulk) else piece.stop - piece.start


def nothing(start: int, stop: int) -> memoryview:
    """For pieces of which none is of a source."""
    raise ValueError(f"bytes {start:#x}-{stop:#x} of no source")


class PieceWriter:
    """Writes pieces to an empty file of which `fd` is open for writing; use it as a context.

    Parameters
    ----------
    fetch : bytes of the source, for the pieces that are a part of it
    tell : told how many bytes were written since the last time, but for small pieces
    source : what `fetch` fetches from, where zeros are to be holes only if they are in it: the kernel
        copies what lies in a file

    `at` is the offset of the next byte, `written` the number of bytes that are no holes. Memory that is
    given to it must not change before the end, but for what `lend` gave.
    """

    def __init__(
        self,
        fd: int,
        fetch: Fetch = nothing,
        tell: Callable[[int], object] = lambda _: None,
        *,
        source: Store | None = None,
    ) -> None:
        self._tell = tell
        self._source = source
        self._out = SparseWriter(fd)
        self._fetch = fetch

    def __enter__(self) -> Self:
        self._out.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._out.__exit__(kind, error, trace)

    @property
    def at(self) -> int:
        return self._out.at

    @property
    def written(self) -> int:
        return self._out.written

    def add(self, piece: Piece) -> None:
        """Append a piece; long runs of zeros in it become holes."""
        if isinstance(piece, Zeros):
            self._out.hole(piece.size)
            self._tell(piece.size)
            return
        if isinstance(piece, bytes) and len(piece) < FEW:
            self._out.put((piece,))
            return
        for chunk in _chunks(self._unshared(piece), self._fetch):
            self._out.copy(chunk)
            self._tell(len(chunk))

    def _unshared(self, piece: Piece) -> Piece:
        """What is left of a piece to be read and written: all of it, or what the kernel did not copy."""
        if self._source is None or isinstance(piece, bytes | memoryview | Zeros | Bulk):
            return piece
        lies = file_under(self._source, piece.start)
        if lies is None or size_of(piece) < MANY:
            return piece
        done = self._out.share(*lies, size_of(piece), self._tell)
        return Rest(piece.start + done, piece.stop)

    def put(self, pieces: Iterable[bytes | memoryview]) -> None:
        """Append many small pieces, none above some MiB; quicker than one by one, without a look for zeros."""
        self._out.put(pieces)

    def lend(self, size: int) -> memoryview:
        """A buffer of that size for pieces to `put`, which may change when the next is lent; what is in it is anything."""
        return self._out.lend(size)

    def patch(self, at: int, data: bytes) -> None:
        """Write to zeros that were left, which are known only later."""
        self._out.patch(at, data)

    def finish(self) -> None:
        """Write what is still on its way, and give the file its size."""
        self._out.finish()


def write(
    pieces: Iterable[Piece],
    sink: int | Sink,
    source: Store | None = None,
    tell: Callable[[int], object] = lambda _: None,
) -> int:
    """Write pieces one after another; how many bytes there are.

    Parameters
    ----------
    sink : descriptor of an empty file, where zeros become holes, or an open file
    source : for the pieces that are a part of it. What lies in a file is copied by the kernel where that
        can be: zeros are holes then only if they are in it
    tell : told how many bytes were written to a file since the last time
    """
    fetch = nothing if source is None else source.view
    if not isinstance(sink, int):
        return sum(sink.write(chunk) or len(chunk) for p in pieces for chunk in _chunks(p, fetch))
    with PieceWriter(sink, fetch, tell, source=source) as out:
        for piece in pieces:
            out.add(piece)
        out.finish()
        return out.at


def _chunks(piece: Piece, fetch: Fetch) -> Iterator[memoryview]:
    """The bytes of a piece, at most CHUNK at a time."""
    if isinstance(piece, Bulk):
        yield from (memoryview(part) for part in piece.pieces())
        return
    size = size_of(piece)
    for at in range(0, size, CHUNK):
        stop = min(at + CHUNK, size)
        if isinstance(piece, Zeros):
            yield memoryview(bytes(stop - at))
        elif isinstance(piece, bytes | memoryview):
            yield memoryview(piece)[at:stop]
        else:
            yield fetch(piece.start + at, piece.start + stop)
