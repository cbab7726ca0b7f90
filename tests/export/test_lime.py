"""LiME files, read by a reader of our own that knows the format's description only."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from migstream.errors import Unsupported
from migstream.export.lime import lime_header, lime_plan
from migstream.machine.physical import Range
from support import volatility

MIB = 1 << 20


def made(start: int, size: int) -> Range:
    return Range(start, size, "pc.ram", 0, "a test")


def test_header() -> None:
    assert lime_header(made(0x1000, 0x2000)) == bytes.fromhex(
        "454d694c 01000000 0010000000000000 ff2f000000000000 0000000000000000"
    )


def test_a_file_is_read_back() -> None:
    ranges = [made(0, 0xA0000), made(MIB, 15 * MIB), made(1 << 32, MIB)]
    file = bytearray()
    for number, (at, header, one) in enumerate(lime_plan(ranges), 1):
        assert at == len(file)
        file += header + bytes([number]) * one.size

    found: list[tuple[int, int]] = []
    at = 0
    while at < len(file):
        magic, version, first, last = struct.unpack_from("<IIQQ", file, at)
        assert (magic, version) == (0x4C694D45, 1)
        assert set(file[at + 32 : at + 33 + last - first]) == {len(found) + 1}
        found.append((first, last + 1 - first))
        at += 32 + last + 1 - first
    assert found == [(one.start, one.size) for one in ranges]


def test_no_ranges() -> None:
    assert list(lime_plan([])) == []


@pytest.mark.parametrize("one", [made((1 << 64) - 1, 2), made(0, 1 << 63)])
def test_what_no_file_can_hold(one: Range) -> None:
    with pytest.raises(Unsupported):
        list(lime_plan([one]))


def test_volatility_reads_it(tmp_path: Path) -> None:
    ranges = [made(0, 0xA0000), made(MIB, MIB)]
    path = tmp_path / "memory.lime"
    with path.open("wb") as file:
        for number, (at, header, one) in enumerate(lime_plan(ranges), 1):
            file.seek(at)
            file.write(header + bytes([number]) * one.size)
    layer = volatility.layer("lime", "LimeLayer", path)
    for number, one in enumerate(ranges, 1):
        assert layer.read(one.start, one.size) == bytes([number]) * one.size
    assert not layer.is_valid(0xA0000)
