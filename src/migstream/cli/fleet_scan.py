"""`migstream fleet scan`."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import IO, Any

import click

from migstream.cli import terminal
from migstream.cli.common import Out
from migstream.cli.ending import asked_first
from migstream.errors import MigstreamError
from migstream.fleet.child import Limits
from migstream.fleet.dataset import Dataset, Writer
from migstream.fleet.engines import Dask, Engine, Local
from migstream.fleet.gone import gone
from migstream.fleet.known import Known
from migstream.fleet.listing import Place, listed
from migstream.fleet.run import Counts, run
from migstream.fleet.scan import ALL, Questions, release_text
from migstream.render.fleet import run_answer, run_parts
from migstream.render.text import grouped

__all__ = ["scan"]

AGAIN = 5  # the exit status where something failed that may pass


def scan(
    out: Out,
    names: list[str],
    *,
    output: str | None,
    to: tuple[str, ...],
    fields: tuple[str, ...],
    check: bool,
    walk: bool,
    redact: bool,
    complete: bool,
    catalogue: str | None,
    workers: int | None,
    scheduler: str | None,
    limit: float,
    memory: int,
    retries: int,
    **_: Any,
) -> None:
    """Scan what is named into a fleet."""
    if not names or output is None:
        raise click.UsageError("scan takes what to scan, and -o FOLDER")
    dataset = Dataset.make(output, redacted=redact)
    questions = Questions(
        to=_releases(to, catalogue),
        fields=fields,
        check=check,
        walk=walk,
        redact=dataset.secret,
        catalogue=None if catalogue is None else os.path.abspath(catalogue),  # noqa: PTH100
    )
    began, when = time.monotonic(), datetime.now(UTC)
    stop = threading.Event()
    with asked_first(stop.set) as asked, dataset.locked():
        engine: Engine = Dask(scheduler) if scheduler else Local(workers or os.cpu_count() or 1)
        with closing(engine), Writer(dataset, f"{when:%Y-%m-%d}") as keep:
            known, met = dataset.known(), Known()
            places: list[Place] = []
            counts = run(
                listed(names, _lines(), places),
                engine,
                keep,
                known,
                questions=questions,
                time=when,
                met=met,
                limits=Limits(seconds=limit, memory=memory << 20),
                retries=retries,
                tell=_teller(names, stop),
                stop=stop,
            )
            if not stop.is_set():  # else it did not come to all that there is
                for lost in gone(dataset, known, met, None if complete else places, time=when):
                    keep.add(lost)
                    counts.gone += 1
        status = asked()
    answer = run_answer(
        output, counts, time.monotonic() - began, keep.written, ended=status is not None
    )
    out.show(lambda: answer, run_parts(answer))
    if status is not None or counts.again:
        sys.stdout.flush()
        sys.exit(status or AGAIN)


def _lines() -> IO[bytes]:
    """Standard input, as a file of its own, as who reads it may wait for it until the process ends."""
    try:
        return os.fdopen(sys.stdin.fileno(), "rb", closefd=False)
    except (OSError, ValueError):
        return sys.stdin.buffer


def _releases(names: tuple[str, ...], catalogue: str | None) -> tuple[str, ...]:
    try:
        return tuple(one if one == ALL else release_text(one, catalogue) for one in names)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--to") from None


def _teller(names: list[str], stop: threading.Event) -> Callable[[Counts], None]:
    """Shows how far a run is, where somebody looks."""
    if not terminal.is_terminal(sys.stderr):
        return lambda _: None
    from migstream.cli.watching import Watching

    now = Counts()
    total = [0]
    if "-" not in names:
        threading.Thread(target=_count, args=(names, total, stop), daemon=True).start()

    def more() -> Iterator[str]:
        if now.unread:
            yield f"{grouped(now.unread)} unread"
        if now.retried:
            yield f"{grouped(now.retried)} tried again"
        yield f"{now.scanned / max(time.monotonic() - began, 0.1):.1f}/s"

    began = time.monotonic()
    watch = Watching("objects", more)

    def tell(counts: Counts) -> None:
        nonlocal now
        now = counts
        watch("scanning", counts.done, max(total[0], counts.done + 1) if total[0] else 0)

    return tell


def _count(names: list[str], total: list[int], stop: threading.Event) -> None:
    """How many objects there are, by a list of their own: a run does not wait for it."""
    found = 0
    try:
        for _ in listed(names, sys.stdin.buffer):
            if stop.is_set():
                return
            found += 1
    except MigstreamError:
        return  # the run says so
    total[0] = found
