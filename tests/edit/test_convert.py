"""Conversion: what every encoding of guest memory becomes, byte for byte, and what is refused."""

from __future__ import annotations

import hashlib
import json
import resource
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import migstream
from migstream.cli.group import cli
from migstream.edit.reencode import reencode
from migstream.edit.verify import compare
from migstream.errors import MigstreamError, StreamError, Unsupported
from migstream.stream import Stream
from support import build, samples
from support import channels as multifd
from support.assemble import assemble
from support.build import be32, be64, counted
from support.samples import Packed, Sample

Named = Callable[[str], Sample]
Unpack = Callable[[Packed], Sample]
P = 4096
X, Y, BLANK = b"x" * P, b"y" * P, bytes(P)
PAGE_BITS = build.subsection("configuration/target-page-bits", be32(12))
MAPPED = build.subsection("configuration/capabilities", be32(1) + counted("mapped-ram"))
DEVICE = build.full(9, "one", b"\x05device")


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def converted(
    source: Path, target: Path, ram: str, *, channels: Sequence[Path] = (), like: Path | None = None
) -> Path:
    with (
        migstream.open(source, channels=channels, like=like) as stream,
        target.open("w+b") as file,
    ):
        made = reencode(stream, file.fileno(), ram=ram)
        compare(stream, file.fileno())
    assert target.stat().st_size == made.size
    return target


def hashes(stream: Stream) -> dict[str, str | None]:
    """Every block's memory; None where it is elsewhere."""
    return {
        name: None if b.elsewhere else hashlib.sha256(b[:]).hexdigest()
        for name, b in stream.ram.items()
    }


def devices(stream: Stream) -> list[bytes]:
    return [bytes(stream.store.view(*d.section.span)) for d in stream.devices]


def whole(stream: Stream) -> bool:
    """Whether the items cover every byte once, without damage."""
    stops = [0, *(item.span.stop for item in stream.items)]
    starts = [item.span.start for item in stream.items]
    return stream.damage == [] and starts == stops[:-1] and stops[-1] == stream.size


# --- made by hand ------------------------------------------------------------------------------


def page(number: int, data: bytes, flags: int, name: str = "") -> bytes:
    return be64(number * P | flags) + (counted(name) if name else b"") + data


def stream_of(ram: bytes, subsections: bytes = PAGE_BITS, commands: bytes = b"") -> bytes:
    return (
        build.HEADER + build.configuration("none", subsections) + commands + ram + DEVICE
        + build.END
    )  # fmt: skip


BLOCKS = build.ram_block("a", 8 * P) + build.ram_block("b/..", 2 * P)
START = build.ram_start(BLOCKS, 10 * P)
DELTA = build.xbzrle_delta(X, b"x" * 100 + b"!" + b"x" * (P - 101))
ROUNDS = (
    START
    + build.ram_part(
        page(0, X, 8, "a") + page(1, b"\0", 0x22) + page(2, BLANK, 0x28) + page(3, b"\7", 0x22)
        + page(4, X, 0x28) + page(6, b"\0", 0x22) + page(7, Y, 0x28),
        end=False,
    )
    + build.ram_part(
        page(0, b"\x01" + struct.pack(">H", len(DELTA)) + DELTA, 0x60) + page(4, b"\0", 0x22)
        + page(1, Y, 0x28) + page(0, b"\0", 2, "b/..") + page(1, Y, 0x28)
    )
)  # fmt: skip
ONE_PASS = (
    START
    + build.ram_part(
        page(0, b"x" * 100 + b"!" + b"x" * (P - 101), 8, "a") + page(1, Y, 0x28)
        + page(2, b"\0", 0x22) + page(3, b"\7" * P, 0x28) + page(4, b"\0", 0x22)
        + page(6, b"\0", 0x22) + page(7, Y, 0x28)
        + page(0, b"\0", 2, "b/..") + page(1, Y, 0x28),
        end=False,
    )
    + build.ram_part()
)  # fmt: skip


@pytest.fixture
def rounds(tmp_path: Path) -> Path:
    path = tmp_path / "rounds.mig"
    path.write_bytes(stream_of(ROUNDS))
    return path


