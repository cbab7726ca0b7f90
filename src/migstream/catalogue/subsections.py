"""A change made in a state that has other subsections: each is changed by itself, and so are the state's own fields.

References
----------
QEMU, migration/vmstate.c: vmstate_subsection_save (they stand behind all of the state's own fields)
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from migstream.catalogue.arrays import HEADER, described, fields
from migstream.catalogue.model import State
from migstream.names import encoded

__all__ = ["apart"]

UNCOMPARED = frozenset({"spapr_dtb"})  # a device tree, as long as it is, that no load looks into
SUBSECTIONS, NAME = "subsections", "vmsd_name"
Change = Callable[[State, State, State], State]


class _Parts(NamedTuple):
    """A state's own fields, its subsections by name, and what describes all of it."""

    own: State
    others: dict[str, State]
    table: dict[str, Any]


def apart(here: State, before: State, after: State, change: Change) -> State | None:
    """What becomes of a state by the change from one to another, part by part; None where that is not told.

    Parameters
    ----------
    change : what becomes of one part, itself where that is not known
    """
    split = [_parts(one) for one in (here, before, after)]
    if any(one is None or not one.others for one in split[1:]) or split[0] is None:
        return None
    mine, old, new = (one for one in split if one is not None)
    own = _changed(mine.own, old.own, new.own, change)
    if own is None:
        return None
    found: dict[str, State] = {}
    for name, state in new.others.items():
        if name in mine.others and name in old.others:
            part = _changed(mine.others[name], old.others[name], state, change)
            if part is None and name in UNCOMPARED:
                part = mine.others[name]
            if part is None:
                return None
            found[name] = part
        elif name in mine.others or name not in old.others:
            found[name] = mine.others.get(name, state)
    found |= {n: one for n, one in mine.others.items() if n not in found and n not in old.others}
    table = mine.table | {"fields": _table(own).get("fields", [])}
    table[SUBSECTIONS] = [_table(one) for one in found.values()]
    if not found:
        del table[SUBSECTIONS]
    payload = own.payload + b"".join(one.payload for one in found.values())
    return State(here.version, payload, encoded(json.dumps(table)[1:]))


def _changed(here: State, before: State, after: State, change: Change) -> State | None:
    if before == after:
        return here
    if here == before:
        return after
    found = change(here, before, after)
    return None if found is here else found


def _table(state: State) -> dict[str, Any]:
    return described(state) or {}


def _parts(state: State) -> _Parts | None:
    """Its parts; None where the description does not account for every byte."""
    table = described(state)
    if table is None:
        return None
    at = _length({"fields": table.get("fields", [])})
    own = {key: value for key, value in table.items() if key != SUBSECTIONS}
    first = State(state.version, state.payload[:at], _text(own))
    others: dict[str, State] = {}
    for one in table.get(SUBSECTIONS, ()):
        name = str(one.get(NAME, ""))
        size = HEADER + len(name) + _length(one)
        others[name] = State(state.version, state.payload[at : at + size], _text(one))
        at += size
    return _Parts(first, others, table) if at == len(state.payload) else None


def _length(table: dict[str, Any]) -> int:
    """Bytes of fields, and of subsections behind them."""
    own = sum(field.stop - field.at for _, field in fields({"fields": table.get("fields", [])}))
    parts = table.get(SUBSECTIONS, ())
    return own + sum(HEADER + len(str(one.get(NAME, ""))) + _length(one) for one in parts)


def _text(table: dict[str, Any]) -> bytes:
    return encoded(json.dumps(table)[1:])
