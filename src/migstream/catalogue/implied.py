"""Properties that a device has: those that are written behind it, those of -global, those that its machine gives it."""

from __future__ import annotations

from migstream.catalogue.arguments import Part, Wanted
from migstream.catalogue.lineage import lineage
from migstream.catalogue.vectors import VECTORS, fixed_vectors
from migstream.qemu.release import Version

__all__ = ["properties_of"]

# How many queues a device has by itself: as many as there are CPUs, since this version of a machine type
# (hw/virtio/virtio-blk-pci.c, virtio-scsi-pci.c, vhost-user-*-pci.c).
QUEUES = {"virtio-blk": "num-queues", "virtio-scsi": "num_queues"}
QUEUES_SINCE = (5, 2)


def properties_of(
    driver: str,
    bus: str,
    part: Part,
    wanted: Wanted,
    version: Version | None,
    *,
    msi_broken: bool,
) -> dict[str, str]:
    """The properties of a device, queues before vectors.

    Parameters
    ----------
    bus : the kind of bus that it sits on
    version : of the machine type; one without versions is always the newest
    msi_broken : whether no device of the machine has MSI
    """
    found, line = fixed_vectors(driver, version), lineage(driver, bus)
    found |= {name: value for who, name, value in wanted.globals if who in line}
    found |= part.properties
    for stem, name in QUEUES.items():
        on_pci = driver.startswith(f"{stem}-pci")
        if on_pci and wanted.cpus > 1 and (version or QUEUES_SINCE) >= QUEUES_SINCE:
            found.setdefault(name, str(wanted.cpus))
    if msi_broken and "virtio" in driver:
        found[VECTORS] = "0"
    return dict(sorted(found.items(), key=lambda one: one[0] == VECTORS))
