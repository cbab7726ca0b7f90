"""Bad input: an error of ours at a place in the source, every byte accounted for, in no time."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import migstream
from migstream.errors import MigstreamError, NotAStream, ParseError, SourceError
from migstream.source import libvirt, lzop, qcow2
from migstream.source.zstd import zstd
from migstream.stream import Stream, open_anything
from support import build
from support.build import be32, be64, counted, described, device, field, small
from support.examine import attempt, bounded, covers, examine
from support.lacking import needs_proc
from support.samples import Sample

HUGE = 1 << 62
# What may be refused as a whole: a container that holds nothing
CONTAINERS = (libvirt.MAGIC, libvirt.UNFINISHED, qcow2.MAGIC, lzop.MAGIC)
Named = Callable[[str], Sample]


class Trickle(io.RawIOBase):
    """A pipe: no seek, and each read gives no more than the next of `sizes` (then as asked)."""

    def __init__(self, data: bytes, sizes: Iterator[int] | None = None) -> None:
        self._data, self._sizes, self._at = data, sizes or iter(()), 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        wanted = len(self._data) if size < 0 else size
        piece = self._data[self._at : self._at + min(wanted, next(self._sizes, wanted))]
        self._at += len(piece)
        return piece


def ones() -> Iterator[int]:
    while True:
        yield 1


def thin(data: bytes) -> bytes:
    """A stream without its pages: RAM's PART sections left out, START and END kept."""
    setup, mark, rest = data.partition(build.be64(build.EOS) + build.footer(build.RAM_ID))
    end = rest.index(b"\x03" + be32(build.RAM_ID) + be64(build.EOS) + build.footer(build.RAM_ID))
    return setup + mark + rest[end:]


def shape(stream: Stream) -> list[tuple[Any, ...]]:
    return [
        (type(i), i.span, getattr(i, "name", ""), getattr(i, "payload", None)) for i in stream.items
    ]


def plain(stream: Stream) -> list[tuple[str, Any]]:
    return [(d.path, d.value.plain()) for d in stream.devices]


@pytest.fixture(scope="session")
def microvm(named_sample: Named) -> bytes:
    return thin(named_sample("microvm-7.2.mig").read())


@pytest.fixture
def tiny(named_sample: Named) -> bytes:
    return named_sample("none-7.2.mig").read()


# --- the builder itself ------------------------------------------------------------------------


def test_streams_made_by_hand_are_read_whole(microvm: bytes) -> None:
    stream = examine(small(), len(small()))
    assert stream.damage == []
    assert [d.name for d in stream.devices] == ["one", "two"]
    assert all(d.described for d in stream.devices)
    assert stream.devices["one"]["rows[2]/y"].value == 2
    assert examine(microvm, len(microvm)).damage == []


