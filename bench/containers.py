"""Streams in containers: a snapshot in a qcow2 image, libvirt's save image, against the bare file."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path
from typing import BinaryIO

from bench.streams import build
from bench.timing import Row, anonymous_peak, seconds

__all__ = ["container_rows"]

SIZE = 2048  # MiB of guest memory, half of it zero pages
MOST, SOON = 150, 0.15  # MiB, seconds
BITS = 16
CLUSTER = 1 << BITS
CHUNK = 1 << 20
COPIED = 1 << 63


def _copy(source: Path, file: BinaryIO) -> int:
    size = 0
    with source.open("rb") as stream:
        while piece := stream.read(CHUNK):
            file.write(piece)
            size += len(piece)
    return size


def disk(stream: Path, target: Path) -> Path:
    """A qcow2 image (version 3) with one snapshot, whose VM state is `stream` (docs/interop/qcow2.rst)."""
    per_table = CLUSTER // 8
    with target.open("wb") as file:
        file.write(bytes(CLUSTER))
        size = _copy(stream, file)
        clusters = -(-size // CLUSTER)
        file.truncate((clusters + 1) * CLUSTER)
        file.seek(0, 2)
        tables = []
        for first in range(0, clusters, per_table):
            tables.append(file.tell())
            words = [
                (1 + n) * CLUSTER | COPIED if n < clusters else 0
                for n in range(first, first + per_table)
            ]
            file.write(struct.pack(f">{per_table}Q", *words))
        l1 = file.tell()
        file.write(
            struct.pack(f">{len(tables)}Q", *(at | COPIED for at in tables)).ljust(CLUSTER, b"\0")
        )
        listed = file.tell()
        head = struct.pack(">QIHHIIQII", l1, len(tables), 1, 5, 0, 0, 0, 0, 16)
        file.write(head + struct.pack(">QQ", size, 0) + b"1state")
        file.seek(0)
        file.write(
            struct.pack(
                ">4sIQIIQIIQQIIQQQQII", b"QFI\xfb", 3, 0, 0, BITS, 0, 0, 0, 0, 0, 0, 1, listed, 0, 0, 0, 4, 104,
            )
        )  # fmt: skip
    return target


def image(stream: Path, target: Path) -> Path:
    """A save image of libvirt's (src/qemu/qemu_saveimage.h)."""
    xml = b"<domain type='kvm'><name>bench</name></domain>\0".ljust(1024, b"\0")
    with target.open("wb") as file:
        file.write(
            struct.pack("<16s5I", b"LibvirtQemudSave", 2, len(xml), 1, 0, 0).ljust(92, b"\0")
        )
        file.write(xml)
        _copy(stream, file)
    return target


def container_rows(folder: Path, devices: bytes, ours: str, runs: int) -> list[Row]:
    """Time them.

    Parameters
    ----------
    folder : has room for some 7 GiB
    devices : what follows the memory in the stream
    """
    bare = build(folder / "bare.mig", SIZE, devices, shape="half")
    out = folder / "out"

    def clean() -> None:
        shutil.rmtree(out, ignore_errors=True)

    def extracted(path: Path) -> float:
        words = (ours, "extract", str(path), "-f", "raw", "-o", str(out))
        return seconds(words, runs, before=clean)

    plain = extracted(bare)
    saved = image(bare, folder / "guest.save")
    rows = [
        Row(
            "info, a save image",
            seconds((ours, "info", str(saved)), runs),
            "the bar",
            SOON,
            "<=",
            1,
        )
    ]
    saved.unlink()
    held = disk(bare, folder / "disk.qcow2")
    bare.unlink()
    rows += [
        Row("info, a snapshot", seconds((ours, "info", str(held)), runs), "the bar", SOON, "<=", 1),
        Row("extract raw, a snapshot", extracted(held), "a bare stream", plain, "<=", 1 / 0.7),
    ]
    clean()
    peak = anonymous_peak((ours, "extract", str(held), "-f", "raw", "-o", str(out))) / (1 << 20)
    rows.append(Row("memory of extract, a snapshot", peak, "the bar", MOST, "<=", 1, "MiB"))
    clean()
    held.unlink()
    return rows
