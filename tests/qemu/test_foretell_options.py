"""Options by which a QEMU makes devices that no `-device` names, on boards that each take them in their own way.

In CI some of them, drawn by a steady seed; `MIGSTREAM_ROUNDS=1000` tries all.
"""

from __future__ import annotations

import os
from pathlib import Path
from random import Random, SystemRandom

import pytest

from migstream.analysis.compat.foretell import foretell
from migstream.errors import QemuError
from migstream.qemu.load import load
from migstream.qemu.process import Qemu
from migstream.qemu.release import parse
from migstream.stream import open_stream
from support.lacking import lacks
from support.qemu import own

pytestmark = pytest.mark.qemu

NULL = "driver=null-co,read-zeroes=on"
OPTIONS = [
    *(
        "",
        "-nodefaults",
        "-nographic",
        "-display none",
        "-M usb=on",
        "-M usb=off",
        "-M graphics=off",
    ),
    *(f"-vga {card}" for card in ("none", "std", "cirrus", "virtio", "qxl", "vmware")),
    *("-nodefaults -vga std", "-M usb=on -nodefaults -vga std", "-vga none -device virtio-vga"),
    *("-nic none", "-net none", "-nic user", "-nic user,model=e1000", "-nic user,model=virtio"),
    *("-net nic -net user", "-nodefaults -nic user", "-nic user -nic user,model=virtio"),
    *("-netdev user,id=n -device virtio-net-pci,netdev=n", "-device virtio-net-pci"),
    *("-serial none", "-serial null", "-parallel none", "-nodefaults -serial null -parallel null"),
    *("-usb", "-usb -device usb-tablet", "-monitor none", "-no-acpi", "-no-hpet", "-M acpi=off"),
    *("-device VGA", "-device isa-serial", "-device isa-parallel", "-device virtio-vga"),
    *("-global VGA.vgamem_mb=8", "-global isa-serial.index=0", "-device ide-cd", "-device scsi-cd"),
    *(
        f"-drive {NULL}{rest}"
        for rest in ("", ",if=virtio", ",if=scsi", ",if=none,id=d", ",media=cdrom")
    ),
    f"-drive {NULL},if=floppy,size=1474560",
    f"-drive {NULL},if=none,id=d -device virtio-blk-pci,drive=d",
    f"-drive {NULL},if=virtio -drive {NULL},if=virtio",
    *(
        "-cdrom /dev/null",
        "-virtfs synth,mount_tag=x",
        "-audio none,model=hda",
        "-audio none,model=ac97",
    ),
    "-audiodev none,id=a -device intel-hda -device hda-duplex,audiodev=a",
    "-fsdev synth,id=x -device virtio-9p-pci,fsdev=x,mount_tag=x",
    "-object rng-random,id=r,filename=/dev/urandom -device virtio-rng-pci,rng=r",
    "-object iothread,id=i -device virtio-scsi-pci,iothread=i",
    "-chardev null,id=c -device virtio-serial-pci -device virtserialport,chardev=c,name=a.b",
    '-device {"driver":"virtio-rng-pci"} -device virtio-tablet-pci',
    *("-smp 2", "-smp 2,maxcpus=4", "-boot menu=on", "-fw_cfg name=opt/x,string=y", "-numa node"),
]
# A board, and a device whose place and network address tell where the others are.
BOARDS = {
    "x86_64 pc-i440fx-5.2": "-device e1000e",
    "x86_64 pc-q35-5.2": "-device e1000e",
    "x86_64 microvm": "-device virtio-rng-device",
    "aarch64 virt-5.2": "-device e1000e",
    "arm virt-5.2": "-device e1000e",
    "ppc64 pseries-5.1": "-device sdhci-pci",
    "ppc64 pseries-2.5": "-device sdhci-pci",
    "s390x s390-ccw-virtio-5.2": "-device virtio-rng-ccw",
    "riscv64 virt": "-device e1000e",
    "loongarch64 virt": "-device e1000e",
    "ppc g3beige": "-device sdhci-pci",
    "m68k virt-7.2": "-device virtio-rng-device",
}
STEADY, FEW = 7, 3


@pytest.mark.parametrize("board", BOARDS)
def test_devices_that_no_device_option_names(board: str, tmp_path: Path) -> None:
    target, machine = board.split()
    binary = own(f"qemu-system-{target}")
    wanted = int(os.environ.get("MIGSTREAM_ROUNDS", FEW))
    seed = STEADY if "CI" in os.environ else SystemRandom().randrange(10**6)
    random = Random(int(os.environ.get("MIGSTREAM_ROUNDS_SEED", seed)))  # noqa: S311 (to be made again)
    judged, wrong = 0, []
    for line in random.sample(OPTIONS, len(OPTIONS)):
        memory = "256" if target == "ppc64" else "64"
        words = ["-M", machine, "-m", memory, *line.split(), *BOARDS[board].split()]
        path = tmp_path / "stream"
        try:
            with Qemu(binary.command, words) as guest, path.open("wb") as out:
                guest.execute("migrate", {"uri": guest.give(out.fileno())})
                guest.finish_migration()
            said = load(binary.command, words, path)
        except QemuError:  # this board takes no such option
            continue
        with open_stream(path) as stream:
            [found] = foretell(stream, parse(binary.version)[:2], words)
        judged += 1
        if found.report.accepted != said.accepted:
            wrong.append((line, said.said, [*found.report.problems][:2]))
        if judged >= wanted:
            break
    assert not wrong, (board, wrong)
    if not judged:
        lacks(f"no QEMU here has {board}")
