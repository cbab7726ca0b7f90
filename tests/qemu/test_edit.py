"""Edited streams before the judge: a real QEMU loads them, and shows what was changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

import migstream
from migstream.edit import Edit
from migstream.vmstate.values import Value
from support.lacking import lacks
from support.qemu import PATIENCE, Binary, Qemu, load

pytestmark = pytest.mark.qemu

PC = ["-M", "pc", "-m", "16"]
RICH = [
    *("-M", "pc", "-m", "16", "-smp", "2"),
    *("-device", "virtio-net-pci", "-device", "e1000", "-device", "rtl8139"),
    *("-device", "qemu-xhci", "-device", "usb-kbd", "-serial", "null"),
    *("-blockdev", "driver=null-co,size=1048576,node-name=d0,read-zeroes=on"),
    *("-device", "ide-hd,drive=d0,serial=SECRET0815"),
]


def edited(source: Path, target: Path, make: Callable[[Edit], object]) -> Path:
    """Write the edited stream, held against what was asked for."""
    with migstream.edit(source) as edit:
        make(edit)
        edit.save(target, force=True)
    return target


@contextmanager
def loaded(
    qemu: Binary, arguments: Sequence[str], path: Path, capabilities: Sequence[str] = ()
) -> Iterator[Qemu]:
    """A QEMU that has loaded a stream, and stands still."""
    with Qemu(qemu, [*arguments, "-incoming", "defer"]) as guest:
        guest.set_capabilities(capabilities)
        name = guest.lend(path)
        uri = f"file:{name}" if "mapped-ram" in capabilities else f"exec:cat {name}"
        guest.execute("migrate-incoming", {"uri": uri})
        until = time.monotonic() + PATIENCE
        while guest.execute("query-migrate").get("status") != "completed":
            assert not guest.ended(), guest.words()
            assert time.monotonic() < until
            time.sleep(0.02)
        yield guest


def written(qemu: Binary, arguments: Sequence[str], path: Path, seconds: float = 0) -> Path:
    """Let a guest's firmware run for a while, if at all, and write its state."""
    with Qemu(qemu, arguments) as guest:
        if seconds:
            guest.execute("cont")
            time.sleep(seconds)
            guest.execute("stop")
        guest.migrate(path)
    return path


def registers(guest: Qemu) -> dict[str, int]:
    """Return the plain registers of CPU 0, as `info registers` prints them."""
    words = guest.hmp("info registers").replace("\r", "").split()
    pairs = (word.split("=") for word in words if "=" in word)
    return {
        name: int(value, 16)
        for name, value in pairs
        if name in {"EAX", "EBX", "ECX", "EDX", "EIP", "ESI"}
    }


def count(edit: Edit) -> None:
    """Make a guest that was never started count in a byte of its memory, in real mode."""
    edit.set("ram/pc.ram@0x1000", "fe060020ebfa")  # inc byte [0x2000]; jmp back
    edit.set("cpu[0]/env.eip", 0x1000)
    edit.set("cpu[0]/env.segs[1]/base", 0)  # CS
    edit.set("cpu[0]/env.segs[1]/selector", 0)


def counts(guest: Qemu) -> bool:
    """Whether it does, after `cont`."""
    guest.execute("cont")
    seen: set[str] = set()
    until = time.monotonic() + 10
    while len(seen) < 3 and time.monotonic() < until:
        seen.add(guest.hmp("xp /1xb 0x2000").strip()[-4:])
    return len(seen) >= 3


def subsections(value: Value) -> Iterator[str]:
    for child in value.children:
        if child.kind == "subsection":
            yield child.path
        if child.count is None or child.kind == "sequence":
            yield from subsections(child)


