"""Capabilities of a pseries machine: it sends those that are not its machine type's default, which differs among them.

References
----------
QEMU, hw/ppc/spapr_caps.c: SPAPR_CAP_MIG_STATE, default_caps_with_cpu; hw/ppc/spapr.c: spapr_machine_*_class_options (default_caps)
"""

from __future__ import annotations

import json
import re

from migstream.catalogue.arguments import Wanted
from migstream.catalogue.arrays import HEADER, described
from migstream.catalogue.changes import Machine
from migstream.catalogue.model import State
from migstream.names import encoded
from migstream.qemu.release import Version, machine_version

__all__ = ["with_level"]

SECTION = ("spapr", 0)
STEM = "cap-"
COMPATIBILITY = "max-cpu-compat"
# By option: up to which version of the machine type what is the default, and what is a newer one's.
DEFAULTS: dict[str, tuple[Version, str, str]] = {
    "cap-cfpc": ((3, 1), "broken", "workaround"),
    "cap-sbbc": ((3, 1), "broken", "workaround"),
    "cap-ibs": ((3, 1), "broken", "workaround"),
    "cap-large-decr": ((3, 1), "off", "on"),
    "cap-ccf-assist": ((4, 2), "off", "on"),
    "cap-fwnmi": ((4, 2), "off", "on"),
    "cap-dawr1": ((8, 2), "off", "on"),
}
# A machine type that has the newer ones of these, or what is above them.
OTHERWISE = ("-sxxm", ("cap-cfpc", "cap-sbbc", "cap-ibs"))
# By option: which POWER is the first whose default is more than the least, which is not sent of an older one.
FIRST = {"cap-large-decr": 9, "cap-dawr1": 10}
LEAST = "off"
POWER = re.compile(r"power(\d+)", re.IGNORECASE)
LEVELS = {"off": 0, "broken": 0, "on": 1, "workaround": 1}
SUBSECTION, VERSION = 5, 1  # the byte before a subsection's name; of those of capabilities


def with_level(machine: Machine, wanted: Wanted, name: str, value: str) -> bool:
    """Give an older machine type a capability; whether that is all that there is of it.

    Parameters
    ----------
    wanted : the machine type, its CPU
    name, value : the machine's option (`cap-fwnmi`, `off`)
    """
    kind = wanted.machine or ""
    cpus = POWER.findall(f"{wanted.cpu} {wanted.options.get(COMPATIBILITY)}")
    if value == LEAST and any(int(number) < FIRST.get(name, 0) for number in cpus):
        return True
    last, default, newer = DEFAULTS.get(name, ((), "", ""))
    _, version = machine_version(kind)
    if kind.endswith(OTHERWISE[0]) and name in OTHERWISE[1]:
        return False
    if version is None or version > last:
        return False
    state = machine.sections.get(SECTION)
    if value == newer and state is not None:
        machine.sections[SECTION] = _with(state, name, LEVELS[value])
    return value in (default, newer)


def _with(state: State, name: str, level: int) -> State:
    table = described(state)
    if table is None:
        return state
    what = f"spapr/cap/{name.removeprefix(STEM).replace('-', '_')}"
    entry = {"name": "caps", "type": "uint8", "size": 1}
    part = {"vmsd_name": what, "version": VERSION, "fields": [entry]}
    table.setdefault("subsections", []).append(part)
    head = bytes((SUBSECTION, len(what))) + what.encode()
    raw = head + VERSION.to_bytes(HEADER - 2, "big") + bytes((level,))
    return State(state.version, state.payload + raw, encoded(json.dumps(table)[1:]))
