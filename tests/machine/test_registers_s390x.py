"""Registers of s390x in kept streams."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from migstream.machine.registers.read import registers
from migstream.machine.registers.s390x import root
from migstream.render.registers.s390x import lines
from migstream.stream import open_stream
from support import samples
from support.samples import Packed, Sample

STREAMS = [p for p in samples.streams() if p.name.startswith("s390x")]
DAT, TABLE, REAL_SPACE = 1 << 58, 0x7_0000_3000, 1 << 5


@pytest.mark.parametrize("packed", STREAMS, ids=lambda p: p.label)
def test_every_cpu(packed: Packed, unpack: Callable[[Packed], Sample]) -> None:
    with open_stream(unpack(packed).path) as stream:
        found = registers(stream)
    assert found
    for cpu in found:
        values = cpu.values
        for name, count in {"r": 16, "a": 16, "c": 16, "f": 16, "vl": 16, "v": 32}.items():
            assert {f"{name}{n}" for n in range(count)} <= values.keys()
        assert {"psw.mask", "psw.addr", "prefix", "fpc", "cputm", "ckc", "todpr"} <= values.keys()
        assert "gscb0" not in values  # this machine has no guarded storage
        assert cpu.pc == values["psw.addr"]
        assert cpu.pc % 2 == 0
        assert values["c0"] == 0xE0
        assert all(values[f"v{n}"] == values[f"f{n}"] << 64 | values[f"vl{n}"] for n in range(16))
        assert len(lines(values, cpu.arch)) == 1 + 4 + 16 + 4


def test_root_is_the_origin_of_the_primary_space() -> None:
    assert root({"psw.mask": DAT, "c1": TABLE | 0xF}) == TABLE
    assert root({"psw.mask": 0, "c1": TABLE | 0xF}) is None
    assert root({"psw.mask": DAT, "c1": TABLE | REAL_SPACE}) is None
