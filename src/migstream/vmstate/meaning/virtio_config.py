"""A virtio device's configuration space: a struct of each kind of device, which grew from release to release.

How much of it a device has is its length. References: Virtual I/O Device (VIRTIO) 1.3, 5; QEMU,
include/standard-headers/linux/virtio_*.h, hw/virtio/virtio.c: virtio_config_modern_readl.
"""

from __future__ import annotations

from collections.abc import Mapping

from migstream.vmstate.layout import Node
from migstream.vmstate.meaning.features import kind_of
from migstream.vmstate.meaning.parts import Inside, Parts, Unclear
from migstream.vmstate.meaning.virtio import is_big, taken

__all__ = ["config"]

# Fields in their order: `name:16` is a number of so many bits, `name:16*4` four of them, `name:b6` 6 bytes.
_SPACES: Mapping[str, str] = {
    "virtio-net": (
        "mac:b6 status:16 max_virtqueue_pairs:16 mtu:16 speed:32 duplex:8 rss_max_key_size:8 "
        "rss_max_indirection_table_length:16 supported_hash_types:32 supported_tunnel_types:32"
    ),
    "virtio-blk": (
        "capacity:64 size_max:32 seg_max:32 geometry.cylinders:16 geometry.heads:8 geometry.sectors:8 blk_size:32 "
        "physical_block_exp:8 alignment_offset:8 min_io_size:16 opt_io_size:32 wce:8 unused:8 num_queues:16 "
        "max_discard_sectors:32 max_discard_seg:32 discard_sector_alignment:32 max_write_zeroes_sectors:32 "
        "max_write_zeroes_seg:32 write_zeroes_may_unmap:8 unused1:b3 max_secure_erase_sectors:32 "
        "max_secure_erase_seg:32 secure_erase_sector_alignment:32 zoned.zone_sectors:32 zoned.max_open_zones:32 "
        "zoned.max_active_zones:32 zoned.max_append_sectors:32 zoned.write_granularity:32 zoned.model:8 zoned.unused2:b3"
    ),
    "virtio-console": "cols:16 rows:16 max_nr_ports:32 emerg_wr:32",
    "virtio-balloon": "num_pages:32 actual:32 free_page_hint_cmd_id:32 poison_val:32",
    "virtio-scsi": (
        "num_queues:32 seg_max:32 max_sectors:32 cmd_per_lun:32 event_info_size:32 sense_size:32 cdb_size:32 "
        "max_channel:16 max_target:16 max_lun:32"
    ),
    "virtio-9p": "tag_len:16",
    "virtio-gpu": "events_read:32 events_clear:32 num_scanouts:32 num_capsets:32 blob_alignment:32",
    "virtio-input": "select:8 subsel:8 size:8 reserved:b5",
    "virtio-crypto": (
        "status:32 max_dataqueues:32 crypto_services:32 cipher_algo_l:32 cipher_algo_h:32 hash_algo:32 mac_algo_l:32 "
        "mac_algo_h:32 aead_algo:32 max_cipher_key_len:32 max_auth_key_len:32 akcipher_algo:32 max_size:64"
    ),
    "virtio-iommu": (
        "page_size_mask:64 input_range.start:64 input_range.end:64 domain_range.start:32 domain_range.end:32 "
        "probe_size:32 bypass:8 reserved:b3"
    ),
    "virtio-mem": (
        "block_size:64 node_id:16 padding:b6 addr:64 region_size:64 usable_region_size:64 plugged_size:64 "
        "requested_size:64"
    ),
    "virtio-pmem": "start:64 size:64",
    "virtio-sound": "jacks:32 streams:32 chmaps:32 controls:32",
    "virtio-vsock": "guest_cid:64",
    "virtio-fs": "tag:b36 num_request_queues:32 notify_buf_size:32",
    "virtio-gpio": "ngpio:16 padding:b2 gpio_names_size:32",
    "virtio-rpmb": "capacity:8 max_wr_cnt:8 max_rd_cnt:8",
}
# What stands behind the fields, and is as long as the space: a text, or what `select` asked for.
_BEHIND: Mapping[str, str] = {"virtio-9p": "tag", "virtio-input": "u"}
# Of what a driver asked an input device for (`select`): a union, one for each answer that is more than bytes.
_ANSWERS: Mapping[int, str] = {
    0x03: "ids.bustype:16 ids.vendor:16 ids.product:16 ids.version:16",
    0x12: "abs.min:32 abs.max:32 abs.fuzz:32 abs.flat:32 abs.res:32",
}
# Those that are little-endian whatever the driver is, such as virtio_balloon_get_config writes.
_LITTLE = frozenset(
    {"virtio-balloon", "virtio-gpu", "virtio-input", "virtio-iommu", "virtio-mem", "virtio-sound"}
)


def config(raw: memoryview, inside: Inside) -> list[Node]:
    """`device_config`: what virtio_save writes of it is what the driver read or wrote last; zeros before that."""
    kind = kind_of(inside.vmsd)
    spec = _SPACES.get(kind)
    if spec is None:
        raise Unclear(f"the configuration of {kind} is not known")
    big = kind not in _LITTLE and _big(raw, spec, inside)
    out = Parts(raw)
    _fields(out, spec, big=big)
    if kind == "virtio-input" and out.at > 3:
        _fields(out, _ANSWERS.get(raw[0], ""), big=big)
    if kind in _BEHIND:
        out.add(_BEHIND[kind], "buffer", out.left)
    return out.nodes


def _big(raw: memoryview, spec: str, inside: Inside) -> bool:
    """Whether the driver that read it last did so in big-endian order.

    One that has let go of the device again, as a firmware does, has left its bytes and took its features
    back: the order is then the one in which the numbers are smaller.
    """
    legacy = is_big(inside)
    if not legacy or taken(inside):
        return legacy
    return _sum(raw, spec, big=True) < _sum(raw, spec, big=False)


def _sum(raw: memoryview, spec: str, *, big: bool) -> int:
    out = Parts(raw)
    _fields(out, spec, big=big)
    return sum(
        int.from_bytes(raw[one.offset : one.offset + one.size], "big" if big else "little")
        for one in out.nodes
        if one.type != "buffer"
    )


def _fields(out: Parts, spec: str, *, big: bool) -> None:
    """Those that the space still has."""
    for token in spec.split():
        name, _, width = token.partition(":")
        size = int(width[1:]) if width.startswith("b") else int(width) // 8
        if size > out.left:
            return
        out.add(name, _type(width, big=big), size)


def _type(width: str, *, big: bool) -> str:
    if width.startswith("b"):
        return "buffer"
    return f"uint{width}" if big or width == "8" else f"le{width}"
