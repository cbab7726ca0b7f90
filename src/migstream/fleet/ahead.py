"""What is listed is listed by a thread of its own: nobody waits for a slow list who has something else to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Generic, TypeVar

__all__ = ["Ahead"]

T = TypeVar("T")
MOST = 1024  # things that are there before they are asked for
LOOK = 0.2  # seconds between two looks at whether anybody asks


class Ahead(Generic[T]):
    """The things of an iterator; `ended` once there is none left.

    The thread is left alone where it waits for what never comes.
    """

    def __init__(self, things: Iterator[T]) -> None:
        self.ended = False
        self._things = things
        self._queue: Queue[tuple[T] | BaseException | None] = Queue(MOST)
        self._unwanted = Event()
        Thread(target=self._take, name="listing", daemon=True).start()

    def next(self, seconds: float) -> T | None:
        """The next one; None where there is none in that time, or none at all.

        Raises
        ------
        Exception : what the iterator raised
        """
        if self.ended:
            return None
        try:
            found = self._queue.get(timeout=seconds) if seconds else self._queue.get_nowait()
        except Empty:
            return None
        if isinstance(found, tuple):
            return found[0]
        self.ended = True
        if found is not None:
            raise found
        return None

    def close(self) -> None:
        """No more are wanted."""
        self._unwanted.set()

    def _take(self) -> None:
        try:
            for thing in self._things:
                if not self._put((thing,)):
                    return
            self._put(None)
        except BaseException as error:  # noqa: BLE001 - it is raised where the next one is asked for
            self._put(error)

    def _put(self, found: tuple[T] | BaseException | None) -> bool:
        while not self._unwanted.is_set():
            with suppress(Full):
                self._queue.put(found, timeout=LOOK)
                return True
        return False
