"""PCI: where registers of a configuration space stand, and the walk through the capabilities.

References: PCI Local Bus Specification 3.0, 6; PCI Express Base Specification, 7; QEMU, hw/pci/pci.c,
msix.c.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import islice

from migstream.vmstate.values import Value

__all__ = [
    "capabilities",
    "config_space",
    "extended",
    "msix_size",
    "msix_vectors",
]

# Registers of every header.
VENDOR, DEVICE, COMMAND, STATUS, CLASS, HEADER_TYPE, CAPABILITIES = 0, 2, 4, 6, 9, 0x0E, 0x34
HEADER_SIZE = 0x40
CAP_LIST = 0x10  # of the status register: there are capabilities
NORMAL, BRIDGE = 0, 1
HEADER_KIND, MULTI_FUNCTION = 0x7F, 0x80
# What a device may have behind them. Sizes of the space: hw/pci/pci.c: pci_config_size.
FIRST_CAPABILITY, LAST_CAPABILITY, EXTENDED = 0x40, 0xFE, 0x100
CONVENTIONAL, EXPRESS_SPACE = 256, 4096
VECTOR = 16  # bytes of an MSI-X table's entry

PM, MSI, VENDOR_CAP, SUBSYSTEM, EXPRESS, MSIX, AF = 0x01, 0x05, 0x09, 0x0D, 0x10, 0x11, 0x13
AER, SERIAL, ACS, ARI, ATS, SRIOV, PASID = 0x01, 0x03, 0x0D, 0x0E, 0x0F, 0x10, 0x1B

# How deep a PCIDevice lies in a device's state: a PCIe port is three bases below its own section.
DEPTH = 6
LONGEST_SEARCH = 8


def capabilities(space: bytes | memoryview) -> Iterator[tuple[int, int]]:
    """Offset and id of the ordinary capabilities in the order of their list, each once."""
    if len(space) < CONVENTIONAL or not space[STATUS] & CAP_LIST:
        return
    seen: set[int] = set()
    at = space[CAPABILITIES] & 0xFC
    while FIRST_CAPABILITY <= at <= LAST_CAPABILITY and at not in seen:
        seen.add(at)
        yield at, space[at]
        at = space[at + 1] & 0xFC


def extended(space: bytes | memoryview) -> Iterator[tuple[int, int]]:
    """Offset and id of the extended capabilities, each once; a space of 256 bytes has none."""
    seen: set[int] = set()
    at = EXTENDED
    while EXTENDED <= at <= len(space) - 4 and at not in seen:
        seen.add(at)
        [head] = struct.unpack_from("<I", space, at)
        if head in {0, 0xFFFFFFFF}:
            return
        yield at, head & 0xFFFF
        at = head >> 20 & 0xFFC


def msix_vectors(space: bytes | memoryview) -> int | None:
    """How many MSI-X vectors a device has, None where it has no such capability."""
    for at, kind in capabilities(space):
        if kind == MSIX:
            return int.from_bytes(space[at + 2 : at + 4], "little") % 0x800 + 1
    return None


def msix_size(vectors: int) -> int:
    """Bytes of MSI-X state (hw/pci/msix.c: msix_save): the table, a bit for each vector."""
    return VECTOR * vectors + (vectors + 7) // 8


def config_space(value: Value, depth: int = DEPTH) -> Value | None:
    """The configuration space in a device's state: the `pci config` of its innermost base.

    A virtio device has it at the start of its own blob (hw/virtio/virtio-pci.c:
    virtio_pci_save_config).
    """
    for one in islice(value.children, LONGEST_SEARCH):
        if one.type == "pci config":
            return one
        inside = one.kind == "struct" and one.count is None
        if depth > 1 and (inside or one.type == "virtio"):
            found = config_space(one, depth - 1 if inside else 1)
            if found is not None:
                return found
    return None
