"""The map: objects in, rows out, each object once, whatever fails on the way."""

from __future__ import annotations

import heapq
import time as clock
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from contextlib import closing, suppress
from datetime import datetime
from threading import Event
from typing import Protocol

import msgspec

from migstream.errors import OverLimit
from migstream.fleet.ahead import Ahead
from migstream.fleet.child import Answer, Limits, Work
from migstream.fleet.engines import Engine
from migstream.fleet.known import Known, key_of
from migstream.fleet.listing import Listed
from migstream.fleet.marks import Mark
from migstream.fleet.scan import Questions, Scan, failed, object_key, state_of
from migstream.names import many, portable

__all__ = ["Counts", "Keeps", "run"]

AHEAD = 2  # objects given to an engine for each that it scans at the same time
MOST_LATER = 1000  # that wait to be tried again, before no new ones are begun
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0  # seconds before an object is tried again
LOOK = 0.2  # seconds at most between two looks at the time


class Counts(msgspec.Struct):
    """How far a run is: objects `seen`; of these `scanned`, as they were (`unchanged`), named twice (`repeated`).

    Of those that were scanned `unread` could not be read, of these `again` for what may pass. `retried` counts tries.
    `gone` are those that were not there any more (`gone.gone`).
    """

    seen: int = 0
    scanned: int = 0
    unchanged: int = 0
    repeated: int = 0
    unread: int = 0
    again: int = 0
    retried: int = 0
    gone: int = 0

    @property
    def done(self) -> int:
        return self.scanned + self.unchanged + self.repeated


class Keeps(Protocol):
    """Where rows go."""

    def add(self, scan: Scan) -> None:
        """Keep the rows of an object."""
        ...


class _Try(msgspec.Struct, order=True):
    """An object that waits for another try, and when that is due."""

    due: float
    number: int
    attempt: int
    listed: Listed


def run(
    objects: Iterable[Listed],
    engine: Engine,
    keep: Keeps,
    known: Known,
    *,
    questions: Questions,
    time: datetime,
    met: Known | None = None,
    limits: Limits = Limits(),  # noqa: B008 - it cannot change
    retries: int = 3,
    tell: Callable[[Counts], None] = lambda _: None,
    stop: Event | None = None,
) -> Counts:
    """Scan objects, and keep the rows of each once.

    No more is in memory than what an engine works on, and sixteen bytes for each object.

    Parameters
    ----------
    known : states of the objects that were scanned by earlier runs: those that are as they were are left out
    time : when this run began
    met : is given the objects that it came to
    retries : of an object that fails in passing, or that the engine loses
    stop : once it is set no more is begun, and what was begun is given up: the next run does it

    Raises
    ------
    SourceError : the objects cannot be listed, or the rows not kept
    """
    met = Known() if met is None else met
    one = _Run(engine, keep, known, questions, time, met, limits, retries, tell, stop or Event())
    one.all(iter(objects))
    return one.counts


class _Run:
    """A run."""

    def __init__(
        self,
        engine: Engine,
        keep: Keeps,
        known: Known,
        questions: Questions,
        time: datetime,
        met: Known,
        limits: Limits,
        retries: int,
        tell: Callable[[Counts], None],
        stop: Event,
    ) -> None:
        self.counts = Counts()
        self._engine = engine
        self._keep = keep
        self._known = known
        self._questions = questions
        self._time = time
        self._limits = limits
        self._retries = retries
        self._tell = tell
        self._stop = stop
        self._met = met
        self._working: dict[Future[bytes], tuple[Listed, int]] = {}
        self._later: list[_Try] = []

    def all(self, objects: Iterator[Listed]) -> None:
        """Until nothing is left to do, or no more is wanted: what is done by then is kept."""
        with closing(Ahead(objects)) as ahead:
            while (self._working or self._later or not ahead.ended) and not self._stop.is_set():
                self._fill(ahead)
                self._engine.begin()
                self._wait()
                self._tell(self.counts)
        for future in [one for one in self._working if one.done()]:
            self._take(future, *self._working.pop(future))

    def _fill(self, ahead: Ahead[Listed]) -> None:
        """Give the engine as much as it takes."""
        room = max(AHEAD * self._engine.size, 1)
        while len(self._working) < room and not self._stop.is_set():
            due = self._due()
            if due is not None:
                self._begin(due.listed, due.attempt)
                continue
            if len(self._later) >= MOST_LATER:
                return
            listed = ahead.next(0.0 if self._working else LOOK)
            if listed is None:
                return
            self._look_at(listed)

    def _due(self) -> _Try | None:
        if self._later and self._later[0].due <= clock.monotonic():
            return heapq.heappop(self._later)
        return None

    def _look_at(self, listed: Listed) -> None:
        """Begin with an object, where it is to be scanned."""
        self.counts.seen += 1
        key = key_of(object_key(listed.url, self._questions.redact))
        if key in self._met:
            self.counts.repeated += 1
            return
        self._met[key] = 0
        if listed.mark is not None:
            state = state_of(listed.mark, self._questions)
            if state is not None and self._known.get(key) == state:
                self.counts.unchanged += 1
                self._tell(self.counts)  # there may be a million of them
                return
        self._begin(listed, 1)

    def _begin(self, listed: Listed, attempt: int) -> None:
        key = key_of(object_key(listed.url, self._questions.redact))
        work = Work(
            url=portable(listed.url),
            mark=listed.mark,
            known=self._known.get(key) if listed.mark is None else None,
            questions=self._questions,
            time=self._time,
            limits=self._limits,
        )
        future = self._engine.submit(msgspec.msgpack.encode(work))
        self._working[future] = (listed, attempt)

    def _wait(self) -> None:
        if not self._working:
            if self._later:
                clock.sleep(min(max(self._later[0].due - clock.monotonic(), 0.0), LOOK))
            return
        done, _ = wait(self._working, timeout=LOOK, return_when=FIRST_COMPLETED)
        for future in done:
            self._take(future, *self._working.pop(future))

    def _take(self, future: Future[bytes], listed: Listed, attempt: int) -> None:
        lost = None
        with suppress(CancelledError):
            lost = future.exception()
            if lost is None:
                self._answered(
                    msgspec.msgpack.decode(future.result(), type=Answer), listed, attempt
                )
                return
        if attempt <= self._retries:
            self._again(listed, attempt)
            return
        error = OverLimit(
            f"lost {many(attempt, 'time')} by what scanned it: {lost or 'it was given up'}",
            hint="what the cluster's workers say of it is in their logs",
        )
        mark = listed.mark or Mark()
        self._done(failed(listed.url, error, questions=self._questions, mark=mark, time=self._time))

    def _answered(self, answer: Answer, listed: Listed, attempt: int) -> None:
        if answer.scan is None:
            self.counts.unchanged += 1
        elif (
            answer.scan.saved.again
            and answer.scan.saved.error == "MS400"
            and attempt <= self._retries
        ):
            self._again(listed, attempt)
        else:
            self._done(answer.scan)

    def _again(self, listed: Listed, attempt: int) -> None:
        self.counts.retried += 1
        pause = min(FIRST_WAIT * 2 ** (attempt - 1), LONGEST_WAIT)
        due = clock.monotonic() + pause
        heapq.heappush(self._later, _Try(due, self.counts.retried, attempt + 1, listed))

    def _done(self, scan: Scan) -> None:
        self.counts.scanned += 1
        self.counts.unread += scan.saved.state == "unread"
        self.counts.again += scan.saved.again
        self._keep.add(scan)
