"""A fleet to scan: real streams, edits, containers of them, broken ones, and what is none, so many as one likes.

for name, data in objects(2000, streams): ...
"""

from __future__ import annotations

import gzip
import io
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from migstream.fleet.dataset import Dataset, Writer
from migstream.fleet.engines import Engine
from migstream.fleet.listing import listed
from migstream.fleet.run import Counts, run
from migstream.fleet.scan import Questions
from migstream.fleet.schema import TABLES
from migstream.source.libvirt import MAGIC
from migstream.source.zstd import zstd
from support import qcow2

__all__ = [
    "KINDS",
    "WHEN",
    "WORKER",
    "children",
    "objects",
    "peak",
    "saved_in",
    "scanned",
    "sorted_rows",
]

WORKER = 200 << 20  # bytes of memory that a process which scans may take
WHEN = datetime(2026, 11, 28, 12, tzinfo=UTC)
DEFAULT = Questions()
SMALL = 256 << 10  # bytes of a stream that a qcow2 image of clusters of 512 is made of


def _libvirt(data: bytes, _: Random) -> bytes:
    xml = b"<domain type='kvm'><name>guest-%d</name><uuid>5e5d0d5e-0000-4000-8000-%012d</uuid></domain>\0"
    text = xml % (len(data), len(data))
    return MAGIC + struct.pack("<5I", 2, len(text), 1, 0, 0) + bytes(56) + text + data


def _flipped(data: bytes, chance: Random) -> bytes:
    """An edit, or damage: some bytes are others."""
    out = bytearray(data)
    for _ in range(3):
        out[chance.randrange(len(out))] ^= 1 << chance.randrange(8)
    return bytes(out)


KINDS: dict[str, Callable[[bytes, Random], bytes]] = {
    "copy": lambda data, _: data,
    "edit": _flipped,
    "gz": lambda data, _: gzip.compress(data, 1, mtime=0),
    "cut": lambda data, chance: data[: chance.randrange(len(data))],
    "libvirt": _libvirt,
    "zst": lambda data, _: zstd.compress(data, 1),
    "again": lambda data, _: data + bytes(4096),
    "qcow2": lambda data, _: qcow2.made({"night": data}) if len(data) < SMALL else data,
    "text": lambda _, chance: chance.randbytes(3000),
    "copy-2": lambda data, _: data,
}


def objects(count: int, streams: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
    """So many names with their bytes, the same ones each time."""
    kinds = list(KINDS)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        data = streams[number // len(kinds) % len(streams)]
        yield f"{number % 7}/{number:05}.{kind}", KINDS[kind](data, Random(number))  # noqa: S311


def saved_in(folder: Path, count: int, streams: Sequence[bytes]) -> Path:
    """So many objects as files of a folder."""
    for name, data in objects(count, streams):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def scanned(
    folder: Path,
    names: Sequence[str],
    engine: Engine,
    questions: Questions = DEFAULT,
    **more: Any,
) -> Counts:
    """Scan into a fleet; all rows have one time."""
    dataset = Dataset.make(folder)
    with dataset.locked(), Writer(dataset, f"{WHEN:%Y-%m-%d}") as keep:
        try:
            return run(
                listed(names, io.BytesIO()),
                engine,
                keep,
                dataset.known(),
                questions=questions,
                time=WHEN,
                **more,
            )
        finally:
            engine.close()


def children(of: int = os.getpid()) -> list[int]:
    """Processes that scan, started by this one."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == of and b"migstream.fleet.child" in (path / "cmdline").read_bytes():
                found.append(int(path.name))
    return found


def peak(process: int) -> int:
    """The most bytes of memory that a process has had; 0 where it has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) << 10
    return 0


def sorted_rows(folder: Path) -> dict[str, bytes]:
    """Each table's rows in one order, as the bytes of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    dataset = Dataset.open(folder)
    found = {}
    for table in TABLES:
        parts = [pq.ParquetFile(path).read() for path in dataset.files(table)]
        if parts:
            whole = pa.concat_tables(parts)
            order = [(n, "ascending") for n in whole.column_names if n != "capabilities"]
            out = io.BytesIO()
            pq.write_table(whole.sort_by(order), out)
            found[table] = out.getvalue()
    return found
