"""Registers of RISC-V in kept streams."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from migstream.machine.registers.read import registers
from migstream.machine.registers.riscv import root
from migstream.render.registers.riscv import lines
from migstream.stream import open_stream
from support import build, samples
from support.samples import Packed, Sample

STREAMS = [p for p in samples.streams() if p.name.startswith("riscv")]
RV32, RV64, HYPERVISOR, SUPERVISOR = 1 << 30, 2 << 62, 1 << 7, 1 << 18


@pytest.mark.parametrize("packed", STREAMS, ids=lambda p: p.label)
def test_every_cpu(packed: Packed, unpack: Callable[[Packed], Sample]) -> None:
    with open_stream(unpack(packed).path) as stream:
        found = registers(stream)
    assert found
    for cpu in found:
        values = cpu.values
        assert {f"{kind}{n}" for kind in "xf" for n in range(32)} <= values.keys()
        assert {"pc", "priv", "mstatus", "mtvec", "satp", "misa", "mhartid"} <= values.keys()
        assert not {"fcsr", "sstatus"} & values.keys()
        assert values["x0"] == 0
        assert cpu.pc == values["pc"]
        assert cpu.pc % 2 == 0
        assert values["misa"] >> 62 == 2
        assert ("hgatp" in values) == bool(values["misa"] & HYPERVISOR)
        printed = lines(values, cpu.arch)
        assert f" pc       {cpu.pc:016x}" in printed
        assert any(line.startswith(" satp ") for line in printed) == bool(
            values["misa"] & SUPERVISOR
        )


def test_root_of_each_mode() -> None:
    number = 0x80123
    for mode in (8, 9, 10):
        assert root({"misa": RV64, "satp": mode << 60 | 7 << 44 | number}) == number << 12
    assert root({"misa": RV64, "satp": number}) is None
    assert root({"misa": RV32, "satp": 1 << 31 | 7 << 22 | number}) == number << 12
    assert root({"misa": RV32, "satp": number}) is None


def test_no_root_where_a_hypervisor_translates_once_more() -> None:
    values = {"misa": RV64, "satp": 8 << 60 | 1, "virt": 1, "hgatp": 8 << 60 | 2}
    assert root(values) is None
    assert root(values | {"hgatp": 0}) == 0x1000
    assert root(values | {"virt": 0}) == 0x1000


@pytest.mark.parametrize(("size", "arch", "mxl"), [(4, "riscv32", 1), (8, "riscv64", 2)])
def test_a_section_of_qemu_6_1(size: int, arch: str, mxl: int, tmp_path: Path) -> None:
    """Which has misa in one, and older names for mtval and stval."""
    misa = mxl << 8 * size - 2 | SUPERVISOR
    fields = {"misa": misa, "mhartid": 3, "sbadaddr": 4, "mbadaddr": 5, "pc": 6}
    text = build.described(
        build.device(
            "cpu",
            [
                build.field("env.gpr", f"uint{8 * size}", size, array_len=32),
                *(build.field(f"env.{name}", f"uint{8 * size}", size) for name in fields),
            ],
        )
    )
    numbers = [*range(32), *fields.values()]
    payload = b"".join(number.to_bytes(size, "big") for number in numbers)
    path = tmp_path / "old.mig"
    path.write_bytes(
        build.HEADER
        + build.configuration()
        + build.full(3, "cpu", payload)
        + build.END
        + build.description(text)
    )
    with open_stream(path) as stream:
        (cpu,) = registers(stream)
    assert cpu.arch == arch
    assert cpu.pc == 6
    assert cpu.values == {f"x{n}": n for n in range(32)} | {
        "misa": misa,
        "mhartid": 3,
        "stval": 4,
        "mtval": 5,
        "pc": 6,
    }
