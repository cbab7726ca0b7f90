"""Machines of other boards than a PC that are put together: where their devices are, what their properties make of them."""

from __future__ import annotations

import pytest

from migstream.catalogue.arguments import parse_arguments
from migstream.catalogue.compose import compose
from migstream.catalogue.shelf import find
from migstream.stream import open_stream

ON_PCI, ON_VIO = "-device virtio-scsi-pci", "-device spapr-vscsi"
ON_MMIO, ON_CHANNEL = "-device virtio-scsi-device", "-device virtio-scsi-ccw"
DISK = "/0:0:0/scsi-disk"


def names(release: tuple[int, int], target: str, line: str) -> list[str]:
    found = compose(find(release, target), parse_arguments(line.split()))
    with open_stream(found.stream) as stream:
        assert not stream.damage
        return [device.name for device in stream.devices]


@pytest.mark.parametrize(
    ("target", "line", "place"),
    [
        # the bus of PCI is newer than those of VIO and channels, whatever comes first
        ("ppc64", f"-M pseries {ON_PCI} {ON_VIO}", "pci@800000020000000:00.0"),
        ("s390x", f"-M s390-ccw-virtio {ON_PCI} {ON_CHANNEL}", "pci.0:00.0"),
        # of channels the newest device
        ("s390x", f"-M s390-ccw-virtio {ON_CHANNEL} {ON_CHANNEL}", "/fe.0.0001"),
        # each transport has a bus: the first that is used is the newest
        ("aarch64", f"-M virt {ON_MMIO} {ON_MMIO}", "virtio-mmio@000000000a003e00"),
        ("aarch64", f"-M virt {ON_MMIO} {ON_PCI}", "virtio-mmio@000000000a003e00"),
        ("riscv64", f"-M virt {ON_MMIO} {ON_PCI}", "0000:00:01.0"),
    ],
)
def test_where_a_disk_is_that_names_no_bus(target: str, line: str, place: str) -> None:
    found = names((7, 2), target, f"-nodefaults {line} -device scsi-cd")
    assert [one for one in found if one.endswith("/scsi-disk")] == [place + DISK]


def test_ports_that_a_pseries_own_keyboard_has_are_taken() -> None:
    found = names((7, 2), "ppc64", "-M pseries -device usb-tablet")
    places = [one.rpartition("/")[0] for one in found if one.endswith(("/usb-kbd", "/usb-ptr"))]
    root = places[0].rpartition("/")[0]
    assert sorted(places) == [f"{root}/{port}" for port in (1, 2, 3)]


@pytest.mark.parametrize(("machine", "size"), [("virt-11.1", 64), ("virt-11.0", 1024)])
def test_queues_that_say_the_most_do_so_whatever_they_are_told(machine: str, size: int) -> None:
    line = f"-nodefaults -M {machine} -device virtio-scsi-device,virtqueue_size=64,num_queues=2"
    found = compose(find((11, 1), "m68k"), parse_arguments(line.split()))
    with open_stream(found.stream) as stream:
        device = next(one for one in stream.devices if one.name.endswith("/virtio-scsi"))
        queues = device.value["virtio"]["queues"].children
        assert [queue["num"].raw for queue in queues] == [size.to_bytes(4, "big")] * 4