# --- cut off -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["none-7.2.mig", "microvm-7.2.mig", "pc-2.3-7.2.mig"])
def test_cut_at_every_percent(named_sample: Named, name: str) -> None:
    data = named_sample(name).read()
    for percent in range(100):
        cut = data[: len(data) * percent // 100]
        assert examine(cut, len(cut)).damage, f"{percent} %: nothing said"


def test_cut_at_every_byte() -> None:
    data = small()
    for size in [*range(0x60), *range(len(data) - 1400, len(data))]:
        stream = examine(data[:size], size)
        if data[:size].endswith(build.footer(4) + build.END):
            assert not stream.damage, "without its description it is still a whole stream"
        else:
            assert stream.damage, f"{size}: nothing said"


def test_what_precedes_a_cut_is_shown(named_sample: Named) -> None:
    data = named_sample("microvm-7.2.mig").read()
    cut = data.index(b"\x06fw_cfg")
    stream = open_anything(data[:cut])
    assert stream.machine == "microvm"
    assert [d.name for d in stream.devices] == ["timer"]


# --- flipped -----------------------------------------------------------------------------------


def test_every_byte_of_a_small_stream_flipped() -> None:
    data = small()
    begin = data.index(b"\x04\0\0\0\x03")
    places = [*range(0x90), *range(begin, len(data))]
    for at in places:
        for bits in (0x01, 0x80, 0xFF):
            flipped = bytearray(data)
            flipped[at] ^= bits
            examine(bytes(flipped), len(flipped))


def test_every_byte_of_a_real_device_part_flipped(microvm: bytes) -> None:
    begin = microvm.index(b"\x04\0\0\0\x00\x05timer")
    pick = random.Random(7)  # noqa: S311
    for at in range(begin, microvm.index(b'{"page_size"'), 5):
        flipped = bytearray(microvm)
        flipped[at] ^= pick.choice((1, 2, 4, 8, 16, 32, 64, 128, 255, 0x7F))
        examine(bytes(flipped), len(flipped))


def test_bytes_of_a_real_description_flipped(microvm: bytes) -> None:
    pick = random.Random(8)  # noqa: S311
    for at in range(microvm.index(b'{"page_size"') - 5, len(microvm), 43):
        flipped = bytearray(microvm)
        flipped[at] ^= pick.choice((1, 2, 4, 8, 16, 32, 64, 128, 255, 0x7F))
        examine(bytes(flipped), len(flipped))


def test_runs_of_bytes_removed_or_doubled() -> None:
    data = small()
    pick = random.Random(9)  # noqa: S311
    for _ in range(300):
        at, size = pick.randrange(len(data)), pick.choice((1, 2, 4, 5, 17, 300))
        for bad in (data[:at] + data[at + size :], data[: at + size] + data[at:]):
            examine(bad, len(bad))


# --- lengths -----------------------------------------------------------------------------------

HEAD = build.HEADER + build.configuration()
CAPS = "configuration/capabilities"
LENGTHS = {
    "config": build.HEADER + b"\x07" + be32(2**32 - 1) + b"none",
    "config-1024": build.HEADER + b"\x07" + be32(1024) + b"none",
    "capabilities": HEAD + build.subsection(CAPS, be32(2**32 - 1)),
    "capabilities-name": HEAD + build.subsection(CAPS, be32(1) + b"\xff" + b"x" * 9),
    "page-bits": HEAD + build.subsection("configuration/target-page-bits", be32(2**32 - 1)) + build.PAGE_RAM,
    "config-subsection": HEAD + b"\x05\xff" + b"x" * 300,
    "section-name": HEAD + b"\x04" + be32(3) + b"\xffdevice" + small()[20:],
    "section-name-cut": HEAD + b"\x04" + be32(3) + b"\xffdevice",
    "section-name-empty": HEAD + b"\x04" + be32(3) + b"\0" + bytes(40),
    "ram-total": HEAD + build.ram_start(build.ram_block("r", 4096), (1 << 64) - 4096),
    "ram-block": HEAD + build.ram_start(build.ram_block("r", 2**64 - 1), 4096),
    "ram-both": HEAD + build.ram_start(build.ram_block("r", 2**64 - 4096), 2**64 - 4096) + build.ram_part(),
    "ram-name": HEAD + build.ram_start(b"\xff" + b"r" * 20, 4096),
    "ram-name-empty": HEAD + build.ram_start(b"\0" * 40, 4096),
    "ram-zero-blocks": HEAD + build.ram_start(b"".join(build.ram_block(b"%d" % i, 0) for i in range(99)), 4096),
    "ram-record": HEAD + build.ram_start(build.ram_block("r", 4096), 4096) + build.ram_part(be64(2**64 - 1)),
    "ram-xbzrle": HEAD + build.ram_start(build.ram_block("r", 4096), 4096)
    + build.ram_part(be64(0x40) + counted("r") + b"\x01\xff\xff"),
    "ram-compress": HEAD + build.ram_start(build.ram_block("r", 4096), 4096)
    + build.ram_part(be64(0x100) + counted("r") + be32(2**32 - 1)),
    "description": HEAD + build.END + build.description(b"{}", 2**32 - 1),
    "description-short": HEAD + build.END + build.description(b'{"devices": []}', 3),
    "description-none": HEAD + build.END + build.description(b""),
    "packaged": HEAD + build.packaged(b"", 2**32 - 1),
    "packaged-1g": HEAD + build.packaged(b"", 1 << 30),
    "packaged-long": HEAD + build.packaged(build.full(3, "one", b"1"), 99) + build.END,
    "packaged-short": HEAD + build.packaged(build.full(3, "one", b"1"), 9) + build.END,
    "packaged-nested": HEAD + build.packaged(build.packaged(build.packaged(b"\x04"))) + build.END,
    "command": HEAD + build.command(2, b"", 0xFFFF),
    "command-unknown": HEAD + build.command(0xFFFF, bytes(20)),
    "command-discard": HEAD + build.command(6, b"\0" + b"\xff" + bytes(30)),
    "command-discard-odd": HEAD + build.command(6, b"\0" + counted("r") + b"\0" + bytes(19)),
    "command-bitmap": HEAD + build.command(10, b"\xffr"),
    "device-subsection": HEAD + build.full(3, "one", build.ONE_BYTES.replace(b"\x08one/more", b"\xffone/more"))
    + build.END + build.description(described(build.ONE)),
    "no-end": HEAD + build.PAGE_RAM,
    "part-without-start": HEAD + build.ram_part(),
    "id": HEAD + b"\x02" + be32(2**32 - 1),
}  # fmt: skip


@pytest.mark.parametrize("data", LENGTHS.values(), ids=LENGTHS.keys())
def test_lengths_at_their_limits(data: bytes) -> None:
    examine(data, len(data))


@pytest.mark.parametrize("data", LENGTHS.values(), ids=LENGTHS.keys())
def test_lengths_at_their_limits_in_a_pipe(data: bytes) -> None:
    examine(Trickle(data), len(data))


@pytest.mark.parametrize("deep", [50, 1000, 10_000])
def test_packages_inside_packages(deep: int) -> None:
    data = b"\x04"
    for _ in range(deep):
        data = build.packaged(data)
    examine(HEAD + data + build.END, len(HEAD + data) + 1)


@pytest.mark.parametrize("name", ["spapr/htab", "s390-storage_attributes", "s390-skeys", "dirty-bitmap",
                                  "block", "slirp", "vfio", "pbs-state", "ram", "0000:00:02.0/vfio"])  # fmt: skip
@pytest.mark.parametrize("kind", [1, 4])
def test_every_codec_on_limits_and_noise(name: str, kind: int) -> None:
    pick = random.Random(name)  # noqa: S311
    start = build.section_start(kind, 9, name)
    for body in (b"", b"\0" * 99, b"\xff" * 999, b"\x7f" + b"\xff" * 99, pick.randbytes(5000), be64(HUGE) * 9,
                 *(pick.randbytes(40) for _ in range(20)), *(bytes((0,) * 7 + (n,)) + b"\xff" * 40 for n in range(33))):  # fmt: skip
        for tail in (b"", build.footer(9) + build.END):
            data = HEAD + start + body + tail
            examine(data, len(data))


# --- the description ---------------------------------------------------------------------------

BAD: list[Any] = [
    HUGE,
    HUGE + 1,
    2**64,
    10**400,
    -1,
    -HUGE,
    0,
    4.0,
    1e308,
    "4",
    "",
    None,
    True,
    [],
    [[[]]],
    {},
]
U32 = {"vmsd_name": "s", "version": 1, "fields": [field("x", "uint32", 4)]}
EMPTY = {"vmsd_name": "s", "version": 1, "fields": []}


def two(*fields: Any, **more: Any) -> dict[str, Any]:
    return described(build.ONE, device("two", list(fields), **more))


def descriptions() -> Iterator[tuple[str, Any]]:
    for index, bad in enumerate(BAD):
        yield f"size-{index}", two(field("n", "uint32", bad))
        yield f"size-buffer-{index}", two(field("n", "buffer", bad))
        yield f"array-{index}", two(field("n", "uint8", 1, array_len=bad))
        yield (
            f"array-of-nothing-{index}",
            two(field("z", "uint8", 0, array_len=bad), field("n", "uint32", 4)),
        )
        yield (
            f"array-nullptr-{index}",
            two(field("z", "nullptr", 0, array_len=bad), field("n", "uint32", 4)),
        )
        yield f"runs-{index}", two(field("z", "uint8", 0, array_len=bad), field("z", "nullptr", 0, array_len=bad),
                                   field("n", "uint32", 4))  # fmt: skip
        yield f"structs-{index}", two(field("n", "struct", 4, array_len=bad, struct=U32))
        yield (
            f"empty-structs-{index}",
            two(field("z", "struct", 0, array_len=bad, struct=EMPTY), field("n", "uint32", 4)),
        )
        yield f"struct-size-{index}", two(field("n", "struct", bad, struct=U32))
        yield f"struct-{index}", two(field("n", "struct", 4, struct=bad))
        yield f"name-{index}", two(field(bad, "uint32", 4))
        yield f"type-{index}", two(field("n", bad, 4))
        yield f"fields-{index}", described(build.ONE, device("two", bad))
        yield f"field-{index}", two(bad)
        yield f"subsections-{index}", two(field("n", "uint32", 4), subsections=bad)
        yield (
            f"instance-{index}",
            described(build.ONE, device("two", [field("n", "uint32", 4)], bad)),
        )
        yield f"device-{index}", described(build.ONE, bad)
        yield f"device-size-{index}", two(field("n", "uint32", 4), size=bad)
        yield f"version-{index}", two(field("n", "uint32", 4)) | {"configuration": bad}
        yield f"page-size-{index}", described(build.ONE, page_size=bad)
        yield f"devices-{index}", {"page_size": 4096, "devices": bad}
        yield f"root-{index}", bad
    for name in ("qtailq", "qlist", "gtree", "tmp", "virtio", "bitmap", "str", "timer", "float64", "bool", "ptr-marker",
                 "unused_buffer", "CPU_QuadU", "pci config", "fifo8", "nullptr"):  # fmt: skip
        for size in (0, 1, 3, 4):
            rest = [field("pad", "buffer", 4 - size)]
            yield f"{name}-{size}", two(field("n", name, size), *rest)
            yield f"{name}-{size}-array", two(field("n", name, size, array_len=1), *rest)
            yield f"{name}-{size}-inline", two(field("n", name, size) | U32, *rest)
    yield "surrogates", json.dumps(two(field("\ud800", "uint32", 4))).encode()
    yield "slashes", two(field("a/b[3]..", "uint32", 4))
    yield "same", described(build.ONE, build.ONE, *[device("two", [field("n", "uint32", 4)])] * 3)
    yield (
        "not-utf8",
        json.dumps(described(build.ONE)).encode().replace(b"flag", b"\xff\xfe\xfd\xfc"),
    )
    yield "nan", b'{"page_size": NaN, "devices": [{"name": "two", "instance_id": Infinity}]}'
    for deep in (100, 900, 10_000):
        yield f"lists-{deep}", b'{"devices": ' + b"[" * deep + b"]" * deep + b"}"
        yield f"open-lists-{deep}", b'{"devices": ' + b"[" * deep
        yield f"objects-{deep}", b'{"devices": ' + b'{"a": ' * deep + b"1" + b"}" * (deep + 1)
        inner = b'{"vmsd_name": "s", "version": 1, "fields": [{"name": "n", "type": "struct", "size": 4, "struct": '
        head = b'{"page_size": 4096, "devices": [{"name": "two", "instance_id": 0, "fields": [{"name": "n", "type": "struct", "size": 4, "struct": '
        yield f"structs-{deep}", head + inner * deep + b"{}" + b"}]}" * (deep + 1) + b"]}"


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in descriptions()])
def test_descriptions_that_no_qemu_writes(text: Any) -> None:
    raw = text if isinstance(text, bytes) else json.dumps(text).encode()
    data = small(raw)
    stream = examine(data, len(data))
    assert {"one", "two"} <= {d.name for d in stream.devices}, "the devices are there all the same"
    piped = examine(Trickle(data), len(data))
    assert {"one", "two"} <= {d.name for d in piped.devices}
    assert [(e.code, e.at) for e in piped.damage] == [(e.code, e.at) for e in stream.damage]


