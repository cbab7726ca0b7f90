"""Streams that a real QEMU refuses, and accepts after the rules were applied."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import pytest

import migstream
from migstream.edit.between import apply
from migstream.edit.change import Edit
from migstream.edit.reencode import reencode
from migstream.edit.verify import compare
from migstream.qemu.release import Version
from support.lacking import lacks
from support.qemu import Binary, Qemu, find, load

pytestmark = pytest.mark.qemu

# The number of vectors is an option of the device, and its default has changed with 6.1.
I440FX = ["-m", "32", "-device", "virtio-net-pci,vectors=4", "-device", "e1000"]
Q35 = [
    *("-m", "32", "-device", "pcie-root-port,id=root", "-device", "qemu-xhci"),
    *("-device", "e1000e"),
]
DEVICES = {"pc-i440fx": I440FX, "pc-q35": Q35}


def release(version: str) -> Binary:
    binaries = (b for b in find("qemu-system-x86_64") if b.version.startswith(f"{version}."))
    return next(binaries, None) or lacks(f"QEMU {version} is not here")


def saved(binary: Binary, arguments: Sequence[str], path: Path) -> None:
    """A guest whose firmware has run for a while."""
    with Qemu(binary, arguments) as guest:
        guest.execute("cont")
        time.sleep(0.7)
        guest.execute("stop")
        guest.migrate(path)


def ruled(path: Path, machine: str | None = None, qemu: Version | None = None) -> Path:
    made = path.with_suffix(".ruled")
    with migstream.open(path) as stream, made.open("wb") as file:
        edit = Edit(stream)
        apply(edit.bench, machine, qemu)
        edit.write(file)
    return made


def renamed(path: Path, machine: str) -> Path:
    """With another machine type's name, and nothing else changed."""
    made = path.with_suffix(".renamed")
    with migstream.open(path) as stream, made.open("wb") as file:
        edit = Edit(stream)
        edit.machine(machine)
        edit.write(file)
    return made


@pytest.mark.parametrize(
    ("source", "destination", "before", "after", "machine"),
    [
        ("7.2", "7.2", "6.2", "7.0", "pc-i440fx"),
        ("7.2", "7.2", "7.0", "6.2", "pc-i440fx"),
        ("7.2", "7.2", "7.2", "5.2", "pc-i440fx"),
        ("7.2", "7.2", "5.2", "7.2", "pc-i440fx"),
        ("7.2", "5.2", "7.2", "5.2", "pc-i440fx"),
        ("5.2", "7.2", "5.2", "7.2", "pc-i440fx"),
        ("7.2", "5.2", "7.2", "5.2", "pc-q35"),
        ("10.0", "7.2", "10.0", "7.2", "pc-i440fx"),
        ("10.0", "7.2", "10.0", "7.2", "pc-q35"),
        ("7.2", "10.0", "7.2", "10.0", "pc-q35"),
        ("10.0", "10.0", "9.1", "9.2", "pc-q35"),
        ("10.0", "10.0", "9.2", "7.2", "pc-q35"),
        ("11.1", "7.2", "11.1", "7.2", "pc-q35"),
    ],
)
def test_another_machine_type(
    source: str, destination: str, before: str, after: str, machine: str, tmp_path: Path
) -> None:
    path, devices = tmp_path / "guest.mig", DEVICES[machine]
    saved(release(source), ["-M", f"{machine}-{before}", *devices], path)
    old, new, wanted = release(source), release(destination), f"{machine}-{after}"
    assert old.version.startswith(source)
    arguments = ["-M", wanted, *devices]
    verdict = load(new, arguments, ruled(path, wanted), patience=20)
    assert verdict.accepted, verdict.said
    # that the name alone will not do is what the rules are for
    if not load(new, arguments, renamed(path, wanted), patience=20).accepted:
        return
    assert (before, after) in {("5.2", "7.2"), ("7.2", "5.2")}


def test_the_trap_of_qemu_8_0(tmp_path: Path) -> None:
    """A newer release with the property behaves as 8.0 did under machine types of 7.2 and older."""
    newer, path = release("10.0"), tmp_path / "guest.mig"
    plain = ["-M", "pc-q35-7.2", "-m", "32", "-device", "e1000e"]
    trapped = [*plain[:-1], "e1000e,x-pcie-err-unc-mask=on"]
    saved(newer, trapped, path)
    refused = load(newer, plain, path)
    assert not refused.accepted
    assert "i=0x10a read: 40 device: 0" in refused.said
    verdict = load(newer, plain, ruled(path, qemu=(8, 1)))
    assert verdict.accepted, verdict.said
    saved(newer, plain, path)
    verdict = load(newer, trapped, ruled(path, qemu=(8, 0)))
    assert verdict.accepted, verdict.said


@pytest.mark.parametrize(("before", "after"), [(0x80000, 0x40000), (0x40000, 0x80000)])
def test_the_trap_of_rom_sizes(before: int, after: int, tmp_path: Path) -> None:
    """The option ROM of a network card has another size where another package brought it."""
    binary, path, made = release("7.2"), tmp_path / "guest.mig", tmp_path / "made.mig"
    card = ["-M", "pc", "-m", "32", "-device", "virtio-net-pci,romsize="]
    arguments = [*card[:-1], f"{card[-1]}{after}"]
    saved(binary, [*card[:-1], f"{card[-1]}{before}"], path)
    refused = load(binary, arguments, path)
    assert not refused.accepted
    assert "virtio-net-pci.rom" in refused.said
    with migstream.open(path) as stream, made.open("w+b") as file:
        sizes = {b.name: after for b in stream.blocks if b.name.endswith("virtio-net-pci.rom")}
        assert len(sizes) == 1
        reencode(stream, file.fileno(), ram="linear", sizes=sizes)
        compare(stream, file.fileno(), sizes=sizes)
    verdict = load(binary, arguments, made)
    assert verdict.accepted, verdict.said
