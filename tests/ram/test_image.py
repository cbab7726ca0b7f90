"""The memory image against a model that does nothing but what the records say, one after another."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import migstream
from migstream.errors import BadRam, MigstreamError, NoSuchAddress, Unsupported
from migstream.ram import awaited, pages
from migstream.ram.sidecar import SUFFIX
from support import build
from support.build import be32, be64, counted, xbzrle_delta
from support.samples import Sample

P = 1024
BORDERS = 2 << 12  # bytes of a table that one row can need beside those that its pages fill
ZERO, PAGE, CONT, XBZRLE, COMPRESS = 2, 8, 0x20, 0x40, 0x100
PAGE_BITS = build.subsection("configuration/target-page-bits", be32(P.bit_length() - 1))
SIZES = {"a": 9 * P, "/rom@../b": 3 * P}


def stream_of(*records: bytes, sizes: dict[str, int] = SIZES, end: bool = True) -> bytes:
    return build.memory(records, sizes, P, end=end)


def record(name: str, page: int, flags: int, body: bytes) -> bytes:
    return be64(page * P | flags) + counted(name) + body


def every_page(fill: bytes = b"\0") -> bytes:
    return b"".join(
        record(name, page, ZERO, fill) for name, size in SIZES.items() for page in range(size // P)
    )


@dataclass(repr=False)
class Sent:
    """A stream of random records, what memory it leaves, and every version of every page."""

    raw: bytes
    memory: dict[str, bytes]
    versions: dict[tuple[str, int], list[bytes]]

    def __repr__(self) -> str:
        return f"<{len(self.raw)} bytes, pages {list(self.versions)}>"

    def _repr_pretty_(self, printer: Any, _: bool) -> None:
        printer.text(repr(self))


@st.composite
def sent(draw: st.DrawFn) -> Sent:
    memory = {name: bytearray(size) for name, size in SIZES.items()}
    memory["a"][:P] = b"1" * P  # a stream of zero pages alone could be one with multifd channels
    versions = {("a", 0): [b"1" * P]}
    records = [record("a", 0, PAGE, b"1" * P)]
    for _ in range(draw(st.integers(0, 30))):
        name = draw(st.sampled_from(list(SIZES)))
        page = draw(st.integers(0, SIZES[name] // P - 1))
        here = slice(page * P, (page + 1) * P)
        old = bytes(memory[name][here])
        kind = draw(st.sampled_from((ZERO, PAGE, XBZRLE, COMPRESS)))
        if kind == ZERO:
            fill = draw(st.sampled_from((b"\0", b"\0", b"\x5a")))
            new, body = fill * P, fill
        elif kind == XBZRLE:
            changed = bytearray(old)
            at = draw(st.integers(0, P - 8))
            changed[at : at + 8] = draw(st.binary(min_size=8, max_size=8))
            new = bytes(changed)
            delta = xbzrle_delta(old, new)
            body = b"\1" + struct.pack(">H", len(delta)) + delta
        else:
            new = (draw(st.binary(min_size=1, max_size=9)) * P)[:P]
            packed = zlib.compress(new, 1)
            body = new if kind == PAGE else be32(len(packed)) + packed
        memory[name][here] = new
        versions.setdefault((name, page), []).append(new)
        records.append(record(name, page, kind, body))
    return Sent(stream_of(*records), {n: bytes(m) for n, m in memory.items()}, versions)


@settings(deadline=None)
@given(sent(), st.data())
def test_the_last_writer_wins(made: Sent, data: st.DataObject) -> None:
    raw, memory, versions = made.raw, made.memory, made.versions
    with migstream.open(raw) as stream:
        touched = {name for name, _ in versions}
        for name in touched:
            block, whole = stream.ram[name], memory[name]
            assert block[:] == whole
            start = data.draw(st.integers(0, len(whole)))
            stop = data.draw(st.integers(start, len(whole)))
            assert block[start:stop] == whole[start:stop]
            assert block.array(start, stop).tobytes() == whole[start:stop]
            runs = list(block.runs())
            assert [runs[0].start, runs[-1].stop] == [0, block.size]
            for run in runs:
                piece = whole[run.start : run.stop]
                known = [(name, page) in versions for page in range(run.start // P, run.stop // P)]
                assert all(known) if run.kind != "absent" else not any(known)
                assert run.kind == "data" or piece == bytes(len(piece))
        for name in set(SIZES) - touched:
            with pytest.raises(NoSuchAddress, match="not in this stream"):
                stream.ram[name].read(0, 1)
        for (name, page), each in versions.items():
            found = stream.history(name, page * P + 5)
            assert [v.data for v in found] == each


@settings(deadline=None, max_examples=25)
@given(made=sent())
def test_an_index_gives_the_same(made: Sent, tmp_path_factory: pytest.TempPathFactory) -> None:
    raw, versions = made.raw, made.versions
    path = tmp_path_factory.mktemp("index") / "a.mig"
    path.write_bytes(raw)
    index = Path(f"{path}{SUFFIX}")
    with migstream.open(path) as stream:
        fd = os.open(index, os.O_CREAT | os.O_RDWR)
        assert stream.write_index(fd) == index.stat().st_size
        os.close(fd)
    with migstream.open(path) as walked, migstream.open(path) as indexed:
        assert indexed._indexed is not None
        assert walked.items
        assert walked._image is not None
        fresh = walked._ram_codec
        assert fresh is not None
        for name in {n for n, _ in versions}:
            assert indexed.ram[name][:] == walked._image.ram(fresh.blocks, fresh.summary())[name][:]
        assert indexed.ram.summary == fresh.summary()
    # an index of another state is not used
    os.utime(path, ns=(1, 1))
    with migstream.open(path) as stream:
        assert stream._indexed is None


def test_an_index_of_many_blocks(tmp_path: Path) -> None:
    """Their names take more than a page of the index."""
    sizes = {f"block-{n:03}": P for n in range(200)}
    path = tmp_path / "a.mig"
    records = [record(name, 0, PAGE, name.encode().ljust(P, b".")) for name in sizes]
    path.write_bytes(stream_of(*records, sizes=sizes))
    index = Path(f"{path}{SUFFIX}")
    with migstream.open(path) as stream, index.open("wb") as file:
        stream.write_index(file.fileno())
    with migstream.open(path) as stream:
        assert stream._indexed is not None
        assert [stream.read(name, 0, 9) for name in sizes] == [name.encode() for name in sizes]


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_a_damaged_index_is_never_worse_than_none(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("index") / "a.mig"
    delta = xbzrle_delta(bytes(P), b"x" * 99 + bytes(P - 99))
    change = record("a", 1, XBZRLE, b"\1" + struct.pack(">H", len(delta)) + delta)
    path.write_bytes(stream_of(every_page(), change, record("a", 2, PAGE, b"y" * P)))
    index = Path(f"{path}{SUFFIX}")
    with migstream.open(path) as stream:
        fd = os.open(index, os.O_CREAT | os.O_RDWR)
        stream.write_index(fd)
        os.close(fd)
    raw = bytearray(index.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    index.write_bytes(raw[: data.draw(st.just(len(raw)) | st.integers(0, len(raw)))])
    with migstream.open(path) as stream:
        try:
            for name in stream.ram:
                stream.ram[name].coverage()
                stream.ram[name].read(0, stream.ram[name].size)
        except MigstreamError:
            pass


def test_a_zero_page_after_data_clears_it() -> None:
    with migstream.open(
        stream_of(every_page(), record("a", 2, PAGE, b"x" * P), record("a", 2, ZERO, b"\0"))
    ) as stream:
        assert stream.ram["a"][2 * P : 3 * P] == bytes(P)
        assert [v.kind for v in stream.history("a", 2 * P)] == ["zero", "page", "zero"]


def test_access_like_any_sequence() -> None:
    with migstream.open(stream_of(every_page(), record("a", 0, PAGE, bytes(range(256)) * 16))) as s:
        block = s.ram["a"]
        assert len(block) == 9 * P
        assert block[3] == b"\3"
        assert block[-1] == b"\0"
        assert block[1:9:2] == bytes((1, 3, 5, 7))
        assert block[5:2] == b""
        assert block.array(0, 4).dtype == np.uint8
        for start, stop in ((0, 9 * P + 1), (-1, 2), (9 * P, 9 * P + 1), (2, 1)):
            with pytest.raises(NoSuchAddress):
                block.read(start, stop)
        with pytest.raises(NoSuchAddress, match="no RAM block 'b'"):
            s.ram["b"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"\1\0\2\0\0", "without new bytes"),
        (b"\1\0\4\xff\x07\x02x", "past the page"),
        (b"\1\0\2\0\x10", "cut off"),
    ],
)
def test_bad_deltas_are_named_with_their_place(body: bytes, words: str) -> None:
    raw = stream_of(every_page(), record("a", 1, XBZRLE, body))
    with migstream.open(raw) as stream:
        assert stream.ram["a"][0:P] == bytes(P)
        with pytest.raises(BadRam, match=words) as caught:
            stream.ram["a"].read(0, 2 * P)
        assert caught.value.at is not None
        assert raw.index(body) <= caught.value.at <= raw.index(body) + len(body)


@pytest.mark.parametrize(
    "packed", [zlib.compress(bytes(P - 1)), zlib.compress(bytes(64 << 20))[:P], b"garbage", b""]
)
def test_bad_compressed_pages_are_named(packed: bytes) -> None:
    """A bomb too: no more than a page and a byte is ever unpacked."""
    raw = stream_of(every_page(), record("a", 1, COMPRESS, be32(len(packed)) + packed))
    with migstream.open(raw) as stream, pytest.raises(BadRam, match="decompress data failed"):
        stream.ram["a"].read(P, 2 * P)


@pytest.mark.parametrize("size", [1 << 63, (1 << 52) + P])
def test_blocks_beyond_all_bounds_are_refused(size: int) -> None:
    raw = stream_of(record("a", 0, ZERO, b"\0"), sizes={"a": size})
    with migstream.open(raw) as stream:
        assert stream.damage
        assert stream.damage[0].at is not None
        assert "bytes" in stream.damage[0].message


def test_huge_blocks_cost_what_they_hold() -> None:
    size = 1 << 44
    raw = stream_of(
        record("a", 0, PAGE, b"x" * P), record("a", size // P - 1, ZERO, b"\1"), sizes={"a": size}
    )
    with migstream.open(raw) as stream:
        assert stream.ram["a"][-3:] == b"\1\1\1"
        assert stream.ram["a"][:3] == b"xxx"


def test_scattered_records_do_not_exhaust_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    assert awaited.MOST * BORDERS <= pages.TABLE_FLOOR
    monkeypatch.setattr(pages, "TABLE_FLOOR", 1 << 16)
    monkeypatch.setattr(awaited, "MOST", (1 << 16) // BORDERS)
    records = [record("a", n << 9, ZERO, b"\0") for n in range(1 << 10)]
    with migstream.open(stream_of(*records, sizes={"a": P << 20})) as stream:
        assert any("scattered" in error.message for error in stream.damage)


@pytest.mark.parametrize("most", [0, 1, 5, 4096])
def test_an_image_is_the_same_however_long_it_waits(
    monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(awaited, "MOST", most)
    records = [
        every_page(),
        *(record("a", page, PAGE, bytes([page]) * P) for page in (3, 4, 7, 3)),
    ]
    with migstream.open(stream_of(*records)) as stream:
        assert not stream.damage
        held = {name: block.read(0, block.size) for name, block in stream.ram.items()}
    assert held["a"] == b"".join(bytes([n if n in {3, 4, 7} else 0]) * P for n in range(9))
    assert held["/rom@../b"] == bytes(3 * P)


def test_addresses_outside_a_block_are_refused() -> None:
    with migstream.open(stream_of(record("a", 9, PAGE, bytes(P)))) as stream:
        assert "Illegal RAM offset" in stream.damage[0].message


def test_pages_in_channels_are_not_taken_for_zeros() -> None:
    half = b"".join(record("a", page, ZERO, b"\0") for page in range(4))
    with migstream.open(stream_of(half)) as stream:
        with pytest.raises(NoSuchAddress) as caught:
            stream.ram["a"].read(0, 1)
        assert "--channel" in caught.value.hint


def test_shared_memory_is_absent(named_sample: Callable[[str], Sample]) -> None:
    with migstream.open(named_sample("pc-ignore-shared-7.2.mig").path) as stream:
        shared = [b for b in stream.ram.values() if b.elsewhere is not None]
        assert shared
        assert [r.kind for r in shared[0].runs()] == ["absent"]
        with pytest.raises(NoSuchAddress, match="not in this stream") as caught:
            shared[0].read(0, 16)
        assert "x-ignore-shared" in caught.value.hint


def test_a_pipe_keeps_memory_only_when_told() -> None:
    raw = stream_of(every_page(), record("a", 1, PAGE, b"x" * P))
    reader, writer = os.pipe()
    os.write(writer, raw)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe, migstream.open(pipe, spool=True) as stream:
        assert stream.ram["a"][P : P + 3] == b"xxx"
    reader, writer = os.pipe()
    os.write(writer, raw)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe, migstream.open(pipe) as stream:
        with pytest.raises(NoSuchAddress) as caught:
            stream.ram["a"].read(0, 1)
        assert "pipe" in caught.value.hint


def test_only_whole_plain_files_get_an_index(tmp_path: Path) -> None:
    fd = os.open(tmp_path / "x", os.O_CREAT | os.O_RDWR)
    with migstream.open(stream_of(every_page())) as stream, pytest.raises(Unsupported):
        stream.write_index(fd)
    cut = tmp_path / "cut.mig"
    cut.write_bytes(stream_of(every_page())[:-20])
    with migstream.open(cut) as stream, pytest.raises(Unsupported, match="damaged"):
        stream.write_index(fd)
    os.close(fd)


# --- mapped-ram --------------------------------------------------------------------------------------

MAPPED = build.subsection("configuration/capabilities", be32(1) + counted("mapped-ram"))


def mapped_stream(
    blocks: dict[str, bytes], *, order: str = "little", pages_at: int | None = None
) -> bytes:
    """Blocks with their contents in areas; `pages_at` lies about where the last one's is."""
    raw = build.HEADER + build.configuration("none", PAGE_BITS + MAPPED)
    raw += build.section_start(1, build.RAM_ID, "ram", version=4)
    raw += be64(sum(map(len, blocks.values())) | build.MEM_SIZE)
    for name, data in blocks.items():
        raw += counted(name) + be64(len(data))
        count = len(data) // P
        bits = sum(any(data[n * P : (n + 1) * P]) << n for n in range(count))
        size = -(-count // 64) * 8
        words = [bits >> 64 * n & (1 << 64) - 1 for n in range(size // 8)]
        bitmap = b"".join(
            word.to_bytes(8, "little" if order == "little" else "big") for word in words
        )
        bitmap_at = len(raw) + 28
        at = -(-(bitmap_at + size) // P) * P
        last = name == list(blocks)[-1]
        raw += struct.pack(
            ">IQQQ", 1, P, bitmap_at, pages_at if last and pages_at is not None else at
        )
        raw += bitmap
        raw = raw.ljust(at, b"\0") + data
    raw += be64(build.EOS) + build.footer(build.RAM_ID)
    return raw + build.ram_part() + build.END


@settings(deadline=None)
@given(st.lists(st.integers(0, 129), max_size=40), st.sampled_from(("little", "big")))
def test_mapped_pages_in_either_byte_order(numbers: list[int], order: str) -> None:
    data = bytearray(130 * P)
    for n in numbers:
        data[n * P + 7] = n + 1
    small = b"\1" * P
    with migstream.open(mapped_stream({"a": bytes(data), "b": small}, order=order)) as stream:
        assert stream.ram["a"][:] == data
        assert stream.ram["a"].coverage()["data"] == len(set(numbers)) * P
        assert stream.damage == []


@pytest.mark.parametrize("pages_at", [0, P, 3 * P, 1 << 40, (1 << 64) - P, 9 * P + 1])
def test_mapped_areas_never_overlap(pages_at: int) -> None:
    """An area lies behind its own bitmap, and what follows in the stream behind the area."""
    raw = mapped_stream({"a": b"\1" * 4 * P, "b": b"\2" * P}, pages_at=pages_at)
    with migstream.open(raw) as stream:
        assert stream.damage
        assert stream.damage[0].at is not None
        assert "pages" in stream.damage[0].message
        assert stream.ram["a"][:] == b"\1" * 4 * P
