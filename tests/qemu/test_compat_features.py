"""virtio features that a guest took and a destination does not offer: verdict, device, bits and words are QEMU's."""

from __future__ import annotations

import json
import re
import shlex
import time
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from migstream.analysis.compat.destination import Destination
from migstream.analysis.compat.features import acked
from migstream.analysis.compat.load import compat
from migstream.analysis.compat.offered import Offered
from migstream.cli.group import cli
from migstream.edit.change import Edit
from migstream.qemu.load import Verdict, load
from migstream.stream import Stream, open_stream
from support.lacking import lacks
from support.qemu import Binary, Qemu, find

pytestmark = pytest.mark.qemu

NAME = "qemu-system-x86_64"
BINARIES = find(NAME)
BOOT = 4.0  # seconds until the firmware has tried disk and network
BARE = ["-nodefaults"]
# Of what a device offers a guest takes all but the bit that says a guest is wrong, and one that
# virtio-net's state has a field for, which a stream of a guest without it does not have.
TAKEN = ~(1 << 30 | 1 << 2)


class Change(NamedTuple):
    """Arguments with a hole for what differs, and the bits that are missed; none where it loads."""

    shared: str
    ours: str
    theirs: str
    device: str
    missing: tuple[str, ...]
    told: bool = False  # whether the destination's own stream is enough
    binary: str = NAME

    @property
    def sides(self) -> list[list[str]]:
        return [[*BARE, *self.shared.format(more).split()] for more in (self.ours, self.theirs)]


NET = "-M pc -m 32 -netdev user,id=n,restrict=on -device virtio-net-pci,netdev=n,mac=52:54:00:00:00:01{}"
NET_ALONE = NET.replace("{}", ",romfile={}")
BLK = "-M pc -m 32 -drive if=none,id=d,file=null-co://,format=raw -device virtio-blk-pci,drive=d{}"
LARGE = BLK.replace(
    "{}", ",queue-size=1024{}"
)  # what 10.0 sends before a guest chose, and 11.1 checks
SCSI = "-M q35 -m 32 -device virtio-rng-pci -device virtio-scsi-pci{}"
MMIO = "-m 32 -drive if=none,id=d,file=null-co://,format=raw -device virtio-blk-device,drive=d{}"
MICROVM = "-M microvm,x-option-roms=off -global virtio-mmio.force-legacy={} " + MMIO
CCW = "-M s390-ccw-virtio -m 32 -drive if=none,id=d,file=null-co://,format=raw -device virtio-blk-ccw,drive=d{}"
EVENT, INDIRECT = "RING_EVENT_IDX", "RING_INDIRECT_DESC"

CHANGES = {
    "buffers": Change(NET_ALONE, "", ",mrg_rxbuf=off", "virtio-net", ("MRG_RXBUF",)),
    "no-control": Change(
        NET_ALONE, "", ",ctrl_vq=off,ctrl_rx=off", "virtio-net", ("CTRL_VQ", "CTRL_RX")
    ),
    "mtu": Change(NET_ALONE, ",host_mtu=1400", "", "virtio-net", ("MTU",), told=True),
    "speed": Change(
        NET_ALONE, ",speed=10000,duplex=full", "", "virtio-net", ("SPEED_DUPLEX",), told=True
    ),
    "event": Change(BLK, "", ",event_idx=off", "virtio-blk", (EVENT,)),
    "indirect": Change(BLK, "", ",indirect_desc=off", "virtio-blk", (INDIRECT,)),
    "packed": Change(BLK, ",packed=on", "", "virtio-blk", ("RING_PACKED",)),
    "more-is-offered": Change(BLK, ",event_idx=off", ",packed=on", "virtio-blk", ()),
    "discard": Change(
        BLK,
        "",
        ",discard=off,write-zeroes=off",
        "virtio-blk",
        ("DISCARD", "WRITE_ZEROES"),
        told=True,
    ),
    "legacy": Change(
        BLK, ",disable-modern=on", ",disable-modern=on,event_idx=off", "virtio-blk", (EVENT,)
    ),
    "scsi": Change(SCSI, "", ",hotplug=off,event_idx=off", "virtio-scsi", ("HOTPLUG", EVENT)),
    "mmio": Change("-M virt " + MMIO, "", ",event_idx=off", "virtio-blk", (EVENT,), binary="qemu-system-aarch64"),
    "ccw": Change(CCW, "", ",event_idx=off", "virtio-blk", (EVENT,), binary="qemu-system-s390x"),
}  # fmt: skip


