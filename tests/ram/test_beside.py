"""Pages that are found alike while a stream is walked: never one that differs, and every one where all is plain."""

from __future__ import annotations

import struct
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import migstream
from migstream.ram import pages, scan
from migstream.ram.beside import Beside, Marks
from migstream.wire.push import Push
from support import build
from support.build import be64, counted, xbzrle_delta
from support.plain import plain_of

P = 1024
ZERO, PAGE, CONT, XBZRLE = 2, 8, 0x20, 0x40
SIZES = {"a": 40 * P, "b": 5 * P}
CONTENTS = [b"1" * P, b"1" * (P - 1) + b"2", bytes(range(256)) * 4, bytes(P)]
BOTH = [plain_of(scan), scan]


def stream_of(records: list[bytes], sizes: dict[str, int]) -> bytes:
    return build.memory(records, sizes, P)


@st.composite
def sent(draw: st.DrawFn) -> bytes:
    """Pages in their order, then some again in any way; half of all the same in every stream."""
    sizes = SIZES | {"a": draw(st.sampled_from([40, 40, 33, 41])) * P}
    records, now, last = [], {}, ""
    order = [("a", n) for n in range(sizes["a"] // P)] + [("b", n) for n in range(5)]
    for name, page in order:
        if draw(st.integers(0, 9)) == 0:
            continue
        usual = CONTENTS[page % 3] if page % 7 else bytes(P)
        new = usual if draw(st.booleans()) else draw(st.sampled_from(CONTENTS))
        kind = ZERO if not any(new) and draw(st.booleans()) else PAGE
        lead = be64(page * P | kind | CONT * (name == last))
        records.append(
            lead + (counted(name) if name != last else b"") + (new if kind == PAGE else b"\0")
        )
        now[name, page], last = new, name
    for _ in range(draw(st.integers(0, 6))):
        name, page = draw(st.sampled_from(order))
        old, new = now.get((name, page), bytes(P)), draw(st.sampled_from(CONTENTS))
        delta = xbzrle_delta(old, new)
        again = draw(st.booleans()) and 0 < len(delta) < P
        body = b"\1" + struct.pack(">H", len(delta)) + delta if again else new
        records.append(be64(page * P | (XBZRLE if again else PAGE)) + counted(name) + body)
        now[name, page] = new
    return stream_of(records, sizes)


def changes(a: Any, b: Any) -> list[Any]:
    return [
        (one.mark, one.what, one.path, one.ranges, one.sides and [bytes(v.raw) for v in one.sides])
        for one in migstream.diff(a, b, parts=["memory"])
    ]


@pytest.mark.parametrize("module", BOTH)
@settings(deadline=None, max_examples=60)
@given(
    one=sent(),
    two=sent(),
    window=st.sampled_from([P + 64, 5000, 1 << 20]),
    held=st.sampled_from([2 * P, 5 * P, pages.HELD]),
)
def test_a_walk_beside_another_is_the_same_as_reading_again(
    module: ModuleType, one: bytes, two: bytes, window: int, held: int
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(scan, "COMPILED", False)
        wanted = changes(one, two)
        patched.setattr(scan, "COMPILED", True)
        patched.setattr(pages, "same", module.same)
        patched.setattr(pages, "HELD", held)
        patched.setattr(pages, "COMPARED", min(held, pages.COMPARED))
        defaults = {**(Push.__init__.__kwdefaults__ or {}), "window": window}
        patched.setattr(Push.__init__, "__kwdefaults__", defaults)
        assert changes(one, two) == wanted
        assert changes(one, one) == []


def marked(a: bytes, b: bytes) -> dict[str, set[int]]:
    with migstream.open(a) as one, migstream.open(b) as two:
        beside = Beside(one.ram)
        before = two.shows
        two.walk_with(beside)
        assert (before, two.shows) == (True, False)
        found = {}
        for name, block in two.ram.items():
            count = block.size // P
            left = {n for s, e in beside.marks(name).unmarked(0, count) for n in range(s, e)}
            found[name] = set(range(count)) - left
            for page in found[name]:
                here = slice(page * P, (page + 1) * P)
                assert block[here] == one.ram[name][here]
        return found


@settings(deadline=None, max_examples=100)
@given(sent(), sent())
def test_what_is_marked_is_alike(one: bytes, two: bytes) -> None:
    marked(one, two)


def test_all_that_was_sent_whole_is_marked() -> None:
    records = [be64(PAGE) + counted("a") + CONTENTS[2]]
    records += [be64(n * P | PAGE | CONT) + CONTENTS[n % 2] for n in range(1, 40)]
    raw = stream_of(records, SIZES)
    assert marked(raw, raw) == {"a": set(range(40)), "b": set()}
    records[7] = records[7][:-1] + b"x"
    assert marked(raw, stream_of(records, SIZES)) == {"a": set(range(40)) - {7}, "b": set()}


def test_what_lies_behind_the_end_of_a_shorter_file_is_not_alike() -> None:
    """An index that leads out of its source ends no walk of the other stream, and marks nothing."""
    raw = stream_of([be64(PAGE) + counted("a") + CONTENTS[2]], SIZES)
    with migstream.open(raw) as one, migstream.open(raw) as two:
        table = one.ram["a"]._pages
        assert isinstance(table, pages.PageTable)
        table.entries.make(0).entries[0] = (9 << 52 | 5) << 3 | 2  # a source that is not there
        beside = Beside(one.ram)
        two.walk_with(beside)
        assert two.damage == []
        assert list(beside.marks("a").unmarked(0, 3)) == [(0, 3)]


@given(st.lists(st.tuples(st.integers(0, 2000), st.booleans()), max_size=40))
def test_stretches_without_marks_are_those_of_a_plain_loop(flags: list[tuple[int, bool]]) -> None:
    marks, wanted = Marks(), set(range(100, 1900))
    for page, mark in flags:
        marks.of(page, 1)[0] = mark
        (wanted.discard if mark else wanted.add)(page)
    found = list(marks.unmarked(100, 1900))
    assert all(first < behind for first, behind in found)
    assert [n for s, e in found for n in range(s, e)] == sorted(wanted & set(range(100, 1900)))
