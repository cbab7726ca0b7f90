"""Registers of Arm, from streams as they are kept, and what is worked out from them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import migstream
from migstream.machine.registers.arm import root
from migstream.machine.registers.read import Cpu, registers
from migstream.vmstate.meaning.cpregs import name_of
from support.samples import Packed, Sample, streams

ARM = [p for p in streams() if "arm-" in p.label]


def cpus(sample: Sample) -> tuple[Cpu, ...]:
    with migstream.open(sample.path) as stream:
        return registers(stream)


@pytest.mark.parametrize("packed", ARM, ids=lambda p: p.label)
def test_every_board(packed: Packed, unpack: Callable[[Packed], Sample]) -> None:
    for cpu in cpus(unpack(packed)):
        values = cpu.values
        if cpu.arch == "aarch64":
            assert {*(f"x{n}" for n in range(31)), "sp", "pc", "pstate", "sctlr_el1", "v31"} <= set(
                values
            )
            assert cpu.pc == values["pc"]
        else:
            assert {*(f"r{n}" for n in range(16)), "cpsr"} <= set(values)
            assert cpu.pc == values["r15"] < 1 << 32
            assert ("xpsr" in values) != ("sctlr" in values)
        assert all(0 <= value < 1 << 128 for value in values.values())


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (0x6030_0000_0013_C080, "sctlr_el1"),
        (0x6030_0000_0013_E208, "s3_4_c4_c1_0"),
        (0x4020_0000_200F_1800, "dacr"),
        (0x4020_0000_000F_1800, "dacr_s"),
        (0x4020_0000_200F_7880, "p15_0_c15_c1_0"),
        (0x4020_0000_200E_0884, "dbgoslsr"),
        (0x4030_0000_200F_0380, "par_el1"),
        (0x6030_0000_0010_0000, None),  # a core register of KVM's
        (0x8030_0000_0013_C080, None),
        ((1 << 64) - 1, None),
    ],
)
def test_names(number: int, name: str | None) -> None:
    assert name_of(number) == name


EL1H, EL2H, EL0, SVC = 5, 9, 0, 0x13
ON = 1


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"pstate": EL1H, "sctlr_el1": 0, "ttbr0_el1": 0x1000}, None),
        ({"pstate": EL1H, "sctlr_el1": ON, "ttbr0_el1": 0x1000, "ttbr1_el1": 0x2000}, None),
        (
            {
                "pstate": EL0,
                "sctlr_el1": ON,
                "tcr_el1": 1 << 23,
                "ttbr0_el1": 7 << 48 | 0x1001,
                "ttbr1_el1": 1,
            },
            0x1000,
        ),
        (
            {
                "pstate": EL1H,
                "sctlr_el1": ON,
                "tcr_el1": 1 << 7,
                "ttbr0_el1": 0,
                "ttbr1_el1": 0x2000,
            },
            0x2000,
        ),
        ({"pstate": EL2H, "sctlr_el2": ON, "ttbr0_el2": 0x3000}, 0x3000),
        ({"cpsr": SVC, "sctlr": ON, "ttbr0": 0x4_7FFF, "ttbr1": 0, "ttbcr": 0}, 0x4_4000),
        ({"cpsr": SVC, "sctlr": ON, "ttbr0": 0x4_7FFF, "ttbr1": 0x8000, "ttbcr": 1}, None),
        ({"cpsr": SVC, "sctlr": ON, "ttbr0": 0xFF_0000_5020, "ttbcr": 1 << 31}, 0xFF_0000_5020),
        ({}, None),
    ],
)
def test_the_root(values: dict[str, int], expected: int | None) -> None:
    assert root(values) == expected
