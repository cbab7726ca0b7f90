"""A fleet: what scheduler and writer do alone, and how much two processes do more than one.

python -m bench.fleet simulate 1000000     # synthetic objects on a file system that is in memory
python -m bench.fleet dask 20000           # the same through the scheduler of a Dask cluster
python -m bench.fleet workers              # real streams on a web server that answers slowly: one process, two, in turn
python -m bench.fleet cost                 # what a million objects of 20 GiB cost, by what one takes
"""

from __future__ import annotations

import io
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from bench.streams import unpack
from migstream.fleet.child import Answer, Work
from migstream.fleet.dataset import Dataset, Writer
from migstream.fleet.engines import Dask, Engine, Local
from migstream.fleet.known import Known
from migstream.fleet.listing import Listed, listed
from migstream.fleet.marks import Mark
from migstream.fleet.run import Counts, run
from migstream.fleet.scan import Questions, Scan, object_key, scan, state_of

STREAMS = Path(__file__).resolve().parents[1] / "tests" / "streams"
WHEN = datetime(2026, 11, 28, tzinfo=UTC)
FOLDER = 1000  # objects in each of a synthetic store
GIB = 1 << 30
# Dollars for 1000 requests, for a GiB that leaves the region, and for a processor's hour: prices of the year 2025.
PUT_LIST, GET, EGRESS, CPU = 0.005, 0.0004, 0.09, 0.04
LATENCY, RATE = (
    0.03,
    80e6,
)  # seconds for a first byte in the region, bytes in a second of one connection


