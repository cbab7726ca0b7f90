"""What a schema cannot say of a load: it has the devices of a binary, not of a machine that was started."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from migstream.machine.map.setup import machine_setup
from migstream.vmstate.meaning.pci import config_space
from migstream.vmstate.meaning.virtio import virtio_blob

if TYPE_CHECKING:
    from migstream.stream import Stream

__all__ = ["undecided"]

SPOKEN = {"kvm": "KVM", "tcg": "TCG"}


def undecided(stream: Stream) -> Iterator[str]:
    """What only a stream of the destination could tell of the load of this one, each in a few words."""
    yield "which devices it is started with"
    setup = machine_setup(stream)
    if setup.cpus is not None:
        yield f"its CPUs (here {setup.cpus})"
    if setup.accelerator is not None:
        yield f"its accelerator (here {SPOKEN[setup.accelerator]})"
    if stream.blocks:
        yield f"its RAM ({_many(len(stream.blocks), 'block')})"
    pci = sum(config_space(device.value) is not None for device in stream.devices)
    if pci:
        yield f"PCI registers ({_many(pci, 'device')})"
    virtio = sum(virtio_blob(device) is not None for device in stream.devices)
    if virtio:
        yield f"virtqueues and features ({_many(virtio, 'virtio device')})"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
