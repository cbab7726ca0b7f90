"""PCI: configuration space and MSI-X.

References: PCI Local Bus Specification 3.0, 6.2; PCI-to-PCI Bridge Architecture 1.2, 3.2.5; PCI Power
Management 1.2, 3.2; PCI Express Base Specification 5.0, 7.5.3.
"""

from __future__ import annotations

from migstream.vmstate.meaning.symbols.model import Table, bits, enumeration

__all__ = ["CONFIG", "MSIX"]

CONFIG: Table = {
    "vendor_id": enumeration(
        {0x1AF4: ("REDHAT_QUMRANET", "virtio"), 0x1B36: "REDHAT", 0x8086: "INTEL", 0x1234: "QEMU"}
    ),
    "command": bits(
        "IO MEMORY MASTER SPECIAL INVALIDATE VGA_PALETTE PARITY WAIT SERR FAST_BACK INTX_DISABLE"
    ),
    "status": bits(
        "- - - INTERRUPT CAP_LIST 66MHZ UDF FAST_BACK PARITY DEVSEL_MEDIUM DEVSEL_SLOW"
        " SIG_TARGET_ABORT REC_TARGET_ABORT REC_MASTER_ABORT SIG_SYSTEM_ERROR DETECTED_PARITY"
    ),
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
    "interrupt_pin": enumeration({1: "INTA", 2: "INTB", 3: "INTC", 4: "INTD"}),
    "bridge_control": bits("PARITY SERR ISA VGA VGA_16BIT MASTER_ABORT BUS_RESET FAST_BACK"),
    "msix_*/control": bits("MASKALL ENABLE", 14),
    "msi_*/control": bits("ENABLE CAPABLE:3 ENABLED:3 64BIT MASKING"),
    "pm_*/control": bits("STATE:2 - NO_SOFT_RESET -:4 PME_ENABLE DATA:4 SCALE:2 PME"),
}
MSIX: Table = {"table/control": bits("MASKED")}
