"""A store over a source that is asked for ranges, each of which takes a round trip.

Ranges come in blocks, of which a bounded number is kept. Whoever reads on, forward or back, is read
ahead of: the window doubles with each request, so that an end of a few MiB takes a handful of them.
What fails in passing is asked for again, a few times.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from itertools import count
from typing import Protocol, TypeVar

from migstream.errors import SourceError
from migstream.names import many

__all__ = ["BLOCK", "Passing", "Ranged", "Ranges", "patiently"]

BLOCK_BITS = 18
BLOCK = 1 << BLOCK_BITS
MOST_BLOCKS = 256  # kept: 64 MiB
LARGEST = 32  # blocks of one request: 8 MiB
SLOW = 4.0  # seconds that a request may take without the next ones getting smaller
# Answers may give less than was asked for, but not less than this on average, once there were so many.
SHORT, SHORT_ANSWERS = 1 << 16, 16

TRIES = 4
FIRST_WAIT, LONGEST_WAIT = 0.5, 8.0  # seconds
PATIENCE = 90.0  # seconds after which nothing is tried once more

T = TypeVar("T")


class Passing(Exception):
    """Something failed that may well succeed when it is tried again.

    Parameters
    ----------
    wait : seconds that were asked for before that
    """

    def __init__(self, message: str, wait: float = 0.0) -> None:
        super().__init__(message)
        self.wait = wait


class Ranges(Protocol):
    """What gives ranges of a source of `size` bytes."""

    size: int

    def fetch(self, start: int, stop: int) -> bytes:
        """Bytes [start, stop), or fewer of them from `start` on, one at least.

        Raises
        ------
        Passing : it may be tried again
        SourceError : it may not
        """
        ...


def patiently(work: Callable[[], T], name: str) -> T:
    """What `work` gives at last: it is tried again a few times, later and later.

    Raises
    ------
    SourceError : it never does, or takes too long
    """
    began, wait = time.monotonic(), FIRST_WAIT
    for attempt in count(1):
        try:
            return work()
        except Passing as error:
            took = time.monotonic() - began
            if attempt == TRIES or took > PATIENCE:
                given_up = SourceError(
                    f"{name}: cannot be read: {error}",
                    hint=f"tried {many(attempt, 'time')} in {took:.0f} seconds: try later, or copy it to a file first",
                )
                given_up.passing = True
                raise given_up from None
            time.sleep(min(max(wait, error.wait), LONGEST_WAIT))
            wait *= 2
    raise AssertionError


class Ranged:
    """A store over `Ranges`.

    Parameters
    ----------
    ranges : the source
    name : of the source, as messages have it
    head : its first bytes, where they are known already
    """

    def __init__(self, ranges: Ranges, name: str, head: bytes = b"") -> None:
        self.size = ranges.size
        self._ranges = ranges
        self._name = name
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._last = (-1, -1)  # blocks [first, behind) of the last request
        self._window = 1  # blocks
        self._largest = LARGEST
        if head:
            whole = len(head) if len(head) >= self.size else len(head) >> BLOCK_BITS << BLOCK_BITS
            self._keep(0, head[:whole])

    def view(self, start: int, stop: int) -> memoryview:
        """Bytes [start, stop), fewer at the end (protocol: source.store.Store)."""
        stop = min(stop, self.size)
        if stop <= start:
            return memoryview(b"")
        first, last = start >> BLOCK_BITS, (stop - 1) >> BLOCK_BITS
        base = first << BLOCK_BITS
        if first == last:
            return memoryview(self._block(first, last))[start - base : stop - base]
        data = bytearray()
        for number in range(first, last + 1):
            block = self._block(number, last)
            at = number << BLOCK_BITS
            data += memoryview(block)[max(start - at, 0) : stop - at]
        return memoryview(data).toreadonly()

    def close(self) -> None:
        """Let go of what is kept."""
        self._blocks.clear()

    def _block(self, number: int, last: int) -> bytes:
        """A block; `last` is the last one that will be asked for with it."""
        block = self._blocks.get(number)
        if block is None:
            first, behind = self._plan(number, last)
            self._keep(first, self._read(first << BLOCK_BITS, behind << BLOCK_BITS))
            self._last = (first, behind)
            block = self._blocks[number]
        self._blocks.move_to_end(number)
        return block

    def _plan(self, number: int, last: int) -> tuple[int, int]:
        """Which blocks [first, behind) to ask for: those that are lacking, and more where someone reads on."""
        behind = number + 1
        while behind <= last and behind - number < self._largest and behind not in self._blocks:
            behind += 1
        forward, back = number == self._last[1], behind == self._last[0]
        self._window = min(self._window * 2, self._largest) if forward or back else 1
        more = max(self._window - (behind - number), 0)
        end = (self.size + BLOCK - 1) >> BLOCK_BITS
        for _ in range(more):
            if back and number and number - 1 not in self._blocks:
                number -= 1
            elif not back and behind < end and behind not in self._blocks:
                behind += 1
            else:
                break
        return number, behind

    def _keep(self, first: int, data: bytes) -> None:
        for offset in range(0, len(data), BLOCK):
            # a copy each: a block that is kept must not keep the whole answer
            self._blocks[first + (offset >> BLOCK_BITS)] = data[offset : offset + BLOCK]
        while len(self._blocks) > MOST_BLOCKS:
            self._blocks.popitem(last=False)

    def _read(self, start: int, stop: int) -> bytes:
        stop = min(stop, self.size)
        began = time.monotonic()
        data = b""
        for answers in count(1):
            at = start + len(data)
            data += patiently(lambda at=at: self._ranges.fetch(at, stop), self._name)  # type: ignore[misc]
            if len(data) == stop - start:
                break
            if answers >= SHORT_ANSWERS and len(data) < answers * SHORT:
                raise SourceError(
                    f"{self._name}: gives too little at a time: {len(data)} of {stop - start} bytes at {start:#x}"
                    f" in {answers} answers",
                    hint="copy it to a file first, then open that",
                )
        slow = time.monotonic() - began > SLOW
        self._largest = max(self._largest // 2, 1) if slow else min(self._largest * 2, LARGEST)
        return data
