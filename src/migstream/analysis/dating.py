"""Which releases of QEMU can have written a stream: by marks that each release left in what it writes.

References
----------
QEMU, qobject/json-writer.c (6.0 writes without blanks inside of braces); migration/savevm.c (the
configuration is described from 8.2 on, SWITCHOVER_START is sent from 10.0 on by machine types of
that release); migration/global_state.c (`vm_was_suspended`, 9.0); migration/vmstate.c (`index` up to
10.2, `ptr-marker` from 11.1 on); hw/acpi/piix4.c, hw/acpi/ich9.c, target/arm/machine.c (what 11.1
sends for machines that older releases have as well)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from migstream.qemu.release import Bounds, Version, machine_version
from migstream.wire.model import Command

if TYPE_CHECKING:
    from migstream.stream import Stream

__all__ = ["written_by"]

DESCRIBED = (2, 3)  # the first release that writes a description
CONFIGURATION_KEY = b'"configuration"'
KEY_WITHIN = 64  # bytes from the beginning of the text in which its first keys stand
# Subsections that 11.1 sends whenever the device is there. Older releases send them, too, once the guest's operating
# system has run the ACPI tables, which switch to the new way of plugging CPUs in: never before it has paging on.
NEW_SUBSECTIONS = (b'"piix4_pm/cpuhp"', b'"ich9_pm/cpuhp"')
CONTROL, PAGING = "env.cr[0]", 1 << 31
REGISTERS = "cpreg_vmstate_array_len"  # a number of 32 bits with a sign since 11.1

Mark = tuple[Version, bool]  # a release, and whether the stream is of it or newer


def written_by(stream: Stream) -> Bounds:
    """The releases that can have written a stream, from its own bytes."""
    return Bounds.by_marks(_marks(stream))


def _marks(stream: Stream) -> Iterator[Mark]:
    _, machine = machine_version(stream.machine or "")
    if machine is not None:
        yield machine, True
    if any(isinstance(item, Command) and item.name == "SWITCHOVER_START" for item in stream.head):
        yield (10, 0), True
    if stream.description is not None:
        yield from _described(stream, stream.description.text)


def _described(stream: Stream, text: bytes) -> Iterator[Mark]:
    """Marks of the description, and of what it describes."""
    yield DESCRIBED, True
    yield (6, 0), not text.startswith(b"{ ")
    if stream.configuration is not None:
        yield (8, 2), CONFIGURATION_KEY in text[:KEY_WITHIN]
    for device in stream.devices:
        if device.name == "globalstate" and device.layout is not None:
            yield (9, 0), any(child.name == "vm_was_suspended" for child in device)
    if b'"ptr-marker"' in text or _new_state(stream, text):
        yield (11, 1), True
    elif b'"index"' in text:
        yield (11, 1), False


def _new_state(stream: Stream, text: bytes) -> bool:
    if any(name in text for name in NEW_SUBSECTIONS) and not _paging(stream):
        return True
    return REGISTERS.encode() in text and any(
        child.name == REGISTERS and child.type == "int32"
        for device in stream.devices
        if device.name == "cpu"
        for child in device
    )


def _paging(stream: Stream) -> bool:
    """Whether a CPU of a PC has paging on: an operating system may run."""
    return any(
        child.name == CONTROL and int(child) & PAGING
        for device in stream.devices
        if device.name == "cpu"
        for child in device
    )
