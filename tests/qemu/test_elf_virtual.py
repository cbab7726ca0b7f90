"""A core by virtual addresses against the one that QEMU dumps with paging: the same pages, the same bytes."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import pytest

import migstream
from migstream.cli.group import cli
from support.linux import running_linux

pytestmark = pytest.mark.qemu

PAGE = 4096
PT_LOAD, PN_XNUM = 1, 0xFFFF


def loads(raw: bytes) -> list[tuple[int, int, int, int]]:
    """Offset, virtual and physical address, and size in the file of each segment of an ELF64."""
    at = struct.unpack_from("<Q", raw, 32)[0]
    (count,) = struct.unpack_from("<H", raw, 56)
    assert count != PN_XNUM
    rows = (struct.unpack_from("<IIQQQQQQ", raw, at + 56 * n) for n in range(count))
    return [row[2:6] for row in rows if row[0] == PT_LOAD]


def mapped(raw: bytes) -> dict[int, set[int]]:
    """Of each virtual page, where in the file it is, by its bytes."""
    pages: dict[int, set[int]] = {}
    for offset, virtual, _, size in loads(raw):
        for step in range(0, size, PAGE):
            pages.setdefault(virtual + step, set()).add(
                hash(raw[offset + step : offset + step + PAGE])
            )
    return pages


def test_linux_by_its_virtual_addresses(tmp_path: Path) -> None:
    with running_linux(tmp_path) as guest:
        core = guest._folder / "core"
        guest.execute(
            "dump-guest-memory", {"paging": True, "protocol": f"file:{guest._seen(core)}"}
        )
        shutil.move(core, tmp_path / "theirs")
        guest.migrate(tmp_path / "guest.mig")
    ours = tmp_path / "ours"
    words = ["extract", str(tmp_path / "guest.mig"), "--paging", "-o", str(ours)]
    assert cli.main(words, standalone_mode=False) in (None, 0)
    mine, other = (mapped(path.read_bytes()) for path in (ours, tmp_path / "theirs"))
    assert len(mine) > 1000
    assert mine.keys() == other.keys()
    assert mine == other
    with migstream.open(tmp_path / "guest.mig") as stream:
        ranges = stream.memory.ranges
    for _, virtual, physical, size in loads(ours.read_bytes()):
        assert any(one.start <= physical and physical + size <= one.stop for one in ranges), virtual
