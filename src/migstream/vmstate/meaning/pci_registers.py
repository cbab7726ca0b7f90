"""Where the registers of PCI capabilities stand, and those that chipsets have behind the header.

References: PCI Local Bus Specification 3.0, 6.8; PCI Power Management 1.2; PCI-X 2.0; AGP 3.0; PCI Express Base
Specification 5.0, 7.5 to 7.9; VIRTIO 1.3, 4.1.4; Intel 82441FX, 82371SB, 82371AB, Q35, ICH9 datasheets;
QEMU, include/standard-headers/linux/pci_regs.h, hw/pci/pci_bridge.c, hw/pci/shpc.c.
"""

from __future__ import annotations

__all__ = [
    "CAPABILITIES",
    "CHIPSETS",
    "EXPRESS_SIZES",
    "EXTENDED",
    "RESERVED_FOR_BRIDGE",
    "SHPC",
    "VIRTIO_WINDOW",
    "Registers",
]

# name, type, bytes, and how many
Register = tuple[str, str, int] | tuple[str, str, int, int]
Registers = tuple[Register, ...]


def _le(size: int, names: str) -> Registers:
    """Registers of one size, one after another."""
    kind = {1: "uint8", 2: "le16", 4: "le32", 8: "le64"}[size]
    return tuple((name, kind, size) for name in names.split())


_EXPRESS: Registers = (
    *_le(2, "capabilities"),
    *_le(4, "device_capabilities"),
    *_le(2, "device_control device_status"),
    *_le(4, "link_capabilities"),
    *_le(2, "link_control link_status"),
    *_le(4, "slot_capabilities"),
    *_le(2, "slot_control slot_status root_control root_capabilities"),
    *_le(4, "root_status device_capabilities_2"),
    *_le(2, "device_control_2 device_status_2"),
    *_le(4, "link_capabilities_2"),
    *_le(2, "link_control_2 link_status_2"),
    *_le(4, "slot_capabilities_2"),
    *_le(2, "slot_control_2 slot_status_2"),
)
# Bytes of the capability by the version that its second byte says (hw/pci/pcie.c: PCI_EXP_VER1_SIZEOF).
EXPRESS_SIZES = {1: 0x14, 2: 0x3C}

# By id: name, and the registers behind id and next, as many of them as there is room for.
CAPABILITIES: dict[int, tuple[str, Registers]] = {
    0x01: ("pm", (*_le(2, "pmc pmcsr"), *_le(1, "pmcsr_bridge data"))),
    0x02: ("agp", (*_le(1, "version reserved"), *_le(4, "status command"))),
    0x03: ("vpd", (*_le(2, "address"), *_le(4, "data"))),
    0x04: ("slot_id", _le(1, "expansion chassis")),
    0x05: ("msi", (*_le(2, "control"), *_le(4, "address_low"))),
    0x07: ("pci_x", (*_le(2, "command"), *_le(4, "status"))),
    0x09: ("vendor", _le(1, "length kind")),
    0x0A: ("debug_port", _le(2, "port")),
    0x0C: ("shpc", (*_le(1, "select pending"), *_le(4, "data"))),
    0x0D: ("subsystem", _le(2, "reserved vendor_id device_id")),
    0x10: ("express", _EXPRESS),
    0x11: ("msix", (*_le(2, "control"), *_le(4, "table pba"))),
    0x12: ("sata", (*_le(2, "revision"), *_le(4, "bar"))),
    0x13: ("af", _le(1, "length capabilities control status")),
}
# What follows `kind` in the capabilities of a virtio device, and of QEMU's own bridges.
VIRTIO_WINDOW: Registers = (
    *_le(1, "bar instance"),
    ("padding", "buffer", 2),
    *_le(4, "offset size"),
)
RESERVED_FOR_BRIDGE: Registers = (
    *_le(4, "buses"),
    *_le(8, "io"),
    *_le(4, "memory prefetch_32"),
    *_le(8, "prefetch_64"),
)
# Of a standard hot-plug controller, in front of its slots.
SHPC: Registers = (
    *_le(4, "base_offset slots_33 slots_66"),
    *_le(1, "nslots first_dev"),
    *_le(2, "phys_slot sec_bus"),
    *_le(1, "msi_ctl prog_ifc cmd_code cmd_trgt"),
    *_le(2, "cmd_status"),
    *_le(4, "int_locator serr_locator serr_int"),
)
# By id: name, and the registers behind the header of four bytes.
EXTENDED: dict[int, tuple[str, Registers]] = {
    0x01: (
        "aer",
        (
            *_le(4, "uncorrectable_status uncorrectable_mask uncorrectable_severity"),
            *_le(4, "correctable_status correctable_mask capabilities"),
            ("header_log", "le32", 4, 4),
            *_le(4, "root_command root_status"),
            *_le(2, "correctable_source uncorrectable_source"),
            ("tlp_prefix_log", "le32", 4, 4),
        ),
    ),
    0x03: ("serial_number", _le(8, "serial")),
    0x0B: ("vendor_extended", _le(4, "vendor_header")),
    0x0D: ("acs", _le(2, "capabilities control")),
    0x0E: ("ari", _le(2, "capabilities control")),
    0x0F: ("ats", _le(2, "capabilities control")),
    0x10: (
        "sriov",
        (
            *_le(4, "capabilities"),
            *_le(2, "control status initial_vfs total_vfs num_vfs"),
            *_le(1, "function_dependency reserved"),
            *_le(2, "first_vf_offset vf_stride reserved_2 vf_device_id"),
            *_le(4, "supported_page_sizes system_page_size"),
            ("bar", "le32", 4, 6),
            *_le(4, "migration_state"),
        ),
    ),
    0x13: ("pri", (*_le(2, "control status"), *_le(4, "capacity allocation"))),
    0x1B: ("pasid", _le(2, "capabilities control")),
    0x23: ("dvsec", (*_le(4, "vendor_header"), *_le(2, "dvsec_id"))),
    0x2E: ("doe", _le(4, "capabilities control status write_mailbox read_mailbox")),
}

