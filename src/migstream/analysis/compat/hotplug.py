"""Registers of CPU hot-plug, which have an element for each CPU that the destination can have, whatever was sent.

Until 10.0 they are saved only once the guest has switched to them, so that a stream of the destination's own after reset
does not show how many there are.

References
----------
QEMU, hw/acpi/cpu.c: vmstate_cpu_hotplug (`devs`, dev_count), cpu_hotplug_hw_init
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from migstream.analysis.compat.model import Problem
from migstream.analysis.compat.said import Words
from migstream.names import many

if TYPE_CHECKING:
    from migstream.analysis.compat.destination import Destination
    from migstream.stream import Device
    from migstream.vmstate.values import Value

__all__ = ["cpu_slots"]

SUBSECTION, STATE, SLOTS = "/cpuhp", "cpuhp_state", "devs"


def cpu_slots(
    ours: Device, theirs: Device | None, destination: Destination, words: Words
) -> Iterator[Problem]:
    """More, or fewer, CPUs that can be plugged in than on the destination."""
    there = destination.max_cpus
    sent = None if there is None else _sent(ours)
    if sent is None or (theirs is not None and _sent(theirs) is not None):
        return  # where both have it, its own fields are compared
    slots = _slots(sent)
    here = sum(max(one.count or 1, 1) for one in slots)
    if slots and here != there:
        yield Problem(
            kind="fields",
            device=ours.path,
            path=slots[0].path,
            span=slots[0].span,
            message=f"the machine can have {many(here, 'CPU')}, the destination {there}",
            said=words.missing_footer(ours.section),
            hint=f"-smp with maxcpus={here}",
        )


def _sent(device: Device) -> Value | None:
    """The subsection, which is the device's, or that of a part of it (ICH9)."""
    for one in device.value:
        inside: list[Value] = list(one) if one.type == "struct" else []
        for inner in (one, *inside):
            if inner.name.endswith(SUBSECTION):
                found: Value = inner
                return found
    return None


def _slots(sent: Value) -> list[Value]:
    state = next((one for one in sent if one.name == STATE), ())
    return [one for one in state if one.name.partition("[")[0] == SLOTS]
