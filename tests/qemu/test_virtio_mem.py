"""Guests with virtio-mem, part of it plugged in: what is unplugged is neither absent nor zero, and converts."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import migstream
from migstream.analysis.diff.compare import diff
from migstream.cli.group import cli
from migstream.edit.reencode import reencode
from migstream.edit.verify import compare
from migstream.ram.presence import SHARED
from support.arrival import arrived, knows
from support.lacking import lacks
from support.qemu import Binary, Qemu
from support.virtio_mem import Driver, plugging

pytestmark = pytest.mark.qemu

SIZE, REQUESTED = 256 << 20, 32 << 20
MACHINE = [
    "-M", "q35", "-m", "64,slots=2,maxmem=1G",
    "-object", f"memory-backend-ram,id=vm,size={SIZE}",
    "-device", f"virtio-mem-pci,id=v0,memdev=vm,requested-size={REQUESTED}",
]  # fmt: skip
BLOCK = "0000:00:01.0/vm"
MAPPED = "mapped-ram"


class Guest:
    """One that has half of what was requested plugged in, in two pieces, and has written to one of them."""

    def __init__(self, qemu: Qemu, driver: Driver) -> None:
        self.qemu = qemu
        told = qemu.execute("query-memory-devices")[0]["data"]
        self.base, self.unit = told["memaddr"], told["block-size"]
        count = REQUESTED // 4 // self.unit
        driver.plug(self.base, count)
        driver.plug(self.base + 3 * count * self.unit, count)
        driver.plug(self.base + 5 * count * self.unit, count)
        driver.unplug(self.base + 5 * count * self.unit, count)
        self.plugged = [(0, count * self.unit), (3 * count * self.unit, 4 * count * self.unit)]
        self.written = 3 * count * self.unit + 0x5000
        driver.write(self.base + self.written, b"plugged" * 100)
        self.unplugged = [
            (self.plugged[0][1], self.plugged[1][0]),
            (self.plugged[1][1], SIZE),
        ]


@contextlib.contextmanager
def plugged(binary: Binary) -> Iterator[Guest]:
    with (
        plugging(binary) as (options, connect),
        Qemu(binary, [*MACHINE, *options]) as qemu,
        contextlib.closing(Driver(connect())) as driver,
    ):
        yield Guest(qemu, driver)


def run(*words: object) -> Any:
    return CliRunner().invoke(cli, [str(word) for word in words])


@pytest.fixture
def cases(qemu: Binary, tmp_path: Path) -> tuple[Guest, list[Path]]:
    """The guest, and what this QEMU writes of it: as records, and mapped-ram where it knows that."""
    paths = [tmp_path / "linear.mig"]
    with plugged(qemu) as guest:
        guest.qemu.migrate(paths[0])
    if knows(qemu, MAPPED):
        paths.append(tmp_path / "mapped.mig")
        with plugged(qemu) as another:  # a guest that was migrated once is not to be migrated again
            another.qemu.migrate(paths[1], [MAPPED])
    return guest, paths


def test_the_three_are_told_apart(cases: tuple[Guest, list[Path]]) -> None:
    guest, paths = cases
    page = guest.written & ~0xFFF
    for path in paths:
        with migstream.open(path) as stream:
            assert stream.damage == []
            assert list(stream.unplugged[BLOCK]) == guest.unplugged
            block = stream.ram[BLOCK]
            runs = [(run.kind, run.start, run.stop) for run in block.runs()]
            first, second = guest.plugged
            assert runs == [
                ("zero", *first),
                ("unplugged", first[1], second[0]),
                ("zero", second[0], page),
                ("data", page, page + 0x1000),
                ("zero", page + 0x1000, second[1]),
                ("unplugged", second[1], SIZE),
            ]
            assert block.coverage()["absent"] == 0
            assert block.presence().complete
        table = json.loads(run("stat", path, "--json").stdout)["ram"]
        [row] = [one for one in table["blocks"] if one["name"] == BLOCK]
        there = sum(stop - start for start, stop in guest.plugged) // 4096
        assert row["pages"]["sent"] == there
        assert row["pages"]["unplugged"] == SIZE // 4096 - there
        text = run("stat", path).stdout
        assert f"{there:,} of {SIZE // 4096:,} pages".replace(",", " ") in text
        found = run("mem", path, "--text", "plugged", "-n", "64", hex(guest.base + guest.written))
        assert found.exit_code == 0
        hole = run("mem", path, "--block", BLOCK, hex(guest.unplugged[0][0]), "-n", "64", "--json")
        assert hole.exit_code == 1
        assert [gap["kind"] for gap in json.loads(hole.stdout)["missing"]] == ["unplugged"]


def test_the_device_says_which_blocks_are_plugged(cases: tuple[Guest, list[Path]]) -> None:
    guest, paths = cases
    pieces = [(start // guest.unit, stop // guest.unit - 1) for start, stop in guest.plugged]
    said = " ".join(f"{first}" if first == last else f"{first}..{last}" for first, last in pieces)
    for path in paths:
        with migstream.open(path) as stream:
            maps = [
                device[place]
                for device in stream.devices
                for place in ("bitmap", "virtio/device/bitmap")
                if "virtio-mem" in device.name and place in device
            ]
            assert [one.description for one in maps] == [f"blocks {said}"]
            assert int(stream["virtio-mem/virtio/device/requested_size"]) == REQUESTED


def test_raw_files_say_which_holes_are_no_memory(
    cases: tuple[Guest, list[Path]], tmp_path: Path
) -> None:
    guest, paths = cases
    for path in paths:
        out = tmp_path / f"{path.stem}.raw"
        done = run("extract", path, "-f", "raw", "-o", out, "--json")
        assert done.exit_code == 0, done.stderr
        table = json.loads(done.stdout)
        [entry] = table["missing"]
        assert (entry["block"], entry["kind"]) == (BLOCK, "unplugged")
        assert [tuple(piece) for piece in entry["ranges"]] == guest.unplugged
        [row] = [one for one in table["files"] if one["block"] == BLOCK]
        assert [(one["at"], one["at"] + one["size"]) for one in row["missing"]] == guest.unplugged
        assert row["coverage"]["absent"] == 0


def test_it_converts_and_arrives(
    qemu: Binary, cases: tuple[Guest, list[Path]], tmp_path: Path
) -> None:
    """What is converted loads; plugged memory is the same, and QEMU saves from it what it saved before."""
    guest, paths = cases
    bit = {"linear": [], "mapped": [MAPPED]}
    for source in paths:
        for form in ("linear", "mapped")[: len(paths)]:
            made = tmp_path / f"{source.stem}-{form}"
            with migstream.open(source) as stream, made.open("w+b") as file:
                reencode(stream, file.fileno(), ram=form)
                compare(stream, file.fileno())
            with migstream.open(source) as one, migstream.open(made) as two:
                assert not diff(one, two, parts=["memory", "values"], ignore=["capability/*"])
            again = tmp_path / f"{made.name}-again"
            with arrived(qemu, MACHINE, made, bit[form]) as other:
                told = other.execute("query-memory-devices")[0]["data"]
                assert told["size"] == sum(stop - start for start, stop in guest.plugged)
                if form == "mapped":
                    off = [{"capability": MAPPED, "state": False}]
                    other.execute("migrate-set-capabilities", {"capabilities": off})
                other.migrate(again)
            with migstream.open(paths[0]) as one, migstream.open(again) as two:
                assert not diff(one, two, parts=["memory"])
                assert two.ram[BLOCK][guest.written :][:7] == b"plugged"


def test_mapped_ram_without_shared_memory(qemu: Binary, tmp_path: Path) -> None:
    """Capabilities mapped-ram and x-ignore-shared: the block is listed, without bitmap and pages."""
    if tuple(map(int, qemu.version.split(".")[:2])) < (11, 0):
        lacks("this QEMU does not write what it could load")
    path = tmp_path / "ignored.mig"
    with tempfile.NamedTemporaryFile(dir=(qemu.root or Path("/")) / "tmp") as backing:
        backing.truncate(32 << 20)
        seen = f"/{Path(backing.name).relative_to(qemu.root or '/')}"
        backend = f"memory-backend-file,id=m,size=32M,share=on,mem-path={seen}"
        machine = ["-M", "pc,memory-backend=m", "-m", "32", "-object", backend]
        with Qemu(qemu, machine) as guest:
            guest.migrate(path, [MAPPED, "x-ignore-shared"])
        with migstream.open(path) as stream:
            assert stream.damage == []
            assert stream.ram["m"].elsewhere == SHARED
            assert stream.ram["m"].presence().absent == (32 << 20) // 4096
            others = [block for name, block in stream.ram.items() if name != "m"]
            assert all(block.presence().complete for block in others)
        assert "x-ignore-shared" in run("info", path).stdout
        out = tmp_path / "raw"
        assert run("extract", path, "-f", "raw", "-o", out).exit_code == 1
        linear = tmp_path / "linear.mig"
        done = run("convert", path, "--ram", "linear", "-o", linear)
        assert done.exit_code == 0, done.stderr
        with arrived(qemu, machine, linear, ["x-ignore-shared"]):
            pass
