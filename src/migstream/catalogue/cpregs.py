"""The list of an ARM CPU's registers, changed by two things at once: what each adds and takes away is done to it.

References
----------
QEMU, target/arm/machine.c: vmstate_arm_cpu, cpu_post_load; target/arm/helper.c: init_cpreg_list (sorted by index);
target/arm/cortex-regs.c: l2ctlr_read; target/arm/cpu.c: arm_cpu_realizefn (core_count)
"""

from __future__ import annotations

import json

from migstream.catalogue.arrays import Field, described, fields
from migstream.catalogue.model import State
from migstream.names import encoded
from migstream.qemu.release import Version

__all__ = ["has_list", "merged", "scaled"]

COUNT, INDEXES, VALUES = (
    (f"cpreg_vmstate_{name}", "0") for name in ("array_len", "indexes", "values")
)
EACH = 8
FIELD, MASK = 4, 0xF  # bits of a field of a register that tells of features
# L2CTLR, and the same of a CPU with 64 bits: how many CPUs there are beside this one (target/arm: l2ctlr_read).
WIDE = bytes.fromhex("603000000013cd82")
COUNTING = frozenset((bytes.fromhex("40200000200f480a"), WIDE))
COUNT_SHIFT = 24
# With 64 bits it has two for the number, which since this release is no larger than they say.
MOST, NO_MORE_SINCE = 3, (8, 1)


def has_list(state: State) -> bool:
    """Whether it is of an ARM CPU."""
    return encoded(INDEXES[0]) in state.text


def merged(here: State, before: State, after: State) -> State:
    """What becomes of a CPU by the change from one state to another; registers that it had more, or less, it keeps so."""
    mine, old, new = (_registers(state) for state in (here, before, after))
    found = {index: value for index, value in new.items() if index not in old}
    for index, value in mine.items():
        if index in new:
            found[index] = _fields(value, old.get(index, new[index]), new[index])
        elif index not in old:
            found[index] = value
    # where only registers change, all else is as it is here
    base = here if _rest(before) == _rest(after) else after
    table = described(base)
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
        out += base.payload[at : field.at] + raw
        at = field.stop
        if path != COUNT:
            field.entry["array_len"] = len(order)
    return State(base.version, out + base.payload[at:], encoded(json.dumps(table)[1:]))


def scaled(here: State, own: State, count: int, release: Version) -> State:
    """A CPU of several: registers that count them.

    Parameters
    ----------
    own : the CPU as it is alone
    release : which QEMU it is
    """
    table, alone = described(here), _registers(own)
    places = dict(fields(table)) if table is not None else {}
    if not {INDEXES, VALUES} <= places.keys():
        return here
    others = count - 1
    if WIDE in alone and release >= NO_MORE_SINCE:
        others = min(others, MOST)
    field = places[VALUES]
    values = _elements(here, field)
    for number, index in enumerate(_elements(here, places[INDEXES])):
        if index in COUNTING and index in alone:
            value = _number(alone[index]) + (others << COUNT_SHIFT)
            values[number] = value.to_bytes(EACH, "big")
    payload = here.payload[: field.at] + b"".join(values) + here.payload[field.stop :]
    return State(here.version, payload, here.text)


def _fields(here: bytes, before: bytes, after: bytes) -> bytes:
    """A register's value with those of its fields of four bits that differ between two others."""
    own, old, new = map(_number, (here, before, after))
    for shift in range(0, EACH * 8, FIELD):
        if (old ^ new) >> shift & MASK:
            own = own & ~(MASK << shift) | new & MASK << shift
    return own.to_bytes(EACH, "big")


def _number(raw: bytes) -> int:
    return int.from_bytes(raw, "big")


def _rest(state: State) -> bytes:
    """What it holds beside the list."""
    table = described(state)
    places = dict(fields(table)) if table is not None else {}
    out, at = b"", 0
    for field in (places[path] for path in (COUNT, INDEXES, VALUES) if path in places):
        out += state.payload[at : field.at]
        at = field.stop
    return out + state.payload[at:]


def _registers(state: State) -> dict[bytes, bytes]:
    table = described(state)
    places = dict(fields(table)) if table is not None else {}
    if not {COUNT, INDEXES, VALUES} <= places.keys():
        return {}
    return dict(zip(*(_elements(state, places[path]) for path in (INDEXES, VALUES)), strict=False))


def _elements(state: State, field: Field) -> list[bytes]:
    raw = state.payload[field.at : field.stop]
    return [raw[at : at + EACH] for at in range(0, len(raw), EACH)]
