"""States of which several fields have an element for each CPU: they grow where the description says that they do.

References
----------
QEMU, migration/vmstate.c: vmstate_save_state_v (arrays of one element have no length, those whose elements differ an
entry for each), vmsd_desc_field_start; vmstate_subsection_save
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from migstream.catalogue.model import State
from migstream.names import encoded

__all__ = ["HEADER", "Field", "described", "fields", "grown", "other_elements"]

HEADER = 6  # bytes of a subsection beside its name: what it is, how long the name is, the version
Path = tuple[str, ...]


class Field(NamedTuple):
    """A field of a state: its elements, bytes of each, where its bytes are, the entry that describes it among others."""

    elements: int
    size: int
    at: int
    entry: dict[str, Any]
    entries: list[dict[str, Any]]

    @property
    def stop(self) -> int:
        return self.at + self.elements * self.size


def grown(here: State, one: State, two: State, count: int) -> State | None:
    """A state with elements for `count` CPUs where it has them for one; None where it is not told how.

    Parameters
    ----------
    one, two : states with one CPU, and with two
    """
    tables = [described(state) for state in (here, one, two)]
    if any(table is None for table in tables):
        return None
    mine, old, new = (dict(fields(table or {})) for table in tables)
    if not old.keys() <= new.keys() or not old.keys() <= mine.keys():
        return None
    if any(new[path].size != field.size for path, field in old.items()):
        return here  # what is of another length is no array: a device tree, that nobody compares
    out, at = bytearray(), 0
    for path, field in mine.items():
        out += here.payload[at : field.at]
        own = here.payload[field.at : field.stop]
        at = field.stop
        less, more = old.get(path), new.get(path)
        if less is None or more is None:
            out += own
            continue
        alike = field.size == less.size
        before, after = one.payload[less.at : less.stop], two.payload[more.at : more.stop]
        each, added = more.elements - less.elements, _next(path, old, new)
        if each > 0:
            field.entry["array_len"] = field.elements + each * (count - 1)
            own += (after[less.elements * less.size :] if alike else own * each) * (count - 1)
        elif alike and before != after:
            counted = (_number(before), _number(after)) == (1, 2)
            own = count.to_bytes(len(after), "big") if counted else after
        out += own
        if added is not None:
            like = added if alike else field
            raw = two.payload[added.at : added.stop] if alike else own
            out += _entries(field, like, raw, count)
    text = encoded(json.dumps(tables[0])[1:])
    return State(here.version, bytes(out + here.payload[at:]), text)


def other_elements(here: State, one: State, two: State) -> bool:
    """Whether what has an entry for each CPU is laid out otherwise here than in the states with one, and with two."""
    if here.text == one.text:
        return False
    mine, old, new = (dict(fields(described(state) or {})) for state in (here, one, two))
    return any(
        path in mine
        and mine[path].size != field.size
        and (_next(path, old, new) is not None or new[path].elements > field.elements)
        for path, field in old.items()
        if path in new
    )


def _next(path: Path, old: Mapping[Path, Field], new: Mapping[Path, Field]) -> Field | None:
    """The field of the same name behind one, where it came with a second CPU."""
    behind = (*path[:-1], str(int(path[-1]) + 1))
    return None if behind in old else new.get(behind)


def _entries(field: Field, like: Field, raw: bytes, count: int) -> bytes:
    """Elements that have an entry each, behind the first one."""
    place = next(n for n, entry in enumerate(field.entries) if entry is field.entry) + 1
    field.entries[place:place] = [like.entry | {"index": n} for n in range(1, count)]
    return raw * (count - 1)


def _number(raw: bytes) -> int:
    return int.from_bytes(raw, "big")


def described(state: State) -> dict[str, Any] | None:
    """What the description says of it, as a table; None where that is none."""
    try:
        table = json.loads(b"{" + state.text)
    except ValueError:
        return None
    return table if isinstance(table, dict) else None


def fields(table: dict[str, Any]) -> Iterator[tuple[Path, Field]]:
    """Its fields in the order in which they are saved, those of subsections behind its own."""
    yield from _walk(table, (), [0])


def _walk(table: dict[str, Any], path: Path, at: list[int]) -> Iterator[tuple[Path, Field]]:
    seen: dict[str, int] = {}
    entries: list[dict[str, Any]] = table.get("fields", [])
    for entry in entries:
        name = str(entry.get("name", ""))
        number = seen[name] = seen.get(name, -1) + 1
        elements, size = int(entry.get("array_len", 1)), int(entry.get("size", 0))
        field = Field(elements, size, at[0], entry, entries)
        yield (*path, name, str(number)), field
        at[0] = field.stop
    for part in table.get("subsections", ()):
        name = str(part.get("vmsd_name", ""))
        at[0] += HEADER + len(name)
        yield from _walk(part, (*path, name), at)
