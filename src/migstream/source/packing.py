"""Compressing: the opposite of `source.compressed`, piece by piece, in bounded memory."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from migstream.errors import SourceError

__all__ = ["PACKERS", "packed"]


class Packer(Protocol):
    """What zlib's, bz2's, lzma's and zstd's compressors have in common."""

    def compress(self, data: bytes | memoryview, /) -> bytes: ...
    def flush(self) -> bytes: ...


def _gzip() -> Packer:
    return zlib.compressobj(wbits=31)


def _bzip2() -> Packer:
    import bz2

    return bz2.BZ2Compressor()


def _xz() -> Packer:
    import lzma

    return lzma.LZMACompressor(lzma.FORMAT_XZ)


def _zstd() -> Packer:
    from migstream.source.zstd import zstd

    return zstd.ZstdCompressor()


class _Lz4:
    def __init__(self) -> None:
        from lz4 import frame

        self._inner = frame.LZ4FrameCompressor()
        self._begun = False

    def compress(self, data: bytes | memoryview, /) -> bytes:
        head = b"" if self._begun else self._inner.begin()
        self._begun = True
        return bytes(head + self._inner.compress(data))

    def flush(self) -> bytes:
        head = b"" if self._begun else self._inner.begin()
        return bytes(head + self._inner.flush())


def _lzop() -> Packer:
    from lzallright import LZOCompressor

    from migstream.source.lzop import LzopPacker

    return LzopPacker(LZOCompressor().compress)


PACKERS: dict[str, Callable[[], Packer]] = {
    "gzip": _gzip, "bzip2": _bzip2, "xz": _xz, "zstd": _zstd, "lz4": _Lz4, "lzop": _lzop,
}  # fmt: skip


def packed(name: str, pieces: Iterable[bytes | memoryview]) -> Iterator[bytes]:
    """The pieces compressed with one of PACKERS.

    Raises
    ------
    SourceError : what compresses so is not installed
    """
    try:
        packer = PACKERS[name]()
    except ImportError:
        raise SourceError(
            f"nothing that compresses with {name} is installed",
            hint=f"pip install 'migstream[{name}]', or write it uncompressed and run {name}",
        ) from None
    for piece in pieces:
        if data := packer.compress(piece):
            yield data
    yield packer.flush()
