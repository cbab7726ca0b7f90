"""Streams in what is larger than they are: where they begin and end, and what it costs to know."""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

import migstream
from bench.streams import build as large_stream
from bench.streams import device_part
from migstream.analysis.find import AHEAD, FLOOR, WORK, Found, find
from migstream.errors import SourceError
from migstream.source.store import File, Whole
from support import build
from support.examine import bounded
from support.failing import failing_at
from support.samples import Sample
from support.verbs import alone, ours

Named = Callable[[str], Sample]

JUNK = Random(1).randbytes(100_001)  # noqa: S311 - no secret
HEADER = build.HEADER + build.configuration("pc-i440fx-7.2")


def found(*parts: bytes, everything: bool = False) -> list[Found]:
    return list(find(Whole(b"".join(parts)), everything=everything))


def brief(every: list[Found]) -> list[tuple[int, int | None, str | None]]:
    return [(one.offset, one.size, one.state) for one in every]


# --- whole ones ------------------------------------------------------------------------------------


def test_a_stream_is_found_where_it_lies_with_all_that_is_in_it(sample: Sample) -> None:
    if sample.path.stat().st_size > 64 << 20:
        pytest.skip("held in memory twice")
    raw = sample.read()
    with migstream.open(sample.path) as stream:
        devices, machine = len(stream.devices), stream.machine
    for after in (JUNK, bytes(5000), b""):
        (one,) = found(JUNK, raw, after)
        assert (one.offset, one.size, one.state) == (len(JUNK), len(raw), "whole"), one
        assert (one.machine, one.devices) == (machine, devices)


def test_streams_that_follow_each_other_are_found_each(named_sample: Named) -> None:
    raw = [named_sample(f"{name}-7.2.mig").read() for name in ("pc", "none", "pc-novmdesc", "pc")]
    at = [sum(map(len, raw[:n])) for n in range(4)]
    assert brief(found(*raw)) == [(at[n], len(raw[n]), "whole") for n in range(4)]


def test_a_stream_inside_of_a_whole_one_is_found_only_with_all(named_sample: Named) -> None:
    """In a page of its memory: larger ones have the headers of pages between their own."""
    inner = named_sample("none-7.2.mig").read()
    page = build.be64(0x08) + build.counted("pc.ram") + inner.ljust(4096, b"x")
    memory = build.ram_start(build.ram_block("pc.ram", 4096), 4096) + build.ram_part(page)
    outer = HEADER + memory + build.full(3, "one", b"x") + build.END
    first = [(len(JUNK), len(outer), "whole")]
    assert brief(found(JUNK, outer, JUNK)) == first
    every = found(JUNK, outer, JUNK, everything=True)
    at = len(JUNK) + outer.index(inner)
    assert brief(every) == [*first, (at, len(inner), "whole")]
    assert [one.within for one in every] == [None, len(JUNK)]


# --- broken ones -----------------------------------------------------------------------------------


def test_a_broken_stream_is_found_and_hides_no_other(
    broken_sample: Sample, named_sample: Named
) -> None:
    """Whatever is wrong with it, if it begins as one: `info` says what, and so do we, or that it goes on too long."""
    raw, other = broken_sample.read(), named_sample("none-7.2.mig").read()
    if len(raw) > 64 << 20:
        pytest.skip("held in memory twice")
    every = found(JUNK, raw, JUNK, other)
    assert brief(every)[-1] == (2 * len(JUNK) + len(raw), len(other), "whole")


def test_one_that_is_cut_off_ends_with_the_source(named_sample: Named) -> None:
    raw = named_sample("pc-7.2.mig").read()
    for size in (2000, 200_000, 260_000, len(raw) - 1):
        (one,) = found(JUNK, raw[:size])
        assert (one.offset, one.size, one.state) == (len(JUNK), size, "cut")
        assert one.machine == "pc-i440fx-7.2"
        assert one.damage


def test_one_that_is_damaged_reaches_to_its_description(named_sample: Named) -> None:
    raw = bytearray(named_sample("pc-7.2.mig").read())
    raw[1000:1020] = bytes(20)
    other = named_sample("q35-7.2.mig").read()
    one, two = found(JUNK, bytes(raw), JUNK, other)
    assert (one.size, one.state, one.devices) == (len(raw), "damaged", 30)
    assert one.damage is not None
    assert one.damage.startswith("0x3e8 ram[0]: ")
    assert (two.offset, two.state) == (2 * len(JUNK) + len(raw), "whole")


