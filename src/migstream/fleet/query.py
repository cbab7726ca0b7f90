"""A fleet asked in SQL: DuckDB over its tables, locked up with them.

Who asks may read the tables and nothing else: no file, no address, no setting, no extension, no variable of Python.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from migstream.catalogue.shelf import on_shelf, release_named
from migstream.errors import SourceError
from migstream.fleet.dataset import Dataset, arrow
from migstream.fleet.questions import METRICS, Question
from migstream.fleet.schema import TABLES
from migstream.names import csv_line

__all__ = ["Fleet", "csv_text", "metrics", "moment"]

LOCKED = {
    "enable_external_access": False,
    "autoload_known_extensions": False,
    "autoinstall_known_extensions": False,
    "allow_community_extensions": False,
    "allow_unsigned_extensions": False,
    "python_enable_replacements": False,
}
# `streams` and the others have what was found last of each object that is not gone; `history` has all scans of all.
VIEWS = {"history": "all_streams"} | {
    name: f"all_{name} semi join latest using (scan)" for name in TABLES
}
LATEST = """create temp table latest as select arg_max(scan, (time, scan)) as scan from all_streams group by object
having arg_max(state, (time, scan)) <> 'gone'"""
GIVEN = {"to": "a release (--to 11.1)", "since": "a time behind it (yesterday, 7d, 2026-11-27)"}
SOME = 4096  # rows that are fetched at once


class Fleet:
    """A dataset that answers; use it as a context.

    Raises
    ------
    SourceError : DuckDB or PyArrow is not installed
    """

    def __init__(self, dataset: Dataset) -> None:
        try:
            import duckdb
        except ImportError:
            raise SourceError(
                "a fleet is asked with DuckDB, which is not installed",
                hint="pip install 'migstream[fleet]'",
            ) from None
        self._duckdb: Any = duckdb
        self._asked = self._duckdb.connect(":memory:", config=LOCKED)
        pa = arrow()
        parts = dataset.parts()
        for table in TABLES:
            schema = dataset.schema(table)
            files = [
                str(p) for p in (dataset.folder / table / part for part in parts) if p.exists()
            ]
            found = (
                pa.dataset.dataset(files, schema=schema, format="parquet")
                if files
                else schema.empty_table()
            )
            self._asked.register(f"all_{table}", found)
        self._asked.execute("set timezone = 'UTC'")
        self._asked.execute(LATEST)
        for name, sql in VIEWS.items():
            self._asked.execute(f"create view {name} as from {sql}")
        self._asked.execute("set lock_configuration = true")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._asked.close()

    def ask(self, sql: str, given: Mapping[str, Any] | None = None) -> Any:
        """The answer to one SELECT, as a table of PyArrow's.

        Parameters
        ----------
        given : what `$name` stands for in it

        Raises
        ------
        ValueError : it is no SQL, none of these tables, or does something else than to select
        """
        try:
            statements = self._asked.extract_statements(sql)
            if len(statements) != 1 or statements[0].type != self._duckdb.StatementType.SELECT:
                raise ValueError("a fleet is asked with one SELECT")
            wanted = statements[0].named_parameters
            values = {name: value for name, value in (given or {}).items() if name in wanted}
            return self._asked.sql(sql, params=values).to_arrow_table()
        except self._duckdb.Error as error:
            raise ValueError(str(error)) from None

    def answer(self, question: Question, given: Mapping[str, Any]) -> Any:
        """The answer to one of `QUESTIONS`.

        Raises
        ------
        ValueError : what it needs was not given, or was never found out
        """
        missing = [name for name in question.needs if given.get(name) is None]
        if missing:
            raise ValueError(f"this question needs {' and '.join(GIVEN[one] for one in missing)}")
        if question.asked is not None:
            sql, otherwise = question.asked
            if not self.ask(sql, given)[0][0].as_py():
                raise ValueError(otherwise)
        if "$has" in question.sql:
            given = {**given, "has": _machines(given["to"], given.get("catalogue"))}
        return self.ask(question.sql, given)


def _machines(release: str, folder: str | None) -> list[str]:
    """Machine types that a release has, as far as there are catalogues of it."""
    named = release_named(release, folder)
    found: set[str] = set()
    for one in on_shelf(folder):
        if named in (one.index.release[:2], *one.index.names):
            found.update(one.index.machines)
    return sorted(found)


def moment(text: str, now: datetime | None = None) -> datetime:
    """A time as people say it: `yesterday`, `today`, `7d`, `12h`, `2026-11-27`, `2026-11-27T12:00`; in UTC.

    Raises
    ------
    ValueError : it is none
    """
    now = datetime.now(UTC) if now is None else now
    days = {"today": 0, "yesterday": 1}
    if text in days:
        return now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days[text])
    ago = re.fullmatch(r"(\d{1,6})([dh])", text)
    if ago is not None:
        return now - timedelta(**{"days" if ago[2] == "d" else "hours": int(ago[1])})
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no time, such as yesterday, 7d or 2026-11-27") from None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def csv_text(table: Any) -> Iterator[str]:
    """A table as CSV, a line each; texts in a list with spaces between."""
    yield csv_line(table.column_names)
    for batch in table.to_batches(SOME):
        for row in batch.to_pylist():
            cells = (" ".join(map(str, c)) if isinstance(c, list) else c for c in row.values())
            yield csv_line(cells)


# --- Prometheus ----------------------------------------------------------------------------------------


def metrics(fleet: Fleet) -> Iterator[str]:
    """Lines of a text file for Prometheus' node exporter."""
    for name, metric in METRICS.items():
        table = fleet.ask(metric.sql)
        yield f"# HELP {name} {metric.help}"
        yield f"# TYPE {name} gauge"
        for row in table.to_pylist():
            value = row.pop("value")
            labels = ",".join(f'{label}="{_label(text)}"' for label, text in row.items())
            yield f"{name}{{{labels}}} {value}" if labels else f"{name} {value}"


def _label(text: object) -> str:
    return str(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
