"""How long a whole process takes, and the table of what came out."""

from __future__ import annotations

import mmap
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal


class CommandFailedError(Exception):
    """A command that was to be timed did not work; the message says which, and what it printed."""


@dataclass(frozen=True)
class Row:
    """One ratio and the bar it is held against.

    Attributes
    ----------
    work, against : what was timed, in words
    ours, theirs : seconds
    bar : how often faster (``>=``) or at most how much slower (``<=``)
    unit : what `ours` and `theirs` are in
    """

    work: str
    ours: float
    against: str
    theirs: float
    sense: Literal["<=", ">="]
    bar: float
    unit: str = "s"

    @property
    def ratio(self) -> float:
        """Theirs over ours where we are to be faster, ours over theirs where we may be slower."""
        return self.theirs / self.ours if self.sense == ">=" else self.ours / self.theirs

    @property
    def met(self) -> bool:
        """Whether the bar is reached."""
        return self.ratio >= self.bar if self.sense == ">=" else self.ratio <= self.bar


def touch() -> None:
    """See that the machine's host has memory behind what is free here: so many GiB of it as BENCH_TOUCH says, none otherwise.

    A guest that tells its host of free pages (virtio-balloon: free page reporting) gets them back when they are written to first:
    0.4 GB/s for 2 GB/s otherwise. Which command of two that befalls is chance; where only a part of what is free was touched, the
    kernel may take another one. It takes seconds each time.
    """
    if size := int(os.environ.get("BENCH_TOUCH", "0")) << 30:
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE
        mmap.mmap(-1, size, flags=flags).close()


@dataclass(frozen=True)
class Timed:
    """A process that is timed.

    Attributes
    ----------
    before : what to do before each run, not timed: to remove what the run before made. What has it writes
    folder : where it runs
    expected : its exit status; any other is a failure
    """

    command: Sequence[str]
    before: Callable[[], object] | None = None
    folder: Path | None = None
    expected: int = 0

    def run(self) -> float:
        """Run it once; its wall time in seconds."""
        if self.before is not None:
            self.before()
            touch()
        begin = time.perf_counter()
        done = subprocess.run(
            self.command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
            cwd=self.folder,
        )
        taken = time.perf_counter() - begin
        if done.returncode != self.expected:
            said = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
            words = f"{' '.join(self.command)}: exit {done.returncode}: {' '.join(said)}"
            raise CommandFailedError(words)
        return taken


def in_turn(works: Sequence[Timed], runs: int) -> list[float]:
    """The median wall time of each, one run of each after the other, so that all have the machine of the same minute.

    Before those there is a run of each that does not count (it warms the page cache).
    """
    taken = [[work.run() for work in works] for _ in range(runs + 1)]
    return [statistics.median(each) for each in zip(*taken[1:], strict=True)]


def seconds(
    command: Sequence[str],
    runs: int,
    *,
    before: Callable[[], object] | None = None,
    folder: Path | None = None,
    expected: int = 0,
) -> float:
    """Return the median wall time of a process, after one run that does not count. See `Timed`."""
    return in_turn([Timed(command, before, folder, expected)], runs)[0]


def anonymous_peak(command: Sequence[str], piped: Path | None = None, *, expected: int = 0) -> int:
    """The most memory in bytes, mapped file pages left out, that a process had when it was looked at.

    Parameters
    ----------
    piped : what it gets on standard input, from a pipe
    expected : its exit status; any other is a failure
    """
    most = 0
    with ExitStack() as stack:
        fed: IO[bytes] | None = None
        if piped is not None:
            fed = stack.enter_context(
                subprocess.Popen(("cat", str(piped)), stdout=subprocess.PIPE)
            ).stdout
        process = stack.enter_context(
            subprocess.Popen(
                command,
                stdin=fed or subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        if fed is not None:
            fed.close()
        while process.poll() is None:
            try:
                lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
            except OSError:
                break
            found = [
                int(line.split()[1]) for line in lines if line.startswith(("RssAnon", "RssShmem"))
            ]
            most = max(most, sum(found) << 10)
            time.sleep(0.002)
    if process.returncode != expected:
        raise CommandFailedError(f"{' '.join(command)}: exit {process.returncode}")
    return most


def table(rows: Sequence[Row]) -> str:
    """Return the rows as text."""
    head = ("work", "", "against", "", "ratio", "bar", "")
    cells = [
        (
            row.work,
            f"{row.ours:.3f} {row.unit}",
            row.against,
            f"{row.theirs:.3f} {row.unit}",
            f"{row.ratio:.2f}",
            f"{row.sense} {row.bar:g}",
            "ok" if row.met else "MISSED",
        )
        for row in rows
    ]
    width = [max(len(line[column]) for line in [head, *cells]) for column in range(len(head))]
    right = {1, 3, 4}
    return "\n".join(
        "  ".join(
            text.rjust(width[column]) if column in right else text.ljust(width[column])
            for column, text in enumerate(line)
        ).rstrip()
        for line in [head, *cells]
    )
