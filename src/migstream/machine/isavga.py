"""The sections of isa-vga and isa-cirrus-vga in which there is another object's memory: how to tell.

Reference: QEMU, hw/display/vga-isa.c: vga_isa_class_initfn (up to 11.0); hw/display/vga.c: vmstate_vga_common;
hw/display/cirrus_vga_isa.c: isa_cirrus_vga_class_init (11.1 as well).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from migstream.vmstate.paths import find

if TYPE_CHECKING:
    from migstream.machine.state import DeviceState
    from migstream.vmstate.values import Value

__all__ = ["OLD_STATE", "REGISTER", "STATE", "TYPE", "foreign_flag", "is_isa_cirrus", "vbe_enabled"]

TYPE = "isa-vga"
OLD_STATE, STATE = "vga", "vga-isa"  # its VMState up to 11.0, and in 11.1
FLAG, REGISTER = "is_vbe_vmstate", "vbe_regs[4]"  # VBE_DISPI_INDEX_ENABLE
ENABLED = 1  # VBE_DISPI_ENABLED
CIRRUS = "cirrus_vga"


def foreign_flag(device: DeviceState) -> Value | None:
    """The value that proves the bytes to be another object's: of registers it is 1. None where they are registers.

    A PCI VGA has the same VMState inside its own.
    """
    if device.name != OLD_STATE or device.value.type != OLD_STATE:
        return None
    flag = next((part for part in device.value.children if part.name == FLAG), None)
    return flag if flag is not None and bytes(flag.raw) != b"\1" else None


def vbe_enabled(device: DeviceState) -> Value | None:
    """What QEMU takes for the register that switches the VBE on; None where it is off, or these are registers."""
    if foreign_flag(device) is None:
        return None
    value = next(find(device.value, REGISTER), None)
    number = None if value is None or value.kind != "leaf" else value.value
    return value if isinstance(number, int) and number & ENABLED else None


def is_isa_cirrus(device: DeviceState) -> bool:
    """Whether this is an isa-cirrus-vga; a PCI device has a path in its name."""
    return device.name == CIRRUS == device.value.type
