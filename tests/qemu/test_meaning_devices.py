"""What a stream says of disks, requests in flight, cards and USB, against what its QEMU was told or says itself."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import migstream
from migstream.stream import Stream
from migstream.vmstate.paths import find as named
from support.lacking import lacks
from support.qemu import Qemu, find, own

NAME = "qemu-system-x86_64"
PATIENCE = 60.0
MIB = 1 << 20
ARGUMENTS = (
    "-M", "pc", "-m", "32", "-accel", "tcg", "-nic", "none",
    "-blockdev", f"null-co,node-name=d0,size={10 * MIB},read-zeroes=on",
    "-device", "ide-hd,drive=d0,bus=ide.0,serial=SERIAL01,model=A Model,ver=9.8",
    "-blockdev", f"null-co,node-name=d1,size={64 * MIB},read-zeroes=on", "-device", "sdhci-pci", "-device", "sd-card,drive=d1",
    "-device", "piix3-usb-uhci,id=u", "-device", "usb-tablet,bus=u.0", "-device", "pci-ohci,id=o",
    "-device", "usb-kbd,bus=o.0", "-device", "ipmi-bmc-sim,id=b", "-device", "isa-ipmi-bt,bmc=b",
)  # fmt: skip


class Guest(NamedTuple):
    """A guest whose firmware has come to its end, stopped: its stream, and what its monitor says of USB."""

    stream: Path
    usb: str


def ended(qemu: Qemu, sign: str, command: str) -> bool:
    """Whether a sign is seen in what the monitor says, after some time of running."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if sign in hmp(qemu, command):
            return True
        time.sleep(0.2)
    return False


def hmp(qemu: Qemu, command: str) -> str:
    return str(qemu.execute("human-monitor-command", {"command-line": command}))


