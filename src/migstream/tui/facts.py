"""What is known of a line of the tree, in a few lines above its bytes."""

from __future__ import annotations

from collections.abc import Iterator

from migstream.errors import MigstreamError
from migstream.names import many
from migstream.render.shown import Line, dim, head, line
from migstream.render.shown import value as held
from migstream.render.text import escape, prose
from migstream.render.text import size as told_size
from migstream.stream import Stream
from migstream.tui.entries import Entry
from migstream.vmstate.values import Value

__all__ = ["facts"]

LONGEST = 16  # bytes of a value that is told in full
PATH = 200  # characters of a path: its end says most


def facts(stream: Stream, entry: Entry) -> list[Line]:
    """Its path; its type, and where it is; what it holds, and what that is called."""
    return list(_facts(stream, entry))


def _facts(stream: Stream, entry: Entry) -> Iterator[Line]:
    path = escape(entry.path)
    yield line(head(path if len(path) <= PATH else f"…{path[-PATH:]}")) if path else entry.label
    if entry.value is not None:
        yield from _of_value(entry.value)
    elif entry.block is not None:
        size = next((b.used_length for b in stream.blocks if b.name == entry.block), 0)
        yield line(dim("RAM block, "), told_size(size))
    elif entry.span is not None:
        yield line(dim("at "), f"{entry.span.start:#x}", dim(", "), told_size(entry.span.size))


def _of_value(value: Value) -> Iterator[Line]:
    several = "" if value.count is None else f"[{value.count}]"
    where = f"  at {value.span.start:#x}, {many(value.span.size, 'byte')}"
    yield line(escape(value.type), several, dim(where))
    if value.kind != "leaf" or value.count is not None:
        yield line(held(prose(value.symbol)))
        return
    try:
        if value.wire.code:
            yield line(held(prose(value.text)), "  ", dim(value.hex))
        else:
            yield line(held(prose(value.text)))
    except MigstreamError as error:
        yield line(dim(prose(error.message)))
