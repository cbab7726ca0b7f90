"""What QEMU writes of a request that it has taken from a virtqueue (hw/virtio/virtio.c: qemu_put_virtqueue_element).

A struct of the host's (VirtQueueElementOld), whatever the guest: arrays of 1024, of which few are in use.
"""

from __future__ import annotations

import struct

from migstream.vmstate.layout import Node
from migstream.vmstate.meaning.parts import Parts, Unclear, node, size_of

__all__ = ["SIZE", "element"]

MOST = 1024  # include/hw/virtio/virtio.h: VIRTQUEUE_MAX_SIZE
SIZE = 4 * 4 + 2 * MOST * 8 + 2 * MOST * 16  # of a host of 64 bits

_ORDERS = (("<", "le32", "le64"), (">", "uint32", "uint64"))  # of a host, and what its words are


def element(out: Parts, name: str = "element") -> None:
    """One request: its descriptor's index, and where its buffers are in guest memory."""
    raw = out.raw[out.at : out.at + SIZE]
    if len(raw) < SIZE:
        raise Unclear(f"{name}: an element has {SIZE} bytes")
    read = ((struct.unpack_from(f"{order}2I", raw, 4), types) for order, *types in _ORDERS)
    fits = next(((counts, types) for counts, types in read if max(counts) <= MOST), None)
    if fits is None:
        raise Unclear(f"{name}: more buffers than a queue has")
    (outs, ins), (word, long) = fits
    nodes = [node("index", word, 0, 4), node("out_num", word, 4, 4), node("in_num", word, 8, 4)]
    nodes.append(node("padding", "unused_buffer", 12, 4))
    for array, used in (("in_addr", ins), ("out_addr", outs)):
        nodes += _used(array, size_of(nodes), 8, used, long)
    pair = (node("host_address", long, 0, 8), node("length", long, 8, 8))
    for array, used in (("in_sg", ins), ("out_sg", outs)):
        nodes += _used(array, size_of(nodes), 16, used, "struct", pair)
    out.add(name, "struct", SIZE, 1, nodes)


def _used(
    name: str, at: int, size: int, used: int, kind: str, inner: tuple[Node, ...] = ()
) -> list[Node]:
    """The first entries of an array, and the rest of it, which says nothing."""
    form = "struct" if inner else "leaf"
    entries = [Node(name, kind, form, at, used * size, used, size, children=inner)]
    rest = (MOST - used) * size
    entries.append(node(f"{name}_unused", "buffer", at + used * size, rest))
    return [one for one in entries if one.size]
