"""What a microvm's options make of its virtio transports.

References
----------
QEMU, hw/i386/microvm.c: microvm_devices_init
"""

from __future__ import annotations

from collections.abc import Sequence

from migstream.catalogue.arguments import Wanted, is_on

__all__ = ["transports_of"]

MICROVM, FEW = "microvm", 8


def transports_of(wanted: Wanted, machine: str, transports: Sequence[str]) -> Sequence[str]:
    """The places on a machine's virtio bus, of those that it has by itself: fewer without a second IOAPIC."""
    second, acpi = (is_on(wanted.options.get(name, "")) for name in ("ioapic2", "acpi"))
    one = second is False or (acpi is False and second is None)
    return transports[-FEW:] if machine == MICROVM and one else transports
