"""What plain numbers are called: bits and enumerations, by VMState and field. One line each.

A value has three representations: the number as it is, its symbol, and a description where the
symbol does not say enough. `Value.text` reads these tables: one for each VMState of a device, or type of a
blob, in a module for each family, which is imported when such a device is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from migstream.plugins import Registry, falls_under
from migstream.vmstate.meaning.cpus import CPU, family
from migstream.vmstate.meaning.symbols.model import Bits, Symbol, Symbols, Table

if TYPE_CHECKING:
    from migstream.vmstate.values import Root, Value

__all__ = ["SYMBOLS", "Symbol", "has_symbols", "names_of_bits", "symbol"]

_HERE = "migstream.vmstate.meaning.symbols"
_FAMILIES = {
    "virtio": ("VIRTIO", ("virtio",)),
    "virtio_devices": (
        "NET",
        (
            "virtio-net", "virtio-blk:BLK", "vhost-user-blk:BLK", "virtio-balloon:BALLOON", "virtio-gpu:GPU",
            "virtio-input:INPUT", "virtio-iommu:IOMMU", "virtio-mem:MEM", "virtio-mem-device-early:EARLY",
            "virtio-crypto:CRYPTO", "virtio-vhost_vsock:VSOCK",
        ),
    ),
    "pci": ("CONFIG", ("pci config", "msix state:MSIX")),
    "e1000": ("E1000", ("e1000", "e1000e:E1000E", "igb:IGB")),
    "nics": (
        "RTL8139",
        (
            "rtl8139", "pcnet:PCNET", "lance:PCNET", "ne2000:NE2000", "vmxnet3:VMXNET3", "tulip:TULIP", "i825*:EEPRO100",
            "i82801:EEPRO100", "bcm2835-property:PROPERTY",
        ),
    ),
    "pcie": ("SHPC", ("shpc",)),
    "chipsets": ("PIIX", ("PIIX3", "PIIX4", "PCIHost:PCIHOST")),
    "run": ("GLOBALSTATE", ("globalstate", "cpu_common:CPU_COMMON", "kvmclock:KVMCLOCK")),
    # of CPUs, whose VMStates are all called so: the architecture is behind it
    "x86": ("CPU", ("cpu i386",)),
    "arm": ("CPU", ("cpu arm",)),
    "riscv": ("CPU", ("cpu riscv", "riscv_sifive_plic:PLIC")),
    "ppc": ("CPU", ("cpu ppc",)),
    "s390x": ("CPU", ("cpu s390x", "todclock:TOD")),
    "others": (
        "LOONGARCH",
        ("cpu loongarch64", "cpu mips:MIPS", "cpu sparc:SPARC", "cpu m68k:M68K"),
    ),
    "gic": ("GIC", ("arm_gic", "arm_gicv3:GICV3", "arm_gicv3_its:ITS", "armv7m_nvic:NVIC")),
    "apic": ("APIC", ("apic", "ioapic:IOAPIC")),
    "isa": (
        "SERIAL",
        (
            "serial", "serial-isa", "pci-serial", "pckbd:PCKBD", "port92:PORT92", "i8254:I8254", "i8259:I8259",
            "mc146818rtc:RTC", "hpet:HPET", "dma:DMA", "ps2kbd:PS2", "ps2mouse:PS2",
        ),
    ),
    "boards": ("PL011", ("pl011", "pl031:PL031", "goldfish_rtc:GOLDFISH_RTC")),
    "vga": (
        "VGA",
        ("vga", "cirrus_vga", "bochs-display", "virtio-vga", "vmware_vga", "qxl:QXL", "ramfb-dev:RAMFB"),
    ),
    "acpi": ("PM", ("piix4_pm", "ICH9LPC", "vt82c686b_pm", "ich9_smb", "acpi-ged:GED", "acpi_build:BUILD", "virt_acpi_build:BUILD")),
    "ata": ("IDE", ("ide", "isa-ide", "mmio-ide", "microdrive", "ich9_ahci:AHCI", "ahci:AHCI", "sysbus-ahci:AHCI")),
    "sd": ("CARD", ("sd-card", "sdhci:SDHCI", "pl181:PL181", "ssi_sd:SPI")),
    "disks": ("NVME", ("nvme", "fdc:FDC", "pflash_cfi01:PFLASH", "m25p80:M25P80")),
    "scsi": (
        "SCSI",
        (
            "scsi-disk", "SCSIDevice", "scsi-requests:REQUESTS", "lsiscsi:LSI", "megasas:MEGASAS", "megasas-gen2:MEGASAS",
            "mptsas:MPTSAS", "pvscsi:PVSCSI", "sysbusespscsi:ESP", "pciespscsi:ESP", "dc390:ESP",
        ),
    ),
    "usb": (
        "UHCI",
        (
            "uhci", "ohci:OHCI", "ohci-core:OHCI", "ehci-core:EHCI", "ehci:EHCI", "ehci-sysbus:EHCI", "xhci:XHCI",
            "xhci-core:XHCI", "xhci-sysbus:XHCI", "usb-kbd:DEVICE", "usb-ptr:DEVICE", "usb-wacom:DEVICE", "usb-hub:HUB",
            "usb-storage:STORAGE", "usb-ccid:CCID", "usb-redir:REDIR",
        ),
    ),
    "management": (
        "TIS",
        (
            "tpm-tis", "tpm-tis-i2c", "tpm-crb:CRB", "tpm-spapr:TPM_SPAPR", "tpm-emulator:EMULATOR", "ipmi-bmc-sim:BMC",
            "ipmi-interface:KCS", "ipmi-interface-pci-kcs:KCS", "ipmi-interface-isa-bt:BT", "ipmi-interface-pci-bt:BT",
            "i6300esb_wdt:I6300ESB", "fw_cfg:FW_CFG", "kvm-tpr-opt:TPR", "i2c_bus:I2C", "vmgenid:VMGENID",
        ),
    ),
    "sound": ("HDA", ("intel-hda", "hda-audio:CODEC", "ac97:AC97")),
    "ppc_boards": (
        "ICS",
        (
            "ics", "icp/server:ICP", "xive-source:XIVE_SOURCE", "xive-tctx:XIVE_THREAD", "mos6522:VIA", "cuda:VIA",
            "pmu:VIA", "escc:ESCC", "spapr_nvram:NVRAM", "macio_nvram:NVRAM", "spapr:SPAPR",
        ),
    ),
}  # fmt: skip


def _targets() -> dict[str, str]:
    """Where the table of each name is: `name` has its family's first table, `name:TABLE` another one."""
    found = {}
    for module, (first, names) in _FAMILIES.items():
        for one in names:
            name, _, table = one.partition(":")
            found[name] = f"{_HERE}.{module}:{table or first}"
    return found