def test_a_changed_register_and_a_changed_byte(qemu: Binary, tmp_path: Path) -> None:
    source = written(qemu, PC, tmp_path / "pc.mig")

    def make(edit: Edit) -> None:
        edit.set("cpu[0]/env.regs[0]", "0x1234")
        edit.set("cpu[0]/env.regs[3]", 0xCAFE)
        edit.set("ram/pc.ram@0x7c00", "deadbeef")  # a page of zeros
        edit.set("ram/pc.bios@0x3fff0", "90")  # a page with contents

    with loaded(qemu, PC, edited(source, tmp_path / "new.mig", make)) as guest:
        assert registers(guest)["EAX"] == 0x1234
        assert registers(guest)["EBX"] == 0xCAFE
        assert guest.hmp("xp /1xw 0x7c00").strip().endswith("0xefbeadde")
        assert guest.hmp("xp /1xb 0xfffffff0").strip().endswith("0x90")


def test_a_loop_put_into_memory_runs(qemu: Binary, tmp_path: Path) -> None:
    """Code written by `set`, started by `set`: its memory changes after `cont`."""
    source = written(qemu, PC, tmp_path / "pc.mig")

    def make(edit: Edit) -> None:
        edit.set("ram/pc.ram@0x2000", "05")
        count(edit)

    with loaded(qemu, PC, edited(source, tmp_path / "new.mig", make)) as guest:
        assert guest.hmp("xp /1xb 0x2000").strip().endswith("0x05")
        assert counts(guest)


def test_every_optional_subsection_can_be_dropped(qemu: Binary, tmp_path: Path) -> None:
    """QEMU leaves a subsection out where its default does; so a loader takes a stream without."""
    source = written(qemu, PC, tmp_path / "pc.mig")
    with migstream.open(source) as stream:
        paths = [p for device in stream.devices for p in subsections(device.value)]
    assert paths

    def make(edit: Edit) -> None:
        for path in paths:
            edit.drop(path)

    target = edited(source, tmp_path / "new.mig", make)
    with loaded(qemu, PC, target) as guest:
        guest.execute("cont")
        assert guest.execute("query-status")["running"]
        guest.execute("stop")
        assert guest.hmp("info registers")


def test_devices_in_another_order_without_one(qemu: Binary, tmp_path: Path) -> None:
    source = written(qemu, PC, tmp_path / "pc.mig")

    def make(edit: Edit) -> None:
        edit.order(["serial" if "serial" in names else "pckbd", "i8254", "mc146818rtc", "timer"])
        edit.drop("port92")

    with migstream.open(source) as stream:
        names = {device.name for device in stream.devices}
    verdict = load(qemu, PC, edited(source, tmp_path / "new.mig", make))
    assert verdict.accepted, verdict.said


@pytest.mark.parametrize("what", ["device", "subsection", "block"])
def test_a_name_that_qemu_does_not_know(qemu: Binary, tmp_path: Path, what: str) -> None:
    """It is read under the new name: QEMU complains of that one."""
    source = written(qemu, PC, tmp_path / "pc.mig")
    path, new = {
        "device": ("pcspk", "pcspeaker"),
        "subsection": ("cpu[0]/poll_control_msr", "cpu/no_such_thing"),
        "block": ("ram/pc.rom", "pc.romulus"),
    }[what]
    target = edited(source, tmp_path / "new.mig", lambda edit: edit.rename(path, new))
    verdict = load(qemu, PC, target)
    assert not verdict.accepted
    assert new in verdict.said or what == "subsection"


def test_another_machine_type(qemu: Binary, tmp_path: Path) -> None:
    """A stream of the newest type on an older one of the same devices, and only under its name."""
    with Qemu(qemu, ["-M", "none"]) as guest:
        rows = guest.execute("query-machines")
    kinds = sorted(
        (tuple(map(int, row["name"].removeprefix("pc-i440fx-").split("."))), row["name"])
        for row in rows
        if row["name"].startswith("pc-i440fx-") and row["name"][-1].isdigit()
    )
    old, new = kinds[-2][1], kinds[-1][1]
    source = written(qemu, ["-M", old, "-m", "16"], tmp_path / "pc.mig")
    there = ["-M", new, "-m", "16"]
    before = load(qemu, there, source)
    assert not before.accepted
    assert "Machine type received is" in before.said
    target = edited(source, tmp_path / "new.mig", lambda edit: edit.machine(new))
    verdict = load(qemu, there, target)
    assert "Machine type received is" not in verdict.said
    assert verdict.accepted, verdict.said


