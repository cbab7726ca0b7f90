"""What a domain's XML says, against what libvirt itself starts its QEMU with; and its save image, foretold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from migstream.analysis.compat.foretell import foretell
from migstream.catalogue.arguments import Part, Wanted, parse_arguments
from migstream.catalogue.libvirt.read import describe
from migstream.stream import open_stream
from support.domains import DOMAINS
from support.libvirt import Libvirt
from support.qemu import REQUIRED, own

pytestmark = pytest.mark.qemu

SOME = ("small", "q35", "old", "storage", "ports", "input")
FILE = re.compile(r"FOLDER/(\w+\.img)")
# What says where a device is and what it is like; the rest is names, backends and what a guest does not see.
SAID = {
    *("bus", "addr", "lun", "scsi-id", "channel", "multifunction", "chassis", "chassis_nr", "port", "mac"),
    *("vgamem_mb", "ram_size_mb", "vram_size_mb", "max_outputs", "p2", "p3", "num-queues", "num_queues", "slot"),
    *("queue-size", "rx_queue_size", "intremap", "caching-mode", "device-iotlb", "aw-bits", "firstport", "nr"),
    *("deflate-on-oom", "free-page-reporting", "rombar", "node"),
}  # fmt: skip
HOST = {"usb", "dump-guest-core", "memory-backend"}  # of the machine, what is said in any case


def _devices(wanted: Wanted) -> Iterator[tuple[str, ...]]:
    for part in wanted.parts:
        said = ((key, value) for key, value in sorted(part.properties.items()) if key in SAID)
        yield part.driver, *(f"{k}={v}" for k, v in said if not _of_a_disk(part, k))


def _of_a_disk(part: Part, key: str) -> bool:
    """Drives of IDE have no place in a stream."""
    return part.driver.startswith("ide-") and key == "bus"


@pytest.mark.parametrize("name", SOME)
def test_a_domain_is_read_as_libvirt_reads_it(name: str) -> None:
    release = tuple(map(int, own(REQUIRED).version.split(".")))[:2]
    with Libvirt() as libvirt:
        libvirt.folder.chmod(0o755)
        for disk in set(FILE.findall(DOMAINS[name])):
            libvirt.file(disk, 1 << 20)
        libvirt.create(DOMAINS[name].replace("FOLDER", str(libvirt.folder)))
        theirs = parse_arguments(libvirt.arguments())
        ours = parse_arguments(describe(libvirt.virsh("dumpxml", "guest")).arguments)
        assert sorted(_devices(ours)) == sorted(_devices(theirs))
        for key in (
            "machine",
            "accelerator",
            "irqchip",
            "cpus",
            "max_cpus",
            "memory",
            "slots",
            "nodes",
            "defaults",
        ):
            assert getattr(ours, key) == getattr(theirs, key), key
        assert {k: v for k, v in theirs.options.items() if k not in HOST} == ours.options
        assert sorted(ours.globals) == sorted(theirs.globals)
        image = libvirt.folder / "guest.save"
        libvirt.virsh("save", "guest", str(image))
        with open_stream(image) as stream:
            [told] = foretell(stream, release)
            assert told.report.accepted, told.report.first


def test_a_restore_that_libvirt_does_not_survive_is_foretold(tmp_path: Path) -> None:
    """With less memory for video than the guest was saved with."""
    with Libvirt() as libvirt:
        xml = DOMAINS["small"]
        libvirt.create(xml)
        image, other = libvirt.folder / "guest.save", libvirt.folder / "other.xml"
        libvirt.virsh("save", "guest", str(image))
        changed = libvirt.virsh("save-image-dumpxml", str(image)).replace(
            "vram='16384'", "vram='8192'"
        )
        other.write_text(changed)
        other.chmod(0o644)
        done = libvirt._run("restore", str(image), "--xml", str(other), "--paused")
        with open_stream(image) as stream:
            release = tuple(map(int, own(REQUIRED).version.split(".")))[:2]
            [told] = foretell(stream, release, domain=changed)
        assert told.report.accepted == (done.returncode == 0)
        assert told.report.first is not None
        assert "vga.vram" in told.report.first.message