def test_the_description_of_another_stream_is_not_its_end(named_sample: Named) -> None:
    raw, other = named_sample("pc-7.2.mig").read()[:200_000], named_sample("q35-7.2.mig").read()
    one, two = found(raw, other)
    assert (one.size, one.state) == (len(raw), "damaged")
    assert (two.offset, two.size, two.state) == (len(raw), len(other), "whole")


def test_one_of_which_a_piece_lies_elsewhere_is_damaged_there(named_sample: Named) -> None:
    """As in a file system that had no room in one place."""
    raw = named_sample("pc-7.2.mig").read()
    (one,) = found(JUNK, raw[: 40 * 4096], JUNK, raw[40 * 4096 :])
    assert (one.state, one.size) == ("damaged", len(raw) + len(JUNK))


@pytest.mark.parametrize(
    "data",
    [
        b"QEVM" * 100,
        build.HEADER * 100,
        build.HEADER + bytes(100),
        build.HEADER + build.configuration("") + build.END,
        build.HEADER + build.configuration("\x1b[31m") + build.full(1, "one", b""),
        build.HEADER + build.configuration() + b"\x04\xff" + JUNK,
        build.HEADER + build.configuration() + b"\x55" + JUNK,
        b"QEVM\0\0\0\2" + build.configuration() + build.full(1, "one", b"") + build.END,
    ],
    ids=range(8),
)
def test_a_magic_number_alone_is_no_stream(data: bytes) -> None:
    assert found(JUNK, data, JUNK) == []


# --- work ------------------------------------------------------------------------------------------


