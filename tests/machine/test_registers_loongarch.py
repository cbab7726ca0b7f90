"""Registers of LoongArch in kept streams."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from migstream.machine.registers.read import registers
from migstream.render.registers.loongarch import lines
from migstream.stream import open_stream
from support import samples
from support.samples import Packed, Sample

STREAMS = [p for p in samples.streams() if p.name.startswith("loongarch")]


@pytest.mark.parametrize("packed", STREAMS, ids=lambda p: p.label)
def test_every_cpu(packed: Packed, unpack: Callable[[Packed], Sample]) -> None:
    with open_stream(unpack(packed).path) as stream:
        found = registers(stream)
    assert found
    for cpu in found:
        values = cpu.values
        assert {f"{kind}{n}" for kind in "rf" for n in range(32)} <= values.keys()
        assert {"pc", "era", "badv", "crmd", "prmd", "fcc", "fcsr0", "save15"} <= values.keys()
        assert "cpuid" not in values
        assert values["r0"] == 0
        assert cpu.pc == values["pc"]
        assert cpu.pc % 4 == 0
        assert cpu.root is None
        printed = lines(values, cpu.arch)
        assert printed[0] == f" PC={cpu.pc:016x}  FCSR0 0x{values['fcsr0']:08x}"
        assert all(line == line.rstrip() for line in printed)


def test_a_row_with_what_is_not_known() -> None:
    assert lines({"prcfg1": 0x72F8, "prcfg2": 1}, "loongarch64") == [
        " CSR032: CPUID  ?                PRCFG1 72f8             PRCFG2 1                PRCFG3 ?"
    ]


def test_no_more_scratch_registers_than_there_are() -> None:
    values = {f"save{n}": n for n in range(16)}
    assert lines(values | {"prcfg1": 2}, "loongarch64")[1:] == [
        " CSR048: SAVE0  0                SAVE1  1"
    ]
    assert len(lines(values | {"prcfg1": 12}, "loongarch64")) == 1 + 3
