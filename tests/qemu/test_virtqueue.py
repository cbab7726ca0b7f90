"""A driver's queues read out of the stream, against what QEMU's own monitor says of them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

import migstream
from migstream.errors import QemuError
from migstream.machine.virtqueue import queues
from support.lacking import lacks
from support.qemu import Qemu, find, own

NAME = "qemu-system-x86_64"
# The firmware drives the disk, and the network card's own boot program the card: it offers buffers to receive into.
ARGUMENTS = (
    "-M", "q35", "-m", "64", "-accel", "tcg", "-netdev", "user,id=net,restrict=on",
    "-device", "virtio-net-pci,netdev=net,bootindex=1",
    "-blockdev", "null-co,node-name=disk,size=1048576", "-device", "virtio-blk-pci,drive=disk",
)  # fmt: skip
PATIENCE = 60.0


def told(qemu: Qemu) -> dict[tuple[str, int], dict[str, Any]]:
    """What the monitor says of each queue, by the device's name."""
    found = {}
    for device in qemu.execute("x-query-virtio"):
        for number in range(3 if device["name"] == "virtio-net" else 1):
            asked = {"path": device["path"], "queue": number}
            found[device["name"], number] = qemu.execute("x-query-virtio-queue-status", asked)
    return found


@pytest.mark.parametrize("number", range(max(len(find(NAME)), 1)))
def test_queues_are_where_and_as_far_as_the_monitor_says(number: int, tmp_path: Path) -> None:
    own(NAME)
    binary = find(NAME)[number]
    path = tmp_path / "guest.mig"
    with Qemu(binary, ARGUMENTS) as qemu:
        if "x-query-virtio" not in {one["name"] for one in qemu.execute("query-commands")}:
            lacks(f"{binary} does not tell of virtio devices")
        qemu.execute("cont")
        end = time.monotonic() + PATIENCE
        try:
            while not told(qemu)["virtio-net", 0]["shadow-avail-idx"]:
                assert time.monotonic() < end, "the card's boot program does not come"
                time.sleep(0.1)
            qemu.execute("stop")
            said = told(qemu)
        except QemuError as error:
            lacks(f"{binary} fails when it is asked: {error}")
        qemu.migrate(path)
    with migstream.open(path) as stream:
        checked = 0
        for device in stream.devices:
            name = device.name.rpartition("/")[2]
            if not name.startswith("virtio-"):
                continue
            for one in queues(stream.memory, device.value):
                theirs = said[name, one.number]
                assert one.size == theirs["vring-num"]
                assert one.desc == theirs["vring-desc"]
                assert one.taken == theirs["last-avail-idx"]
                assert one.damage == ""
                if not one.ready:
                    continue
                checked += 1
                assert (one.driver, one.device_area) == (
                    theirs["vring-avail"],
                    theirs["vring-used"],
                )
                assert one.used == theirs["used-idx"]
                assert one.in_flight == theirs["inuse"]
                # theirs is as far as the device has looked
                assert one.available is not None
                assert (one.available - theirs["shadow-avail-idx"]) % 65536 <= one.size
                assert one.waiting == (one.available - one.taken) % 65536
                assert len(one.chains) == one.waiting + (one.in_flight or 0)
                for chain in one.chains:
                    assert chain.damage == ""
                    for buffer in chain.descriptors:  # all of it is the guest's memory
                        stream.memory.read(buffer.address, buffer.length)
        [receiving] = [
            one
            for device in stream.devices
            if device.name.endswith("/virtio-net")
            for one in queues(stream.memory, device.value)
            if one.number == 0
        ]
        assert receiving.waiting
        assert all(buffer.writes for chain in receiving.chains for buffer in chain.descriptors)
        assert checked >= 2
