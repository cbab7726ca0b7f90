"""`compat` held against a QEMU on command lines that differ by one option: verdict, device, kind, words."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from migstream.analysis.compat.destination import Destination
from migstream.analysis.compat.load import compat
from migstream.stream import open_stream
from support.declared_machine import release_of
from support.qemu import Qemu, load, own

pytestmark = pytest.mark.qemu

BOOT = 2.0  # seconds


class Change(NamedTuple):
    """Arguments that the two sides share, what each has besides, and the kind of reason; "" where it loads."""

    shared: str
    ours: str
    theirs: str
    kind: str
    device: str = ""
    binary: str = "qemu-system-x86_64"
    run: bool = False


PC, Q35 = "-M pc -m 16 ", "-M q35 -m 16 "
PORT = Q35 + "-device pcie-root-port,id=p"
SERIAL = "-device virtio-serial-pci,id=v -chardev null,id=c "
MEMORY = "-M q35 -m 128,slots=2,maxmem=1G -object memory-backend-ram,id=m,size=64M "
DISK = (
    Q35
    + "-blockdev driver=null-co,size=1048576,node-name=d -device ahci,id=a -device ide-hd,bus=a."
)
PSERIES = "-cpu power9 -m 256 -M pseries"

CHANGES = {
    "port-number": Change(PORT, ",port=1", ",port=2", "pci", "pcie-root-port"),
    "slot": Change(PORT, ",slot=1", ",slot=2", "pci", "pcie-root-port"),
    "bar-type": Change(
        PC, "-device virtio-rng-pci", "-device virtio-rng-pci,modern-pio-notify=on", "pci"
    ),
    "serial-number": Change(
        Q35 + "-device pcie-root-port,id=p -device vmxnet3,bus=p,mac=52:54:00:00:00:0",
        "1",
        "2",
        "pci",
        "vmxnet3",
    ),
    "outputs": Change(PC + "-device virtio-gpu-pci", "", ",max_outputs=2", "value", "virtio-gpu"),
    "ports": Change(PC + SERIAL, "-device virtserialport,chardev=c", "", "value", "virtio-console"),
    "block-size": Change(
        MEMORY + "-device virtio-mem-pci,memdev=m,block-size=",
        "2M",
        "4M",
        "value",
    ),
    "capability": Change(
        PSERIES, "", ",cap-cfpc=broken", "value", "spapr", binary="qemu-system-ppc64"
    ),
    "lower-capability": Change(PSERIES, ",cap-cfpc=broken", "", "", binary="qemu-system-ppc64"),
    "number-of-cpus": Change(
        "-M virt -cpu cortex-a57 -m 16 -smp ", "1", "2", "registers", "cpu", "qemu-system-aarch64"
    ),
    "disk-was-identified": Change(DISK, "0,drive=d", "0,drive=d", "", run=True),
}


def _words(said: str) -> list[str]:
    return [re.sub(r"^qemu-system-\w+: ", "", line) for line in said.splitlines()]


@pytest.mark.parametrize("name", CHANGES)
def test_agrees(name: str, tmp_path: Path) -> None:
    change = CHANGES[name]
    binary = own(change.binary)
    ours, theirs = ((change.shared + more).split() for more in (change.ours, change.theirs))
    for arguments, file in ((ours, "ours"), (theirs, "theirs")):
        with Qemu(binary, arguments) as guest:
            if change.run and file == "ours":
                _boot(guest)
            guest.migrate(tmp_path / file)
    verdict = load(binary, theirs, tmp_path / "ours")
    # the words are those of the destination's release, which not every machine's stream tells
    release = release_of(binary.version)
    with open_stream(tmp_path / "ours") as stream, open_stream(tmp_path / "theirs") as other:
        report = compat(stream, Destination(None, other, release))
    assert report.accepted is verdict.accepted is not bool(change.kind), verdict.said
    if report.first is not None:
        assert report.first.kind == change.kind
        assert change.device in report.first.device
        # QEMU may say more before it; what it ends with is predicted to the letter
        assert _words(verdict.said)[-len(report.first.said) :] == list(report.first.said)


def _boot(guest: Qemu) -> None:
    """Let the firmware find the disks."""
    guest.execute("cont")
    time.sleep(BOOT)
    guest.execute("stop")
