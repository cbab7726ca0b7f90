"""What bytes mean that a description shows as one blob: one decoder for each, found by where they stand.

A decoder is told where it stands (`Inside`) and gives nodes for the bytes, or nothing; what it
leaves is shown as `rest`. MEANINGS says which one is asked; docs/meaning.md has the keys.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from migstream.plugins import Registry
from migstream.vmstate.layout import Node
from migstream.vmstate.meaning.parts import Inside, Meaning, Unclear, node

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["MEANINGS", "inside", "where"]

_HERE = "migstream.vmstate.meaning"
MEANINGS: Registry[Meaning] = Registry(
    "migstream.meanings",
    {
        "type:pci config": f"{_HERE}.pci_config:config",
        "type:msix state": f"{_HERE}.pci_config:msix",
        "type:shpc": f"{_HERE}.pci_config:shpc",
        "type:virtio": f"{_HERE}.virtio:virtio",
        "field:*/virtio/device_config": f"{_HERE}.virtio_config:config",
        "field:virtio-net/virtio/device": f"{_HERE}.virtio_devices:net",
        "field:virtio-blk/virtio/device": f"{_HERE}.virtio_devices:blk",
        "field:virtio-console/virtio/device": f"{_HERE}.virtio_devices:console",
        "field:virtio-balloon/virtio/device": f"{_HERE}.virtio_devices:balloon",
        "field:virtio-mem/virtio/device": f"{_HERE}.virtio_devices:mem",
        "field:virtio-iommu/virtio/device": f"{_HERE}.virtio_iommu:iommu",
        **{
            f"field:{where}{name}": f"{_HERE}.vga:{name}"
            for where in ("*/vga/", "vga/", "cirrus_vga/*vga.")
            for name in ("cr", "sr", "gr", "ar", "palette")
        },
        "field:ramfb-dev/*cfg": f"{_HERE}.vga:ramfb",
        "type:virtio-gpu": f"{_HERE}.gpu:resources",
        "type:blob": f"{_HERE}.gpu:blobs",
        "field:*/identify_data": f"{_HERE}.ata:identify",
        "field:*/esp/rregs": f"{_HERE}.registers:esp_read",
        "field:*/esp/wregs": f"{_HERE}.registers:esp_write",
        "field:escc/*/rregs": f"{_HERE}.registers:escc_read",
        "field:escc/*/wregs": f"{_HERE}.registers:escc_write",
        "field:ac97/mixer_data": f"{_HERE}.registers:ac97",
        "field:xive-tctx/regs": f"{_HERE}.registers:xive",
        "field:xive-source/status": f"{_HERE}.registers:events",
        "field:tpm-emulator/*.buffer": f"{_HERE}.tpm:state",
        "field:tpm-tis*/state.buffer": f"{_HERE}.tpm:message",
        "field:tpm-spapr/buffer": f"{_HERE}.tpm:message",
        "field:spapr/spapr_dtb/fdt_blob": f"{_HERE}.fdt:tree",
        "field:spapr_nvram/buf": f"{_HERE}.nvram:partitions",
        "field:macio_nvram/data": f"{_HERE}.nvram:partitions",
        "field:usb-ccid/dev/setup_buf": f"{_HERE}.usb:setup",
        "type:scsi-requests": f"{_HERE}.scsi:requests",
        "type:usb-redir-parser": f"{_HERE}.usb:parser",
        "type:usb-redir-packet-id-q": f"{_HERE}.usb:packet_ids",
        "type:usb-redir-bufpq": f"{_HERE}.usb:packets",
        "section:todclock": f"{_HERE}.s390:tod",
        "type:irqs": f"{_HERE}.s390:irqs",
        "type:virtio-fs back-end state": f"{_HERE}.vhost:chunks",
        "type:virtio-net vhost-user backend state": f"{_HERE}.vhost:chunks",
    },
)


def inside(value: Value) -> tuple[Node, ...]:
    """What a value consists of that is one blob to the description; nothing where nobody knows."""
    root = value.device
    path = value.path[len(root.path) + 1 :]
    described = root.described and bool(root.vmsd)  # of some nothing but the size is described
    decode = _decoder(root.device, root.vmsd, path, value.type, described)
    if decode is None:
        return ()
    raw = value.raw
    try:
        return tuple(_whole(decode(raw, where(value)), len(raw)))
    except (Unclear, LookupError, ValueError, struct.error):
        return ()


@lru_cache(maxsize=4096)
def _decoder(device: str, vmsd: str, path: str, kind: str, described: bool) -> Meaning | None:
    """The decoder of the first key that anybody claims, from the narrowest to the widest."""
    if not described:
        return MEANINGS.find(f"section:{device}")
    return MEANINGS.find(f"field:{vmsd}/{path}") or MEANINGS.find(f"type:{kind}")


def where(value: Value) -> Inside:
    """Where a value stands, in the words that a decoder is told."""
    root = value.device

    def beside(name: str) -> Value | None:
        """Asked of the struct above, when somebody asks."""
        above = value.above
        return None if above is None else next((c for c in above if c.name == name), None)

    return Inside(
        device=root.device,
        vmsd=root.vmsd,
        path=value.path[len(root.path) + 1 :],
        field=value.name,
        type=value.type,
        version=root.version,
        machine=root.machine,
        beside=beside,
        big_endian=root.big_endian,
    )


def _whole(nodes: Sequence[Node], size: int) -> Iterator[Node]:
    """The nodes, which follow each other, and the bytes behind the last one as `rest`."""
    at = 0
    for one in nodes:
        if one.offset != at or one.size < 0 or at + one.size > size:
            raise Unclear(f"{one.name} does not follow what is before it")
        at += one.size
        yield one
    if nodes and at < size:
        yield node("rest", "buffer", at, size - at)
