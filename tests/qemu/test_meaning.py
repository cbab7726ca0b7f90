"""What a stream's values mean, against what the QEMU that wrote it says of the same guest in its monitor."""

from __future__ import annotations

import os
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
from migstream.vmstate.meaning.pci import config_space
from migstream.vmstate.values import Value
from support.lacking import lacks
from support.qemu import Binary, Qemu, find, own

ARGUMENTS = (
    "-M", "q35", "-m", "32", "-nic", "none", "-rtc", "base=2026-03-04T05:06:07",
    "-device", "virtio-net-pci,mac=52:54:00:11:22:33,id=net0", "-device", "e1000,mac=52:54:00:44:55:66",
    "-blockdev", "null-co,node-name=disk,size=1048576", "-device", "virtio-blk-pci,drive=disk",
    "-device", "pcie-root-port,id=rp,chassis=1", "-device", "virtio-rng-pci,bus=rp",
    "-device", "i82801b11-bridge,id=br", "-device", "rtl8139,bus=br,mac=52:54:00:77:88:99",
)  # fmt: skip
PATIENCE = 60.0
STILL = 15  # looks, one after another
LVT = ("LVTT", "LVTTHMR", "LVTPC", "LVT0", "LVT1", "LVTERR")


class Guest(NamedTuple):
    """A guest whose firmware has come to its end, stopped: what its monitor says, and its stream."""

    stream: Path
    said: dict[str, str]
    virtio: dict[str, Any]
    time: dict[str, int]
    registers: dict[str, int]


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


def wait(qemu: Qemu) -> None:
    """Until the firmware, which has nothing to start from, stands still: it has set up all devices then.

    It halts; KVM does not tell, but then the CPU is in one place whenever one looks.
    """
    end = time.monotonic() + PATIENCE
    places: list[str] = []
    while time.monotonic() < end and not (len(places) >= STILL and len(set(places[-STILL:])) == 1):
        registers = hmp(qemu, "info registers")
        if "HLT=1" in registers:
            return
        places += re.findall(r"[ER]IP=(\w+)", registers)
        time.sleep(0.2)


# Registers of an e1000 that may be read without changing anything, by where they are in its memory.
REGISTERS = {
    "CTRL": 0x0, "STATUS": 0x8, "VET": 0x38, "IMS": 0xD0, "RCTL": 0x100, "TCTL": 0x400, "LEDCTL": 0xE00, "PBA": 0x1000,
    "RDBAL": 0x2800, "RDLEN": 0x2808, "RDH": 0x2810, "TDBAL": 0x3800, "TDT": 0x3818, "MPC": 0x4010, "TPT": 0x40D4,
    "RAL0": 0x5400, "RAH0": 0x5404, "MTA[1]": 0x5204, "VFTA[127]": 0x57FC, "MANC": 0x5820, "SWSM": 0x5B50,
}  # fmt: skip


def registers_of_e1000(qemu: Qemu) -> dict[str, int]:
    """What the card itself says when they are read where its first BAR is."""
    [base] = re.findall(r"PCI device 8086:100e(?:.|\n)*?BAR0: .* at (0x\w+)", hmp(qemu, "info pci"))
    return {
        name: int(hmp(qemu, f"xp /1wx {int(base, 16) + at:#x}").split(":")[1], 16)
        for name, at in REGISTERS.items()
    }


NAME = "qemu-system-x86_64"


KVM = "/dev/kvm"


