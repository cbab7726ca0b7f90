"""The downtime part of a stream as a flame graph: the file format of speedscope.

Its axis is the stream itself, in bytes: what stands in it is a box as wide as it is long, and above a device are
its structs and fields. Reference: https://www.speedscope.app/file-format-schema.json, an "evented" profile: boxes
are opened and closed at offsets that never fall.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from migstream.names import json_text
from migstream.ram.model import RamRecords, records_of
from migstream.stream import Stream
from migstream.vmstate.values import Value
from migstream.wire.model import Item, Section, SectionType, Span, downtime, owned

__all__ = ["SCHEMA", "flames"]

SCHEMA = "https://www.speedscope.app/file-format-schema.json"
EXPORTER = "migstream"
OPEN, CLOSE = "O", "C"
MOST = 1 << 18  # values that get a box of their own


class Frame(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a box is of; `file` is the path of a value, which speedscope shows beside the name."""

    name: str
    file: str | None = None


class Event(msgspec.Struct, frozen=True):
    """A box begins or ends at offset `at`; `frame` is its place in the list of frames."""

    type: str
    at: int
    frame: int


class Graph:
    """Boxes, added in the order of the stream."""

    def __init__(self, start: int) -> None:
        self.frames: dict[Frame, int] = {}
        self.events: list[Event] = []
        self._at = start
        self._left = MOST

    def add(self, start: int, stop: int, *names: str) -> None:
        """A box, in others that have the rest of the names: bytes [start, stop)."""
        frames = [Frame(name) for name in names]
        for frame in frames:
            self._event(OPEN, start, frame)
        for frame in reversed(frames):
            self._event(CLOSE, stop, frame)

    def device(self, section: Section, value: Value | None) -> None:
        """A device's section, with its fields where it is known what they are."""
        frame = Frame(section.path)
        self._event(OPEN, section.span.start, frame)
        if value is not None:
            self._inside(value, section.payload)
        self._event(CLOSE, section.span.stop, frame)

    def ram(self, section: Section, records: RamRecords) -> None:
        """A RAM section: by block, and by kind of record, one behind the other whichever way they were sent."""
        frame = Frame(section.name)
        self._event(OPEN, section.span.start, frame)
        at = section.payload.start + records.setup_bytes
        for name, tally in ((one.name, one.tally) for one in records.blocks):
            block = Frame(name)
            self._event(OPEN, at, block)
            for kind, _, size in tally.kinds():
                self.add(at, at + size, kind)
                at += size
            self._event(CLOSE, at, block)
        self._event(CLOSE, section.span.stop, frame)

    def group(self, type_: str, at: int, name: str) -> None:
        """The beginning, or the end, of what several follow each other in."""
        self._event(type_, at, Frame(name))

    def _inside(self, value: Value, room: Span) -> None:
        for child in value.children:
            start, stop = child.span
            # what stands in two places, or beyond what it belongs to, would be a box across others
            if not self._left or start == stop or start < self._at or stop > room.stop:
                continue
            self._left -= 1
            frame = Frame(child.name, child.path)
            self._event(OPEN, start, frame)
            self._inside(child, child.span)
            self._event(CLOSE, stop, frame)

    def _event(self, type_: str, at: int, frame: Frame) -> None:
        self._at = at
        self.events.append(Event(type_, at, self.frames.setdefault(frame, len(self.frames))))


def flames(stream: Stream) -> bytes:
    """A file for speedscope: the downtime part, all of a stream of which nothing was sent live.

    A device's section is in `devices`, any other in its own name, as `stat` counts them; a package's parts are
    told like those of the stream itself. From the 262 144th value on structs are not gone into.
    """
    stands = downtime(stream.items)
    start = 0 if stands is None else stands
    name = "all of the stream" if stands is None else "sent while the guest stands"
    graph = Graph(start)
    _draw(graph, [one for one in owned(stream.items) if one[0] >= start], stream)
    profile = {
        "type": "evented",
        "name": f"{stream.name}: {name}",
        "unit": "bytes",
        "startValue": start,
        "endValue": stream.size,
        "events": graph.events,
    }
    return json_text(
        {
            "$schema": SCHEMA,
            "exporter": EXPORTER,
            "name": stream.name,
            "shared": {"frames": list(graph.frames)},
            "profiles": [profile],
        },
        pretty=False,
    )


def _draw(graph: Graph, pieces: Sequence[tuple[int, int, Item]], stream: Stream) -> None:
    values = {device.section.span.start: device.value for device in stream.devices}
    group = None
    for start, stop, item in pieces:
        device = isinstance(item, Section) and item.type == SectionType.FULL
        if device and group is None:
            group = "devices"
            graph.group(OPEN, start, group)
        elif not device and group is not None:
            graph.group(CLOSE, start, group)
            group = None
        if not isinstance(item, Section):
            graph.add(start, stop, item.label)
        elif device:
            graph.device(item, values.get(start))
        elif records := records_of(item):
            graph.ram(item, records)
        else:
            graph.add(start, stop, item.name)
    if group is not None:
        graph.group(CLOSE, pieces[-1][1], group)
