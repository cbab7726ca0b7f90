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
from migstream.qemu.words import say
from migstream.qemu.words.errno import NAMES, TEXTS

if TYPE_CHECKING:
    from migstream.stream import Device
    from migstream.wire.model import Section

__all__ = ["Words"]

CHAINED = (10, 2)
RAM_VERSION = 4
CAPABILITIES = "configuration/capabilities"
# Types of the fields that a function loads and a check can fail in (migration/vmstate.c).
ELEMENTS = {"virtio": "virtio", "virtio-gpu": "virtio-gpu", "config": "pci config"}


class Words:
    """The words of that destination."""

    def __init__(self, destination: Destination) -> None:
        self.destination = destination
        self.chained = destination.release.likely(CHAINED)

    def say(self, name: str, /, **values: int | str) -> str:
        """One message as the destination's release has it (`migstream.qemu.words.say`)."""
        return say(name, self.destination.release, **values)

    def _end(self, chain: Sequence[str], errno: str = "EINVAL") -> str:
        return ": ".join([self.say("result", error=TEXTS[errno]), *chain])

    def plain(self, line: str, errno: str = "EINVAL") -> tuple[str, ...]:
        """A line of the load itself, and the end."""
        return (self._end([line], errno),) if self.chained else (line, self._end([], errno))

    def unknown_section(self, name: str, instance: int) -> tuple[str, ...]:
        """No device takes the section."""
        return self.plain(self.say("unknown-section", device=name, instance=instance))

    def unknown_type(self, kind: int) -> tuple[str, ...]:
        """A byte that opens no item."""
        return self.plain(self.say("unknown-section-type", type=kind))

    def configuration(self, line: str) -> tuple[str, ...]:
        """A configuration section that is refused once it is read."""
        return (
            (self._end([self._configuration_hook(), line]),) if self.chained else self.plain(line)
        )

    def _configuration_hook(self) -> str:
        return self.say("hook/post", when="post", vmsd="configuration", version=1, minimum=0)

    def capabilities(self, lines: Sequence[str]) -> tuple[str, ...]:
        """Capabilities that differ, which are all said before it ends."""
        if not self.chained:
            return (*lines, self._end([]))
        return (*lines, self._end([self._configuration_hook(), self.say("validate-capabilities")]))

    def unknown_capability(self, name: str) -> tuple[str, ...]:
        """A capability of the stream that the destination does not have."""
        line = self.say("unknown-capability", capability=name)
        if not self.chained:
            field = self.say("field", vmsd=CAPABILITIES, field="capabilities")
            return (line, field, self._end([]))
        part = self.say("subsection-failed", subsection=CAPABILITIES, vmsd="configuration")
        return (self._end([part, line]),)

    def missing_footer(self, section: Section) -> tuple[str, ...]:
        """A section after which no footer stands where it should."""
        line = self.say("footer-missing", device=section.name)
        if not self.chained:
            return self.plain(line)
        return (line, self._end([self.say("footer-error", section=section.section_id)]))

    def version(self, device: Device, line: str) -> tuple[str, ...]:
        """A VMState whose version does not fit."""
        if not self.chained:
            return (line, self._context(device), self._end([]))
        return (self._end([self._context(device), line]),)

    def _context(self, device: Device) -> str:
        return self.say("loading-device", device=device.name, instance=device.instance_id)

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
            levels = [self.say("field", vmsd=vmsd, field=field) for vmsd, field in fields]
            return (*lines, *levels, self._context(device), self._end([], errno))
        # structs add nothing of their own, only what is loaded by a function does
        levels = [
            self.say("element", type=ELEMENTS[field], field=field)
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
        hook = self.say("hook/post", when="post", vmsd=part, version=0, minimum=0, error=-22)
        if blob:
            return self.device(device, line, hook, fields=outer)
        return (line, self._end([self._context(device), hook]))

    def invalid(self, device: Device, check: str) -> tuple[str, ...]:
        """A device whose VMState validates what was read so far (VMSTATE_VALIDATE)."""
        vmsd, _, field = check.partition("/")
        if not self.chained:
            line = self.say("validation", vmsd=vmsd, field=field)
            return self.device(device, line, errno="EPERM")
        version = device.section.version_id or 0
        line = self.say("validation", vmsd=vmsd, field=field, version=version)
        return (self._end([self._context(device), line]),)

    def post_load(
        self, device: Device, *lines: str, code: int, minimum: int | None = None
    ) -> tuple[str, ...]:
        """A device whose post_load refuses what was loaded; `code` is what it returns.

        `minimum` is that of a VMState that no schema has.
        """
        errno = NAMES[code]
        if not self.chained:
            return (*lines, self._context(device), self._end([], errno))
        version = device.section.version_id
        local = self.destination.versions(device.value.type, version)
        if local is not None and local.minimum is not None:
            minimum = local.minimum
        hook = self.say(
            "hook/post",
            when="post",
            vmsd=device.value.type,
            version=version or 0,
            minimum=(version if minimum is None else minimum) or 0,
            error=code,
        )
        return (*lines, self._end([self._context(device), hook]))

    def aborts(self, function: str, condition: str) -> tuple[str, ...]:
        """An assertion that does not hold; the file and line that QEMU says as well change too often."""
        return (self.say("assertion", function=function, condition=condition) + ".",)

    def ram(self, *lines: str, part: int | None = None) -> tuple[str, ...]:
        """Guest memory that is refused: in its START section, or in the PART or END with id `part`."""
        load = "" if not self.chained else self.say("bad-load", version=RAM_VERSION, error=-22)
        if part is not None:
            if self.chained:
                return (*lines, self._end([load]))
            return (*lines, self.say("loading-section", section=part, device="ram"), self._end([]))
        context = self.say("loading-device", device="ram", instance=0)
        return (
            (*lines, self._end([context, load]))
            if self.chained
            else (*lines, context, self._end([]))
        )
