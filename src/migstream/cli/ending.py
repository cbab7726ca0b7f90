"""INT, TERM, HUP and QUIT end every verb: what was half done is undone, the status says which it was.

The signal becomes SystemExit in the main thread, so that every `with` block on the way takes away
what it made. Where that thread does not come to it in time (it waits for a disk, or for a reader
who does not read), a second one takes away what is known to be there and ends the process.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from migstream.source.leftovers import no_more, remove_all, unfinished

__all__ = ["INTERRUPTED", "asked_first", "asked_to_end", "finish", "listen", "lost", "wait_for"]

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
PATIENCE = 0.6  # seconds for the main thread
STATUS = 128  # and the signal's number: what a shell says of a process that a signal ended
INTERRUPTED = STATUS + signal.SIGINT

_asked: list[int] = []
_last: list[Callable[[], None]] = []
_lost: list[str] = []


def asked_to_end() -> int | None:
    """The exit status where a signal asked the process to end."""
    return STATUS + _asked[0] if _asked else None


def lost() -> list[str]:
    """Names of the files that were being written when the signal came."""
    return _lost


def wait_for(last: Callable[[], None]) -> None:
    """Call this at the very end: a person still reads what was printed.

    INT does not spare them it, as the terminal sends that to the reader, too; who ends us otherwise
    waits for nobody.
    """
    _last.append(last)


def finish() -> None:
    """Wait for whom the end is to wait for."""
    for last in _last:  # again from the second thread, where the first one does not come to it
        last()


def listen() -> None:
    """Let these signals end the process from now on, but for those that its parent had it ignore."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    sys.unraisablehook = _unraisable
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)
    _thread.start_new_thread(_see_to_it, (reader,))


@contextmanager
def asked_first(stop: Callable[[], None]) -> Iterator[Callable[[], int | None]]:
    """While this holds the first signal calls `stop` and nothing more; a second one ends the process as ever.

    It gives what tells the exit status afterwards, None where nobody asked.
    """
    before = {number: signal.getsignal(number) for number in SIGNALS}
    line = signal.set_wakeup_fd(-1)
    asked: list[int] = []

    def as_ever() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(line, warn_on_full_buffer=False)

    def first(number: int, _: FrameType | None) -> None:
        asked.append(STATUS + number)
        as_ever()
        stop()

    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, first)
    try:
        yield lambda: asked[0] if asked else None
    finally:
        as_ever()


def _end(number: int, _: FrameType | None) -> None:
    """End once: what takes things away is not interrupted by whoever asks again."""
    if not _asked:
        _asked.append(number)
        _lost.extend(unfinished())
        no_more()
        raise SystemExit(STATUS + number)


def _unraisable(what: sys.UnraisableHookArgs) -> None:
    """Where Python cannot raise, in a weak reference's callback, the second thread ends the process."""
    if not (_asked and isinstance(what.exc_value, SystemExit)):
        sys.__unraisablehook__(what)


def _see_to_it(reader: int) -> None:
    """The second thread: the system itself writes the signal's number to the pipe."""
    number = os.read(reader, 1)[0]
    time.sleep(PATIENCE)
    remove_all()
    if number == signal.SIGINT:
        finish()
    os._exit(STATUS + number)