def test_rounds_become_one_pass(rounds: Path, tmp_path: Path) -> None:
    """The last contents of each page, zeros as zero records, what was never sent left out."""
    out = converted(rounds, tmp_path / "out", "linear")
    assert out.read_bytes() == stream_of(ONE_PASS)


def area(name: str, bits: int, pages: bytes, size: int, at: int) -> bytes:
    """A block with its header, one word of bitmap, a gap and the area, from file offset `at` on."""
    lead = build.ram_block(name, size)
    bitmap = at + len(lead) + 28
    start = (bitmap + 8 + 0xFFFFF) & ~0xFFFFF
    head = be32(1) + be64(P) + be64(bitmap) + be64(start) + struct.pack("<Q", bits)
    return lead + head + bytes(start - bitmap - 8) + pages


def test_mapped_ram_is_laid_out_as_qemu_does(rounds: Path, tmp_path: Path) -> None:
    out = converted(rounds, tmp_path / "out", "mapped")
    head = build.HEADER + build.configuration("none", PAGE_BITS + MAPPED)
    head += build.section_start(1, 2, "ram", version=4) + be64(10 * P | 4)
    first = b"x" * 100 + b"!" + b"x" * (P - 101)
    one = area("a", 0b10001011, first + Y + BLANK + b"\7" * P + BLANK * 3 + Y, 8 * P, len(head))
    two = area("b/..", 0b10, BLANK + Y, 2 * P, len(head + one))
    want = (
        head + one + two + be64(16) + build.footer(2) + build.ram_part(end=False)
        + build.ram_part() + DEVICE + build.END
    )  # fmt: skip
    assert out.read_bytes() == want
    assert out.stat().st_blocks * 512 < 1 << 18


def test_records_are_nowhere_larger_than_they_need_be(tmp_path: Path) -> None:
    """Alternating pages, long stretches of both kinds: one name, 9 bytes for a zero page."""
    kinds = [n % 2 for n in range(3000)] + [0] * 70_000 + [1] * 2000
    size = len(kinds) * P
    records = [
        page(n, X if kind else b"\0", 8 if kind else 2, "ram") for n, kind in enumerate(kinds)
    ]
    ram = build.ram_start(build.ram_block("ram", size), size) + build.ram_part(b"".join(records))
    path = tmp_path / "long.mig"
    path.write_bytes(stream_of(ram))
    flat = converted(path, tmp_path / "flat", "linear")
    want = [
        page(n, X if kind else b"\0", (8 if kind else 2) | (0x20 if n else 0), "" if n else "ram")
        for n, kind in enumerate(kinds)
    ]
    assert flat.read_bytes() == stream_of(
        build.ram_start(build.ram_block("ram", size), size)
        + build.ram_part(b"".join(want), end=False)
        + build.ram_part()
    )
    mapped = converted(flat, tmp_path / "mapped", "mapped")
    assert mapped.stat().st_blocks * 512 < (sum(kinds) + 1024) * P
    assert converted(mapped, tmp_path / "back", "linear").read_bytes() == flat.read_bytes()


def test_commands_for_another_end_are_dropped(tmp_path: Path) -> None:
    path, out = tmp_path / "in", tmp_path / "out"
    commands = build.command(1) + build.command(2, be32(1)) + build.command(3, be64(P) * 2)
    switch = build.command(11)
    path.write_bytes(stream_of(ROUNDS + switch, commands=commands))
    done = run("convert", path, "-o", out, "--ram", "linear")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "left out: OPEN_RETURN_PATH, PING, POSTCOPY_ADVISE" in done.stdout
    assert out.read_bytes() == stream_of(ONE_PASS + switch)
    same = converted(path, tmp_path / "same", "same")
    assert same.read_bytes() == path.read_bytes()


def test_a_configuration_without_capabilities_loses_the_subsection(
    rounds: Path, tmp_path: Path
) -> None:
    mapped = converted(rounds, tmp_path / "mapped", "mapped")
    back = converted(mapped, tmp_path / "back", "linear")
    with migstream.open(back) as stream:
        assert stream.capabilities == ()
        assert stream.configuration is not None
        assert stream.configuration.page_bits == 12
    again = converted(mapped, tmp_path / "again", "mapped")
    assert again.read_bytes() == mapped.read_bytes()


UNEVEN = build.ram_start(build.ram_block("a", P + 8) + build.ram_block("b", P - 8), 2 * P)
HALVES = page(0, b"\0", 2, "a") + page(1, b"\0", 0x22) + page(0, b"\0", 2, "b")


