"""The loops over every byte: compiled and as they are, against what `bytes` and `re` say."""

from __future__ import annotations

import re
from array import array
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migstream.ram import scan
from support.plain import plain_of

plain = plain_of(scan)
BOTH = [plain, scan]
FEW = st.lists(st.sampled_from(b"\0\0aAb\xff"), max_size=300).map(bytes)
TEXT = st.lists(st.sampled_from(b"\0\0\0ab~\t \x7f\x1f\xff"), max_size=300).map(bytes)
ROOM = 256


def test_the_plain_one_is_plain() -> None:
    assert not plain.COMPILED
    assert plain.__file__ is not None
    assert plain.__file__.endswith(".py")


@pytest.mark.parametrize("module", BOTH)
@given(FEW, st.lists(st.sampled_from(b"\0aAb"), min_size=1, max_size=4).map(bytes), st.data())
def test_literals(module: ModuleType, memory: bytes, literal: bytes, data: st.DataObject) -> None:
    masks = data.draw(
        st.lists(st.sampled_from(b"\xff\xff\xdf\0"), min_size=len(literal), max_size=len(literal))
    )
    at, stop = (data.draw(st.integers(0, len(memory) + 8)) for _ in range(2))
    one, two = (data.draw(st.integers(0, len(literal) - 1)) for _ in range(2))
    last = len(memory) - len(literal)
    expected = [
        place
        for place in range(at, min(stop, last + 1))
        if all(
            not (byte ^ wanted) & mask
            for byte, wanted, mask in zip(memory[place:], literal, masks, strict=False)
        )
    ]
    found = module.find(memory, at, stop, literal, bytes(masks), one, two)
    assert found == (expected[0] if expected else -1)


@pytest.mark.parametrize("module", BOTH)
@pytest.mark.parametrize("size", [63, 64, 65, 128, 200])
def test_a_literal_anywhere_in_a_block(module: ModuleType, size: int) -> None:
    for place in range(size - 2):
        memory = bytes(place) + b"abc" + bytes(size - place - 3)
        assert module.find(memory, 0, size, b"abc", b"\xff" * 3, 2, 0) == place


@pytest.mark.parametrize("module", BOTH)
@given(TEXT, st.integers(1, 5), st.sampled_from([1, 2]), st.integers(0, 300), st.data())
def test_strings(
    module: ModuleType, memory: bytes, minimum: int, width: int, at: int, data: st.DataObject
) -> None:
    stop = data.draw(st.integers(at, 310))
    most = width * data.draw(st.integers(minimum, 12))
    pattern = re.compile(rb"(?:[\t -~]%b){%d,%d}" % (b"\0" * (width - 1), minimum, most // width))
    expected = [
        (one.start(), len(one[0])) for one in pattern.finditer(memory, at) if one.start() < stop
    ]
    rows = array("q", bytes(16 * ROOM))
    used, _ = module.strings(memory, at, stop, minimum, width, most, rows)
    assert list(zip(rows[: 2 * used : 2], rows[1 : 2 * used : 2], strict=True)) == expected
    # where there is no room, it goes on behind the last one
    one_by_one, small = [], array("q", bytes(16))
    while True:
        used, at = module.strings(memory, at, stop, minimum, width, most, small)
        if not used:
            break
        one_by_one.append(tuple(small))
    assert one_by_one == expected


@pytest.mark.parametrize("module", BOTH)
@given(
    TEXT,
    st.integers(1, 3),
    st.lists(st.integers(0, 1 << 62), min_size=1, max_size=3),
    st.integers(0, 1 << 40),
    st.sampled_from([(b"", b"  ", b"\\t"), (b"\x1b[2m", b"\x1b[0m  ", b""), (b"<", b">", b"\t")]),
)
def test_lines(
    module: ModuleType,
    memory: bytes,
    minimum: int,
    addresses: list[int],
    base: int,
    form: tuple[bytes, bytes, bytes],
) -> None:
    lead, between, tab = form
    marks = [(base + 50 * n, address) for n, address in enumerate(addresses)]
    rows, expected = [], []
    for width in (1, 2):
        found = array("q", bytes(16 * ROOM * 2))
        used, _ = module.strings(memory, 0, len(memory), minimum, width, 64, found)
        rows.append(found[: 2 * used])
        for place, size in zip(rows[-1][::2], rows[-1][1::2], strict=True):
            mark, address = max(one for one in marks if one[0] <= base + place)
            text = memory[place : place + size : width].replace(b"\t", tab)
            here = address + base + place - mark
            expected.append((place, width, lead + b"%08x" % here + between + text + b"\n"))
    out = bytearray(len(expected) * (len(lead + between) + 17) + 2 * 2 * len(memory))
    flat = array("Q", [number for mark in marks for number in mark])
    used = module.lines(memory, *rows, base, flat, lead, between, tab, out)
    assert bytes(out[:used]) == b"".join(text for *_, text in sorted(expected))


@pytest.mark.parametrize("module", BOTH)
def test_nothing_is_read_or_written_outside(module: ModuleType) -> None:
    rows, marks = array("q", [0, 4]), array("Q", [0, 0])
    with pytest.raises(IndexError):
        module.find(b"abcd", -1, 4, b"a", b"\xff", 0, 0)
    with pytest.raises(IndexError):
        module.find(b"abcd", 0, 4, b"a", b"\xff", 0, 1)
    for minimum, width, most in ((0, 1, 4), (1, 3, 3), (4, 2, 6), (2, 2, 5)):
        with pytest.raises(ValueError, match="so long"):
            module.strings(b"abcd", 0, 4, minimum, width, most, rows)
    with pytest.raises(IndexError):
        module.lines(b"abc", rows, rows[:0], 0, marks, b"", b"", b"", bytearray(64))
    with pytest.raises(IndexError):
        module.lines(b"abcd", rows, rows[:0], 0, marks, b"", b"", b"", bytearray(16))
    with pytest.raises(IndexError):
        module.lines(b"abcd", rows, rows[:0], 0, marks[:0], b"", b"", b"", bytearray(64))
