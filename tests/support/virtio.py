"""The bytes of virtio devices, put together by hand (hw/virtio/virtio.c: virtio_save)."""

from __future__ import annotations

import struct

EXPRESS = 0x40  # where the express capability is put


def pci(size: int = 256, *, vectors: int = 0) -> bytes:
    space = bytearray(size)
    struct.pack_into("<HHHH", space, 0, 0x1AF4, 0x1000, 0x507, 0x10 if vectors else 0)
    if vectors:
        space[0x34] = 0x98
        struct.pack_into("<BBHII", space, 0x98, 0x11, 0x84, vectors - 1, 1, 0x801)
        struct.pack_into("<BBBBB", space, 0x84, 9, 0, 20, 5, 0)
    if size > 256:
        space[0x06] |= 0x10
        space[EXPRESS : EXPRESS + 2] = 0x10, 0
        space[0x85 if vectors else 0x34] = EXPRESS
    return bytes(space)


def subsection(name: bytes, payload: bytes) -> bytes:
    return b"\x05" + bytes([len(name)]) + name + bytes(3) + b"\1" + payload


MODERN = subsection(
    b"virtio/extra_state",
    subsection(b"virtio_pci/modern_state", bytes(16 + 28 * 1024)),
)
TAIL = (
    subsection(b"virtio/64bit_features", bytes(8))
    + subsection(b"virtio/virtqueues", bytes(16384))
    + subsection(b"virtio/ringsize", bytes(4096))
    + MODERN
    + subsection(b"virtio/started", b"\1")
)


def core(
    *,
    align: bool,
    vector: bool,
    device: bytes,
    tail: bytes,
    config: bytes = b"cfg",
    features: int = 5,
    queues: int = 2,
) -> bytes:
    """Everything behind the transport's state."""
    out = struct.pack(">BBHII", 15, 1, 0, features, len(config)) + config
    out += struct.pack(">I", queues)
    for _ in range(queues):
        out += struct.pack(">I", 256) + (struct.pack(">I", 4096) if align else b"")
        out += struct.pack(">QH", 0x1000, 7) + (b"\0\1" if vector else b"")
    return out + device + tail


def blob(
    *,
    config: bytes = b"",
    device: bytes = b"",
    queues: int = 2,
    features: int = 0,
    endian: int | None = None,
    tail: bytes = b"",
) -> bytes:
    """All that virtio's own code writes of a device on a PCI bus whose guest took these features."""
    out = struct.pack(">I", 2) + pci() + bytes(16)
    out += core(
        align=False, vector=False, device=device, tail=b"", config=config,
        features=features & 0xFFFFFFFF, queues=queues,
    )  # fmt: skip
    if endian is not None:
        out += subsection(b"virtio/device_endian", bytes([endian]))
    return out + subsection(b"virtio/64bit_features", struct.pack(">Q", features)) + tail
