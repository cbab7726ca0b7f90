"""Guest memory as it is looked through: one buffer after the other, with what is neighbours in memory side by side.

Neighbouring windows share as many bytes as the longest hit may have, so a hit is found once wherever
the borders of windows, pages and ranges lie. Of a long stretch of zeros only both ends are in a
window, where nothing that is looked for can begin in the midst of it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import NamedTuple, Protocol

from migstream.errors import MigstreamError

__all__ = ["WINDOW", "Blocks", "Gap", "Segment", "Window", "gaps", "windows"]

WINDOW = 1 << 20
# What precedes what is looked at is kept, so that `^` and `\b` know what stands before.
BEFORE = 16
# A read that does not end a run ends at a multiple of it, which is one of every page size.
STEP = 1 << 16
SMALLEST = 1 << 12


class Run(Protocol):
    """Bytes of a block that are alike (`ram.image.Run`)."""

    @property
    def kind(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def stop(self) -> int: ...


class Block(Protocol):
    """A RAM block (`ram.image.Block`)."""

    def read(self, start: int, stop: int) -> bytes: ...
    def readinto(self, start: int, out: memoryview) -> None: ...
    def runs(self, start: int, stop: int) -> Iterable[Run]: ...


class Blocks(Protocol):
    """RAM blocks by name (`ram.image.Ram`)."""

    def __getitem__(self, name: str, /) -> Block: ...


class Segment(NamedTuple):
    """`size` bytes at `address` (of whatever is looked through): those of a RAM block from `offset` on."""

    address: int
    size: int
    block: str
    offset: int


class Gap(NamedTuple):
    """`size` bytes at `address` whose contents are not in the stream; `kind` as in `ram.presence.Run`."""

    address: int
    size: int
    kind: str
    block: str


def gaps(segments: Iterable[Segment], blocks: Blocks) -> Iterator[Gap]:
    """What of the segments is not in the stream."""
    for segment in segments:
        shift = segment.address - segment.offset
        for run in blocks[segment.block].runs(segment.offset, segment.offset + segment.size):
            if run.kind not in {"data", "zero"}:
                yield Gap(run.start + shift, run.stop - run.start, run.kind, segment.block)


class Window:
    """Bytes of guest memory, and which of them to look at; `windows` moves it on.

    Places are counted from the beginning of what is looked through, without the zeros that are left out.

    Attributes
    ----------
    base : place of the first byte
    start, stop : places of what may begin a hit here
    next : address of what comes behind
    """

    def __init__(self, size: int, reach: int, zeros: int | None, before: int) -> None:
        self.base = self.start = self.stop = 0
        self._reach, self._before = reach, before
        self._step = min(size, STEP)
        self._edge = None if zeros is None else zeros + before
        self._buffer = memoryview(bytearray(size + reach + before))
        longest = len(self._buffer) if self._edge is None else 2 * self._edge
        self._blank = memoryview(bytes(longest))
        self._used = 0
        self.next = 0
        self._marks = array("Q", (0, 0))

    @property
    def view(self) -> memoryview:
        """The bytes; they change when the window moves on."""
        return self._buffer[: self._used]

    @property
    def marks(self) -> memoryview:
        """Pairs: a place, and the address of what follows."""
        return memoryview(self._marks)

    def address(self, place: int) -> int:
        """The address of a place."""
        marks = self._marks
        n = bisect_right(marks[::2], place) - 1
        return marks[2 * n + 1] + place - marks[2 * n]

    def at(self, address: int) -> Iterator[Window]:
        """What comes next is at an address that is no neighbour: all that is there is looked at."""
        yield from self.rest()
        self.base = self.start = self.base + self._used
        self._used = 0
        self._marks = array("Q", (self.base, address))
        self.next = address

    def rest(self) -> Iterator[Window]:
        """Nothing follows."""
        yield from self._looked(self.base + self._used)

    def zeros(self, size: int) -> Iterable[Window]:
        """More bytes, all zero."""
        edge, used = self._edge, self._used
        if edge is None or size <= 2 * edge or len(self._buffer) - used < 2 * edge:
            return self._zeros(size)
        # the same in one step, for guests in which short stretches of data and zeros alternate
        self._buffer[used : used + 2 * edge] = self._blank
        self._marks.extend((self.base + used + edge, self.next + size - edge))
        self._used += 2 * edge
        self.next += size
        return ()

    def _zeros(self, size: int) -> Iterator[Window]:
        edge = self._edge
        if edge is None or size <= 2 * edge:
            yield from self._blanks(size)
            return
        yield from self._blanks(edge)
        self.next += size - 2 * edge
        self._marks.extend((self.base + self._used, self.next))
        yield from self._blanks(edge)

    def _blanks(self, size: int) -> Iterator[Window]:
        done = 0
        while done < size:
            out = yield from self._room(done, size)
            out[:] = self._blank[: len(out)]
            done += len(out)
            self._add(len(out))

    def data(
        self, block: Block, start: int, stop: int, tell: Callable[[int], object]
    ) -> Iterable[Window]:
        """Bytes [start, stop) of a block. What is before damage is looked at before that is raised."""
        size, used = stop - start, self._used
        if len(self._buffer) - used < size:
            return self._data(block, start, stop, tell)
        try:
            block.readinto(start, self._buffer[used : used + size])
        except MigstreamError:
            return self._data(block, start, stop, tell)
        self._used += size
        self.next += size
        tell(size)
        return ()

    def _data(
        self, block: Block, start: int, stop: int, tell: Callable[[int], object]
    ) -> Iterator[Window]:
        most = stop - start
        while start < stop:
            out = yield from self._room(start, min(stop, start + most))
            try:
                block.readinto(start, out)
            except MigstreamError:
                if len(out) > SMALLEST:
                    most = SMALLEST
                    continue
                yield from self._looked(self.base + self._used - self._reach + 1)
                raise
            start += len(out)
            self._add(len(out))
            tell(len(out))

    def _room(self, at: int, stop: int) -> Generator[Window, None, memoryview]:
        """Room for what lies at [at, stop), or for as much as can be there."""
        room = len(self._buffer) - self._used
        if room < min(self._step, stop - at):
            yield from self._looked(self.base + self._used - self._reach + 1)
            self._move(max(self.start - self._before, self.base))
            room = len(self._buffer) - self._used
        size = stop - at
        if size > room:
            size = room - (at + room) % self._step
        return self._buffer[self._used : self._used + size]

    def _add(self, size: int) -> None:
        self._used += size
        self.next += size

    def _looked(self, stop: int) -> Iterator[Window]:
        if stop > self.start:
            self.stop = stop
            yield self
            self.start = stop

    def _move(self, place: int) -> None:
        """Forget what is before a place."""
        gone = place - self.base
        self._buffer[: self._used - gone] = self._buffer[gone : self._used]
        self.base, self._used = place, self._used - gone
        marks = self._marks
        known = bisect_right(marks[::2], place) - 1
        self._marks = marks[2 * known :]


def windows(
    segments: Iterable[Segment],
    blocks: Blocks,
    size: int,
    reach: int,
    zeros: int | None,
    missed: Callable[[Gap], None],
    tell: Callable[[int], object],
    before: int = BEFORE,
) -> Iterator[Window]:
    """All of the segments but what is not in the stream, in windows.

    Parameters
    ----------
    size : bytes that are read before they are looked at
    reach : bytes of the longest hit; none goes over what is missed
    zeros : how many zeros in a row a hit may have at most; None where one may consist of them
    missed : told of what is not in the stream
    tell : told how many bytes were passed since the last time
    before : bytes that a window has before what is looked at

    Raises
    ------
    ParseError : the records of a page are damaged
    """
    window = Window(size, reach, zeros, before)
    for segment in segments:
        block: Block = blocks[segment.block]
        shift = segment.address - segment.offset
        for run in block.runs(segment.offset, segment.offset + segment.size):
            kind, length = run.kind, run.stop - run.start
            if kind != "data":
                tell(length)
                if kind != "zero":
                    missed(Gap(run.start + shift, length, kind, segment.block))
                    continue
            if run.start + shift != window.next:
                yield from window.at(run.start + shift)
            if kind == "data":
                yield from window.data(block, run.start, run.stop, tell)
            else:
                yield from window.zeros(length)
    yield from window.rest()
