"""PCI: the configuration space of a device register by register, its capabilities, and MSI-X.

References: PCI Local Bus Specification 3.0, 6; PCI Express Base Specification, 7; QEMU, hw/pci/pci.c,
msix.c.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import islice

from migstream.vmstate.layout import Node
from migstream.vmstate.meaning.parts import Inside, Parts, Unclear, fields, size_of
from migstream.vmstate.values import Value

__all__ = [
    "capabilities",
    "config",
    "config_space",
    "extended",
    "msix",
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

PM, MSI, VENDOR_CAP, SUBSYSTEM, EXPRESS, MSIX, AF = 0x01, 0x05, 0x09, 0x0D, 0x10, 0x11, 0x13
AER, SERIAL, ACS, ARI, ATS, SRIOV, PASID = 0x01, 0x03, 0x0D, 0x0E, 0x0F, 0x10, 0x1B

# How deep a PCIDevice lies in a device's state: a PCIe port is three bases below its own section.
DEPTH = 6
LONGEST_SEARCH = 8

_HEAD: tuple[tuple[str, str, int], ...] = (
    ("vendor_id", "le16", 2),
    ("device_id", "le16", 2),
    ("command", "le16", 2),
    ("status", "le16", 2),
    ("revision", "uint8", 1),
    ("prog_if", "uint8", 1),
    ("subclass", "uint8", 1),
    ("class", "uint8", 1),
    ("cache_line_size", "uint8", 1),
    ("latency_timer", "uint8", 1),
    ("header_type", "uint8", 1),
    ("bist", "uint8", 1),
)
_DEVICE = fields(
    *_HEAD,
    ("bar", "le32", 4, 6),
    ("cardbus_cis", "le32", 4),
    ("subsystem_vendor_id", "le16", 2),
    ("subsystem_id", "le16", 2),
    ("rom", "le32", 4),
    ("capabilities", "uint8", 1),
    ("reserved", "buffer", 7),
    ("interrupt_line", "uint8", 1),
    ("interrupt_pin", "uint8", 1),
    ("min_grant", "uint8", 1),
    ("max_latency", "uint8", 1),
)
_BRIDGE = fields(
    *_HEAD,
    ("bar", "le32", 4, 2),
    ("primary_bus", "uint8", 1),
    ("secondary_bus", "uint8", 1),
    ("subordinate_bus", "uint8", 1),
    ("secondary_latency_timer", "uint8", 1),
    ("io_base", "uint8", 1),
    ("io_limit", "uint8", 1),
    ("secondary_status", "le16", 2),
    ("memory_base", "le16", 2),
    ("memory_limit", "le16", 2),
    ("prefetch_base", "le16", 2),
    ("prefetch_limit", "le16", 2),
    ("prefetch_base_upper", "le32", 4),
    ("prefetch_limit_upper", "le32", 4),
    ("io_base_upper", "le16", 2),
    ("io_limit_upper", "le16", 2),
    ("capabilities", "uint8", 1),
    ("reserved", "buffer", 3),
    ("rom", "le32", 4),
    ("interrupt_line", "uint8", 1),
    ("interrupt_pin", "uint8", 1),
    ("bridge_control", "le16", 2),
)
# Capability id: name and the fields after id and next. What is between them and the next is `rest`.
_CAPABILITIES: dict[int, tuple[str, tuple[tuple[str, str, int], ...]]] = {
    PM: (
        "pm",
        (
            ("pmc", "le16", 2),
            ("pmcsr", "le16", 2),
            ("pmcsr_bridge", "uint8", 1),
            ("data", "uint8", 1),
        ),
    ),
    0x02: ("agp", ()),
    0x03: ("vpd", (("address", "le16", 2), ("data", "le32", 4))),
    0x04: ("slot_id", ()),
    MSI: ("msi", (("control", "le16", 2), ("address_low", "le32", 4))),
    0x07: ("pci_x", ()),
    VENDOR_CAP: ("vendor", (("length", "uint8", 1), ("kind", "uint8", 1))),
    0x0C: ("shpc", ()),
    SUBSYSTEM: (
        "subsystem",
        (("reserved", "le16", 2), ("vendor_id", "le16", 2), ("device_id", "le16", 2)),
    ),
    EXPRESS: ("express", (("capabilities", "le16", 2), ("device_capabilities", "le32", 4))),
    MSIX: ("msix", (("control", "le16", 2), ("table", "le32", 4), ("pba", "le32", 4))),
    0x12: ("sata", ()),
    AF: ("af", ()),
}
_EXTENDED = {
    AER: "aer",
    SERIAL: "serial_number",
    0x0B: "vendor_extended",
    ACS: "acs",
    ARI: "ari",
    ATS: "ats",
    SRIOV: "sriov",
    0x13: "pri",
    PASID: "pasid",
    0x23: "dvsec",
    0x2E: "doe",
}
_LINK = fields(("id", "uint8", 1), ("next", "uint8", 1))
_VECTOR = fields(
    ("address_low", "le32", 4),
    ("address_high", "le32", 4),
    ("data", "le32", 4),
    ("control", "le32", 4),
)


# --- the walk ------------------------------------------------------------------------------------


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
    return size_of(_VECTOR) * vectors + (vectors + 7) // 8


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


# --- decoders ------------------------------------------------------------------------------------


def config(raw: memoryview, _: Inside) -> list[Node]:
    """`pci config`: the header, then each capability up to the next."""
    if len(raw) not in {CONVENTIONAL, EXPRESS_SPACE}:
        raise Unclear
    out = Parts(raw)
    header = _BRIDGE if raw[HEADER_TYPE] & HEADER_KIND == BRIDGE else _DEVICE
    out.nodes.extend(header)
    out.at = size_of(header)
    ordinary, more = dict(capabilities(raw)), dict(extended(raw))
    starts = sorted({*ordinary, *more})
    for at, stop in zip(starts, [*starts, len(raw)][1:], strict=True):
        out.add(f"space_{out.at:02x}", "buffer", at - out.at)
        if at in ordinary:
            _capability(out, ordinary[at], min(stop, CONVENTIONAL) - at)
        else:
            name = _EXTENDED.get(more[at], f"extended_{more[at]:04x}")
            out.with_rest(f"{name}_{at:03x}", fields(("header", "le32", 4)), stop - at)
    out.add(f"space_{out.at:02x}", "buffer", out.left)
    return out.done()


def _capability(out: Parts, kind: int, size: int) -> None:
    name, body = _CAPABILITIES.get(kind, (f"cap_{kind:02x}", ()))
    inner = fields(("id", "uint8", 1), ("next", "uint8", 1), *body)
    out.with_rest(f"{name}_{out.at:02x}", inner if size_of(inner) <= size else _LINK, size)


def msix(raw: memoryview, _: Inside) -> list[Node]:
    """`msix state`: the vectors as the guest sees them, and which are pending."""
    vectors = len(raw) * 8 // 129
    if not vectors or msix_size(vectors) != len(raw):
        raise Unclear
    out = Parts(raw)
    out.struct("table", _VECTOR, vectors)
    out.add("pending", "buffer", out.left)
    return out.done()
