"""A stream held against the XML that libvirt put before it."""

from __future__ import annotations

from collections.abc import Iterator

from migstream.machine.map.setup import machine_setup
from migstream.names import many
from migstream.source.domain import Domain, read_domain
from migstream.stream import Stream

__all__ = ["disagreements", "domain_of"]

# Names that stand for the newest machine type of a kind.
ALIASES = ("pc", "q35", "virt", "pseries", "s390-ccw-virtio")
# A host's device is saved by its own driver, or not at all.
UNSAVED = frozenset({"hostdev"})


def domain_of(stream: Stream) -> Domain | None:
    """What the XML before a stream says; None where it does not stand in a save image of libvirt's."""
    layer = next((one for one in stream.layers if one.name == "libvirt"), None)
    return None if layer is None else read_domain(layer.facts["xml"])


def disagreements(stream: Stream, domain: Domain) -> Iterator[str]:
    """What the XML says of the guest, and the stream says otherwise; nothing where one of the two is silent.

    Guest memory is not looked at. libvirt starts a QEMU by the XML, and has it load the stream: what
    disagrees here is refused there.
    """
    if not domain.name:
        yield "it is not a domain's XML, or not one that can be read"
        return
    setup = machine_setup(stream)
    for said, found, what in (
        (domain.vcpus, setup.cpus, "vCPU"),
        (domain.most_vcpus, setup.max_cpus, "vCPU at most"),
    ):
        if said and found and said != found:
            yield f"it says {many(said, what)}, the stream has {found}"
    plugged = sum(block.size for block in setup.plugged)
    if domain.memory and setup.memory and domain.memory != setup.memory + plugged:
        yield f"it says {domain.memory:#x} bytes of memory, the stream has {setup.memory + plugged:#x}"
    if stream.machine and domain.machine not in {"", stream.machine, *ALIASES}:
        yield f"it says machine type {domain.machine}, the stream {stream.machine}"
    uuid = None if stream.configuration is None else stream.configuration.uuid
    if uuid and domain.uuid and domain.uuid.lower() != uuid.lower():
        yield f"it says uuid {domain.uuid}, the stream {uuid}"
    if not stream.devices:
        return  # it was cut off before them
    sent = {device.name.partition("/")[0] for device in stream.devices}
    for device in domain.devices:
        if device.kind not in UNSAVED and device.path not in sent:
            yield f"it has a device at {device.path} ({device.kind}), the stream has none there"
