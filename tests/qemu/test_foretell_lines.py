"""Machines of which a forecast was once wrong: saved by every QEMU that is here, and loaded by it as it is foretold."""

from __future__ import annotations

from pathlib import Path

import pytest

from migstream.analysis.compat.foretell import foretell
from migstream.errors import QemuError
from migstream.qemu.load import load
from migstream.qemu.process import Qemu
from migstream.qemu.release import parse
from migstream.stream import open_stream
from support.lacking import lacks
from support.qemu import BARE, find, own

pytestmark = pytest.mark.qemu

HERE = ("-m", "256", "-display", "none")
VGA, CARD = (
    "-global VGA.qemu-extended-regs=off",
    "-netdev hubport,hubid=0,id=n -device rtl8139,netdev=n",
)
POWER9 = "-machine max-cpu-compat=power9"
CONSOLE = "-device virtio-serial-pci -device virtconsole"
CONSOLES = "".join(f" -device virtconsole,bus=b{n}.0" for n in (1, 2, 2))


@pytest.mark.parametrize(
    ("binary", "machine", "line"),
    [
        *(
            ("qemu-system-aarch64", "virt-2.6", f"-cpu {cpu}")
            for cpu in ("cortex-a57", "cortex-a72", "cortex-a53,pmu=on", "max")
        ),
        *(
            (
                f"qemu-system-{target}",
                machine,
                "".join(f" -device virtio-serial-{bus},id=b{n}" for n in (0, 1, 2))
                + "".join(f" -device virtio-net-{bus},mac=52:54:00:00:00:0{n}" for n in (1, 2))
                + f" -device virtio-scsi-{bus} -device virtio-scsi-{bus},num_queues=3,id=s"
                + " -device scsi-cd,bus=s.0"
                + CONSOLES,
            )
            for target, machine, bus in (
                ("aarch64", "virt-2.6", "device"),
                ("s390x", "s390-ccw-virtio-2.4", "ccw"),
                ("s390x", "s390-ccw-virtio-2.6", "ccw"),
            )
        ),
    ],
)
def test_what_it_wrote_it_takes(binary: str, machine: str, line: str, tmp_path: Path) -> None:
    judge(binary, machine, line, line, tmp_path)


@pytest.mark.parametrize(
    ("binary", "machine", "before", "after"),
    [
        # the second one's section is given to the first
        ("qemu-system-x86_64", "pc-q35-7.0", *["-device VGA -device isa-vga"] * 2),
        # a number of queues and an MTU are both in the configuration space
        *(
            ("qemu-system-x86_64", "pc-q35-3.0", one, one)
            for one in ("-device virtio-net-pci,vectors=8,mq=on,host_mtu=1500,mac=52:54:00:0:0:1",)
        ),
        # sections that are taken though they are not sent
        ("qemu-system-x86_64", "pc-i440fx-5.2", "", "-global isa-pcspk.migrate=off"),
        (
            "qemu-system-x86_64",
            "pc-i440fx-5.2",
            "",
            "-global i440FX-pcihost.x-config-reg-migration-enabled=off",
        ),
        # a property of a graphics card is enough for a machine to have none by itself
        *(("qemu-system-x86_64", "pc-i440fx-5.2", one, one) for one in (f"{VGA} {CARD}", CARD)),
        ("qemu-system-x86_64", "pc-i440fx-5.2", f"{VGA} {CARD}", CARD),
        # a capability that the CPU has not by itself is not sent when it is off
        *(
            ("qemu-system-ppc64", f"pseries-5.1,cap-large-decr=off{more}", one, one)
            for more, one in (
                ("", "-cpu power8"),
                ("", "-cpu power9"),
                (",max-cpu-compat=power8", ""),
            )
        ),
        # a mode that the destination was told to be in
        *(
            (
                "qemu-system-ppc64",
                "pseries-2.12",
                "-cpu power10",
                f"-cpu power10 -machine max-cpu-compat={mode}",
            )
            for mode in ("power8", "power9")
        ),
        *(
            ("qemu-system-ppc64", "pseries-5.1", f"-cpu {one}", f"-cpu {other}{more}")
            for one, other in (("power9_v1.0", "power9_v2.0"), ("power9_v2.0", "power9_v2.2"))
            for more in ("", f" {POWER9}")
        ),
        # port 0 is there in the map, and nowhere else
        *(
            ("qemu-system-x86_64", "pc-i440fx-5.2", CONSOLE, f"-device virtio-serial-pci {port}")
            for port in ("", "-device virtconsole", "-device virtserialport")
        ),
        # an interrupt controller without what takes MSI, whatever the machine has in its place
        *(
            ("qemu-system-aarch64", machine, "-device virtio-rng-pci", "-device virtio-rng-pci")
            for machine in (
                "virt-6.1,gic-version=3",
                "virt-7.2,gic-version=3,its=off",
                "virt-7.2,gic-version=3,msi=off",
                "virt-7.2,gic-version=3,msi=gicv2m",
                "virt-7.2,msi=off",
            )
        ),
        ("qemu-system-aarch64", "virt-5.2,secure=on", "", ""),
        ("qemu-system-aarch64", "virt-5.2,secure=on", "-cpu cortex-a57", "-cpu cortex-a57"),
    ],
)
def test_what_it_takes_of_another(
    binary: str, machine: str, before: str, after: str, tmp_path: Path
) -> None:
    judge(binary, machine, before, after, tmp_path)


def judge(binary: str, machine: str, before: str, after: str, tmp_path: Path) -> None:
    """Save with these arguments, load with those; the QEMU and the catalogue say the same of it."""
    own(binary)
    judged = 0
    for one in find(binary):
        bare = () if CARD in before + after else BARE
        sides = [[*bare, *HERE, "-M", machine, *line.split()] for line in (before, after)]
        path = tmp_path / one.version
        try:
            with Qemu(one.command, sides[0]) as guest, path.open("wb") as out:
                guest.execute("migrate", {"uri": guest.give(out.fileno())})
                guest.finish_migration()
            said = load(one.command, sides[1], path)
        except QemuError:  # it has no such machine type, CPU or property
            continue
        with open_stream(path) as stream:
            [found] = foretell(stream, parse(one.version)[:2], sides[1])
            assert found.report.accepted == said.accepted, (one, said, [*found.report.problems])
        judged += 1
    if not judged:
        lacks(f"no {binary} here has a machine like this")
