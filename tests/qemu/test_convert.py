"""Converted streams, loaded by real QEMUs: the memory is the source's, and the guest runs on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

import migstream
from migstream.edit.reencode import reencode
from migstream.edit.verify import compare
from support import samples
from support.arrival import arrived, knows
from support.lacking import lacks
from support.qemu import Binary, Qemu, find, load
from support.recorder import (
    FIRST,
    LAST,
    UNHURRIED,
    boot_disk,
    converge,
    memory,
    record_multifd,
    started,
)
from support.samples import Packed, Sample

pytestmark = pytest.mark.qemu

PC = ["-M", "pc", "-m", "48"]
TOP = 48 << 20


def converted(
    source: Path, ram: str, channels: Sequence[Path] = (), *, description: bool = True
) -> Path:
    target = source.with_suffix(f".{ram}")
    with migstream.open(source, channels=channels) as stream, target.open("w+b") as file:
        reencode(stream, file.fileno(), ram=ram, description=description)
        compare(stream, file.fileno())
    return target


def runs_on(
    binary: Binary,
    arguments: Sequence[str],
    path: Path,
    truth: tuple[bytes, bytes],
    capabilities: Sequence[str] = (),
) -> None:
    """Load it: its memory is `truth`; then let it run: it goes on with writing."""
    with arrived(binary, arguments, path, capabilities) as guest:
        assert guest_memory(guest) == truth
        guest.execute("cont")
        started(guest)
        assert memory(guest, FIRST, LAST - FIRST) != truth[1][: LAST - FIRST]


def guest_memory(guest: Qemu) -> tuple[bytes, bytes]:
    """What is RAM without doubt: below the VGA window, and from 1 MiB on."""
    return memory(guest, 0, 0xA0000), memory(guest, FIRST, TOP - FIRST)


@pytest.fixture
def mapping(qemu: Binary) -> Binary:
    """Every QEMU that knows mapped-ram."""
    if not knows(qemu, "mapped-ram"):
        lacks("this QEMU has no mapped-ram")
    return qemu


@contextlib.contextmanager
def busy(binary: Binary) -> Iterator[tuple[Qemu, list[str]]]:
    """A guest that writes to its memory, and the arguments of another one like it."""
    with boot_disk(binary) as drive, Qemu(binary, [*PC, *drive]) as guest:
        guest.execute("cont")
        started(guest)
        yield guest, [*PC, *drive]


@pytest.mark.parametrize("capabilities", [["xbzrle"], []], ids=["xbzrle", "plain"])
def test_flattened_rounds(qemu: Binary, tmp_path: Path, capabilities: list[str]) -> None:
    path = tmp_path / "live.mig"
    with busy(qemu) as (guest, arguments):
        guest.set_parameters(**UNHURRIED)
        target = guest.start_migration(capabilities)
        converge(guest)
        guest.finish_migration()
        path.write_bytes(target.read_bytes())
        truth = guest_memory(guest)
        with migstream.open(path) as stream:
            assert stream.ram.round_count >= 3
            deltas = sum(entry.tally.xbzrle for entry in stream.ram.blocks)
            assert (deltas > 0) == bool(capabilities)
        runs_on(qemu, arguments, converted(path, "linear"), truth)


def test_linear_to_mapped_and_back(mapping: Binary, tmp_path: Path) -> None:
    path = tmp_path / "linear.mig"
    with busy(mapping) as (guest, arguments):
        guest.execute("stop")
        truth = guest_memory(guest)
        guest.migrate(path)
        mapped = converted(path, "mapped")
        runs_on(mapping, arguments, mapped, truth, ["mapped-ram"])
        runs_on(mapping, arguments, mapped, truth, ["mapped-ram", "multifd"])
        runs_on(mapping, arguments, converted(mapped, "linear"), truth)


def test_mapped_to_linear(mapping: Binary, tmp_path: Path) -> None:
    path = tmp_path / "mapped.mig"
    with busy(mapping) as (guest, arguments):
        guest.execute("stop")
        truth = guest_memory(guest)
        guest.migrate(path, ["mapped-ram"])
        runs_on(mapping, arguments, converted(path, "linear"), truth)


def test_mapped_ram_is_laid_out_like_qemus_own(mapping: Binary, tmp_path: Path) -> None:
    """The same guest, written by QEMU as mapped-ram, and as pages that were converted."""
    own, ours = tmp_path / "own.mig", tmp_path / "ours.mig"
    with busy(mapping) as (guest, arguments):
        guest.execute("stop")
        guest.migrate(own, ["mapped-ram"])
        with arrived(mapping, arguments, own, ["mapped-ram"]) as other:
            off = [{"capability": "mapped-ram", "state": False}]
            other.execute("migrate-set-capabilities", {"capabilities": off})
            other.migrate(ours)
    with migstream.open(own) as one, migstream.open(converted(ours, "mapped")) as two:
        assert one.configuration == two.configuration
        assert one.blocks == two.blocks
        for block in one.blocks:
            assert block.mapped is not None
            for span in (block.mapped.header, block.mapped.bitmap):
                assert one.store.view(*span) == two.store.view(*span)
        assert one.description is not None
        assert two.description is not None
        assert one.description.configuration == two.description.configuration


def test_multifd_to_linear(qemu: Binary, tmp_path: Path) -> None:
    with boot_disk(qemu) as drive, Qemu(qemu, [*PC, *drive]) as guest:
        guest.set_parameters(**UNHURRIED)
        guest.execute("cont")
        started(guest)
        main, channels = record_multifd(guest, tmp_path, compression="zlib", during=converge)
        truth = guest_memory(guest)
        runs_on(qemu, [*PC, *drive], converted(main, "linear", channels), truth)


def test_a_background_snapshot(qemu: Binary, tmp_path: Path) -> None:
    path = tmp_path / "background.mig"
    if not knows(qemu, "background-snapshot"):
        lacks("this QEMU has no background-snapshot")
    with busy(qemu) as (guest, arguments):
        guest.execute("stop")
        truth = guest_memory(guest)
        guest.migrate(path, ["background-snapshot"])
        runs_on(qemu, arguments, converted(path, "linear"), truth)


OWN = {p.name: p for p in samples.own_streams() if "dirty.img" not in p.meta["arguments"]}
FOOTERLESS = "pc-2.3-7.2.mig"
NEEDS_THE_SAME = ("x-ignore-shared", "validate-uuid", "dirty-bitmaps")


@pytest.mark.parametrize("packed", OWN.values(), ids=OWN)
def test_every_machine(packed: Packed, unpack: Callable[[Packed], Sample], tmp_path: Path) -> None:
    """Streams of other architectures, with other sections: without rounds, without description."""
    binaries = [b for b in find(packed.meta["binary"]) if b.version == packed.meta["qemu"]]
    if not binaries:
        lacks("its QEMU is not here")
    source = tmp_path / packed.name
    source.write_bytes(unpack(packed).read())
    arguments = packed.meta["arguments"].split()[4:]  # without what the helper gives to each
    needed = [c for c in packed.meta["capabilities"] if c in NEEDS_THE_SAME]
    made = converted(source, "linear", description=packed.name == FOOTERLESS)
    verdict = load(binaries[0], arguments, made, needed)
    assert verdict.accepted, verdict.said
