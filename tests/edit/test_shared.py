"""On a file system that can share what files hold, an edited stream shares all but its end with its source."""

from __future__ import annotations

import fcntl
import os
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import migstream
from migstream.source import pieces
from support.lacking import lacks
from support.samples import Sample

Named = Callable[[str], Sample]
KINDS = {"btrfs": ("mkfs.btrfs", "-q"), "xfs": ("mkfs.xfs", "-q", "-m", "reflink=1")}
SIZE = 512 << 20

# linux/fiemap.h
FIEMAP = 0xC020660B
HEAD, EXTENT = struct.Struct("=QQIIII"), struct.Struct("=QQQQQIIII")
SYNC, SHARED = 1, 0x2000
MOST = 64


@pytest.fixture(params=KINDS)
def sharing(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A folder on such a file system, in a file that is mounted for this test."""
    command = KINDS[request.param]
    mkfs = shutil.which(command[0], path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if mkfs is None or mount is None or umount is None:
        lacks(f"no {command[0]} here")
    image, folder = tmp_path / "image", tmp_path / "mounted"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(SIZE)
    subprocess.run([mkfs, *command[1:], image], check=True, capture_output=True)
    mounted = subprocess.run(
        [mount, "-o", "loop", image, folder], check=False, capture_output=True, text=True
    )
    if mounted.returncode:
        lacks(f"{request.param} cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run([umount, folder], check=True)


def shared(path: Path) -> int:
    """How many bytes of a file, from the first one on, it shares with another."""
    with path.open("rb") as file:
        asked = HEAD.pack(0, 1 << 62, SYNC, 0, MOST, 0)
        told = bytearray(asked + bytes(MOST * EXTENT.size))
        fcntl.ioctl(file, FIEMAP, told)
    count = HEAD.unpack_from(told)[3]
    end = 0
    for number in range(count):
        logical, _, length, _, _, flags, *_ = EXTENT.unpack_from(
            told, HEAD.size + number * EXTENT.size
        )
        if logical != end or not flags & SHARED:
            break
        end = logical + length
    return end


@pytest.mark.parametrize("place", ["beside", "in its place"])
def test_all_but_the_end_is_shared(
    named_sample: Named, sharing: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("migstream.stream.bare.CHEAP", 0)
    monkeypatch.setattr(pieces, "MANY", 1)
    source, keep = sharing / "guest.mig", sharing / "kept.mig"
    shutil.copyfile(named_sample("pc-7.2.mig").path, source)
    subprocess.run(["cp", "--reflink=always", source, keep], check=True)
    target = source if place != "beside" else sharing / "new.mig"
    with migstream.edit(source) as edit:
        edit.set("timer/cpu_ticks_offset", 5).save(target, force=True)
        at = edit.changes()[0].at
    before, after = keep.read_bytes(), target.read_bytes()
    assert after[:at] == before[:at]
    assert [n for n, (a, b) in enumerate(zip(before, after, strict=True)) if a != b] == [at + 7]
    assert shared(target) > at - (1 << 13)
