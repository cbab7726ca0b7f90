"""Guest memory of streams made now, against what the same QEMU dumps of the same guest."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import IO

import pytest
from click.testing import CliRunner

import migstream
from migstream.cli.group import cli
from migstream.errors import QemuError
from migstream.stream import Stream
from support.core import CHUNK, chunks, segments
from support.lacking import lacks
from support.qemu import Binary, Qemu, find
from support.recorder import UNHURRIED, boot_disk, converge, record_multifd, started

pytestmark = pytest.mark.qemu

PC = ["-M", "pc", "-m", "48"]
MARKS = (0x100000, 0x7FFFFFF8, 0x9FFF0000, 0x100000000, 0x13FFF0000)


def compare(guest: Qemu, stream: Stream) -> list[tuple[int, int]]:
    """Let QEMU dump into a pipe and hold each byte against ours; the ranges."""
    pipe = guest._folder / "dump"
    os.mkfifo(pipe)
    refused: list[Exception] = []

    def dump() -> None:
        try:
            guest.execute(
                "dump-guest-memory", {"paging": False, "protocol": f"file:{guest._seen(pipe)}"}
            )
        except QemuError as error:
            refused.append(error)

    writer = threading.Thread(target=dump)
    writer.start()
    with pipe.open("rb") as file:
        ranges = hold(file, stream)
        while file.read(CHUNK):  # what follows the memory
            pass
    writer.join()
    pipe.unlink()
    assert not refused
    return ranges


def hold(file: IO[bytes], stream: Stream) -> list[tuple[int, int]]:
    """Hold each byte of a core against ours; the ranges."""
    ranges = []
    for address, size in segments(file):
        ranges.append((address, size))
        at = address
        for piece in chunks(file, size):
            ours = stream.memory.read(at, len(piece))
            assert ours == piece, f"memory differs in {at:#x}+{len(piece):#x}"
            at += len(piece)
    assert ranges == [(r.start, r.size) for r in stream.memory.ranges]
    return ranges


def extracted(path: Path, channels: list[Path], tmp_path: Path) -> None:
    """Hold the core that the command writes against the memory that the library gives."""
    core = tmp_path / "core"
    options = [word for channel in channels for word in ("--channel", str(channel))]
    done = CliRunner().invoke(cli, ["extract", str(path), "-o", str(core), *options])
    assert (done.exit_code, done.stderr) == (0, "")
    with core.open("rb") as file, migstream.open(path, channels=channels) as stream:
        hold(file, stream)


def supports(guest: Qemu, capability: str) -> None:
    known = guest.execute("query-migrate-capabilities")
    if capability not in {one["capability"] for one in known}:
        lacks(f"this QEMU has no {capability}")


@pytest.mark.parametrize("capabilities", [[], ["xbzrle"]], ids=["plain", "xbzrle"])
def test_live(qemu: Binary, tmp_path: Path, capabilities: list[str]) -> None:
    """Several rounds while the guest writes; pages are sent again, as deltas too."""
    path = tmp_path / "live.mig"
    with boot_disk(qemu) as drive, Qemu(qemu, [*PC, *drive]) as guest:
        guest.set_parameters(**UNHURRIED)
        guest.execute("cont")
        started(guest)
        target = guest.start_migration(capabilities)
        converge(guest)
        guest.finish_migration()
        path.write_bytes(target.read_bytes())
        with migstream.open(path) as stream:
            compare(guest, stream)
            assert stream.damage == []
            assert stream.ram.round_count >= 3
            if capabilities:
                assert sum(entry.tally.xbzrle for entry in stream.ram.blocks)
                versions = stream.history("pc.ram", 0x200000)
                assert versions[-1].data == stream.ram["pc.ram"][0x200000:0x201000]
                assert len(versions) >= 2
        extracted(path, [], tmp_path)


def test_background_snapshot(qemu: Binary, tmp_path: Path) -> None:
    path = tmp_path / "background.mig"
    with boot_disk(qemu) as drive, Qemu(qemu, [*PC, *drive]) as guest:
        supports(guest, "background-snapshot")
        guest.execute("cont")
        started(guest)
        guest.execute("stop")
        # the truth first: at its end a background snapshot starts the guest, whatever it was before
        core = guest._folder / "core"
        guest.execute(
            "dump-guest-memory", {"paging": False, "protocol": f"file:{guest._seen(core)}"}
        )
        guest.migrate(path, ["background-snapshot"])
        with migstream.open(path) as stream, core.open("rb") as file:
            hold(file, stream)
            assert stream.damage == []


@pytest.mark.parametrize("compression", ["none", "zlib", "zstd"])
def test_multifd(qemu: Binary, tmp_path: Path, compression: str) -> None:
    with boot_disk(qemu) as drive, Qemu(qemu, [*PC, *drive]) as guest:
        schema = guest.execute("query-qmp-schema")
        if not any(
            "zlib" in one.get("values", ()) and compression in one["values"] for one in schema
        ):
            lacks(f"this QEMU has no {compression}")
        guest.execute("cont")
        started(guest)
        guest.execute("stop")
        main, channels = record_multifd(guest, tmp_path, compression=compression)
        with migstream.open(main, channels=channels[::-1]) as stream:
            compare(guest, stream)
            assert stream.damage == []
        extracted(main, channels, tmp_path)


def test_mapped_ram(qemu: Binary, tmp_path: Path) -> None:
    path = tmp_path / "mapped.mig"
    with boot_disk(qemu) as drive, Qemu(qemu, [*PC, *drive]) as guest:
        supports(guest, "mapped-ram")
        guest.execute("cont")
        started(guest)
        guest.execute("stop")
        guest.set_capabilities(["multifd"])
        guest.migrate(path, ["mapped-ram"])
        with migstream.open(path) as stream:
            compare(guest, stream)


def marked(machine: str) -> list[str]:
    """Five gigabytes, eight bytes of it written here and there."""
    marks = [f"loader,addr={at:#x},data={at | 1:#x},data-len=8" for at in MARKS]
    return ["-M", machine, "-m", "5G", *(word for mark in marks for word in ("-device", mark))]


@pytest.mark.slow
@pytest.mark.parametrize("machine", ["pc", "q35"])
def test_five_gigabytes(machine: str, tmp_path: Path) -> None:
    """More than fits below 4 GiB: memory is split, and where depends on the machine."""
    path = tmp_path / "large.mig"
    with Qemu(find("qemu-system-x86_64")[0], marked(machine)) as guest:
        guest.execute("cont")
        time.sleep(1)
        guest.execute("stop")
        guest.migrate(path)
        with migstream.open(path) as stream:
            ranges = compare(guest, stream)
            assert any(start == 1 << 32 for start, _ in ranges)
            found = [stream.memory[at : at + 8] for at in MARKS if stream.memory.find(at)]
            assert sum(any(mark) for mark in found) >= 3


def test_two_nodes(qemu: Binary, tmp_path: Path) -> None:
    path = tmp_path / "numa.mig"
    nodes = [
        *("-object", "memory-backend-ram,id=one,size=24M"),
        *("-object", "memory-backend-ram,id=two,size=40M"),
        *("-numa", "node,memdev=one", "-numa", "node,memdev=two"),
    ]
    with (
        boot_disk(qemu) as drive,
        Qemu(qemu, ["-M", "q35", "-m", "64", *nodes, *drive]) as guest,
    ):
        guest.execute("cont")
        started(guest)
        guest.execute("stop")
        guest.migrate(path)
        with migstream.open(path) as stream:
            compare(guest, stream)


def test_a_plugged_dimm(qemu: Binary, tmp_path: Path) -> None:
    path = tmp_path / "dimm.mig"
    with Qemu(qemu, ["-M", "pc", "-m", "64M,slots=2,maxmem=1G"]) as guest:
        guest.execute("cont")
        time.sleep(0.5)
        guest.execute(
            "object-add", {"qom-type": "memory-backend-ram", "id": "m1", "size": 128 << 20}
        )
        guest.execute("device_add", {"driver": "pc-dimm", "id": "d1", "memdev": "m1"})
        guest.execute("stop")
        guest.migrate(path)
        with migstream.open(path) as stream:
            ranges = compare(guest, stream)
            assert any(size == 128 << 20 for _, size in ranges)
