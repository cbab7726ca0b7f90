"""Registers of Arm against what QEMU's monitor and gdbstub say of the same guest at the same moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from support.gdbnames import GdbStub
from support.inforegs import Group, give, observe
from support.qemu import Binary, Qemu, find

pytestmark = pytest.mark.qemu

# What neither way of asking tells, or only some QEMUs do: pattern, what stands there instead, reason.
UNKNOWN = [
    (
        r"PSTATE=0{8}(\w{8})",
        r"PSTATE=\1",
        "64 bits since QEMU 11; a stream has more than 32 only if set",
    ),
]
NO_FPU = [(r"FPSCR: 0{8}", "", "without the registers of an FPU, its section is not in the stream")]

X = Group([*(f"x{n}" for n in range(31)), "sp"], 8)
PC = Group(["pc"], 8)
V = Group([f"v{n}" for n in range(32)], 16)
R = Group([*(f"r{n}" for n in range(13)), "sp", "lr", "pc"], 4, [f"r{n}" for n in range(16)])
D = Group([f"d{n}" for n in range(32)], 8)
HALF = Group([f"d{n}" for n in range(16)], 8)
FPEN = 3 << 20


@dataclass(frozen=True)
class Case:
    """A machine, the registers of each CPU that take any value, and values for others."""

    name: str
    program: str
    machine: str
    groups: Sequence[Group]
    values: Mapping[str, int] = field(default_factory=dict)
    arch: str = ""
    unknown: Sequence[tuple[str, str, str]] = ()
    since: int = 5
    until: int = 99


CASES = [
    Case("a57", "aarch64", "-M virt -cpu cortex-a57 -smp 2", [X, PC, V]),
    Case(
        "a53-secure",
        "aarch64",
        "-M virt,secure=on,virtualization=on -cpu cortex-a53",
        [X, PC, V],
        {"fpcr": 0x0340_0000},
    ),
    Case("max", "aarch64", "-M virt -cpu max", [X, PC]),
    Case("a15", "arm", "-M virt -cpu cortex-a15 -smp 2", [R, D], {"cpsr": 0x9000_01F7}),
    Case("a15-secure", "arm", "-M virt,secure=on -cpu cortex-a15", [R, D], {"fpscr": 0x0340_0015}),
    Case("a15-fiq", "arm", "-M virt -cpu cortex-a15", [R], {"cpsr": 0x2000_01D1}),
    Case("a15-by-64", "aarch64", "-M virt -cpu cortex-a15", [R, D], arch="arm"),
    Case("a7", "arm", "-M mcimx7d-sabre -m 512", [R, D]),
    Case("max-32", "arm", "-M virt -cpu max", [R, D]),
    Case("arm926", "arm", "-M versatilepb -m 64", [R], unknown=NO_FPU, until=7),
    Case("m3", "arm", "-M mps2-an385", [R], {"xpsr": 0xA100_0003}, unknown=NO_FPU),
    Case("m33", "arm", "-M mps2-an505", [R, HALF], {"xpsr": 0x4100_0000}),
    Case("m55", "arm", "-M mps3-an547", [R, HALF], since=7),
]


def set_values(stub: GdbStub, values: Mapping[str, int]) -> None:
    for name, value in values.items():
        # system registers have other names since QEMU 11
        for known in (name, name.upper(), f"{name.upper()}_EL1"):
            with suppress(KeyError):
                stub.set(known, value)
                break
        else:
            raise AssertionError(name)


@pytest.mark.parametrize(
    ("case", "binary"),
    [
        pytest.param(case, binary, id=f"{case.name}-{binary}")
        for case in CASES
        for binary in find(f"qemu-system-{case.program}")
        if int(binary.version.split(".")[0]) in range(case.since, case.until + 1)
    ],
)
def test_what_qemu_says(case: Case, binary: Binary, tmp_path: Path) -> None:
    told = []
    with Qemu(binary, case.machine.split()) as guest:
        with GdbStub(guest) as stub:
            for cpu in range(2 if "-smp 2" in case.machine else 1):
                stub.select(cpu)
                set_values(stub, case.values)
                told.append(give(stub, cpu, case.groups, "little"))
        both = observe(guest, tmp_path / "guest.mig", told)
    for one in both:
        assert one.cpu.arch == (case.arch or case.program)
        assert one.printed() == one.expected([*UNKNOWN, *case.unknown])
        assert {name: one.cpu.values.get(name) for name in one.told} == one.told


# msr spsr_el1, x0; msr elr_el1, x1; eret; and in 32-bit state: b .
GO_NARROW = bytes.fromhex("004018d5214018d5e0039fd6feffffea")
RAM, USER = 0x4000_0000, 0x10


@pytest.mark.parametrize("binary", find("qemu-system-aarch64"), ids=str)
def test_a_64_bit_cpu_in_32_bit_state(binary: Binary, tmp_path: Path) -> None:
    with Qemu(binary, ["-M", "virt", "-cpu", "cortex-a57"]) as guest:
        with GdbStub(guest) as stub:
            stub.write(RAM, GO_NARROW)
            told = give(stub, 0, [X], "little")
            for name, value in (("x0", USER), ("x1", RAM + 12), ("pc", RAM)):
                stub.set(name, value)
            stub.run(0.1)
        (one,) = observe(guest, tmp_path / "guest.mig")
    values = one.cpu.values
    assert one.cpu.arch == "aarch64"
    assert one.printed() == one.expected(UNKNOWN)
    assert (values["r15"], values["pc"], values["cpsr"], values["pstate"]) == (
        *[RAM + 12] * 2,
        *[values["cpsr"]] * 2,
    )
    # registers of 64 bits are seen in 32-bit state, each under its other name, by their lower half
    low = {f"x{n}": told[f"x{n}"] & 0xFFFF_FFFF for n in range(2, 31)}
    assert {name: values[name] for name in low} == low
    assert [values[f"r{n}"] for n in range(2, 15)] == [low[f"x{n}"] for n in range(2, 15)]


MSR, STAY = 0xD510_0000, 0x1400_0000
# op0, op1, CRn, CRm, op2 (Arm ARM, section C5.2), and bits that may be set in each
SYSTEM = {
    "cpacr_el1": ((3, 0, 1, 0, 2), FPEN),
    "ttbr0_el1": ((3, 0, 2, 0, 0), 0x1234_5678_9ABC_D000),
    "ttbr1_el1": ((3, 0, 2, 0, 1), 0x2345_6789_ABCD_E000),
    "tcr_el1": ((3, 0, 2, 0, 2), 0x80_1910_9910),
    "esr_el1": ((3, 0, 5, 2, 0), 0x9600_0045),
    "far_el1": ((3, 0, 6, 0, 0), 0x1122_3344_5566_7788),
    "par_el1": ((3, 0, 7, 4, 0), 0x0000_1234_5678_9F80),
    "mair_el1": ((3, 0, 10, 2, 0), 0x0044_0C04_FF44_0000),
    "vbar_el1": ((3, 0, 12, 0, 0), 0xFFFF_8000_0123_4800),
    "contextidr_el1": ((3, 0, 13, 0, 1), 0x1357_9BDF),
    "tpidr_el1": ((3, 0, 13, 0, 4), 0x0102_0304_0506_0708),
    "tpidr_el0": ((3, 3, 13, 0, 2), 0x1112_1314_1516_1718),
    "tpidrro_el0": ((3, 3, 13, 0, 3), 0x2122_2324_2526_2728),
    "cntkctl_el1": ((3, 0, 14, 1, 0), 0x0000_0203),
    "sp_el0": ((3, 0, 4, 1, 0), 0x3132_3334_3536_3738),
    "elr_el1": ((3, 0, 4, 0, 1), 0x4142_4344_4546_4748),
    "spsr_el1": ((3, 0, 4, 0, 0), 0x8000_0004),
    "fpcr": ((3, 3, 4, 4, 0), 0x0340_0000),
    "fpsr": ((3, 3, 4, 4, 1), 0x0800_0015),
}


@pytest.mark.parametrize("binary", find("qemu-system-aarch64"), ids=str)
def test_system_registers(binary: Binary, tmp_path: Path) -> None:
    """What the guest itself puts into them; floating point is on from then on."""
    code = [
        MSR | (op0 & 1) << 19 | op1 << 16 | n << 12 | m << 8 | op2 << 5 | register
        for register, ((op0, op1, n, m, op2), _) in enumerate(SYSTEM.values())
    ]
    with Qemu(binary, ["-M", "virt", "-cpu", "cortex-a57"]) as guest:
        with GdbStub(guest) as stub:
            stub.write(RAM, b"".join(word.to_bytes(4, "little") for word in [*code, STAY]))
            give(stub, 0, [V], "little")
            for register, (_, value) in enumerate(SYSTEM.values()):
                stub.set(f"x{register}", value)
            stub.set("pc", RAM)
            stub.run(0.1)
        (one,) = observe(guest, tmp_path / "guest.mig")
    assert any(line.startswith("Q00=") for line in one.said)
    assert one.printed() == one.expected(UNKNOWN)
    assert {name: one.cpu.values.get(name) for name in SYSTEM} == {
        name: value for name, (_, value) in SYSTEM.items()
    }
