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
from migstream.catalogue.changes import Key, Machine
from migstream.catalogue.interrupts import Interrupts
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
TABLE, BRIDGE = "spapr_iommu", "spapr_pci"
# What a host bridge's section ends with: its lines' interrupts, and how many devices have MSI (include/hw/ppc/spapr_irq.h).
FIRST_LINE, LINES, MSI_COUNT = 0x1200, 4, 4
WINDOW = 0xFF
# A device on the VIO bus is called by its register, which it holds as well, and before its interrupt, which has its number
# (hw/ppc/spapr_vio.c: vmstate_spapr_vio, spapr_vio_reg_to_irq).
REGISTER = re.compile(r"@(71[0-9a-f]{6})$")
HELD = re.compile(rb"\x71\0\0.(\0\0[\x10\x11].)?", re.DOTALL)


def bridge_number(part: Part) -> int:
    """Which host bridge it is."""
    text = part.properties.get("index", "0")
    return int(text) & WINDOW if text.isdecimal() else 0


def bridge_path(number: int) -> str:
    """What paths of devices on it begin with."""
    return f"pci@{FIRST_BRIDGE + number:x}"


def put(machine: Machine, added: Added, part: Part, path: str, interrupts: Interrupts) -> list[Key]:
    """A device's sections, at its place, those of a pseries with numbers of their own; what they are called then."""
    keys = []
    known = next((one.instance >> 8 & WINDOW for one in added.sections if one.name == TABLE), 0)
    bridge = part.driver == HOST_BRIDGE
    moves = [(FIRST_BRIDGE + known, FIRST_BRIDGE + bridge_number(part), 8)] if bridge else []
    for one in added.sections:
        name, moved = one.name.replace(PLACE, path), _with_instance(one, part, path)
        key, register = machine.place(moved, name), REGISTER.search(path)
        keys.append(key)
        state = machine.sections.get(key)
        if register is not None and state is not None:
            number = bytes.fromhex(register[1])
            raw = HELD.sub(partial(_held, number, interrupts), state.payload, count=1)
            machine.sections[key] = msgspec.structs.replace(state, payload=raw)
        numbers = [(one.instance, moved.instance, 4)] if moved.instance != one.instance else []
        for old, new, size in moves + numbers:
            state = machine.sections.get(key)
            if state is not None:
                raw = state.payload.replace(old.to_bytes(size, "big"), new.to_bytes(size, "big"), 1)
                machine.sections[key] = msgspec.structs.replace(state, payload=raw)
        if name == BRIDGE:
            _bridge(machine, key, bridge_number(part), interrupts)
    return keys


def _bridge(machine: Machine, key: tuple[str, int], number: int, interrupts: Interrupts) -> None:
    """A host bridge as the machine's own, which in older machine types has more fields, with its numbers."""
    first = machine.sections.get((BRIDGE, 0))
    if first is None or key not in machine.sections:
        return
    head = (FIRST_BRIDGE + number).to_bytes(8, "big")
    lines = [
        interrupts.take() if interrupts.given else FIRST_LINE + number * LINES + line
        for line in range(LINES)
    ]
    rest = len(first.payload) - LINES * 4 - MSI_COUNT
    raw = head + first.payload[len(head) : rest] + b"".join(n.to_bytes(4, "big") for n in lines)
    payload = raw + first.payload[len(raw) :]
    machine.sections[key] = msgspec.structs.replace(first, payload=payload)


def _held(register: bytes, interrupts: Interrupts, found: re.Match[bytes]) -> bytes:
    if not found[1]:
        return register
    own = found[1][:-1] + register[-1:]
    return register + (interrupts.take().to_bytes(4, "big") if interrupts.given else own)


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
