"""Vendor and device ids of QEMU's PCI devices, and whether a device's state has its own.

QEMU compares these registers with those of its own device of that name and refuses the stream
where they differ (hw/pci/pci.c: get_pci_config_device; pci_init_cmask names the registers).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from migstream.errors import BadSection, ParseError
from migstream.vmstate.meaning.pci import (
    BRIDGE,
    DEVICE,
    HEADER_SIZE,
    HEADER_TYPE,
    MULTI_FUNCTION,
    NORMAL,
    VENDOR,
    config_space,
)
from migstream.vmstate.values import Value

__all__ = ["IDS", "wrong_identity"]

NO_DEVICE = 0xFFFF

Ids = Mapping[int, tuple[int, ...]]

AMD, APPLE, INTEL, LSI, REDHAT, VIA = 0x1022, 0x106B, 0x8086, 0x1000, 0x1B36, 0x1106
QUMRANET, VMWARE = 0x1AF4, 0x15AD
VIRTIO_MODERN = 0x1040


def _virtio(number: int, *transitional: int) -> Ids:
    """The ids of a virtio device: 0x1040 and its number, and an older one for some.

    References
    ----------
    QEMU, hw/virtio/virtio-pci.c: virtio_pci_device_plugged; include/hw/pci/pci.h
    """
    return {QUMRANET: (*transitional, VIRTIO_MODERN + number)}


# Vendor and device ids of QEMU's devices by the name of their VMState: every device that uses it.
# Devices whose ids an option or the host can change are left out (vfio-pci, the ICH9 LPC bridge,
# nvme, xen-pvdevice). QEMU, each device's class_init; include/hw/pci/pci_ids.h, pci.h.
IDS: Mapping[str, Ids] = {
    # host and ISA bridges, power management
    "I440FX": {INTEL: (0x1237,)},
    "mch": {INTEL: (0x29C0,)},
    "gpex_root": {REDHAT: (0x0008,)},
    "raven": {0x1057: (0x4801,)},
    "PIIX3": {INTEL: (0x7000,)},
    "PIIX4": {INTEL: (0x7110,)},
    "piix4_pm": {INTEL: (0x7113,)},
    "ich9_smb": {INTEL: (0x2930,)},
    "pci-i82378": {INTEL: (0x0484,)},
    "via-isa": {VIA: (0x0686, 0x8231)},
    "vt82c686b_pm": {VIA: (0x3057, 0x8235)},
    "macio-oldworld": {APPLE: (0x0010,)},
    "macio-newworld": {APPLE: (0x0022,)},
    # bridges and ports
    "pcie-root-port": {REDHAT: (0x000C,)},
    "pcie-pci-bridge": {REDHAT: (0x000E,)},
    "ioh-3240-express-root-port": {INTEL: (0x3420,)},
    "i82801b11_bridge": {INTEL: (0x244E,)},
    "xio3130-express-upstream-port": {0x104C: (0x8232,)},
    "xio3130-express-downstream-port": {0x104C: (0x8233,)},
    # disks
    "ide": {INTEL: (0x7010, 0x7111), 0x1095: (0x0646, 0x3112), VIA: (0x0571,)},
    "ich9_ahci": {INTEL: (0x2922,)},
    "lsiscsi": {LSI: (0x0001, 0x0012)},
    "megasas": {LSI: (0x0060,)},
    "megasas-gen2": {LSI: (0x0079,)},
    "mptsas": {LSI: (0x0054,)},
    "pciespscsi": {AMD: (0x2020,)},
    # networks
    "e1000": {INTEL: (0x100C, 0x100E, 0x100F)},
    "e1000e": {INTEL: (0x10D3,)},
    "rtl8139": {0x10EC: (0x8139,)},
    "ne2000": {0x10EC: (0x8029,)},
    "pcnet": {AMD: (0x2000,)},
    "vmxnet3": {VMWARE: (0x07B0,)},
    "tulip": {0x1011: (0x0019,)},
    "sungem": {APPLE: (0x0021,)},
    "sunhme": {0x108E: (0x1001,)},
    # displays and sound
    "vga": {0x1234: (0x1111,)},
    "bochs-display": {0x1234: (0x1111,)},
    "cirrus_vga": {0x1013: (0x00B8,)},
    "qxl": {REDHAT: (0x0100,)},
    "vmware_vga": {VMWARE: (0x0405,)},
    "ac97": {INTEL: (0x2415,)},
    "es1370": {0x1274: (0x5000,)},
    "intel-hda": {INTEL: (0x2668, 0x293E)},
    # USB
    "uhci": {
        INTEL: (0x2934, 0x2935, 0x2936, 0x2937, 0x2938, 0x2939, 0x7020, 0x7112),
        VIA: (0x3038,),
    },
    "ohci": {APPLE: (0x003F,)},
    "ehci": {INTEL: (0x24CD, 0x293A, 0x293C)},
    "xhci": {0x1033: (0x0194,), REDHAT: (0x000D,)},
    # others
    "pci-serial": {REDHAT: (0x0002,)},
    "pci-serial-multi": {REDHAT: (0x0003, 0x0004)},
    "i6300esb_wdt": {INTEL: (0x25AB,)},
    "tpci200": {0x1498: (0x30C8,)},
    "pvpanic-pci": {REDHAT: (0x0011,)},
    "acpi-erst": {REDHAT: (0x0012,)},
    "ivshmem-plain": {QUMRANET: (0x1110,)},
    "ivshmem-doorbell": {QUMRANET: (0x1110,)},
    # virtio; a Mac's virtual machine has a disk of Apple's (hw/vmapple/virtio-blk.c)
    "virtio-net": _virtio(1, 0x1000),
    "virtio-blk": {**_virtio(2, 0x1001), APPLE: (0x1A00,)},
    "virtio-console": _virtio(3, 0x1003),
    "virtio-rng": _virtio(4, 0x1005),
    "virtio-balloon": _virtio(5, 0x1002),
    "virtio-scsi": _virtio(8, 0x1004),
    "virtio-9p": _virtio(9, 0x1009),
    "virtio-gpu": _virtio(16),
    "virtio-input": _virtio(18),
    "virtio-crypto": _virtio(20),
    "virtio-iommu": _virtio(23),
}


def wrong_identity(device: Value) -> Iterator[ParseError]:
    """What in a device's configuration space no device of its name has in QEMU."""
    config = config_space(device)
    if config is None or config.span.size < HEADER_SIZE:
        return
    raw = config.raw
    vendor, product = (int.from_bytes(raw[at : at + 2], "little") for at in (VENDOR, DEVICE))
    known = IDS.get(device.type)
    if known is not None and product not in known.get(vendor, ()):
        yield BadSection(
            "the PCI ids are not those of this device",
            at=config.span.start + (DEVICE if vendor in known else VENDOR),
            path=[config.path],
            expected=" or ".join(f"{v:04x}:{p:04x}" for v, of in known.items() for p in of),
            found=f"{vendor:04x}:{product:04x}",
            hint="QEMU compares them with its own device's and refuses the stream",
        )
    elif vendor == NO_DEVICE:
        yield BadSection(
            f"the PCI vendor id is {NO_DEVICE:04x}, which says that there is no device",
            at=config.span.start + VENDOR,
            path=[config.path],
        )
    if raw[HEADER_TYPE] & ~MULTI_FUNCTION not in {NORMAL, BRIDGE}:
        yield BadSection(
            "no device of QEMU has a PCI header of this type",
            at=config.span.start + HEADER_TYPE,
            path=[config.path],
            expected=f"{NORMAL} or {BRIDGE}, with {MULTI_FUNCTION:#x} for several functions",
            found=f"{raw[HEADER_TYPE]:#x}",
        )
