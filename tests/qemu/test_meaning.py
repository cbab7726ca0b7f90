"""What a stream's values mean, against what the QEMU that wrote it says of the same guest in its monitor."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import migstream
from migstream.errors import QemuError
from migstream.stream import Stream
from support.lacking import lacks
from support.qemu import Binary, Qemu, find, own

ARGUMENTS = (
    "-M", "q35", "-m", "32", "-accel", "tcg", "-nic", "none", "-rtc", "base=2026-03-04T05:06:07",
    "-device", "virtio-net-pci,mac=52:54:00:11:22:33,id=net0", "-device", "e1000,mac=52:54:00:44:55:66",
    "-blockdev", "null-co,node-name=disk,size=1048576", "-device", "virtio-blk-pci,drive=disk",
)  # fmt: skip
PATIENCE = 60.0
LVT = ("LVTT", "LVTTHMR", "LVTPC", "LVT0", "LVT1", "LVTERR")


class Guest(NamedTuple):
    """A guest whose firmware has come to its end, stopped: what its monitor says, and its stream."""

    stream: Path
    said: dict[str, str]
    virtio: dict[str, Any]
    time: dict[str, int]


def hmp(qemu: Qemu, command: str) -> str:
    return str(qemu.execute("human-monitor-command", {"command-line": command}))


def virtio_statuses(qemu: Qemu) -> dict[str, Any]:
    """By device; empty where this QEMU does not know the command."""
    known = {one["name"] for one in qemu.execute("query-commands")}
    if "x-query-virtio" not in known:
        return {}
    return {
        one["name"]: qemu.execute("x-query-virtio-status", {"path": one["path"]})
        for one in qemu.execute("x-query-virtio")
    }


NAME = "qemu-system-x86_64"


@pytest.fixture(scope="module", params=range(max(len(find(NAME)), 1)))
def guest(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Guest:
    own(NAME)  # or there is none
    binary: Binary = find(NAME)[request.param]
    path = tmp_path_factory.mktemp("meaning") / "guest.mig"
    with Qemu(binary, ARGUMENTS) as qemu:
        qemu.execute("cont")
        end = time.monotonic() + PATIENCE
        # the firmware has nothing to start from, and waits: it has set up all devices then
        while "HLT=1" not in hmp(qemu, "info registers") and time.monotonic() < end:
            time.sleep(0.2)
        qemu.execute("stop")
        said = {name: hmp(qemu, f"info {name}") for name in ("pic", "lapic", "pci", "network")}
        clock = qemu.execute("qom-get", {"path": "/machine", "property": "rtc-time"})
        qemu.migrate(path)
        try:
            virtio = virtio_statuses(qemu)
        except QemuError:  # 11.1 fails an assertion of its own where a device has no vhost
            virtio = {}
    return Guest(path, said, virtio, clock)


@pytest.fixture(scope="module")
def stream(guest: Guest) -> Iterator[Stream]:
    with migstream.open(guest.stream) as opened:
        yield opened


def test_the_clock_shows_the_same_time(guest: Guest, stream: Stream) -> None:
    shown = datetime.fromisoformat(stream["mc146818rtc[0]/cmos_data"].description)
    t = guest.time
    theirs = datetime(  # noqa: DTZ001 - a clock has no zone
        t["tm_year"] + 1900, t["tm_mon"] + 1, t["tm_mday"], t["tm_hour"], t["tm_min"], t["tm_sec"]
    )
    assert abs((shown - theirs).total_seconds()) <= 2
    assert shown.year == 2026
    assert shown.month == 3


def test_the_redirections_of_the_ioapic(guest: Guest, stream: Stream) -> None:
    pins = re.findall(r"pin (\d+)\s+0x([0-9a-f]+) (.*)", guest.said["pic"])
    assert len(pins) == 24
    for number, value, words in pins:
        entry = stream[f"ioapic[0]/ioredtbl[{number}]"]
        assert int(entry) == int(value, 16)
        ours = entry.symbol.split()
        assert f"vec={int(ours[1], 16)}" in re.sub(r"vec=(\d+)\s", r"vec=\1 ", words).split()
        assert ("MASKED" in ours) == ("masked" in words)
        assert ("LEVEL" in ours) == ("level" in words)
        assert ("LOW" in ours) == ("active-lo" in words)
        assert ours[2].lower() in words.lower()
        assert ("logical" in ours) == ("logical" in words)


def test_the_local_apic(guest: Guest, stream: Stream) -> None:
    said = guest.said["lapic"]
    for number, name in enumerate(LVT):
        [(value, words)] = re.findall(rf"^{name}\s+0x([0-9a-f]+) (.*)", said, re.MULTILINE)
        entry = stream[f"apic[0]/lvt[{number}]"]
        assert int(entry) == int(value, 16)
        ours = entry.symbol.split()
        assert ("MASKED" in ours) == ("masked" in words)
        assert re.search(rf"\b{ours[3]}\b", words, re.IGNORECASE)
        if "(vec" in words:
            assert f"(vec {int(ours[2], 16)})" in words
    [divisor] = re.findall(r"\(divide by (\d+)\)", said)
    assert stream["apic[0]/divide_conf"].symbol == f"1/{divisor}"
    spurious = stream["apic[0]/spurious_vec"]
    assert ("ENABLE" in spurious.symbol.split()) == ("APIC enabled" in said)


def test_lines_of_the_interrupt_controllers(guest: Guest, stream: Stream) -> None:
    for number in (0, 1):
        [(irr, imr, isr)] = re.findall(
            rf"pic{number}: irr=(\w+) imr=(\w+) isr=(\w+)", guest.said["pic"]
        )
        for field, value in (("irr", irr), ("imr", imr), ("isr", isr)):
            found = stream[f"i8259[{number}]/{field}"]
            assert int(found) == int(value, 16)
            lines = [f"IRQ{8 * number + n}" for n in range(8) if int(value, 16) >> n & 1]
            assert found.symbol == " ".join(lines)


def functions(text: str) -> dict[str, str]:
    """What `info pci` says of each function, by its address."""
    parts = re.split(r"Bus +(\d+), device +(\d+), function (\d+):", text)[1:]
    return {
        f"0000:{int(bus):02x}:{int(device):02x}.{function}": body
        for bus, device, function, body in zip(*[iter(parts)] * 4, strict=True)
    }


def test_pci_functions(guest: Guest, stream: Stream) -> None:
    said = functions(guest.said["pci"])
    checked = bars = 0
    for address, body in said.items():
        vendor, device = re.findall(r"PCI device (\w{4}):(\w{4})", body)[0]
        devices = [d for d in stream.devices if d.name.startswith(f"{address}/")]
        for one in devices:
            leaves = {
                v.path.rpartition("/")[2]: v
                for v in one.value.leaves()
                if "config[0]/" in v.path or "/config/" in v.path
            }
            if "vendor_id" not in leaves:
                continue
            checked += 1
            assert (int(leaves["vendor_id"]), int(leaves["device_id"])) == (
                int(vendor, 16),
                int(device, 16),
            )
            for number, kind, base in re.findall(
                r"BAR(\d): (I/O|\d\d bit[a-z ]*memory) at (0x[0-9a-f]+)", body
            ):
                if number == "6" or base.strip("0xf") == "":
                    continue
                bars += 1
                bar = int(
                    one.value[
                        f"{leaves['vendor_id'].path[len(one.path) + 1 :].rpartition('/')[0]}/bar[{number}]"
                    ]
                )
                assert bar & ~(3 if kind == "I/O" else 15) == int(base, 16) & 0xFFFFFFFF
    assert checked >= 3
    assert bars >= 4  # the firmware has run


def test_virtio_devices(guest: Guest, stream: Stream) -> None:
    if not guest.virtio:
        lacks("this QEMU does not tell of virtio devices")
    for name, status in guest.virtio.items():
        [device] = [d for d in stream.devices if d.name.endswith(f"/{name}")]
        ours = stream[f"{device.path}/virtio/status"].symbol.split()
        theirs = [
            word.partition(":")[0].removeprefix("VIRTIO_CONFIG_S_")
            for word in status["status"]["statuses"]
        ]
        assert sorted(ours) == sorted(theirs)
        # features that the driver took, by name
        words = stream[f"{device.path}/virtio/guest_features"].symbol.split()
        named = [
            word.partition(":")[0]
            for key in ("transports", "dev-features")
            for word in status["guest-features"].get(key, [])
        ]
        short = [re.sub(r"^VIRTIO_(?:F|RING_F|[A-Z]+_F)_", "", word) for word in named]
        low = [
            word
            for word in short
            if word
            not in {
                "VERSION_1",
                "IOMMU_PLATFORM",
                "RING_PACKED",
                "IN_ORDER",
                "ORDER_PLATFORM",
                "SR_IOV",
                "RING_RESET",
                "NOTIFICATION_DATA",
                "ACCESS_PLATFORM",
            }
        ]
        assert {one for one in low if one in words} == set(low), (words, low)


def test_addresses_of_network_devices(guest: Guest, stream: Stream) -> None:
    macs = set(re.findall(r"macaddr=([0-9a-f:]+)", guest.said["network"]))
    assert "52:54:00:11:22:33" in macs
    [device] = [d for d in stream.devices if d.name.endswith("/virtio-net")]
    raw = bytes(stream[f"{device.path}/virtio/device/mac"].raw)
    assert raw.hex(":") in macs