def test_a_description_nested_too_deep_is_named() -> None:
    raw = b'{"devices": ' + b"[" * 10_000 + b"]" * 10_000 + b"}"
    data = small(raw)
    (error,) = examine(data, len(data)).damage
    assert error.code == "MS130"
    assert error.at == len(data) - len(raw)


@pytest.mark.parametrize("text", [b"", b"{", b"x", b"{}]", b'{"devices": [', b"[1]", b"\0\0\0"])
def test_a_description_that_is_none_is_named(text: bytes) -> None:
    """Framed rightly, so the walk knows where it is; what it holds is not JSON, or not whole."""
    data = small(text)
    for source in (data, Trickle(data)):
        assert [e.code for e in examine(source, len(data)).damage] == ["MS130"]


# --- not streams at all ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"Q",
        b"QEVM",
        b"QEVM\0\0\0\x03",
        b"QEVM\0\0\0\x02" + bytes(40),
        b"Just some text.\n" * 40,
        bytes(1 << 20),
        b"\xff" * (1 << 20),
        random.Random(1).randbytes(1 << 16),  # noqa: S311
        b"QEVM\0\0\0\x03" + random.Random(2).randbytes(1 << 16),  # noqa: S311
        b"QEVM\0\0\0\x03" * 9999,
        b"QEVM\0\0\0\x03" + b"~\0\0\0\0" * 9999,
        build.HEADER + build.configuration() + build.section_start(4, 3, "x") + b"~\0\0\0\x00" * 40_000,
        build.HEADER + build.configuration() + build.section_start(4, 3, "x") + b"~\0\0\0\x03" * 40_000,
        build.HEADER + build.configuration() + build.section_start(4, 3, "x") + b"\x04\0\0\0\x03\x01x" * 20_000,
        b"QEVM\0\0\0\x03\x09" + b'\x00\x06\x00\x00\x00\x20{ "' * 9999,
        b"\0\x06\0\0\0\x03" + b"{}}",
        b"\x1f\x8b" + bytes(99),
        b"LibvirtQemudSave" + bytes(300),
        b"\xfd7zXZ\0" + bytes(99),
        b"BZh9" + bytes(99),
        b"\x28\xb5\x2f\xfd" + bytes(99),
    ],
    ids=range(22),
)  # fmt: skip
def test_what_is_no_stream(data: bytes, tmp_path: Path) -> None:
    assert examine(data, len(data)).damage
    assert examine(Trickle(data), len(data)).damage
    path = tmp_path / "input"
    path.write_bytes(data)
    with bounded(), open_anything(path) as stream:
        if not data.startswith((b"\x1f\x8b", b"\xfd7zXZ\0", b"BZh", b"\x28\xb5\x2f\xfd")):
            covers(stream.items, 0, len(data))
            assert stream.damage
            return
        # packed, and nothing comes out that could be a stream
        assert attempt(lambda: stream.items, 1 << 62) or stream.damage


