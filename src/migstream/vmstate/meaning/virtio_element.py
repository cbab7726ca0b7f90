"""A buffer of a virtqueue that a device had taken from its driver when it was saved.

QEMU writes a struct of its own memory: in the byte order of the host that it ran on, with room for as
many pieces as there can be (hw/virtio/virtio.c: VirtQueueElementOld, qemu_put_virtqueue_element).
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from migstream.vmstate.meaning.parts import Parts, Unclear, fields, size_of

__all__ = ["ELEMENT", "element"]

MOST = 1024  # include/hw/virtio/virtio.h: VIRTQUEUE_MAX_SIZE
HEAD, ADDRESS, PIECE = 16, 8, 16
ELEMENT = HEAD + 2 * MOST * (ADDRESS + PIECE)  # bytes, of a host of 64 bits


class Order(NamedTuple):
    """How a host of one byte order writes the head, and the types of 4 and 8 bytes in it."""

    head: str
    word: str
    long: str


ORDERS = (Order("<III", "le32", "le64"), Order(">III", "uint32", "uint64"))


def element(out: Parts, *, packed: bool) -> None:
    """Add an `element`: its index in the ring, how many pieces the device reads (out) and writes (in), and those.

    Room behind the last piece in use is `…_unused`. Where the pieces were in the host's memory
    (`iov_base`) is not told: QEMU writes 0. Of a packed ring it is told before how many descriptors it has
    (`ndescs`): whether a ring is one says feature 34 of the device whose queue it is.
    """
    if packed:
        out.u32("ndescs")
    order, read, written = _head(out.raw[out.at :])
    inner = out.inside()
    for field in ("index", "out_num", "in_num"):
        inner.add(field, order.word, 4)
    inner.add("padding", "buffer", 4)
    piece = fields(("iov_base", order.long, 8), ("iov_len", order.long, 8))
    for field, count in (("in_addr", written), ("out_addr", read)):
        inner.add(field, order.long, ADDRESS * count, count)
        inner.add(f"{field}_unused", "buffer", ADDRESS * (MOST - count))
    for field, count in (("in_sg", written), ("out_sg", read)):
        inner.add(field, "struct", size_of(piece) * count, count, piece)
        inner.add(f"{field}_unused", "buffer", PIECE * (MOST - count))
    out.close("element", inner)


def _head(raw: memoryview) -> tuple[Order, int, int]:
    """The host's byte order, which is the one in which the numbers of pieces can be, and these numbers."""
    if len(raw) < ELEMENT:
        raise Unclear("an element is longer")
    for order in ORDERS:
        _, read, written = struct.unpack_from(order.head, raw)
        if read <= MOST and written <= MOST:
            return order, read, written
    raise Unclear("an element of more pieces than there can be")
