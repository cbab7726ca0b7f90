"""How many MSI-X vectors a device has: with other queues, or in an older machine type, not what it has by itself.

References
----------
QEMU, hw/pci/msix.c: msix_init; hw/core/machine.c: hw_compat_*
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from migstream.catalogue.capabilities import vectors_in
from migstream.catalogue.model import Added, State
from migstream.qemu.release import Version

__all__ = ["VECTORS", "by_ports", "fixed_vectors", "vectors_between"]

VECTORS = "vectors"
PORTS = "max_ports"  # virtio-serial of old machine types has a vector for each (hw/i386/pc.c: pc_compat_1_4)
# Devices whose number does not go by their queues in machine types up to a version (hw_compat_2_11).
FIXED, FIXED_UNTIL, FEW = ("virtio-blk-pci", "vhost-user-blk-pci"), (2, 11), "2"
VERSION = 4  # bytes before the configuration space
SPACE = 256


def vectors_between(
    options: Mapping[str, Added],
    base: Added,
    states: Sequence[State],
    here: State | None,
    value: str,
) -> tuple[Added, Added] | None:
    """What a device adds with as many vectors as it has, and with those it is to have; None where that was not tried.

    Parameters
    ----------
    options, base : what it adds with each property, and without any
    here : its state so far
    """
    first = next(iter(base.sections), None)
    if here is None or first is None or not value.isdecimal():
        return None
    before, after = (
        base if number == _vectors(states[first.state]) else options.get(f"{VECTORS}={number}")
        for number in (_vectors(here), int(value))
    )
    return None if before is None or after is None else (before, after)


def fixed_vectors(driver: str, version: Version | None) -> dict[str, str]:
    """The property as an older machine type gives it to a device; nothing where it does not."""
    older = version is not None and version <= FIXED_UNTIL
    return {VECTORS: FEW} if older and driver in FIXED else {}


def by_ports(name: str, base: Added, states: Sequence[State], here: State | None) -> bool:
    """Whether a property gives the device another number of vectors than it does on the newest machine type."""
    first = next(iter(base.sections), None)
    if name != PORTS or here is None or first is None:
        return False
    return _vectors(here) != _vectors(states[first.state])


def _vectors(state: State) -> int:
    space = state.payload[VERSION : VERSION + SPACE]
    return vectors_in(space) if len(space) == SPACE else 0