def test_a_directory_and_a_file_that_is_not_there(tmp_path: Path) -> None:
    cases = (
        (tmp_path, NotAStream, 3),
        (tmp_path / "missing", SourceError, 5),
        (str(tmp_path), NotAStream, 3),
    )
    for path, kind, status in cases:
        with pytest.raises(kind) as caught:
            migstream.open(path)
        assert caught.value.exit_status == status


@settings(max_examples=150, deadline=None)
@example(b"\xa1\xb2\xc3\xd4", 0)  # as a capture begins
@example(b"\x04\x22\x4d\x18", 0)
@example(b"QFI\xfb", 0)
@example(b"QFI\xfb" + b"\0\0\0\3" + b"\xff" * 100, 0)
@example(b"\x89LZO\0\r\n\x1a\n", 0)
@example(b"LibvirtQemudPart", 0)
@example(b"LibvirtQemudSave" + b"\xff" * 100, 0)
@given(st.binary(max_size=400), st.integers(0, 3))
def test_noise_in_each_part(noise: bytes, where: int) -> None:
    parts = [
        noise, build.HEADER + noise, HEAD + noise, HEAD + build.PAGE_RAM + noise + build.END,
    ]  # fmt: skip
    data = parts[where]
    refused = attempt(lambda: examine(data, len(data)), len(data))
    if refused is not None:  # as what it begins like, and as nothing else
        assert isinstance(refused, SourceError)
        assert data.startswith(CONTAINERS), refused


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["name", "type", "size", "fields", "struct", "vmsd_name", "array_len", "subsections", "devices"]),
        inner, max_size=5,
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(JSON)
def test_any_json_as_a_device(value: Any) -> None:
    data = small(described(build.ONE, value))
    examine(data, len(data))


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zstd": lambda data: zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1}),
}


