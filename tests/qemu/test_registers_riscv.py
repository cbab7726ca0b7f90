"""Registers of RISC-V, 32 and 64 bits wide, against QEMU's own words."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.gdbnames import GdbStub
from support.inforegs import Group, after_firmware, give, observe
from support.qemu import Binary, Qemu, find

pytestmark = pytest.mark.qemu

ABI = (
    "ra sp gp tp t0 t1 t2 fp s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6"
)
FLOAT = (
    "ft0 ft1 ft2 ft3 ft4 ft5 ft6 ft7 fs0 fs1 fa0 fa1 fa2 fa3 fa4 fa5 fa6 fa7 fs2 fs3 fs4 fs5 fs6 fs7 fs8 fs9"
    " fs10 fs11 ft8 ft9 ft10 ft11"
)
CONTROL = (
    "mstatus mie mtvec mscratch mepc mcause mtval medeleg mideleg mtval2 mtinst stvec sscratch sepc scause stval"
    " hedeleg hideleg htval htinst vstvec vsscratch vsepc vscause vstval vsstatus"
)
UNKNOWN = ((r"^ fcsr .*", "", "the flags of floating point are in no stream"),)
NO_SUPERVISOR = ((r"^ m[ie]deleg +0+$", "", "7.2 prints them for a hart that has none"),)
SUPERVISOR = 1 << ord("s") - ord("a")  # of misa
MACHINES = {
    "virt": ["-M", "virt", "-m", "32"],
    "vector": ["-M", "virt", "-cpu", "rv64,v=on", "-m", "32"],
    "no supervisor": ["-M", "sifive_e"],
    "two kinds of hart": ["-M", "sifive_u", "-m", "128", "-bios", "none"],
}
BINARIES = [b for width in (32, 64) for b in find(f"qemu-system-riscv{width}")]


@pytest.mark.parametrize("binary", BINARIES, ids=str)
def test_what_a_debugger_put_there(binary: Binary, tmp_path: Path) -> None:
    size = 4 if binary.name.endswith("32") else 8
    groups = (
        Group(ABI.split(), size, [f"x{n}" for n in range(1, 32)]),
        Group(["pc"], size),
        Group(FLOAT.split(), 8, [f"f{n}" for n in range(32)]),
        Group(CONTROL.split(), size),
    )
    arguments = ["-M", "virt", "-m", "16", "-bios", "none", "-smp", "2"]
    with Qemu(binary, arguments) as guest, GdbStub(guest) as stub:
        told = [give(stub, cpu, groups, "little") for cpu in range(2)]
        for one in observe(guest, tmp_path / "guest.mig", told):
            assert {name: one.cpu.values[name] for name in one.told} == one.told
            assert one.cpu.values["mhartid"] == one.cpu.index
            assert one.cpu.pc == one.told["pc"]
            assert one.cpu.root is None
            assert one.printed() == one.expected(UNKNOWN)


@pytest.mark.parametrize(
    ("binary", "machine"),
    [
        pytest.param(binary, machine, id=f"{binary}-{machine}")
        for binary in BINARIES
        for machine in MACHINES
        if binary.name.endswith("64") or machine != "vector"
    ],
)
def test_after_a_moment_of_firmware(binary: Binary, machine: str, tmp_path: Path) -> None:
    with after_firmware(binary, MACHINES[machine]) as guest:
        seen = observe(guest, tmp_path / "guest.mig")
    for one in seen:
        unknown = UNKNOWN if one.cpu.values["misa"] & SUPERVISOR else (*UNKNOWN, *NO_SUPERVISOR)
        assert one.printed() == one.expected(unknown)


@pytest.mark.parametrize("binary", BINARIES, ids=str)
def test_root_of_satp(binary: Binary, tmp_path: Path) -> None:
    narrow = binary.name.endswith("32")
    with Qemu(binary, ["-M", "virt", "-m", "16", "-bios", "none"]) as guest, GdbStub(guest) as stub:
        stub.set("satp", 1 << 31 | 0x80123 if narrow else 8 << 60 | 0x80123)
        (one,) = observe(guest, tmp_path / "guest.mig")
    assert one.cpu.root == 0x80123000
