"""What QEMU compares of a PCI device's configuration space when it loads one.

A byte counts where the device's check mask has bits that neither guest nor hardware may change:
ids, class, header type, the list of capabilities, and of a capability what its code did not make
writable. QEMU, hw/pci/pci.c: get_pci_config_device, pci_init_cmask, pci_add_capability; the
capabilities in hw/pci/msi.c, msix.c, pcie.c, pcie_aer.c, slotid_cap.c, hw/virtio/virtio-pci.c.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from migstream.vmstate.meaning.pci import (
    ACS,
    AER,
    AF,
    ARI,
    ATS,
    BRIDGE,
    CAP_LIST,
    CAPABILITIES,
    CONVENTIONAL,
    EXPRESS,
    EXTENDED,
    FIRST_CAPABILITY,
    HEADER_KIND,
    HEADER_TYPE,
    MSI,
    MSIX,
    PASID,
    PM,
    SERIAL,
    SRIOV,
    STATUS,
    SUBSYSTEM,
    VENDOR_CAP,
    capabilities,
    extended,
)

__all__ = ["Mismatch", "first_mismatch"]

VIRTIO_PCI_CFG = 5  # the vendor capability through which a guest reads BARs: it may write into it

# Bytes of a register and the mask of what counts in each, by offset.
Bits = tuple[tuple[int, int], ...]


def _all(*places: int | range) -> Bits:
    """Bytes of which everything counts."""
    return tuple((at, 0xFF) for one in places for at in (one if isinstance(one, range) else [one]))


# What every header has, and that of a bridge (hw/pci/pci.c: pci_init_cmask, pci_init_mask_bridge).
HEADER: Bits = (
    *_all(range(4)),
    (STATUS, CAP_LIST),
    *_all(range(8, 12), HEADER_TYPE, CAPABILITIES),
)
BRIDGE_WINDOWS: Bits = ((0x1C, 0x0F), (0x1D, 0x0F), (0x24, 0x0F), (0x26, 0x0F))
# A BAR is compared with all bits that are not writable; of those, only its type is known from a
# register after reset, and that it has one (hw/pci/pci.c: pci_register_bar).
FIRST_BAR, BARS = 0x10, {0: 6, BRIDGE: 2}
BAR_IO, BAR_64 = 0x01, 0x04
BAR_TYPE = {True: 0x03, False: 0x0F}

# By capability, offsets behind id and next that no guest can change, with their masks.
BY_CAPABILITY: dict[int, Bits] = {
    PM: (*_all(2, 3), (4, 0x08)),
    MSI: ((2, 0x8E), (3, 0xFF)),
    # flags, device and link capabilities
    EXPRESS: _all(range(2, 8), range(0x0C, 0x10)),
    SUBSYSTEM: _all(range(4, 8)),
    MSIX: ((2, 0xFF), (3, 0x3F), *_all(range(4, 12))),
    AF: _all(2, 3),
}
# Version 2 of the express capability has slot, and more device and link capabilities; and a link speed.
EXPRESS_2: Bits = (
    *_all(range(0x14, 0x18), range(0x24, 0x28), range(0x2C, 0x30)),
    (0x30, 0x0F),
)
EXPRESS_VERSION = 2, 0x0F  # offset and mask of the version

# The same of extended capabilities (hw/pci/pcie.c, pcie_aer.c, pcie_sriov.c).
BY_EXTENDED: dict[int, Bits] = {
    AER: ((0x18, 0xA0), (0x19, 0x02)),
    SERIAL: _all(range(4, 12)),
    ACS: _all(4, 5),
    ARI: _all(range(4, 6)),
    ATS: _all(4, 5),
    SRIOV: _all(range(4, 8), range(0x0C, 0x10), range(0x14, 0x18), range(0x1A, 0x20)),
    PASID: _all(4, 5),
}
# Bits that QEMU 8.0 began to mask by itself, writable there and nowhere else (x-pcie-err-unc-mask):
# a destination without them refuses a stream with them, the reverse is taken.
AER_MASK_OFFSET, AER_MASKED = 8, 0x02400000


class Mismatch(NamedTuple):
    """Byte `at` of the space: what the stream has, what the device has, and the bits that count."""

    at: int
    read: int
    device: int
    mask: int

    @property
    def masks(self) -> tuple[int, int]:
        """The device's own check mask and write mask of the byte, as far as they follow from the bits."""
        if self.at < FIRST_CAPABILITY and not FIRST_BAR <= self.at < FIRST_BAR + 4 * BARS[0]:
            return self.mask, 0
        return 0xFF, 0xFF & ~self.mask


def first_mismatch(ours: bytes, theirs: bytes) -> Mismatch | None:
    """The first byte that QEMU would refuse; None where it takes the space."""
    checked: dict[int, int] = {**dict(HEADER), **_header(theirs)}
    for at, kind in capabilities(theirs):
        _check(checked, at, kind, theirs)
    if len(theirs) > EXTENDED:
        checked.update(dict(_all(range(EXTENDED, EXTENDED + 4))))  # even where nothing is there
    for at, kind in extended(theirs):
        checked.update(dict(_all(range(at, at + 4))))
        checked.update({at + offset: mask for offset, mask in BY_EXTENDED.get(kind, ())})
    found = [
        Mismatch(at, ours[at], theirs[at], mask)
        for at, mask in checked.items()
        if at < min(len(ours), len(theirs)) and (ours[at] ^ theirs[at]) & mask
    ]
    found += _errors_masked(ours, theirs)
    return min(found, default=None)


def _header(space: bytes) -> dict[int, int]:
    """Types of BARs, and of a bridge's windows."""
    kind = space[HEADER_TYPE] & HEADER_KIND if len(space) > HEADER_TYPE else 0
    found = dict(BRIDGE_WINDOWS) if kind == BRIDGE else {}
    bars = iter(range(FIRST_BAR, FIRST_BAR + 4 * BARS.get(kind, 0), 4))
    for at in bars:
        low = space[at] if at < len(space) else 0
        mask = BAR_TYPE[bool(low & BAR_IO)]
        # all zero: a BAR of 32 bits, or none at all
        if low & mask:
            found[at] = mask
        if not low & BAR_IO and low & BAR_64:
            next(bars, None)
    return found


def _check(checked: dict[int, int], at: int, kind: int, space: bytes) -> None:
    """Add what counts of the capability at `at`."""
    checked[at] = checked[at + 1] = 0xFF
    more = BY_CAPABILITY.get(kind, ())
    if kind == VENDOR_CAP:
        length = space[at + 2]
        size = 4 if at + 3 < len(space) and space[at + 3] == VIRTIO_PCI_CFG else length
        more = _all(range(2, size))
    version, bits = EXPRESS_VERSION
    if kind == EXPRESS and at + version < len(space) and space[at + version] & bits > 1:
        more += EXPRESS_2
    for offset, mask in more:
        if at + offset < CONVENTIONAL:
            checked[at + offset] = mask


def _errors_masked(ours: bytes, theirs: bytes) -> Iterator[Mismatch]:
    """The one register whose writable bits have a history."""
    for at, kind in extended(theirs):
        for offset in range(4) if kind == AER else ():
            place = at + AER_MASK_OFFSET + offset
            mask = AER_MASKED >> 8 * offset & 0xFF
            if place < min(len(ours), len(theirs)) and ours[place] & ~theirs[place] & mask:
                yield Mismatch(place, ours[place], theirs[place], mask)