@pytest.fixture(
    scope="module",
    params=[(n, accel) for n in range(max(len(find(NAME)), 1)) for accel in ("tcg", "kvm")],
)
def guest(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Guest:
    own(NAME)  # or there is none
    number, accel = request.param
    if accel == "kvm" and not os.access(KVM, os.R_OK | os.W_OK):
        lacks(f"{KVM} does not open")
    binary: Binary = find(NAME)[number]
    arguments = (*ARGUMENTS, "-accel", accel, *(("-cpu", "qemu64") if accel == "kvm" else ()))
    path = tmp_path_factory.mktemp("meaning") / "guest.mig"
    with Qemu(binary, arguments) as qemu:
        qemu.execute("cont")
        wait(qemu)
        qemu.execute("stop")
        said = {name: hmp(qemu, f"info {name}") for name in ("pic", "lapic", "pci", "network")}
        if accel == "kvm" and not re.search(r"BAR0: .* at 0x[1-9a-e]", said["pci"]):
            lacks("the firmware does not get to the devices in time under KVM here")
        registers = registers_of_e1000(qemu)
        clock = qemu.execute("qom-get", {"path": "/machine", "property": "rtc-time"})
        qemu.migrate(path)
        try:
            virtio = virtio_statuses(qemu)
        except QemuError:  # 11.1 fails an assertion of its own where a device has no vhost
            virtio = {}
    return Guest(path, said, virtio, clock, registers)


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


def spaces(stream: Stream) -> dict[str, Value]:
    """The configuration space of each function, by the address that `info pci` gives it."""
    found = {}
    buses = {"0000:00": 0}  # by what the paths of the functions on it begin with
    known = {d.name.rpartition("/")[0]: config_space(d.value) for d in stream.devices}
    for path, space in sorted(known.items(), key=lambda item: len(item[0])):
        bus, _, slot = path.rpartition(":")
        if space is None or bus not in buses:
            continue
        found[f"0000:{buses[bus]:02x}:{slot}"] = space
        if space["header_type"].symbol.startswith("BRIDGE"):
            buses[path] = int(space["secondary_bus"])
    return found


def test_pci_functions(guest: Guest, stream: Stream) -> None:
    said, ours = functions(guest.said["pci"]), spaces(stream)
    assert said.keys() == ours.keys()
    bars = 0
    for address, body in said.items():
        space = ours[address]
        kind, vendor, device = re.findall(r"^\s*(.*): PCI device (\w{4}):(\w{4})", body)[0]
        assert (int(space["vendor_id"]), int(space["device_id"])) == (
            int(vendor, 16),
            int(device, 16),
        )
        assert space["vendor_id"].symbol
        assert space["device_id"].symbol
        if not kind.startswith("Class "):  # where QEMU has no word for it
            assert space["subclass"].description.lower() == kind.lower()
        pins = re.findall(r"IRQ (\d+), pin (\w)", body)
        assert [space["interrupt_pin"].symbol] == [f"INT{pin}" for _, pin in pins] or not pins
        for number, words, base in re.findall(r"BAR([0-5]): (.*) at 0x([0-9a-f]+)", body):
            where = int(base, 16)
            if where in {(1 << 64) - 1, 0xFFFFFFFF}:  # not mapped
                continue
            bars += 1
            of, _, at = space[f"bar[{number}]"].symbol.partition(" at ")
            assert int(at, 16) == where
            assert of == (
                "IO" if words == "I/O" else f"MEM{words[:2]}{' PREFETCH' * ('prefetch' in words)}"
            )
    assert bars >= 8  # the firmware has run


def test_bridges(guest: Guest, stream: Stream) -> None:
    ours = spaces(stream)
    bridges = {
        a: body for a, body in functions(guest.said["pci"]).items() if "secondary bus" in body
    }
    assert len(bridges) == 2
    opened = 0
    for address, body in bridges.items():
        space = ours[address]
        for name in ("secondary", "subordinate"):
            [number] = re.findall(rf"{name} bus (\d+)", body)
            assert int(space[f"{name}_bus"]) == int(number)
        for name, words in (
            ("io", "IO"),
            ("memory", " memory"),
            ("prefetch", "prefetchable memory"),
        ):
            [(first, last)] = re.findall(rf"{words} range \[0x(\w+), 0x(\w+)\]", body)[:1]
            start, stop = int(first, 16), int(last, 16)
            range_ = f"{start:#x}-{stop:#x}" if start <= stop else "closed"
            opened += start <= stop
            assert space[f"{name}_base"].description == space[f"{name}_limit"].description == range_
    assert opened >= 3


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
    """Where each keeps it: in a field of its own, in registers, in an EEPROM."""
    macs = re.findall(r"macaddr=([0-9a-f:]+)", guest.said["network"])
    ours = [
        stream["virtio-net/virtio/device/mac"].symbol,
        stream["e1000/mac_reg[0]"].element(1).symbol.split()[1],
        stream["rtl8139/conf.macaddr"].symbol,
    ]
    assert sorted(ours) == sorted(macs)


def test_registers_of_a_network_card(guest: Guest, stream: Stream) -> None:
    file = stream["e1000/e1000/full_mac_state/mac_reg"]
    named = {}
    for name, at in REGISTERS.items():
        one = file.element(at // 4)
        assert one.symbol.split()[0] == name
        named[name] = int(one)
        if f"mac_reg[{name}]" in stream["e1000"]:
            assert int(stream[f"e1000/mac_reg[{name}]"]) == int(one)
    assert named == guest.registers
    assert "LU" in stream["e1000/mac_reg[STATUS]"].symbol.split()


VBE = {"XRES": 1, "YRES": 2, "BPP": 3, "ENABLE": 4}


@pytest.mark.parametrize(
    ("card", "mode"),
    [
        ("VGA", ()),
        ("VGA", (800, 600, 32)),
        ("qxl-vga", ()),
        ("qxl-vga", (800, 600, 32)),
        ("cirrus-vga", ()),
    ],
)
def test_what_a_display_shows(card: str, mode: tuple[int, ...], tmp_path: Path) -> None:
    """The firmware's text, and a mode that is set in VBE's ports as a guest would, against a picture of it."""
    binary = own(NAME)
    with Qemu(
        binary, ("-M", "pc", "-m", "16", "-accel", "tcg", "-nic", "none", "-device", card)
    ) as qemu:
        qemu.execute("cont")
        end = time.monotonic() + PATIENCE
        while "HLT=1" not in hmp(qemu, "info registers") and time.monotonic() < end:
            time.sleep(0.2)
        qemu.execute("stop")
        for name, value in zip(VBE, (*mode, 0x41), strict=False) if mode else ():
            hmp(qemu, f"o /h 0x1ce {VBE[name]}")
            hmp(qemu, f"o /h 0x1cf {value:#x}")
        hmp(qemu, f"screendump {tmp_path / 'screen.ppm'}")
        qemu.migrate(tmp_path / "screen.mig")
    picture = (tmp_path / "screen.ppm").read_bytes().split(maxsplit=3)
    width, height = int(picture[1]), int(picture[2])
    with migstream.open(tmp_path / "screen.mig") as stream:
        name = {
            "VGA": "vga/vga/cr",
            "qxl-vga": "qxl/vga/cr",
            "cirrus-vga": "cirrus_vga/cirrus_vga/vga.cr",
        }[card]
        said = stream[name].description
    if mode:
        assert said == "graphics 800x600, 32 bits a pixel"
        assert (width, height) == mode[:2]
    else:
        words = re.findall(r"text (\d+)x(\d+) of (\d+)x(\d+)", said)
        [(columns, rows, wide, high)] = [tuple(map(int, word)) for word in words]
        assert (columns * wide, rows * high) == (width, height)