SYMBOLS: Registry[Table] = Registry("migstream.symbols", _targets())
_INDEX = r"\[\d+\]"


def symbol(value: Value) -> Symbol | None:
    """What a single value is called, None where no table knows it."""
    if value.wire.kind == "timer":
        from migstream.vmstate.meaning.symbols.timers import timer

        return timer(value)
    known = _symbols(value)
    if known is None:
        return None
    return known(value.value if value.kind == "leaf" else None, value)


def names_of_bits(value: Value) -> Callable[[int], str] | None:
    """What each bit of a value is called, by its number; None of a value whose bits have no names."""
    known = _symbols(value) if value.device.meaning else None
    return (lambda bit: known.name(bit, value)) if isinstance(known, Bits) else None


def has_symbols(value: Value) -> bool:
    """Whether a table knows this value, or the elements of this array."""
    return value.wire.kind == "timer" or _symbols(value) is not None


def _symbols(value: Value) -> Symbols | None:
    """What the tables have for a value: by the blob it stands in, whose names are not the device's, else by the VMState."""
    root = value.device
    blob = value.above
    while blob is not None and not (blob.kind == "leaf" and _table(blob.type)):
        blob = blob.above
    known = None if blob is None else _known(blob.type, value.path[len(blob.path) + 1 :])
    # a section that nothing describes has no VMState
    kind = _cpu(root) if root.vmsd == CPU else root.vmsd or root.device
    return known or _known(kind, value.path[len(root.path) + 1 :])


def _cpu(root: Root) -> str:
    """The name of the table of a CPU's values, by the fields that its section has."""
    return f"{CPU} {family(root.fields())}"


@lru_cache(maxsize=1024)
def _table(kind: str) -> Table | None:
    return SYMBOLS.find(kind) if kind else None


@lru_cache(maxsize=4096)
def _known(kind: str, path: str) -> Symbols | None:
    """As it stands, without indices, by its own name alone, by a pattern."""
    table = _table(kind)
    if table is None:
        return None
    plain = re.sub(_INDEX, "", path) if "[" in path else path
    for one in (path, plain, f"*/{plain.rpartition('/')[2]}"):
        if one in table:
            return table[one]
    wild = _wild(kind)
    patterns = sorted(wild.get(plain.rpartition("/")[2], ()) + wild.get("*", ()))
    return next((table[p] for _, p in patterns if falls_under(plain, p)), None)


@lru_cache(maxsize=1024)
def _wild(kind: str) -> dict[str, tuple[tuple[int, str], ...]]:
    """A table's patterns with their numbers, by the names that they end with, `*` for any.

    Without those that are nothing but `*/name`: these are looked up.
    """
    found: dict[str, tuple[tuple[int, str], ...]] = {}
    for number, pattern in enumerate(_table(kind) or {}):
        if "*" in pattern[1:] or ("*" in pattern and "/" in pattern[2:]):
            end = pattern.rpartition("/")[2]
            end = "*" if "*" in end else end
            found[end] = (*found.get(end, ()), (number, pattern))
    return found
