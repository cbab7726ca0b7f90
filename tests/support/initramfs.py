"""A file system for a guest's first moments: an archive that a Linux kernel unpacks into memory.

References
----------
Linux, Documentation/driver-api/early-userspace/buffer-format.rst
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

__all__ = ["archive"]

PROGRAM = 0o100755
END = "TRAILER!!!"


def archive(path: Path, files: Mapping[str, bytes]) -> Path:
    """Write `files`, all of them programs, as cpio's "newc"."""
    path.write_bytes(
        b"".join(
            _member(n, name, data) for n, (name, data) in enumerate({**files, END: b""}.items())
        )
    )
    return path


def _member(number: int, name: str, data: bytes) -> bytes:
    raw = name.encode() + b"\0"
    # inode, mode, owner, group, links, time, size, device, its device, length of the name, checksum
    words = (number, PROGRAM, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(raw), 0)
    head = b"070701" + b"".join(b"%08X" % word for word in words) + raw
    return _padded(head) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
