"""QEMU's words for a load that fails, by release: what it will print, line by line.

Up to 10.1 each level prints its own line, and the last one has the error number's text; from 10.2 on
the last line has all of them, chained. Seen in 5.2, 7.2, 10.0 and 11.1; migration/savevm.c,
migration/vmstate.c.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from migstream.analysis.compat_destination import Bounds

if TYPE_CHECKING:
    from migstream.stream import Device
    from migstream.wire.model import Section

__all__ = ["Words"]

ERRNO = {
    "EPERM": "Operation not permitted",
    "ENOENT": "No such file or directory",
    "EIO": "Input/output error",
    "EINVAL": "Invalid argument",
}
NUMBERS = {-1: "EPERM", -2: "ENOENT", -5: "EIO", -22: "EINVAL"}
CHAINED = (10, 2)
SETUP = "Make sure that your current VM setup matches your saved VM setup, including any hotplugged devices"


class Words:
    """The words of a destination of that release."""

    def __init__(self, release: Bounds) -> None:
        self.chained = release.since(CHAINED)

    def _end(self, chain: Sequence[str], errno: str = "EINVAL") -> str:
        return ": ".join([f"load of migration failed: {ERRNO[errno]}", *chain])

    def plain(self, line: str, errno: str = "EINVAL") -> tuple[str, ...]:
        """A line of the load itself, and the end."""
        return (self._end([line], errno),) if self.chained else (line, self._end([], errno))

    def unknown_section(self, name: str, instance: int) -> tuple[str, ...]:
        """No device takes the section."""
        savevm = "" if self.chained else "savevm "
        return self.plain(f"Unknown {savevm}section or instance '{name}' {instance}. {SETUP}")

    def unknown_type(self, kind: int) -> tuple[str, ...]:
        """A byte that opens no item."""
        # 11.1 says "savevm" where a device follows, and leaves it out where a type does not exist
        savevm = "" if self.chained else "savevm "
        return self.plain(f"Unknown {savevm}section type {kind}")

    def configuration(self, line: str) -> tuple[str, ...]:
        """A configuration section that is refused once it is read."""
        if not self.chained:
            return self.plain(line)
        hook = "post load hook failed for: configuration, version_id: 1, minimum_version: 0"
        return (self._end([hook, line]),)

    def missing_footer(self, section: Section) -> tuple[str, ...]:
        """A section after which no footer stands where it should."""
        line = f"Missing section footer for {section.name}"
        if not self.chained:
            return self.plain(line)
        return (line, self._end([f"Section footer error, section_id: {section.section_id}"]))

    def version(self, device: Device, line: str) -> tuple[str, ...]:
        """A VMState whose version does not fit."""
        if not self.chained:
            return (line, self._context(device), self._end([]))
        return (self._end([self._context(device), line.replace("  ", " ")]),)

    def _context(self, device: Device) -> str:
        return (
            f"error while loading state for instance {device.instance_id:#x}"
            f" of device '{device.name}'"
        )

    def chain(self, device: Device, path: Sequence[str]) -> list[tuple[str, str]]:
        """VMState and field of each level that a failure inside `path` goes through, inmost first."""
        names = [device.value.type, *path[:-1]]
        return [(vmsd, field) for vmsd, field in zip(names, path, strict=True)][::-1]

    def device(
        self,
        device: Device,
        *lines: str,
        fields: Sequence[tuple[str, str]] = (),
        errno: str = "EINVAL",
    ) -> tuple[str, ...]:
        """A device that fails while it loads a field."""
        if not self.chained:
            levels = [f"Failed to load {vmsd}:{field}" for vmsd, field in fields]
            return (*lines, *levels, self._context(device), self._end([], errno))
        levels = [
            f"Failed to load element of type {_element(field)} for {field}" for _, field in fields
        ]
        # what is loaded inside a hand-written blob reports its own levels by itself
        inside = next((n for n, (_, field) in enumerate(fields) if field == "virtio"), 0)
        chain = [self._context(device), *levels[inside:][::-1]]
        return (*lines, *levels[:inside], self._end(chain, errno))

    def post_load(self, device: Device, *lines: str, code: int) -> tuple[str, ...]:
        """A device whose post_load refuses what was loaded; `code` is what it returns."""
        errno = NUMBERS[code]
        if not self.chained:
            return (*lines, self._context(device), self._end([], errno))
        version = device.section.version_id
        hook = (
            f"post load hook failed for: {device.value.type}, version_id: {version},"
            f" minimum_version: {version}, ret: {code}"
        )
        return (*lines, self._end([self._context(device), hook]))

    def ram(self, device_name: str, line: str, version: int) -> tuple[str, ...]:
        """A RAM section that is refused."""
        context = f"error while loading state for instance 0x0 of device '{device_name}'"
        if not self.chained:
            return (line, context, self._end([]))
        load = f"Failed to load vmstate version_id: {version}, ret: -22"
        return (line, self._end([context, load]))


def _element(field: str) -> str:
    return {"virtio": "virtio", "config": "pci config"}.get(field, "struct")
