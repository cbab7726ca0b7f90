"""PCI: the header of a configuration space, base addresses, windows of bridges, interrupts by message.

References: PCI Local Bus Specification 3.0, 6.2 and 6.8; PCI-to-PCI Bridge Architecture 1.2, 3.2.5; PCI Code and ID
Assignment 1.11; Intel SDM 3, 11.11; QEMU, hw/pci/pci.c: pci_class_descriptions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migstream.vmstate.meaning import pci_ids
from migstream.vmstate.meaning.symbols.chipsets import CHIPSETS
from migstream.vmstate.meaning.symbols.model import (
    Symbol,
    Symbols,
    Table,
    bits,
    enumeration,
    neighbour,
    number_in_path,
)
from migstream.vmstate.meaning.symbols.pcie import CAPABILITIES

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["CONFIG", "MSIX"]


# --- who it is ---------------------------------------------------------------------------------------


def _vendor(value: Any, _: Value) -> Symbol:
    """QEMU's word for a vendor, else what the system's list calls it."""
    if not isinstance(value, int) or not value:
        return Symbol()
    if value in pci_ids.VENDORS:
        return Symbol(*pci_ids.VENDORS[value])
    from migstream.vmstate.meaning.pci_database import vendor_name

    return Symbol("", vendor_name(value))


def _subvendor(value: Any, at: Value) -> Symbol:
    """The same of whoever made the card: what else the vendor has does not matter there."""
    said = _vendor(value, at)
    return Symbol(said.name) if said.name else said


def _device(value: Any, at: Value) -> Symbol:
    vendor = neighbour(at, "vendor_id")
    if not isinstance(value, int) or vendor is None:
        return Symbol()
    if name := pci_ids.name_of(vendor, value):
        return Symbol(name)
    from migstream.vmstate.meaning.pci_database import device_name

    return Symbol("", device_name(vendor, value))


def _subsystem(value: Any, at: Value) -> Symbol:
    names = ("vendor_id", "device_id", "subsystem_vendor_id")
    vendor, device, subvendor = (neighbour(at, name) for name in names)
    if not isinstance(value, int) or vendor is None or device is None or subvendor is None:
        return Symbol()
    if name := pci_ids.SUBSYSTEMS.get(subvendor, {}).get(value):
        return Symbol(name)
    if vendor == pci_ids.QUMRANET:  # virtio's number of the device, where it is not a modern one
        return Symbol(pci_ids.name_of(vendor, pci_ids.VIRTIO_MODERN + value))
    if pci_ids.name_of(vendor, device):
        return Symbol()
    from migstream.vmstate.meaning.pci_database import subsystem_name

    return Symbol("", subsystem_name(vendor, device, subvendor, value))


_SUBCLASSES = {
    0x0100: "SCSI controller", 0x0101: "IDE controller", 0x0102: "floppy controller", 0x0104: "RAID controller",
    0x0106: "SATA controller", 0x0107: "SAS controller", 0x0108: "NVMe controller", 0x0180: "storage controller",
    0x0200: "Ethernet controller", 0x0280: "network controller",
    0x0300: "VGA controller", 0x0302: "3D controller", 0x0380: "display controller",
    0x0400: "video controller", 0x0401: "audio controller", 0x0403: "HD audio controller",
    0x0500: "RAM controller", 0x0501: "flash controller", 0x0502: "CXL memory", 0x0580: "memory controller",
    0x0600: "host bridge", 0x0601: "ISA bridge", 0x0602: "EISA bridge", 0x0604: "PCI bridge", 0x0680: "bridge",
    0x0700: "serial port", 0x0701: "parallel port", 0x0702: "multiport serial port", 0x0703: "modem",
    0x0780: "communication controller",
    0x0800: "interrupt controller", 0x0801: "DMA controller", 0x0802: "timer", 0x0803: "clock",
    0x0805: "SD host controller", 0x0806: "IOMMU", 0x0880: "system peripheral",
    0x0900: "keyboard", 0x0901: "pen", 0x0902: "mouse", 0x0980: "input controller",
    0x0B20: "PowerPC", 0x0B40: "coprocessor",
    0x0C00: "FireWire controller", 0x0C03: "USB controller", 0x0C04: "Fibre Channel", 0x0C05: "SMBus",
    0x0C07: "IPMI",
}  # fmt: skip
_INTERFACES = {
    (0x0604, 1): "SUBTRACTIVE", (0x0106, 1): "AHCI", (0x0108, 2): "NVME", (0x0C03, 0x00): "UHCI",
    (0x0C03, 0x10): "OHCI", (0x0C03, 0x20): "EHCI", (0x0C03, 0x30): "XHCI", (0x0805, 1): "DMA",
    (0x0701, 3): "IEEE1284", (0x0700, 2): "16550",
}  # fmt: skip
_IDE = bits("PRIMARY_NATIVE PRIMARY_BOTH SECONDARY_NATIVE SECONDARY_BOTH -:3 BUS_MASTER")


def _subclass(value: Any, at: Value) -> Symbol:
    kind = neighbour(at, "class")
    if not isinstance(value, int) or kind is None:
        return Symbol()
    return Symbol("", _SUBCLASSES.get(kind << 8 | value, ""))


def _interface(value: Any, at: Value) -> Symbol:
    kind, of = neighbour(at, "class"), neighbour(at, "subclass")
    if not isinstance(value, int) or kind is None or of is None:
        return Symbol()
    if kind << 8 | of == 0x0101:
        return _IDE(value, at)
    return Symbol(_INTERFACES.get((kind << 8 | of, value), ""))


# --- where it is -------------------------------------------------------------------------------------


def _upper_half(at: Value, number: int) -> bool:
    """Whether a base address is the second half of the one before it."""
    if at.above is None or at.above.count is None or not 0 < number < at.above.count:
        return False
    low = int(at.above.element(number - 1))
    return low & 7 == 4 and not _upper_half(at, number - 1)


def _bar(value: Any, at: Value) -> Symbol:
    """A base address: what it is of, and where; one that is 0 may not be there at all."""
    number = number_in_path(at)
    if not isinstance(value, int) or number is None or at.above is None:
        return Symbol()
    if _upper_half(at, number):
        return Symbol("", f"upper half of bar[{number - 1}]")
    if not value:
        return Symbol()
    if value & 1:
        return Symbol(f"IO{_mapped(value & ~3)}")
    where = value & ~0xF
    wide = value & 6 == 4
    if wide and at.above.count is not None and number + 1 < at.above.count:
        where |= int(at.above.element(number + 1)) << 32
    prefetch = " PREFETCH" if value & 8 else ""
    return Symbol(f"MEM{64 if wide else 32}{prefetch}{_mapped(where)}")


def _mapped(where: int) -> str:
    """QEMU maps nothing at 0 (hw/pci/pci.c: pci_bar_address)."""
    return f" at {where:#x}" if where else ""


def _rom(value: Any, _: Value) -> Symbol:
    if not isinstance(value, int) or not value:
        return Symbol()
    return Symbol(f"at {value & ~0x7FF:#x}" if value & 1 else "DISABLED")


def _window(kind: str) -> Symbols:
    """What a bridge passes on, said of each of the two registers (hw/pci/pci_bridge.c: pci_bridge_get_base)."""
    shift, granule = (8, 0x1000) if kind == "io" else (16, 0x100000)

    def of(value: Any, at: Value) -> Symbol:
        base, limit = neighbour(at, f"{kind}_base"), neighbour(at, f"{kind}_limit")
        if not isinstance(value, int) or base is None or limit is None:
            return Symbol()
        wide = base & 0xF == 1 and kind != "memory"
        first = (base & ~0xF) << shift | _upper(at, f"{kind}_base_upper", kind, wide=wide)
        last = (limit & ~0xF) << shift | _upper(at, f"{kind}_limit_upper", kind, wide=wide)
        last |= granule - 1
        return Symbol("", f"{first:#x}-{last:#x}" if first <= last else "closed")

    return of


def _upper(at: Value, name: str, kind: str, *, wide: bool) -> int:
    number = neighbour(at, name) if wide else None
    return 0 if number is None else number << (16 if kind == "io" else 32)


# --- interrupts by message ---------------------------------------------------------------------------

APIC = 0xFEE  # the first twelve bits of an address that is a local APIC's
DELIVERY = ("FIXED", "LOWEST_PRIORITY", "SMI", "", "NMI", "INIT", "", "EXTINT")


def _apic(low: int | None, high: int | None) -> bool:
    """Whether a message goes to an APIC of a PC as it is, and not by a number in a table of an IOMMU's."""
    return low is not None and low >> 20 == APIC and not high and not low & 0x10


