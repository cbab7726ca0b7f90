"""virtio feature bits by name: those of every device, and those of each type.

References: Virtual I/O Device (VIRTIO) 1.3, 5 and 6; QEMU, include/standard-headers/linux/virtio_*.h.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["feature_names", "kind_of"]

# Those of the transport and the rings, and what vhost adds to them (include/standard-headers/linux/vhost_types.h).
COMMON: Mapping[int, str] = {
    24: "NOTIFY_ON_EMPTY",
    26: "LOG_ALL",
    27: "ANY_LAYOUT",
    28: "RING_INDIRECT_DESC",
    29: "RING_EVENT_IDX",
    30: "BAD_FEATURE",
    32: "VERSION_1",
    33: "ACCESS_PLATFORM",
    34: "RING_PACKED",
    35: "IN_ORDER",
    36: "ORDER_PLATFORM",
    37: "SR_IOV",
    38: "NOTIFICATION_DATA",
    39: "NOTIF_CONFIG_DATA",
    40: "RING_RESET",
    41: "ADMIN_VQ",
}


def _bits(names: str, first: int = 0) -> dict[int, str]:
    """Names from bit `first` on, one after another; `-` has no name."""
    return {n: name for n, name in enumerate(names.split(), first) if name != "-"}


_DEVICES: Mapping[str, Mapping[int, str]] = {
    "virtio-net": {
        **_bits(
            "CSUM GUEST_CSUM CTRL_GUEST_OFFLOADS MTU - MAC GSO GUEST_TSO4 GUEST_TSO6 GUEST_ECN GUEST_UFO "
            "HOST_TSO4 HOST_TSO6 HOST_ECN HOST_UFO MRG_RXBUF STATUS CTRL_VQ CTRL_RX CTRL_VLAN CTRL_RX_EXTRA "
            "GUEST_ANNOUNCE MQ CTRL_MAC_ADDR"
        ),
        **_bits("DEVICE_STATS", 50),
        **_bits("VQ_NOTF_COAL NOTF_COAL GUEST_USO4 GUEST_USO6 HOST_USO HASH_REPORT", 52),
        **_bits("GUEST_HDRLEN RSS RSC_EXT STANDBY SPEED_DUPLEX", 59),
        **_bits(
            "GUEST_UDP_TUNNEL_GSO GUEST_UDP_TUNNEL_GSO_CSUM HOST_UDP_TUNNEL_GSO HOST_UDP_TUNNEL_GSO_CSUM",
            65,
        ),
    },
    "virtio-blk": _bits(
        "BARRIER SIZE_MAX SEG_MAX - GEOMETRY RO BLK_SIZE SCSI - FLUSH TOPOLOGY CONFIG_WCE MQ DISCARD "
        "WRITE_ZEROES LIFETIME SECURE_ERASE ZONED"
    ),
    "virtio-console": _bits("SIZE MULTIPORT EMERG_WRITE"),
    "virtio-scsi": _bits("INOUT HOTPLUG CHANGE T10_PI"),
    "virtio-balloon": _bits(
        "MUST_TELL_HOST STATS_VQ DEFLATE_ON_OOM FREE_PAGE_HINT PAGE_POISON REPORTING"
    ),
    "virtio-gpu": _bits("VIRGL EDID RESOURCE_UUID RESOURCE_BLOB CONTEXT_INIT BLOB_ALIGNMENT"),
    "virtio-9p": _bits("MOUNT_TAG"),
    "virtio-crypto": _bits("REVISION_1 CIPHER HASH MAC AEAD AKCIPHER"),
    "virtio-mem": _bits("ACPI_PXM UNPLUGGED_INACCESSIBLE PERSISTENT_SUSPEND"),
    "virtio-iommu": _bits("INPUT_RANGE DOMAIN_RANGE MAP_UNMAP BYPASS PROBE MMIO BYPASS_CONFIG"),
    "virtio-vsock": _bits("STREAM SEQPACKET NO_IMPLIED_STREAM"),
    "virtio-fs": _bits("NOTIFICATION"),
    "virtio-pmem": _bits("SHMEM_REGION"),
    "virtio-sound": _bits("CTLS"),
    "virtio-i2c": _bits("ZERO_LENGTH_REQUEST"),
    "virtio-gpio": _bits("IRQ"),
    "virtio-rtc": _bits("ALARM"),
}
# The same device under another name: as a VMState of QEMU has it, or a device of its command line.
ALIASES = {
    "virtio-serial": "virtio-console",
    "virtio-vhost_scsi": "virtio-scsi",
    "vhost-scsi": "virtio-scsi",
    "virtio-vhost_vsock": "virtio-vsock",
    "vhost-vsock": "virtio-vsock",
    "virtio-snd": "virtio-sound",
    "virtio-user-fs": "virtio-fs",
}
VHOST_USER = "vhost-user-"


def kind_of(device: str) -> str:
    """What kind of virtio device a name is of, whoever does the work for it: `virtio-blk`.

    Parameters
    ----------
    device : a section's name, or the name of a device's VMState: `0000:00:02.0/vhost-user-blk`
    """
    name = device.rpartition("/")[2]
    if name.startswith(VHOST_USER):
        name = f"virtio-{name.removeprefix(VHOST_USER)}"
    return ALIASES.get(name, name)


def feature_names(features: int, device: str = "") -> list[str]:
    """The bits that are set, lowest first, by name; those without a name as `bit N`.

    Parameters
    ----------
    device : a section's name, or the name of a device's VMState: `0000:00:02.0/virtio-net`
    """
    own = _DEVICES.get(kind_of(device), {})
    bits = (n for n in range(features.bit_length()) if features >> n & 1)
    return [own.get(n) or COMMON.get(n) or f"bit {n}" for n in bits]
