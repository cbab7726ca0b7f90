"""Device state for the page: every value with its place, and the bytes, as data for its script.

A node is a list: what it adds to the path above it, type, text, where its bytes begin in its section,
how many they are, and the nodes below it, where there are any.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec

from migstream.errors import MigstreamError
from migstream.names import json_text, many
from migstream.render.text import escape, prose, short_size
from migstream.render.tree import Look, shown_text, shown_type
from migstream.stream import Device, Stream
from migstream.vmstate.values import Value

__all__ = ["DeviceState", "State", "state"]

DEVICES = 2000  # sections that are in the page
BYTES, OF_ONE = 768 << 10, 256 << 10  # of state that are in the page, and of one section
TEXT, TEXT_OF_ONE = 1 << 21, 1 << 18  # of JSON for values, and for those of one section
ELEMENTS = 64  # of an array that are listed one by one
NODE = 24  # bytes of JSON that a node takes besides its texts
LOOK = Look()


class DeviceState(msgspec.Struct, frozen=True, kw_only=True):
    """A section: its path, its version, where it begins in the stream, and where its payload is in it.

    `data` are its first bytes in base64, `size` is how many it has.
    """

    path: str
    version: int | None
    start: int
    size: int
    payload: tuple[int, int]
    data: str
    node: list[Any]


class State(msgspec.Struct, frozen=True, kw_only=True):
    """All sections of devices; `left_out` says what is not in the page."""

    devices: list[DeviceState]
    left_out: list[str]

    @property
    def json(self) -> str:
        """As a script element can hold it: nothing in it ends that element."""
        return json_text(self, pretty=False).decode().replace("<", "\\u003c")


def state(stream: Stream) -> State:
    """The devices in their order, as far as there is room for them."""
    devices = list(islice(stream.devices, DEVICES))
    left_out = []
    if len(stream.devices) > len(devices):
        left_out.append(f"{many(len(stream.devices) - len(devices), 'device')} more")
    room = _Room(BYTES, TEXT)
    found = []
    for device in devices:
        listing = _Listing(min(TEXT_OF_ONE, room.text))
        section = device.section
        held = min(section.span.size, OF_ONE, room.bytes)
        node = listing.node(device.value, section.span.start, "")
        room.bytes -= held
        room.text -= listing.taken
        if held < section.span.size:
            left_out.append(
                f"{escape(device.path)}: {short_size(section.span.size - held)} of its bytes"
            )
        if listing.left:
            left_out.append(f"{escape(device.path)}: {many(listing.left, 'branch')} of its values")
        found.append(_device(device, held, node, stream))
    return State(devices=found, left_out=left_out)


class _Room:
    """What may still go into the page, in bytes."""

    def __init__(self, data: int, text: int) -> None:
        self.bytes = data
        self.text = text


def _device(device: Device, held: int, node: list[Any], stream: Stream) -> DeviceState:
    section = device.section
    start = section.span.start
    return DeviceState(
        path=escape(device.path),
        version=section.version_id,
        start=start,
        size=section.span.size,
        payload=(section.payload.start - start, section.payload.stop - start),
        data=b64encode(stream.store.view(start, start + held)).decode(),
        node=node,
    )


class _Listing:
    """Lists the values of one section while there is room for them.

    Parameters
    ----------
    room : bytes of JSON that there may be
    """

    def __init__(self, room: int) -> None:
        self.taken = 0
        self.left = 0
        self._room = room

    def node(self, value: Value, start: int, above: str) -> list[Any]:
        """A value and all below it; `above` is the path that its own begins with."""
        step, kind = escape(value.path.removeprefix(above)), escape(shown_type(value))
        text = _text(value)
        self.taken += NODE + sum(map(_taken, (step, kind, text)))
        one: list[Any] = [step, kind, text, value.span.start - start, value.span.size]
        below = list(self._below(value, start))
        if below:
            one.append(below)
        return one

    def _below(self, value: Value, start: int) -> Iterator[list[Any]]:
        if value.kind == "leaf" and value.count is not None:
            return
        most = ELEMENTS if value.count is not None else None
        at, number = value.span.start, 0
        for number, child in enumerate(value.children):
            full = self.taken > self._room
            if full or (most is not None and number >= most):
                self.left += full
                said = f"… of {value.count} elements" if value.count is not None else "… and more"
                yield [said, "", "", at - start, value.span.stop - at]
                return
            yield self.node(child, start, value.path)
            at = child.span.stop


def _text(value: Value) -> str:
    try:
        return shown_text(value, LOOK)
    except MigstreamError as error:
        return f"unreadable: {prose(error.message)}"


def _taken(text: str) -> int:
    """Bytes that a text takes in JSON at most: what HTML would obey is an escape."""
    return len(text.encode()) + text.count("<") * 5 + text.count('"') + text.count("\\")