class Counted(Whole):
    """Counts what is read."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.read = 0

    def view(self, start: int, stop: int) -> memoryview:
        piece = super().view(start, stop)
        self.read += len(piece)
        return piece


FALSE = {
    "a bare header": build.HEADER,
    "a configuration": build.HEADER + build.configuration(),
    "memory": HEADER + build.section_start(1, 1, "ram", 0, 4) + bytes(64),
    "a device without end": HEADER + build.section_start(4, 1, "nobody", 0, 1),
    "a device that ends with the next one's": HEADER + build.full(1, "nobody", b"~\0~\0"),
    "a package": HEADER + build.command(7, struct.pack(">I", 1 << 31)),
    "a description without end": HEADER + build.full(1, "one", b"") + b"\0\x06\x7f\xff\xff\xff{",
    "a qcow2 image": b"QFI\xfb\0\0\0\3" + bytes(12) + struct.pack(">I", 16) + bytes(36)
    + struct.pack(">IQ", 60000, 0) + bytes(440),
    "libvirt's": (b"LibvirtQemudSave" + struct.pack("<5I", 2, 300, 0, 0, 0) + bytes(56) + b"<domain").ljust(512),
}  # fmt: skip


@pytest.mark.parametrize("name", FALSE)
def test_a_flood_of_beginnings_costs_a_few_times_what_is_there(name: str) -> None:
    one = FALSE[name]
    store = Counted(one * (2_000_000 // len(one)))
    count = 0
    with bounded(60.0, 512):
        for _ in find(store):
            count += 1
            if count == 4096:
                break
    headers = 2048 * (store.size // len(one))  # of each so much is looked at
    assert store.read <= (1 + WORK) * store.size + FLOOR + headers + (1 << 20)


def test_a_stream_behind_a_flood_is_named_if_not_read(named_sample: Named) -> None:
    raw = named_sample("none-7.2.mig").read()
    flood = FALSE["a device without end"] * 3000
    every = found(flood, JUNK, raw)
    last = every[-1]
    assert (last.offset, last.machine) == (len(flood) + len(JUNK), "none")
    assert last.state == "unread"


def test_the_end_of_a_device_is_not_looked_for_all_through_a_disk() -> None:
    memory = build.PAGE_RAM + build.full(3, "one", b"x")
    torn = HEADER + memory + build.section_start(4, 4, "two", 0, 1)
    store = Counted(torn + Random(2).randbytes(4 * AHEAD))  # noqa: S311 - no secret
    (one,) = find(store)
    assert (one.state, one.devices) == ("damaged", 1)
    assert one.size == len(torn)
    assert store.read < 4 * store.size + 4 * AHEAD


def test_a_description_larger_than_any_is_not_read() -> None:
    size = 130 << 20
    head = HEADER + build.full(1, "one", b"x") + build.END + build.description(b"{", size)
    (one,) = found(head, bytes(size), JUNK)
    assert (one.state, one.devices) == ("damaged", 1)


def test_a_large_source_is_searched_in_little_memory(tmp_path: Path, named_sample: Named) -> None:
    raw = named_sample("pc-7.2.mig").read()
    disk, at = tmp_path / "disk.img", (3 << 30) + 4096
    with disk.open("wb") as file:
        file.seek(at)
        file.write(raw)
        file.truncate(4 << 30)
    status, out, err, _ = alone(["find", str(disk)], mebibytes=512)
    assert (status, err) == (0, b"")
    assert f"{at:#x}  whole stream".encode() in out


def test_a_damaged_stream_that_fills_its_source_is_read_to_its_description(
    monkeypatch: pytest.MonkeyPatch, named_sample: Named, tmp_path: Path
) -> None:
    """Though it is walked, searched for another one, and read again."""
    monkeypatch.setattr("migstream.analysis.find.FLOOR", 0)
    devices = device_part(named_sample("pc-7.2.mig").read())
    raw = bytearray(large_stream(tmp_path / "large.mig", 24, devices).read_bytes())
    at = len(raw) - len(devices) - 5000
    raw[at : at + 5000] = bytes(5000)
    store = Counted(bytes(raw))
    (one,) = find(store)
    assert (one.size, one.state, one.devices) == (len(raw), "damaged", 30)
    assert store.read < (2 + WORK) * store.size


# --- what real tools write -------------------------------------------------------------------------


def tool(name: str) -> str:
    path = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if path is None:
        pytest.skip(f"no {name} here")
    return path


@pytest.fixture
def streams(tmp_path: Path, named_sample: Named) -> dict[str, Path]:
    """Streams without a page of zeros, which a file system may leave out."""
    folder = tmp_path / "streams"
    folder.mkdir()
    devices = device_part(named_sample("pc-7.2.mig").read())
    return {
        "a": large_stream(folder / "a.mig", 1, devices),
        "b": large_stream(folder / "b.mig", 3, devices, b"pc-q35-7.2"),
    }


def whole_ones(path: Path) -> list[tuple[str | None, int | None]]:
    data = path.read_bytes()
    every = [one for one in find(Whole(data)) if one.kind == "stream"]
    assert [one.state for one in every] == ["whole"] * len(every)
    return sorted((one.machine, one.size) for one in every)


def expected(streams: dict[str, Path]) -> list[tuple[str | None, int | None]]:
    sizes = {name: path.stat().st_size for name, path in streams.items()}
    return [("pc-i440fx-7.2", sizes["a"]), ("pc-q35-7.2", sizes["b"])]


@pytest.mark.parametrize("form", ["ustar", "gnu", "pax"])
def test_the_members_of_a_tar_file_are_found(
    form: str, streams: dict[str, Path], tmp_path: Path
) -> None:
    out = tmp_path / "backup.tar"
    subprocess.run([tool("tar"), f"--format={form}", "-cf", out, *streams.values()], check=True)
    assert whole_ones(out) == expected(streams)


def test_the_files_of_a_file_system_are_found(streams: dict[str, Path], tmp_path: Path) -> None:
    disk = tmp_path / "disk.img"
    with disk.open("wb") as file:
        file.truncate(64 << 20)
    # smaller blocks would lie in several pieces
    words = [tool("mkfs.ext4"), "-q", "-b", "4096", "-d", str(streams["a"].parent), str(disk)]
    made = subprocess.run(words, capture_output=True, check=False)
    if made.returncode:
        pytest.skip(f"mkfs.ext4: {made.stderr.decode().strip()}")
    assert whole_ones(disk) == expected(streams)


def test_a_block_device_is_searched_as_a_file_is(streams: dict[str, Path], tmp_path: Path) -> None:
    disk = tmp_path / "disk.img"
    raw = streams["a"].read_bytes()
    disk.write_bytes(bytes(1 << 20) + raw + bytes(-len(raw) % 512 + (1 << 20)))
    made = subprocess.run(
        [tool("losetup"), "-r", "-f", "--show", disk], capture_output=True, check=False, text=True
    )
    if made.returncode:
        pytest.skip(f"losetup: {made.stderr.strip()}")
    device = made.stdout.strip()
    try:
        status, out = ours(["find", device], seconds=60.0)
        told = ours(["info", device, "--offset", "0x100000"], seconds=60.0)
    finally:
        subprocess.run([tool("losetup"), "-d", device], check=True)
    assert status == told[0] == 0
    assert b"0x100000  whole stream" in out


def test_what_a_process_holds_is_found_in_its_core_file(
    streams: dict[str, Path], tmp_path: Path
) -> None:
    program = "import sys; held = open(sys.argv[1], 'rb').read(); print(len(held), flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program, streams["b"]],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        made = subprocess.run(
            [tool("gcore"), "-o", tmp_path / "core", str(process.pid)],
            capture_output=True,
            check=False,
        )
        process.kill()
    core = tmp_path / f"core.{process.pid}"
    if not core.exists():
        pytest.skip(f"gcore: {made.stderr.decode().strip()[-200:]}")
    assert expected(streams)[1] in whole_ones(core)


def test_images_are_named_with_what_they_hold(tmp_path: Path) -> None:
    image, disk = tmp_path / "a.qcow2", tmp_path / "disk.img"
    subprocess.run([tool("qemu-img"), "create", "-q", "-f", "qcow2", image, "1M"], check=True)
    disk.write_bytes(bytes(512 * 7) + image.read_bytes() + b"x" + image.read_bytes())
    (one,) = find(Whole(disk.read_bytes()))  # the second is not at a sector
    assert (one.kind, one.offset, one.said) == ("qcow2", 512 * 7, "no snapshots")


def test_every_item_is_told_in_text_and_json_without_a_control_character(
    named_sample: Named, tmp_path: Path
) -> None:
    path = tmp_path / "disk.img"
    odd = build.HEADER + build.configuration("a\\x1bb") + build.full(1, "o\x1bne", b"x")
    path.write_bytes(odd + JUNK + named_sample("none-7.2.mig").read())
    for words in (["find", str(path)], ["find", str(path), "--json", "--all"]):
        status, out = ours(words)
        assert status == 0
        assert re.search(rb"\bnone\b", out)


def test_what_ends_before_its_memory_does_is_not_whole() -> None:
    (one,) = found(HEADER + build.ram_start() + build.END, JUNK)
    assert (one.state, one.damage) == ("damaged", "the stream ends before ram does [MS100]")


def test_what_was_found_is_told_though_the_source_fails_then(
    named_sample: Named, tmp_path: Path
) -> None:
    """Here it becomes shorter while it is read."""
    path = tmp_path / "disk.img"
    path.write_bytes(named_sample("none-7.2.mig").read())
    os.truncate(path, 100 << 20)  # more than is read ahead
    with path.open("rb") as file:
        search = find(File(file.fileno(), path.stat().st_size))
        assert next(search).state == "whole"
        os.truncate(path, 2 << 20)
        with pytest.raises(SourceError, match="became shorter"):
            next(search)


def test_the_command_prints_what_it_found_before_the_source_failed(
    named_sample: Named, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "disk.img"
    path.write_bytes(named_sample("none-7.2.mig").read() + bytes(8 << 20))
    read = File._read

    def failing(self: File, start: int, stop: int) -> memoryview:
        if stop > 4 << 20:
            raise SourceError(f"cannot be read at {start:#x}: input/output error")
        return read(self, start, stop)

    monkeypatch.setattr(File, "_read", failing)
    status, out = ours(["find", str(path)])
    assert status == 5
    assert b"whole stream" in out


def test_the_command_passes_over_what_a_device_cannot_read(
    named_sample: Named, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One stream before a bad place, one with a bad place in it, one behind both."""
    stream = named_sample("pc-7.2.mig").read()
    path = tmp_path / "disk.img"
    behind = len(stream) + (1 << 20)
    broken = behind + len(stream) // 2
    last = behind + len(stream) + 5000
    path.write_bytes(stream + bytes(1 << 20) + stream + bytes(5000) + stream + bytes(9 << 20))
    bad = {len(stream) + 70_000, broken}
    failing_at(monkeypatch, bad)
    status, out = ours(["find", "--json", str(path)])
    answer = json.loads(out)
    assert status == 5
    states = {one["offset"]: one["state"] for one in answer["found"]}
    assert states[0] == states[last] == "whole"
    assert states[behind] == "damaged"
    assert all(any(start <= at < stop for start, stop in answer["unreadable"]) for at in bad)
    assert sum(stop - start for start, stop in answer["unreadable"]) < 1 << 20