@pytest.fixture(scope="module", params=range(max(len(find(NAME)), 1)))
def guest(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Guest:
    own(NAME)  # or there is none
    path = tmp_path_factory.mktemp("devices") / "guest.mig"
    with Qemu(find(NAME)[request.param], ARGUMENTS) as qemu:
        qemu.execute("cont")
        assert ended(qemu, "HLT=1", "info registers")  # firmware has come to its end
        qemu.execute("stop")
        usb = hmp(qemu, "info usb")
        qemu.migrate(path)
    return Guest(path, usb)


@pytest.fixture(scope="module")
def stream(guest: Guest) -> Iterator[Stream]:
    with migstream.open(guest.stream) as opened:
        yield opened


def test_a_drive_says_what_it_was_told(stream: Stream) -> None:
    [drive] = named(stream.devices["ide"].value, "bus[0].ifs[0]/identify_data")
    assert [drive[name].symbol for name in ("serial", "model", "firmware")] == [
        "SERIAL01",
        "A Model",
        "9.8",
    ]
    assert 512 * int(drive["lba48_sectors"]) == 10 * MIB
    assert drive["lba28_sectors"].description == "10 MiB"


def test_a_card_has_the_size_that_it_was_given(stream: Stream) -> None:
    card = stream.devices["sd-card"].value
    sizes = [one.description for one in card["csd"].elements() if one.symbol == "C_SIZE"]
    assert sizes[:1] == [f"{64 << 10} KiB"]
    assert card["state"].symbol == "TRANSFER"


def test_usb_devices_have_their_addresses(guest: Guest, stream: Stream) -> None:
    """`Device 0.1, Port 1, Speed 12 Mb/s, Product QEMU USB Tablet`: bus, address and port."""
    said = re.findall(
        r"Device \d+\.(\d+), Port (\S+), Speed (\S+) Mb/s, Product (.*?)[\r,]", guest.usb
    )
    assert len(said) == 2
    for address, port, speed, product in said:
        name = "usb-ptr" if "Tablet" in product else "usb-kbd"
        device = stream.devices[name]
        assert int(device["dev/addr"]) == int(address)
        assert device.path.split("/")[-2] == port
        host = stream.devices["uhci" if name == "usb-ptr" else "ohci"].value
        path = "ports[0]/ctrl" if name == "usb-ptr" else "state/rhport[0]/ctrl"
        bits = host[path].symbol.split()
        assert "CCS" in bits
        assert ("LSDA" in bits) == (speed == "1.5")


# --- requests that failed, and wait for the user -----------------------------------------------------

BROKEN = (
    f"driver=blkdebug,node-name=d0,image.driver=null-co,image.size={10 * MIB},image.read-zeroes=on,"
    "inject-error.0.event=none,inject-error.0.iotype=read,inject-error.0.errno=5"
)
FAILING = ("-M", "pc", "-m", "32", "-accel", "tcg", "-nic", "none", "-blockdev", BROKEN)
DISK = ("-device", "scsi-hd,drive=d0,bus=s.0,rerror=stop")
BOOT = 0x7C00  # where a PC's firmware reads the first block to
ADAPTERS = {
    "virtio-scsi-pci": ("element/in_addr[1]", BOOT),
    "mptsas1068": ("pieces[0]/address", BOOT),
    "megasas": ("sector_count", 1),
    "am53c974": ("sector_count", 1),
}


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("version", range(max(len(find(NAME)), 1)))
def test_requests_in_flight(adapter: str, version: int, tmp_path: Path) -> None:
    """Firmware reads the first block of a disk that fails, which stops the guest with the request in the air."""
    own(NAME)
    path = tmp_path / "failed.mig"
    with Qemu(find(NAME)[version], (*FAILING, "-device", f"{adapter},id=s", *DISK)) as qemu:
        qemu.execute("cont")
        assert ended(qemu, "io-error", "info status")
        qemu.migrate(path)
    with migstream.open(path) as stream:
        blob = stream.devices["scsi-disk"].value["qdev/requests"]
        assert [one.name for one in blob.children] == ["request", "end"]
        [one] = blob["request"].elements()
        assert one["mark"].symbol == "RETRY"
        assert one["cdb/opcode"].symbol == "READ_10"
        assert (int(one["cdb/lba"]), int(one["cdb/length"])) == (0, 1)
        assert (int(one["sector"]), int(one["sector_count"])) == (0, 1)
        place, expected = ADAPTERS[adapter]
        assert int(one[place]) == expected
        assert stream["globalstate[0]/runstate"].symbol == "io-error"


@pytest.mark.parametrize("version", range(max(len(find(NAME)), 1)))
def test_a_drive_that_failed_has_something_to_do_again(version: int, tmp_path: Path) -> None:
    own(NAME)
    path = tmp_path / "failed.mig"
    with Qemu(
        find(NAME)[version], (*FAILING, "-device", "ide-hd,drive=d0,bus=ide.1,rerror=stop")
    ) as qemu:
        qemu.execute("cont")
        assert ended(qemu, "io-error", "info status")
        qemu.migrate(path)
    with migstream.open(path) as stream:
        [failed] = named(stream.devices["ide"].value, "bus[1]/ide_bus/error/error_status")
        assert failed.symbol.split() == ["PIO", "READ"]
        [busy] = named(stream.devices["ide"].value, "bmdma[1]/migration_compat_status")
        assert busy.symbol.split() == ["RETRY_PIO", "RETRY_READ"]


# --- NVMe, TPM ---------------------------------------------------------------------------------------


def test_queues_of_an_nvme_controller(tmp_path: Path) -> None:
    """From QEMU 10.2 on it can be migrated. Its firmware has made one pair of queues beside the first."""
    newer = [one for one in find(NAME) if tuple(map(int, one.version.split(".")[:2])) >= (10, 2)]
    if not newer:
        lacks("no QEMU that migrates an NVMe controller")
    path = tmp_path / "nvme.mig"
    disk = ("-blockdev", f"null-co,node-name=d,size={10 * MIB},read-zeroes=on")
    with Qemu(
        newer[-1],
        ("-M", "q35", "-m", "32", "-nic", "none", *disk, "-device", "nvme,drive=d,serial=x"),
    ) as qemu:
        qemu.execute("cont")
        assert ended(qemu, "HLT=1", "info registers")
        qemu.execute("stop")
        qemu.migrate(path)
    with migstream.open(path) as stream:
        nvme = stream.devices["nvme"].value
        assert nvme["bar/vs"].description.startswith("NVMe 1.")
        assert "EN" in nvme["bar/cc"].symbol.split()
        assert nvme["bar/csts"].symbol == "RDY"
        assert int(nvme["sq[0]/dma_addr"]) == int(nvme["bar/asq"])
        assert [int(nvme[f"sq[{n}]/sqid"]) for n in (0, 1)] == [0, 1]
        assert 512 * int(nvme["namespace/id_ns/nsze"]) == 10 * MIB


def test_the_state_of_a_tpm(tmp_path: Path) -> None:
    """What swtpm gave to QEMU: two blobs, in which libtpms' state is found."""
    binary = own(NAME)
    if shutil.which("swtpm") is None:
        lacks("no swtpm")
    folder = tmp_path / "tpm"
    folder.mkdir()
    socket = folder / "socket"
    command = [
        "swtpm",
        "socket",
        "--tpm2",
        "--tpmstate",
        f"dir={folder}",
        "--ctrl",
        f"type=unixio,path={socket}",
    ]
    path = tmp_path / "tpm.mig"
    with subprocess.Popen(command) as swtpm:
        try:
            end = time.monotonic() + PATIENCE
            while not socket.exists() and time.monotonic() < end:
                time.sleep(0.05)
            arguments = ("-M", "q35", "-m", "32", "-nic", "none", "-chardev", f"socket,id=c,path={socket}",
                         "-tpmdev", "emulator,id=t,chardev=c", "-device", "tpm-tis,tpmdev=t")  # fmt: skip
            with Qemu(binary, arguments) as qemu:
                qemu.execute("cont")
                assert ended(qemu, "HLT=1", "info registers")
                qemu.execute("stop")
                qemu.migrate(path)
        finally:
            swtpm.terminate()
    with migstream.open(path) as stream:
        blobs = stream.devices["tpm-emulator"].value
        for name, magic in (("permanent", "PERSISTENT_ALL"), ("volatil", "VOLATILE_STATE")):
            blob = blobs[f"state_blobs.{name}.buffer"]
            assert int(blob["total_size"]) == int(blobs[f"state_blobs.{name}.size"])
            assert blob["piece[0]/data/piece[0]/magic"].symbol == magic
        tis = stream.devices["tpm-tis"].value
        assert "TPM2.0" in tis["state.loc[0]/sts"].symbol.split()
        assert tis["state.buffer/code"].symbol
