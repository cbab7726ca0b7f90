"""The list of an ARM CPU's registers, changed by two things at once: what each adds and takes away is done to it.

References
----------
QEMU, target/arm/machine.c: vmstate_arm_cpu, cpu_post_load; target/arm/helper.c: init_cpreg_list (sorted by index)
"""

from __future__ import annotations

import json

from migstream.catalogue.arrays import Field, described, fields
from migstream.catalogue.model import State
from migstream.names import encoded

__all__ = ["has_list", "merged", "scaled"]

COUNT, INDEXES, VALUES = (
    (f"cpreg_vmstate_{name}", "0") for name in ("array_len", "indexes", "values")
)
EACH = 8


def has_list(state: State) -> bool:
    """Whether it is of an ARM CPU."""
    return encoded(INDEXES[0]) in state.text


def merged(here: State, before: State, after: State) -> State:
    """What becomes of a CPU by the change from one state to another; registers that it had more, or less, it keeps so."""
    mine, old, new = (_registers(state) for state in (here, before, after))
    found = {index: value for index, value in new.items() if index in mine or index not in old}
    found |= {index: value for index, value in mine.items() if index not in old}
    table = described(after)
    if table is None or not new:
        return after
    places = dict(fields(table))
    order = sorted(found, key=_number)
    parts = {
        COUNT: len(order).to_bytes(4, "big"),
        INDEXES: b"".join(order),
        VALUES: b"".join(found[index] for index in order),
    }
    out, at = b"", 0
    for path, raw in parts.items():
        field = places[path]
        out += after.payload[at : field.at] + raw
        at = field.stop
        if path != COUNT:
            field.entry["array_len"] = len(order)
    return State(after.version, out + after.payload[at:], encoded(json.dumps(table)[1:]))


def scaled(here: State, one: State, two: State, count: int) -> State:
    """A CPU of several: registers that count them, which differ in states with one CPU and with two (`L2CTLR`)."""
    old, new = _registers(one), _registers(two)
    more = {index: _number(new[index]) - _number(old[index]) for index in old.keys() & new.keys()}
    table = described(here)
    places = dict(fields(table)) if table is not None else {}
    if not {INDEXES, VALUES} <= places.keys():
        return here
    field = places[VALUES]
    values = _elements(here, field)
    for number, index in enumerate(_elements(here, places[INDEXES])):
        if more.get(index):
            value = _number(old[index]) + more[index] * (count - 1)
            values[number] = (value % (1 << 8 * EACH)).to_bytes(EACH, "big")
    payload = here.payload[: field.at] + b"".join(values) + here.payload[field.stop :]
    return State(here.version, payload, here.text)


def _number(raw: bytes) -> int:
    return int.from_bytes(raw, "big")


def _registers(state: State) -> dict[bytes, bytes]:
    table = described(state)
    places = dict(fields(table)) if table is not None else {}
    if not {COUNT, INDEXES, VALUES} <= places.keys():
        return {}
    return dict(zip(*(_elements(state, places[path]) for path in (INDEXES, VALUES)), strict=False))


def _elements(state: State, field: Field) -> list[bytes]:
    raw = state.payload[field.at : field.stop]
    return [raw[at : at + EACH] for at in range(0, len(raw), EACH)]
