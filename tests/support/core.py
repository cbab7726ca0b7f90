"""Read a core file: its segments, by hand. Shares no code with what writes ours."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

CHUNK = 4 << 20


class Segment(NamedTuple):
    """A PT_LOAD: physical address, size, and the SHA-256 of its bytes."""

    address: int
    size: int
    sha256: str


def read_core(path: Path) -> list[Segment]:
    """All PT_LOADs of an ELF file with their hashes."""
    with path.open("rb") as file:
        return [Segment(address, size, _digest(file, size)) for address, size in segments(file)]


def segments(file: IO[bytes]) -> Iterator[tuple[int, int]]:
    """Address and size of each PT_LOAD of a file that may be a pipe.

    The file stands at the segment's first byte each time, and at the byte behind it the next time.
    """
    head = file.read(64)
    assert head[:4] == b"\x7fELF"
    order = "<" if head[5] == 1 else ">"
    wide = head[4] == 2
    (phoff,) = struct.unpack_from(order + ("Q" if wide else "I"), head, 32 if wide else 28)
    size, count = struct.unpack_from(f"{order}HH", head, 54 if wide else 42)
    head += file.read(phoff + size * count - len(head))
    at = len(head)
    for number in range(count):
        raw = head[phoff + number * size : phoff + (number + 1) * size]
        (kind,) = struct.unpack_from(f"{order}I", raw)
        if kind != 1:
            continue
        form, skip = (order + "5Q", 8) if wide else (order + "5I", 4)
        offset, _, address, length, _ = struct.unpack_from(form, raw, skip)
        at += _pass(file, offset - at)
        yield address, length
        at += length


def _pass(file: IO[bytes], size: int) -> int:
    assert size >= 0
    assert len(file.read(size)) == size
    return size


def chunks(file: IO[bytes], size: int) -> Iterator[bytes]:
    """The next `size` bytes."""
    while size:
        piece = file.read(min(CHUNK, size))
        assert piece
        yield piece
        size -= len(piece)


def _digest(file: IO[bytes], size: int) -> str:
    digest = hashlib.sha256()
    for piece in chunks(file, size):
        digest.update(piece)
    return digest.hexdigest()
