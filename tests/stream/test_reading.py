"""One way of reading: a file, a pipe and a compressed file give the same, also behind damage, and within bounds."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

import migstream
from migstream.errors import SourceError
from migstream.source.zstd import zstd
from migstream.stream import Stream, open_anything
from migstream.wire import write
from migstream.wire.model import Item, SectionType
from support import build, damage
from support.build import (
    END,
    HEADER,
    be64,
    counted,
    described,
    description,
    ram_block,
    ram_part,
    ram_start,
)
from support.samples import Sample

Named = Callable[[str], Sample]


class Unseekable(io.BytesIO):
    def fileno(self) -> int:
        raise io.UnsupportedOperation


def piped(raw: bytes) -> Any:
    return io.BufferedReader(Unseekable(raw))


def item(one: Item) -> tuple[Any, ...]:
    """All of an item but what a codec made of it: where pages lie is not kept of a pipe."""
    fields = [f for f in one.__struct_fields__ if f not in {"content", "items"}]
    inside = tuple(item(i) for i in getattr(one, "items", ()))
    return type(one).__name__, tuple((f, getattr(one, f)) for f in fields), inside


def said(stream: Stream) -> dict[str, Any]:
    with stream:
        return {
            "items": [item(i) for i in stream.items],
            "damage": [str(error) for error in stream.damage],
            "devices": [(d.path, d.described, bytes(d.value.raw)) for d in stream.devices],
            "description": stream.description_span,
            "machine": stream.machine,
            "setup": stream.ram_setup,
        }


def all_ways(raw: bytes, tmp_path: Path) -> None:
    path = tmp_path / "stream"
    path.write_bytes(raw)
    plain = said(open_anything(path))
    assert said(open_anything(raw)) == plain
    assert said(open_anything(piped(raw))) == plain
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(raw, 1))
    assert said(open_anything(packed)) == plain
    assert said(open_anything(packed, spool=True)) == plain


def test_every_stream(sample: Sample, tmp_path: Path) -> None:
    all_ways(sample.read(), tmp_path)


def test_every_channel(channel_sample: Sample, tmp_path: Path) -> None:
    all_ways(channel_sample.read(), tmp_path)


def test_every_damaged_stream(broken_sample: Sample, tmp_path: Path) -> None:
    all_ways(broken_sample.read(), tmp_path)


@pytest.mark.parametrize("name", ["microvm-7.2.mig", "none-7.2.mig", "pc-2.3-7.2.mig"])
def test_every_kind_of_damage(named_sample: Named, name: str, tmp_path: Path) -> None:
    raw = named_sample(name).read()
    with migstream.open(raw) as stream:
        good = damage.Good(raw, stream)
        for number, kind in enumerate(damage.KINDS.values()):
            made = kind(good, Random(number))  # noqa: S311 - no secret
            if made is not None:
                all_ways(made[0], tmp_path)


@pytest.mark.parametrize(
    "config", [b"\x07\x01\x00\x00\x17" + b"s390-ccw", b""], ids=["damaged", "none"]
)
def test_a_page_size_that_only_the_description_tells(config: bytes, tmp_path: Path) -> None:
    """Two zero pages, 8 KiB apart, are taken for neighbours of 8 KiB; the end says 4 KiB."""
    zeros = be64(0 | 0x02) + counted("a") + b"\0" + be64(0x2000 | 0x22) + b"\0"
    page = be64(0x3000 | 0x28) + b"x" * 4096
    ram = ram_start(ram_block("a", 0x4000), 0x4000) + ram_part(zeros, end=False) + ram_part(page)
    raw = HEADER + config + ram + END + description(described())
    all_ways(raw, tmp_path)
    with migstream.open(raw) as stream:
        assert stream.read("a", 0x3000, 0x3004) == b"xxxx"


class Dripping(Unseekable):
    """A pipe that gives what has come, however little that is."""

    def __init__(self, raw: bytes, random: Random) -> None:
        super().__init__(raw)
        self._random = random

    def read(self, size: int | None = -1) -> bytes:
        most = 1 << self._random.randrange(18)
        return super().read(most if size is None or size < 0 else min(size, most))


@pytest.mark.parametrize("name", ["microvm-7.2.mig", "none-7.2.mig", "pc-2.3-7.2.mig"])
def test_a_pipe_that_drips_gives_what_the_file_gives(named_sample: Named, name: str) -> None:
    raw = named_sample(name).read()
    with migstream.open(raw) as stream:
        good = damage.Good(raw, stream)
        for number, kind in enumerate(damage.KINDS.values()):
            random = Random(number)  # noqa: S311 - no secret
            made = kind(good, random)
            one = raw if made is None else made[0]
            assert said(open_anything(Dripping(one, random))) == said(open_anything(one))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_compressed_file_that_is_cut_shows_what_it_holds(
    named_sample: Named, tmp_path: Path, share: float
) -> None:
    raw = named_sample("pc-7.2.mig").read()
    packed = gzip.compress(raw, 6)
    path = tmp_path / "cut.gz"
    path.write_bytes(packed[: int(len(packed) * share)])
    with migstream.open(path) as stream:
        held = stream.size
        items = [item(i) for i in stream.items]
        assert any("compressed file is damaged" in str(error) for error in stream.damage)
    with migstream.open(raw[:held]) as plain:
        assert [item(i) for i in plain.items] == items


def large(named_sample: Named, size: int) -> bytes:
    """A stream that sends the first pages of memory over and over, in so many more bytes."""
    raw = named_sample("pc-7.2.mig").read()
    with migstream.open(raw) as stream:
        at = next(s for s in stream.sections if s.name == "ram" and s.type == 3).payload.start
    pages = b"".join(build.be64(0x28 | n << 12) + bytes(4096) for n in range(1, 160))
    first = build.be64(0x08) + build.counted("pc.ram") + bytes(4096)
    return raw[:at] + first + pages * (size // len(pages)) + raw[at:]


# --- a file that becomes shorter ---------------------------------------------------------------


def test_a_file_that_shrinks_is_an_error_of_ours(named_sample: Named, tmp_path: Path) -> None:
    path = tmp_path / "a.mig"
    raw = large(named_sample, 8 << 20)
    for look in (
        lambda s: s.ram["pc.ram"].read(0, 16 << 20),
        lambda s: s.memory[0:0xA0000],
        lambda s: list(s.ram["pc.ram"].sent()),
        lambda s: s.history("pc.ram", 0),
    ):
        path.write_bytes(raw)
        with migstream.open(path) as stream:
            devices = stream.devices
            kept = bytes(devices["cpu", 0].value.raw)
            os.truncate(path, 100_000)
            with pytest.raises(SourceError, match="became shorter"):
                look(stream)
            assert bytes(devices["cpu", 0].value.raw) == kept


def test_no_verb_dies_of_a_file_that_shrinks(named_sample: Named, tmp_path: Path) -> None:
    raw = named_sample("pc-7.2.mig").read()
    path = tmp_path / "a.mig"
    for delay in (0.1, 0.2, 0.3, 0.4, 0.6):
        path.write_bytes(raw)
        with subprocess.Popen(
            [sys.executable, "-m", "migstream", "check", str(path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as child:
            threading.Timer(delay, os.truncate, (path, 5000)).start()
            _, error = child.communicate(timeout=60)
        assert child.returncode in {0, 1, 3, 5}, error
        assert b"Traceback" not in error


# --- bounds: 256 MiB, and a second of work -------------------------------------------------------


# Of a process that was started, the kernel counts what its parent had in use as well: this one has little.
MEASURE = """
import os, resource, subprocess, sys
resource.setrlimit(resource.RLIMIT_DATA, (256 << 20, 256 << 20))
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
child = subprocess.Popen(sys.argv[2:])
_, status, used = os.wait4(child.pid, 0)
with open(sys.argv[1], "w") as out:
    print(os.waitstatus_to_exitcode(status), used.ru_maxrss, file=out)
