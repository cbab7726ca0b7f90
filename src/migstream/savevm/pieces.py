"""What a stream is loaded from, as pieces of bytes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from migstream.source.layers import Opened

__all__ = ["pieces"]

PIECE = 1 << 20


@contextmanager
def pieces(
    source: str | os.PathLike[str] | BinaryIO | Iterable[bytes],
) -> Iterator[Iterable[bytes | memoryview]]:
    """The pieces of a path, of a file from where it stands, or of what gives pieces itself.

    Raises
    ------
    SourceError : a path that cannot be read; by the pieces, where reading fails
    """
    if isinstance(source, str | os.PathLike):
        from migstream.source.opened import open_source

        opened = open_source(source)
        try:
            yield _pieces(opened)
        finally:
            opened.close()
        return
    # of a socket's file, what has come will do: waiting for more than the stream could take forever
    read = getattr(source, "read1", None) or getattr(source, "read", None)
    yield source if read is None else iter(lambda: read(PIECE), b"")


def _pieces(opened: Opened) -> Iterator[bytes | memoryview]:
    store, pipe = opened.store, opened.pipe
    if store is not None:
        yield from (store.view(at, at + PIECE) for at in range(0, store.size, PIECE))
    while pipe is not None and (piece := pipe.read(PIECE)):
        yield piece
