"""What takes long while a source is opened, on a terminal: a bar, and how to be spared it the next time."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import click

from migstream.cli.printing import warn
from migstream.source.layers import UNPACKING

__all__ = ["Watching", "progress"]

SLOW = 3.0  # seconds of unpacking from which on there is something to be spared
HINT = (
    "migstream: all of it was unpacked to look into memory. Files of several blocks are read where they"
    " lie: xz -T0 --block-size=16MiB and pzstd make such"
)


@contextmanager
def progress(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, if that is a terminal; told how much was done since the last time."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    with click.progressbar(length=max(total, 1), label=label, file=sys.stderr) as bar:
        yield bar.update


class Watching:
    """A `migstream.source.layers.Watch` that shows a bar on standard error, if that is a terminal."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._bar: Callable[[int], None] | None = None
        self._done = 0
        self._begun = 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        if not sys.stderr.isatty():
            return
        if self._bar is None:
            self._bar = self._stack.enter_context(progress(what, total))
            self._done, self._begun = 0, time.monotonic()
        if done > self._done:
            self._bar(done - self._done)
            self._done = done
        if done >= total:
            self._stack.close()
            self._bar = None
            if what == UNPACKING and time.monotonic() - self._begun > SLOW:
                warn(HINT)
