"""Where the blocks of a compressed file are, each of which can be unpacked without the others.

Nothing is unpacked for this. What the file says of sizes is believed until a block is unpacked
(`source.seekable`), which holds it against what came out.

Facts: RFC 8878 and zstd, contrib/seekable_format/zstd_seekable_compression_format.md and
contrib/pzstd/Pzstd.cpp (asyncCompressChunks, writeFile); xz, doc/xz-file-format.txt; SAM specification, 4.1 (BGZF).
"""

from __future__ import annotations

import struct
import zlib
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import NamedTuple

from migstream.source.store import Store

__all__ = ["MOST_BLOCK", "Block", "Blocks", "Measure", "bgzf_blocks", "xz_blocks", "zstd_blocks"]

MOST_BLOCKS = 1 << 22
MOST_BLOCK = 1 << 30  # bytes that one may unpack to; larger ones are read forward


Measure = Callable[[int, int], int]  # bytes that bytes [start, stop) of the file unpack to


class Block(NamedTuple):
    """One block: where it is in the file, and in what is unpacked, in bytes.

    `before` and `behind` make a whole file of it, for a decoder that reads only those.
    """

    start: int
    stop: int
    at: int
    size: int
    before: bytes = b""
    behind: bytes = b""


class Blocks:
    """The blocks of a file that hold something, in their order; `size` is what they unpack to, in bytes.

    Parameters
    ----------
    before, behind : what makes a whole file of any of them; of xz each has its own
    """

    def __init__(self, before: bytes = b"", behind: bytes = b"") -> None:
        self._around = before, behind
        self.size = 0
        self._starts = array("Q")
        self._stops = array("Q")
        self._at = array("Q")
        self._xz = bytearray()

    def __len__(self) -> int:
        return len(self._starts)

    def add(self, start: int, stop: int, size: int, xz: int | None = None) -> bool:
        """Add the next one; False where it is too large, or they become too many.

        `xz` is the check of an xz block, and above its four bits how much padding is in it.
        """
        if size:
            if size > MOST_BLOCK or len(self) >= MOST_BLOCKS:
                return False
            self._starts.append(start)
            self._stops.append(stop)
            self._at.append(self.size)
            if xz is not None:
                self._xz.append(xz)
            self.size += size
        return True

    def among(self, start: int, stop: int) -> Iterator[int]:
        """Numbers of those that bytes [start, stop) of what is unpacked lie in."""
        number = bisect_right(self._at, start) - 1
        while number < len(self) and self._at[number] < stop:
            yield number
            number += 1

    def __getitem__(self, number: int) -> Block:
        start, stop, at = self._starts[number], self._stops[number], self._at[number]
        end = self._at[number + 1] if number + 1 < len(self) else self.size
        size = end - at
        if not self._xz:
            return Block(start, stop, at, size, *self._around)
        check, padding = self._xz[number] & 0xF, self._xz[number] >> 4
        return Block(start, stop, at, size, *_as_xz(check, stop - start - padding, size))


# --- xz ------------------------------------------------------------------------------------------

XZ_HEADER = 12
XZ_MAGIC, XZ_END = b"\xfd7zXZ\0", b"YZ"
VLI_BYTES = 9
MOST_INDEX = 64 << 20
MOST_STREAMS = 1 << 16
MOST_PADDING = 1 << 16  # zeros between two streams


