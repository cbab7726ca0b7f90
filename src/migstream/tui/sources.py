"""Bytes that are looked at a line at a time: of the stream, of guest memory."""

from __future__ import annotations

from typing import Protocol

from migstream.errors import MigstreamError
from migstream.machine.search import gaps
from migstream.machine.view import END, View
from migstream.render.missing import WORDS
from migstream.render.text import prose
from migstream.stream import Stream
from migstream.wire.model import Span

__all__ = ["Memory", "Source", "StreamBytes"]


class Source(Protocol):
    """Bytes at addresses from `start` to before `stop`; nothing of them is read before it is shown."""

    start: int
    stop: int

    def row(self, at: int, size: int) -> bytes | str:
        """So many bytes, or a word on why they are not there."""
        ...


class StreamBytes:
    """Bytes of the stream."""

    def __init__(self, stream: Stream, span: Span) -> None:
        self.start, self.stop = span
        self._stream = stream

    def row(self, at: int, size: int) -> bytes | str:
        try:
            return bytes(self._stream.store.view(at, at + size))
        except MigstreamError as error:
            return prose(error.message)


class Memory:
    """Guest memory as `view` sees it."""

    def __init__(self, view: View) -> None:
        self._view = view
        self.start, self.stop = 0, END
        if view.space == "block":
            self.stop = view.ram[view.block].size
        elif view.space == "physical":
            ranges = view.memory.ranges
            self.start = ranges[0].start if ranges else 0
            self.stop = ranges[-1].stop if ranges else 0

    def row(self, at: int, size: int) -> bytes | str:
        view = self._view
        try:
            for gap in gaps(view.places(at, size), view.ram):
                if view.ram[gap.block].elsewhere is None:  # else reading it says where it is
                    return WORDS[gap.kind]
            return b"".join(data for _, data in view.read(at, size))
        except MigstreamError as error:
            return prose(error.message)
