"""A second thread that does one thing after the other, while the first goes on.

`concurrent.futures` would do as much, and takes longer to be loaded than a small file to be written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Semaphore, Thread

__all__ = ["Second", "borrowed"]

Work = tuple[Callable[..., int], tuple[object, ...]]


class Second:
    """Takes work that says how many bytes it was. What fails ends it, and is raised where more is given, or waited for.

    Parameters
    ----------
    ahead : how many pieces of work may be given and not done
    """

    def __init__(self, ahead: int) -> None:
        self._waiting: SimpleQueue[Work | None] = SimpleQueue()
        self._ahead = ahead
        self._room = Semaphore(ahead)
        self._thread: Thread | None = None
        self._failure: BaseException | None = None
        self._done = 0

    @property
    def alive(self) -> bool:
        """Whether the thread is there: not before work was given, and not in a process that was forked since."""
        return self._thread is not None and self._thread.is_alive()

    def later(self, work: Callable[..., int], *about: object) -> None:
        """Have it done after all that was given before; waits where there is no room."""
        self._room.acquire()
        if self._failure is not None:
            self._room.release()
            raise self._failure
        if self._thread is None and not self._start():
            self._do(work, about)
            self._room.release()
        else:
            self._waiting.put((work, about))

    def wait(self) -> int:
        """Wait until all is done; how many bytes that was since the last time."""
        for _ in range(self._ahead):
            self._room.acquire()
        self._room.release(self._ahead)
        if self._failure is not None:
            raise self._failure
        done, self._done = self._done, 0
        return done

    def leave(self) -> None:
        """Forget what waits, and wait for what is being done."""
        self._failure = self._failure or InterruptedError()
        if (thread := self.end()) is not None:
            thread.join()

    def end(self) -> Thread | None:
        """Nothing more comes: the thread, which ends by itself when all is done; None where there is none."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._waiting.put(None)
        return thread

    def _start(self) -> bool:
        """Start the thread; false where the system gives none, and the work is done at once."""
        thread = Thread(target=self._run, daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return False
        self._thread = thread
        return True

    def _run(self) -> None:
        while (one := self._waiting.get()) is not None:
            self._do(*one)
            del one  # what it is about is somebody's buffer, who will see whether it is free
            self._room.release()

    def _do(self, work: Callable[..., int], about: tuple[object, ...]) -> None:
        if self._failure is None:
            try:
                self._done += work(*about)
            except BaseException as error:  # noqa: BLE001 - raised where it is asked for
                self._failure = error


_idle: list[Second] = []


@contextmanager
def borrowed() -> Iterator[Second]:
    """One that is kept for whoever needs one for a while; at the end all is done that it was given."""
    second = _idle.pop() if _idle else None
    if second is None or not second.alive:  # it is not where this process was forked since
        second = Second(1)
    try:
        yield second
        second.wait()
    except BaseException:
        second.leave()
        raise
    _idle.append(second)
