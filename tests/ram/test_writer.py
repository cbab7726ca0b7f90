"""Guest memory written and loaded: pages, rounds, deltas, places in a file."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import migstream
from migstream.errors import BadRam, StreamError, Truncated
from migstream.ram import kernel
from migstream.ram.model import RamRecords
from migstream.ram.xbzrle import xbzrle_encode
from migstream.savevm import SaveVM
from migstream.savevm.ram import Block, GuestRam, XbzrleCache
from migstream.wire.model import Section

PAGE = 4096


def machine(ram: GuestRam, **options: object) -> SaveVM:
    capabilities = ["mapped-ram"] if ram.mapped else []
    vm = SaveVM("toy", **({"capabilities": capabilities} | options))  # type: ignore[arg-type]
    vm.register_live("ram", ram)
    return vm


def memory(pages: int, seed: int = 1, zeros: float = 0.5) -> bytearray:
    """Pages, some of them zero."""
    rng = random.Random(seed)  # noqa: S311
    return bytearray(
        b"".join(bytes(PAGE) if rng.random() < zeros else rng.randbytes(PAGE) for _ in range(pages))
    )


def blank(*sizes: int) -> list[Block]:
    return [Block(f"block{n}", bytearray(size)) for n, size in enumerate(sizes)]


def saved(ram: GuestRam) -> bytes:
    out = io.BytesIO()
    machine(ram).save(out)
    return out.getvalue()


def loaded(raw: bytes, *sizes: int, mapped: bool = False) -> list[bytes]:
    blocks = blank(*sizes)
    machine(GuestRam(blocks, mapped=mapped)).load(raw)
    return [block.memory.tobytes() for block in blocks]


def read(raw: bytes, path: Path) -> list[bytes]:
    """What migstream's reader finds in a stream."""
    path.write_bytes(raw)
    with migstream.open(path) as stream:
        assert not list(stream.damage)
        assert stream.ram is not None
        return [bytes(stream.ram[name][:]) for name in stream.ram]


def test_memory_comes_back(tmp_path: Path) -> None:
    first, second = memory(700), memory(3, seed=2)
    raw = saved(GuestRam([Block("block0", first), Block("block1", second)]))
    assert loaded(raw, len(first), len(second)) == [first, second]
    assert read(raw, tmp_path / "ram.mig") == [first, second]


def test_records() -> None:
    """The block's name stands in its first record only; a zero page is one byte of content."""
    content = bytearray(PAGE) + bytearray(b"x" * PAGE) + bytearray(PAGE)
    raw = saved(GuestRam([Block("m", content)]))
    part = raw[raw.index(b"\2\0\0\0\1") + 5 :]
    assert part.startswith(b"\0\0\0\0\0\0\0\x02\1m\0" + b"\0\0\0\0\0\0\x10\x28" + b"x" * PAGE)
    assert part[3 * 8 + 3 + PAGE - 8 :].startswith(
        b"\0\0\0\0\0\0\x20\x22\0" + b"\0\0\0\0\0\0\0\x10"
    )


def _deltas(path: Path) -> int:
    """XBZRLE records of a stream."""
    with migstream.open(path) as stream:
        contents = [each.content for each in stream.items if isinstance(each, Section)]
    records = [each for each in contents if isinstance(each, RamRecords)]
    return sum(block.tally.xbzrle for each in records for block in each.blocks)


@pytest.mark.parametrize("xbzrle", [0, 1 << 20])
def test_rounds(xbzrle: int, tmp_path: Path) -> None:
    """What changes while it is sent is sent again; the last version counts."""
    content = memory(64, zeros=0.3)
    block = Block("block0", content)
    ram = GuestRam([block], xbzrle=xbzrle)
    out = io.BytesIO()
    stream = machine(ram).begin(out)
    rng = random.Random(3)  # noqa: S311
    for _ in range(6):
        stream.iterate()
        for _ in range(10):
            at = rng.randrange(len(content) - 8)
            block.memory[at : at + 8] = rng.randbytes(8)
            block.mark(at, 8)
        page = rng.randrange(64) * PAGE
        block.memory[page : page + PAGE] = bytes(PAGE)
        block.mark(page, PAGE)
    assert stream.pending()
    stream.complete()
    assert not ram.pending()
    raw = out.getvalue()
    assert loaded(raw, len(content)) == [content]
    assert read(raw, tmp_path / "ram.mig") == [content]
    assert bool(_deltas(tmp_path / "ram.mig")) == bool(xbzrle)


def test_a_part_is_not_endless() -> None:
    ram = GuestRam([Block("block0", bytearray(b"x") * (48 << 20))])
    stream = machine(ram).begin(io.BytesIO())
    before = stream.offset
    left = stream.iterate()
    assert 15 << 20 < stream.offset - before < 18 << 20
    assert 31 << 20 < left < 33 << 20


@settings(deadline=None)
@given(st.binary(min_size=64, max_size=64), st.data())
def test_a_delta_makes_the_new_page_of_the_old(old: bytes, data: st.DataObject) -> None:
    new = bytearray(old)
    for _ in range(data.draw(st.integers(0, 6))):
        at = data.draw(st.integers(0, 63))
        new[at : at + 4] = data.draw(
            st.binary(min_size=len(new[at : at + 4]), max_size=len(new[at : at + 4]))
        )
    delta = xbzrle_encode(old, bytes(new))
    if delta is None:
        return
    assert (delta == b"") == (old == new)
    page = bytearray(old)
    assert kernel.xbzrle(memoryview(delta), 0, len(delta), memoryview(page))[0] == 0
    assert page == new