@pytest.mark.parametrize(
    ("raw", "ram", "why"),
    [
        (stream_of(START + build.ram_part()), "linear", "not in this stream"),
        (stream_of(ROUNDS)[:-300], "linear", "damaged"),
        (stream_of(b""), "linear", "no guest memory"),
        (build.HEADER + ROUNDS + DEVICE + build.END, "mapped", "without configuration"),
        (stream_of(ROUNDS + build.packaged(build.command(4))), "linear", "PACKAGED"),
        (stream_of(UNEVEN + build.ram_part(HALVES)), "linear", "within a page"),
    ],
    ids=["no pages", "damaged", "no memory", "no configuration", "postcopy", "half a page"],
)
def test_what_cannot_be_is_refused(raw: bytes, ram: str, why: str, tmp_path: Path) -> None:
    path, out = tmp_path / "in", tmp_path / "out"
    path.write_bytes(raw)
    done = run("convert", path, "-o", out, "--ram", ram)
    assert done.exit_code in {3, 4}
    assert why in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["in"]


def test_channels_made_by_hand(tmp_path: Path) -> None:
    """Pages out of a channel; device state in one has no place in a single stream."""
    main, channel = tmp_path / "main", tmp_path / "channel"
    sections = START + build.ram_part(end=False) + build.ram_part()
    main.write_bytes(stream_of(sections))
    whole = multifd.initial() + multifd.sync()
    whole += multifd.packet(b"a", range(0, 6 * P, P), (6 * P, 7 * P), X * 6)
    whole += multifd.packet(b"b/..", [0, P], (), BLANK + Y) + multifd.sync() + multifd.sync()
    channel.write_bytes(whole)
    out = converted(main, tmp_path / "out", "linear", channels=[channel])
    pages = page(0, X, 8, "a") + b"".join(page(n, X, 0x28) for n in range(1, 6))
    pages += page(6, b"\0", 0x22) + page(7, b"\0", 0x22) + page(0, b"\0", 2, "b/..")
    pages += page(1, Y, 0x28)
    want = START + build.ram_part(pages, end=False) + build.ram_part()
    assert out.read_bytes() == stream_of(want)
    channel.write_bytes(whole + multifd.device_state(b"0000:00:04.0/vfio", 0, b"state"))
    with pytest.raises(Unsupported, match="device state of"):
        converted(main, tmp_path / "no", "linear", channels=[channel])


RESIZED = (
    build.ram_start(build.ram_block("a", 5 * P) + build.ram_block("b/..", 4 * P), 9 * P)
    + build.ram_part(
        page(0, b"x" * 100 + b"!" + b"x" * (P - 101), 8, "a") + page(1, Y, 0x28)
        + page(2, b"\0", 0x22) + page(3, b"\7" * P, 0x28) + page(4, b"\0", 0x22)
        + page(0, b"\0", 2, "b/..") + page(1, Y, 0x28)
        + page(2, b"\0", 0x22) + page(3, b"\0", 0x22),
        end=False,
    )
    + build.ram_part()
)  # fmt: skip


def test_blocks_of_another_size(rounds: Path, tmp_path: Path) -> None:
    """Cut, or filled up with zeros; what was cut off is said."""
    out = tmp_path / "out"
    words = ("convert", rounds, "-o", out, "--force", "--resize", f"a={5 * P}", "--resize")
    done = run(*words, f"b*={4 * P:#x}", "--ram", "linear")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "resized: a, 20.0 KiB (20 480), 4.0 KiB (4 096) of data cut off" in done.stdout
    assert out.read_bytes() == stream_of(RESIZED)
    mapped = tmp_path / "mapped"
    done = run("convert", rounds, "-o", mapped, "--ram", "mapped", *words[5:], f"b*={4 * P}")
    assert done.exit_code == 0, done.stderr
    assert converted(mapped, out, "linear").read_bytes() == stream_of(RESIZED)
    for wrong, status in (("c=4096", 2), ("b*=", 2), ("b*=-1", 2), ("b*=100", 4), ("b*=0", 4)):
        assert run(*words, wrong, "--ram", "linear").exit_code == status
    assert run(*words, "b*=4096").exit_code == 2


