"""Multifd channels: what is read of them, what is refused, and in which order pages are applied."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import random
import struct
import sys
import zlib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migstream.errors import (
    BadRam,
    NeedData,
    NotAStream,
    SourceError,
    StreamError,
    Truncated,
    Unsupported,
)
from migstream.ram.channels import SPOOL, Channel, absent, pages
from migstream.ram.multifd import (
    ChannelReader,
    DeviceState,
    Initial,
    Packet,
    is_channel,
    read_channel,
)
from migstream.source.spool import Spool
from migstream.source.store import Whole
from migstream.wire.cursor import Cursor
from support import samples
from support.assemble import assemble, contents
from support.channels import (
    DEVICE_STATE,
    QATZIP,
    QPL,
    SYNC,
    UADK,
    ZLIB,
    ZSTD,
    P,
    Zlib,
    Zstd,
    device_state,
    each,
    initial,
    packet,
    sync,
)
from support.examine import attempt, bounded
from support.samples import Packed, Sample

DICE = random.Random(7)  # noqa: S311  (no secret)
A, B, C = DICE.randbytes(P), bytes(P - 1) + b"x", b"c" * P
LENGTHS = {"pc.ram": 16 * P, "rom": 2 * P}
HEADER = 320 + 8 * 128


def old(*, pack: Callable[[bytes], bytes] | None = None, flag: int = 0) -> bytes:
    """A channel as QEMU up to 8.2 writes it: an empty packet keeps the size, name and offsets of the last."""
    first, second = (A + B, C) if pack is None else (pack(A + B), pack(C))
    stale = packet(b"pc.ram", [P], payload=b"", number=9, normal_count=0, size=len(second))
    return (
        initial(1, b"\x12" * 16)
        + sync(0)
        + packet(b"pc.ram", [0, P], payload=first, number=3, flags=flag)
        + sync(5)
        + packet(b"pc.ram", [P], payload=second, number=9, flags=flag | SYNC)
        + stale
    )


def new(page: int = P) -> bytes:
    """A channel as QEMU 9.2 and later write it: a SYNC holds nothing, zero pages are named."""
    return (
        initial(0)
        + sync(0, page, alloc=0)
        + packet(b"pc.ram", [2 * page], [0, page], b"n" * page, number=3, page=page)
        + device_state(b"0000:00:03.0/vfio", 7, b"state")
        + packet(b"rom", [], [0], number=4, page=page)
        + sync(6, page, alloc=0)
    )


def read(raw: bytes, **options: Any) -> list[Initial | Packet | DeviceState]:
    return list(read_channel(Cursor(raw), **options))


def covered(items: list[Any], size: int) -> None:
    assert items[0].span.start == 0
    assert all(a.span.stop == b.span.start for a, b in pairwise(items))
    assert items[-1].span.stop == size


def test_an_old_channel() -> None:
    raw = old()
    first, *packets = read(raw)
    assert isinstance(first, Initial)
    assert (first.channel, first.version) == (1, 1)
    assert first.uuid == "12121212-1212-1212-1212-121212121212"
    covered([first, *packets], len(raw))
    rows = [
        (p.label, p.number, p.sync, p.block, p.normal, list(p.offsets), p.payload.size)
        for p in packets
        if isinstance(p, Packet)
    ]
    assert rows == [
        ("sync", 0, True, "", 0, [], 0),
        ("pages", 3, False, "pc.ram", 2, [0, P], 2 * P),
        ("sync", 5, True, "", 0, [], 0),
        ("pages", 9, True, "pc.ram", 1, [P], P),
        ("pages", 9, False, "", 0, [], 0),
    ]


@pytest.mark.parametrize("page", [256, 1024, 4096, 8192, 16384, 65536])
def test_a_new_channel_of_any_page_size(page: int) -> None:
    raw = new(page)
    items = read(raw)
    covered(items, len(raw))
    assert items == read(raw, page_size=page)
    assert [i.label for i in items] == ["initial", "sync", "pages", "device-state", "pages", "sync"]
    full, state = items[2], items[3]
    assert isinstance(full, Packet)
    assert isinstance(state, DeviceState)
    assert (full.page_size, full.normal, full.zero, list(full.offsets)) == (
        page, 1, 2, [2 * page, 0, page],
    )  # fmt: skip
    assert (state.idstr, state.instance_id) == ("0000:00:03.0/vfio", 7)
    assert raw[state.payload.start : state.payload.stop] == b"state"


def test_a_lone_sync_tells_the_page_size_too() -> None:
    reader = ChannelReader()
    assert len(list(reader.items(Cursor(initial() + sync(0, 2048, alloc=0))))) == 2
    assert reader.page_size == 2048


def test_is_channel() -> None:
    assert is_channel(initial()[:8])
    assert not is_channel(initial()[:7])
    assert not is_channel(b"QEVM\0\0\0\3")
    assert not is_channel(initial(version=2))


@pytest.mark.parametrize("raw", [old(), new(), new(65536)])
def test_byte_by_byte(raw: bytes) -> None:
    reader, mark = ChannelReader(), 0
    got: list[Initial | Packet | DeviceState] = []
    for size in [*range(0, len(raw), 97), len(raw)]:
        cur = Cursor(memoryview(raw)[min(mark, size) : size], mark, eof=size == len(raw))
        with contextlib.suppress(NeedData):
            got.extend(reader.items(cur))
        mark = cur.mark
    assert got == read(raw)


GOOD = packet(b"pc.ram", [0], payload=A, number=1)
TABLE = 64 + 320  # where the offsets of a first packet lie


@pytest.mark.parametrize(
    ("raw", "at"),
    [
        (initial() + packet(magic=0x11223345), 64),
        (initial(version=2), 4),
        (initial() + packet(version=2), 68),
        (initial() + packet(flags=0x80), 72),
        (initial() + packet(flags=ZLIB | ZSTD), 72),
        (initial() + packet(flags=DEVICE_STATE | SYNC), 72),
        (initial() + packet(alloc=0), 76),
        (initial() + packet(alloc=100), 76),
        (initial() + packet(alloc=1 << 31), 76),
        (initial() + sync() + sync(alloc=256) + bytes(2048), 64 + HEADER + 12),
        (initial() + sync(alloc=0) + bytes(1 << 16), 76),
        (initial() + packet(b"pc.ram", normal_count=129), 80),
        (initial() + packet(b"pc.ram", normal_count=0xFFFFFFFF), 80),
        (initial() + packet(b"pc.ram", zero_count=0xFFFFFFFF), 96),
        (initial() + packet(b"pc.ram", normal_count=128, zero_count=1, size=128 * P), 96),
        (initial() + sync(alloc=0)[:16] + b"\0\0\0\1" + sync(alloc=0)[20:] + sync(), 80),
        (initial() + packet(b"pc.ram", [0], payload=A, size=P - 1), 84),
        (initial() + packet(b"pc.ram", [0], payload=A, size=0xFFFFFFFF), 84),
        (initial() + packet(b"pc.ram", [0], payload=A, size=0xFFFFFFFF, flags=ZLIB), 84),
        (initial() + packet(b"pc.ram", [0], flags=ZLIB), 84),
        (initial() + packet(b"x" * 256, [0], payload=A), 128),
        (initial() + packet(b"", [0], payload=A), 128),
        (initial() + packet(b"pc.rom", [0], payload=A), 128),
        (initial() + packet(b"pc.ram", [0, 1], payload=A + A), TABLE + 8),
        (initial() + packet(b"pc.ram", [16 * P], payload=A), TABLE),
        (initial() + packet(b"pc.ram", [-P % (1 << 64)], payload=A), TABLE),
        (initial() + packet(b"pc.ram", zero=[0, 15 * P, 17 * P]), TABLE + 16),
        (initial() + GOOD + packet(b"pc.ram", [0], payload=A, flags=ZLIB), 64 + len(GOOD) + 8),
        (initial() + device_state(b"v" * 256, 0, b""), 76),
    ],
)  # fmt: skip
def test_what_no_qemu_sends(raw: bytes, at: int) -> None:
    with pytest.raises(BadRam) as caught, bounded():
        read(raw, lengths=LENGTHS)
    assert caught.value.at == at
    assert caught.value.found is not None


def test_what_is_no_channel() -> None:
    with pytest.raises(NotAStream):
        read(b"QEVM\0\0\0\3" + bytes(100))


def test_a_page_size_that_is_none() -> None:
    with pytest.raises(ValueError, match="page size"):
        ChannelReader(1000)


def test_without_lengths_any_block_will_do() -> None:
    assert len(read(initial() + packet(b"pc.rom", [1 << 40], payload=A))) == 2


@pytest.mark.parametrize("size", [0, 4, 63, 70, 300, HEADER, HEADER + 70, -1, -2000])
def test_cut(size: int) -> None:
    whole = initial() + GOOD + device_state(b"v", 0, b"data")
    with pytest.raises(Truncated if size else NotAStream) as caught:
        read(whole[:size])
    assert caught.value.at is not None
    assert caught.value.at <= len(whole[:size])


def test_a_large_announcement_needs_no_memory() -> None:
    with pytest.raises(Truncated), bounded(2, 64):
        read(initial() + device_state(b"v", 0, b"", size=0xFFFFFFFF))


# --- pages ---------------------------------------------------------------------------------------


def applied(*raws: bytes, spool: Spool | None = None, **options: Any) -> list[tuple[Any, ...]]:
    """All pages as (epoch, block, offset, content), in the order in which they come."""
    spool = Spool() if spool is None else spool
    stores = [Whole(raw) for raw in raws]
    channels = [Channel(store, **options) for store in stores]
    return [
        (run.epoch, run.block, *page)
        for run in pages(channels, spool)
        for page in contents(run, stores, spool)
    ]


PAGES_OF_OLD = [(1, "pc.ram", 0, A), (1, "pc.ram", P, B), (2, "pc.ram", P, C)]


def test_pages_that_are_not_packed_are_not_copied() -> None:
    spool = Spool()
    assert applied(old(), spool=spool) == PAGES_OF_OLD
    assert spool.size == 0
    (run,) = pages([Channel(Whole(initial() + GOOD))], spool)
    assert run.where == (0, 64 + HEADER)
    assert (run.kind, run.page_size, run.number) == ("data", P, 1)


@pytest.mark.parametrize(("flag", "pack"), [(ZLIB, Zlib), (ZSTD, Zstd)])
def test_streams_go_through_all_packets(flag: int, pack: Callable[[], Any]) -> None:
    raw = old(flag=flag, pack=pack())
    assert applied(raw) == PAGES_OF_OLD
    (*_, run) = pages([Channel(Whole(raw))], Spool())
    assert run.where == (SPOOL, 2 * P)


@pytest.mark.parametrize(
    ("flag", "payload"),
    [
        (QPL, each([A, B], -15)),
        (UADK, each([A, B], 15)),
        (QATZIP, gzip.compress(A + B)),
        (QATZIP, gzip.compress(A) + gzip.compress(B)),
    ],
)
def test_methods_without_a_stream(flag: int, payload: bytes) -> None:
    one = packet(b"pc.ram", [P, 0], [5 * P], payload, flags=flag)
    assert applied(initial() + one + one) == 2 * [
        (0, "pc.ram", 5 * P, bytes(P)),
        (0, "pc.ram", P, A),
        (0, "pc.ram", 0, B),
    ]


BOMB = zlib.compress(bytes(64 << 20), 9)
ZSTD_BOMB = (
    b"\x28\xb5\x2f\xfd\x00\x58" + (b"\x02\x00\x10" + b"\0") * 200_000
)  # RLE blocks of 128 KiB


@pytest.mark.parametrize(
    ("flag", "payload", "found"),
    [
        (ZLIB, BOMB, P + 1),
        (ZLIB, Zlib()(A[:-1]), P - 1),
        (ZLIB, Zlib()(A + b"x"), P + 1),
        (ZLIB, zlib.compress(b"\0" * (P + 258)), P + 1),
        (ZLIB, b"nonsense", 0),
        (ZSTD, ZSTD_BOMB, None),
        (ZSTD, Zstd()(A + b"x"), P + 1),
        (ZSTD, Zstd()(A)[:-9], None),
        (ZSTD, b"nonsense", 0),
        (QPL, b"\0\0", 0),
        (QPL, b"\0\0\0\7abc", 0),
        (QPL, struct.pack(">I", P + 1) + A + b"x", 0),
        (QPL, b"\0\0\0\0", 0),
        (QPL, b"\0\0\0\3abc", None),
        (UADK, struct.pack(">I", 4) + b"abcd", 0),
        (UADK, struct.pack(">I", len(zlib.compress(bytes(9)))) + zlib.compress(bytes(9)), 9),
        (UADK, struct.pack(">I", len(zlib.compress(C + C))) + zlib.compress(C + C), P + 1),
        (QATZIP, gzip.compress(A + b"x"), P + 1),
        (QATZIP, gzip.compress(A)[:-20], None),
        (QATZIP, gzip.compress(b"") * 20_000, 0),
        (QATZIP, b"\x1f\x8bnonsense", 0),
    ],
)
def test_payloads_that_are_not_the_pages(flag: int, payload: bytes, found: int | None) -> None:
    raw = initial() + packet(b"pc.ram", [0], payload=payload, flags=flag)
    channel = Channel(Whole(raw))
    with bounded(5, 256), pytest.raises(BadRam) as caught:
        list(pages([channel], Spool()))
    error = caught.value
    assert error.at == 64 + HEADER
    assert error.expected == P
    assert found is None or error.found == found
    assert error.path == ["channel 0"]


def test_qatzip_in_another_format() -> None:
    raw = initial() + packet(b"pc.ram", [0], payload=b"\0\0\1\0data", flags=QATZIP)
    with pytest.raises(Unsupported, match="qatzip"):
        applied(raw)


def test_zstd_in_a_python_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = old(flag=ZSTD, pack=Zstd())
    monkeypatch.setitem(sys.modules, "migstream.source.zstd", None)
    with pytest.raises(Unsupported, match="built without"):
        applied(raw)


def test_the_order_is_by_epoch_then_by_number() -> None:
    one = (
        initial(0)
        + sync(0)
        + packet(b"pc.ram", [0], payload=A, number=9)
        + sync(10)
        + packet(b"pc.ram", [0], payload=B, number=12)
    )
    two = (
        initial(1)
        + sync(1)
        + packet(b"pc.ram", [P], payload=A, number=4)
        + sync(11)
        + packet(
            b"pc.ram", zero=[P], number=5
        )  # as in no release: the epoch counts, not the number
        + packet(b"pc.ram", [2 * P], payload=C, number=13)
    )
    expected = [
        (1, "pc.ram", P, A),
        (1, "pc.ram", 0, A),
        (2, "pc.ram", P, bytes(P)),
        (2, "pc.ram", 0, B),
        (2, "pc.ram", 2 * P, C),
    ]
    assert applied(one, two) == expected
    assert applied(two, one) == expected


def test_channels_that_do_not_belong_together() -> None:
    with pytest.raises(BadRam, match="twice"):
        applied(new(), new())
    with pytest.raises(BadRam, match="uuid"):
        applied(new(), old())
    with pytest.raises(BadRam, match="page sizes"):
        applied(new(), new(8192).replace(initial(0), initial(1)))


def test_absent() -> None:
    channels = [Channel(Whole(initial(n) + sync())) for n in (3, 1)]
    assert absent(channels) == [0, 2]
    assert absent([]) == []


def test_damage_ends_its_own_channel_only() -> None:
    damaged = initial(1) + sync(1) + GOOD + GOOD[:-1]
    channels = [Channel(Whole(raw)) for raw in (damaged, new())]
    noted: list[StreamError] = []
    runs = list(pages(channels, Spool(), noted.append))
    assert {run.where for run in runs} == {(0, 64 + 2 * HEADER), None, (1, 64 + 2 * HEADER)}
    (error,) = noted
    assert isinstance(error, Truncated)
    assert error.path == ["channel 1"]


# --- whatever the bytes are ----------------------------------------------------------------------

WHOLE = [
    old(), new(), old(flag=ZLIB, pack=Zlib()), old(flag=ZSTD, pack=Zstd()),
    initial() + packet(b"pc.ram", [P, 0], payload=each([A, B], -15), flags=QPL),
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(WHOLE),
    st.lists(st.tuples(st.integers(0, 1 << 14), st.integers(0, 255)), max_size=8),
    st.integers(0, 1 << 15),
)
def test_damage_raises_only_our_errors(
    raw: bytes, changes: list[tuple[int, int]], size: int
) -> None:
    damaged = bytearray(raw)
    for at, value in changes:
        damaged[at % len(damaged)] = value
    data = bytes(damaged[:size])
    attempt(lambda: applied(data, lengths=LENGTHS), len(data))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(WHOLE), st.lists(st.integers(0, 1 << 14), max_size=12))
def test_any_split_gives_the_same(raw: bytes, cuts: list[int]) -> None:
    reader, mark = ChannelReader(), 0
    got: list[Initial | Packet | DeviceState] = []
    for size in [*sorted(cut % len(raw) for cut in cuts), len(raw)]:
        if size < mark:
            continue
        cur = Cursor(memoryview(raw)[mark:size], mark, eof=size == len(raw))
        with contextlib.suppress(NeedData):
            got.extend(reader.items(cur))
        mark = cur.mark
    assert got == read(raw)


# --- the spool -----------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [0, 5, 1 << 20])
def test_the_spool_keeps_what_it_gets(most: int) -> None:
    spool, kept, views = Spool(most), bytearray(), []
    for n in range(40):
        piece = bytes([n]) * (n + 1)
        assert spool.append(piece) == len(kept)
        kept += piece
        views.append((spool.view(len(kept) - len(piece), len(kept)), piece))
    assert spool.size == len(kept)
    assert spool.view(0, spool.size) == kept
    assert not spool.view(7, 7).nbytes
    spool.close()
    assert all(view == piece for view, piece in views)
    with pytest.raises(SourceError):
        spool.view(0, 1)


def test_the_spool_without_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(SourceError) as caught:
        Spool(3).append(b"four")
    assert "TMPDIR" in caught.value.hint


# --- recordings of real QEMUs --------------------------------------------------------------------

RECORDED = [p for p in samples.channels(".main.mig") if p.name.startswith("multifd-")]


@pytest.fixture(params=RECORDED, ids=lambda packed: packed.label.removesuffix(".main"))
def recording(
    request: pytest.FixtureRequest, unpack: Callable[[Packed], Sample]
) -> tuple[Sample, list[Sample]]:
    main: Packed = request.param
    stem = main.name.removesuffix("main.mig")
    parts = [p for p in samples.channels(".bin") if p.name.startswith(f"{stem}ch")]
    return unpack(main), [unpack(part) for part in parts]


def test_recorded_memory_is_what_qemu_dumped(recording: tuple[Sample, list[Sample]]) -> None:
    main, parts = recording
    memory = assemble(main.path, [part.path for part in parts])
    ram, bios = main.meta["memory"]
    assert hashlib.sha256(memory["pc.ram"][: ram["size"]]).hexdigest() == ram["sha256"]
    assert hashlib.sha256(memory["pc.bios"]).hexdigest() == bios["sha256"]


def test_recorded_channels_are_explained_to_the_last_byte(
    recording: tuple[Sample, list[Sample]],
) -> None:
    _, parts = recording
    syncs = set()
    for number, part in enumerate(parts):
        raw = part.read()
        items = read(raw)
        covered(items, len(raw))
        assert items == read(raw, page_size=P)
        packets = [i for i in items if isinstance(i, Packet)]
        assert all(a.number <= b.number for a, b in pairwise(packets))
        assert isinstance(items[0], Initial)
        assert items[0].channel == number
        syncs.add(sum(p.sync for p in packets))
    assert len(syncs) == 1  # every sync is one of all channels
