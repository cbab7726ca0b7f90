"""Loads that real QEMUs tried: streams, the destinations they were given to, and what became of them.

The collection is ``loads`` in the folder of the larger one (`support.samples`); its README says what a row has.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from migstream.analysis.compat.destination import Destination
from migstream.analysis.schema import Schema, open_schema
from migstream.stream import Stream, open_stream
from support import samples

Row = dict[str, Any]

LOADS = samples.SHARED / "loads"
# What a refused load's words are about, in the kinds of `compat`.
REASONS = (
    ("Bad config data", {"pci"}),
    ("section or instance", {"section"}),
    ("Size mismatch", {"ram"}),
    ("Unknown ramblock", {"ram"}),
    ("section type", {"framing"}),
    ("vring.num", {"virtqueue"}),
    ("incoming version_id", {"version"}),
    ("device 'cpu'", {"registers", "cpu"}),
)


def _rows() -> list[Row]:
    path = LOADS / "loads.json"
    rows: list[Row] = json.loads(path.read_text()) if path.exists() else []
    return rows


ROWS = _rows()
REFUSED = [row for row in ROWS if not row["accepted"]]
needs_loads = pytest.mark.skipif(not ROWS, reason="the collection of loads is not here")


@cache
def saved(name: str) -> Stream:
    """A stream of the collection, open."""
    # bytes in memory: many streams stay open
    return open_stream(samples._content(LOADS / "streams" / f"{name}.zst", None))


@cache
def declared(name: str) -> Schema:
    """A schema of the collection."""
    return open_schema(LOADS / f"{name}.zst")


def destination(row: Row, *, schema: bool = True, stream: bool = True) -> Destination:
    """What is known of a row's destination, or some of it."""
    return Destination(
        declared(row["destination_schema"]) if schema else None,
        saved(row["destination_stream"]) if stream else None,
    )


def reasons(row: Row) -> set[str]:
    """Kinds of problems that a refused row's words can be about."""
    return next(kinds for words, kinds in REASONS if words in row["said"])
