"""A driver's queues read out of the stream, against what QEMU's own monitor says of them."""

from __future__ import annotations

import struct
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


KERNELS = sorted(Path("/boot").glob("vmlinuz-*")) if Path("/boot").is_dir() else []


@pytest.mark.parametrize("packed", ["off", "on"])
def test_what_linux_has_in_flight(packed: str, tmp_path: Path) -> None:
    """The distribution's kernel and initrd; its disk cannot be read, which stops the guest with the request in flight."""
    own(NAME)
    kernel = next((one for one in reversed(KERNELS) if one.is_file()), None)
    initrd = None if kernel is None else Path(f"/boot/initrd.img-{kernel.name.partition('-')[2]}")
    if kernel is None or initrd is None or not initrd.is_file():
        lacks("no kernel with an initrd in /boot")
    path = tmp_path / "guest.mig"
    broken = "driver=blkdebug,node-name=disk,image.driver=null-co,image.size=1048576,inject-error.0.event=none,inject-error.0.iotype=read,inject-error.0.sector=1"
    arguments = (
        "-M", "q35", "-m", "512", "-accel", "tcg", "-nic", "none", "-kernel", str(kernel), "-initrd", str(initrd),
        "-append", "console=ttyS0 root=/dev/vda", "-blockdev", broken,
        "-device", f"virtio-blk-pci,drive=disk,rerror=stop,packed={packed}",
    )  # fmt: skip
    with Qemu(own(NAME), arguments) as qemu:
        if "x-query-virtio" not in {one["name"] for one in qemu.execute("query-commands")}:
            lacks("this QEMU does not tell of virtio devices")
        qemu.execute("cont")
        end = time.monotonic() + 3 * PATIENCE
        while qemu.execute("query-status")["status"] != "io-error":
            assert time.monotonic() < end, "nothing reads the disk"
            time.sleep(0.5)
        [device] = qemu.execute("x-query-virtio")
        theirs = qemu.execute("x-query-virtio-queue-status", {"path": device["path"], "queue": 0})
        qemu.migrate(path)
    with migstream.open(path) as stream:
        [found] = [d for d in stream.devices if d.name.endswith("/virtio-blk")]
        one = queues(stream.memory, found.value)[0]
        assert (one.form, one.damage) == ("packed" if packed == "on" else "split", "")
        assert (one.size, one.desc) == (theirs["vring-num"], theirs["vring-desc"])
        assert one.taken == theirs["last-avail-idx"]
        assert one.used == theirs["used-idx"]
        assert one.in_flight == theirs["inuse"] >= 1
        requests = [chain for chain in one.chains if chain.state == "in flight"]
        assert requests
        for chain in requests:  # VIRTIO 5.2.6: a head of 16 bytes, data, a byte of status
            buffers = [b for b in chain.descriptors if "INDIRECT" not in b.flags]
            assert buffers[0].length == 16
            assert not buffers[0].writes
            kind, _, sector = struct.unpack("<IIQ", stream.memory.read(buffers[0].address, 16))
            assert kind == 0  # VIRTIO_BLK_T_IN
            assert sector < 1048576 // 512
            assert (buffers[-1].length, buffers[-1].writes) == (1, True)
        # the device's own part has the same requests, as the device had taken them
        own_part = found["virtio/device"]
        waiting = {
            int(one["element/index"]): one["element"]
            for one in own_part.children
            if one.name.startswith("request")
        }
        heads = {
            chain.descriptors[0].id if packed == "on" else chain.head: chain for chain in requests
        }
        assert waiting.keys() == heads.keys()
        for index, element in waiting.items():
            chain = heads[index]
            buffers = [b for b in chain.descriptors if "INDIRECT" not in b.flags]
            for way, writes in (("out", False), ("in", True)):
                pieces = element[f"{way}_sg"], element[f"{way}_addr"]
                lengths, addresses = (p.plain() if p.count else [p.plain()] for p in pieces)
                assert int(element[f"{way}_num"]) == len(addresses)
                theirs = [(b.address, b.length) for b in buffers if b.writes == writes]
                assert [
                    (a, p["iov_len"]) for a, p in zip(addresses, lengths, strict=True)
                ] == theirs
        assert list(own_part.children)[-1].name == "end"
