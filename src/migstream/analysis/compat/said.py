"""QEMU's words for a load that fails, by release: what it will print, line by line.

Up to 10.1 each level prints its own line, and the last one has the error number's text; from 10.2 on
the last line has all of them, chained. Seen in 5.2, 7.2, 10.0 and 11.1; migration/savevm.c,
migration/vmstate.c.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from migstream.analysis.compat.align import COUNTED
from migstream.analysis.compat.destination import Destination

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
RAM_VERSION = 4
# Types of the fields that a function loads and a check can fail in (migration/vmstate.c).
ELEMENTS = {"virtio": "virtio", "virtio-gpu": "virtio-gpu", "config": "pci config"}
CONFIGURATION_HOOK = "post load hook failed for: configuration, version_id: 1, minimum_version: 0"
SETUP = "Make sure that your current VM setup matches your saved VM setup, including any hotplugged devices"


class Words:
    """The words of that destination."""

    def __init__(self, destination: Destination) -> None:
        self.destination = destination
        self.chained = destination.release.since(CHAINED)

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
        return (self._end([CONFIGURATION_HOOK, line]),) if self.chained else self.plain(line)

    def capabilities(self, lines: Sequence[str]) -> tuple[str, ...]:
        """Capabilities that differ, which are all said before it ends."""
        if not self.chained:
            return (*lines, self._end([]))
        return (*lines, self._end([CONFIGURATION_HOOK, "Failed to validate capabilities"]))

    def unknown_capability(self, name: str) -> tuple[str, ...]:
        """A capability of the stream that the destination has not got."""
        line = f"Received unknown capability {name}"
        if not self.chained:
            field = "Failed to load configuration/capabilities:capabilities"
            return (line, field, self._end([]))
        part = "Loading VM subsection 'configuration/capabilities' in 'configuration' failed"
        return (self._end([part, line]),)

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
        fields = [COUNTED.sub("", field) for field in path]
        return list(zip([device.value.type, *fields], fields, strict=False))[::-1]

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
        # structs add nothing of their own, only what is loaded by a function does
        levels = [
            f"Failed to load element of type {ELEMENTS[field]} for {field}"
            for _, field in fields
            if field in ELEMENTS
        ]
        # what is loaded inside a hand-written blob reports its own levels by itself
        own = len(levels) - 1 if fields and fields[-1][1] == "virtio" else 0
        return (*lines, *levels[:own], self._end([self._context(device), *levels[own:]], errno))

    def sanity(
        self, device: Device, line: str, *, state: str, part: str, blob: bool
    ) -> tuple[str, ...]:
        """A check of `part`, a field "tmp" of the VMState `state`, which may be inside a virtio blob."""
        outer = [(device.value.type, "virtio")] if blob else []
        if not self.chained:
            return self.device(device, line, fields=[(state, "tmp"), *outer])
        hook = f"post load hook failed for: {part}, version_id: 0, minimum_version: 0, ret: -22"
        if blob:
            return self.device(device, line, hook, fields=outer)
        return (line, self._end([self._context(device), hook]))

    def invalid(self, device: Device, check: str) -> tuple[str, ...]:
        """A device whose VMState validates what was read so far (VMSTATE_VALIDATE)."""
        line = f"Input validation failed: {check}"
        if not self.chained:
            return self.device(device, line, errno="EPERM")
        version = device.section.version_id
        return (self._end([self._context(device), f"{line} version_id: {version}"]),)

    def post_load(
        self, device: Device, *lines: str, code: int, minimum: int | None = None
    ) -> tuple[str, ...]:
        """A device whose post_load refuses what was loaded; `code` is what it returns.

        `minimum` is that of a VMState that no schema has.
        """
        errno = NUMBERS[code]
        if not self.chained:
            return (*lines, self._context(device), self._end([], errno))
        version = device.section.version_id
        local = self.destination.versions(device.value.type, version)
        if local is not None and local.minimum is not None:
            minimum = local.minimum
        hook = (
            f"post load hook failed for: {device.value.type}, version_id: {version},"
            f" minimum_version: {version if minimum is None else minimum}, ret: {code}"
        )
        return (*lines, self._end([self._context(device), hook]))

    def aborts(self, function: str, condition: str) -> tuple[str, ...]:
        """An assertion that does not hold; the file and line that QEMU says as well change too often."""
        return (f"{function}: Assertion `{condition}' failed.",)

    def ram(self, *lines: str, part: int | None = None) -> tuple[str, ...]:
        """Guest memory that is refused: in its START section, or in the PART or END with id `part`."""
        load = f"Failed to load vmstate version_id: {RAM_VERSION}, ret: -22"
        if part is not None:
            if self.chained:
                return (*lines, self._end([load]))
            return (*lines, f"error while loading state section id {part}(ram)", self._end([]))
        context = "error while loading state for instance 0x0 of device 'ram'"
        return (
            (*lines, self._end([context, load]))
            if self.chained
            else (*lines, context, self._end([]))
        )
