"""What a verb cannot do without: its reads and writes alone, beside `cp`, `cat` and `cmp`; its libraries, beside Python.

    python -m bench.floor STREAM

No page is looked at: what is read is written as it is, by the same threads and in pieces of the same sizes as the verbs do it.
What these take beyond that is theirs, what `cp` takes less is the machine's.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from mmap import ACCESS_READ, mmap
from pathlib import Path
from statistics import median

import migstream
from bench.timing import touch
from migstream.source.pieces import PieceWriter
from migstream.source.sparse import SparseWriter
from migstream.source.store import File, read_into

WINDOW = 8 << 20
PIECE = 1 << 20
RUNS = 5


def _read(source: int, buffer: memoryview) -> None:
    store, at = File(source, os.fstat(source).st_size), 0
    while size := read_into(store, at, buffer):
        at += size


def _write(source: int, target: int) -> None:
    store, at = File(source, os.fstat(source).st_size), 0
    with PieceWriter(target) as out:
        while size := read_into(store, at, piece := out.lend(PIECE)):
            out.put([piece[:size]])
            at += size
        out.finish()


def _stretches(stream: Path) -> list[tuple[int, int]]:
    """The bytes of each stretch of data in its memory, and of what lies between it and the next one."""
    with migstream.open(stream) as opened:
        runs = [run for block in opened.ram.values() for run in block.runs()]
    found: list[tuple[int, int]] = []
    for run in runs:
        size = run.stop - run.start
        data, rest = (size, 0) if run.kind == "data" else (0, size)
        if data or not found:
            found.append((data, rest))
        else:
            found[-1] = (found[-1][0], found[-1][1] + rest)
    return found


def _write_stretches(target: int, stretches: list[tuple[int, int]], buffer: memoryview) -> None:
    with SparseWriter(target) as out:
        for data, rest in stretches:
            for at in range(0, data, PIECE):
                out.put([buffer[: min(PIECE, data - at)]])
            out.hole(rest)
        out.finish()


def _compare(source: int, target: int, buffers: tuple[memoryview, memoryview]) -> None:
    stores = [File(fd, os.fstat(fd).st_size) for fd in (source, target)]
    at = 0
    while size := read_into(stores[0], at, buffers[0]):
        read_into(stores[1], at, buffers[1])
        if buffers[0].obj != buffers[1].obj:
            raise AssertionError(f"not the same at {at:#x}")
        at += size


def _floors(stream: Path, out: Path) -> dict[str, Callable[[], object]]:
    """Each by what it stands for."""
    copy = f"cp '{stream}' '{out}' && sync '{out}'"
    other = out.with_name("other")
    shutil.copyfile(stream, other)
    stretches = _stretches(stream)
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
        _write(source, target)
        _compare(source, target, buffers)  # the walk through the result
        os.fsync(target)

    def extracted(source: int, target: int) -> None:
        _read(source, buffers[0])
        _write(source, target)
        os.fsync(target)

    def mapped(source: int, target: int) -> None:
        _read(source, buffers[0])
        _write_stretches(target, stretches, buffers[1])
        _read(target, buffers[1])
        _read(source, buffers[0])
        os.fsync(target)

    def compared(source: int, _: int) -> None:
        _read(source, buffers[0])  # where its pages are
        with other.open("rb") as same:
            _compare(source, same.fileno(), buffers)

    def python(code: str) -> Callable[[], object]:
        return lambda: subprocess.run((sys.executable, "-c", code), check=True)

    def saved(source: int, target: int) -> None:
        memory = memoryview(mmap(source, 0, access=ACCESS_READ))
        for at in range(0, len(memory), PIECE):
            os.pwrite(target, memory[at : at + PIECE], at)

    return {
        "cat": lambda: subprocess.run(("cat", stream), check=True, stdout=subprocess.DEVNULL),
        "read once: index": opened(lambda source, _: _read(source, buffers[0])),
        "cp, sync": lambda: subprocess.run(("sh", "-c", copy), check=True),
        "read, read and write, sync: extract": opened(extracted),
        "the same, read and compare both, sync: convert": opened(converted),
        "read, write its stretches with holes, read both, sync: convert mapped": opened(mapped),
        "cmp": lambda: subprocess.run(("cmp", stream, other), check=True),
        "read, read and compare both: diff": opened(compared),
        "cp": lambda: subprocess.run(("cp", stream, out), check=True),
        "write what is mapped: saving": opened(saved),
        "python3 -c 'import json, struct'": python("import json, struct"),
        "python3 -c 'import click, msgspec': get, info, decode": python("import click, msgspec"),
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
                touch()
                begun = time.perf_counter()
                work()
                taken[name].append(time.perf_counter() - begun)
        for name, each in taken.items():
            print(f"{median(each[1:]):7.3f} s  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
