"""Containers that are compressed: read forward, one member or frame after the other, in bounded memory.

Everything that can be unpacked comes out before the damage behind it is said. A file of several blocks
whose places are known is read by ranges instead (`source.seekable`).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

from migstream.errors import SourceError
from migstream.source.blocks import SKIPPED, Blocks, Measure, bgzf_blocks, xz_blocks, zstd_blocks
from migstream.source.layers import UNPACKED_FLOOR, UNPACKED_RATIO, Layer, Opened, Pipe
from migstream.source.store import Store

if TYPE_CHECKING:
    from migstream.source.seekable import Seekable

__all__ = ["BZIP2", "GZIP", "LZ4", "LZOP", "XZ", "ZSTD", "Unpacked"]

CHUNK = 1 << 16
MOST_AT_ONCE = 1 << 20
# Windows are allocated as large as they are claimed. 128 MiB is what `zstd -d` and `xz -d` take without being asked.
WINDOW_LOG = 27
MOST_WINDOW = 1 << WINDOW_LOG
MOST_SKIPPED = 1 << 16  # bytes before the first frame


class Member(Protocol):
    """One member of a compressed file (bz2's, lzma's and zstd's objects are so, zlib's nearly)."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def needs_input(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Gzip:
    """A gzip member; zlib's object leaves it to its user to keep what it did not take."""

    def __init__(self) -> None:
        self._object = zlib.decompressobj(31)

    @property
    def eof(self) -> bool:
        return self._object.eof

    @property
    def unused_data(self) -> bytes:
        return self._object.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._object.unconsumed_tail

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._object.decompress(self._object.unconsumed_tail + data, max(max_length, 0))


Start = tuple[Callable[[], Member], tuple[type[Exception], ...]]


class Kind(NamedTuple):
    """A way of compressing: its name, what a file of it begins with, what gives a maker of readers and their errors.

    `extra` is the extra of this package that has the decoder, where it is not in the standard library.
    `blocks` finds the blocks of a file that can be unpacked one by one; None where they cannot, or the
    file does not tell where they are.
    """

    name: str
    magic: bytes
    start: Callable[[], Start]
    extra: str = ""
    blocks: Callable[[Store, Measure], Blocks | None] | None = None

    def __call__(self, outer: Opened, /) -> Opened | None:
        """What is compressed in this way in `outer` (protocol: source.containers.Container)."""
        if outer.head(len(self.magic)) != self.magic and not self._behind_skipped(outer):
            return None
        store = outer.store
        at_hand = None if store is None else self._at_hand(store)
        if at_hand is None or store is None:
            unpacked = Unpacked(outer.reader(), self)
            return outer.inside(Layer(self.name), pipe=unpacked, packed=lambda: unpacked.packed)
        return outer.inside(
            Layer(self.name),
            store=at_hand,
            packed=lambda: store.size,
            base=0,
            ends=True,
            forward=lambda: Unpacked(outer.reader(), self),
            close=at_hand,
        )

    def _behind_skipped(self, outer: Opened) -> bool:
        """Whether a frame of another use stands before the first one, as pzstd writes it."""
        if self.blocks is not zstd_blocks:
            return False
        head = outer.head(8)
        if len(head) < 8 or int.from_bytes(head[:4], "little") & ~0xF != SKIPPED:
            return False
        stop = 8 + int.from_bytes(head[4:], "little")
        return stop < MOST_SKIPPED and outer.head(stop + 4)[stop:] == self.magic

    def _at_hand(self, store: Store) -> Seekable | None:
        """What is in a file of several blocks, where the first and the last one can be unpacked."""
        if self.blocks is None:
            return None
        from migstream.source.seekable import Seekable, measured

        try:
            start = self.start()
            blocks = self.blocks(store, lambda begin, stop: measured(store, start, begin, stop))
            most = UNPACKED_FLOOR + UNPACKED_RATIO * store.size
            if blocks is None or len(blocks) < 2 or blocks.size > most:
                return None
            found = Seekable(store, start, blocks)
            found.view(0, 1)
            found.view(found.size - 1, found.size)
        except (SourceError, ImportError):
            return None  # read forward, it gives what stands before the damage
        return found


def _gzip() -> Start:
    return _Gzip, (zlib.error,)


