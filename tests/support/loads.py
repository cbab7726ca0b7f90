"""Loads that real QEMUs tried: streams, the destinations they were given to, and what became of them.

The collections are ``loads`` and ``loads-kvm`` in the folder of the larger one (`support.samples`); their READMEs say
what a row has.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from migstream.analysis.compat.destination import Destination
from migstream.stream import Stream, open_stream
from migstream.vmstate.schema import Schema, open_schema
from support import samples

Row = dict[str, Any]

LOADS, LOADS_KVM = samples.SHARED / "loads", samples.SHARED / "loads-kvm"
# What a refused load's words are about, in the kinds of `compat`.
REASONS = (
    ("Bad config data", {"pci"}),
    ("section or instance", {"section"}),
    ("Size mismatch", {"ram"}),
    ("Unknown ramblock", {"ram"}),
    ("section type", {"framing", "configuration"}),
    ("vring.num", {"virtqueue"}),
    ("incoming version_id", {"version"}),
    ("load of migration failed: No such file", {"subsection"}),
    ("device 'cpu'", {"registers", "cpu"}),
    ("MIG_CMD", {"command"}),
    ("unsupported version", {"version"}),
    ("Failed to load pckbd:kbd", {"subsection"}),
    ("Missing section footer", {"fields"}),
    ("vga_update_memory_access: Assertion", {"value"}),
    ("' changed from ", {"value"}),
    ("Machine type received", {"configuration"}),
    ("Configuration section missing", {"configuration"}),
    ("non-migratable", {"section"}),
    ("Assertion `first_elem || !n_elems || !size'", {"subsection"}),
    ("Assertion", {"value"}),
    ("exit -11", {"value"}),  # no words: a segmentation fault
)


def _rows(folder: Path) -> list[Row]:
    """Rows of a collection; `folder` in each is where its files are."""
    path = folder / "loads.json"
    rows: list[Row] = json.loads(path.read_text()) if path.exists() else []
    return [row | {"folder": folder} for row in rows]


ROWS, ROWS_KVM = _rows(LOADS), _rows(LOADS_KVM)
REFUSED = [row for row in ROWS if not row["accepted"]]
needs_loads = pytest.mark.skipif(not ROWS, reason="the collection of loads is not here")
needs_loads_kvm = pytest.mark.skipif(
    not ROWS_KVM, reason="the collection of loads with KVM is not here"
)


@cache
def saved(name: str, folder: Path = LOADS) -> Stream:
    """A stream of a collection, open."""
    # bytes in memory: many streams stay open
    return open_stream(samples._content(folder / "streams" / f"{name}.zst", None))


@cache
def declared(name: str, folder: Path = LOADS) -> Schema:
    """A schema of a collection."""
    return open_schema(folder / f"{name}.zst")


def source(row: Row) -> Stream:
    """The stream of a row."""
    return saved(row["stream"], row["folder"])


def destination(row: Row, *, schema: bool = True, stream: bool = True) -> Destination:
    """What is known of a row's destination, or some of it."""
    return Destination(
        declared(row["destination_schema"], row["folder"]) if schema else None,
        saved(row["destination_stream"], row["folder"]) if stream else None,
    )


def reasons(row: Row) -> set[str]:
    """Kinds of problems that a refused row's words can be about."""
    return next(kinds for words, kinds in REASONS if words in row["said"])
