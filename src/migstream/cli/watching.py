"""What takes long, on a terminal: how far it is, how fast, how long it will still take, how to be spared it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from migstream.cli.printing import warn
from migstream.cli.terminal import clear_status, show_status
from migstream.render.text import grouped, short_size
from migstream.source.layers import SPOOLING, UNPACKING

__all__ = ["Watching"]

SOON = 0.5  # seconds that something may take before anything is said of it
EVERY = 0.1  # from one look to the next
LATELY = 50  # looks that the rate is of
SLOW = 3.0  # seconds of unpacking from which on there is something to be spared
HINT = (
    "migstream: all of it was unpacked. Files of several blocks are read where they lie:"
    " xz -T0 --block-size=16MiB and pzstd make such"
)
MINUTE, HOUR = 60, 3600


class Watching:
    """A `migstream.source.layers.Watch` that shows a line, from half a second on.

    Parameters
    ----------
    unit : what is counted; bytes where it is empty
    more : what else there is to say, each time
    """

    def __init__(self, unit: str = "", more: Callable[[], Iterable[str]] = tuple) -> None:
        self._unit = unit
        self._more = more
        self._what = ""
        self._begun = self._next = 0.0
        self._seen: deque[tuple[float, int]] = deque(maxlen=LATELY)
        self._spared = False

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if what != self._what:
            self._what = what
            self._begun, self._next = now, now + SOON
            self._seen.clear()
            self._seen.append((now, done))
        if done >= total and (total or not done):
            self._end(now)
        elif now >= self._next:
            self._next = now + EVERY
            self._show(now, done, total)

    def _show(self, now: float, done: int, total: int) -> None:
        from migstream.cli.paging import overdue

        if self._what in SPOOLING and len(self._seen) == 1:
            warn(f"migstream: {self._what} in {_folder()}; TMPDIR names another folder")
        self._seen.append((now, done))
        overdue()
        show_status(list(self._told(total)))

    def _told(self, total: int) -> Iterator[str]:
        """What there is to say, the most important first."""
        size: Callable[[int], str] = grouped if self._unit else short_size
        (first, before), (last, done) = self._seen[0], self._seen[-1]
        rate = (done - before) / (last - first) if last > first else 0.0
        unit = f" {self._unit}" if self._unit else ""
        yield self._what
        if not total:
            yield f"{size(done)}{unit}"
        else:
            yield f"{100 * done // total:>2} %"
            if rate:
                yield f"{_duration((total - done) / rate)} left"
            yield f"{size(done)} of {size(total)}{unit}"
        yield from self._more()
        if rate and not self._unit:
            yield f"{size(int(rate))}/s"

    def _end(self, now: float) -> None:
        clear_status()
        what, took = self._what, now - self._begun
        self._what = ""
        if what in UNPACKING and took > SLOW and not self._spared:
            self._spared = True
            warn(HINT)


def _duration(seconds: float) -> str:
    """As people say it: 42 s, 3 min 5 s, 1 h 2 min."""
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE} s"
    return f"{whole // HOUR} h {whole % HOUR // MINUTE} min"


def _folder() -> str:
    import tempfile

    from migstream.names import escape

    return escape(tempfile.gettempdir())
