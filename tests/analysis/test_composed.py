"""Machines that are put together from the catalogue: what their command lines make of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from migstream.catalogue.arguments import parse_arguments
from migstream.catalogue.compose import Composed, compose
from migstream.catalogue.grown import grown, piece
from migstream.catalogue.model import State
from migstream.catalogue.ports import numbers
from migstream.catalogue.shelf import find
from migstream.stream import Stream, open_stream
from support.rounds import CHANGES, changed, draft, words

PC = "-M pc-i440fx-7.2 -m 64"


def made(line: str) -> Composed:
    return compose(find((10, 0), "x86_64"), parse_arguments(line.split()))


@contextmanager
def composed(line: str) -> Iterator[Stream]:
    with open_stream(made(line).stream) as stream:
        assert not stream.damage
        yield stream


def names(line: str) -> list[str]:
    with composed(line) as stream:
        return [device.name for device in stream.devices]


def test_default_devices_are_those_that_a_qemu_makes() -> None:
    whole = names(PC)
    assert {"0000:00:02.0/vga", "0000:00:03.0/e1000", "parallel_isa", "slirp"} <= set(whole)
    assert whole.count("serial") == 1
    assert "0000:00:03.0/e1000" not in names(f"{PC} -netdev hubport,id=n,hubid=0")
    assert "0000:00:02.0/e1000" in names(f"{PC} -vga none")
    assert names(f"{PC} -serial null -serial null").count("serial") == 2
    assert "0000:00:02.0/e1000" in names(f"{PC} -device cirrus-vga")


def test_networks_of_users_have_a_section_each() -> None:
    line = f"-nodefaults {PC} -netdev user,id=a -netdev user,id=b -netdev hubport,id=c,hubid=0"
    assert names(line).count("slirp") == 2


def test_cards_of_the_board_come_before_devices() -> None:
    line = f"-nodefaults {PC} -device e1000 -nic none -net nic,model=virtio -vga std"
    assert {"0000:00:02.0/vga", "0000:00:03.0/virtio-net", "0000:00:04.0/e1000"} <= set(names(line))


def test_ports_of_virtio_serial_are_said_by_its_own_state() -> None:
    console = "-device virtio-serial-pci,id=s,max_ports=4 -device virtconsole,bus=s.0"
    line = f"-nodefaults {PC} {console} -device virtserialport,bus=s.0,nr=3"
    with composed(line) as stream:
        state = stream.devices["0000:00:02.0/virtio-console", 0].value
        assert state.raw[:].tobytes().count((0b1001).to_bytes(4, "big"))
    asked = parse_arguments(f"{console} -device virtserialport -device virtconsole".split()).parts
    assert numbers(asked[1:]) == [0, 1, 2]


def test_two_options_that_each_move_what_stands_behind() -> None:
    line = f"-nodefaults {PC} -blockdev null-co,node-name=d -device virtio-blk-pci,drive=d"
    with composed(f"{line},vectors=7,num-queues=3") as stream:
        state = stream.devices["0000:00:02.0/virtio-blk", 0].value
        [virtio] = state.children
        parts = {part.name: part for part in virtio.children}
        table = next(iter(parts["msix"].children))
        assert len(list(table.children)) == 7
        assert int.from_bytes(parts["queue_count"].raw[:], "big") == 3


def test_of_a_value_that_was_not_tried_nothing_is_told_but_that_the_device_is_there() -> None:
    found = made(f"-nodefaults {PC} -device megasas,max_sge=64")
    assert any("max_sge=64" in one for one in found.assumptions)
    assert any(one.startswith("0000:00:02.0/") for one in found.unknown)


def test_a_device_that_names_no_bus_is_on_the_newest_that_is_nearest_to_the_root() -> None:
    bare = f"-nodefaults {PC}"
    two = "-device piix3-usb-uhci -device nec-usb-xhci -device usb-tablet"
    assert "0000:00:03.0/1/usb-ptr" in names(f"{bare} {two}")
    below = "-device pci-bridge,id=b,chassis_nr=1 -device piix3-usb-uhci,bus=b,addr=4"
    assert "0000:00:04.0:04.0/1/usb-ptr" in names(
        f"{bare} {two.removesuffix('-device usb-tablet')}{below} -device usb-tablet"
    )
    # the machine's own: of those of a q35, all but one are companions
    assert "0000:00:01.2/1/usb-ptr" in names(f"{bare} -usb -device usb-tablet")
    q35 = "-nodefaults -M pc-q35-7.2,usb=on -device usb-kbd -device usb-tablet"
    assert "0000:00:1d.7/2/usb-ptr" in names(q35)
    disks = "-device virtio-scsi-pci -device lsi53c895a -device scsi-cd"
    assert "0000:00:03.0/0:0:0/scsi-disk" in names(f"{bare} {disks}")


def test_bridges_that_name_no_bus_are_on_a_second_root_bus() -> None:
    q35 = "-nodefaults -M pc-q35-7.2 -device pxb-pcie,bus_nr=8 -device ioh3420,chassis=1 -device x3130-upstream"
    found = {
        "0000:08:01.0:00.0/ioh-3240-express-root-port",
        "0000:08:01.0:01.0/xio3130-express-upstream-port",
    }
    assert found <= set(names(q35))
    # the first slot has a bridge of its own, behind which is what names that bus
    pc = f"-nodefaults {PC} -device pxb,bus_nr=8,id=p -device pci-bridge,chassis_nr=9 -device e1000,bus=p,addr=3"
    assert {"0000:08:02.0:01.0/pci_bridge", "0000:08:02.0:00.0:03.0/e1000"} <= set(names(pc))


def test_memory_of_a_backend_is_called_as_it_is() -> None:
    line = "-nodefaults -M pc-i440fx-{} -m 64 -object memory-backend-{},id=mem,size=64M -numa node,memdev=mem"
    for version, kind, block in (
        ("7.2", "ram", "mem"),
        ("3.1", "ram", "mem"),
        ("3.1", "file", "/objects/mem"),
        ("4.0", "file", "mem"),
    ):
        with composed(line.format(version, kind)) as stream:
            assert block in [one.name for one in stream.blocks]


def test_what_has_two_elements_is_continued() -> None:
    one = State(1, b"ab1yz", b'[{"array_len": 1}]')
    two = State(1, b"ab12yz", b'[{"array_len": 2}]')
    assert piece(one.payload, two.payload) == (3, 2, b"2")
    more = grown(one, one, two, 4)
    assert more is not None
    assert (more.payload, more.text) == (b"ab1222yz", b'[{"array_len": 4}]')
    other = grown(State(1, b"aX1yz", one.text), one, two, 3)
    assert other is not None
    assert other.payload == b"aX122yz"
    assert grown(one, one, State(1, b"cd12yz", two.text), 3) is None


def test_machines_made_at_random_are_made_again_by_their_seed() -> None:
    for seed in range(40):
        random, again = Random(seed), Random(seed)  # noqa: S311
        before, same = (draft(one, "pc-q35-7.2", kvm=True) for one in (random, again))
        assert words(before) == words(same)
        name, after = changed(random, before, ["pc-q35-7.2", "pc-q35-7.1"])
        assert (name == "same") == (words(after) == words(before))
        assert name == "same" or name in CHANGES
        made(" ".join(words(after)))