_PIIX = {
    0x4C: _le(1, "iort"),
    0x4E: _le(2, "xbcs"),
    0x60: (("pirq_route", "uint8", 1, 4),),
    0x69: _le(1, "tom"),
    0x6A: _le(2, "mstat"),
    0x70: (("mbirq", "uint8", 1, 2),),
    0x76: (("mbdma", "uint8", 1, 2),),
    0x80: _le(1, "apicbase"),
    0x82: _le(1, "dlc"),
    0xA0: _le(1, "smicntl"),
    0xA2: _le(2, "smien"),
    0xA4: _le(4, "see"),
    0xA8: _le(1, "ftmr"),
    0xAA: _le(2, "smireq"),
}
# What a device has behind its header, outside of capabilities, by the name of its VMState and the offset;
# Intel's, where one VMState is of several vendors.
CHIPSETS: dict[str, dict[int, Registers]] = {
    "I440FX": {
        0x50: _le(2, "pmccfg"),
        0x57: _le(1, "dramc"),
        0x58: _le(1, "dramt"),
        0x59: (("pam", "uint8", 1, 7),),
        0x60: (("drb", "uint8", 1, 8),),
        0x72: _le(1, "smram"),
    },
    "mch": {
        0x50: _le(2, "ext_tseg_mbytes"),  # of QEMU's
        0x60: _le(8, "pciexbar"),
        0x90: (("pam", "uint8", 1, 7),),
        0x9C: _le(1, "f_smbase"),  # of QEMU's
        0x9D: _le(1, "smram"),
        0x9E: _le(1, "esmramc"),
    },
    "PIIX3": _PIIX,
    "PIIX4": {
        **{at: of for at, of in _PIIX.items() if at < 0x90},
        0x64: _le(1, "serirqc"),
        0x90: _le(2, "pdmacfg"),
        0xB0: _le(4, "gencfg"),
        0xCB: _le(1, "rtccfg"),
    },
    "piix4_pm": {
        0x40: _le(4, "pmba cnta cntb gpictl devresd devacta devactb devresa"),
        0x60: _le(4, "devresb devresc devrese devresf devresg devresh devresi devresj"),
        0x80: _le(1, "pmregmisc"),
        0x90: _le(4, "smbba"),
        0xD2: _le(1, "smbhstcfg smbslvc smbshdw1 smbshdw2 smbrev"),
    },
    "ICH9LPC": {
        0x40: (*_le(4, "pmbase"), *_le(1, "acpi_cntl")),
        0x48: (*_le(4, "gpiobase"), *_le(1, "gc")),
        0x60: (("pirq_route", "uint8", 1, 4),),
        0x64: _le(1, "serirq_cntl"),
        0x68: (("pirq_route_e", "uint8", 1, 4),),
        0x80: _le(2, "lpc_i_o_dec lpc_en"),
        0x84: (("gen_dec", "le32", 4, 4),),
        0xA0: _le(2, "gen_pmcon_1 gen_pmcon_2 gen_pmcon_3"),
        0xAC: _le(4, "pmir"),
        0xB8: _le(4, "gpi_rout"),
        0xD0: _le(4, "fwh_sel1"),
        0xD4: _le(2, "fwh_sel2"),
        0xD8: _le(2, "fwh_dec_en1"),
        0xDC: _le(1, "bios_cntl"),
        0xF0: _le(4, "rcba"),
    },
    "ide": {0x40: (("idetim", "le16", 2, 2), *_le(1, "sidetim")), 0x48: _le(1, "udmactl")},
    "intel-hda": {0x40: _le(1, "hdctl")},
    "ich9_ahci": {0x90: _le(2, "map pcs")},
    "ich9_smb": {0x40: _le(1, "hostc")},
    "uhci": {0x60: _le(1, "sbrn"), 0xC0: _le(2, "legsup")},
    "ehci": {0x60: _le(1, "sbrn fladj")},
    "xhci": {0x60: _le(1, "sbrn fladj")},
}
