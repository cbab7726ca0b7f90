"""What scans: processes of this machine, or a Dask cluster. Both are given bytes and give bytes (`child.ask`)."""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Protocol

from migstream._version import __version__
from migstream.errors import SourceError
from migstream.fleet.child import Asker, ask

__all__ = ["Dask", "Engine", "Local"]

EVERY = 5.0  # seconds between two looks at how many workers there are
AHEAD = 2  # tasks for each thread of a cluster: one that it does, one that waits
TOGETHER = 8  # objects of a task
CONNECT = 30.0  # seconds for a scheduler to answer, and for its first worker to come


class Engine(Protocol):
    """Something that answers."""

    @property
    def size(self) -> int:
        """How many objects it takes at the same time."""
        ...

    def submit(self, asked: bytes) -> Future[bytes]:
        """Take a piece of work. What ends its future with an exception is the engine's fault."""
        ...

    def begin(self) -> None:
        """Begin with what was submitted, if that is not done already: nothing more is, for now."""
        ...

    def close(self) -> None:
        """Give up what was begun."""
        ...


class Local:
    """Processes of this machine, each with a thread that waits for it."""

    def __init__(self, workers: int) -> None:
        self.size = workers
        self._asker = Asker()
        self._pool = ThreadPoolExecutor(workers, "fleet")

    def submit(self, asked: bytes) -> Future[bytes]:
        return self._pool.submit(self._asker.ask, asked)

    def begin(self) -> None:
        """That is done already."""

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._asker.end()


class Dask:
    """The workers of a Dask cluster, on each of which this migstream is installed.

    A task costs its scheduler several milliseconds, so that it is some objects where all workers are busy.

    Parameters
    ----------
    function : what a worker does with a piece of work

    Raises
    ------
    SourceError : Dask is not installed, no scheduler answers at that address, no worker comes, or another
        migstream is on them
    """

    def __init__(self, address: str, function: Callable[[bytes], bytes] = ask) -> None:
        self._address = address
        self._function = function
        self._client: Any = self._connect()
        self._threads, self._due = 1, 0.0
        self._submitted: list[tuple[bytes, Future[bytes]]] = []
        self._tasks: set[int] = set()

    def _connect(self) -> Any:
        try:
            import distributed
        except ImportError:
            raise SourceError(
                "a cluster needs Dask, which is not installed",
                hint="pip install 'migstream[fleet]'",
            ) from None
        try:
            connect: Any = distributed.Client  # which has no types
            client = connect(self._address, timeout=CONNECT, set_as_default=False)
            client.wait_for_workers(1, timeout=CONNECT)
        except (OSError, TimeoutError, ValueError) as error:
            raise SourceError(
                f"{self._address}: no scheduler with workers: {error}",
                hint="the address is what `dask scheduler` printed, such as tcp://host:8786",
            ) from None
        others = {one for one in client.run(_version).values() if one != __version__}
        if others:
            client.close()
            raise SourceError(
                f"{self._address}: its workers have migstream {', '.join(sorted(others))}, this is {__version__}",
                hint="install the same one there",
            )
        return client

    @property
    def size(self) -> int:
        """That of the threads of all workers, as it was some seconds ago: workers come and go."""
        now = clock.monotonic()
        if now >= self._due:
            self._due = now + EVERY
            with suppress(Exception):  # the scheduler is gone for now: it is as it was
                self._threads = max(sum(self._client.nthreads().values()), 1)
        return self._threads * TOGETHER

    def submit(self, asked: bytes) -> Future[bytes]:
        given: Future[bytes] = Future()
        self._submitted.append((asked, given))
        return given

    def begin(self) -> None:
        some, self._submitted = self._submitted, []
        idle = max(AHEAD * self._threads - len(self._tasks), 1)
        together = min(TOGETHER, -(-len(some) // idle))
        for start in range(0, len(some), max(together, 1)):
            self._begin(some[start : start + together])

    def _begin(self, some: Sequence[tuple[bytes, Future[bytes]]]) -> None:
        work = [asked for asked, _ in some]
        try:
            remote = self._client.submit(_each, self._function, work, pure=False)
        except Exception:  # noqa: BLE001 - it gave its scheduler up: another may be there by now
            self._client = self._connect()
            remote = self._client.submit(_each, self._function, work, pure=False)
        self._tasks.add(id(some))

        def settle(done: Any) -> None:
            self._tasks.discard(id(some))
            try:
                for (_, given), answer in zip(some, done.result(), strict=True):
                    given.set_result(answer)
            except (Exception, CancelledError) as error:  # noqa: BLE001 - it is told where it is waited for
                for _, given in some:
                    given.set_exception(error)

        remote.add_done_callback(settle)

    def close(self) -> None:
        self._client.close()


def _each(function: Callable[[bytes], bytes], work: Sequence[bytes]) -> list[bytes]:
    return [function(one) for one in work]


def _version() -> str:
    return __version__