def test_a_redacted_stream_loads_and_the_guest_runs(qemu: Binary, tmp_path: Path) -> None:
    source = written(qemu, RICH, tmp_path / "pc.mig", 0.5)
    words = (b"525400123456", b"ESRCTE8051")
    assert words[1] in source.read_bytes()  # the way an ATA disk spells it

    target = edited(source, tmp_path / "new.mig", Edit.redact)
    made = target.read_bytes()
    assert bytes.fromhex(words[0].decode()) not in made
    assert words[1] not in made
    with loaded(qemu, RICH, target) as guest:
        # what the guest sees: zeros where its memory was; the same CPU
        assert guest.hmp("xp /1xw 0xffff0").strip().endswith("0x00000000")
        guest.execute("cont")
        time.sleep(0.2)
        assert guest.execute("query-status")["running"]
        guest.execute("stop")
        again = tmp_path / "again.mig"
        guest.migrate(again)
    with migstream.open(again) as after:
        assert after.damage == []


def test_a_redacted_guest_with_its_code_goes_on(qemu: Binary, tmp_path: Path) -> None:
    """What was kept is used: a loop in a kept range counts on, while all else is zeros."""
    source = written(qemu, PC, tmp_path / "pc.mig")
    first = edited(source, tmp_path / "first.mig", count)
    target = edited(first, tmp_path / "new.mig", lambda edit: edit.redact(["pc.ram@0x1000-0x1006"]))
    with loaded(qemu, PC, target) as guest:
        assert counts(guest)


def test_mapped_ram(qemu: Binary, tmp_path: Path) -> None:
    """Memory, registers and a longer machine name in a file whose offsets are those of the file."""
    if int(qemu.version.split(".")[0]) < 9:
        lacks("mapped-ram came with 9.0")
    source = tmp_path / "pc.mig"
    with Qemu(qemu, PC) as guest:
        guest.migrate(source, ["mapped-ram"])

    def make(edit: Edit) -> None:
        edit.set("cpu[0]/env.regs[0]", "0x1234")
        edit.set("ram/pc.ram@0x7c00", "deadbeef")
        edit.set("ram/pc.bios@0x3fff0", "90")
        edit.drop("ram/pc.rom")

    target = edited(source, tmp_path / "new.mig", make)
    with loaded(qemu, PC, target, ["mapped-ram"]) as guest:
        assert registers(guest)["EAX"] == 0x1234
        assert guest.hmp("xp /1xw 0x7c00").strip().endswith("0xefbeadde")
        assert guest.hmp("xp /1xb 0xfffffff0").strip().endswith("0x90")
    target = edited(source, tmp_path / "redacted.mig", Edit.redact)
    assert target.stat().st_blocks * 512 < 1 << 20
    verdict = load(qemu, PC, target, ["mapped-ram"])
    assert verdict.accepted, verdict.said


def test_mapped_ram_moved_by_another_name(qemu: Binary, tmp_path: Path) -> None:
    """QEMU looks at the length that it was sent: a name cut short shifts all that follows."""
    if int(qemu.version.split(".")[0]) < 9:
        lacks("mapped-ram came with 9.0")
    source = tmp_path / "pc.mig"
    with Qemu(qemu, PC) as guest:
        guest.migrate(source, ["mapped-ram"])
    target = edited(source, tmp_path / "new.mig", lambda edit: edit.machine("pc-i"))
    verdict = load(qemu, PC, target, ["mapped-ram"])
    assert verdict.accepted, verdict.said
