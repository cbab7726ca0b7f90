"""What a microvm's options make of its virtio transports and its serial port.

References
----------
QEMU, hw/i386/microvm.c: microvm_devices_init
"""

from __future__ import annotations

from collections.abc import Sequence

from migstream.catalogue.arguments import Wanted, is_on

__all__ = ["most_serials", "transports_of"]

MICROVM, FEW = "microvm", 8
SERIALS = 4  # of a PC: include/hw/char/serial.h, MAX_ISA_SERIAL_PORTS


def transports_of(wanted: Wanted, machine: str, transports: Sequence[str]) -> Sequence[str]:
    """The places on a machine's virtio bus, of those that it has by itself: fewer without a second IOAPIC."""
    second, acpi = (is_on(wanted.options.get(name, "")) for name in ("ioapic2", "acpi"))
    one = second is False or (acpi is False and second is None)
    return transports[-FEW:] if machine == MICROVM and one else transports


def most_serials(wanted: Wanted, machine: str) -> int:
    """How many serial ports a machine makes of what -serial asks for."""
    if machine != MICROVM:
        return SERIALS
    return 0 if is_on(wanted.options.get("isa-serial", "")) is False else 1