def _message_address(value: Any, at: Value) -> Symbol:
    if (
        not isinstance(value, int)
        or not value
        or value >> 20 != APIC
        or neighbour(at, "address_high")
    ):
        return Symbol()
    if value & 0x10:  # Intel VT-d, 5.1.2.2
        return Symbol(f"REMAPPED handle {(value >> 5 & 0x7FFF) | (value >> 2 & 1) << 15:#x}")
    mode = "LOGICAL" if value & 4 else "PHYSICAL"
    return Symbol(f"APIC {value >> 12 & 0xFF:#x} {mode}")


def _message_data(value: Any, at: Value) -> Symbol:
    low, high = neighbour(at, "address_low"), neighbour(at, "address_high")
    if not isinstance(value, int) or not _apic(low, high):
        return Symbol()
    kind = DELIVERY[value >> 8 & 7] or f"delivery {value >> 8 & 7}"
    return Symbol(f"vector {value & 0xFF:#x} {kind}{' LEVEL' if value >> 15 & 1 else ''}")


def _pending(value: Any, _: Value) -> Symbol:
    """Vectors that wait, by their numbers."""
    if not isinstance(value, bytes):
        return Symbol()
    waiting = [str(n) for n in range(8 * len(value)) if value[n // 8] >> n % 8 & 1]
    many = f" and {len(waiting) - MOST} more" if len(waiting) > MOST else ""
    return Symbol("", f"{' '.join(waiting[:MOST])}{many} pending" if waiting else "none pending")


MOST = 32  # numbers that a list shows

CONFIG: Table = {
    "vendor_id": _vendor,
    "device_id": _device,
    "subsystem_vendor_id": _subvendor,
    "subsystem_id": _subsystem,
    "subsystem_*/vendor_id": _subvendor,
    "command": bits(
        "IO MEMORY MASTER SPECIAL INVALIDATE VGA_PALETTE PARITY WAIT SERR FAST_BACK INTX_DISABLE"
    ),
    "status": bits(
        "- - - INTERRUPT CAP_LIST 66MHZ UDF FAST_BACK PARITY DEVSEL_MEDIUM DEVSEL_SLOW"
        " SIG_TARGET_ABORT REC_TARGET_ABORT REC_MASTER_ABORT SIG_SYSTEM_ERROR DETECTED_PARITY"
    ),
    "secondary_status": bits(
        "-:5 66MHZ - FAST_BACK PARITY DEVSEL_MEDIUM DEVSEL_SLOW"
        " SIG_TARGET_ABORT REC_TARGET_ABORT REC_MASTER_ABORT REC_SYSTEM_ERROR DETECTED_PARITY"
    ),
    "prog_if": _interface,
    "subclass": _subclass,
    "class": enumeration(
        {
            0x01: ("STORAGE", "mass storage controller"),
            0x02: ("NETWORK", "network controller"),
            0x03: ("DISPLAY", "display controller"),
            0x04: ("MULTIMEDIA", "sound or video"),
            0x05: ("MEMORY", "memory controller"),
            0x06: ("BRIDGE", "bridge to another bus, or the host"),
            0x07: ("COMMUNICATION", "serial line or modem"),
            0x08: ("SYSTEM", "timer, interrupt controller, SD host"),
            0x09: ("INPUT", "keyboard, mouse, tablet"),
            0x0A: ("DOCKING", "docking station"),
            0x0B: ("PROCESSOR", "processor"),
            0x0C: ("SERIAL", "USB, SMBus and other serial buses"),
            0x0D: ("WIRELESS", "wireless controller"),
            0x0E: ("INTELLIGENT", "intelligent controller"),
            0x0F: ("SATELLITE", "satellite controller"),
            0x10: ("CRYPT", "encryption controller"),
            0x11: ("SIGNAL_PROCESSING", "signal processing controller"),
            0x12: ("ACCELERATOR", "processing accelerator"),
            0xFF: ("OTHERS", "fits no class"),
        }
    ),
    "header_type": enumeration(
        {
            0x00: "NORMAL",
            0x01: "BRIDGE",
            0x02: "CARDBUS",
            0x80: "NORMAL MULTI_FUNCTION",
            0x81: "BRIDGE MULTI_FUNCTION",
        }
    ),
    "bar": _bar,
    "rom": _rom,
    "interrupt_pin": enumeration({1: "INTA", 2: "INTB", 3: "INTC", 4: "INTD"}),
    "io_base": _window("io"),
    "io_limit": _window("io"),
    "memory_base": _window("memory"),
    "memory_limit": _window("memory"),
    "prefetch_base": _window("prefetch"),
    "prefetch_limit": _window("prefetch"),
    "bridge_control": bits("PARITY SERR ISA VGA VGA_16BIT MASTER_ABORT BUS_RESET FAST_BACK"),
    "msi_*/address_low": _message_address,
    "msi_*/data": _message_data,
    "sriov_*/bar": _bar,
    **CAPABILITIES,
    **CHIPSETS,
}
MSIX: Table = {
    "table/address_low": _message_address,
    "table/data": _message_data,
    "table/control": bits("MASKED"),
    "pending": _pending,
}
