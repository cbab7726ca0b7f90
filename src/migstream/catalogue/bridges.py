"""Bridges: which are alike for what is behind them, where their buses are, which of their properties go together."""

from __future__ import annotations

from migstream.catalogue.arguments import Part

__all__ = ["BEHIND", "EXPANDERS", "INSIDE", "reserves"]

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
RESERVED = "-reserve"


def reserves(part: Part) -> int:
    """How many kinds of room are asked for: with one the others are as the firmware likes, of several each was tried alone."""
    return sum(name.endswith(RESERVED) for name in part.properties)
