"""What a conversion, an extraction and an index cannot do without: their reads and writes alone, beside `cp` and `cat`.

    python -m bench.floor STREAM

No page is looked at: a buffer that stays in the processor's cache is filled and written again and again. What the verbs take
beyond that is theirs, what `cp` takes less is the machine's.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

WINDOW = 256 << 10
BEGUN = 16 << 20  # bytes after which the disk is told
RUNS = 5


def _read(source: int, buffer: memoryview) -> None:
    at = 0
    while size := os.preadv(source, [buffer], at):
        at += size


def _write(source: int, target: int, buffer: memoryview) -> None:
    from migstream.source.output import begin_sync

    at = told = 0
    while size := os.preadv(source, [buffer], at):
        os.pwrite(target, buffer[:size], at)
        at += size
        if at - told >= BEGUN:
            begin_sync(target, told, at)
            told = at
    os.fsync(target)


def _compare(source: int, target: int, buffers: tuple[memoryview, memoryview]) -> None:
    at = 0
    while size := os.preadv(source, [buffers[0]], at):
        os.preadv(target, [buffers[1]], at)
        if buffers[0].obj != buffers[1].obj:
            raise AssertionError(f"not the same at {at:#x}")
        at += size


def _floors(stream: Path, out: Path) -> dict[str, Callable[[], object]]:
    """Each by what it stands for."""
    copy = f"cp '{stream}' '{out}' && sync '{out}'"
    buffers = memoryview(bytearray(WINDOW)), memoryview(bytearray(WINDOW))

    def opened(work: Callable[[int, int], object]) -> Callable[[], None]:
        def run() -> None:
            source = os.open(stream, os.O_RDONLY)
            target = os.open(out, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                work(source, target)
            finally:
                os.close(source)
                os.close(target)

        return run

    def converted(source: int, target: int) -> None:
        _read(source, buffers[0])  # the walk
        _write(source, target, buffers[0])
        _read(target, buffers[0])  # the walk through the result
        _compare(source, target, buffers)

    def extracted(source: int, target: int) -> None:
        _read(source, buffers[0])
        _write(source, target, buffers[0])

    return {
        "cat": lambda: subprocess.run(("cat", stream), check=True, stdout=subprocess.DEVNULL),
        "read once: index": opened(lambda source, _: _read(source, buffers[0])),
        "cp, sync": lambda: subprocess.run(("sh", "-c", copy), check=True),
        "read, read and write, sync: extract": opened(extracted),
        "the same, read the result, read and compare both: convert": opened(converted),
    }


def main() -> int:
    """Measure in turn, print medians, and return the exit status."""
    stream = Path(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="migstream-bench-") as folder:
        out = Path(folder) / "out"
        floors = _floors(stream, out)
        taken: dict[str, list[float]] = {name: [] for name in floors}
        for _ in range(RUNS + 1):
            for name, work in floors.items():
                out.unlink(missing_ok=True)
                begun = time.perf_counter()
                work()
                taken[name].append(time.perf_counter() - begun)
        for name, each in taken.items():
            print(f"{median(each[1:]):7.3f} s  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
