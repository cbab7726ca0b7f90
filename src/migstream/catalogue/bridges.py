"""Bridges: which are alike for what is behind them, where their buses are, which of their properties go together."""

from __future__ import annotations

from migstream.catalogue.arguments import Part, is_on

__all__ = ["BEHIND", "EXPANDERS", "INSIDE", "untried"]

# Bridges by the one that was tried: a device behind it has other capabilities than one on the root bus.
BEHIND = {
    "pcie-root-port": "pcie-root-port",
    "ioh3420": "pcie-root-port",
    "xio3130-downstream": "pcie-root-port",
    "pci-bridge": "pci-bridge",
    "pcie-pci-bridge": "pci-bridge",
    "i82801b11-bridge": "pci-bridge",
}
EXPANDERS = ("pxb", "pxb-pcie")  # have a root bus of their own, with the number that they are given
INSIDE = {"pxb": ":00.0"}  # behind a bridge that it has inside
RESERVED, LEGACY, EXPRESS = "-reserve", "disable-legacy", "pcie-root-port"


def untried(part: Part, behind: str | None) -> bool:
    """Whether a device has properties that were not tried together, or not behind that bridge.

    Of kinds of room that are asked for, one is tried alone, and the others are as the firmware likes. What is left of
    before virtio 1 is tried on the root bus only (hw/virtio/virtio-pci.c: virtio_pci_realize).
    """
    several = sum(name.endswith(RESERVED) for name in part.properties) > 1
    return several or (behind == EXPRESS and is_on(part.properties.get(LEGACY, "")) is False)
