"""What a device type is one of: -global may name any of these.

References
----------
QEMU, qom/object.c: object_apply_global_props; hw/virtio/virtio-pci.c: virtio_pci_types_register; hw/virtio/virtio.c;
hw/pci/pci.c, pcie_port.c; hw/usb/bus.c, hcd-xhci-pci.c; hw/net/e1000.c; hw/scsi/megasas.c: their TypeInfo
"""

from __future__ import annotations

import re

__all__ = ["lineage"]

# By the type's name: what it is one of, and what it has inside that its properties are passed on to.
LINES = (
    (r"(v(?:irtio|host)-.+?)-pci(?:-non|-transitional)*", "virtio-pci {}-device virtio-device"),
    (r"(virtio-.+)-ccw", "virtio-ccw-device {}-device virtio-device"),
    (r"(virtio-.+)-device", "virtio-device"),
    (r"virtio-vga(-gl)?", "virtio-vga-base virtio-pci virtio-gpu-device virtio-device"),
    (r"(nec-usb|qemu)-xhci", "pci-xhci"),
    (r"pcie-root-port|ioh3420", "pcie-root-port-base pcie-slot pcie-port"),
    (r"xio3130-downstream", "pcie-slot pcie-port"),
    (r"x3130-upstream", "pcie-port"),
    (r"e1000(-8254.*)?", "e1000-base"),
    (r"megasas(-gen2)?", "megasas-base"),
)
BUSES = {"PCI": "pci-device", "usb-bus": "usb-device"}


def lineage(driver: str, bus: str) -> frozenset[str]:
    """The names by which a -global means a device type that sits on that bus."""
    names = {driver, BUSES.get(bus, "device"), "device"}
    for pattern, parents in LINES:
        found = re.fullmatch(pattern, driver)
        if found is not None:
            names.update(parents.format(*found.groups("")).split())
    return frozenset(names)
