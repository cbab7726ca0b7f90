"""A fleet on the disk: a Parquet dataset for each table, of whole files only.

    fleet/fleet.json                                       format, number of shards
    fleet/TABLE/day=2026-11-28/shard=03/PART.parquet

A day is the one on which a run began, a shard some of the objects. The files of one PART are written together, the one
of `streams` last: a part counts once that has its name, so that what a run was ended in is either there or not. A file
that was made of others (`compact`) says which, and those count no more.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import time as clock
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import Any, Self

import msgspec
import numpy as np
from msgspec.structs import fields

from migstream.errors import SourceError, Unsupported
from migstream.fleet.known import Known, key_of
from migstream.fleet.scan import Scan
from migstream.fleet.schema import FORMAT, GONE, TABLES, Key, Row, columns
from migstream.source.output import new_file

__all__ = ["COMPACTED", "FIRST", "REPLACES", "Dataset", "Writer", "arrow", "write"]

ABOUT = "fleet.json"
SECRET = "names.key"  # noqa: S105 - a file's name
SHARDS = 8
TOGETHER = 256  # objects whose rows become columns together
MOST = 64 << 20  # bytes of columns that are in memory
EVERY = 60.0  # seconds after which what there is is written
FIRST = "streams"
REPLACES = b"migstream.replaces"
COMPACTED = "c"  # how the name of a part begins that was made of others


def arrow() -> Any:
    """PyArrow, with its Parquet and its datasets.

    Raises
    ------
    SourceError : it is not installed
    """
    try:
        import pyarrow as pa
        import pyarrow.compute
        import pyarrow.dataset
        import pyarrow.parquet
    except ImportError:
        raise SourceError(
            "a fleet's tables need PyArrow, which is not installed",
            hint="pip install 'migstream[fleet]'",
        ) from None
    return pa


class About(msgspec.Struct, frozen=True, kw_only=True, tag="fleet", tag_field="migstream"):
    """What a dataset says of itself."""

    format: int = FORMAT
    shards: int = SHARDS
    redacted: bool = False


class Dataset:
    """A folder that holds a fleet."""

    def __init__(self, folder: str | os.PathLike[str], about: About) -> None:
        self.folder = Path(folder)
        self.about = about

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Dataset:
        """One that is there.

        Raises
        ------
        SourceError : it is none
        Unsupported : it is of a newer migstream
        """
        path = Path(folder) / ABOUT
        try:
            about = msgspec.json.decode(path.read_bytes(), type=About)
        except (OSError, msgspec.MsgspecError):
            raise SourceError(
                f"{folder}: no fleet", hint="`migstream fleet scan … -o FOLDER` makes one"
            ) from None
        if about.format > FORMAT:
            raise Unsupported(
                f"{folder}: tables of format {about.format}, the newest known is {FORMAT}"
            )
        return cls(folder, about)

    @classmethod
    def make(cls, folder: str | os.PathLike[str], *, redacted: bool = False) -> Dataset:
        """One that is there, or a new one.

        Raises
        ------
        SourceError : something else is there, or names are in one and are to be left out of the other
        """
        path = Path(folder)
        if (
            path.exists()
            and not (path / ABOUT).exists()
            and (not path.is_dir() or any(path.iterdir()))
        ):
            raise SourceError(
                f"{folder} is there already, and no fleet", hint="choose another folder"
            )
        if not (path / ABOUT).exists():
            path.mkdir(parents=True, exist_ok=True)
            if redacted:
                with new_file(path / SECRET) as fd:
                    os.write(fd, secrets.token_bytes(32))
            with new_file(path / ABOUT) as fd:
                os.write(fd, msgspec.json.encode(About(redacted=redacted)) + b"\n")
        one = cls.open(folder)
        if one.about.redacted != redacted:
            said = "without names" if one.about.redacted else "with names"
            raise SourceError(
                f"{folder}: a fleet {said}",
                hint="give it as it was begun, or choose another folder",
            )
        return one

    @property
    def secret(self) -> bytes:
        """What objects' numbers are made with where names are left out; empty where they are not."""
        if not self.about.redacted:
            return b""
        try:
            return (self.folder / SECRET).read_bytes()
        except OSError:
            raise SourceError(
                f"{self.folder / SECRET} is not there, without which objects are not told from each other",
                hint="begin a new fleet",
            ) from None

    @contextmanager
    def locked(self, *, alone: bool = False) -> Iterator[None]:
        """While this holds, files come (`alone`: and go) by us only.

        Raises
        ------
        SourceError : somebody else is at it
        """
        with (self.folder / ABOUT).open("rb") as file:
            try:
                fcntl.flock(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
            except OSError:
                raise SourceError(
                    f"{self.folder}: in use", hint="wait for the scan, or the compaction"
                ) from None
            yield

    # --- files -----------------------------------------------------------------------------------

    def parts(self) -> list[str]:
        """The parts that count, each as `day=…/shard=…/PART.parquet`, the oldest first."""
        found = {str(path.relative_to(self.folder / FIRST)): path for path in self.written(FIRST)}
        pq = arrow().parquet
        for name, path in list(found.items()):
            if path.name.startswith(COMPACTED):
                said = (pq.read_schema(path).metadata or {}).get(REPLACES, b"[]")
                for old in msgspec.json.decode(said, type=list[str]):
                    found.pop(f"{name.rpartition('/')[0]}/{old}", None)
        return sorted(found)

    def files(self, table: str) -> list[Path]:
        """The files of a table that count."""
        paths = (self.folder / table / part for part in self.parts())
        return [path for path in paths if path.exists()]

    def written(self, table: str) -> Iterator[Path]:
        """All files of a table, whether they count or not."""
        yield from (self.folder / table).glob("day=*/shard=*/*.parquet")

    def known(self) -> Known:
        """Of each object that is not gone the state in which it was scanned last.

        An object's parts are all of one shard.
        """
        found = Known()
        for path in self.files(FIRST):
            with arrow().parquet.ParquetFile(path) as file:
                for batch in file.iter_batches(columns=["object", "mark", "state"]):
                    for digits, mark, state in zip(
                        *(batch[name].to_pylist() for name in ("object", "mark", "state")),
                        strict=True,
                    ):
                        if state == GONE:
                            found.forget(key_of(digits))
                        else:
                            found[key_of(digits)] = mark or 0
        return found

    def objects(self) -> Iterator[tuple[str, str | None]]:
        """Digits and name of each object, as often as it was scanned; no name where names were left out."""
        for path in self.files(FIRST):
            with arrow().parquet.ParquetFile(path) as file:
                for batch in file.iter_batches(columns=["object", "url"]):
                    yield from zip(
                        *(batch[name].to_pylist() for name in ("object", "url")), strict=True
                    )

    # --- schemas -----------------------------------------------------------------------------------

    @staticmethod
    @cache
    def schema(table: str) -> Any:
        """A table's schema."""
        pa = arrow()
        kinds = {
            "string": pa.string(),
            "bool": pa.bool_(),
            "uint64": pa.uint64(),
            "int64": pa.int64(),
            "timestamp": pa.timestamp("us", "UTC"),
            "list": pa.list_(pa.string()),
        }
        return pa.schema([(name, kinds[kind]) for name, kind, _ in columns(table)])


KEYS = tuple(field.name for field in fields(Key))
SHARD = "shard"  # a column, as long as rows are in memory


class Writer:
    """Writes the rows of a run (protocol: run.Keeps); use it as a context.

    Parameters
    ----------
    day : the partition that they go to, `2026-11-28`
    """

    def __init__(self, dataset: Dataset, day: str, *, every: float = EVERY) -> None:
        self._dataset = dataset
        self._day = day
        self._every = every
        self._run = f"{clock.time_ns():016x}{secrets.token_hex(2)}"
        self._number = 0
        self._scans: list[Scan] = []
        self._batches: dict[str, list[Any]] = {table: [] for table in TABLES}
        self._held = 0  # bytes of them
        self._due = clock.monotonic() + every
        self.written = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.flush()

    def add(self, scan: Scan) -> None:
        """Keep rows; they are on the disk a minute later, or at the end.

        Raises
        ------
        SourceError : there is no room
        """
        self._scans.append(scan)
        if len(self._scans) >= TOGETHER:
            self._gather()
        if self._held >= MOST or clock.monotonic() >= self._due:
            self.flush()

    def flush(self) -> None:
        """Write all that there is."""
        self._gather()
        pa = arrow()
        held = {table: pa.Table.from_batches(some) for table, some in self._batches.items() if some}
        self._batches = {table: [] for table in TABLES}
        self._held = 0
        for shard in range(self._dataset.about.shards if held else 0):
            self._write(held, shard)
        pa.default_memory_pool().release_unused()
        self._due = clock.monotonic() + self._every

    def _gather(self) -> None:
        """Make columns of rows, which take a tenth of the memory."""
        scans, self._scans = self._scans, []
        keys = [scan.key for scan in scans]
        shards = [int(key.object, 16) % self._dataset.about.shards for key in keys]
        tables = [scan.tables() for scan in scans]
        for table in TABLES:
            batch = _batch(table, keys, shards, [one[table] for one in tables])
            if batch is not None:
                self._batches[table].append(batch)
                self._held += batch.nbytes

    def _write(self, held: Mapping[str, Any], shard: int) -> None:
        """One part: the file of `streams` last."""
        equal = arrow().compute.equal
        self._number += 1
        name = f"p{self._run}{self._number:06}.parquet"
        for table in (*(one for one in TABLES if one != FIRST), FIRST):
            if table not in held:
                continue
            rows = held[table].filter(equal(held[table][SHARD], shard))
            if len(rows):
                folder = self._dataset.folder / table / f"day={self._day}" / f"shard={shard:02}"
                schema = self._dataset.schema(table)
                self.written += write(folder, name, schema, [rows.drop_columns([SHARD])])


def _batch(
    table: str, keys: Sequence[Key], shards: Sequence[int], rows: Sequence[Sequence[Row]]
) -> Any:
    """A table's rows of some objects as columns, and one of their shards; None where there is no row.

    It is what a run does most of: a column of rows is made at once, and what all rows of an object begin with is
    made once for each object.
    """
    pa = arrow()
    schema = Dataset.schema(table)
    of = np.repeat(np.arange(len(rows)), [len(some) for some in rows])
    if not len(of):
        return None
    begun, rest = list(schema)[: len(KEYS)], list(schema)[len(KEYS) :]
    first = zip(begun, zip(*map(attrgetter(*KEYS), keys), strict=True), strict=True)
    told = attrgetter(*(field.name for field in rest))
    columns = zip(rest, zip(*map(told, chain.from_iterable(rows)), strict=True), strict=True)
    arrays = [
        *(pa.array(values, field.type).take(of) for field, values in first),
        *(pa.array(values, field.type) for field, values in columns),
        pa.array(shards, pa.uint16()).take(of),
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema.append(pa.field(SHARD, pa.uint16())))


def write(
    folder: Path,
    name: str,
    schema: Any,
    tables: Iterable[Any],
    metadata: dict[bytes, bytes] | None = None,
) -> int:
    """Write a whole file; how many bytes it has.

    Raises
    ------
    SourceError : it cannot be written; nothing is left behind
    """
    pa = arrow()
    folder.mkdir(parents=True, exist_ok=True)
    with new_file(folder / name) as fd, os.fdopen(os.dup(fd), "wb") as file:
        schema = schema.with_metadata(metadata)
        with pa.parquet.ParquetWriter(file, schema, compression="zstd") as out:
            for table in tables:
                out.write_table(table.cast(schema))
        file.flush()
        return os.fstat(fd).st_size
