"""qcow2 images made and changed by hand: what no tool makes."""

from __future__ import annotations

import struct
import zlib

from migstream.source.qcow2 import Image, Snapshot
from migstream.source.store import Whole

__all__ = ["CLUSTER", "OFFSET", "made", "packed", "snapshot", "tables"]

OFFSET = 0x00FFFFFFFFFFFE00
BITS = 9
CLUSTER = 1 << BITS  # of what `made` makes


def made(
    states: dict[str, bytes],
    *,
    version: int = 3,
    features: int = 0,
    encryption: int = 0,
    disk: int = 0,
    holes: bool = False,
    extended: bool = False,
) -> bytes:
    """An image with a snapshot for each state, in clusters of 512 bytes.

    Parameters
    ----------
    disk : bytes of the guest's disk, behind which the states lie
    holes : whether clusters of zeros are left out
    extended : whether L2 entries have bitmaps of subclusters
    """
    entry = 16 if extended else 8
    per_table = CLUSTER // entry
    out = bytearray(CLUSTER)
    listed = bytearray()
    for number, (name, state) in enumerate(states.items(), 1):
        first = -(-disk // (CLUSTER * per_table))
        count = -(-len(state) // (CLUSTER * per_table))
        l1 = [0] * first
        for table in range(count):
            entries = bytearray()
            for slot in range(per_table):
                at = (table * per_table + slot) * CLUSTER
                piece = state[at : at + CLUSTER].ljust(CLUSTER, b"\0")
                there = at < len(state) and not (holes and not any(piece))
                word = len(out) | 1 << 63 if there else 0
                entries += word.to_bytes(8, "big")
                if extended:
                    entries += (0xFFFFFFFF if there else 0).to_bytes(8, "big")
                out += piece if there else b""
            l1.append(len(out) | 1 << 63)
            out += entries
        where = len(out)
        out += b"".join(one.to_bytes(8, "big") for one in l1).ljust(CLUSTER, b"\0")
        ident, called = str(number).encode(), name.encode()
        head = struct.pack(
            ">QIHHIIQII", where, len(l1), len(ident), len(called), 1700000000, 0, 5, 0, 16
        )
        text = head + struct.pack(">QQ", len(state), disk) + ident + called
        listed += text.ljust(-(-len(text) // 8) * 8, b"\0")
    header = struct.pack(
        ">4sIQIIQIIQQIIQQQQII", b"QFI\xfb", version, 0, 0, BITS, disk, encryption, 0, 0, 0, 0,
        len(states), len(out), features | (16 if extended else 0), 0, 0, 4, 104,
    )  # fmt: skip
    out[: len(header)] = header
    return bytes(out + listed)


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
