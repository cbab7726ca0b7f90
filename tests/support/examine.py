"""Look at everything that an opened stream offers, under a limit of time and of memory.

Whatever the bytes are, nothing but a MigstreamError may come out, and the items cover every byte.
"""

from __future__ import annotations

import contextlib
import resource
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from migstream.errors import MigstreamError, StreamError
from migstream.stream import Stream, open_anything
from migstream.wire.model import Command, Item
from support.pace import pace

WAITING = 12  # times what is allowed of the processor: it may stand still, or belong to others
MANY = 20_000  # leaves of one device that are looked at, at most


@contextlib.contextmanager
def bounded(seconds: float = 5.0, mebibytes: int = 512) -> Iterator[None]:
    """Fail what takes longer, or more memory on top of what is in use (where /proc tells).

    Parameters
    ----------
    seconds : of the processor at its full pace; of waiting some times as many
    """
    begun = time.process_time()

    def late(signal_: int, _frame: object) -> None:
        left = seconds * pace() - (time.process_time() - begun)
        if signal_ == signal.SIGPROF and left > 0:
            signal.setitimer(signal.ITIMER_PROF, left)
        else:
            raise TimeoutError(f"not done after {seconds} s")

    before = {one: signal.signal(one, late) for one in (signal.SIGPROF, signal.SIGALRM)}
    limits = resource.getrlimit(resource.RLIMIT_AS)
    statm = Path("/proc/self/statm")
    if statm.exists():
        used = int(statm.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + (mebibytes << 20), limits[1]))
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, seconds * WAITING)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, limits)
        for one, handler in before.items():
            signal.signal(one, handler)


def covers(items: Sequence[Item], start: int, stop: int) -> None:
    """The items' spans follow each other from `start` to `stop`; those of a package lie inside."""
    at = start
    for item in items:
        assert item.span.start == at, f"{item.span.start:#x} follows {at:#x}: {item}"
        assert item.span.stop >= at, item
        at = item.span.stop
        if isinstance(item, Command) and item.items:
            covers(item.items, item.payload.stop, item.span.stop)
    assert at == stop, f"the items end at {at:#x} of {stop:#x}"


def placed(error: MigstreamError, size: int) -> None:
    """The error is of ours, printable, and points into the source."""
    assert str(error)
    assert isinstance(error.message, str)
    assert error.message
    if isinstance(error, StreamError):
        assert error.at is None or 0 <= error.at <= size, f"{error.at} of {size}: {error}"


def attempt(ask: Callable[[], Any], size: int) -> MigstreamError | None:
    """Ask for something; the error, where it is one of ours. Any other comes out."""
    try:
        ask()
    except MigstreamError as error:
        placed(error, size)
        return error
    return None


def examine(source: Any, size: int, *, whole: bool = True) -> Stream:
    """Everything; `whole` where the items must reach the end of the source (not after an error
    that only a pipe has)."""
    with bounded():
        stream = open_anything(source)
        if stream.layers:  # its bytes are those inside of the container
            size = stream.size
        if whole:
            covers(stream.items, 0, size)
        for error in stream.damage:
            assert isinstance(error, StreamError)
            assert error.at is not None, error
            placed(error, size)
        asked: list[Callable[[], Any]] = [
            lambda: stream.machine, lambda: stream.capabilities, lambda: stream.description,
            lambda: stream.ram, lambda: stream.ram_setup, lambda: stream.sections,
            lambda: stream.head, lambda: stream.size,
        ]  # fmt: skip
        for ask in asked:
            assert attempt(ask, size) is None
        for device in stream.devices:
            assert 0 <= device.section.span.start <= device.section.span.stop <= size
            attempt(device.value.plain, size)
            for leaf in islice(device.value.leaves(), MANY):
                assert 0 <= leaf.span.start <= leaf.span.stop <= size, leaf
                attempt(lambda leaf=leaf: leaf.text, size)  # type: ignore[misc]
                attempt(lambda leaf=leaf: leaf.value, size)  # type: ignore[misc]
    return stream
