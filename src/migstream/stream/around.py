"""What stands before a stream, and what behind it.

A hint that leads to another stream is worse than none: an offset is named only where reading from
there gives a whole stream, and no other place does.
"""

from __future__ import annotations

from migstream.errors import MigstreamError
from migstream.source.layers import Opened
from migstream.source.store import Slice, Store
from migstream.stream.locate import Tail
from migstream.stream.reading import CHEAP, read_stream
from migstream.wire.cursor import Cursor
from migstream.wire.frames import BEGINNING, LEAD
from migstream.wire.model import End, FileHeader, Trailer
from migstream.wire.registry import Context
from migstream.wire.tail import find_description

__all__ = ["followed_by", "stream_inside"]

TRIED = 8  # places at which a stream seems to begin


def stream_inside(store: Store, start: int, stop: int) -> int | None:
    """Where in [start, stop) a whole stream begins; None where none does, or more than one."""
    cur = Cursor(b"", start, eof=False, whole=store)
    found: list[int] = []
    at = start
    for _ in range(TRIED):
        at = cur.find(BEGINNING, at, min(stop, store.size))
        if at < 0:
            break
        if _whole(Slice(store, at)):
            found.append(at)
        at += 1
    return found[0] if len(found) == 1 else None


def _whole(store: Store) -> bool:
    """Whether an undamaged stream begins at the store's first byte."""
    try:
        if store.size > CHEAP:
            tail = Tail(store)
            return tail.doubt is None and isinstance(tail.head[0], FileHeader)
        walked = read_stream(Opened("", store, None, []), lambda _: Context(limit=store.size))
    except MigstreamError:
        return False
    return not walked.damage and any(isinstance(item, End) for item in walked.items)


def followed_by(store: Store, trailer: Trailer) -> str:
    """What the bytes behind a stream are, in words."""
    if trailer.zeros:
        return "zeros"
    start = trailer.span.start
    inside = stream_inside(store, start, start + LEAD)
    if inside is not None:
        return f"another stream, which begins at {inside:#x} (--offset {inside:#x})"
    span = find_description(store, start)
    if span is not None:
        return (
            f"the rest of another, longer stream that was overwritten: its description is at {span.start:#x};"
            " nothing is read from there"
        )
    return "bytes of something else"
