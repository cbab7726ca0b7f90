"""Few large files of many small ones: of each day and shard one part, a file of each table.

The new part says of which ones it was made (`dataset.REPLACES`), so that from the moment in which its file of `streams`
has its name the old ones count no more, whether they are still there or not. What a run that was ended left without a
file of `streams` goes as well.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from migstream.fleet.dataset import COMPACTED, FIRST, REPLACES, Dataset, arrow, write
from migstream.fleet.schema import TABLES

__all__ = ["Compacted", "compact"]


class Compacted(msgspec.Struct, frozen=True, kw_only=True):
    """How many files and bytes there were, and are."""

    files_before: int
    bytes_before: int
    files: int
    bytes: int


def compact(dataset: Dataset) -> Compacted:
    """Compact a dataset that nobody else writes to.

    Raises
    ------
    SourceError : somebody does, or there is no room; nothing is lost
    """
    with dataset.locked(alone=True):
        before = _sizes(dataset)
        for place, names in _places(dataset).items():
            if len(names) > 1:
                _join(dataset, place, names)
        _sweep(dataset)
        after = _sizes(dataset)
    return Compacted(
        files_before=len(before), bytes_before=sum(before), files=len(after), bytes=sum(after)
    )


def _places(dataset: Dataset) -> dict[str, list[str]]:
    """By day and shard, the parts that count."""
    found: dict[str, list[str]] = {}
    for part in dataset.parts():
        place, _, name = part.rpartition("/")
        found.setdefault(place, []).append(name)
    return found


def _join(dataset: Dataset, place: str, names: list[str]) -> None:
    name = f"{COMPACTED}{time.time_ns():016x}{secrets.token_hex(2)}.parquet"
    metadata = {REPLACES: msgspec.json.encode(names)}
    for table in (*(one for one in TABLES if one != FIRST), FIRST):
        folder = dataset.folder / table / place
        paths = [path for one in names if (path := folder / one).exists()]
        if paths:
            write(folder, name, dataset.schema(table), _groups(dataset, table, paths), metadata)


def _groups(dataset: Dataset, table: str, paths: list[Path]) -> Iterator[object]:
    """The rows of some files, so many at a time as were written together."""
    pa = arrow()
    schema = dataset.schema(table)
    for path in paths:
        with pa.parquet.ParquetFile(path) as file:
            for number in range(file.num_row_groups):
                group = file.read_row_group(number)
                columns = [
                    group[field.name].cast(field.type)
                    if field.name in group.column_names
                    else pa.nulls(group.num_rows, field.type)
                    for field in schema
                ]
                yield pa.Table.from_arrays(columns, schema=schema)


def _sweep(dataset: Dataset) -> None:
    """Take away what does not count; of a part the file of `streams` last."""
    parts = set(dataset.parts())
    for table in (*(one for one in TABLES if one != FIRST), FIRST):
        for path in list(dataset.written(table)):
            if str(path.relative_to(dataset.folder / table)) not in parts:
                path.unlink(missing_ok=True)


def _sizes(dataset: Dataset) -> list[int]:
    return [path.stat().st_size for table in TABLES for path in dataset.written(table)]