def _bzip2() -> Start:
    import bz2

    return bz2.BZ2Decompressor, (OSError, ValueError)


def _xz() -> Start:
    import lzma

    def member() -> Member:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MOST_WINDOW + (MOST_WINDOW >> 2))

    return member, (lzma.LZMAError,)


def _zstd() -> Start:
    from migstream.source.zstd import zstd

    most: dict[int, int] = {zstd.DecompressionParameter.window_log_max: WINDOW_LOG}
    return lambda: zstd.ZstdDecompressor(options=most), (zstd.ZstdError,)


def _lz4() -> Start:
    from lz4 import frame

    return frame.LZ4FrameDecompressor, (RuntimeError, EOFError)


def _lzop() -> Start:
    from lzallright import LZOCompressor, LZOError

    from migstream.source.lzop import LzopError, LzopMember

    unpack = LZOCompressor.decompress
    return lambda: LzopMember(lambda data, size: bytes(unpack(data, size))), (LzopError, LZOError)


def _lzop_blocks(store: Store, measure: Measure) -> Blocks | None:
    from migstream.source.lzop import lzop_blocks

    return lzop_blocks(store, measure)


GZIP = Kind("gzip", b"\x1f\x8b", _gzip, blocks=bgzf_blocks)
BZIP2 = Kind("bzip2", b"BZh", _bzip2)
XZ = Kind("xz", b"\xfd7zXZ\x00", _xz, blocks=xz_blocks)
ZSTD = Kind("zstd", b"\x28\xb5\x2f\xfd", _zstd, blocks=zstd_blocks)
LZ4 = Kind("lz4", b"\x04\x22\x4d\x18", _lz4, "lz4")
LZOP = Kind("lzop", b"\x89LZO\0\r\n\x1a\n", _lzop, "lzop", _lzop_blocks)
TOO_MUCH = ("memory", "Memory")  # in what xz and zstd say of a window beyond the limit


class Unpacked:
    """The bytes inside a compressed file, forward; damage in it is an error of ours, said once.

    Raises SourceError where this Python was built without a decoder. `packed` counts the bytes of the file that were read so far.
    """

    def __init__(self, raw: Pipe, kind: Kind) -> None:
        self.packed = 0
        self._raw = raw
        self._kind = kind
        try:
            self._start, self._errors = kind.start()
        except ImportError:
            lacks = (
                "which is not installed" if kind.extra else "which this Python was built without"
            )
            get = f"pip install 'migstream[{kind.extra}]', or " if kind.extra else ""
            raise SourceError(
                f"this file is compressed with {kind.name}, {lacks}",
                hint=f"{get}unpack it first: {kind.name} -d",
            ) from None
        self._member: Member | None = None
        self._data = b""
        self._ready, self._at = b"", 0
        self._ended = False

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes, none at the end.

        Raises
        ------
        SourceError : the compressed file is damaged or cut off here; what precedes was given
        """
        while self._at == len(self._ready) and not self._ended:
            self._ready, self._at = self._more(), 0
        piece = self._ready[self._at : self._at + size]  # all of it is the same object, no copy
        self._at += len(piece)
        return piece

    def _more(self) -> bytes:
        if not self._data and (self._member is None or self._member.needs_input):
            self._data = self._raw.read(CHUNK)
            self.packed += len(self._data)
            if not self._data:
                self._ended = True
                if self._member is not None:
                    raise self._damaged("it is cut off")
                return b""
        if self._member is None:
            self._data = self._data.lstrip(b"\0") if self.packed > len(self._data) else self._data
            if not self._data:
                return b""  # padding between members, or behind the last one
            self._member = self._start()
        data, self._data = self._data, b""
        try:
            piece = self._member.decompress(data, MOST_AT_ONCE)
        except self._errors as error:
            self._ended = True
            raise self._damaged(str(error)) from None
        if self._member.eof:
            self._data, self._member = self._member.unused_data, None
        return piece

    def _damaged(self, reason: str) -> SourceError:
        hint = "what it holds up to here was read; another copy of the file may be whole"
        if any(word in reason for word in TOO_MUCH):
            hint = f"it was compressed with a very large window: unpack it with {self._kind.name} itself, then open that"
        return SourceError(f"the compressed file is damaged: {reason}", hint=hint)
