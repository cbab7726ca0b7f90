"""Vendor and device ids of QEMU's PCI devices, their names, and whether a device's state has its own.

QEMU compares these registers with those of its own device of that name and refuses the stream
where they differ (hw/pci/pci.c: get_pci_config_device; pci_init_cmask names the registers).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

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

__all__ = [
    "IDS",
    "QUMRANET",
    "REDHAT",
    "SUBSYSTEMS",
    "VENDORS",
    "VIRTIO_MODERN",
    "name_of",
    "wrong_identity",
]

NO_DEVICE = 0xFFFF

Ids = Mapping[int, Mapping[int, str]]

AMD, APPLE, INTEL, LSI, REDHAT, VIA = 0x1022, 0x106B, 0x8086, 0x1000, 0x1B36, 0x1106
QUMRANET, VMWARE, NEC, TI, QEMU_STDVGA = 0x1AF4, 0x15AD, 0x1033, 0x104C, 0x1234
DEC, CIRRUS, CMD, REALTEK, SUN = 0x1011, 0x1013, 0x1095, 0x10EC, 0x108E
ENSONIQ, MOTOROLA, TEWS = 0x1274, 0x1057, 0x1498
VIRTIO_MODERN = 0x1040

# What vendors are called: QEMU's word, and what they say of themselves where the word does not.
VENDORS: Mapping[int, tuple[str, str]] = {
    AMD: ("AMD", ""),
    APPLE: ("APPLE", ""),
    CIRRUS: ("CIRRUS", "Cirrus Logic"),
    CMD: ("CMD", "CMD Technology, Silicon Image"),
    DEC: ("DEC", "Digital Equipment"),
    ENSONIQ: ("ENSONIQ", ""),
    INTEL: ("INTEL", ""),
    LSI: ("LSI_LOGIC", ""),
    MOTOROLA: ("MOTOROLA", ""),
    NEC: ("NEC", ""),
    QEMU_STDVGA: ("QEMU", ""),
    QUMRANET: ("REDHAT_QUMRANET", "virtio"),
    REALTEK: ("REALTEK", ""),
    REDHAT: ("REDHAT", ""),
    SUN: ("SUN", ""),
    TEWS: ("TEWS", ""),
    TI: ("TI", "Texas Instruments"),
    VIA: ("VIA", ""),
    VMWARE: ("VMWARE", ""),
}


def _virtio(number: int, name: str, *transitional: int) -> Ids:
    """The ids of a virtio device: 0x1040 and its number, and an older one for some.

    References
    ----------
    QEMU, hw/virtio/virtio-pci.c: virtio_pci_device_plugged; include/hw/pci/pci.h
    """
    return {QUMRANET: dict.fromkeys((*transitional, VIRTIO_MODERN + number), f"VIRTIO_{name}")}


def _alike(name: str, *ids: int) -> Mapping[int, str]:
    """Several functions of one chip that do the same."""
    return dict.fromkeys(ids, name)


# Vendor and device ids of QEMU's devices by the name of their VMState, each with its chip: every
# device that uses it. Devices whose ids an option or the host can change are in MORE. QEMU, each
# device's class_init; include/hw/pci/pci_ids.h, pci.h.
IDS: Mapping[str, Ids] = {
    # host and ISA bridges, power management
    "I440FX": {INTEL: {0x1237: "82441FX"}},
    "mch": {INTEL: {0x29C0: "Q35_MCH"}},
    "gpex_root": {REDHAT: {0x0008: "PCIE_HOST"}},
    "raven": {MOTOROLA: {0x4801: "RAVEN"}},
    "PIIX3": {INTEL: {0x7000: "82371SB_ISA"}},
    "PIIX4": {INTEL: {0x7110: "82371AB_ISA"}},
    "piix4_pm": {INTEL: {0x7113: "82371AB_ACPI"}},
    "ich9_smb": {INTEL: {0x2930: "ICH9_SMBUS"}},
    "pci-i82378": {INTEL: {0x0484: "82378_ISA"}},
    "via-isa": {VIA: {0x0686: "VT82C686B_ISA", 0x8231: "VT8231_ISA"}},
    "vt82c686b_pm": {VIA: {0x3057: "VT82C686B_ACPI", 0x8235: "VT8231_ACPI"}},
    "macio-oldworld": {APPLE: {0x0010: "HEATHROW"}},
    "macio-newworld": {APPLE: {0x0022: "KEYLARGO"}},
    # bridges and ports
    "pcie-root-port": {REDHAT: {0x000C: "PCIE_ROOT_PORT"}},
    "pcie-pci-bridge": {REDHAT: {0x000E: "PCIE_PCI_BRIDGE"}},
    "ioh-3240-express-root-port": {INTEL: {0x3420: "IOH_3420_ROOT_PORT"}},
    "i82801b11_bridge": {INTEL: {0x244E: "82801BA_BRIDGE"}},
    "xio3130-express-upstream-port": {TI: {0x8232: "XIO3130_UPSTREAM"}},
    "xio3130-express-downstream-port": {TI: {0x8233: "XIO3130_DOWNSTREAM"}},
    # disks
    "ide": {
        INTEL: {0x7010: "82371SB_IDE", 0x7111: "82371AB_IDE"},
        CMD: {0x0646: "CMD646", 0x3112: "SII3112"},
        VIA: {0x0571: "VIA_IDE"},
    },
    "ich9_ahci": {INTEL: {0x2922: "ICH9_AHCI"}},
    "lsiscsi": {LSI: {0x0001: "53C810", 0x0012: "53C895A"}},
    "megasas": {LSI: {0x0060: "SAS1078"}},
    "megasas-gen2": {LSI: {0x0079: "SAS2108"}},
    "mptsas": {LSI: {0x0054: "SAS1068"}},
    "pciespscsi": {AMD: {0x2020: "AM53C974"}},
    # networks
    "e1000": {INTEL: {0x100C: "82544GC", 0x100E: "82540EM", 0x100F: "82545EM"}},
    "e1000e": {INTEL: {0x10D3: "82574L"}},
    "rtl8139": {REALTEK: {0x8139: "RTL8139"}},
    "ne2000": {REALTEK: {0x8029: "RTL8029"}},
    "pcnet": {AMD: {0x2000: "PCNET_PCI"}},
    "vmxnet3": {VMWARE: {0x07B0: "VMXNET3"}},
    "tulip": {DEC: {0x0019: "21143"}},
    "sungem": {APPLE: {0x0021: "UNI_N_GMAC"}},
    "sunhme": {SUN: {0x1001: "HAPPY_MEAL"}},
    # displays and sound
    "vga": {QEMU_STDVGA: {0x1111: "STDVGA"}},
    "bochs-display": {QEMU_STDVGA: {0x1111: "STDVGA"}},
    "cirrus_vga": {CIRRUS: {0x00B8: "GD5446"}},
    "qxl": {REDHAT: {0x0100: "QXL"}},
    "vmware_vga": {VMWARE: {0x0405: "SVGA2"}},
    "ac97": {INTEL: {0x2415: "82801AA_AC97"}},
    "es1370": {ENSONIQ: {0x5000: "ES1370"}},
    "intel-hda": {INTEL: {0x2668: "ICH6_HDA", 0x293E: "ICH9_HDA"}},
    # USB
    "uhci": {
        INTEL: {
            **_alike("ICH9_UHCI", 0x2934, 0x2935, 0x2936, 0x2937, 0x2938, 0x2939),
            0x7020: "82371SB_UHCI",
            0x7112: "82371AB_UHCI",
        },
        VIA: {0x3038: "VIA_UHCI"},
    },
    "ohci": {APPLE: {0x003F: "KEYLARGO_OHCI"}},
    "ehci": {INTEL: {0x24CD: "82801DB_EHCI", **_alike("ICH9_EHCI", 0x293A, 0x293C)}},
    "xhci": {NEC: {0x0194: "UPD720200"}, REDHAT: {0x000D: "XHCI"}},
    # others
    "pci-serial": {REDHAT: {0x0002: "SERIAL"}},
    "pci-serial-multi": {REDHAT: {0x0003: "SERIAL2", 0x0004: "SERIAL4"}},
    "i6300esb_wdt": {INTEL: {0x25AB: "6300ESB_WATCHDOG"}},
    "tpci200": {TEWS: {0x30C8: "TPCI200"}},
    "pvpanic-pci": {REDHAT: {0x0011: "PVPANIC"}},
    "acpi-erst": {REDHAT: {0x0012: "ACPI_ERST"}},
    "ivshmem-plain": {QUMRANET: {0x1110: "IVSHMEM"}},
    "ivshmem-doorbell": {QUMRANET: {0x1110: "IVSHMEM"}},
    # virtio; a Mac's virtual machine has a disk of Apple's (hw/vmapple/virtio-blk.c)
    "virtio-net": _virtio(1, "NET", 0x1000),
    "virtio-blk": {**_virtio(2, "BLK", 0x1001), APPLE: {0x1A00: "VIRTIO_BLK"}},
    "virtio-console": _virtio(3, "CONSOLE", 0x1003),
    "virtio-rng": _virtio(4, "RNG", 0x1005),
    "virtio-balloon": _virtio(5, "BALLOON", 0x1002),
    "virtio-scsi": _virtio(8, "SCSI", 0x1004),
    "virtio-9p": _virtio(9, "9P", 0x1009),
    "virtio-gpu": _virtio(16, "GPU"),
    "virtio-input": _virtio(18, "INPUT"),
    "virtio-crypto": _virtio(20, "CRYPTO"),
    "virtio-iommu": _virtio(23, "IOMMU"),
}
# Names of others that QEMU's devices have: with an option, or where a VMState is shared.
MORE: tuple[Ids, ...] = (
    {
        INTEL: {
            0x2918: "ICH9_LPC",
            0x1209: "82551IT",
            0x1229: "82557",
            0x5845: "NVME",
            0x10C9: "82576",
            0x10CA: "82576_VF",
        },
        REDHAT: {
            0x0001: "PCI_BRIDGE",
            0x0005: "TEST",
            0x0006: "ROCKER",
            0x0007: "SDHCI",
            0x0009: "PXB",
            0x000A: "BRIDGE_SEAT",
            0x000B: "PXB_PCIE",
            0x000F: "MDPY",
            0x0010: "NVME",
            0x0013: "UFS",
        },
        VMWARE: {0x07C0: "PVSCSI"},
        QEMU_STDVGA: {0x11E8: "EDU"},
    },
    _virtio(24, "MEM"),
    _virtio(25, "SOUND"),
    _virtio(26, "FS"),
    _virtio(27, "PMEM"),
    _virtio(19, "VSOCK", 0x1012),
)
# What a device has as its subsystem where it does not say one (hw/pci/pci.c: pci_set_default_subsystem_id).
SUBSYSTEMS: Ids = {QUMRANET: {0x1100: "QEMU"}}


@cache
def _names() -> dict[tuple[int, int], str]:
    return {
        (vendor, product): name
        for ids in (*IDS.values(), *MORE)
        for vendor, products in ids.items()
        for product, name in products.items()
    }


def name_of(vendor: int, product: int) -> str:
    """What a device of QEMU's with these ids is called, nothing of others."""
    return _names().get((vendor, product), "")


def wrong_identity(device: Value) -> Iterator[ParseError]:
    """What in a device's configuration space no device of its name has in QEMU."""
    config = config_space(device)
    if config is None or config.span.size < HEADER_SIZE:
        return
    raw = config.raw
    vendor, product = (int.from_bytes(raw[at : at + 2], "little") for at in (VENDOR, DEVICE))
    known = IDS.get(device.type)
    if known is not None and product not in known.get(vendor, {}):
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
