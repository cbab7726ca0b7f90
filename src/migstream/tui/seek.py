"""What a person looks for: a place, or a word in names, paths and values."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from migstream.errors import MigstreamError, NoSuchAddress, NoSuchPath
from migstream.names import unescape
from migstream.places import RAM, Place, places
from migstream.stream import Device, Stream
from migstream.tui.entries import inside
from migstream.vmstate.values import Value

__all__ = ["Sought", "aim"]

LONGEST = 1024  # bytes of a value whose text is looked into


def _words(stream: Stream, text: str, stopped: Callable[[], bool]) -> Iterator[Place]:
    """All that has the text in its name, path or value; capital letters count only where the text has some."""
    fold: Callable[[str], str] = str.lower if text == text.lower() else str

    def has(one: str) -> bool:
        return text in fold(one)

    def found(value: Value) -> bool:
        if not value.name.startswith("[") and has(value.name):
            return True
        if has(value.path) and value.above is not None and not has(value.above.path):
            return True
        single = value.kind in {"leaf", "struct"} and value.count is None
        return single and value.span.size <= LONGEST and has(value.text)

    for block in stream.blocks:
        if has(block.name):
            yield Place(kind="memory", path=f"{RAM}{block.name}", block=block.name, whole=True)
    for device in stream.devices:
        if has(device.path):
            yield _place(device, device.value)
        for value in _below(device.value):
            if stopped():
                return
            try:
                here = found(value)
            except MigstreamError:  # its bytes are not there
                continue
            if here:
                yield _place(device, value)


def _below(value: Value) -> Iterator[Value]:
    """Everything in a value, in the order of the stream; of damaged parts nothing."""
    try:
        for one in inside(value):
            yield one
            yield from _below(one)
    except MigstreamError:
        return


def _place(device: Device, value: Value) -> Place:
    return Place(kind="value", path=value.path, span=value.span, device=device, value=value)


def aim(stream: Stream, place: Place) -> Place:
    """What is shown of a place in the tree: bytes of the stream are those of the value, or item, in which they begin."""
    if place.kind != "bytes" or place.span is None:
        return place
    return places(stream, f"@{place.span.start:#x}")[0]


class Sought:
    """The places that a text names; where it names none, all that has it in its name, path or value.

    They are looked for as they are asked for, and `at` is the number of the one that was asked for last.
    """

    def __init__(self, stream: Stream, text: str) -> None:
        self.at = -1
        self._stopped = False
        self._found: list[Place] = []
        self._rest = self._every(stream, unescape(text))

    def _every(self, stream: Stream, text: str) -> Iterator[Place]:
        try:
            yield from places(stream, text)
        except (NoSuchPath, NoSuchAddress):
            yield from _words(stream, text, lambda: self._stopped)

    def give_up(self) -> None:
        """What was found by now is all: for somebody who waits no longer, in another thread."""
        self._stopped = True

    def step(self, by: int) -> Place | None:
        """The next one or, by -1, the one before; behind the last comes the first; None where there is none."""
        if by < 0 and self.at <= 0:
            self._look(None)
        elif by > 0:
            self._look(self.at + 2)
        if not self._found:
            return None
        self.at = (self.at + by) % len(self._found)
        return self._found[self.at]

    def _look(self, enough: int | None) -> None:
        for place in self._rest:
            self._found.append(place)
            if len(self._found) == enough:
                return
