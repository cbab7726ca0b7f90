"""Workers, one for each core: each takes case after case, and may die or hang of one."""

from __future__ import annotations

import contextlib
import faulthandler
import multiprocessing
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from fuzz.case import Found, build_case, run_case
from fuzz.guard import Fault, arm

__all__ = ["Progress", "run"]

FORK = multiprocessing.get_context("fork")  # the kept streams are read once, for all
STUCK = 20.0  # seconds of the processor for a case: what no timer in the process has ended
TELL = 16  # cases between two messages of a worker, at most
MEMORY = Path("/dev/shm")  # noqa: S108 - files in it never meet a disk


@dataclass
class Progress:
    """How far it is: `done` cases, in `seconds`; `found` is what is new since the last time."""

    done: int
    seconds: float
    found: list[Found]


class Worker:
    """A process, where it is, and what it says."""

    def __init__(self, first: int, step: int, stop: int | None, wanted: Collection[str]) -> None:
        self.first, self.step, self.stop = first, step, stop
        self.wanted = wanted
        self.parent = os.getpid()
        self.at = FORK.Value("q", first, lock=False)
        self.folder = Path(
            tempfile.mkdtemp(prefix="migstream-fuzz-", dir=MEMORY if MEMORY.is_dir() else None)
        )
        self.trace = (self.folder.parent / f"{self.folder.name}.trace").open("w+b")
        self.said, saying = FORK.Pipe(duplex=False)
        self.process = FORK.Process(target=self._work, args=(saying,), daemon=True)
        self.process.start()
        saying.close()
        self.case, self.since = first, self._worked()
        self.told = 0

    def _work(self, saying: Connection) -> None:
        """Run cases until the last one, or until it is ended."""
        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        faulthandler.enable(self.trace)
        faulthandler.register(signal.SIGUSR2, self.trace)
        arm()
        number, done, told = self.first, 0, time.monotonic()
        while (self.stop is None or number < self.stop) and os.getppid() == self.parent:
            self.at.value = number
            try:
                found = run_case(number, self.folder, self.wanted)
            except Exception as error:  # noqa: BLE001 - a fault of the fuzzer itself is one too
                found = [_own(number, error)]
            number += self.step
            done += 1
            if found or done >= TELL or time.monotonic() - told > 1:
                saying.send((done, found))
                done, told = 0, time.monotonic()
        saying.send((done, []))

    def _worked(self) -> float:
        """Seconds that the processor worked for it."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return time.monotonic()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stuck(self) -> bool:
        """Whether it has been at one case for too long."""
        if self.at.value != self.case:
            self.case, self.since = self.at.value, self._worked()
        return self._worked() - self.since > STUCK

    def end(self, *, traced: bool = False) -> str:
        """End it and all that it started; where it was, if that is asked for."""
        pid = self.process.pid
        if pid is not None and self.process.is_alive():
            if traced:
                os.kill(pid, signal.SIGUSR2)
                time.sleep(0.5)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
        self.process.join()
        self.trace.seek(0)
        trace = self.trace.read().decode(errors="replace")
        self.trace.close()
        Path(self.trace.name).unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        return trace[-4000:]


def _own(number: int, error: Exception) -> Found:
    import traceback

    text = "".join(traceback.format_exception(error)[-12:])
    place = traceback.extract_tb(error.__traceback__)[-1]
    key = f"the fuzzer: {type(error).__name__} in {Path(place.filename).name}:{place.name}"
    return Found(number, "", Fault(key, text), "", b"")


def _ended(worker: Worker, why: str) -> Found:
    """The finding that a worker hung or died is."""
    case, trace = worker.at.value, worker.end(traced=why == "hangs")
    frames = [line.split(" in ")[-1] for line in trace.splitlines() if "/migstream/" in line][:2]
    made = build_case(case)
    return Found(
        case,
        "all",
        Fault(f"the process {why} at {' < '.join(frames)}", trace),
        made.told,
        made.data,
    )


def run(
    first: int, cases: int | None, seconds: float | None, jobs: int, wanted: Collection[str]
) -> Iterator[Progress]:
    """Run cases from `first` on, as many, as long as is asked for; says each second how far it is.

    Of what a case is asked, only what is `wanted` is.

    Case n is always worker n % jobs's, so that none is run twice.
    """
    begun = time.monotonic()
    stop = None if cases is None else first + cases
    workers = [Worker(first + n, jobs, stop, wanted) for n in range(jobs)]
    done = 0
    try:
        while workers:
            found: list[Found] = []
            wait([worker.said for worker in workers], timeout=1)
            for worker in list(workers):
                more, new, ended = _heard(worker)
                done += more
                found += new
                why = "hangs" if not ended and worker.stuck() else ""
                if ended and worker.process.exitcode:
                    why = f"dies ({worker.process.exitcode})"
                worker.told += more
                if why:
                    # what it had done without a word, and the case itself
                    done += (worker.at.value - worker.first) // jobs - worker.told + 1
                    found.append(_ended(worker, why))
                elif ended:
                    worker.end()
                if why or ended:
                    workers.remove(worker)
                if why:
                    workers.append(Worker(worker.at.value + jobs, jobs, stop, wanted))
            yield Progress(done, time.monotonic() - begun, found)
            if seconds is not None and time.monotonic() - begun >= seconds:
                return
    finally:
        for worker in workers:
            worker.end()


def _heard(worker: Worker) -> tuple[int, list[Any], bool]:
    """What a worker has said: cases done, what it found, whether it has ended."""
    done, found = 0, []
    try:
        while worker.said.poll():
            more, new = worker.said.recv()
            done += more
            found += new
    except (EOFError, OSError):
        worker.process.join()
        return done, found, True
    return done, found, False
