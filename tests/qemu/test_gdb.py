"""A saved guest against the gdbstub of the QEMU that saved it: the same questions, the same answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

import migstream
from support.gdbnames import GdbStub
from support.gdbsaved import Saved
from support.inforegs import after_firmware
from support.lacking import lacks
from support.linux import running_linux
from support.qemu import Binary, Qemu, find

pytestmark = pytest.mark.qemu

MACHINES: Sequence[tuple[str, Sequence[str]]] = (
    ("x86_64", ("-M", "q35", "-m", "32", "-smp", "2")),
    ("i386", ("-M", "pc", "-m", "32")),
    ("aarch64", ("-M", "virt", "-cpu", "cortex-a57", "-m", "64", "-smp", "2")),
    ("arm", ("-M", "virt", "-cpu", "cortex-a15", "-m", "64")),
    (
        "arm",
        (
            "-M",
            "mps2-an385",
        ),
    ),
    ("riscv64", ("-M", "virt", "-m", "64", "-smp", "2")),
    ("riscv32", ("-M", "virt", "-m", "64")),
    ("ppc64", ("-M", "pseries", "-cpu", "power9", "-m", "256")),
    ("ppc", ("-M", "mac99", "-m", "64")),
    ("s390x", ("-M", "s390-ccw-virtio", "-m", "64", "-cpu", "max")),
    ("loongarch64", ("-M", "virt", "-m", "1G")),
)
# These do nothing without firmware or a disk but to end: a debugger gives their registers values.
STILL = {"mps2-an385": range(13), "s390-ccw-virtio": range(2, 18)}
UNKNOWN = "x"
# What QEMU tells otherwise: name, and why
OTHERWISE = {
    "ftag": "QEMU leaves it 0",
    "pswm": "the condition code is not in the stream",
    "xer": "QEMU 5.2 leaves out the carry, which it keeps apart",
    "fcc": "QEMU up to 8.0 tells the eight flags in one",
    **dict.fromkeys((f"st{n}" for n in range(8)), "counted from the top of the stack from 10.0 on"),
}
# Described twice by QEMU for Power, or counted wrongly (11.1: one register less in front of the vectors than it
# describes); on RISC-V changed by being read, or made of others (target/riscv/csr.c: rmw_mideleg64, rmw_hvip64)
BY_NAME = {"lr", "ctr", "xer", "vrsave", "vscr", "mideleg", "hvip"}


def known(ours: str, theirs: str) -> bool:
    return len(ours) == len(theirs) and UNKNOWN not in ours


@pytest.mark.parametrize(
    ("binary", "arguments"),
    [
        pytest.param(binary, arguments, id=f"{binary}-{arguments[1]}")
        for arch, arguments in MACHINES
        for binary in find(f"qemu-system-{arch}")
    ],
)
def test_answers_of_a_stopped_guest(
    binary: Binary, arguments: Sequence[str], tmp_path: Path
) -> None:
    path = tmp_path / "guest.mig"
    if "loongarch" in binary.name and binary.version.startswith("7."):
        lacks(f"{binary} dies of an arithmetic exception when it is to migrate")
    started = Qemu if arguments[1] in STILL else after_firmware
    with started(binary, arguments) as guest:
        with GdbStub(guest) as stub:
            stub.ask("Qqemu.PhyMemMode:0")
            stub.fill(STILL.get(arguments[1], ()), 3)
            threads = len(guest.execute("query-cpus-fast"))
            theirs = [asked(stub, cpu) for cpu in range(threads)]
            said = {name: number for name, (number, _) in stub._registers.items()}
            memory = looked_at(stub, threads)
        guest.migrate(path)
    with migstream.open(path) as stream, Saved(stream) as saved:
        assert saved.ask("qfThreadInfo") == "m" + ",".join(f"{n + 1:x}" for n in range(threads))
        assert saved.ask("qsThreadInfo") == "l"
        ours = [asked(saved, cpu) for cpu in range(threads)]
        for mine, other in zip(ours, theirs, strict=True):
            if "halted" in saved.session._cpu.values:
                assert mine["extra"] == other["extra"]
            same_core(mine["g"], other["g"], saved)
            both = mine.keys() & other.keys() - {"g", "extra"} - OTHERWISE.keys() - BY_NAME
            compared = [name for name in both if known(mine[name], other[name])]
            assert {name: mine[name] for name in compared} == {n: other[n] for n in compared}
            assert len(compared) >= 16
        # those of the core have the same numbers
        once = said.keys() - BY_NAME
        core = saved.session._guest.target.features[0].registers
        assert {r.name: saved._registers[r.name][0] for r in core if r.name in once} == {
            r.name: said[r.name] for r in core if r.name in once
        }
        if saved.session._guest.untranslated:
            return  # through page tables that are not read here
        for (cpu, request), answer in memory.items():
            saved.select(cpu)
            if answer.startswith("E"):
                continue  # as here, or there is no memory but a device
            mine_ = saved.ask(request)
            none = mine_ == "E14" and stream.memory.find(int(request[1:-3], 16)) is None
            assert mine_ == answer or none, (cpu, request)


def asked(stub: GdbStub, cpu: int) -> dict[str, str]:
    """The core registers, each register by name, and what is said of the thread."""
    stub.select(cpu)
    found = {name: stub.ask(f"p{number:x}") for name, (number, _) in stub._registers.items()}
    return found | {"g": stub.ask("g"), "extra": stub.ask(f"qThreadExtraInfo,{cpu + 1:x}")}


def same_core(ours: str, theirs: str, saved: Saved) -> None:
    """All of `g`, but for what is not known, or told otherwise."""
    assert len(ours) == len(theirs)
    at = 0
    for register in saved.session._guest.target.features[0].registers:
        size = register.bits // 4
        mine, other = ours[at : at + size], theirs[at : at + size]
        assert mine == other or UNKNOWN in mine or register.name in OTHERWISE, register.name
        at += size


def looked_at(stub: GdbStub, threads: int) -> dict[tuple[int, str], str]:
    """Memory at what registers point to, and at fixed addresses."""
    found = {}
    for cpu in range(threads):
        stub.select(cpu)
        pointers = {0, 0x7C00, 0x8000_0000, 0x4000_0000}
        for name in ("rip", "rsp", "eip", "esp", "pc", "sp", "pswa", "r1", "r15"):
            if name in stub._registers:
                raw = bytes.fromhex(stub.ask(f"p{stub._registers[name][0]:x}"))
                pointers |= {int.from_bytes(raw, "little"), int.from_bytes(raw, "big")}
        for pointer in pointers:
            request = f"m{pointer:x},40"
            found[cpu, request] = stub.ask(request)
    return found


def test_linux_through_its_page_tables(tmp_path: Path) -> None:
    """The distribution's kernel, stopped at work: addresses of the kernel, of a user's page, and physical ones."""
    path = tmp_path / "guest.mig"
    with running_linux(tmp_path) as guest:
        with GdbStub(guest) as stub:
            stub.ask("Qqemu.PhyMemMode:0")
            theirs = [asked(stub, cpu) for cpu in (0, 1)]
            memory = linux(stub)
            stub.ask("Qqemu.PhyMemMode:1")
            physical = {request: stub.ask(request) for request in ("m1000000,100", "m9fff0,20")}
        guest.migrate(path)
    with migstream.open(path) as stream, Saved(stream) as saved:
        for cpu, other in enumerate(theirs):
            same_core(asked(saved, cpu)["g"], other["g"], saved)
        read = 0
        for (cpu, request), answer in memory.items():
            saved.select(cpu)
            mine = saved.ask(request)
            assert mine == answer, request
            read += not answer.startswith("E")
        assert read >= 6
        assert saved.ask("Qqemu.PhyMemMode:1") == "OK"
        assert {request: saved.ask(request) for request in physical} == physical


def linux(stub: GdbStub) -> dict[tuple[int, str], str]:
    found = {}
    for cpu in (0, 1):
        stub.select(cpu)
        # of a stack that ends with its page QEMU's stub refuses all, ours gives what is there
        own = [stub.get("rip"), stub.get("rsp"), stub.get("gs_base")]
        places = [(address, min(0x80, 0x1000 - address % 0x1000)) for address in own]
        places += [
            (address, 0x80)
            for address in (
                0xFFFFFFFF81000000,
                0xFFFFFFFF81000FF0,
                0xFFFF888000000000,
                0xDEAD0000,
                0x1000000,
            )
        ]
        for address, size in places:
            request = f"m{address:x},{size:x}"
            found[cpu, request] = stub.ask(request)
    return found