"""


def limited(path: Path, *words: str, pipe: bool = False) -> tuple[int, bytes]:
    """Run a verb with 256 MiB of memory; its status and output. The second is one of work, not of waiting."""

    command = [sys.executable, "-m", "migstream", words[0], "-" if pipe else str(path), *words[1:]]
    with path.open("rb") as source, tempfile.NamedTemporaryFile("r") as told:
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, told.name, *command],
            stdin=source if pipe else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=True,
        )
        status, peak = map(int, told.read().split())
    assert peak < 256 << 10, f"{peak >> 10} MiB"
    assert b"Traceback" not in done.stdout
    return status, done.stdout


def zstd_file(path: Path, *pieces: tuple[bytes, int], window_log: int = 0) -> Path:
    """A zstd file of pieces, each repeated: terabytes take no time to write."""
    parameter = zstd.CompressionParameter
    options: dict[int, int] = {parameter.compression_level: 1, parameter.content_size_flag: 0}
    options |= {parameter.window_log: window_log} if window_log else {}
    with zstd.open(path, "wb", options=options) as out:
        for piece, count in pieces:
            out.write(piece * count)
    return path


HEAD = build.HEADER + build.configuration("pc-i440fx-7.2")


def test_a_window_larger_than_reason(tmp_path: Path) -> None:
    path = zstd_file(tmp_path / "a.zst", (HEAD, 1), (bytes(1 << 20), 64), window_log=30)
    raw = bytearray(path.read_bytes())
    raw[5] = (30 - 10) << 3  # the frame header's window, claimed
    path.write_bytes(raw)
    status, output = limited(path, "info")
    assert status in {3, 5}
    assert b"large window" in output


@pytest.mark.parametrize("verb", ["info", "ls", "decode", "check"])
def test_device_state_without_end(tmp_path: Path, verb: str) -> None:
    bomb = build.section_start(4, 4, "bomb")
    path = zstd_file(tmp_path / "a.zst", (HEAD + bomb, 1), (b"\1" * (1 << 20), 512))
    status, output = limited(path, verb)
    assert status in {3, 4, 5}
    assert b"[MS" in output


@pytest.mark.parametrize("verb", ["info", "ls", "stat"])
def test_commands_without_end(tmp_path: Path, verb: str) -> None:
    path = zstd_file(tmp_path / "a.zst", (HEAD, 1), (build.command(1), 1_000_000), (build.END, 1))
    assert path.stat().st_size < 2000
    status, output = limited(path, verb)
    assert status == 4
    assert b"sections and commands" in output


def test_memory_without_a_description_in_a_pipe(tmp_path: Path) -> None:
    """What ends before its memory, and what has none: each as a plain file, packed and in a pipe."""
    cases = {
        "begun": HEAD + build.section_start(1, 2, "ram", version=4),
        "none": HEAD + build.full(4, "one", b"1234") + build.END,
        "odd": HEAD + build.section_start(4, 256, "ram", version=4),
    }
    for name, raw in cases.items():
        all_ways(raw, tmp_path)
        path = tmp_path / name
        path.write_bytes(raw)
        packed = tmp_path / f"{name}.gz"
        packed.write_bytes(gzip.compress(raw))
        plain = limited(path, "info")[0]
        assert limited(packed, "info")[0] == limited(path, "info", pipe=True)[0] == plain


def test_answers_from_a_large_file_come_from_its_tail(named_sample: Named, tmp_path: Path) -> None:
    """How long that takes, against a small one, is a row of the bench."""
    path = tmp_path / "large"
    path.write_bytes(large(named_sample, 300 << 20))

    for source, walk in (
        (named_sample("pc-7.2.mig").read(), False),
        (path, False),
        (path, True),
    ):
        with migstream.open(source, walk=walk) as stream:
            assert stream.devices["cpu", 0]["env.eip"].value == 0xFFF0
            assert stream.walked == (walk or isinstance(source, bytes))


def test_nothing_is_read_of_a_closed_stream(named_sample: Named, tmp_path: Path) -> None:
    """The descriptor's number may be another file's by then."""
    path = tmp_path / "a.mig"
    path.write_bytes(named_sample("pc-7.2.mig").read())
    with migstream.open(path) as stream:
        value = stream.devices["cpu", 0]["env.eip"]
    (tmp_path / "other").write_bytes(bytes(1 << 20))
    with (tmp_path / "other").open("rb"), pytest.raises(SourceError):
        _ = value.value


def test_a_section_that_takes_the_id_of_guest_memory_takes_nothing_of_it(
    own_sample: Sample,
) -> None:
    """What was read of a live section stays its own, though a damaged stream begins another with its id."""
    raw = own_sample.read()
    with migstream.open(raw) as stream:
        ram = [s for s in stream.sections if s.name == "ram"]
        if not ram or ram[-1].footer is None or not stream.description_span:
            return
        before = {
            name: bytes(block[:64]) for name, block in stream.ram.items() if block.elsewhere is None
        }
        at = ram[-1].span.stop
    name = counted("dirty-bitmap")
    other = b"".join(
        head + b"\x01" + write.footer(ram[0].section_id)  # DIRTY_BITMAP_MIG_FLAG_EOS
        for head in (
            write.named_header(SectionType.START, ram[0].section_id, name, 0, 1),
            write.numbered_header(SectionType.END, ram[0].section_id),
        )
    )
    with migstream.open(raw[:at] + other + raw[at:]) as stream:
        assert {
            name: bytes(block[:64]) for name, block in stream.ram.items() if block.elsewhere is None
        } == before
