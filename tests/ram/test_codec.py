"""The RAM codec on streams made by hand: what it counts, what it refuses, where it stops."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migstream.errors import BadRam, NeedData, ParseError, Truncated
from migstream.ram import records
from migstream.ram.codec import RamCodec
from migstream.ram.model import RamRecords, RamSetup, Tally
from migstream.ram.records import Records
from migstream.wire.cursor import Cursor
from migstream.wire.model import Configuration, SectionType, Span, Subsection
from migstream.wire.registry import Context

P = 4096
ZERO, MEM_SIZE, PAGE, EOS, CONT = 2, 4, 8, 0x10, 0x20
XBZRLE, HOOK, COMPRESS, FLUSH = 0x40, 0x80, 0x100, 0x200
START, PART, END = SectionType.START, SectionType.PART, SectionType.END


def u64(*values: int) -> bytes:
    return struct.pack(f">{len(values)}Q", *values)


def name(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


def record(offset: int, flags: int, body: bytes, block: str | None = None) -> bytes:
    if block is None:
        return u64(offset | flags | CONT) + body
    return u64(offset | flags) + name(block) + body


def setup(*blocks: tuple[str, int], extra: bytes = b"") -> bytes:
    total = sum(length for _, length in blocks)
    return u64(total | MEM_SIZE) + b"".join(name(n) + u64(s) + extra for n, s in blocks)


def context(*capabilities: str, **more: Any) -> Context:
    none = Span(0, 0)
    sub = Subsection(
        name="configuration/capabilities", version=1, span=none, payload=none, value=capabilities
    )
    config = Configuration(span=none, machine="none", name_span=none, subsections=(sub,))
    return Context(configuration=config, **more)


def read(codec: RamCodec, type_: SectionType, raw: bytes, base: int = 0) -> Any:
    cur = Cursor(raw, base)
    codec.begin(type_, 4)
    while not codec.step(cur):
        pass
    return codec.content()


def start(codec: RamCodec, *blocks: tuple[str, int]) -> None:
    content = read(codec, START, setup(*blocks) + u64(EOS))
    assert isinstance(content, RamSetup)
    assert content.records.unexplained == 0


def test_every_kind_is_counted_and_every_byte_explained() -> None:
    codec = RamCodec(context(page_size=P))
    start(codec, ("ram", 16 * P), ("rom", 4 * P))
    page = zlib.compress(bytes(P))
    raw = (
        record(0, PAGE, bytes(P), "ram")
        + record(P, ZERO, b"\0")
        + record(2 * P, ZERO, b"\7")
        + record(3 * P, XBZRLE, b"\x01\x00\x03\x00\x01x")
        + record(0, COMPRESS, struct.pack(">I", len(page)) + page, "rom")
        + u64(HOOK, FLUSH, EOS)
    )
    content = read(codec, PART, raw + b"more")
    assert isinstance(content, RamRecords)
    ram, rom = content.blocks
    assert (ram.name, rom.name) == ("ram", "rom")
    assert (ram.tally.zero, ram.tally.normal, ram.tally.xbzrle, ram.tally.nonzero) == (2, 1, 1, 1)
    assert (rom.tally.compressed, rom.tally.compressed_bytes) == (1, 16 + len(page))
    assert (content.hook, content.flush, content.eos) == (1, 1, 1)
    assert content.span == Span(0, len(raw))
    assert content.unexplained == 0


def test_setup_may_hold_pages_too() -> None:
    codec = RamCodec(context())
    raw = setup(("ram", 4 * P)) + record(0, PAGE, bytes(P), "ram") + record(P, ZERO, b"\0")
    content = read(codec, START, raw + u64(EOS), base=100)
    assert content.total == 4 * P
    assert content.blocks[0].span == Span(108, 120)
    assert content.records.blocks[0].tally.pages == 2
    assert content.records.unexplained == 0


def test_the_block_persists_across_sections_and_rounds_are_told_apart() -> None:
    codec = RamCodec(context(page_size=P))
    start(codec, ("a", 4 * P), ("b", 4 * P))
    read(codec, PART, record(0, ZERO, b"\0", "a") + record(P, ZERO, b"\0") + u64(EOS))
    read(codec, PART, record(2 * P, ZERO, b"\0") + record(0, ZERO, b"\0", "b") + u64(EOS))
    read(codec, END, record(P, PAGE, bytes(P), "a") + record(0, ZERO, b"\0", "b") + u64(EOS))
    summary = codec.summary()
    assert [b.tally.pages for b in summary.blocks] == [4, 2]
    assert [(t.zero, t.normal) for t in summary.rounds] == [(4, 0), (1, 1)]
    assert summary.round_count == 2


@pytest.mark.parametrize("size", [256, 1024, 2048, 4096, 8192, 16384, 32768, 65536])
@pytest.mark.parametrize("zeros", [False, True])
def test_the_page_size_is_found(size: int, zeros: bool) -> None:
    body = (ZERO, b"\0") if zeros else (PAGE, b"\xa5" * size)
    raw = record(0, *body, "ram") + b"".join(record(i * size, *body) for i in range(1, 9))
    known = context()
    codec = RamCodec(known)
    start(codec, ("ram", 1 << 20))
    content = read(codec, PART, raw + u64(EOS))
    assert known.page_size == size
    assert content.blocks[0].tally.pages == 9


@pytest.mark.parametrize(
    ("capabilities", "extra", "page_size", "address"),
    [
        ((), u64(2 << 20), 2 << 20, None),
        (("x-ignore-shared",), u64(0x100000000), None, 0x100000000),
        (("x-ignore-shared",), u64(2 << 20), None, 2 << 20),
        (("x-ignore-shared",), u64(2 << 20, 2 << 20), 2 << 20, 2 << 20),
    ],
)
def test_optional_fields_of_the_block_list(
    capabilities: tuple[str, ...], extra: bytes, page_size: int | None, address: int | None
) -> None:
    codec = RamCodec(context(*capabilities, advise=(P | 2 << 20, P)))
    raw = setup(("a", 4 << 20), ("b", 2 << 20), extra=extra) + u64(EOS)
    content = read(codec, START, raw)
    assert [(b.page_size, b.address) for b in content.blocks] == [(page_size, address)] * 2
    assert content.records.unexplained == 0


def mapped(pages: int, bitmap: bytes, *, address: bytes = b"", moved: int = 0) -> bytes:
    raw = u64(pages * P | MEM_SIZE) + name("ram") + u64(pages * P) + address
    bitmap_at = len(raw) + 28
    pages_at = 2 * P
    raw += struct.pack(">IQQQ", 1, P, bitmap_at + moved, pages_at + moved) + bitmap
    return raw.ljust(pages_at, b"\xff") + b"\xee" * (pages * P) + u64(EOS)


@pytest.mark.parametrize("address", [b"", u64(0), u64(1 << 32)])
@pytest.mark.parametrize("bitmap", [b"\x07" + bytes(7), bytes(7) + b"\x07"])
def test_mapped_ram(address: bytes, bitmap: bytes) -> None:
    known = context("mapped-ram", *(("x-ignore-shared",) if address else ()))
    raw = mapped(3, bitmap, address=address)
    content = read(RamCodec(known), START, raw)
    area = content.blocks[0].mapped
    assert area.pages_present == 3
    assert area.pages == Span(2 * P, 5 * P)
    assert area.gap == Span(area.bitmap.stop, 2 * P)
    assert content.blocks[0].address == (int.from_bytes(address, "big") if address else None)
    assert content.records.unexplained == 0
    assert known.page_size == P


def test_an_ignored_mapped_block_has_no_area() -> None:
    raw = setup(("ram", P), extra=struct.pack(">QIQQQ", 0, 1, P, 0, 0)) + u64(EOS)
    content = read(RamCodec(context("mapped-ram", "x-ignore-shared")), START, raw)
    assert content.blocks[0].mapped.pages.size == 0
    assert content.records.unexplained == 0


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (mapped(3, bytes(8), moved=P), "elsewhere"),
        (mapped(3, b"\x0f" + bytes(7)), "outside of ramblock"),
        (setup(("ram", P), extra=struct.pack(">IQQQ", 2, P, 0, 0)), "not supported"),
        (setup(("ram", P), extra=struct.pack(">IQQQ", 1, 3, 0, 0)), "page size 3"),
    ],
)
def test_mapped_ram_that_cannot_be(raw: bytes, words: str) -> None:
    with pytest.raises(BadRam, match=words):
        read(RamCodec(context("mapped-ram")), START, raw)


@pytest.mark.parametrize(
    ("raw", "at", "words"),
    [
        (record(0, ZERO, b"\0"), 0, "Ack, bad migration stream"),
        (record(0, ZERO, b"\0", "rom"), 8, "Can't find block rom"),
        (record(0, ZERO, b"\0", "ram") + record(16 * P, PAGE, b""), 13, "Illegal RAM offset"),
        (u64(0), 0, "Unknown combination of migration flags: 0x0"),
        (record(0, ZERO | PAGE, b"", "ram"), 0, "Unknown combination"),
        (u64(0x400), 0, "Unknown combination"),
        (u64(EOS | P), 0, "an offset beside"),
        (u64(MEM_SIZE), 0, "MEM_SIZE after setup"),
        (record(0, XBZRLE, b"\2\0\1", "ram"), 12, "wrong compression"),
        (record(0, XBZRLE, b"\1\xff\xff", "ram"), 13, "len overflow"),
        (record(0, COMPRESS, b"\xff" * 4, "ram"), 12, "Invalid compressed data length"),
    ],
)
def test_records_that_cannot_be(raw: bytes, at: int, words: str) -> None:
    codec = RamCodec(context(page_size=P))
    start(codec, ("ram", 16 * P))
    with pytest.raises(BadRam, match=words) as caught:
        read(codec, PART, raw + bytes(64), base=1000)
    assert caught.value.at == 1000 + at
    assert caught.value.hint


@pytest.mark.parametrize(
    "raw",
    [
        u64(P | MEM_SIZE) + name("ram") + u64(2 * P),
        u64(2 * P | MEM_SIZE) + (name("ram") + u64(P)) * 2,
        u64(P | MEM_SIZE) + name("") + u64(P),
    ],
)
def test_block_lists_that_cannot_be(raw: bytes) -> None:
    with pytest.raises(BadRam):
        read(RamCodec(context()), START, raw)


def test_a_list_without_end_is_refused() -> None:
    raw = u64(P | MEM_SIZE) + b"".join(name(f"{i}") + u64(0) for i in range(1 << 17))
    with pytest.raises(BadRam, match="no such list"):
        read(RamCodec(context()), START, raw)


def test_another_version_is_refused() -> None:
    codec = RamCodec(context())
    codec.begin(START, 3)
    with pytest.raises(BadRam, match="version 3"):
        codec.step(Cursor(u64(EOS)))


# --- the fast path -------------------------------------------------------------------------------

SMALL = 256  # pages, so that thousands fit into a test


@st.composite
def payloads(draw: st.DrawFn) -> bytes:
    """Runs of records, rising mostly, now and then broken in one way or another."""
    raw, at, pages = [record(0, ZERO, b"\0", "a")], 0, 4096
    for _ in range(draw(st.integers(0, 8))):
        kind = draw(st.sampled_from((ZERO, PAGE, XBZRLE)))
        body = {ZERO: b"\0", PAGE: b"\x22" * SMALL, XBZRLE: b"\1\0\2\0\1"}[kind]
        if kind == ZERO and draw(st.booleans()):
            body = b"\5"
        step = draw(st.sampled_from((1, 1, 2, 3, 0, -1)))
        for i in range(draw(st.sampled_from((1, 3, 60, 300)))):
            at = (at + step) % (pages + (draw(st.integers(0, 50)) == 1 if i == 0 else 0))
            raw.append(record(at * SMALL, kind, body))
        if draw(st.booleans()):
            at = draw(st.integers(0, pages - 1))
            raw.append(record(at * SMALL, PAGE, bytes(SMALL), draw(st.sampled_from("ab"))))
    whole = b"".join([*raw, u64(EOS)])
    if draw(st.booleans()):
        where = draw(st.integers(0, len(whole) - 1))
        whole = whole[:where] + bytes([draw(st.integers(0, 255))]) + whole[where + 1 :]
    return whole[: draw(st.just(len(whole)) | st.integers(0, len(whole)))]


def walked(raw: bytes, *, fast: bool) -> tuple[Any, ...]:
    walk = Records(fast=fast)
    walk.page = SMALL
    walk.know(b"a", 4096 * SMALL)
    walk.know(b"b", 4096 * SMALL)
    cur, error = Cursor(raw), None
    try:
        while not walk.ended:
            walk.walk(cur)
    except ParseError as caught:
        error = (type(caught), caught.at, caught.message)
    return error, cur.mark, dict(walk.section()), walk.rounds(), walk.round_count


@settings(deadline=None)  # the first run of many imports numpy
@given(payloads())
def test_runs_count_like_single_records(raw: bytes) -> None:
    assert walked(raw, fast=True) == walked(raw, fast=False)


@settings(deadline=None)  # the first run of many imports numpy
@given(payloads(), st.integers(300, 5000))
def test_a_pipe_gives_the_same_as_a_file(raw: bytes, window: int) -> None:
    def outcome(size: int) -> tuple[Any, ...]:
        codec = RamCodec(context(page_size=SMALL))
        start(codec, ("a", 4096 * SMALL), ("b", 4096 * SMALL))
        codec.begin(PART, 4)
        base = 0
        while True:
            cur = Cursor(raw[base : base + size], base, eof=base + size >= len(raw))
            try:
                while not codec.step(cur):
                    pass
            except NeedData:
                size, base = size + size * (cur.mark == base), cur.mark
            except ParseError as error:
                return type(error), error.at, codec.summary()
            else:
                return codec.content(), codec.summary()

    assert outcome(window) == outcome(len(raw) + 1)


@given(st.binary(max_size=200), st.sampled_from([(), ("mapped-ram",), ("x-ignore-shared",)]))
def test_garbage_raises_only_our_errors(raw: bytes, capabilities: tuple[str, ...]) -> None:
    codec = RamCodec(context(*capabilities, advise=(P, P)))
    raw = setup(("ram", 16 * P)) + raw if not capabilities else u64(P | MEM_SIZE) + raw
    at = 0
    try:
        read(codec, START, raw)
    except ParseError as error:
        at = -1 if error.at is None else error.at
    assert 0 <= at <= len(raw)


def test_a_cut_record_is_truncated() -> None:
    codec = RamCodec(context(page_size=P))
    start(codec, ("ram", 16 * P))
    with pytest.raises(Truncated):
        read(codec, PART, record(0, PAGE, bytes(100), "ram"))


def test_rounds_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MAX_ROUNDS", 3)
    codec = RamCodec(context(page_size=P))
    start(codec, ("ram", P))
    read(codec, PART, record(0, ZERO, b"\0", "ram") + record(0, ZERO, b"\0") * 9 + u64(EOS))
    summary = codec.summary()
    assert summary.round_count == 10
    assert [t.zero for t in summary.rounds] == [1, 1, 8]
    assert summary.blocks[0].tally == Tally(zero=10, zero_bytes=94)


@pytest.mark.parametrize(
    ("advise", "told"), [((0x201000, 1024), 1024), ((0, 3), 2048), (None, 2048)]
)
def test_postcopy_tells_the_page_size(advise: tuple[int, int] | None, told: int) -> None:
    """Two zero pages 2 KiB apart: without a word they are neighbours, with one there is a page between them."""
    where = Context(advise=advise)
    codec = RamCodec(where)
    read(
        codec,
        START,
        setup(("a", 8192), extra=u64(4096) if advise and advise[0] else b"") + u64(EOS),
    )
    read(codec, PART, record(0, ZERO, b"\0", "a") + record(2048, ZERO, b"\0") + u64(EOS))
    assert where.page_size == told
