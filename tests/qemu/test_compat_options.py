"""Machines started with other options, given to a QEMU: what it does is foretold, as one finding named by the option."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from migstream.analysis.check import check
from migstream.analysis.compat.destination import Destination
from migstream.analysis.compat.load import compat
from migstream.analysis.compat.model import Report
from migstream.edit.change import Edit
from migstream.errors import QemuError
from migstream.machine.map.setup import machine_setup
from migstream.stream import open_stream
from support.lacking import lacks
from support.qemu import Binary, Qemu, find, load

pytestmark = pytest.mark.qemu


@cache
def _binaries(name: str) -> list[Binary]:
    found = find(name)
    if not found:
        lacks(f"no {name}")
    return found


class Change(NamedTuple):
    """Arguments of both sides, of either one, and the finding: the option, and what the hint begins with."""

    shared: str
    ours: str
    theirs: str
    option: str
    hint: str
    binary: str = "qemu-system-x86_64"


PC = "-M pc -m 16 "
VIRT = "-M virt -cpu cortex-a57 -m 16 "
NODES = (
    "-object memory-backend-ram,id=m0,size=16M -object memory-backend-ram,id=m1,size=16M"
    " -numa node,memdev=m0,cpus=0 -numa node,memdev=m1,cpus=1"
)
DIMM = (
    "-m 32,slots=2,maxmem=1G -object memory-backend-ram,id=dm,size=128M -device pc-dimm,memdev=dm"
)
CHANGES = {
    "fewer": Change(PC, "-smp 2", "", "cpus", "start with -smp 2"),
    "more": Change(PC, "", "-smp 2", "cpus", "start with -smp 1"),
    "sockets": Change(PC, "-smp 6,sockets=2,cores=3", "-smp 6,sockets=6", "cpus", "start with"),
    "q35": Change("-M q35 -m 16 ", "-smp 3", "-smp 2", "cpus", "start with -smp 3"),
    "arm": Change(VIRT, "-smp 2", "", "cpus", "start with -smp 2", "qemu-system-aarch64"),
    "arm-more": Change(VIRT, "", "-smp 2", "cpus", "start with -smp 1", "qemu-system-aarch64"),
    "gicv3": Change(
        "-M virt,gic-version=3 -cpu cortex-a57 -m 16 ",
        "-smp 2",
        "-smp 4",
        "cpus",
        "start with -smp 2",
        "qemu-system-aarch64",
    ),
    "pseries": Change(
        "-M pseries -m 256 ", "-smp 2", "", "cpus", "start with -smp 2", "qemu-system-ppc64"
    ),
    "pseries-room": Change(
        "-M pseries -m 256 ",
        "-smp 1,maxcpus=2",
        "",
        "cpus",
        "start with -smp 1,maxcpus=2",
        "qemu-system-ppc64",
    ),
    "riscv": Change(
        "-M virt -m 16 ", "-smp 2", "-smp 3", "cpus", "start with -smp 2", "qemu-system-riscv64"
    ),
    "s390x": Change(
        "-M s390-ccw-virtio -m 128 ", "-smp 2", "", "cpus", "start with", "qemu-system-s390x"
    ),
    "size": Change("-M pc ", "-m 32", "-m 64", "memory", "start with -m 32M"),
    "slots": Change(
        "-M pc ",
        "-m 32,slots=2,maxmem=1G",
        "-m 32",
        "memory",
        "start with -m 32M,slots=2,maxmem=…",
    ),
    "dimm": Change(
        "-M q35 ", DIMM, "-m 32", "memory", "start with -m 32M,slots=2,maxmem=… -object memory-"
    ),
    "nodes": Change(
        "-M pc -m 32 -smp 2 ",
        NODES,
        "",
        "memory",
        "start with -m 32M -object memory-backend-ram,id=m0,size=16M -numa node,memdev=m0",
    ),
    "no-nodes": Change("-M pc -m 32 -smp 2 ", "", NODES, "memory", "start with -m 32M"),
}


def _played(path: Path, other: Path) -> Report:
    with open_stream(path) as stream, open_stream(other) as there:
        return compat(stream, Destination(None, there))


def _save(binary: Binary, arguments: list[str], path: Path) -> None:
    with Qemu(binary, arguments) as guest:
        guest.migrate(path)


@pytest.mark.parametrize("name", CHANGES)
def test_one_finding_is_named_by_its_option(name: str, tmp_path: Path) -> None:
    change = CHANGES[name]
    for binary in _binaries(change.binary):
        ours, theirs = ((change.shared + more).split() for more in (change.ours, change.theirs))
        _save(binary, ours, tmp_path / "ours")
        _save(binary, theirs, tmp_path / "theirs")
        verdict = load(binary, theirs, tmp_path / "ours")
        report = _played(tmp_path / "ours", tmp_path / "theirs")
        assert report.accepted is verdict.accepted, f"{binary}: {verdict.said}"
        assert len(report.problems) == (not verdict.accepted), binary
        [option] = report.options
        assert (option.name, option.hint[: len(change.hint)]) == (change.option, change.hint)
        if report.first is not None:
            assert report.first.hint == option.hint
            assert report.first.said[-1] in verdict.said
        assert {*report.missing} == {*option.idle}


def _kvm(binary: Binary, machine: str) -> list[str]:
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        lacks("/dev/kvm does not open")
    return ["-M", machine, "-m", "16", "-accel", "kvm", "-cpu", "qemu64"]


@pytest.mark.parametrize("machine", ["pc", "q35", "microvm"])
def test_a_guest_of_kvm_asks_for_its_accelerator(machine: str, tmp_path: Path) -> None:
    for binary in _binaries("qemu-system-x86_64"):
        tcg = ["-M", machine, "-m", "16", "-accel", "tcg"]
        try:
            _save(binary, _kvm(binary, machine), tmp_path / "kvm")
        except QemuError as error:
            lacks(f"KVM does not work here: {error.message}")
        _save(binary, tcg, tmp_path / "tcg")
        for name in ("kvm", "tcg"):
            with open_stream(tmp_path / name) as stream:
                assert machine_setup(stream).accelerator == name, binary
        verdict = load(binary, tcg, tmp_path / "kvm")
        report = _played(tmp_path / "kvm", tmp_path / "tcg")
        assert report.accepted is verdict.accepted is False
        [problem] = report.problems
        assert problem.hint == "start with -accel kvm"
        assert problem.said[-1] in verdict.said
        [option] = _played(tmp_path / "tcg", tmp_path / "kvm").options
        assert (option.name, option.idle) == ("accelerator", ("kvmclock[0]",))


@pytest.mark.parametrize("on", [False, True])
def test_an_isa_vga_ends_qemu_by_one_bit_of_host_memory(on: bool, tmp_path: Path) -> None:
    """Every QEMU whose isa-vga saves another object's bytes; check has a warning, and compat knows which ones end it."""
    for binary in _binaries("qemu-system-x86_64"):
        arguments = ["-M", "pc", "-m", "16", "-device", "isa-vga"]
        _save(binary, arguments, tmp_path / "saved")
        with open_stream(tmp_path / "saved") as stream:
            if not any(d.name == "vga" for d in stream.devices):
                continue  # it has been put right
            edit = Edit(stream)
            edit.set("vga[0]/vbe_regs[4]", str(0x5501 if on else 0x5500))
            with (tmp_path / "set").open("wb") as file:
                edit.write(file.fileno())
        verdict = load(binary, arguments, tmp_path / "set")
        assert verdict.accepted is not on, binary
        report = _played(tmp_path / "set", tmp_path / "saved")
        assert report.accepted is verdict.accepted
        with open_stream(tmp_path / "set") as stream:
            findings = check(stream).findings
        [finding] = [f for f in findings if f.section == "vga[0]"]
        assert (finding.code, finding.severity) == ("MS547", "warning")
        assert ("crash" in finding.message) is on


def test_an_isa_cirrus_vga_ends_older_qemus(tmp_path: Path) -> None:
    for binary in _binaries("qemu-system-x86_64"):
        arguments = ["-M", "pc", "-m", "16", "-device", "isa-cirrus-vga"]
        _save(binary, arguments, tmp_path / "saved")
        verdict = load(binary, arguments, tmp_path / "saved")
        report = _played(tmp_path / "saved", tmp_path / "saved")
        assert report.accepted is verdict.accepted, binary
        if report.first is not None:
            assert report.first.said[0].partition(": ")[2] in verdict.said
        with open_stream(tmp_path / "saved") as stream:
            findings = check(stream).findings
        assert [(f.code, f.severity) for f in findings] == [("MS547", "warning")]
