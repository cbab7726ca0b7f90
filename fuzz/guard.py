"""One question to a stream, under limits: what may come back is an answer, or an error of ours."""

from __future__ import annotations

import contextlib
import io
import resource
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import msgspec

from migstream.errors import MigstreamError, StreamError

__all__ = ["LATE", "SECONDS", "Broken", "Fault", "arm", "ask", "peak"]

SECONDS = 1.0  # of the processor, for one question to some KB
MEBIBYTES = 256  # more than before, for all questions of a case
HARD = 1 << 30  # bytes of address space beyond what a worker begins with
FRAMES = 2  # of ours, the innermost: what a fault is told apart by
OURS = "/migstream/"
LATE = "late in "  # what the key of such a fault begins with


class Late(BaseException):
    """The time is over. Not an Exception: nothing on the way may take it for its own."""


class Broken(AssertionError):
    """Something that is promised does not hold; `what` names the promise."""

    def __init__(self, what: str, detail: str = "") -> None:
        super().__init__(f"{what}: {detail}" if detail else what)
        self.what = what


class Fault(msgspec.Struct, frozen=True):
    """What a question met. `key` is the same for faults of one cause, as far as can be told."""

    key: str
    text: str


def arm() -> None:
    """Set what holds for a worker: a hard limit of memory, warnings that are errors."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        used = int(statm.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(
            resource.RLIMIT_AS, (used + HARD, resource.getrlimit(resource.RLIMIT_AS)[1])
        )
    warnings.simplefilter("error")
    # The interpreter closes what a failed question left open, and would say so each time.
    warnings.simplefilter("ignore", ResourceWarning)


def peak(*, reset: bool = False) -> int:
    """The most memory in use since the last reset, in bytes; 0 where /proc does not tell."""
    with contextlib.suppress(OSError):
        if reset:
            Path("/proc/self/clear_refs").write_text("5")
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) << 10
    return 0


@contextlib.contextmanager
def _timed(seconds: float) -> Iterator[None]:
    """Raise Late when the processor has worked so long; again and again, should that be swallowed."""

    def late(_signal: int, _frame: FrameType | None) -> None:
        raise Late

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, seconds, 0.5)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def ask(
    name: str, question: Callable[[], Any], *, size: int, seconds: float = SECONDS
) -> Fault | None:
    """Put a question; what is wrong with what happened, None where nothing is.

    Parameters
    ----------
    size : bytes of the source: an error of ours points into it
    """
    unraised: list[Any] = []
    hook, sys.unraisablehook = sys.unraisablehook, unraised.append
    try:
        with _timed(seconds):
            question()
    except MigstreamError as error:
        return _placed(name, error, size)
    except Broken as error:
        return Fault(f"{name}: {error.what}", _text(error))
    except Late as error:
        # Where exactly it was is chance: its file is enough.
        place = _where(error.__traceback__).partition(":")[0]
        return Fault(f"{LATE}{place}", _text(error))
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return Fault(f"{type(error).__name__} at {_where(error.__traceback__)}", _text(error))
    finally:
        sys.unraisablehook = hook
    for one in unraised:
        if one.exc_type is not Late:
            return Fault(
                f"unraisable {one.exc_type.__name__} in {one.object!r:.60}", str(one.exc_value)
            )
    return None


def _placed(name: str, error: MigstreamError, size: int) -> Fault | None:
    """Whether an error of ours says something, at a place in the source."""
    if not error.message or not str(error):
        return Fault(f"{name}: an error without words", _text(error))
    if isinstance(error, StreamError) and error.at is not None and not 0 <= error.at <= size:
        key = f"{name}: an error outside of the source, at {_where(error.__traceback__)}"
        return Fault(key, _text(error))
    return None


def _where(trace: TracebackType | None) -> str:
    """The innermost frames of ours."""
    frames = [f for f in traceback.extract_tb(trace) if OURS in f.filename]
    return " < ".join(
        f"{f.filename.rpartition(OURS)[2]}:{f.name}" for f in reversed(frames[-FRAMES:])
    )


def _text(error: BaseException) -> str:
    out = io.StringIO()
    traceback.print_exception(error, limit=-12, file=out)
    return out.getvalue()[-6000:]
