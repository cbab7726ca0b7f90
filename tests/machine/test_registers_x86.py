"""Registers of x86, from streams as they are kept."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import migstream
from migstream.machine.registers.read import Cpu, registers
from migstream.machine.registers.x86 import root
from migstream.render.registers.x86 import lines
from support.samples import Packed, Sample, streams

BOARDS = ("pc-", "q35", "microvm", "isapc")
X86 = [p for p in streams() if p.name.removeprefix("x86-").startswith(BOARDS)]
NAMES = (
    "rax rcx rdx rbx rsp rbp rsi rdi rip rflags cr0 cr2 cr3 cr4 dr0 dr7 gdt.base idt.limit fctrl fstat"
    " ftag mxcsr st0 st7 xmm0 xmm7 hflags cpl smm a20 halted pat tsc sysenter_eip"
)


def cpus(sample: Sample) -> tuple[Cpu, ...]:
    with migstream.open(sample.path) as stream:
        return registers(stream)


@pytest.mark.parametrize(
    "packed", [p for p in X86 if "novmdesc" not in p.name], ids=lambda p: p.label
)
def test_every_pc(packed: Packed, unpack: Callable[[Packed], Sample]) -> None:
    found = cpus(unpack(packed))
    assert [cpu.index for cpu in found] == list(range(len(found)))
    for cpu in found:
        assert cpu.arch == "x86_64"
        assert not set(NAMES.split()) - set(cpu.values)
        assert {
            f"{s}.{f}" for s in ("cs", "ldt", "tr") for f in ("selector", "base", "limit", "flags")
        } <= set(cpu.values)
        assert cpu.pc == cpu.values["rip"] < 1 << 64
        assert cpu.values["rflags"] & 2
        assert (cpu.root is None) == (not cpu.values["cr0"] >> 31)
        assert len(lines(cpu.values, cpu.arch)) == 26  # none is left out
        assert all(0 <= value < 1 << 256 for value in cpu.values.values())


PG, PAE, LMA = 1 << 31, 1 << 5, 1 << 10
CR3 = 0xFFF_FFFF_FFFF_FFFF


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"cr0": 0, "cr3": CR3}, None),
        ({"cr0": PG, "cr3": CR3, "cr4": 0}, 0xFFFF_F000),
        ({"cr0": PG, "cr3": CR3, "cr4": PAE, "efer": 0}, 0xFFFF_FFE0),
        ({"cr0": PG, "cr3": CR3, "cr4": PAE, "efer": LMA}, 0xF_FFFF_FFFF_F000),
        ({"cr0": PG}, None),
        ({}, None),
    ],
)
def test_the_root_by_mode(values: dict[str, int], expected: int | None) -> None:
    assert root(values) == expected


def test_a_line_without_its_registers_is_left_out() -> None:
    assert lines({"cr0": 1, "cr2": 2, "cr3": 3, "cr4": 4}, "x86_64") == [
        "CR0=00000001 CR2=00000002 CR3=00000003 CR4=00000004"
    ]
