"""Every kind of virtio device that a PC can have: its state and its configuration, against its QEMU's own words."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import migstream
from migstream.errors import QemuError
from migstream.machine.virtqueue import queues
from migstream.stream import Stream
from migstream.vmstate.values import Value
from support.lacking import lacks
from support.qemu import Binary, Qemu, find, own

NAME = "qemu-system-x86_64"
PATIENCE = 60.0
CONFIGURATION = 0x2000  # of the BAR of a modern device (hw/virtio/virtio-pci.c: virtio_pci_realize)
# Each with a slot of its own, which is its id: what the monitor says and what the stream says meet there.
DEVICES: dict[str, tuple[str, ...]] = {
    "10": ("-netdev", "user,id=user,restrict=on",
           "-device", "virtio-net-pci,netdev=user,mac=52:54:00:11:22:33,host_mtu=1400,speed=1000,duplex=full"),
    "11": ("-netdev", "hubport,id=hub,hubid=0", "-device", "virtio-net-pci,netdev=hub,rss=on"),
    "12": ("-blockdev", "null-co,node-name=disk,size=1048576", "-device", "virtio-blk-pci,drive=disk,num-queues=2"),
    "13": ("-device", "virtio-scsi-pci,num_queues=3"),
    "14": ("-device", "virtio-serial-pci,max_ports=5"),
    "15": ("-device", "virtio-balloon-pci,free-page-reporting=on"),
    "16": ("-device", "virtio-rng-pci"),
    "17": ("-device", "virtio-gpu-pci,max_outputs=2"),
    "18": ("-device", "virtio-keyboard-pci"),
    "19": ("-fsdev", "local,path=/tmp,security_model=none,id=share", "-device", "virtio-9p-pci,fsdev=share,mount_tag=here"),
    "1a": ("-object", "memory-backend-ram,id=more,size=64M", "-device", "virtio-mem-pci,memdev=more,requested-size=32M"),
    "1b": ("-device", "virtio-iommu-pci"),
}  # fmt: skip
KINDS = {
    "10": "virtio-net", "11": "virtio-net", "12": "virtio-blk", "13": "virtio-scsi", "14": "virtio-console",
    "15": "virtio-balloon", "16": "virtio-rng", "17": "virtio-gpu", "18": "virtio-input", "19": "virtio-9p",
    "1a": "virtio-mem", "1b": "virtio-iommu",
}  # fmt: skip
# What the command line above says, and what these devices are without that (their properties' defaults).
SAID: dict[str, dict[str, str | int]] = {
    "10": {"mac": "52:54:00:11:22:33", "status": "LINK_UP", "max_virtqueue_pairs": 1, "mtu": 1400, "speed": 1000, "duplex": "FULL"},
    "11": {"duplex": "UNKNOWN", "rss_max_key_size": 40, "rss_max_indirection_table_length": 128},
    "12": {"capacity": 2048, "blk_size": 512, "num_queues": 2, "geometry.heads": 16},
    "13": {"num_queues": 3, "sense_size": 96, "cdb_size": 32},
    "14": {"max_nr_ports": 5, "cols": 0},
    "15": {"num_pages": 0, "poison_val": 0},
    "16": {},
    "17": {"num_scanouts": 2},
    "18": {"select": 0, "size": 0},
    "19": {"tag_len": 4},
    "1a": {"region_size": 64 << 20, "requested_size": 32 << 20, "plugged_size": 0},
    "1b": {"input_range.start": 0, "domain_range.end": 0xFFFFFFFF, "bypass": "BYPASS"},
}  # fmt: skip
FIRST_QUEUES = {
    "10": "receiveq1", "12": "requestq1", "13": "controlq", "14": "receiveq(port0)", "15": "inflateq", "16": "requestq",
    "17": "controlq", "18": "eventq", "19": "requestq", "1a": "guest-request", "1b": "requestq",
}  # fmt: skip


class Guest(NamedTuple):
    """A guest whose firmware has come to its end: its stream, and what its monitor says of each device."""

    stream: Path
    status: dict[str, dict[str, Any]]
    queues: dict[str, list[dict[str, Any]]]


def arguments(slots: Iterable[str]) -> Iterator[str]:
    yield from ("-M", "q35", "-m", "64,maxmem=1G,slots=1", "-accel", "tcg")
    for slot in slots:
        *before, device = DEVICES[slot]
        yield from (*before, f"{device},id=at{slot},addr=0x{slot}")


def hmp(qemu: Qemu, command: str) -> str:
    return str(qemu.execute("human-monitor-command", {"command-line": command}))


def read_configurations(qemu: Qemu) -> None:
    """As a driver does: what is saved of a configuration space is what was read of it last."""
    for part in re.split(r"Bus +\d+, device", hmp(qemu, "info pci"))[1:]:
        bar = re.search(r"BAR4: 64 bit .*? at (0x[0-9a-f]+)", part)
        if bar and "PCI device 1af4" in part:
            hmp(qemu, f"xp /1xb {int(bar[1], 16) + CONFIGURATION:#x}")


def told(qemu: Qemu) -> tuple[dict[str, dict[str, Any]], dict[str, list[dict[str, Any]]]]:
    """Both by slot; empty where this QEMU does not know the commands, or fails in them."""
    status, rings = {}, {}
    if "x-query-virtio" not in {one["name"] for one in qemu.execute("query-commands")}:
        return {}, {}
    for one in qemu.execute("x-query-virtio"):
        slot = re.search(r"/at(\w\w)/", one["path"])
        assert slot
        try:
            found = qemu.execute("x-query-virtio-status", {"path": one["path"]})
        except QemuError:  # 11.1 fails an assertion of its own where a device has no vhost
            return {}, {}
        status[slot[1]] = found
        rings[slot[1]] = [
            qemu.execute("x-query-virtio-queue-status", {"path": one["path"], "queue": number})
            for number in range(found["num-vqs"])
        ]
    return status, rings


@pytest.fixture(scope="module", params=range(max(len(find(NAME)), 1)))
def guest(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Guest:
    own(NAME)  # or there is none
    binary: Binary = find(NAME)[request.param]
    path = tmp_path_factory.mktemp("virtio") / "guest.mig"
    slots = list(DEVICES)
    while True:
        try:
            return saved(binary, slots, path)
        except QemuError as error:  # a kind of device that this QEMU does not have
            refused = re.search(r"id=at(\w\w)", str(error))
            if refused is None:
                raise
            slots.remove(refused[1])


def saved(binary: Binary, slots: Iterable[str], path: Path) -> Guest:
    with Qemu(binary, tuple(arguments(slots))) as qemu:
        qemu.execute("cont")
        end = time.monotonic() + PATIENCE
        while "HLT=1" not in hmp(qemu, "info registers") and time.monotonic() < end:
            time.sleep(0.2)
        qemu.execute("stop")
        read_configurations(qemu)
        qemu.migrate(path)
        return Guest(path, *told(qemu))


@pytest.fixture(scope="module")
def stream(guest: Guest) -> Iterator[Stream]:
    with migstream.open(guest.stream) as opened:
        yield opened


def device(stream: Stream, slot: str) -> Value:
    name = f"0000:00:{slot}.0/{KINDS[slot]}"
    if name not in stream.devices:
        lacks(f"this QEMU has no {KINDS[slot]}")
    return stream.devices[name].value


@pytest.mark.parametrize("slot", DEVICES)
def test_the_configuration_is_that_of_the_command_line(stream: Stream, slot: str) -> None:
    value = device(stream, slot)
    if not SAID[slot]:
        assert "virtio/device_config" not in value
        return
    space = value["virtio/device_config"]
    assert "rest" not in space
    for name, expected in SAID[slot].items():
        found = space[name]
        assert (found.symbol if isinstance(expected, str) else int(found)) == expected, name


def test_texts_in_configurations(stream: Stream) -> None:
    assert bytes(device(stream, "19")["virtio/device_config/tag"]) == b"here"
    own_part = device(stream, "10")["virtio/device"]
    assert own_part["mac"].symbol == SAID["10"]["mac"]


# A guest of a big-endian target, and what drives the disk there: the firmware of s390x is a legacy driver,
# whose device is in the guest's order, that of Power speaks VIRTIO 1.
BIG = {
    "qemu-system-s390x": ("-M", "s390-ccw-virtio", "-device", "virtio-blk-ccw,drive=disk,bootindex=1",
                          "-device", "virtio-serial-ccw"),
    "qemu-system-ppc64": ("-M", "pseries", "-device", "virtio-blk-pci,drive=disk", "-device", "virtio-serial-pci"),
}  # fmt: skip


@pytest.mark.parametrize("name", BIG)
def test_a_guest_of_the_other_order(name: str, tmp_path: Path) -> None:
    path = tmp_path / "guest.mig"
    disk = ("-blockdev", "null-co,node-name=disk,size=1048576,read-zeroes=on", "-no-shutdown")
    with Qemu(own(name), ("-m", "256", "-accel", "tcg", *disk, *BIG[name])) as qemu:
        qemu.execute("cont")
        [path_of_disk] = [
            d["path"] for d in qemu.execute("x-query-virtio") if d["name"] == "virtio-blk"
        ]
        asked, end = {"path": path_of_disk}, time.monotonic() + PATIENCE
        while not re.search(
            "DRIVER_OK|FEATURES_OK", str(qemu.execute("x-query-virtio-status", asked)["status"])
        ):
            assert time.monotonic() < end, "nothing drives the disk"
            time.sleep(0.2)
        time.sleep(1)  # it reads the configuration behind that
        said = qemu.execute("x-query-virtio-status", asked)
        assert said["device-endian"] == "big"
        qemu.execute("stop")
        qemu.migrate(path)
    with migstream.open(path) as stream:
        space = stream["virtio-blk/virtio/device_config"]
        assert int(space["capacity"]) == 2048
        assert int(space["blk_size"]) == 512
        modern = any("VERSION_1" in word for word in said["guest-features"]["transports"])
        assert space["capacity"].type == ("le64" if modern else "uint64")
        assert int(stream["virtio-console/virtio/device/max_nr_ports"]) == 31


@pytest.mark.parametrize("slot", DEVICES)
def test_the_registers_are_what_the_monitor_says(guest: Guest, stream: Stream, slot: str) -> None:
    if slot not in guest.status:
        lacks("this QEMU does not tell of this device")
    theirs, virtio = guest.status[slot], device(stream, slot)["virtio"]
    assert int(virtio["isr"]) == theirs["isr"]
    assert int(virtio["queue_sel"]) == theirs["queue-sel"]
    assert int(virtio["queue_count"]) == theirs["num-vqs"]
    started = "virtio/started" in virtio and virtio["virtio/started/started"].value
    assert started == theirs["started"]
    statuses = [one.partition(":")[0] for one in theirs["status"]["statuses"]]
    assert sorted(virtio["status"].symbol.split()) == sorted(
        one.removeprefix("VIRTIO_CONFIG_S_") for one in statuses
    )
    ours = virtio["virtio/64bit_features/guest_features"].symbol.split()
    named = [
        re.sub(r"^VIRTIO_(?:F|RING_F|[A-Z0-9]+_F)_", "", one.partition(":")[0])
        for key in ("transports", "dev-features")
        for one in theirs["guest-features"].get(key, [])
    ]
    short = {"INDIRECT_DESC": "RING_INDIRECT_DESC", "EVENT_IDX": "RING_EVENT_IDX",
             "IOMMU_PLATFORM": "ACCESS_PLATFORM"}  # fmt: skip
    assert {short.get(one, one) for one in named} <= set(ours)


@pytest.mark.parametrize("slot", DEVICES)
def test_the_queues_are_what_the_monitor_says(guest: Guest, stream: Stream, slot: str) -> None:
    if slot not in guest.queues:
        lacks("this QEMU does not tell of this device")
    theirs = guest.queues[slot]
    ours = queues(stream.memory, device(stream, slot))
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert (one.number, one.size, one.desc) == (
            other["queue-index"], other["vring-num"], other["vring-desc"],
        )  # fmt: skip
        assert one.taken == other["last-avail-idx"]
        if one.ready:
            assert (one.driver, one.device_area) == (other["vring-avail"], other["vring-used"])
            assert (one.used, one.in_flight) == (other["used-idx"], other["inuse"])
    if slot in FIRST_QUEUES:
        assert ours[0].name == FIRST_QUEUES[slot]