@pytest.mark.parametrize("packer", PACKERS.values(), ids=PACKERS.keys())
@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
def test_a_packed_stream_that_is_damaged(
    packer: Callable[[bytes], bytes], part: float, tmp_path: Path
) -> None:
    """Never an exception of gzip, lzma, bz2 or zstd; never silence."""
    packed = packer(small(tail=random.Random(3).randbytes(600_000)))  # noqa: S311
    at = int(len(packed) * part)
    cut, flipped = packed[:at], packed[:at] + bytes((packed[at] ^ 0xFF,)) + packed[at + 1 :]
    for number, bad in enumerate((cut, flipped)):
        path = tmp_path / str(number)
        path.write_bytes(bad)
        with bounded(), open_anything(path) as stream:
            said: list[MigstreamError] = []
            try:
                covers(stream.items, 0, stream.size)
                said += stream.damage
            except MigstreamError as error:
                said.append(error)
            assert said


# --- pipes -------------------------------------------------------------------------------------


def test_a_pipe_byte_by_byte_gives_what_the_file_gives(tiny: bytes) -> None:
    for data in (tiny, small(), small(tail=b"\0" * 100), small(tail=b"garbage")):
        piped, whole = examine(Trickle(data, ones()), len(data)), examine(data, len(data))
        assert shape(piped) == shape(whole)
        assert plain(piped) == plain(whole)
        assert piped.damage == whole.damage == []


