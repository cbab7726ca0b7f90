"""Real programs that make compressed files of several blocks, and of one."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

FRAME = 1 << 20

__all__ = ["FORWARD", "SEVERAL", "packed"]


def _run(*words: str) -> Callable[[bytes], bytes]:
    def run(data: bytes) -> bytes:
        if shutil.which(words[0]) is None:
            pytest.skip(f"{words[0]} is not installed")
        return subprocess.run(words, input=data, stdout=subprocess.PIPE, check=True).stdout

    return run


def _pzstd(data: bytes) -> bytes:
    return _run("pzstd", "-q", "-1", "-p", "2", "-c")(data)


def _frames(data: bytes) -> bytes:
    """Pieces that were compressed each by itself, joined as `cat` joins files."""
    pieces = (data[at : at + FRAME] for at in range(0, len(data), FRAME))
    return b"".join(
        _run("zstd", "-q", "-c", f"--stream-size={len(piece)}")(piece) for piece in pieces
    )


def _streams(data: bytes) -> bytes:
    """The same for xz, with padding between them."""
    third = len(data) // 3
    pack = _run("xz", "-0", "-c")
    pieces = (data[:third], data[third : 2 * third], data[2 * third :])
    return bytes(8).join(pack(piece) for piece in pieces)


def _seekable(data: bytes) -> bytes:
    pyzstd = pytest.importorskip("pyzstd")
    out = io.BytesIO()
    checked = {pyzstd.CParameter.checksumFlag: 1}
    with pyzstd.SeekableZstdFile(
        out, "w", level_or_option=checked, max_frame_content_size=FRAME
    ) as file:
        file.write(data)
    return out.getvalue()


def _lzop(data: bytes) -> bytes:
    pytest.importorskip("lzallright")
    return _run("lzop", "-1", "-c")(data)


# At hand in ranges. Data should be longer than the 2 MiB that pzstd's fastest level cuts it into.
SEVERAL: dict[str, Callable[[bytes], bytes]] = {
    "xz --block-size": _run("xz", "-0", "-T2", "--block-size=1MiB", "-c"),
    "xz without checks": _run("xz", "-0", "--check=none", "--block-size=1MiB", "-c"),
    "xz streams": _streams,
    "zstd frames": _frames,
    "zstd seekable": _seekable,
    "pzstd": _pzstd,
    "bgzip": _run("bgzip", "-c"),
    "lzop": _lzop,
}
FORWARD: dict[str, Callable[[bytes], bytes]] = {
    "xz": _run("xz", "-0", "-T1", "-c"),
    "zstd": _run("zstd", "-q", "-1", "-c"),
    "gzip": _run("gzip", "-1", "-c"),
    "bzip2": _run("bzip2", "-1", "-c"),
}


def packed(how: str, data: bytes, folder: Path) -> Path:
    """A file of these bytes; skips the test where the program is not installed."""
    path = folder / "packed"
    path.write_bytes((SEVERAL | FORWARD)[how](data))
    return path
