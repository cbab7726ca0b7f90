"""Numbers of a device's own among what it saves: of channels on s390x, of registers and host bridges on pseries.

References
----------
QEMU, hw/s390x/css.c: vmstate_subch_dev; hw/ppc/spapr_iommu.c: spapr_tce_table_realize; hw/ppc/spapr_vio.c;
hw/ppc/spapr_pci.c: spapr_phb_realize
"""

from __future__ import annotations

import re
from functools import partial

import msgspec

from migstream.catalogue.arguments import Part
from migstream.catalogue.changes import Machine
from migstream.catalogue.model import CHANNEL, NUMBER, PLACE, Added, Placed, State

__all__ = [
    "HOST_BRIDGE",
    "bridge_number",
    "bridge_path",
    "put",
    "with_number",
]

HOST_BRIDGE = "spapr-pci-host-bridge"
FIRST_BRIDGE = 0x800000020000000  # hw/ppc/spapr.c: SPAPR_PCI_BASE_BUID
TABLE = "spapr_iommu"
WINDOW = 0xFF
# A device on the VIO bus is called by its register, which it holds as well, and before its interrupt, which has its number
# (hw/ppc/spapr_vio.c: vmstate_spapr_vio, spapr_vio_reg_to_irq).
REGISTER = re.compile(r"@(71[0-9a-f]{6})$")
HELD = re.compile(rb"\x71\0\0.(\0\0\x11.)?", re.DOTALL)


def bridge_number(part: Part) -> int:
    """Which host bridge it is."""
    text = part.properties.get("index", "0")
    return int(text) & WINDOW if text.isdecimal() else 0


def bridge_path(number: int) -> str:
    """What paths of devices on it begin with."""
    return f"pci@{FIRST_BRIDGE + number:x}"


def put(machine: Machine, added: Added, part: Part, path: str) -> None:
    """A device's sections, at its place; those of a pseries with numbers of their own."""
    known = next((one.instance >> 8 & WINDOW for one in added.sections if one.name == TABLE), 0)
    bridge = part.driver == HOST_BRIDGE
    moves = [(FIRST_BRIDGE + known, FIRST_BRIDGE + bridge_number(part), 8)] if bridge else []
    for one in added.sections:
        name, moved = one.name.replace(PLACE, path), _with_instance(one, part, path)
        machine.place(moved, name)
        register, key = REGISTER.search(path), (name, moved.instance)
        state = machine.sections.get(key)
        if register is not None and state is not None:
            raw = HELD.sub(partial(_held, bytes.fromhex(register[1])), state.payload, count=1)
            machine.sections[key] = msgspec.structs.replace(state, payload=raw)
        numbers = [(one.instance, moved.instance, 4)] if moved.instance != one.instance else []
        for old, new, size in moves + numbers:
            state = machine.sections.get(key)
            if state is not None:
                raw = state.payload.replace(old.to_bytes(size, "big"), new.to_bytes(size, "big"), 1)
                machine.sections[key] = msgspec.structs.replace(state, payload=raw)


def _held(register: bytes, found: re.Match[bytes]) -> bytes:
    return register + (found[1][:-1] + register[-1:] if found[1] else b"")


def _with_instance(one: Placed, part: Part, path: str) -> Placed:
    """A table of translations has its device's register, or its host bridge's number, for an instance id."""
    if one.name != TABLE:
        return one
    if part.driver == HOST_BRIDGE:
        instance = 1 << 31 | bridge_number(part) << 8 | one.instance & WINDOW
    else:
        instance = int(path.partition("@")[2] or "0", 16)
    return msgspec.structs.replace(one, instance=instance)


def with_number(state: State, path: str) -> State:
    """A device of a channel holds its own number."""
    own = bytes.fromhex(path.rpartition(".")[2])
    head = state.payload[:CHANNEL].replace(bytes.fromhex(NUMBER), own)
    return msgspec.structs.replace(state, payload=head + state.payload[CHANNEL:])
