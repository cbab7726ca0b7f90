"""Registers of LoongArch against QEMU's own words."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.gdbnames import GdbStub
from support.inforegs import Group, after_firmware, give, observe
from support.qemu import Binary, Qemu, find

pytestmark = pytest.mark.qemu

# QEMU 7.2 dies of an arithmetic exception when it is to migrate.
BINARIES = [b for b in find("qemu-system-loongarch64") if not b.version.startswith("7.")]
GROUPS = (
    Group([f"r{n}" for n in range(1, 32)], 8),
    Group(["pc"], 8),
    Group([f"f{n}" for n in range(32)], 8),
)
FLAGS = [f"fcc{n}" for n in range(8)]
UNKNOWN = ((r"CPUID  \d", "CPUID  ?", "it is not in the stream"),)
NO_MESSAGES = ((r"^ CSR16[04]: MSG.* 0$", "", "printed for a CPU without message interrupts"),)


@pytest.mark.parametrize("binary", BINARIES, ids=str)
def test_what_a_debugger_put_there(binary: Binary, tmp_path: Path) -> None:
    with Qemu(binary, ["-M", "virt", "-m", "1G", "-smp", "2"]) as guest, GdbStub(guest) as stub:
        told = [give(stub, cpu, GROUPS, "little") for cpu in range(2)]
        for cpu in range(2):
            stub.select(cpu)
            for number, name in enumerate(FLAGS):
                told[cpu][name] = (0x35 + cpu) >> number & 1
                stub.set(name, told[cpu][name])
        for one in observe(guest, tmp_path / "guest.mig", told):
            assert {name: one.cpu.values[name] for name in one.told} == one.told
            assert one.cpu.values["fcc"] == 0x35 + one.cpu.index
            assert one.cpu.pc == one.told["pc"]
            assert one.printed() == one.expected((*UNKNOWN, *NO_MESSAGES))


@pytest.mark.parametrize("cpu", ["la464", "max"])
@pytest.mark.parametrize("binary", BINARIES, ids=str)
def test_after_a_moment_of_firmware(binary: Binary, cpu: str, tmp_path: Path) -> None:
    with after_firmware(binary, ["-M", "virt", "-m", "1G", "-cpu", cpu]) as guest:
        (one,) = observe(guest, tmp_path / "guest.mig")
    unknown = UNKNOWN if "msgir" in one.cpu.values else (*UNKNOWN, *NO_MESSAGES)
    assert one.printed() == one.expected(unknown)
