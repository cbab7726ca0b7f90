"""Machines of older types, and of several options, as they are put together from the catalogue."""

from __future__ import annotations

import json

import pytest

from migstream.analysis.compat.foretell import foretell
from migstream.catalogue.arguments import parse_arguments
from migstream.catalogue.compose import compose
from migstream.catalogue.lineage import lineage
from migstream.catalogue.model import State
from migstream.catalogue.relaid import parted, relaid
from migstream.catalogue.shelf import find
from migstream.stream import Stream, open_stream
from migstream.vmstate.meaning.pci import config_space, msix_vectors

BLANK = "-nodefaults -m 64"
DISK = "-blockdev null-co,node-name=d -device virtio-blk-pci,drive=d,num-queues=3"


def composed(line: str, release: tuple[int, int] = (10, 0)) -> Stream:
    made = compose(find(release, "x86_64"), parse_arguments(f"{BLANK} {line}".split()))
    return open_stream(made.stream)


def keys(line: str, release: tuple[int, int] = (10, 0)) -> list[tuple[str, int]]:
    with composed(line, release) as stream:
        return [(device.name, device.instance_id) for device in stream.devices]


def space(line: str, name: str, release: tuple[int, int] = (10, 0)) -> bytes:
    with composed(line, release) as stream:
        found = config_space(stream.devices[name, 0].value)
        assert found is not None
        return bytes(found.raw)


def vram(line: str) -> int:
    with composed(line) as stream:
        return next(one.used_length for one in stream.blocks if one.name.endswith("vga.vram"))


def test_the_newest_default_is_a_change_where_an_older_machine_type_has_another() -> None:
    old, new = ("-M pc-i440fx-{} -device cirrus-vga{}".format(v, "{}") for v in ("2.6", "10.0"))
    assert [vram(new.format(one)) >> 20 for one in ("", ",vgamem_mb=4", ",vgamem_mb=16")] == [
        4,
        4,
        16,
    ]
    assert [vram(old.format(one)) >> 20 for one in ("", ",vgamem_mb=4", ",vgamem_mb=16")] == [
        8,
        4,
        16,
    ]


@pytest.mark.parametrize(("machine", "there"), [("microvm", False), ("microvm,rtc=on", True)])
def test_an_option_that_kvm_turns_off_can_be_turned_on(machine: str, there: bool) -> None:
    assert (("mc146818rtc", 0) in keys(f"-M {machine} -accel kvm")) is there


def test_vectors_of_older_machine_types_do_not_go_by_queues() -> None:
    line, name = f"-M pc-i440fx-{{}} {DISK}", "0000:00:02.0/virtio-blk"
    found = [msix_vectors(space(line.format(one), name)) for one in ("3.0", "2.11")]
    assert found == [4, 2]


def test_what_is_said_of_a_kind_of_device_is_said_of_each_of_them() -> None:
    assert {"virtio-pci", "virtio-blk-device", "virtio-device", "pci-device"} < lineage(
        "virtio-blk-pci", "PCI"
    )
    assert "pcie-slot" in lineage("pcie-root-port", "PCI")
    assert "virtio-pci" not in lineage("virtio-blk-device", "virtio-bus")
    disk = DISK.replace(",num-queues=3", "")
    line = f"-M pc-i440fx-7.2 -global virtio-blk-device.num-queues=3 {disk}"
    assert msix_vectors(space(line, "0000:00:02.0/virtio-blk")) == 4


def test_two_options_of_which_each_lays_a_controller_out_otherwise() -> None:
    line = "-M pc-i440fx-7.2 -device nec-usb-xhci"
    plain, both = (space(f"{line}{one}", "0000:00:02.0/xhci") for one in ("", ",p2=6,msix=off"))
    assert msix_vectors(plain) == 16
    assert msix_vectors(both) is None
    with composed(f"{line},p2=6,msix=off") as stream:
        assert not stream.damage
        assert stream.devices["0000:00:02.0/xhci", 0].value.span.size < 5300


def test_sections_that_older_qemus_do_not_count() -> None:
    line = (
        "-M pc-i440fx-5.2 -device isa-ide,iobase=0x168,irq=10 -device isa-ide,iobase=0x1e8,irq=11"
    )
    assert [n for name, n in keys(line) if name == "isa-ide"] == [0, 1]
    assert [n for name, n in keys(line, (7, 2)) if name == "isa-ide"] == [0]


def test_a_section_takes_the_number_of_one_that_the_machine_was_told_not_to_have() -> None:
    line = "-M pc-i440fx-7.2{} -device ati-vga"
    buses = [
        [n for name, n in keys(line.format(one)) if name == "i2c_bus"] for one in ("", ",acpi=off")
    ]
    assert buses == [[0, 1], [0]]


def test_serial_ports_that_a_machine_makes() -> None:
    for machine, count in (("microvm", 1), ("microvm,isa-serial=off", 0), ("pc-i440fx-7.2", 4)):
        line = f"-M {machine} {'-serial null ' * 5}"
        assert sum(name == "serial" for name, _ in keys(line)) == count, machine


