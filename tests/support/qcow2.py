"""qcow2 images changed by hand: what no tool makes, or none that damages them."""

from __future__ import annotations

import struct
import zlib

from migstream.source.qcow2 import Image, Snapshot
from migstream.source.store import Whole

__all__ = ["packed", "snapshot", "tables"]

OFFSET = 0x00FFFFFFFFFFFE00


def snapshot(image: bytes, name: str) -> Snapshot:
    """The snapshot of that name."""
    return next(one for one in Image(Whole(image)).snapshots if one.name == name)


def tables(image: bytes, name: str) -> list[int]:
    """Where the L2 tables of a snapshot's VM state lie."""
    bits = Image(Whole(image)).cluster_bits
    one = snapshot(image, name)
    first = -(-one.disk // (1 << 2 * bits - 3))
    entries = struct.unpack_from(f">{one.entries}Q", image, one.table)
    return [entry & OFFSET for entry in entries[first:] if entry & OFFSET]


def packed(image: bytes, name: str) -> bytes:
    """The image with every cluster of a snapshot's VM state compressed (standard entries of 8 bytes)."""
    bits = Image(Whole(image)).cluster_bits
    cluster = 1 << bits
    out = bytearray(image)
    out += bytes(-len(out) % cluster)
    shift = 62 - (bits - 8)
    for table in tables(image, name):
        for at in range(table, table + cluster, 8):
            (entry,) = struct.unpack_from(">Q", image, at)
            host = entry & OFFSET
            if not host:
                continue
            squeeze = zlib.compressobj(wbits=-12)
            data = squeeze.compress(image[host : host + cluster].ljust(cluster, b"\0"))
            data += squeeze.flush()
            where = len(out)
            out += data
            sectors = -(-(where % 512 + len(data)) // 512)
            struct.pack_into(">Q", out, at, 1 << 62 | (sectors - 1) << shift | where)
    return bytes(out) + bytes(512)