def _save(binary: Binary, arguments: list[str], path: Path, seconds: float = 0) -> None:
    with Qemu(binary, arguments) as guest:
        if seconds:
            guest.execute("cont")
            time.sleep(seconds)
            guest.execute("stop")
        guest.migrate(path)


def _take(path: Path, offered: Offered, mask: int = TAKEN) -> None:
    """Give the guest's devices all features that they offer, as far as `mask` has them."""
    with open_stream(path) as stream:
        edit = Edit(stream)
        for device in stream.devices:
            for wide in (False, True):
                found = acked(device, wide=wide)
                if found is not None:
                    size = found.field.span.size
                    bits = offered[device.section.key] & mask & ((1 << 8 * size) - 1)
                    edit.put(found.field, bits.to_bytes(size, "big"), "features")
        with path.with_suffix(".new").open("wb") as out:
            edit.write(out.fileno())
    path.with_suffix(".new").rename(path)


def _destination(binary: Binary, other: Stream, offered: Offered | None) -> Destination:
    release = tuple(int(part) for part in binary.version.split(".")[:2])
    return Destination(None, other, release, features=offered)


def _agree(binary: Binary, theirs: list[str], change: Change, folder: Path) -> None:
    """Hold the prediction for the stream `ours` against what QEMU does."""
    verdict = load(binary.command, theirs, folder / "ours")
    assert verdict.accepted is not bool(change.missing), verdict.said
    offered = Offered(binary.command, theirs, folder / "theirs")
    for asked in (offered, None):
        with open_stream(folder / "ours") as stream, open_stream(folder / "theirs") as other:
            report = compat(stream, _destination(binary, other, asked))
        if asked is None and not change.told:
            assert report.accepted
            continue
        assert report.accepted is verdict.accepted
        assert not any(one.lost for one in report.verdicts)
        unknown = [
            note for one in report.verdicts for note in one.notes if "is not known" in note.message
        ]
        assert not (asked and unknown)
        for problem in report.problems:
            assert problem.kind == "features"
            assert change.device in problem.device
            assert f"uses {', '.join(change.missing)}, which" in problem.message
            assert problem.path.endswith("/guest_features")
            _same_words(problem.said, verdict)


def _same_words(said: tuple[str, ...], verdict: Verdict) -> None:
    """… stands for what a stream does not tell."""
    real = [re.sub(r"^qemu-system-\w+: ", "", line) for line in verdict.said.splitlines()]
    assert [line.partition("…")[0] for line in said] == [
        line[: len(ours.partition("…")[0])] if "…" in ours else line
        for ours, line in zip(said, real, strict=True)
    ]


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("binary", BINARIES, ids=str)
def test_agrees(binary: Binary, name: str, tmp_path: Path) -> None:
    change = CHANGES[name]
    if change.binary != NAME:
        same = [b for b in find(change.binary) if b.root == binary.root]
        if not same:
            lacks(f"no {change.binary} beside {binary}")
        binary = same[0]
    ours, theirs = change.sides
    _save(binary, ours, tmp_path / "ours")
    _save(binary, theirs, tmp_path / "theirs")
    _take(tmp_path / "ours", Offered(binary.command, ours, tmp_path / "ours"))
    _agree(binary, theirs, change, tmp_path)
    _save(binary, ours, tmp_path / "theirs")
    _agree(binary, ours, change._replace(missing=(), told=False), tmp_path)