# --- real streams ------------------------------------------------------------------------------


def test_every_stream_keeps_its_memory_and_devices(sample: Sample, tmp_path: Path) -> None:
    with migstream.open(sample.path) as stream:
        want = hashes(stream)
        sections = devices(stream)
        text = None if stream.description is None else stream.description.text
        shared = "x-ignore-shared" in stream.capabilities
        configured = stream.configuration is not None
    flat = converted(sample.path, tmp_path / "flat", "linear")
    with migstream.open(flat) as stream:
        assert whole(stream)
        assert hashes(stream) == want
        assert devices(stream) == sections
        assert stream.ram.round_count <= 1
        found = None if stream.description is None else stream.description.text
        assert found == text or "mapped-ram" in sample.meta["capabilities"]
        assert "mapped-ram" not in stream.capabilities
    # zlib made pages smaller than they are; a background snapshot had no END section
    missing = 18 if "background-snapshot" in sample.meta["capabilities"] else 0
    if "compress" not in sample.meta["capabilities"]:
        assert flat.stat().st_size <= sample.path.stat().st_size + missing
    if shared or not configured:
        with pytest.raises(Unsupported):
            converted(flat, tmp_path / "mapped", "mapped")
        return
    mapped = converted(flat, tmp_path / "mapped", "mapped")
    with migstream.open(mapped) as stream:
        assert whole(stream)
        assert stream.capabilities == ("mapped-ram",)
        assert hashes(stream) == want
        assert devices(stream) == sections
    back = converted(mapped, tmp_path / "back", "linear")
    with migstream.open(flat) as stream:
        complete = not any(b.coverage()["absent"] for b in stream.ram.values())
    if complete:  # mapped-ram does not tell what was never sent from what is zero
        assert back.read_bytes() == flat.read_bytes()


def test_as_it_is(own_sample: Sample, tmp_path: Path) -> None:
    assert converted(own_sample.path, tmp_path / "same", "same").read_bytes() == own_sample.read()


MULTIFD = [p for p in samples.channels(".main.mig") if p.name.startswith("multifd-")]


@pytest.mark.parametrize("form", ["linear", "mapped"])
@pytest.mark.parametrize("packed", MULTIFD, ids=lambda p: p.name)
def test_multifd_channels_become_one_stream(
    packed: Packed, form: str, unpack: Unpack, tmp_path: Path
) -> None:
    main = unpack(packed)
    stem = packed.name.removesuffix(".main.mig")
    channels = [unpack(c).path for c in samples.channels(".bin") if c.name.startswith(f"{stem}.ch")]
    with pytest.raises(Unsupported, match="not in this stream") as refused:
        converted(main.path, tmp_path / "none", form)
    assert "--channel" in refused.value.hint
    out = converted(main.path, tmp_path / "out", form, channels=channels)
    truth = assemble(main.path, channels)
    with migstream.open(out) as stream:
        assert whole(stream)
        for name, block in stream.ram.items():
            assert block[:] == truth[name]
        for one in main.meta["memory"]:
            found = stream.memory.read(one["paddr"], one["size"])
            assert hashlib.sha256(found).hexdigest() == one["sha256"]


def test_memory_that_is_elsewhere_stays_there(named_sample: Named, tmp_path: Path) -> None:
    sample = named_sample("pc-ignore-shared-7.2.mig")
    with migstream.open(converted(sample.path, tmp_path / "out", "linear")) as stream:
        assert stream.ram["ram0"].elsewhere
        assert stream.ram["pc.bios"].elsewhere is None


def test_the_description_says_what_the_configuration_has(unpack: Unpack, tmp_path: Path) -> None:
    """From 8.2 on it describes the configuration too; a real mapped-ram stream has QEMU's own words."""
    kept = {packed.name: packed for packed in samples.shared_streams()}
    if "cap-mappedram-10.0.mig" not in kept:
        pytest.skip("the larger collection is not there")
    real = unpack(kept["cap-mappedram-10.0.mig"]).path
    flat = converted(real, tmp_path / "flat", "linear")
    with migstream.open(real) as stream, migstream.open(flat) as other:
        assert stream.description is not None
        assert other.description is not None
        assert b"capabilities" not in other.description.text
        assert stream.description.devices == other.description.devices
        text = stream.description.text
    with migstream.open(converted(flat, tmp_path / "back", "mapped")) as stream:
        assert stream.description is not None
        assert stream.description.text == text


