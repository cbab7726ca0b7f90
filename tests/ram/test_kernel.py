"""The kernel compiled and as it is: the same answers, and those of the plainest code there can be."""

from __future__ import annotations

from array import array
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migstream.ram import kernel
from support.build import xbzrle_delta
from support.plain import plain_of

PAGE = 256
PAGES = 64


plain = plain_of(kernel)
BOTH = [plain, kernel]


def test_the_plain_one_is_plain() -> None:
    assert plain.__file__ is not None
    assert plain.__file__.endswith(".py")


def record(offset: int, flags: int, body: bytes) -> bytes:
    return (offset | flags).to_bytes(8, "big") + body


@st.composite
def windows(draw: st.DrawFn) -> bytes:
    """Records of one block, some of them wrong, cut anywhere."""
    raw, at = [], 0
    for _ in range(draw(st.integers(0, 40))):
        at += PAGE * draw(st.sampled_from((1, 1, 1, 2, 0, -1)))
        kind = draw(st.sampled_from(("page", "zero", "fill", "delta", "delta", "odd")))
        raw.append(
            {
                "page": record(max(at, 0), 0x28, bytes(PAGE)),
                "zero": record(max(at, 0), 0x22, b"\0"),
                "fill": record(max(at, 0), 0x22, b"\7"),
                "delta": record(max(at, 0), 0x60, b"\1\0\3abc"),
                "odd": record(
                    max(at, 0), draw(st.sampled_from((0x08, 0x60, 0x10, 0x120))), b"\2\xff\xff"
                ),
            }[kind]
        )
    whole = b"".join(raw)
    return whole[: draw(st.just(len(whole)) | st.integers(0, len(whole)))]


@given(windows(), st.integers(1, 50), st.integers(-1, 3 * PAGE), st.integers(0, 3))
def test_walk(raw: bytes, room: int, last: int, at: int) -> None:
    answers = []
    for module in BOTH:
        rows, counts = array("q", bytes(32 * room)), array("q", range(9))
        found = module.walk(
            memoryview(raw),
            min(at, len(raw)),
            1000,
            PAGE,
            PAGES * PAGE,
            last,
            memoryview(rows),
            memoryview(counts),
        )
        answers.append((found, rows.tolist(), counts.tolist()))
    assert answers[0] == answers[1]


@st.composite
def row_lists(draw: st.DrawFn) -> list[int]:
    rows: list[int] = []
    for _ in range(draw(st.integers(0, 12))):
        kind = draw(
            st.sampled_from(
                (kernel.FILL, kernel.FILL | 7 << 8, kernel.DATA, kernel.DELTA, kernel.PACKED)
            )
        )
        first = draw(st.integers(0, PAGES - 1))
        count = 1 if kind in (kernel.DELTA, kernel.PACKED) else draw(st.integers(1, PAGES - first))
        rows += [kind, first, count, draw(st.integers(0, 1 << 40))]
    return rows


def painted(module: Any, rows: list[int], source: int = 3, part: int = PAGES) -> tuple[Any, ...]:
    """Rows in a table of PAGES pages, entered into parts of it of `part` pages each."""
    table, touched = array("Q", bytes(8 * PAGES)), [bytearray(1) for _ in range(0, PAGES, part)]
    deltas = array("Q", bytes(8 * (len(rows) + 2)))
    used, row, skip, known, fresh = len(rows) // kernel.ROW, 0, 0, 0, 0
    while row < used:
        number = (rows[row * kernel.ROW + 1] + skip) // part
        base = number * part
        row, skip, known, more = module.paint(
            memoryview(array("q", rows)), row, skip, used, 8 + PAGE, source, base,
            memoryview(table)[base : base + part], touched[number], memoryview(deltas), known,
        )  # fmt: skip
        fresh += more
    return known, table, deltas, touched, fresh


@given(row_lists(), st.integers(1, PAGES))
def test_paint_and_run(rows: list[int], part: int) -> None:
    one, other = (painted(module, rows) for module in BOTH)
    assert one == other
    pieces = [painted(module, rows, part=part) for module in BOTH]
    assert pieces[0] == pieces[1]
    assert pieces[0][:3] == one[:3]
    assert pieces[0][4] == sum(b"".join(pieces[0][3]))
    table = memoryview(one[1])
    at = 0
    while at < PAGES:
        found = {module.run(table, at, PAGES) for module in BOTH}
        assert len(found) == 1
        kind, payload, count, stride = found.pop()
        assert (kind, payload) == (table[at] & 7, table[at] >> kernel.ENTRY_BITS)
        assert count >= 1
        for n in range(at, at + count):
            assert table[n] == table[at] + (n - at) * (stride << kernel.ENTRY_BITS)
        at += count


@given(row_lists(), st.integers(0, PAGES - 1), st.integers(1, 3))
def test_alike(rows: list[int], first: int, room: int) -> None:
    table = memoryview(painted(kernel, rows)[1])
    wanted = [min(entry, kernel.DATA) for entry in table[first:]]
    found: list[int] = []
    at = first
    while at < PAGES:
        pairs = [memoryview(array("Q", bytes(16 * room))) for _ in BOTH]
        ends = {
            module.alike(table, at, PAGES, one) for module, one in zip(BOTH, pairs, strict=True)
        }
        assert pairs[0] == pairs[1]
        [(at, used)] = ends
        for n in range(used):
            found += [pairs[0][2 * n]] * pairs[0][2 * n + 1]
    assert found == wanted


