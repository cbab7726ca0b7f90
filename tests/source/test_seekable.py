"""Compressed files of several blocks are read in ranges, and give what they give when they are read forward."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import migstream
from migstream.errors import MigstreamError, SourceError
from migstream.source import seekable
from migstream.source.blocks import Blocks
from migstream.source.compressed import GZIP, LZOP, XZ, ZSTD, Unpacked
from migstream.source.layers import Opened
from migstream.source.opened import open_source
from migstream.source.seekable import Seekable
from migstream.source.spool import Spool
from migstream.source.store import File, Store, Whole
from migstream.stream import open_anything
from support import build
from support.packers import FORWARD, SEVERAL, packed
from support.ranges import Ranged

PAGE = 4096
PAGES = 2000


def stream(pages: int = PAGES) -> bytes:
    """A stream of which every fourth page can be compressed."""
    random = Random(1)  # noqa: S311 - no secret

    def records() -> Iterator[bytes]:
        for page in range(pages):
            head = build.be64(page * PAGE | 8 | (0x20 if page else 0))
            yield head + (b"" if page else build.counted("pc.ram"))
            yield random.randbytes(PAGE) if page % 4 else bytes([page & 0xFF]) * PAGE

    block = build.ram_block("pc.ram", pages * PAGE)
    head, tail = build.small().split(build.PAGE_RAM)
    return head + build.ram_start(block, pages * PAGE) + build.ram_part(b"".join(records())) + tail


STREAM = stream()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packed")


@pytest.fixture(params=SEVERAL)
def several(request: pytest.FixtureRequest, folder: Path) -> Path:
    """A file that a real program made."""
    own = folder / str(request.param).replace(" ", "-")
    if not own.exists():
        own.mkdir()
        try:
            return packed(request.param, STREAM, own)
        except BaseException:
            own.rmdir()
            raise
    return own / "packed"


def forward(data: bytes) -> bytes:
    """All that comes out from the beginning, up to the damage."""
    kind = next(k for k in (XZ, GZIP, LZOP, ZSTD) if data.startswith(k.magic) or k is ZSTD)
    reader, out = Unpacked(Opened("", Whole(data), None, []).reader(), kind), bytearray()
    with suppress(SourceError):
        while piece := reader.read(1 << 20):
            out += piece
    return bytes(out)


def test_files_of_several_blocks_are_at_hand(several: Path) -> None:
    assert forward(several.read_bytes()) == STREAM
    opened = open_source(several)
    assert isinstance(opened.store, Seekable)
    assert opened.store.size == len(STREAM)
    assert opened.outermost(0) is None
    assert (opened.origin, opened.base) == (0, 0)
    random = Random(2)  # noqa: S311 - no secret
    for _ in range(60):
        start = random.randrange(len(STREAM))
        stop = start + random.choice((1, 100, 70_000, 3 << 20))
        assert bytes(opened.store.view(start, stop)) == STREAM[start:stop]
    assert bytes(opened.store.view(len(STREAM), len(STREAM) + 1)) == b""
    opened.close()


@pytest.mark.parametrize("how", FORWARD)
def test_files_of_one_block_are_read_forward(how: str, tmp_path: Path) -> None:
    opened = open_source(packed(how, STREAM, tmp_path))
    assert opened.store is None
    assert opened.pipe is not None
    opened.close()


@given(st.data())
@settings(max_examples=60)
def test_any_range_of_any_sizes(data: st.DataObject) -> None:
    """Frames of sizes that no program would choose, empty ones among them."""
    from migstream.source.zstd import zstd

    sizes = data.draw(st.lists(st.integers(0, 300), min_size=2, max_size=12))
    raw = Random(3).randbytes(sum(sizes))  # noqa: S311 - no secret
    cuts, at = [], 0
    for size in sizes:
        cuts.append(raw[at : at + size])
        at += size
    file = b"".join(zstd.compress(cut) for cut in cuts)
    opened = open_source(file)
    if sum(map(bool, sizes)) < 2:
        assert opened.store is None
        return
    assert isinstance(opened.store, Seekable)
    for _ in range(8):
        start, stop = sorted((data.draw(st.integers(0, at)), data.draw(st.integers(0, at + 9))))
        assert bytes(opened.store.view(start, stop)) == raw[start:stop]


def test_device_state_takes_few_of_its_bytes(
    several: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("migstream.stream.bare.CHEAP", 0)
    with several.open("rb") as raw:
        store = Ranged(File(raw.fileno(), several.stat().st_size), 1 << 20)
        kind = next(
            k for k in (XZ, GZIP, LZOP, ZSTD) if k(Opened("it", store, None, [])) is not None
        )
        before = store.bytes
        opened = kind(Opened("it", store, None, []))
        assert opened is not None
        with migstream.Stream(opened) as one:
            assert one["two/n"].value == 7
            assert not one.walked
            assert one.seekable
    if several.parent.name != "xz-streams":  # which has three blocks
        assert store.bytes - before < store.size
    if several.parent.name == "xz---block-size":
        assert store.bytes - before < store.size // 2


def test_guest_memory_is_at_hand_without_a_copy(several: Path) -> None:
    with migstream.open(several) as one:
        assert not one.damage
        assert one.ram["pc.ram"][5 * PAGE : 6 * PAGE] == build_page(5)


def build_page(number: int) -> bytes:
    at = STREAM.index(build.be64(number * PAGE | 8 | 0x20)) + 8
    return STREAM[at : at + PAGE]


# --- damage --------------------------------------------------------------------------------------


def test_damage_in_the_middle_leaves_the_end_and_is_found_by_reading(
    several: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytearray(several.read_bytes())
    at = len(data) * 2 // 5
    data[at : at + 64] = bytes(64)
    path = tmp_path / "damaged"
    path.write_bytes(data)
    if several.parent.name == "xz-without-checks":
        pytest.skip("nothing would tell")
    with monkeypatch.context() as few:
        few.setattr("migstream.stream.bare.CHEAP", 0)
        with open_anything(path) as one:
            assert one["two/n"].value == 7
    for spool in (False, True):
        with open_anything(path, spool=spool) as one:
            assert any("compressed file is damaged" in str(error) for error in one.damage)
            assert one.machine == "none"
            assert one.items


def test_damage_below_a_save_image(tmp_path: Path) -> None:
    """What stands before it is read forward through both."""
    from migstream.source.zstd import zstd

    xml = b"<domain/>"
    head = b"LibvirtQemudSave" + b"".join(
        number.to_bytes(4, "little") for number in (2, len(xml), 0, 0, 0, *[0] * 14)
    )
    data = head + xml + STREAM
    size = 1 << 20
    checked: dict[int, int] = {zstd.CompressionParameter.checksum_flag: 1}
    frames = [
        bytearray(zstd.compress(data[at : at + size], options=checked))
        for at in range(0, len(data), size)
    ]
    frames[3][5000:5100] = bytes(100)
    path = tmp_path / "saved"
    path.write_bytes(b"".join(frames))
    with open_anything(path) as one:
        assert [layer.name for layer in one.layers] == ["zstd", "libvirt"]
        assert any("compressed file is damaged" in str(error) for error in one.damage)
        assert one.machine == "none"


@given(st.data())
@settings(max_examples=40)
def test_bytes_of_a_damaged_file_are_right_or_an_error(data: st.DataObject) -> None:
    """In blocks, in sizes, in tables."""
    files = made()
    whole = files[data.draw(st.sampled_from(sorted(files)))]
    raw = bytearray(whole)
    near = data.draw(st.sampled_from((0, len(raw) // 2, len(raw))))
    for _ in range(data.draw(st.integers(1, 3))):
        at = min(max(near + data.draw(st.integers(-200, 200)), 0), len(raw) - 1)
        raw[at] ^= data.draw(st.integers(1, 255))
    try:
        opened = open_source(bytes(raw))
    except SourceError:
        return
    if not isinstance(opened.store, Seekable):
        return
    right = forward(bytes(raw))
    for start in range(0, min(opened.store.size, 2 * len(right) + 1), 97_000):
        try:
            found = bytes(opened.store.view(start, start + 50))
        except SourceError:
            continue
        assert found.startswith(right[start : start + 50])


def made() -> dict[str, bytes]:
    """One small file of each kind."""
    if not MADE:
        small = STREAM[: 3 << 20]
        for how, pack in SEVERAL.items():
            if how == "xz without checks":
                continue
            with suppress(pytest.skip.Exception):
                MADE[how] = pack(small)
    if not MADE:
        pytest.skip("no program that makes such files is installed")
    return MADE


MADE: dict[str, bytes] = {}


def lying(data: bytes, *, more: int) -> Store:
    """A file whose second frame claims another size."""
    from migstream.source.zstd import zstd

    frame = zstd.compress(data)
    blocks = Blocks()
    blocks.add(0, len(frame), len(data))
    blocks.add(len(frame), 2 * len(frame), len(data) + more)
    return Seekable(Whole(2 * frame), ZSTD.start(), blocks)


@pytest.mark.parametrize(("more", "said"), [(1, "less than the 1001"), (-1, "more than the 999")])
def test_a_size_that_is_not_true_is_an_error(more: int, said: str) -> None:
    store = lying(b"x" * 1000, more=more)
    assert bytes(store.view(0, 1000)) == b"x" * 1000
    with pytest.raises(SourceError, match=said):
        store.view(1000, 1001)


def test_two_files_of_pzstd_behind_each_other(tmp_path: Path) -> None:
    """What is said of all but the last frame is not true of them; read forward they are whole."""
    if "pzstd" not in made():
        pytest.skip("pzstd is not installed")
    half = 3 << 20
    path = tmp_path / "two"
    path.write_bytes(SEVERAL["pzstd"](STREAM[:half]) + SEVERAL["pzstd"](STREAM[half:]))
    with migstream.open(path) as one:
        assert one["two/n"].value == 7
        assert not one.damage


def test_what_claims_too_much_is_read_forward() -> None:
    """Few bytes of zeros that unpack to more than a file may: neither memory nor time is spent at once."""
    from migstream.source.zstd import zstd

    bomb = zstd.compress(bytes(64 << 20)) * 3
    opened = open_source(bomb)
    assert opened.store is None
    opened.close()
    with pytest.raises(SourceError, match="unpack to more than"):
        open_source(bomb, spool=True)


def test_no_order_unpacks_a_block_more_than_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    from migstream.source.zstd import zstd

    monkeypatch.setattr(seekable, "KEPT", 3000)
    random = Random(4)  # noqa: S311 - no secret
    data = random.randbytes(20_000)
    file = b"".join(zstd.compress(data[at : at + 1000]) for at in range(0, 20_000, 1000))
    blocks = ZSTD.blocks and ZSTD.blocks(Whole(file), lambda *_: 0)
    assert blocks
    make, errors = ZSTD.start()
    started = 0

    def counted() -> object:
        nonlocal started
        started += 1
        return make()

    store = Seekable(Whole(file), (counted, errors), blocks)  # type: ignore[arg-type]
    for _ in range(10):
        for at in range(0, 20_000, 1000):
            assert bytes(store.view(at, at + 1001)) == data[at : at + 1001]
    assert started <= 2 * len(blocks)
    store.close()


def test_large_blocks_are_not_held_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    from migstream.source.zstd import zstd

    monkeypatch.setattr(seekable, "IN_MEMORY", 1000)
    data = Random(5).randbytes(9000)  # noqa: S311 - no secret
    opened = open_source(zstd.compress(data[:5000]) + zstd.compress(data[5000:]))
    assert isinstance(opened.store, Seekable)
    assert bytes(opened.store.view(4990, 5010)) == data[4990:5010]
    assert all(isinstance(one, Spool) for one in opened.store._kept.values())
    opened.close()


@pytest.mark.parametrize("cut", [1, 12, 100, 100_000])
def test_a_file_that_is_cut_off_is_read_forward(several: Path, tmp_path: Path, cut: int) -> None:
    path = tmp_path / "cut"
    path.write_bytes(several.read_bytes()[:-cut])
    with open_anything(path) as one:
        assert one.machine == "none"
        with suppress(MigstreamError):
            assert one.items
        if several.parent.name not in {"bgzip", "zstd-seekable"} or cut > 1000:
            assert one.damage  # of those two, the last bytes are not the stream's
