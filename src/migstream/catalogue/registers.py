"""Numbers of a device's own among what it saves: of channels on s390x, of registers and host bridges on pseries.

References
----------
QEMU, hw/s390x/css.c: vmstate_subch_dev; hw/ppc/spapr_iommu.c: spapr_tce_table_realize; hw/ppc/spapr_vio.c;
hw/ppc/spapr_pci.c: spapr_phb_realize
"""

from __future__ import annotations

import msgspec

from migstream.catalogue.arguments import Part
from migstream.catalogue.model import CHANNEL, NUMBER, Placed, State

__all__ = ["HOST_BRIDGE", "bridge_number", "bridge_path", "with_instance", "with_number"]

HOST_BRIDGE = "spapr-pci-host-bridge"
FIRST_BRIDGE = 0x800000020000000  # hw/ppc/spapr.c: SPAPR_PCI_BASE_BUID
TABLE = "spapr_iommu"
WINDOW = 0xFF


def bridge_number(part: Part) -> int:
    """Which host bridge it is."""
    text = part.properties.get("index", "0")
    return int(text) & WINDOW if text.isdecimal() else 0


def bridge_path(number: int) -> str:
    """What paths of devices on it begin with."""
    return f"pci@{FIRST_BRIDGE + number:x}"


def with_instance(one: Placed, part: Part, path: str) -> Placed:
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
