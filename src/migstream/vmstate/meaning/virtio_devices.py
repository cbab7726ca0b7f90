"""What the code of each kind of virtio device writes behind its queues: without a name, without a length.

Their VMStates are not in the description. What they hold depends on the features that the guest
took and on the number of queues, which stand beside it.
"""

from __future__ import annotations

from collections.abc import Callable

from migstream.vmstate.layout import Node
from migstream.vmstate.meaning.parts import Inside, Parts, Subsection, Unclear, fields, header
from migstream.vmstate.meaning.vhost import add_chunks
from migstream.vmstate.meaning.virtio import is_big, taken
from migstream.vmstate.meaning.virtio_element import element

__all__ = ["balloon", "blk", "console", "mem", "net"]

CTRL_GUEST_OFFLOADS, RING_PACKED = 2, 34
MAC = 6
VLANS = 4096 // 8  # bits
MOST_PORTS = 511  # virtio-serial-bus.c: VIRTIO_QUEUE_MAX / 2 - 1
RSS_KEY = 40


def _packed(inside: Inside) -> bool:
    """Whether the device's rings are."""
    return bool(taken(inside) >> RING_PACKED & 1)


def net(raw: memoryview, inside: Inside) -> list[Node]:
    """hw/net/virtio-net.c: vmstate_virtio_net_device."""
    out = Parts(raw)
    out.add("mac", "buffer", MAC)
    out.struct("vqs", fields(("tx_waiting", "uint32", 4)))
    out.u32("mergeable_rx_bufs")
    out.u16("status")
    out.u8("promisc")
    out.u8("allmulti")
    in_use = out.u32("mac_table.in_use")
    out.add("mac_table.macs", "buffer", MAC * in_use, in_use)
    out.add("vlans", "buffer", VLANS)
    out.u32("has_vnet_hdr")
    for name in ("multi_overflow", "uni_overflow"):
        out.u8(f"mac_table.{name}")
    for name in ("alluni", "nomulti", "nouni", "nobcast", "has_ufo"):
        out.u8(name)
    offloads = 8 if taken(inside) >> CTRL_GUEST_OFFLOADS & 1 else 0
    if not _ends(out, offloads):
        _queue_pairs(out, offloads)
    if offloads:
        out.u64("curr_guest_offloads")
    while add := _NET_SUBSECTIONS.get(name_ := out.subsection_name() or b""):
        inner = out.inside()
        header(inner, name_)
        add(inner)
        out.close(name_.decode("ascii"), inner, "subsection")
    return out.done()


def _ends(out: Parts, behind: int) -> bool:
    """Whether the fields end `behind` bytes further on: with the bytes, or with a subsection."""
    end = Parts(out.raw)
    end.at = out.at + behind
    return not end.left or end.subsection_name() in _NET_SUBSECTIONS


def _queue_pairs(out: Parts, offloads: int) -> None:
    """Of a device with several pairs of queues: how many, and what waits in all but the first."""
    out.number("max_queue_pairs", "uint16 equal", 2)
    pairs = out.u16("curr_queue_pairs")
    if not pairs or 4 * (pairs - 1) + offloads > out.left:
        raise Unclear
    out.add("tx_waiting", "uint32", 4 * (pairs - 1), pairs - 1)


def _rss(inner: Parts) -> None:
    """vmstate_virtio_net_rss."""
    for flag in ("enabled", "redirect", "populate_hash"):
        inner.add(f"rss_data.{flag}", "bool", 1)
    inner.u32("rss_data.hash_types")
    length = inner.u16("rss_data.indirections_len")
    inner.u16("rss_data.default_queue")
    inner.add("rss_data.key", "uint8", RSS_KEY, RSS_KEY)
    inner.add("rss_data.indirections_table", "uint16", 2 * length, length)


# That of a back end is vhost_user_net_backend_state.
_NET_SUBSECTIONS: dict[bytes, Callable[[Parts], None]] = {
    b"virtio-net-device/rss": _rss,
    b"virtio-net-device/backend": add_chunks,
}


def blk(raw: memoryview, inside: Inside) -> list[Node]:
    """hw/block/virtio-blk.c: virtio_blk_save_device. Requests that failed and wait for the user."""
    several = inside.number("queue_count") > 1
    packed = _packed(inside)
    out = Parts(raw)
    index = 0
    while out.left > 1:
        inner = out.inside()
        if inner.number("more", "int8", 1) != 1:
            raise Unclear
        if several:
            inner.u32("queue")
        element(inner, packed=packed)
        out.close(f"request_{index}", inner)
        index += 1
    if out.number("end", "int8", 1):
        raise Unclear
    return out.done()


def console(raw: memoryview, inside: Inside) -> list[Node]:
    """hw/char/virtio-serial-bus.c: virtio_serial_save_device.

    It begins with three numbers of the configuration as the guest sees them, turned round once more.
    """
    out = Parts(raw)
    packed = _packed(inside)
    short, word = ("le16", "le32") if is_big(inside) else ("uint16", "uint32")
    out.add("cols", short, 2)
    out.add("rows", short, 2)
    ports = out.number("max_nr_ports", word, 4)
    if ports > MOST_PORTS:
        raise Unclear
    words = (ports + 31) // 32
    out.add("ports_map", "uint32", 4 * words, words)
    for index in range(out.u32("nr_active_ports")):
        inner = out.inside()
        inner.u32("id")
        inner.add("guest_connected", "bool", 1)
        inner.add("host_connected", "bool", 1)
        if inner.u32("elem_popped"):
            inner.u32("iov_idx")
            inner.u64("iov_offset")
            element(inner, packed=packed)
        out.close(f"port_{index}", inner)
    return out.done()


_BALLOON_SUBSECTIONS = {
    b"virtio-balloon-device/free-page-report": Subsection(
        fields(("free_page_hint_cmd_id", "uint32", 4), ("free_page_hint_status", "uint32", 4))
    ),
    b"virtio-balloon-device/page-poison": Subsection(fields(("poison_val", "uint32", 4))),
}


def balloon(raw: memoryview, _: Inside) -> list[Node]:
    """hw/virtio/virtio-balloon.c: vmstate_virtio_balloon_device."""
    out = Parts(raw)
    out.u32("num_pages")
    out.u32("actual")
    out.subsections(_BALLOON_SUBSECTIONS)
    return out.nodes


def mem(raw: memoryview, _: Inside) -> list[Node]:
    """hw/virtio/virtio-mem.c: vmstate_virtio_mem_device.

    From machine types of 8.1 on all but two numbers are in the section `virtio-mem-device-early`.
    """
    out = Parts(raw)
    if out.left > 16:
        for name in ("addr", "region_size", "block_size"):
            out.u64(name)
        out.u32("node")
        for name in ("usable_region_size", "size", "requested_size"):
            out.u64(name)
        out.add("bitmap", "bitmap", out.left)
        return out.done()
    out.u64("usable_region_size")
    out.u64("requested_size")
    return out.done()