@given(row_lists(), st.integers(0, PAGES - 1), st.data())
def test_gather(rows: list[int], first: int, data: st.DataObject) -> None:
    view = memoryview(bytes(n * 7 % 251 for n in range(PAGES * PAGE)))
    rows = [r % (len(view) - PAGE) if i % 4 == 3 else r for i, r in enumerate(rows)]
    table = memoryview(painted(kernel, rows, source=0)[1])
    count = data.draw(st.integers(0, PAGES - first))
    answers = []
    for module in BOTH:
        out = bytearray(b"\xee" * (count * PAGE))
        done = module.gather(
            table, first, count, 0, 0, view, memoryview(bytes(PAGE)), memoryview(out)
        )
        answers.append((done, bytes(out[: done * PAGE])))
    assert answers[0] == answers[1]


@given(st.binary(min_size=16, max_size=16), st.sampled_from((0, 7)), st.integers(0, 127), st.data())
def test_bitmap_run(raw: bytes, flip: int, at: int, data: st.DataObject) -> None:
    stop = data.draw(st.integers(at + 1, 128))
    bits = [raw[(n >> 3) ^ flip] >> (n & 7) & 1 for n in range(128)]
    count = 1
    while at + count < stop and bits[at + count] == bits[at]:
        count += 1
    for module in BOTH:
        assert module.bitmap_run(memoryview(raw), flip, at, stop) == (bits[at], count)


@given(st.binary(min_size=PAGE, max_size=PAGE), st.data())
def test_xbzrle_gives_the_new_page(old: bytes, data: st.DataObject) -> None:
    new = bytearray(old)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, PAGE - 1))
        piece = data.draw(st.binary(min_size=1, max_size=PAGE - at))
        new[at : at + len(piece)] = piece
    delta = xbzrle_delta(old, bytes(new))
    for module in BOTH:
        page = bytearray(old)
        assert module.xbzrle(memoryview(delta), 0, len(delta), memoryview(page)) == (0, len(delta))
        assert page == new


@given(st.binary(max_size=40), st.integers(0, 40))
def test_xbzrle_stays_inside(raw: bytes, stop: int) -> None:
    answers = []
    for module in BOTH:
        page = bytearray(PAGE)
        found = module.xbzrle(memoryview(raw), 0, min(stop, len(raw)), memoryview(page))
        answers.append((found, bytes(page)))
    assert answers[0] == answers[1]
    assert len(answers[0][1]) == PAGE


@pytest.mark.parametrize("module", BOTH)
@pytest.mark.parametrize(
    ("delta", "wrong"),
    [
        (b"\x80", 1),
        (b"\x80\x80\x01", 1),
        (b"\x00", 1),
        (b"\x00\x00", 3),
        (b"\x01\xff\x01" + bytes(255), 0),
        (b"\x02\xff\x01" + bytes(255), 2),
        (b"\x81\x02\x01x", 2),
        (b"\x00\x05abc", 4),
    ],
)
def test_xbzrle_says_what_is_wrong(module: Any, delta: bytes, wrong: int) -> None:
    page = memoryview(bytearray(PAGE))
    assert module.xbzrle(memoryview(delta), 0, len(delta), page)[0] == wrong


@st.composite
def memories(draw: st.DrawFn) -> bytes:
    """Whole pages, some of them zero but for one byte, or altogether."""
    pages = []
    for _ in range(draw(st.integers(1, 12))):
        page = bytearray(PAGE)
        if draw(st.booleans()):
            page[draw(st.integers(0, PAGE - 1))] = draw(st.integers(0, 255))
        pages.append(bytes(page))
    return b"".join(pages)


@given(memories(), st.data())
def test_kinds_and_pack_write_what_walk_reads(memory: bytes, data: st.DataObject) -> None:
    count = len(memory) // PAGE
    first = data.draw(st.integers(0, count - 1))
    changed = data.draw(st.lists(st.booleans(), min_size=1, max_size=count - first))
    name = data.draw(st.sampled_from((b"", b"\x03ram")))
    origin = data.draw(st.integers(0, first))
    answers = []
    for module in BOTH:
        flags = bytearray(changed)
        module.kinds(memoryview(memory).cast("Q"), first, PAGE // 8, memoryview(flags))
        out = bytearray(len(changed) * (8 + PAGE) + len(name))
        used = module.pack(
            memoryview(memory)[origin * PAGE :], origin, memoryview(flags), first, PAGE,
            memoryview(name), memoryview(out),
        )  # fmt: skip
        answers.append((bytes(flags), bytes(out[:used])))
    assert answers[0] == answers[1]
    want, lead = b"", name
    for index, sent in enumerate(changed):
        at = (first + index) * PAGE
        page = memory[at : at + PAGE]
        kind = 0x08 if any(page) else 0x02
        assert answers[0][0][index] == (kind if sent else 0)
        if sent:
            want += record(at, kind | (0 if lead else 0x20), lead + (page if any(page) else b"\0"))
            lead = b""
    assert answers[0][1] == want


@given(st.binary(max_size=300))
def test_what_is_marked_is_counted(flags: bytes) -> None:
    want = len(flags) - flags.count(0)
    assert [module.marked(memoryview(flags)) for module in BOTH] == [want, want]
