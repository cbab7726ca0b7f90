"""The configuration space of a PCI device register by register, its capabilities, and MSI-X.

References: PCI Local Bus Specification 3.0, 6; PCI Express Base Specification, 7; QEMU, hw/pci/pci.c,
msi.c, msix.c.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from migstream.vmstate.layout import Node
from migstream.vmstate.meaning import pci, pci_ids
from migstream.vmstate.meaning.parts import Inside, Parts, Unclear, fields, size_of
from migstream.vmstate.meaning.pci import (
    BRIDGE,
    CONVENTIONAL,
    EXPRESS_SPACE,
    HEADER_KIND,
    HEADER_TYPE,
    VENDOR,
    capabilities,
    extended,
    msix_size,
)
from migstream.vmstate.meaning.pci_registers import (
    CAPABILITIES,
    CHIPSETS,
    EXPRESS_SIZES,
    EXTENDED,
    RESERVED_FOR_BRIDGE,
    SHPC,
    VIRTIO_WINDOW,
    Registers,
)

__all__ = ["config", "msix", "shpc"]

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
_VECTOR = fields(
    ("address_low", "le32", 4),
    ("address_high", "le32", 4),
    ("data", "le32", 4),
    ("control", "le32", 4),
)
MSI_64BIT, MSI_MASKING = 0x80, 0x100
LENGTH, KIND = 2, 3  # in a vendor's capability; an express one's version is where the length is


def config(raw: memoryview, inside: Inside) -> list[Node]:
    """`pci config`: the header, then each capability up to the next, then what the chip has of its own."""
    if len(raw) not in {CONVENTIONAL, EXPRESS_SPACE}:
        raise Unclear
    out = Parts(raw)
    header = _BRIDGE if raw[HEADER_TYPE] & HEADER_KIND == BRIDGE else _DEVICE
    out.nodes.extend(header)
    out.at = size_of(header)
    ordinary, more = dict(capabilities(raw)), dict(extended(raw))
    shared = inside.vmsd == "ide" and _vendor_id(raw) != pci_ids.INTEL
    own = {} if shared else CHIPSETS.get(inside.vmsd, {})
    for at, stop in pairwise([*sorted({*ordinary, *more}), len(raw)]):
        _own(out, own, at)
        if at in ordinary:
            _capability(out, ordinary[at], min(stop, CONVENTIONAL) - at)
        else:
            name, registers = EXTENDED.get(more[at], (f"extended_{more[at]:04x}", ()))
            _registers(out, f"{name}_{at:03x}", (("header", "le32", 4), *registers), stop - at)
    _own(out, own, len(raw))
    return out.done()


def _vendor_id(raw: memoryview) -> int:
    return int.from_bytes(raw[VENDOR : VENDOR + 2], "little")


def _own(out: Parts, own: Mapping[int, Registers], stop: int) -> None:
    """What a device has outside of capabilities: registers that are known, and the space between them."""
    for at, registers in sorted(own.items()):
        known = fields(*registers)
        if out.at <= at and at + size_of(known) <= stop:
            out.add(f"space_{out.at:02x}", "buffer", at - out.at)
            for one in known:
                out.add(one.name, one.type, one.size, one.count or 1)
    out.add(f"space_{out.at:02x}", "buffer", stop - out.at)


def _capability(out: Parts, kind: int, room: int) -> None:
    here = out.raw[out.at : out.at + room]
    name, registers = CAPABILITIES.get(kind, (f"cap_{kind:02x}", ()))
    size: int | None = None if registers else room
    match kind:
        case pci.MSI:
            registers += _msi(here)
        case pci.VENDOR_CAP if room > LENGTH:
            registers += _vendor(out.raw, here)
            size = here[LENGTH]
        case pci.EXPRESS if room > LENGTH:
            room = min(room, EXPRESS_SIZES.get(here[LENGTH] & 0xF, room))
    head = (("id", "uint8", 1), ("next", "uint8", 1))
    _registers(out, f"{name}_{out.at:02x}", (*head, *registers), room, size)


def _registers(
    out: Parts, name: str, registers: Registers, room: int, size: int | None = None
) -> None:
    """A struct of as many registers as there is room for; of `size` bytes, where that is known."""
    known = fields(*registers)
    most = room if size is None else min(size, room)
    inner = tuple(one for one in known if one.offset + one.size <= most)
    out.with_rest(name, inner or known[:1], max(size_of(inner), 0 if size is None else most))


def _msi(here: memoryview) -> Registers:
    """What follows the address (hw/pci/msi.c: msi_cap_sizeof)."""
    control = int.from_bytes(here[2:4], "little")
    high: Registers = (("address_high", "le32", 4),) if control & MSI_64BIT else ()
    masks: Registers = (
        (("reserved", "le16", 2), ("mask", "le32", 4), ("pending", "le32", 4))
        if control & MSI_MASKING
        else ()
    )
    return (*high, ("data", "le16", 2), *masks)


def _vendor(raw: memoryview, here: memoryview) -> Registers:
    """What follows length and kind, where a vendor's capability is one of virtio's or of QEMU's bridges."""
    kind = here[KIND] if len(here) > KIND else None
    match _vendor_id(raw), kind:
        case (pci_ids.QUMRANET, 2):  # VIRTIO_PCI_CAP_NOTIFY_CFG
            return (*VIRTIO_WINDOW, ("notify_off_multiplier", "le32", 4))
        case (pci_ids.QUMRANET, 5):  # VIRTIO_PCI_CAP_PCI_CFG
            return (*VIRTIO_WINDOW, ("pci_cfg_data", "le32", 4))
        case (pci_ids.QUMRANET, 8):  # VIRTIO_PCI_CAP_SHARED_MEMORY_CFG
            return (*VIRTIO_WINDOW, ("offset_high", "le32", 4), ("size_high", "le32", 4))
        case (pci_ids.QUMRANET, _):
            return VIRTIO_WINDOW
        case (pci_ids.REDHAT, 1):  # REDHAT_PCI_CAP_RESOURCE_RESERVE
            return RESERVED_FOR_BRIDGE
        case _:
            return ()


def msix(raw: memoryview, _: Inside) -> list[Node]:
    """`msix state`: the vectors as the guest sees them, and which are pending."""
    vectors = len(raw) * 8 // 129
    if not vectors or msix_size(vectors) != len(raw):
        raise Unclear
    out = Parts(raw)
    out.struct("table", _VECTOR, vectors)
    out.add("pending", "buffer", out.left)
    return out.done()


def shpc(raw: memoryview, _: Inside) -> list[Node]:
    """`shpc`: the working registers of a hot-plug controller, one for each slot (hw/pci/shpc.c: shpc_save)."""
    out = Parts(raw)
    for one in fields(*SHPC):
        out.add(one.name, one.type, one.size)
    if out.left % 4:
        raise Unclear("a slot has 4 bytes")
    out.add("slot", "le32", out.left, out.left // 4)
    return out.done()
