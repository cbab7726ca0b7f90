"""Registers of s390x against QEMU's own words."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from support.gdbnames import GdbStub
from support.inforegs import Group, give, observe
from support.qemu import Binary, Qemu, find

pytestmark = pytest.mark.qemu

MACHINE = ["-M", "s390-ccw-virtio", "-m", "64"]
GROUPS = (
    Group(["pswa"], 8, ["psw.addr"]),
    Group([f"r{n}" for n in range(16)], 8),
    Group([f"acr{n}" for n in range(16)], 4, [f"a{n}" for n in range(16)]),
    Group(["fpc"], 4),
    Group([f"f{n}" for n in range(16)], 8),
    # target/s390x/gdbstub.c: cpu_write_vreg takes the second half of what it is sent
    Group([f"v{n}l" for n in range(16)], 8, [f"vl{n}" for n in range(16)], ahead=8),
    Group([f"v{n}" for n in range(16, 32)], 16),
    Group([f"cr{n}" for n in range(16)], 8, [f"c{n}" for n in range(16)]),
)
CODE, COMPARE_AND_STAY = 0x2000, bytes.fromhex("1912 a7f40000")  # cr %r1,%r2; j .
UNKNOWN = ((r" cc +\S+$", "", "QEMU keeps the condition code apart, and does not send it"),)
DAT, PRIMARY_TABLE = 1 << 58, 0x1234_5000


@pytest.fixture(params=find("qemu-system-s390x"), ids=str)
def binary(request: pytest.FixtureRequest) -> Binary:
    found: Binary = request.param
    return found


def test_what_a_debugger_put_there(binary: Binary, tmp_path: Path) -> None:
    with Qemu(binary, [*MACHINE, "-smp", "2"]) as guest, GdbStub(guest) as stub:
        told = [give(stub, cpu, GROUPS, "big") for cpu in range(2)]
        for one in observe(guest, tmp_path / "guest.mig", told):
            values = one.cpu.values
            assert {name: values[name] for name in one.told} == one.told
            assert len(set(one.told.values())) == len(one.told)
            assert one.cpu.pc == one.told["psw.addr"]
            assert one.cpu.root is None
            assert one.printed() == one.expected(UNKNOWN)


def test_after_a_moment_of_firmware(binary: Binary, tmp_path: Path) -> None:
    with Qemu(binary, [*MACHINE, "-no-shutdown"]) as guest:
        guest.execute("cont")
        time.sleep(0.01)
        guest.execute("stop")
        (one,) = observe(guest, tmp_path / "guest.mig")
    assert one.printed() == one.expected(UNKNOWN)


def test_the_condition_code_is_not_in_the_stream(binary: Binary, tmp_path: Path) -> None:
    """It would be 1 here. QEMU keeps it apart from the PSW while a guest runs."""
    with Qemu(binary, MACHINE) as guest:
        with GdbStub(guest) as stub:
            stub.write(CODE, COMPARE_AND_STAY)
            for name, value in {"pswm": 3 << 31, "pswa": CODE, "r1": 1, "r2": 2}.items():
                stub.set(name, int.from_bytes(value.to_bytes(8, "big"), "little"))
        guest.execute("cont")
        time.sleep(0.05)
        guest.execute("stop")
        (one,) = observe(guest, tmp_path / "guest.mig")
    assert one.cpu.pc == CODE + 2
    assert one.said[0].startswith("PSW=mask 0000100180000000 addr")
    assert one.cpu.values["psw.mask"] == 0x180000000
    assert "cc" not in one.cpu.values
    assert one.printed()[1:] == one.said[1:]


def test_what_the_psw_says(binary: Binary, tmp_path: Path) -> None:
    with Qemu(binary, MACHINE) as guest, GdbStub(guest) as stub:
        for name, value in (("pswm", DAT | 3 << 31), ("cr1", PRIMARY_TABLE | 0x0F)):
            stub.set(name, int.from_bytes(value.to_bytes(8, "big"), "little"))
        (one,) = observe(guest, tmp_path / "guest.mig")
    assert one.cpu.root == PRIMARY_TABLE
    assert one.printed() == one.expected(UNKNOWN)
