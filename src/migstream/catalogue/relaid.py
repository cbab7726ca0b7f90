"""A change that gives a state other fields, made in one that is laid out otherwise already: field by field."""

from __future__ import annotations

import json
from typing import Any

from migstream.catalogue.arrays import Field, described, fields
from migstream.catalogue.model import State
from migstream.names import encoded

__all__ = ["relaid"]

Path = tuple[str, ...]


def relaid(here: State, before: State, after: State) -> State | None:
    """What becomes of a state by the change from one to another; None where the change is not one of its own fields."""
    tables = [described(state) for state in (here, before, after)]
    if any(table is None for table in tables):
        return None
    mine, old, new = (_own(table or {}) for table in tables)
    gone, come = old.keys() - new.keys(), [path for path in new if path not in old]
    other = {path for path in old.keys() & new.keys() if _length(old[path]) != _length(new[path])}
    if not (gone & mine.keys() or come or other) or not mine or any(path in mine for path in come):
        return None
    if any(path in mine and _length(mine[path]) != _length(old[path]) for path in other):
        return None
    if before.payload[_end(old) :] != after.payload[_end(new) :]:  # subsections came or went
        return None
    entries = next(iter(mine.values())).entries
    order: list[tuple[Path, bytes, dict[str, Any]]] = []
    for path, field in mine.items():
        if path not in gone:
            raw = here.payload[field.at : field.stop]
            if path in other:
                raw = after.payload[new[path].at : new[path].stop]
                order.append((path, raw, new[path].entry))
                continue
            if path in new and raw == before.payload[old[path].at : old[path].stop]:
                raw = after.payload[new[path].at : new[path].stop]
            order.append((path, raw, field.entry))
    previous: Path | None = None
    for path, field in new.items():
        if path in come:
            at = next((n + 1 for n, one in enumerate(order) if one[0] == previous), 0)
            order.insert(at, (path, after.payload[field.at : field.stop], field.entry))
        previous = path
    rest = here.payload[_end(mine) :]
    entries[:] = [entry for _, _, entry in order]
    text = encoded(json.dumps(tables[0])[1:])
    return State(here.version, b"".join(raw for _, raw, _ in order) + rest, text)


def _own(table: dict[str, Any]) -> dict[Path, Field]:
    """Its fields, without those of subsections."""
    return dict(fields({"fields": table.get("fields", [])}))


def _length(field: Field) -> int:
    return field.stop - field.at


def _end(own: dict[Path, Field]) -> int:
    return max((field.stop for field in own.values()), default=0)
