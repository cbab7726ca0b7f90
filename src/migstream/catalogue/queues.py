"""Queues of which a device says the most that there may be, whatever size they were told to have.

So does each device on a virtio-mmio of QEMU 10.0, and of 11.1's machine types up to 11.0, until a guest sets it up.

References
----------
QEMU, include/hw/virtio/virtio.h: VIRTQUEUE_MAX_SIZE; hw/virtio/virtio.c: virtio_save
"""

from __future__ import annotations

from collections.abc import Sequence

from migstream.catalogue.merged import is_virtio, leaves
from migstream.catalogue.model import Added, State

__all__ = ["SIZE", "says_most"]

SIZE = ("queue-size", "queue_size")  # what names of properties end with that give one
NUMBER = "num"
MOST = (1024).to_bytes(4, "big")


def says_most(added: Added, states: Sequence[State]) -> bool:
    """Whether that is said of each of a device's queues."""
    found = [states[one.state] for one in added.sections]
    values = [leaf for state in found if is_virtio(state) for leaf in next(leaves([state]))]
    numbers = [raw for path, raw in values if path[-1] == NUMBER]
    return bool(numbers) and all(raw == MOST for raw in numbers)
