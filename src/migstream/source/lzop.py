"""lzop files: blocks of LZO1X, each with its sizes and checksums; what unpacks a block is given.

Facts: lzop 1.04, src/lzop.c (read_header), src/p_lzo.c (lzo_decompress), src/conf.h (F_ADLER32_D and others).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Generator

from migstream.source.blocks import Blocks, Measure
from migstream.source.store import Store

__all__ = ["MAGIC", "LzopError", "LzopMember", "LzopPacker", "lzop_blocks"]

MAGIC = b"\x89LZO\0\r\n\x1a\n"
# Flags of a file: which checksums its blocks have, and what is in its header.
ADLER_PLAIN, ADLER_PACKED, EXTRA, CRC_PLAIN, CRC_PACKED, FILTER = (
    0x1,
    0x2,
    0x40,
    0x100,
    0x200,
    0x800,
)
WITH_LEVEL = 0x0940  # the first version whose header has a level and a long time
# What lzop 1.04 itself writes: its version, LZO's, M_LZO1X_1, its level, blocks, the mode of a plain file.
VERSION, LIBRARY, METHOD, LEVEL, BLOCK, MODE = 0x1040, 0x20A0, 1, 3, 256 << 10, 0o100600
MOST_BLOCK = 64 << 20  # MAX_BLOCK_SIZE
MOST_EXTRA = 1 << 20
BLOCK_HEADER = 8  # before its checksums

# Yields how many bytes are wanted, and is sent as many.
Reading = Generator[int, bytes, None]


class LzopError(ValueError):
    """What is wrong with a file."""


class LzopMember:
    """One lzop file, with the methods that bz2's decompressor has.

    Parameters
    ----------
    unpack : makes so many bytes of a block; raises LzopError
    """

    def __init__(self, unpack: Callable[[bytes, int], bytes]) -> None:
        self._unpack = unpack
        self._given = bytearray()
        self._made = memoryview(b"")
        self._done = False
        self._reading = self._file()
        self._wanted = next(self._reading)

    @property
    def eof(self) -> bool:
        return self._done and not self._made

    @property
    def unused_data(self) -> bytes:
        return bytes(self._given) if self.eof else b""

    @property
    def needs_input(self) -> bool:
        return not self._made and not self._done and len(self._given) < self._wanted

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Up to `max_length` bytes of what the file holds; raises LzopError."""
        self._given += data
        while not self._made and not self._done and len(self._given) >= self._wanted:
            piece = bytes(self._given[: self._wanted])
            del self._given[: self._wanted]
            try:
                self._wanted = self._reading.send(piece)
            except StopIteration:
                self._done = True
        size = len(self._made) if max_length < 0 else max_length
        piece = bytes(self._made[:size])
        self._made = self._made[size:]
        return piece

    def _file(self) -> Reading:
        flags = yield from _header()
        while size := int.from_bytes((yield 4), "big"):
            packed = int.from_bytes((yield 4), "big")
            if size > MOST_BLOCK or not 0 < packed <= size:
                raise LzopError(f"a block of {packed} bytes that stand for {size}")
            sums = []
            for flag, function in ((ADLER_PLAIN, zlib.adler32), (CRC_PLAIN, zlib.crc32)):
                if flags & flag:
                    sums.append((function, int.from_bytes((yield 4), "big")))
            if packed < size:
                yield 4 * (bool(flags & ADLER_PACKED) + bool(flags & CRC_PACKED))
            data = yield packed
            if packed < size:
                data = self._unpack(data, size)
            if len(data) != size or any(function(data) != told for function, told in sums):
                raise LzopError("a block is not what its checksum says")
            self._made = memoryview(data)


def _header() -> Generator[int, bytes, int]:
    """Read it; its flags."""
    if (yield len(MAGIC)) != MAGIC:
        raise LzopError("it does not begin as lzop does")
    long = int.from_bytes((yield 2), "big") >= WITH_LEVEL
    yield 2 + 2 * long + 1 + long  # other versions, method, level
    flags = int.from_bytes((yield 4), "big")
    yield 4 * bool(flags & FILTER) + 4 + 4 + 4 * long  # filter, mode, time
    yield (yield 1)[0]  # the name
    yield 4
    if flags & EXTRA:
        size = int.from_bytes((yield 4), "big")
        if size > MOST_EXTRA:
            raise LzopError(f"{size} bytes of extra data in its header")
        yield size + 4
    return flags


def lzop_blocks(store: Store, _: Measure) -> Blocks | None:
    """The blocks of an lzop file, each of which says how long it is, packed and unpacked; None where one does not."""
    head = bytes(store.view(0, MOST_EXTRA >> 4))
    reading, at, flags = _header(), 0, 0
    wanted = next(reading)
    while True:
        piece = head[at : at + wanted]
        at += wanted
        try:
            wanted = reading.send(piece)
        except StopIteration as end:
            flags = end.value
            break
        except (LzopError, IndexError):
            return None
    if at > len(head):
        return None
    blocks = Blocks(before=head[:at], behind=bytes(4))
    plain = 4 * (bool(flags & ADLER_PLAIN) + bool(flags & CRC_PLAIN))
    both = plain + 4 * (bool(flags & ADLER_PACKED) + bool(flags & CRC_PACKED))
    while True:
        sizes = bytes(store.view(at, at + BLOCK_HEADER))
        size, packed = int.from_bytes(sizes[:4], "big"), int.from_bytes(sizes[4:], "big")
        if not size and len(sizes) >= 4:
            return blocks if at + 4 == store.size else None
        stop = at + BLOCK_HEADER + packed + (both if packed < size else plain)
        if size > MOST_BLOCK or not 0 < packed <= size or stop > store.size:
            return None
        if not blocks.add(at, stop, size):
            return None
        at = stop


class LzopPacker:
    """Writes an lzop file, with zlib's methods.

    Parameters
    ----------
    pack : compresses a block
    """

    def __init__(self, pack: Callable[[bytes], bytes]) -> None:
        self._pack = pack
        self._rest = bytearray()
        self._lead = self._header()

    @staticmethod
    def _header() -> bytes:
        fields = (VERSION, LIBRARY, WITH_LEVEL)
        head = b"".join(number.to_bytes(2, "big") for number in fields)
        head += bytes((METHOD, LEVEL)) + ADLER_PLAIN.to_bytes(4, "big")
        head += MODE.to_bytes(4, "big") + bytes(8) + bytes(1)  # no time, no name
        return MAGIC + head + zlib.adler32(head).to_bytes(4, "big")

    def compress(self, data: bytes | memoryview, /) -> bytes:
        """What can be written by now."""
        self._rest += data
        made = self._lead
        self._lead = b""
        while len(self._rest) >= BLOCK:
            made += self._block(bytes(self._rest[:BLOCK]))
            del self._rest[:BLOCK]
        return made

    def flush(self) -> bytes:
        """The end of the file."""
        made = self._lead + (self._block(bytes(self._rest)) if self._rest else b"")
        self._lead = b""
        self._rest.clear()
        return made + bytes(4)

    def _block(self, data: bytes) -> bytes:
        small = self._pack(data)
        if len(small) >= len(data):
            small = data
        sizes = len(data).to_bytes(4, "big") + len(small).to_bytes(4, "big")
        return sizes + zlib.adler32(data).to_bytes(4, "big") + small