def test_a_clock_of_kvm_needs_a_cpu_that_shows_it_in_older_machine_types() -> None:
    for version, cpu, there in (
        ("5.1", "qemu64", True),
        ("5.1", "qemu64,kvm=off", False),
        ("5.1", "qemu64,-kvmclock", False),
        ("5.2", "qemu64,kvm=off", True),
    ):
        line = f"-M pc-i440fx-{version} -accel kvm -cpu {cpu}"
        assert (("kvmclock", 0) in keys(line)) is there, line


def test_a_486_has_an_apic_beside_another_cpu_and_not_beside_room_for_one() -> None:
    line, name = "-M pc-q35-7.2 -cpu 486 -smp {}", "0000:00:1f.2/ich9_ahci"
    two, room = (space(line.format(one), name) for one in ("2", "1,maxcpus=2"))
    assert two[0x34] == 0x80  # MSI comes first
    assert room[0x34] != 0x80


def state(payload: bytes, inner: list[str], *, more: str = "") -> State:
    fields = [{"name": name, "type": "uint8", "size": 1} for name in inner]
    struct = {"vmsd_name": "in", "version": 1, "fields": fields}
    table: dict[str, object] = {"vmsd_name": "out", "version": 1}
    table["fields"] = [{"name": "in", "type": "struct", "struct": struct, "size": len(inner)}]
    if more:
        field = {"name": "x", "type": "uint8", "size": 1}
        table["subsections"] = [{"vmsd_name": more, "version": 1, "fields": [field]}]
    return State(1, payload, json.dumps(table)[1:].encode())


def test_a_change_is_made_field_by_field_at_any_depth() -> None:
    sub = b"\5\3sub\0\0\0\1z"
    before, after = state(b"ab" + sub, ["a", "b"], more="sub"), state(b"b", ["b"])
    found = relaid(state(b"aBc" + sub, ["a", "b", "c"], more="sub"), before, after)
    assert found is not None
    assert found == state(b"Bc", ["b", "c"])
    back = relaid(found, after, before)
    assert back is not None
    assert back == state(b"aBc" + sub, ["a", "b", "c"], more="sub")
    assert list(parted(found).values()) == [b"B", b"c"]
    assert relaid(found, State(1, b"", b"no table"), after) is None


def test_without_vectors_behind_a_port_there_is_no_msix() -> None:
    line = "-M pc-q35-8.2 -device pcie-root-port,id=p -device virtio-tablet-pci,bus=p,vectors={}"
    name = "0000:00:01.0:00.0/virtio-input"
    assert msix_vectors(space(line.format(0), name)) is None
    assert msix_vectors(space(line.format(3), name)) == 3


def test_a_short_name_of_the_root_bus_is_one_of_what_options_bring_as_well() -> None:
    assert ("0000:01.2/uhci", 0) in keys("-M pc-i440fx-1.6,usb=on", (7, 2))


def test_where_a_second_piece_of_memory_is_put_is_not_told() -> None:
    memory = " ".join(
        f"-object memory-backend-ram,id=m{n},size=128M -device virtio-mem-pci,memdev=m{n}"
        for n in (1, 2)
    )
    line = f"{BLANK},slots=4,maxmem=4G -M pc-i440fx-8.2 {memory}"
    made = compose(find((10, 0), "x86_64"), parse_arguments(line.split()))
    unsure = {name.rpartition("/")[0] for name in made.unknown if "virtio-mem" in name}
    assert unsure == {"0000:00:03.0"}


@pytest.mark.parametrize("footers", ["on", "off"])
def test_without_footers_a_zero_ends_a_load_that_says_it_went_well(footers: str) -> None:
    line = (
        f"{BLANK} -M pc-q35-6.0 -global migration.send-section-footer={footers}"
        " -device dc390,id=d -device scsi-cd,bus=d.0"
    ).split()
    made = compose(find((11, 1), "x86_64"), parse_arguments(line))
    with open_stream(made.stream) as stream:
        [found] = foretell(stream, (7, 2), line)
    words = {one.device: one.word for one in found.report.verdicts}
    disk = "0000:00:01.0/0:0:0/scsi-disk[0]"
    assert found.report.accepted is (footers == "off")
    assert words["0000:00:01.0/pciespscsi[0]"] == ("loses" if footers == "off" else "fails")
    assert words[disk] == ("loses" if footers == "off" else "loads")
    if footers == "off":
        [note] = next(one.lost for one in found.report.verdicts if one.device == disk)
        assert note.message == "not loaded: the load ends in 0000:00:01.0/pciespscsi[0]"


@pytest.mark.parametrize("machine", ["pc-q35-zesty", "pc-i440fx-2.8", "pc-q35-2.10"])
def test_a_device_that_did_not_start_on_an_older_machine_type_is_as_on_the_next(
    machine: str,
) -> None:
    """The file of its ROM is not there: with `romfile=` it starts, and has no more vectors than up to 5.2."""
    line = f"-M {machine} -device virtio-net-pci,addr=5,romfile="
    assert msix_vectors(space(line, "0000:00:05.0/virtio-net", (8, 2))) == 3