def test_long_runs_of_a_delta() -> None:
    old = bytes(PAGE)
    new = bytearray(old)
    new[3000:3200] = b"y" * 200
    delta = xbzrle_encode(old, bytes(new))
    assert delta is not None
    assert delta[:4].hex(" ") == "b8 17 c8 01"
    assert xbzrle_encode(old, b"z" * PAGE) is None


def test_the_cache_is_bounded() -> None:
    cache = XbzrleCache(2 * PAGE)
    assert cache.replace(("a", 0), b"0" * PAGE) is None
    assert cache.replace(("a", 1), b"1" * PAGE) is None
    assert cache.replace(("a", 0), b"2" * PAGE) == b"0" * PAGE
    cache.replace(("a", 2), b"3" * PAGE)
    assert cache.replace(("a", 1), b"4" * PAGE) is None


def test_mapped(tmp_path: Path) -> None:
    content = memory(300)
    path = tmp_path / "mapped.mig"
    block = Block("block0", content)
    ram = GuestRam([block, Block("block1", bytearray(PAGE))], mapped=True)
    with path.open("wb") as file:
        stream = machine(ram, release="10.0").begin(file)
        stream.iterate()
        block.memory[:PAGE] = bytes(PAGE)
        block.memory[PAGE : PAGE + 3] = b"new"
        block.mark(0, PAGE + 3)
        stream.complete()
    raw = path.read_bytes()
    assert loaded(raw, len(content), PAGE, mapped=True) == [content, bytes(PAGE)]
    with migstream.open(path) as opened:
        assert not list(opened.damage)
        assert opened.ram is not None
        assert bytes(opened.ram["block0"][:]) == content


def test_mapped_wants_a_file() -> None:
    class Pipe:
        def write(self, data: bytes) -> None:
            pass

    with pytest.raises(TypeError, match="seek"):
        machine(GuestRam(blank(PAGE), mapped=True)).begin(Pipe())


def test_marks() -> None:
    [block] = blank(3 * PAGE)
    block.mark(PAGE - 1, 2)
    assert block.dirty == b"\1\1\0"
    with pytest.raises(IndexError):
        block.mark(3 * PAGE - 1, 2)


def test_wrong_blocks() -> None:
    with pytest.raises(ValueError, match="whole pages"):
        Block("x", bytearray(5))
    with pytest.raises(ValueError, match="1 to 255"):
        Block("", bytearray(PAGE))
    with pytest.raises(ValueError, match="one page size"):
        GuestRam([*blank(PAGE), *blank(PAGE)])


def _section(payload: bytes, kind: int = 1, version: int = 4) -> bytes:
    start = b"QEVM\0\0\0\3\7\0\0\0\3toy"
    head = b"\1\0\0\0\0\3ram\0\0\0\0" + version.to_bytes(4, "big")
    return start + head + payload + b"\x7e\0\0\0\0\0"


def _word(offset: int, flags: int) -> bytes:
    return (offset | flags).to_bytes(8, "big")


LIST = _word(PAGE, 4) + b"\6block0" + PAGE.to_bytes(8, "big")


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (
            _word(PAGE, 4) + b"\5other" + bytes(8),
            'Unknown ramblock "other", cannot accept migration',
        ),
        (_word(PAGE, 4) + b"\6block0" + bytes(8), "Size mismatch: block0: 0x0 != 0x1000"),
        (_word(1, 0) + bytes(9), "Unknown combination of migration flags: 0x1"),
        (LIST + _word(0, 0x28) + bytes(PAGE), "Ack, bad migration stream!"),
        (LIST + _word(0, 8) + b"\5other", "Can't find block other"),
        (LIST + _word(PAGE, 8) + b"\6block0", "Illegal RAM offset 1000"),
        (LIST + _word(0, 2) + b"\6block0\5", "Found a zero page with value 5"),
        (LIST + _word(0, 0x40) + b"\6block0\2\0\0", "wrong compression"),
        (LIST + _word(0, 0x40) + b"\6block0\1\xff\xff", "len overflow"),
        (LIST + _word(0, 0x40) + b"\6block0\1\0\2\0\0", "decode error"),
    ],
)
def test_what_is_refused(payload: bytes, words: str) -> None:
    blocks = blank(PAGE)
    with pytest.raises(BadRam, match=words):
        machine(GuestRam(blocks)).load(_section(payload))


def test_the_version() -> None:
    with pytest.raises(StreamError, match="unsupported version 5 for 'ram' v4"):
        machine(GuestRam(blank(PAGE))).load(_section(LIST, version=5))
    with pytest.raises(BadRam, match="RAM section version 3"):
        machine(GuestRam(blank(PAGE))).load(_section(LIST, version=3))


@settings(deadline=None)
@given(st.data())
def test_a_failed_load_leaves_memory_as_it_was(data: st.DataObject) -> None:
    content = memory(6)
    raw = saved(GuestRam([Block("block0", content)]))
    end = raw.index(b'{"page_size"') - 6
    target = bytearray(b"before!!" * (len(content) // 8))
    before = bytes(target)
    stop = data.draw(st.integers(0, end))
    with pytest.raises((Truncated, StreamError)):
        machine(GuestRam([Block("block0", target)])).load(raw[:stop])
    assert target == before