def _synthetic(count: int) -> None:
    """Let `memory://` of fsspec be folders of objects that are made as they are listed."""
    from fsspec import AbstractFileSystem, register_implementation

    class Synthetic(AbstractFileSystem):  # type: ignore[misc]
        protocol = "memory"

        def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:  # noqa: ARG002
            path = self._strip_protocol(path).strip("/")
            if path in {"", "store"}:
                folders = -(-count // FOLDER)
                return [
                    {"name": f"store/{n:04}", "type": "directory", "size": 0}
                    for n in range(folders)
                ]
            first = int(path.rpartition("/")[2]) * FOLDER
            return [
                {
                    "name": f"{path}/{n:07}.sav",
                    "type": "file",
                    "size": 20 * GIB + n,
                    "ETag": f"{n:032x}",
                }
                for n in range(first, min(first + FOLDER, count))
            ]

    register_implementation("memory", Synthetic, clobber=True)


def answer(asked: bytes) -> bytes:
    """What a scan gives, without one: the rows of a real guest, as those of another object."""
    work = msgspec.msgpack.decode(asked, type=Work)
    one = _kept()
    named = object_key(work.url)
    key = msgspec.structs.replace(one.key, object=named, scan=named[::-1], url=work.url)
    mark = work.mark or Mark()
    saved = msgspec.structs.replace(
        one.saved, size=mark.size, etag=mark.etag, mark=state_of(mark, work.questions)
    )
    return msgspec.msgpack.encode(
        Answer(scan=msgspec.structs.replace(one, key=key, saved=saved), mark=mark)
    )


_rows: list[Scan] = []


def _kept() -> Scan:
    if not _rows:
        with tempfile.TemporaryDirectory() as folder:
            path = unpack(STREAMS / "pc-7.2.mig.xz", Path(folder) / "pc.mig")
            _rows.append(scan(str(path), questions=Questions(to=("11.1",)), time=WHEN))
    return _rows[0]


class Pretending:
    """An engine that has its answers at once, all in the process that asks."""

    size = 256

    def submit(self, asked: bytes) -> Future[bytes]:
        done: Future[bytes] = Future()
        done.set_result(answer(asked))
        return done

    def begin(self) -> None:
        """That is done already."""

    def close(self) -> None:
        """Nothing was begun."""


def _memory() -> float:
    """MiB of this process now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / (1 << 20)


def _run(folder: Path, objects: Iterator[Listed], engine: Engine, *, every: int = 0) -> Counts:
    dataset = Dataset.make(folder)
    began = last = time.monotonic()
    seen = 0

    def tell(counts: Counts) -> None:
        nonlocal last, seen
        if every and counts.done // every > seen // every:
            now = time.monotonic()
            print(
                f"{counts.done:>9} objects  {(counts.done - seen) / (now - last):>7.0f}/s  {_memory():>6.0f} MiB",
                flush=True,
            )
            last, seen = now, counts.done

    with Writer(dataset, f"{WHEN:%Y-%m-%d}") as keep:
        counts = run(
            objects, engine, keep, dataset.known(), questions=Questions(), time=WHEN, tell=tell
        )
    took = time.monotonic() - began
    files = list(folder.rglob("*.parquet"))
    size = sum(path.stat().st_size for path in files)
    print(
        f"{counts.scanned} scanned, {counts.unchanged} as before: {took:.0f} s, {counts.done / took:.0f}/s;"
        f" {len(files)} files, {size / (1 << 20):.0f} MiB; peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB"
    )
    return counts


def simulate(count: int) -> None:
    """A million objects that take no time: what is left is what is ours."""
    _synthetic(count)
    rows = {name: len(some) for name, some in _kept().tables().items() if some}
    print(f"{count} objects of {sum(rows.values())} rows each: {rows}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "fleet"
        for _ in range(2):
            _run(folder, listed(["memory://store/"], io.BytesIO()), Pretending(), every=count // 10)


def dask(count: int) -> None:
    """The same through a scheduler, with two workers."""
    from distributed import LocalCluster

    _synthetic(count)
    make: Any = LocalCluster
    with (
        tempfile.TemporaryDirectory() as name,
        make(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        closing(Dask(cluster.scheduler_address, answer)) as engine,
    ):
        engine._client.run(_kept)  # noqa: SLF001 - so that the first answer takes no longer than the others
        _run(
            Path(name) / "fleet",
            listed(["memory://store/"], io.BytesIO()),
            engine,
            every=count // 5,
        )


# --- real streams ----------------------------------------------------------------------------------------


@contextmanager
def _served(latency: float) -> Iterator[Any]:
    """A stream of 20 GiB on a web server, which answers after a while."""
    sys.path.insert(0, str(STREAMS.parent))
    from support.web import Server, Sparse

    with tempfile.TemporaryDirectory() as folder:
        path = unpack(STREAMS / "pc-7.2.mig.xz", Path(folder) / "pc.mig")
        large = Sparse.of(path, 20 * GIB)

    def slowly(*_: object) -> bool:
        time.sleep(latency)
        return False

    with Server(large, slowly) as server:
        yield server


def workers(count: int = 30, rounds: int = 4) -> None:
    """One process, and two, in turn, on a store that answers as one in the same region does.

    What else the machine does is so of both alike.
    """
    took = {1: 0.0, 2: 0.0}
    with ExitStack() as stack:
        server = stack.enter_context(_served(LATENCY))
        keep = stack.enter_context(
            Writer(Dataset.make(stack.enter_context(tempfile.TemporaryDirectory())), "2026-11-28")
        )
        engines = {number: stack.enter_context(closing(Local(number))) for number in took}

        def spent(number: int, some: int) -> float:
            objects = [Listed(f"http://{server.host}/{n}", Mark(size=n)) for n in range(some)]
            began = time.monotonic()
            run(objects, engines[number], keep, Known(), questions=Questions(), time=WHEN)
            return time.monotonic() - began

        for number in took:
            spent(number, number * 2)  # to start the processes
        for _ in range(rounds):
            now = {number: spent(number, count) for number in took}
            took = {number: took[number] + now[number] for number in took}
            rates = ", ".join(f"{number}: {count / now[number]:.1f}" for number in now)
            print(f"objects a second by {rates}: {now[1] / now[2]:.2f} times", flush=True)
        load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
        print(f"two do {took[1] / took[2]:.2f} times what one does (load of the machine: {load})")


def cost(count: int = 1_000_000) -> None:
    """What a million objects cost."""
    with _served(0.0) as server:
        for questions in (Questions(), Questions(to=("11.1",))):
            server.asked.clear()
            server.sent = 0
            spent = time.process_time()
            tries = 10
            for n in range(tries):
                found = scan(f"http://{server.host}/{n}", questions=questions, mark=Mark(size=1))
                assert found.saved.state == "unproven"
            spent = (time.process_time() - spent) / tries
            requests, size = len(server.asked) / tries, server.sent / tries
            wait = requests * LATENCY + size / RATE
            print(
                f"one: {requests:.1f} requests, {size / (1 << 20):.2f} MiB, {spent:.3f} s of a CPU, {wait:.2f} s of waiting"
            )
            hours = count * (spent + wait) / 3600
            dollars = count * requests / 1000 * GET + count / 1000 / 1000 * PUT_LIST
            print(
                f"{count}: {count * requests / 1e6:.1f} million GETs and {count // 1000} LISTs: ${dollars:.2f};"
                f" {count * size / GIB:.0f} GiB (out of the region: ${count * size / GIB * EGRESS:.0f});"
                f" {hours:.0f} h of one process, ${hours * CPU:.2f}; {hours * 60 / 64:.0f} min with 64"
            )


def main(words: Sequence[str]) -> None:
    """Run what was asked for."""
    what = {"simulate": simulate, "dask": dask, "workers": workers, "cost": cost}[words[0]]
    what(*map(int, words[1:]))


if __name__ == "__main__":
    from bench import fleet  # noqa: PLW0406 - as which other processes know these functions

    fleet.main(sys.argv[1:])
