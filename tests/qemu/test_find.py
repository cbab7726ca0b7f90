"""Streams found in what real QEMUs and a real libvirt write: dumps, images, save images on a disk."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import migstream
from migstream.analysis.find import Found, find
from migstream.source.store import Whole
from support import qemu
from support.libvirt import Libvirt, domain_xml
from support.qemu import REQUIRED, Qemu
from support.samples import Sample

pytestmark = pytest.mark.qemu

SECTOR = 512
EMULATOR = shutil.which("qemu-system-x86_64") or "qemu-system-x86_64"
ADDRESS = 0x400000


def found(path: Path, *, everything: bool = False) -> list[Found]:
    return list(find(Whole(path.read_bytes()), everything=everything))


def test_a_stream_in_a_guests_memory_is_found_in_a_dump_of_it(
    named_sample: Callable[[str], Sample], tmp_path: Path
) -> None:
    """In its own stream pages' headers stand between its pages; in what is extracted of that, none."""
    binary = qemu.find(REQUIRED)[0]
    inner = named_sample("pc-7.2.mig")
    machine = ("-M", "pc,accel=tcg", "-m", "16", "-S", "-device")
    loader = f"loader,file={inner.path},addr={ADDRESS:#x},force-raw=on"
    dump, outer, raw = tmp_path / "dump", tmp_path / "outer.mig", tmp_path / "raw"
    with Qemu(binary, (*machine, loader)) as guest:
        guest.execute("dump-guest-memory", {"paging": False, "protocol": f"file:{dump}"})
        guest.migrate(outer)
    size = inner.path.stat().st_size
    (one,) = found(dump)
    assert (one.size, one.state, one.devices) == (size, "whole", 30)
    (only,) = found(outer)
    assert (only.offset, only.size, only.state) == (0, outer.stat().st_size, "whole")
    _, torn = found(outer, everything=True)
    assert torn.within == 0
    assert torn.size != size
    words = ["extract", str(outer), "-f", "raw", "-o", str(raw)]
    subprocess.run([sys.executable, "-m", "migstream", *words], check=True)
    (again,) = found(raw / "pc.ram")
    assert (again.offset, again.size, again.state) == (ADDRESS, size, "whole")


@pytest.mark.parametrize("form", ["raw", "gzip"])
def test_a_save_image_on_a_disk_is_named_and_opens_there(form: str, tmp_path: Path) -> None:
    disk = tmp_path / "disk.img"
    with Libvirt(f'save_image_format = "{form}"\n') as libvirt:
        libvirt.create(domain_xml("guest", "pc-i440fx-7.2", emulator=EMULATOR))
        image = libvirt.folder / "guest.save"
        libvirt.virsh("save", "guest", str(image))
        saved = image.read_bytes()
    disk.write_bytes(bytes(9 * SECTOR) + saved + bytes(5000))
    one, *rest = found(disk)
    assert (one.kind, one.offset, one.said) == (
        "libvirt",
        9 * SECTOR,
        f"save image of 'guest', {form}, was paused",
    )
    assert one.size is not None
    with migstream.open(disk, offset=one.offset, spool=True) as stream:
        devices, size = len(stream.devices), stream.size
    if form == "raw":
        (bare,) = rest
        assert (bare.offset, bare.state) == (one.offset + one.size, "whole")
        assert (bare.machine, bare.devices) == ("pc-i440fx-7.2", devices)
        assert bare.size is not None
        assert bare.size <= size
    else:
        assert rest == []


def test_an_image_with_snapshots_on_a_disk_is_named_and_opens_there(tmp_path: Path) -> None:
    binary = qemu.find(REQUIRED)[0]
    image, disk = tmp_path / "disk.qcow2", tmp_path / "disk.img"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(image), "8M"], check=True)
    drive = f"if=virtio,file={image},format=qcow2"
    with Qemu(binary, ("-M", "pc,accel=tcg", "-m", "16", "-S", "-drive", drive)) as guest:
        guest.hmp("savevm first")
    disk.write_bytes(bytes(77 * SECTOR) + image.read_bytes())
    one, *rest = found(disk)
    assert (one.kind, one.offset) == ("qcow2", 77 * SECTOR)
    assert one.said == "1 snapshot, 1 with the state of a guest"
    with migstream.open(disk, offset=one.offset) as stream:
        assert stream.damage == []
        devices = len(stream.devices)
    # QEMU laid the clusters of its state one behind the other
    assert [(each.state, each.devices) for each in rest] == [("whole", devices)]
