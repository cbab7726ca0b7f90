"""What compressed multifd packets hold: pages, never more and never fewer than the packet says.

References
----------
QEMU, migration/multifd-zlib.c: ``multifd_zlib_recv``; multifd-zstd.c: ``multifd_zstd_recv``;
multifd-qpl.c: ``multifd_qpl_recv``; multifd-uadk.c: ``multifd_uadk_recv``; multifd-qatzip.c:
``qatzip_recv``
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from functools import partial

from migstream.errors import BadRam, Unsupported
from migstream.ram.multifd import Packet

__all__ = ["Unpacker"]

RAW, ZLIB, GZIP = -15, 15, 31  # zlib's wbits: what surrounds the deflate data
GZIP_MAGIC = b"\x1f\x8b"
GZIP_MEMBERS = 512  # QATzip begins a new one after 1 KiB of input at the earliest

Method = Callable[[Packet, memoryview], bytes]


class Unpacker:
    """Unpacks the payloads of one channel, which must come in their order: streams go through all.

    Raises
    ------
    BadRam : a payload that is damaged, or does not unpack to exactly the packet's pages
    Unsupported : a method that nothing here decodes
    """

    def __init__(self) -> None:
        self._methods: dict[str, Method] = {}

    def unpack(self, packet: Packet, payload: memoryview) -> bytes:
        """The contents of the packet's normal pages, one after another."""
        method = self._methods.get(packet.compression)
        if method is None:
            method = self._methods[packet.compression] = METHODS[packet.compression](packet)
        out = method(packet, payload)
        if len(out) != _size(packet):
            raise _wrong(packet, len(out))
        return out


def _size(packet: Packet) -> int:
    return packet.normal * packet.page_size


def _wrong(packet: Packet, found: int, why: object = None) -> BadRam:
    """The error for a payload that gave `found` bytes, or was left at that size because of `why`."""
    relation = "fewer" if found < _size(packet) else "more"
    why = why or f"it unpacks to {relation} bytes than its pages have"
    return BadRam(
        f"multifd: {packet.compression} payload is damaged: {why}",
        at=packet.payload.start,
        expected=_size(packet),
        found=found,
        hint="with zlib and zstd, what follows in this channel cannot be unpacked either",
    )


class Inflate:
    """One deflate stream for a whole channel, flushed at the end of each packet."""

    def __init__(self, packet: Packet) -> None:  # noqa: ARG002 - as all methods begin
        self._stream = zlib.decompressobj()

    def __call__(self, packet: Packet, payload: memoryview) -> bytes:
        expected, stream = _size(packet), self._stream
        out = b""
        try:
            out = stream.decompress(payload, expected)
            while True:  # the flush lies behind the last page; one more byte would be too many
                if stream.decompress(stream.unconsumed_tail, 1):
                    raise _wrong(packet, expected + 1)
                if not stream.unconsumed_tail:
                    return out
        except zlib.error as error:
            raise _wrong(packet, len(out), error) from None


class Unzstd:
    """One zstd frame for a whole channel, flushed at the end of each packet."""

    def __init__(self, packet: Packet) -> None:
        try:
            from migstream.source.zstd import zstd
        except ImportError:
            raise Unsupported(
                "multifd: this channel is compressed with zstd, which this Python was built without",
                at=packet.payload.start,
                hint="another Python, such as the system's own, has it",
            ) from None
        self._damaged = zstd.ZstdError, EOFError  # the latter where the frame has ended already
        self._stream = zstd.ZstdDecompressor()

    def __call__(self, packet: Packet, payload: memoryview) -> bytes:
        expected, stream = _size(packet), self._stream
        out = b""
        try:
            out = stream.decompress(payload, expected)
            # the flush lies behind the last page; one more byte would be too many
            while not (stream.needs_input or stream.eof):
                if stream.decompress(b"", 1):
                    raise _wrong(packet, expected + 1)
        except self._damaged as error:
            raise _wrong(packet, len(out), error) from None
        return out


def _each_page(wbits: int, packet: Packet, payload: memoryview) -> bytes:
    """Pages packed one by one: their lengths first, and one as long as a page is not packed."""
    page, data = packet.page_size, packet.normal * 4
    if len(payload) < data:
        raise _wrong(packet, 0, "its lengths are cut off")
    lengths = struct.unpack(f">{packet.normal}I", payload[:data])
    if max(lengths) > page or data + sum(lengths) != len(payload):
        raise _wrong(packet, 0, "its lengths do not add up")
    out = bytearray()
    for length in lengths:
        piece = payload[data : data + length]
        data += length
        if length == page:
            out += piece
            continue
        stream = zlib.decompressobj(wbits)
        try:
            content = stream.decompress(piece, page + 1)
        except zlib.error as error:
            raise _wrong(packet, len(out), error) from None
        out += content
        if len(content) != page:
            raise _wrong(packet, len(out), "a page of another size")
    return bytes(out)


def _gzip(packet: Packet, payload: memoryview) -> bytes:
    """One blob of gzip members: QATzip's default format (qatzip.h: QZ_DEFLATE_GZIP_EXT)."""
    if bytes(payload[:2]) != GZIP_MAGIC:
        raise Unsupported(
            "multifd: this channel is compressed with qatzip, in a format other than gzip",
            at=packet.payload.start,
            expected=GZIP_MAGIC.hex(" "),
            found=payload[:2].hex(" "),
        )
    out, rest = bytearray(), payload.tobytes()
    for _ in range(GZIP_MEMBERS):
        stream = zlib.decompressobj(GZIP)
        try:
            out += stream.decompress(rest, _size(packet) - len(out) + 1)
        except zlib.error as error:
            raise _wrong(packet, len(out), error) from None
        rest = stream.unused_data
        if not (stream.eof and rest) or len(out) > _size(packet):
            break
    return bytes(out)


METHODS: dict[str, Callable[[Packet], Method]] = {
    "zlib": Inflate,
    "zstd": Unzstd,
    "qpl": lambda _: partial(_each_page, RAW),
    "uadk": lambda _: partial(_each_page, ZLIB),
    "qatzip": lambda _: _gzip,
}
