"""What scans: processes of this machine, or a Dask cluster. Both are given bytes and give bytes (`child.ask`)."""

from __future__ import annotations

import time as clock
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Protocol

from migstream._version import __version__
from migstream.errors import SourceError
from migstream.fleet.child import Asker, ask

__all__ = ["Dask", "Engine", "Local"]

EVERY = 5.0  # seconds between two looks at how many workers there are
CONNECT = 30.0  # seconds for a scheduler to answer, and for its first worker to come


class Engine(Protocol):
    """Something that answers."""

    @property
    def size(self) -> int:
        """How many objects it scans at the same time."""
        ...

    def submit(self, asked: bytes) -> Future[bytes]:
        """Begin with a piece of work. What ends its future with an exception is the engine's fault."""
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

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._asker.end()


class Dask:
    """The workers of a Dask cluster, on each of which this migstream is installed.

    Raises
    ------
    SourceError : Dask is not installed, no scheduler answers at that address, no worker comes, or another
        migstream is on them
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._client: Any = self._connect()
        self._size, self._due = 1, 0.0

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
        """Threads of all workers, as it was some seconds ago: workers come and go."""
        now = clock.monotonic()
        if now >= self._due:
            self._due = now + EVERY
            with suppress(Exception):  # the scheduler is gone for now: it is as it was
                self._size = max(sum(self._client.nthreads().values()), 1)
        return self._size

    def submit(self, asked: bytes) -> Future[bytes]:
        given: Future[bytes] = Future()
        try:
            remote = self._client.submit(ask, asked, pure=False)
        except Exception:  # noqa: BLE001 - it gave its scheduler up: another may be there by now
            self._client = self._connect()
            remote = self._client.submit(ask, asked, pure=False)

        def settle(done: Any) -> None:
            try:
                given.set_result(done.result())
            except (Exception, CancelledError) as error:  # noqa: BLE001 - it is told where it is waited for
                given.set_exception(error)

        remote.add_done_callback(settle)
        return given

    def close(self) -> None:
        self._client.close()


def _version() -> str:
    return __version__
