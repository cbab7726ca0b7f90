"""Multifd channels made by hand, from what QEMU's migration/multifd.c writes in each release.

Nothing here uses the package under test.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable

P = 4096
ROOM = (512 << 10) // P
MAGIC = 0x11223344
SYNC, ZLIB, ZSTD, QPL, UADK, QATZIP, DEVICE_STATE = (1 << n for n in range(7))


def initial(
    channel: int = 0, uuid: bytes = bytes(16), magic: int = MAGIC, version: int = 1
) -> bytes:
    return struct.pack(">II16sB39x", magic, version, uuid, channel)


def packet(
    block: bytes = b"",
    normal: Iterable[int] = (),
    zero: Iterable[int] = (),
    payload: bytes = b"",
    *,
    number: int = 0,
    flags: int = 0,
    page: int = P,
    magic: int = MAGIC,
    version: int = 1,
    alloc: int | None = None,
    normal_count: int | None = None,
    zero_count: int | None = None,
    size: int | None = None,
) -> bytes:
    """One packet; what is given by name instead of following from the pages is a lie."""
    normal, zero = list(normal), list(zero)
    room = (512 << 10) // page
    head = struct.pack(
        ">6IQI28x256s",
        magic,
        version,
        flags,
        room if alloc is None else alloc,
        len(normal) if normal_count is None else normal_count,
        len(payload) if size is None else size,
        number,
        len(zero) if zero_count is None else zero_count,
        block,
    )
    offsets = struct.pack(f">{len(normal) + len(zero)}Q", *normal, *zero)
    return head + offsets.ljust(8 * room, b"\0") + payload


def sync(number: int = 0, page: int = P, alloc: int | None = None) -> bytes:
    """A SYNC without pages; since 9.2 with `alloc` 0."""
    return packet(number=number, flags=SYNC, page=page, alloc=alloc)


def device_state(idstr: bytes, instance: int, data: bytes, size: int | None = None) -> bytes:
    head = struct.pack(">III", MAGIC, 1, DEVICE_STATE)
    return (
        head + struct.pack(">256sII", idstr, instance, len(data) if size is None else size) + data
    )


class Zlib:
    """The sending side of zlib: one stream for a channel, flushed after each packet."""

    def __init__(self) -> None:
        self._stream = zlib.compressobj(1)

    def __call__(self, pages: bytes) -> bytes:
        return self._stream.compress(pages) + self._stream.flush(zlib.Z_SYNC_FLUSH)


class Zstd:
    """The sending side of zstd."""

    def __init__(self) -> None:
        from migstream.source.zstd import zstd

        self._stream = zstd.ZstdCompressor(level=1)

    def __call__(self, pages: bytes) -> bytes:
        return self._stream.compress(pages) + self._stream.flush(self._stream.FLUSH_BLOCK)


def each(pages: Iterable[bytes], wbits: int) -> bytes:
    """The payload of qpl (wbits −15) and uadk (15): lengths, then pages; raw where that is no longer."""
    packed = []
    for page in pages:
        stream = zlib.compressobj(1, wbits=wbits)
        small = stream.compress(page) + stream.flush()
        packed.append(small if len(small) < len(page) else page)
    return struct.pack(f">{len(packed)}I", *map(len, packed)) + b"".join(packed)
