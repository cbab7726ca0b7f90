"""What is no stream but recorded beside one: a multifd channel, a return path. Of a stream this says so at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migstream.errors import ParseError
from migstream.stream import Stream
from migstream.wire.frames import MAGIC

if TYPE_CHECKING:
    from migstream.render.items import Row

__all__ = ["recorded_rows"]

LOOK = 1 << 16


def recorded_rows(stream: Stream) -> tuple[list[Row], ParseError | None] | None:
    """What another recording than a stream holds: a multifd channel, or a return path.

    None where the source is neither; with the rows comes the damage that ended them.
    """
    if not stream.seekable:
        return None
    if bytes(stream.store.view(0, len(MAGIC))) == MAGIC:
        return None  # what follows may be damaged in what the stream stands in: the walk says how
    from migstream.ram.multifd import is_channel
    from migstream.render.items import message_rows, packet_rows
    from migstream.wire.returnpath import looks_like_return_path

    head = bytes(stream.store.view(0, min(LOOK, stream.size)))
    if is_channel(head):
        rows = packet_rows(stream.store)
    elif looks_like_return_path(head):
        rows = message_rows(stream.store)
    else:
        return None
    found: list[Row] = []
    try:
        found.extend(rows)
    except ParseError as error:
        return found, error
    return found, None