def test_a_real_pipe(tiny: bytes) -> None:
    read, write = os.pipe()

    def feed() -> None:
        with os.fdopen(write, "wb") as sink:
            sink.write(tiny)

    feeder = threading.Thread(target=feed)
    feeder.start()
    with os.fdopen(read, "rb") as source:
        assert shape(examine(source, len(tiny))) == shape(open_anything(tiny))
    feeder.join()


def test_a_pipe_cut_at_every_percent(microvm: bytes) -> None:
    for data in (microvm, small()):
        for percent in range(100):
            cut = data[: len(data) * percent // 100]
            assert examine(Trickle(cut), len(cut)).damage, f"{percent} %"


WHOLE = small(tail=b"\0" * 9)
BROKEN = bytearray(WHOLE)
BROKEN[WHOLE.index(b"\x05\xff\xff\xff\xfa")] ^= 1
BROKEN[WHOLE.index(build.footer(3))] ^= 1


@pytest.mark.parametrize(
    "data", [WHOLE, bytes(BROKEN), WHOLE[:-700]], ids=["whole", "broken", "cut"]
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(sizes=st.lists(st.integers(1, 3000), max_size=30), window=st.integers(1, 4000))
def test_any_split_of_a_pipe_gives_the_same(
    monkeypatch: pytest.MonkeyPatch, data: bytes, sizes: list[int], window: int
) -> None:
    once = examine(Trickle(data), len(data))
    with monkeypatch.context() as patch:
        patch.setattr("migstream.wire.push.WINDOW", window)
        split = examine(Trickle(data, iter(sizes)), len(data))
    assert shape(split) == shape(once)
    assert plain(split) == plain(once)
    assert [str(e) for e in split.damage] == [str(e) for e in once.damage]


@pytest.mark.parametrize("size", [100, 1 << 20, 5 << 20])
@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
@pytest.mark.parametrize(
    "head",
    [
        b"\x63",
        build.HEADER + b"\x63",
        HEAD + build.PAGE_RAM + b"\x63",
        HEAD + build.PAGE_RAM[:-40] + b"\xff",
        HEAD + build.ram_start(build.ram_block("r", 2**63), 4096),
    ],
    ids=["magic", "header", "frame", "ram", "blocks"],
)
def test_every_byte_of_a_damaged_pipe_is_counted(head: bytes, fill: bytes, size: int) -> None:
    data = head + fill * size
    piped, whole = examine(Trickle(data), len(data)), examine(data, len(data))
    assert shape(piped) == shape(whole)
    assert piped.size == len(data)


# --- much of it --------------------------------------------------------------------------------

MEASURE = """
import resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]) << 20,) * 2)
import migstream
begun = time.perf_counter()
stream = migstream.open(sys.argv[1])
items = stream.items
print(items[-1].span.stop, len(stream.damage), [e.code for e in stream.damage], [d.name for d in stream.devices])
high = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(high.split()[1]) >> 10, file=sys.stderr)
"""
BLOCKS = 70_000
GIB = 1 << 30


def measured(argument: str, limit: int, feed: Iterator[bytes] | None = None) -> tuple[str, int]:
    """What `MEASURE` printed, and its peak of resident memory in MiB."""
    needs_proc()
    child = subprocess.Popen(
        [sys.executable, "-c", MEASURE, argument, str(limit)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    with child:
        assert child.stdin is not None
        try:
            for piece in feed or ():
                child.stdin.write(piece)
        except BrokenPipeError:
            pass
        out, err = child.communicate(timeout=30)
    assert child.returncode == 0, err.decode()[-2000:]
    return out.decode(), int(err)


def endless(first: Iterator[bytes], then: bytes, size: int) -> Iterator[bytes]:
    yield from first
    for _ in range(0, size, len(then)):
        yield then


def test_a_block_list_of_1_gib_in_a_pipe() -> None:
    feed = endless(build.block_list(BLOCKS), build.ram_block(b"x" * 255, 0) * 4000, GIB)
    said, peak = measured("-", 1024, feed)
    assert "MS110" in said
    assert peak < 400


def test_a_block_list_of_1_gib_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "list.mig"
    with path.open("wb") as sink:
        for piece in build.block_list(BLOCKS):
            sink.write(piece)
        sink.truncate(GIB)
    said, peak = measured(str(path), 2048)
    assert said.startswith(str(GIB))
    assert "MS110" in said
    assert peak < 1500  # the file's own pages count as resident


def test_zeros_without_end_behind_a_stream() -> None:
    data = small()
    said, peak = measured("-", 1024, endless(iter([data]), bytes(1 << 20), GIB // 4))
    assert said.split()[:2] == [str(len(data) + GIB // 4), "0"]
    assert peak < 200


@pytest.mark.parametrize("verb", ["info", "check", "extract"])
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom"])
def test_what_has_no_end_and_is_no_stream_ends(verb: str, device: str, tmp_path: Path) -> None:
    """It fills no disk: no more of it is kept than is looked at."""
    if not Path(device).is_char_device():
        pytest.skip(f"no {device} here")
    words = [sys.executable, "-m", "migstream", verb, device]
    said = subprocess.run(
        [*words, *(["-o", str(tmp_path / "out")] if verb == "extract" else [])],
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert said.returncode == 3
    assert b"not a migration stream" in said.stdout + said.stderr
    assert b"found nothing" not in said.stdout + said.stderr


@pytest.mark.parametrize(
    "head",
    [
        HEAD + build.packaged(b"", 1 << 30),
        HEAD + build.packaged(b"", 2**32 - 1),
        HEAD + build.END + build.description(b"{", 2**32 - 1),
        HEAD + build.section_start(4, 3, "x"),
    ],
    ids=["packaged", "packaged-max", "description", "device"],
)
def test_what_a_pipe_announces_is_not_all_held(head: bytes) -> None:
    said, _ = measured("-", 1024, endless(iter([head]), bytes(1 << 20), 900 << 20))
    assert "MS" in said


def test_many_damaged_places_take_no_longer_each() -> None:
    count = 12_000
    one = build.section_start(4, 3, "d") + b"xx" + build.footer(77)
    fields = [field("n", "buffer", 2)]
    text = described(device("q", [field("n", "buffer", 1)]), *[device("d", fields)] * count)
    data = HEAD + build.full(1, "q", b"1") + one * count + build.END + build.description(text)
    assert len(examine(data, len(data)).damage) == count


def test_a_device_without_end_in_a_pipe() -> None:
    data = HEAD + build.section_start(4, 3, "x") + b"payload"
    with bounded(20, 1024):
        size = 64 << 20
        source: Any = Trickle(data + bytes(size))
        stream = open_anything(source)
        covers(stream.items, 0, len(data) + size)
        assert stream.damage


# --- the command -------------------------------------------------------------------------------

COMMAND_CASES: dict[str, tuple[bytes | None, int]] = {
    "empty": (b"", 3),
    "text": (b"Just some text.\n" * 9, 3),
    "zeros": (bytes(4096), 3),
    "cut": (small()[:-500], 3),
    "cut-in-ram": (small()[:2000], 3),
    "deep": (small(b'{"devices": ' + b"[" * 10_000), 3),
    "footer": (bytes(BROKEN), 3),
    "directory": (None, 3),
}


@pytest.mark.parametrize("verb", ["info", "ls"])
@pytest.mark.parametrize("case", COMMAND_CASES)
def test_the_command_says_it_in_a_paragraph(case: str, verb: str, tmp_path: Path) -> None:
    data, status = COMMAND_CASES[case]
    path = tmp_path / "input"
    if data is None:
        path.mkdir()
    else:
        path.write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-m", "migstream", verb, str(path)],
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    said = done.stderr.strip()
    assert said
    assert len(said.splitlines()) <= 8
    if case.startswith(("cut", "footer", "deep")):
        assert "none" in done.stdout, "what could be read is shown"


def test_nothing_is_asked_in_vain() -> None:
    """The checks themselves: an error that is not ours comes out."""
    with pytest.raises(ZeroDivisionError):
        attempt(lambda: 1 // 0, 0)
    with pytest.raises(AssertionError):
        attempt(lambda: (_ for _ in ()).throw(ParseError("x", at=5)), 4)
