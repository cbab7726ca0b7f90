"""What QEMU compares of a PCI device's configuration space when it loads one.

A byte counts where the device's check mask has bits that neither guest nor hardware may change:
ids, class, header type, the list of capabilities, and of a capability what its code did not make
writable. QEMU, hw/pci/pci.c: get_pci_config_device, pci_init_cmask, pci_add_capability; the
capabilities in hw/pci/msi.c, msix.c, pcie.c, pcie_aer.c, slotid_cap.c, hw/virtio/virtio-pci.c.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Mismatch", "first_mismatch"]

STATUS, CAPABILITIES, HEADER_TYPE = 0x06, 0x34, 0x0E
CAP_LIST = 0x10
FIRST_CAPABILITY, EXTENDED, ORDINARY_END = 0x40, 0x100, 0x100
VENDOR_CAP = 0x09
VIRTIO_PCI_CFG = 5  # the vendor capability through which a guest reads BARs: it may write into it

# Offset and mask of what every header has (hw/pci/pci.c: pci_init_cmask).
HEADER: tuple[tuple[int, int], ...] = (
    *((at, 0xFF) for at in range(4)),
    (STATUS, CAP_LIST),
    *((at, 0xFF) for at in range(8, 12)),
    (HEADER_TYPE, 0xFF),
    (CAPABILITIES, 0xFF),
)
# By capability, offsets behind id and next that no guest can change, with their masks.
PM, MSI, EXPRESS, MSIX, SUBSYSTEM, AF = 0x01, 0x05, 0x10, 0x11, 0x0D, 0x13
BY_CAPABILITY: dict[int, tuple[tuple[int, int], ...]] = {
    PM: ((2, 0xFF), (3, 0xFF)),
    MSI: ((2, 0x8E), (3, 0x01)),
    EXPRESS: (*((at, 0xFF) for at in range(2, 8)), (0x0C, 0xFF), (0x0D, 0xFF)),
    SUBSYSTEM: tuple((at, 0xFF) for at in range(4, 8)),
    MSIX: ((2, 0xFF), (3, 0x07), *((at, 0xFF) for at in range(4, 12))),
    AF: ((2, 0xFF), (3, 0xFF)),
}
AER = 0x0001
# Bits that QEMU 8.0 began to mask by itself, writable there and nowhere else (x-pcie-err-unc-mask):
# a destination without them refuses a stream with them, the reverse is taken.
AER_MASK_OFFSET, AER_MASKED = 8, 0x02400000


class Mismatch(NamedTuple):
    """Byte `at` of the space: what the stream has, what the device has, and the bits that count."""

    at: int
    read: int
    device: int
    mask: int


def first_mismatch(ours: bytes, theirs: bytes) -> Mismatch | None:
    """The first byte that QEMU would refuse; None where it takes the space."""
    checked: dict[int, int] = dict(HEADER)
    for at, kind in _capabilities(theirs):
        _check(checked, at, kind, theirs)
    found = [
        Mismatch(at, ours[at], theirs[at], mask)
        for at, mask in checked.items()
        if at < min(len(ours), len(theirs)) and (ours[at] ^ theirs[at]) & mask
    ]
    found += _extended(ours, theirs)
    return min(found, default=None)


def _check(checked: dict[int, int], at: int, kind: int, space: bytes) -> None:
    """Add what counts of the capability at `at`."""
    checked[at] = checked[at + 1] = 0xFF
    more = BY_CAPABILITY.get(kind, ())
    if kind == VENDOR_CAP:
        length = space[at + 2]
        size = 4 if at + 3 < len(space) and space[at + 3] == VIRTIO_PCI_CFG else length
        more = tuple((offset, 0xFF) for offset in range(2, size))
    for offset, mask in more:
        if at + offset < ORDINARY_END:
            checked[at + offset] = mask


def _capabilities(space: bytes) -> Iterator[tuple[int, int]]:
    """Offset and id of the ordinary capabilities."""
    if len(space) < ORDINARY_END or not space[STATUS] & CAP_LIST:
        return
    seen: set[int] = set()
    at = space[CAPABILITIES] & 0xFC
    while at >= FIRST_CAPABILITY and at not in seen:
        seen.add(at)
        yield at, space[at]
        at = space[at + 1] & 0xFC


def _extended(ours: bytes, theirs: bytes) -> Iterator[Mismatch]:
    """Headers of the extended capabilities, and the one register of them that has a history."""
    at, seen = EXTENDED, set[int]()
    while at not in seen and at + 4 <= min(len(ours), len(theirs)):
        seen.add(at)
        head = int.from_bytes(theirs[at : at + 4], "little")
        for place in range(at, at + 4):
            if ours[place] != theirs[place]:
                yield Mismatch(place, ours[place], theirs[place], 0xFF)
        if head & 0xFFFF == AER:
            for offset in range(4):
                place = at + AER_MASK_OFFSET + offset
                mask = AER_MASKED >> 8 * offset & 0xFF
                if place < min(len(ours), len(theirs)) and ours[place] & ~theirs[place] & mask:
                    yield Mismatch(place, ours[place], theirs[place], mask)
        at = head >> 20 & 0xFFC
        if at < EXTENDED:
            return