# --- the description ---------------------------------------------------------------------------


def test_description_out_and_in_again(named_sample: Named, tmp_path: Path) -> None:
    full, without = named_sample("pc-7.2.mig"), tmp_path / "without"
    done = run("convert", full.path, "-o", without, "--no-description")
    assert done.exit_code == 0, done.stderr
    with migstream.open(without) as stream:
        assert stream.description is None
    assert full.read().startswith(without.read_bytes())
    again = converted(without, tmp_path / "again", "same", like=full.path)
    assert again.read_bytes() == full.read()
    # what a real QEMU left out is put back by another stream of the same machine
    bare = named_sample("pc-novmdesc-7.2.mig")
    made = converted(bare.path, tmp_path / "made", "linear", like=full.path)
    with migstream.open(made) as stream, migstream.open(full.path) as other:
        assert whole(stream)
        assert stream.description == other.description
        assert all(device.described for device in stream.devices)


@pytest.mark.parametrize("other", ["q35-7.2.mig", "isapc-7.2.mig", "none-7.2.mig"])
def test_a_description_that_does_not_fit_is_refused(
    other: str, named_sample: Named, tmp_path: Path
) -> None:
    bare = named_sample("pc-novmdesc-7.2.mig").path
    done = run("convert", bare, "-o", tmp_path / "out", "--like", named_sample(other).path)
    assert done.exit_code == 4
    assert "the other stream's description" in done.stderr
    assert list(tmp_path.iterdir()) == []


# --- the command -------------------------------------------------------------------------------


def test_json(rounds: Path, tmp_path: Path) -> None:
    done = run("convert", rounds, "-o", tmp_path / "out", "--ram", "linear", "--json")
    said = json.loads(done.stdout)
    assert said["compared"] == {"a": 8 * P, "b/..": 2 * P}
    assert said["verified"]
    assert said["size"] == said["written"] == (tmp_path / "out").stat().st_size
    assert said["before"] == rounds.stat().st_size


def test_what_is_there_stays(rounds: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.write_text("mine")
    assert run("convert", rounds, "-o", out, "--ram", "linear").exit_code == 5
    assert out.read_text() == "mine"
    assert run("convert", rounds, "-o", out, "--ram", "linear", "--force").exit_code == 0
    assert run("convert", rounds, "-o", rounds, "--ram", "linear", "--force").exit_code == 0
    assert rounds.read_bytes() == out.read_bytes()


def test_a_full_disk_is_said_and_leaves_nothing(rounds: Path, tmp_path: Path) -> None:
    """A limit on file sizes stands for the disk: the system answers a write in the same way."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 14, 1 << 14))

    done = subprocess.run(
        [sys.executable, "-m", "migstream", "convert", str(rounds), "-o", str(tmp_path / "out"),
         "--ram", "linear"],
        capture_output=True, text=True, preexec_fn=limit, check=False,
    )  # fmt: skip
    assert done.returncode == 5
    assert "nothing was left behind" in done.stderr
    assert "Traceback" not in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["rounds.mig"]


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [(Y, Y[:-1] + b"z", "RAM block a"), (b"\x05device", b"\x05Device", "device sections")],
    ids=["memory", "device"],
)
def test_a_difference_is_found(
    old: bytes, new: bytes, what: str, rounds: Path, tmp_path: Path
) -> None:
    out = converted(rounds, tmp_path / "out", "linear")
    out.write_bytes(out.read_bytes().replace(old, new, 1))
    with (
        migstream.open(rounds) as stream,
        out.open("rb") as file,
        pytest.raises(StreamError, match=what),
    ):
        compare(stream, file.fileno())


@pytest.mark.parametrize("packed", samples.broken_streams(), ids=lambda p: p.name)
@pytest.mark.parametrize("form", ["linear", "same"])
def test_damaged_streams_give_our_errors_only(
    packed: Packed, form: str, unpack: Unpack, tmp_path: Path
) -> None:
    broken = unpack(packed)
    try:
        converted(broken.path, tmp_path / "out", form)
    except MigstreamError:
        return
    with migstream.open(tmp_path / "out") as stream:
        assert whole(stream)