RUN = {
    "mtu": Change(NET, ",host_mtu=1400", "", "virtio-net", ("MTU",), told=True),
    "platform": Change(
        BLK, ",disable-legacy=on,iommu_platform=on", ",disable-legacy=on", "virtio-blk",
        ("ACCESS_PLATFORM",),
    ),
    "nothing": Change(BLK, "", "", "virtio-blk", ()),
    "not-taken": Change(BLK, "", ",event_idx=off,discard=off", "virtio-blk", ()),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", RUN)
@pytest.mark.parametrize("binary", BINARIES, ids=str)
def test_what_firmware_took(binary: Binary, name: str, tmp_path: Path) -> None:
    change = RUN[name]
    ours, theirs = change.sides
    _save(binary, ours, tmp_path / "ours", BOOT)
    with open_stream(tmp_path / "ours") as stream:
        taken = [f.bits for d in stream.devices if (f := acked(d, wide=True)) is not None]
    if not any(taken):
        lacks("this firmware does not drive the device")
    _save(binary, theirs, tmp_path / "theirs")
    _agree(binary, theirs, change, tmp_path)


@pytest.mark.parametrize("binary", BINARIES, ids=str)
def test_high_bits_are_lost(binary: Binary, tmp_path: Path) -> None:
    """A device without any bit above 31 drops those of the guest, and QEMU up to 10.1 says nothing."""
    reset = "" if binary.version.startswith("5.") else ",queue_reset=off"
    ours, theirs = ([*BARE, *MICROVM.format(legacy, reset).split()] for legacy in ("off", "on"))
    for arguments, file in ((ours, "ours"), (theirs, "theirs")):
        _save(binary, arguments, tmp_path / file)
    without_layout = TAKEN & ~(1 << 27)  # which a legacy virtio-mmio does not offer
    _take(tmp_path / "ours", Offered(binary.command, ours, tmp_path / "ours"), without_layout)
    if int(binary.version.partition(".")[0]) > 10:
        refused = Change("", "", "", "virtio-blk", ("VERSION_1",), told=True)
        _agree(binary, theirs, refused, tmp_path)
        return
    assert load(binary.command, theirs, tmp_path / "ours").accepted
    offered = Offered(binary.command, theirs, tmp_path / "theirs")
    assert len(offered) == 1
    with open_stream(tmp_path / "ours") as stream, open_stream(tmp_path / "theirs") as other:
        report = compat(stream, _destination(binary, other, offered))
    assert report.accepted
    (lost,) = [note for one in report.verdicts for note in one.lost]
    assert lost.message.endswith("uses VERSION_1")


@pytest.mark.parametrize("pair", [*pairwise(BINARIES), *pairwise(BINARIES[::-1])], ids=str)
def test_another_release(pair: tuple[Binary, Binary], tmp_path: Path) -> None:
    """What one release offers the other has for the same machine type, or says that it has not."""
    source, destination = pair
    older = min(tuple(map(int, b.version.split(".")[:2])) for b in pair)
    machine = f"pc-i440fx-{older[0]}.{older[1]}"
    for more, missing in (("", ()), (",event_idx=off", (EVENT,))):
        change = Change(LARGE.replace("-M pc", f"-M {machine}"), "", more, "virtio-blk", missing)
        ours, theirs = change.sides
        _save(source, ours, tmp_path / "ours")
        _take(tmp_path / "ours", Offered(source.command, ours, tmp_path / "ours"))
        _save(destination, theirs, tmp_path / "theirs")
        _agree(destination, theirs, change, tmp_path)


@pytest.mark.parametrize("binary", [b for b in BINARIES if b.root is None], ids=str)
def test_the_command_asks(binary: Binary, tmp_path: Path) -> None:
    change = CHANGES["event"]
    ours, theirs = change.sides
    _save(binary, ours, tmp_path / "ours")
    _take(tmp_path / "ours", Offered(binary.command, ours, tmp_path / "ours"))
    command = ["compat", str(tmp_path / "ours"), "--to-qemu", shlex.join(binary.command)]
    run = CliRunner().invoke(cli, [*command, "--try", "--json", "--", *theirs])
    assert run.exit_code == 1, run.output
    table = json.loads(run.output)
    (problem,) = table["problems"]
    assert problem["kind"] == "features"
    assert table["tried"]["said"] == [f"{NAME}: {line}" for line in problem["said"]]
    run = CliRunner().invoke(cli, [*command, "--json", "--", *ours])
    assert run.exit_code == 0, run.output


def test_a_device_without_features_is_not_asked(tmp_path: Path) -> None:
    """A mapping that has nothing to ask about starts no QEMU."""
    binary = BINARIES[0]
    _save(binary, ["-M", "pc", "-m", "16"], tmp_path / "own")
    assert not Offered(["/no/such/qemu"], [], tmp_path / "own")


def test_one_that_does_not_say_is_noted(tmp_path: Path) -> None:
    change, binary = CHANGES["event"], BINARIES[0]
    _, theirs = change.sides
    _save(binary, theirs, tmp_path / "own")
    _take(tmp_path / "own", Offered(binary.command, theirs, tmp_path / "own"))
    silent = Offered(["/no/such/qemu"], theirs, tmp_path / "own")
    with open_stream(tmp_path / "own") as stream:
        report = compat(stream, _destination(binary, stream, silent))
    assert report.accepted
    (note,) = [note for one in report.verdicts for note in one.notes]
    assert INDIRECT in note.message
