"""The stream's own devices by the place that they are at, as far as names tell."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from migstream.stream import Device, Stream

__all__ = ["Guest", "split"]


def split(name: str) -> tuple[str, str]:
    """A section's or block's name as the path of its device, which may be empty, and the rest."""
    path, _, tail = name.rpartition("/")
    # `/rom@etc/acpi/tables`: a file of the firmware's, no device's
    return ("", name) if name.startswith("/") else (path, tail)


class Guest:
    """What is at each place of a stream's machine."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream

    @cached_property
    def devices(self) -> dict[str, dict[tuple[str, int], Device]]:
        """Sections by path, then by the rest of their name and instance id."""
        found: dict[str, dict[tuple[str, int], Device]] = {}
        for device in self.stream.devices:
            path, tail = split(device.name)
            found.setdefault(path, {})[tail, device.instance_id] = device
        return found

    @cached_property
    def keys(self) -> frozenset[tuple[str, int]]:
        """Names and instance ids of all sections."""
        return frozenset(device.section.key for device in self.stream.devices)

    @cached_property
    def blocks(self) -> dict[str, dict[str, int]]:
        """RAM blocks by path, then by the rest of their name: bytes."""
        found: dict[str, dict[str, int]] = {}
        for block in self.stream.blocks:
            path, tail = split(block.name)
            found.setdefault(path, {})[tail] = block.used_length
        return found

    def payload(self, device: Device) -> bytes:
        """The bytes of a device."""
        return bytes(self.stream.store.view(*device.section.payload))
