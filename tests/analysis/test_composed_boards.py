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


@pytest.mark.parametrize(
    ("target", "machine", "bus"),
    [("s390x", "s390-ccw-virtio-2.5", "ccw"), ("aarch64", "virt-2.6", "device")],
)
def test_of_devices_without_places_each_has_what_is_its_own(
    target: str, machine: str, bus: str
) -> None:
    ports = "".join(f" -device virtconsole,bus=b{n}.0" for n in (1, 2, 2))
    hosts = "".join(f" -device virtio-serial-{bus},id=b{n}" for n in (0, 1, 2))
    cards = "".join(f" -device virtio-net-{bus},mac=52:54:00:00:00:0{n}" for n in (1, 2))
    disks = f" -device virtio-scsi-{bus} -device virtio-scsi-{bus},id=s -device scsi-cd,bus=s.0"
    line = f"-nodefaults -M {machine}{hosts}{cards}{disks}{ports}"
    found = compose(find((7, 2), target), parse_arguments(line.split()))
    assert not found.twice
    with open_stream(found.stream) as stream:
        assert not stream.damage

        def whole(name: str, number: int) -> bytes:
            return bytes(stream.devices[name, number].value.raw)

        for number, used in enumerate((0b1, 0b1, 0b11)):
            count = used.bit_length() if number else 0
            assert used.to_bytes(4, "big") + count.to_bytes(4, "big") in whole(
                "virtio-console", number
            )
        for number in (0, 1):
            assert bytes.fromhex(f"52540000000{number + 1}") in whole("virtio-net", number)
        assert [one.name for one in stream.devices if one.name.endswith(DISK[1:])] == [DISK[1:]]
        if bus == "ccw":
            numbers = [int.from_bytes(whole("virtio-console", n)[4:6], "big") for n in range(3)]
            assert numbers == [0, 1, 2]


@pytest.mark.parametrize("cpu", ["cortex-a57", "cortex-a76", "cortex-a53,pmu=on", "max"])
def test_a_machine_type_that_has_no_pmu_takes_it_from_every_cpu(cpu: str) -> None:
    def registers(line: str) -> dict[bytes, bytes]:
        found = compose(find((7, 2), "aarch64"), parse_arguments(f"-nodefaults {line}".split()))
        with open_stream(found.stream) as stream:
            value = next(one for one in stream.devices if one.name == "cpu").value
            indexes, values = (
                bytes(value[f"cpreg_vmstate_{name}"].raw) for name in ("indexes", "values")
            )
            places = range(0, len(indexes), 8)
            return {indexes[at : at + 8]: values[at : at + 8] for at in places}

    features = bytes.fromhex("40200000200f0082")  # ID_DFR0
    with_one, without = registers(f"-M virt-2.7 -cpu {cpu}"), registers(f"-M virt-2.6 -cpu {cpu}")
    assert with_one[features][-4] & 0xF
    assert not without[features][-4] & 0xF
    assert with_one[features][-3:] == without[features][-3:]


@pytest.mark.parametrize(
    ("target", "line", "blocked"),
    [
        ("ppc", "-nodefaults -M g3beige -device qemu-xhci -device usb-uas", "pci.0:01.0/1/usb-uas"),
        ("i386", "-M pc -device nec-usb-xhci -device usb-braille", "0000:00:04.0/1/usb-serial"),
        ("ppc", "-M g3beige -device qemu-xhci -device usb-kbd", ""),
    ],
)
def test_what_a_supplement_cannot_migrate_the_other_says(
    target: str, line: str, blocked: str
) -> None:
    found = compose(find((10, 0), target), parse_arguments(line.split()))
    assert [*found.blocked] == ([blocked] if blocked else [])


@pytest.mark.parametrize(
    ("words", "assumed"),
    [
        ("-vga zzz", ("what -vga zzz does is not known",)),
        ("-audio none,model=zzz", ("what the sound card zzz does is not known",)),
        ("-vga none -audio none,model=hda -audio none", ()),
    ],
)
def test_words_that_nobody_knows_are_said(words: str, assumed: tuple[str, ...]) -> None:
    line = f"-nodefaults -M pc-q35-7.2 {words}"
    assert compose(find((10, 0), "x86_64"), parse_arguments(line.split())).assumptions == assumed