def _as_xz(check: int, unpadded: int, size: int) -> tuple[bytes, bytes]:
    """What stands before and behind a block in a file that holds nothing else: its sizes are in the index."""
    flags = bytes([0, check])
    index = b"\0\1" + _vli(unpadded) + _vli(size)
    index += bytes(-len(index) % 4)
    index += zlib.crc32(index).to_bytes(4, "little")
    end = (len(index) // 4 - 1).to_bytes(4, "little") + flags
    footer = zlib.crc32(end).to_bytes(4, "little") + end + XZ_END
    header = XZ_MAGIC + flags + zlib.crc32(flags).to_bytes(4, "little")
    return header, index + footer


def _vli(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


class _Index:
    """An xz stream's index: numbers of variable length."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 1

    def number(self) -> int:
        """The next one; raises IndexError at the end, ValueError where it is none."""
        value = 0
        for n in range(VLI_BYTES):
            byte = self._raw[self._at]
            self._at += 1
            value |= (byte & 0x7F) << 7 * n
            if byte < 0x80:
                return value
        raise ValueError


def xz_blocks(store: Store, _: Measure) -> Blocks | None:
    """The blocks of an xz file, from the indices at the end of its streams; None where they cannot be read."""
    streams: list[tuple[int, int, list[tuple[int, int]]]] = []
    stop = store.size
    left = MOST_BLOCKS
    while stop:
        try:
            found = _xz_stream(store, stop, left)
        except (IndexError, ValueError):
            return None
        if found is None or len(streams) >= MOST_STREAMS:
            return None
        stop = found[0]
        streams.append(found)
        left -= len(found[2])
        if stop and bytes(store.view(stop - 1, stop)) == b"\0":
            stop -= _padding(bytes(store.view(max(stop - MOST_PADDING, 0), stop)))
    blocks = Blocks()
    for start, check, sizes in reversed(streams):
        at = start + XZ_HEADER
        for unpadded, size in sizes:
            padding = -unpadded % 4
            if not blocks.add(at, at + unpadded + padding, size, check | padding << 4):
                return None
            at += unpadded + padding
    return blocks


def _padding(before: bytes) -> int:
    """Zeros between two streams, in whole words."""
    return (len(before) - len(before.rstrip(b"\0"))) // 4 * 4


def _xz_stream(store: Store, stop: int, most: int) -> tuple[int, int, list[tuple[int, int]]] | None:
    """Where the stream that ends at `stop` begins, its check, and unpadded and unpacked size of each block."""
    footer = bytes(store.view(max(stop - XZ_HEADER, 0), stop))
    if len(footer) < XZ_HEADER or not footer.endswith(XZ_END) or footer[8]:
        return None
    size = 4 * (int.from_bytes(footer[4:8], "little") + 1)
    at = stop - XZ_HEADER - size
    if size > MOST_INDEX or at < XZ_HEADER:
        return None
    raw = bytes(store.view(at, at + size))
    if raw[0] or zlib.crc32(raw[:-4]) != int.from_bytes(raw[-4:], "little"):
        return None
    index = _Index(raw[:-4])
    count = index.number()
    if count > most:
        return None
    sizes = [(index.number(), index.number()) for _ in range(count)]
    start = at - XZ_HEADER - sum(-(-unpadded // 4) * 4 for unpadded, _ in sizes)
    if start < 0 or bytes(store.view(start, start + 8)) != XZ_MAGIC + footer[8:10]:
        return None
    return start, footer[9] & 0xF, sizes


# --- zstd ----------------------------------------------------------------------------------------

FRAME = 0xFD2FB528
SKIPPED = 0x184D2A50  # and the fifteen numbers behind it
SEEK_TABLE, SEEKABLE = 0x184D2A5E, 0x8F92EAB1
SEEK_FOOTER = 9
FRAME_HEADER = 18
CHECKED = 0x80
RLE, RESERVED = 1, 3
PZSTD = struct.Struct(
    "<IIII"
)  # a frame to be skipped: magic, length, how long the next one is; that one's magic


def zstd_blocks(store: Store, measure: Measure) -> Blocks | None:
    """The frames of a zstd file; None where it is not known to what one unpacks.

    Where a seek table stands at the end it is believed, as long as it is about the whole file.
    pzstd says before each frame how long that is, and not to what it unpacks: of its frames the
    first and the last are unpacked.
    """
    return _table(store) or _frames(store) or _pzstd(store, measure)


def _table(store: Store) -> Blocks | None:
    end = store.size
    footer = bytes(store.view(max(end - SEEK_FOOTER, 0), end))
    if len(footer) < SEEK_FOOTER or int.from_bytes(footer[5:], "little") != SEEKABLE:
        return None
    count, entry = int.from_bytes(footer[:4], "little"), 12 if footer[4] & CHECKED else 8
    size = count * entry + SEEK_FOOTER
    begin = end - size - 8
    if count > MOST_BLOCKS or begin < 0:
        return None
    head = struct.pack("<II", SEEK_TABLE, size)
    if bytes(store.view(begin, begin + 8)) != head:
        return None
    raw = store.view(begin + 8, end - SEEK_FOOTER)
    blocks, at = Blocks(), 0
    for packed, unpacked in struct.iter_unpack("<II4x" if entry > 8 else "<II", raw):
        if not blocks.add(at, at + packed, unpacked):
            return None
        at += packed
    return blocks if at == begin else None


def _frames(store: Store) -> Blocks | None:
    blocks, at = Blocks(), 0
    while at < store.size:
        head = bytes(store.view(at, at + FRAME_HEADER))
        if len(head) < 8:
            return None
        magic = int.from_bytes(head[:4], "little")
        if magic & ~0xF == SKIPPED:
            at += 8 + int.from_bytes(head[4:8], "little")
            continue
        if magic != FRAME:
            return None
        size, begin = content_size(head)
        if size is None or size > MOST_BLOCK:
            return None
        stop = _end(store, at + begin, checked=bool(head[4] & 4))
        if stop is None or not blocks.add(at, stop, size):
            return None
        at = stop
    return blocks if at == store.size else None


def _pzstd(store: Store, measure: Measure) -> Blocks | None:
    """The frames of a file of pzstd, which cuts what it packs into pieces of one size; the last is the rest."""
    frames: list[tuple[int, int]] = []
    at = 0
    while at < store.size:
        head = bytes(store.view(at, at + PZSTD.size))
        if len(head) < PZSTD.size:
            return None
        magic, length, size, frame = PZSTD.unpack(head)
        if (magic, length, frame) != (SKIPPED, 4, FRAME) or len(frames) >= MOST_BLOCKS:
            return None
        frames.append((at + 12, at + 12 + size))
        at += 12 + size
    if at != store.size or not frames:
        return None
    most, rest = measure(*frames[0]), measure(*frames[-1])
    blocks = Blocks()
    sizes = [most] * (len(frames) - 1) + [rest]
    whole = all(blocks.add(*one, size) for one, size in zip(frames, sizes, strict=True))
    return blocks if whole and rest <= most else None


def content_size(head: bytes) -> tuple[int | None, int]:
    """To what the frame that begins with these bytes unpacks, where it says so; and the size of its header."""
    descriptor = head[4]
    single = descriptor >> 5 & 1
    at = 5 + (not single) + (0, 1, 2, 4)[descriptor & 3]
    size = (single, 2, 4, 8)[descriptor >> 6]
    if not size:
        return None, at
    value = int.from_bytes(head[at : at + size], "little") + (256 if size == 2 else 0)
    return value, at + size


def _end(store: Store, at: int, *, checked: bool) -> int | None:
    """Where a frame ends whose blocks begin at `at`."""
    while True:
        raw = bytes(store.view(at, at + 3))
        if len(raw) < 3:
            return None
        head = int.from_bytes(raw, "little")
        kind = head >> 1 & 3
        if kind == RESERVED:
            return None
        at += 3 + (1 if kind == RLE else head >> 3)
        if head & 1:
            at += 4 * checked
            return at if at <= store.size else None


# --- gzip ----------------------------------------------------------------------------------------

BGZF = struct.Struct("<4sIBBH")  # magic, method and flags; time; XFL; OS; XLEN
BGZF_HEAD = b"\x1f\x8b\x08\x04"
GZIP_END = 8


def bgzf_blocks(store: Store, _: Measure) -> Blocks | None:
    """The members of a file that bgzip made: each says how long it is. None where one does not."""
    blocks, at = Blocks(), 0
    while at < store.size:
        size = _member(store, at)
        if size is None or at + size > store.size:
            return None
        unpacked = int.from_bytes(store.view(at + size - 4, at + size), "little")
        if unpacked > 1 << 16 or not blocks.add(at, at + size, unpacked):
            return None
        at += size
    return blocks


def _member(store: Store, at: int) -> int | None:
    """Bytes of the gzip member at `at`, as its extra field BC says."""
    head = bytes(store.view(at, at + BGZF.size))
    if len(head) < BGZF.size or not head.startswith(BGZF_HEAD):
        return None
    extra = bytes(store.view(at + BGZF.size, at + BGZF.size + int.from_bytes(head[10:], "little")))
    here = 0
    while here + 4 <= len(extra):
        length = int.from_bytes(extra[here + 2 : here + 4], "little")
        if extra[here : here + 2] == b"BC" and length == 2:
            size = int.from_bytes(extra[here + 4 : here + 6], "little") + 1
            return size if size > BGZF.size + len(extra) + GZIP_END else None
        here += 4 + length
    return None
