"""A process that scans one object after the other, so that time and memory of each are limited.

What is asked and answered goes through a socket, a frame for each. Whoever asks may be another process that ends
without a word: the child then ends as well. It prints nothing, and what it cannot survive is told by its end.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import CancelledError
from datetime import datetime
from multiprocessing.connection import Connection
from weakref import WeakSet

import msgspec

from migstream.errors import OverLimit
from migstream.fleet.marks import Mark, mark_of
from migstream.fleet.scan import Questions, Scan, failed, scan, state_of
from migstream.names import many, unescape
from migstream.source.leftovers import leftover

__all__ = ["Answer", "Asker", "Limits", "Work", "ask"]

STARTING, READY = 60.0, b"ready"  # seconds to start in, besides, and what it says then
TRIES = 2  # of an object at which the process was ended by somebody else
LARGEST = 64 << 20  # bytes of an answer
NEVER_MORE = (
    500  # objects after which a child is replaced, so that what libraries keep does not pile up
)


class Limits(msgspec.Struct, frozen=True):
    """What each object may take: seconds, and bytes of memory that a process may ask the system for."""

    seconds: float = 120.0
    memory: int = 1 << 30


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """One object to scan.

    Parameters
    ----------
    url : as `names.portable` has it: the name of a file need not be UTF-8
    mark : what the store's list said of it; None where it is to be looked up
    known : the marks under which it was scanned already (`scan.state_of`), if any: nothing is read then
    """

    url: str
    mark: Mark | None
    known: int | None
    questions: Questions
    time: datetime
    limits: Limits

    @property
    def name(self) -> str:
        """The path or address itself."""
        return unescape(self.url)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The rows; None where the object is as it was."""

    scan: Scan | None
    mark: Mark


# --- who asks ------------------------------------------------------------------------------------------


class Asker:
    """Asks children, one of each thread that calls it."""

    def __init__(self) -> None:
        self._mine = threading.local()
        self._living: WeakSet[Child] = WeakSet()
        self._over = threading.Event()

    def ask(self, asked: bytes) -> bytes:
        """The answer to a piece of work, both as MessagePack.

        Raises
        ------
        CancelledError : nobody wants to know any more
        """
        work = msgspec.msgpack.decode(asked, type=Work)
        error = OverLimit("")
        for attempt in range(1, TRIES + 1):
            child = self._child(work.limits)
            try:
                return child.ask(asked, work.limits.seconds)
            except TimeoutError:
                self._drop()
                error = OverLimit(
                    f"not read within {work.limits.seconds:.0f} seconds", hint="--limit gives more"
                )
                break
            except EOFError:
                number = child.end()
                self._drop()
                error = OverLimit(
                    f"the process that read it was ended {many(attempt, 'time')}, {_how(number)}",
                    hint="--memory-limit gives more; else something ended it",
                )
        mark = work.mark or Mark()
        one = failed(work.name, error, questions=work.questions, mark=mark, time=work.time)
        return msgspec.msgpack.encode(Answer(scan=one, mark=mark))

    def end(self) -> None:
        """End all children: nobody asks any more."""
        self._over.set()
        for child in list(self._living):
            child.kill()

    def _child(self, limits: Limits) -> Child:
        """The child of the thread."""
        if self._over.is_set():
            raise CancelledError
        child: Child | None = getattr(self._mine, "child", None)
        if child is not None and (child.limits != limits or child.asked >= NEVER_MORE):
            self._drop()
            child = None
        if child is None:
            child = self._mine.child = Child(limits)
            self._living.add(child)
        return child

    def _drop(self) -> None:
        child: Child | None = getattr(self._mine, "child", None)
        self._mine.child = None
        if child is not None:
            child.end()


_asker = Asker()


def ask(asked: bytes) -> bytes:
    """The same as a function that can be sent to other machines."""
    return _asker.ask(asked)


def _how(number: int) -> str:
    if number >= 0:
        return f"with status {number}"
    try:
        return f"by {signal.Signals(-number).name}"
    except ValueError:
        return f"by signal {-number}"


class Child:
    """A running child; it ends when nobody holds it."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.asked = 0
        here, there = socket.socketpair()
        with there:
            self._process = subprocess.Popen(  # noqa: S603 - our own
                [
                    sys.executable,
                    "-m",
                    "migstream.fleet.child",
                    str(there.fileno()),
                    str(limits.memory),
                ],
                pass_fds=[there.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # a Ctrl-C of the terminal is not for it
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        self._line = Connection(here.detach())
        self._leftover = contextlib.ExitStack()
        self._leftover.enter_context(leftover(self.kill))

    def ask(self, asked: bytes, seconds: float) -> bytes:
        """What it answers.

        Raises
        ------
        TimeoutError : nothing, in that time
        EOFError : it has ended
        """
        try:
            if not self.asked and self._line.poll(STARTING):
                self._line.recv_bytes()
            self.asked += 1
            self._line.send_bytes(asked)
            if not self._line.poll(seconds):
                raise TimeoutError
            return self._line.recv_bytes(LARGEST)
        except (ConnectionError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise EOFError from None

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()

    def end(self) -> int:
        """End it; its exit status, −N where signal N ended it."""
        try:
            number = self._process.wait(0.2)
        except subprocess.TimeoutExpired:
            number = -int(signal.SIGKILL)
        self._leftover.close()
        self._line.close()
        return number

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self._process.kill()
            self.end()


# --- who is asked --------------------------------------------------------------------------------------


def main(number: int, memory: int) -> None:
    """Answer until nobody asks any more."""
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = memory if most == resource.RLIM_INFINITY else min(memory, most)
    resource.setrlimit(resource.RLIMIT_DATA, (wanted, wanted))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    threading.Thread(target=_until_gone, args=(number,), daemon=True).start()
    line = Connection(number)
    line.send_bytes(READY)
    while True:
        try:
            asked = line.recv_bytes()
        except (EOFError, OSError):
            return
        line.send_bytes(_answer(msgspec.msgpack.decode(asked, type=Work)))


def _until_gone(number: int) -> None:
    """End this process when who asks has gone, whatever it is doing."""
    waiting = select.poll()
    waiting.register(number, select.POLLRDHUP)
    waiting.poll()
    os._exit(0)


def _answer(work: Work) -> bytes:
    mark = work.mark
    if mark is None:
        mark = mark_of(work.name)
    if work.known is not None and state_of(mark, work.questions) == work.known:
        return msgspec.msgpack.encode(Answer(scan=None, mark=mark))
    found = scan(work.name, questions=work.questions, mark=mark, time=work.time)
    return msgspec.msgpack.encode(Answer(scan=found, mark=mark))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
