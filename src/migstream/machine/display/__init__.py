"""What a guest's displays show: registers and video memory to a picture, one module for each family of devices.

A picture is a NumPy array of uint8, shape (height, width, 3): red, green, blue.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from migstream.errors import MigstreamError
from migstream.machine.display.model import Display, Guest, Head
from migstream.machine.state import DeviceState

__all__ = ["FAMILIES", "heads"]

# The last part of a section's name, and the module that reads such sections.
FAMILIES = {
    "vga": "vga",
    "vga-isa": "vga",  # since 11.0
    "virtio-vga": "vga",
    "qxl": "qxl",
    "cirrus_vga": "cirrus",
    "bochs-display": "bochs",
    "virtio-gpu": "gpu",
    "ramfb": "ramfb",
    "ramfb-dev": "ramfb",
}


def heads(guest: Guest) -> Iterator[Head]:
    """Every head of every display, in the order of their sections; what cannot be read says so."""
    for device in guest.devices:
        family = FAMILIES.get(device.name.rpartition("/")[2])
        if family is not None:
            yield from _heads(guest, device, family)


def _heads(guest: Guest, device: DeviceState, family: str) -> list[Head]:
    try:
        return list(import_module(f"{__name__}.{family}").heads(guest, device))
    except MigstreamError as error:
        return [Head(Display(device=device.path, head=0, mode="unknown", damage=error.message))]
