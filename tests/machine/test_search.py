"""Search in windows against a plain search through the whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migstream.errors import BadRam
from migstream.machine.physical import PhysicalMemory, Range
from migstream.machine.search import (
    LONGEST,
    Form,
    Needle,
    Segment,
    block_segments,
    hex_needles,
    physical_segments,
    regex_needle,
    search,
    string_lines,
    strings_needles,
    surroundings,
    text_needles,
    virtual_segments,
)
from migstream.ram.image import Run
from support.pagetables import Cpu, Tree
from support.searched import DATA, PAGE, Block


def plain(data: bytes, needle: Needle) -> list[tuple[int, bytes]]:
    """Every place tried by itself."""
    out, at = [], 0
    while at < len(data):
        found = needle.pattern.match(data, at, at + needle.reach)
        if found is None or not found[0]:
            at += 1
            continue
        out.append((at, found[0]))
        at += 1 if needle.fixed else len(found[0])
    return out


NEEDLES = st.one_of(
    st.lists(st.sampled_from(["61", "62", "00", "??", "ff"]), min_size=1, max_size=6).map(
        lambda parts: hex_needles(" ".join(parts))
    ),
    st.builds(
        lambda text, fold: text_needles(text, ignore_case=fold),
        st.text("abAB", min_size=1, max_size=4),
        st.booleans(),
    ),
    st.sampled_from(
        [
            "a+",
            "a.*?b",
            "[^a]b",
            "a\\x00*",
            "\\x00*b",
            r"\bab",
            "ab|b",
            "a*",
            "\\x00a",
            "(?s)a.{3}b",
            "^ab",
            "\\xff$",
        ]
    ).map(lambda source: [regex_needle(source)]),
    st.integers(1, 5).map(strings_needles),
)


@settings(max_examples=400, deadline=None)
@given(DATA, NEEDLES, st.integers(1, 300))
def test_windows_change_nothing(data: bytes, needles: list[Needle], window: int) -> None:
    hits = list(search(block_segments("ram", 0, len(data)), {"ram": Block(data)}, needles, window))
    assert [h.address for h in hits] == sorted(h.address for h in hits)
    expected = [(at, found, n.kind) for n in needles for at, found in plain(data, n)]
    assert sorted((h.address, h.data, h.kind) for h in hits) == sorted(expected)


@settings(max_examples=200, deadline=None)
@given(DATA, NEEDLES, st.integers(0, 300), st.integers(0, 3000))
def test_with_and_without_what_is_compiled(
    data: bytes, needles: list[Needle], start: int, stop: int
) -> None:
    view = memoryview(data)
    for needle in needles:
        found = list(needle.hits(view, start, min(stop, len(data))))
        assert found == list(needle.plain(view, start, min(stop, len(data))))


LINED = Form(b"<", b">", b"\\t")


@settings(max_examples=300, deadline=None)
@given(DATA, st.integers(1, 5), st.integers(1, 300), st.sampled_from([0, 0xFFFFFFF0, 1 << 40]))
def test_lines_of_strings_are_those_of_a_search(
    data: bytes, minimum: int, window: int, address: int
) -> None:
    """Also over a hole: the second page is not there."""
    block = Block(data, frozenset({1}))
    place = [Segment(address, len(data), "ram", 0)]
    hits = list(search(place, {"ram": block}, strings_needles(minimum), window))
    found = [
        (count, bytes(text))
        for count, text in string_lines(place, {"ram": block}, minimum, LINED, window)
    ]
    expected = [
        f"<{hit.address:08x}>{hit.data.decode(hit.kind)}\n".replace("\t", "\\t") for hit in hits
    ]
    assert b"".join(text for _, text in found).decode() == "".join(expected)
    assert sum(count for count, _ in found) == len(hits)


def test_what_stands_before_damage_is_found() -> None:
    """A page of a large piece cannot be read: all pages before it are looked through."""

    class Damaged(Block):
        def read(self, start: int, stop: int) -> bytes:
            if start <= 0x5000 < stop:
                raise BadRam("a delta that leads nowhere")
            return super().read(start, stop)

        def runs(self, start: int, stop: int) -> Iterator[Run]:
            yield Run("data", start, stop)

    block = Damaged(b"needle".ljust(4096, b".") * 16)
    hits = search(block_segments("ram", 0, 1 << 16), {"ram": block}, text_needles("needle"))
    places = [hit.address for hit in islice(hits, 5)]
    with pytest.raises(BadRam):
        next(hits)
    assert places == [0, 0x1000, 0x2000, 0x3000, 0x4000]


@settings(max_examples=100, deadline=None)
@given(DATA, st.sampled_from(["a+", "a.*b", "(?s)a.*?b", "[ab]+A?"]), st.integers(1, 30))
def test_long_hits_do_not_depend_on_the_window(data: bytes, source: str, window: int) -> None:
    """The longest hit is far shorter than what the pattern could match."""
    needle = Needle(re.compile(source.encode()), 9, "regex", fixed=False)
    hits = search(block_segments("ram", 0, len(data)), {"ram": Block(data)}, [needle], window)
    assert [(h.address, h.data) for h in hits] == plain(data, needle)


def test_a_hit_goes_from_range_to_range_but_not_over_a_hole() -> None:
    blocks = {"a": Block(b"\1" * 60 + b"need"), "b": Block(b"le" + b"\2" * 62)}
    near = [Range(0x1000, 64, "a", 0, ""), Range(0x1040, 64, "b", 0, "")]
    far = [Range(0x1000, 64, "a", 0, ""), Range(0x1041, 64, "b", 0, "")]
    for ranges, places in ((near, [0x103C]), (far, [])):
        memory = PhysicalMemory(ranges, _Read(blocks))
        segments = physical_segments(memory, 0, 1 << 64)
        hits = search(segments, blocks, text_needles("needle"))
        assert [hit.address for hit in hits] == places


class _Read:
    def __init__(self, blocks: dict[str, Block]) -> None:
        self.blocks = blocks

    def read(self, block: str, start: int, stop: int) -> bytes:
        return self.blocks[block].read(start, stop)


def test_what_is_elsewhere_is_a_hole() -> None:
    block = Block(b"ab" * 96, elsewhere=frozenset({1}))
    hits = list(search(block_segments("ram", 0, 192), {"ram": block}, hex_needles("62 61")))
    assert [h.address for h in hits] == [*range(1, 62, 2), *range(129, 190, 2)]


def test_zero_pages_are_not_read() -> None:
    block = Block(b"ab" + bytes(1 << 16) + b"ab")
    hits = list(
        search(block_segments("ram", 0, len(block.data)), {"ram": block}, hex_needles("6162"))
    )
    assert [h.address for h in hits] == [0, (1 << 16) + 2]
    assert sum(stop - start for start, stop in block.asked) <= 2 * PAGE


def test_zeros_are_found_where_they_are_asked_for() -> None:
    block = Block(b"a" + bytes(1000) + b"b")
    hits = list(search(block_segments("ram", 0, 1002), {"ram": block}, hex_needles("00 00 62")))
    assert [h.address for h in hits] == [999]
    hits = list(search(block_segments("ram", 0, 1002), {"ram": block}, hex_needles("00 " * 998)))
    assert [h.address for h in hits] == [1, 2, 3]


def test_through_virtual_memory() -> None:
    """Neighbours in virtual memory lie apart in physical memory."""
    tree = Tree(0x1000, [(39, 9), (30, 9), (21, 9), (12, 9)], 7)
    data = bytearray(0x10000)
    high = 0xFFFF_FFFF_8000_0000
    tree.put(high, 12, 0xA003)
    tree.put(high + 0x1000, 12, 0x8003)
    data[0x1000 : 0x1000 + len(tree.data)] = tree.data
    data[0xAFFD:0xB000], data[0x8000:0x8003] = b"nee", b"dle"
    blocks = {"ram": Block(bytes(data))}
    memory = PhysicalMemory([Range(0, len(data), "ram", 0, "")], _Read(blocks))
    cpu = Cpu("x86_64", {"cr0": 1 << 31, "cr3": 0x1000, "cr4": 0x20, "efer": 0x500})
    found = search(virtual_segments(cpu, memory, 0, 1 << 64), blocks, text_needles("needle"))
    assert [hit.address for hit in found] == [high + 0xFFD]


@pytest.mark.parametrize("text", ["", "d", "xx", "1 2", "?", "12 3?"])
def test_no_hexadecimal(text: str) -> None:
    with pytest.raises(ValueError, match="hexadecimal"):
        hex_needles(text)


def test_case() -> None:
    data = "ÄRGER ärger Ärger".encode()
    hits = search(
        block_segments("r", 0, len(data)),
        {"r": Block(data)},
        text_needles("ärger", ignore_case=True),
    )
    assert [h.data.decode() for h in hits] == ["ÄRGER", "ärger", "Ärger"]
    with pytest.raises(ValueError, match="regular expression"):
        regex_needle("(")


def test_strings_come_whole_or_in_pieces() -> None:
    data = (
        b"\xffshort\x00"
        + b"x" * (LONGEST + 10)
        + b"\xff"
        + "wide text".encode("utf-16-le")
        + b"\xff\xff"
    )
    hits = list(search(block_segments("r", 0, len(data)), {"r": Block(data)}, strings_needles()))
    assert [h.data for h in hits] == [
        b"short",
        b"x" * LONGEST,
        b"x" * 10,
        "wide text".encode("utf-16-le"),
    ]


def test_surroundings_stop_where_memory_does() -> None:
    data = b"a" * PAGE + b"x" * PAGE + bytes(PAGE) + b"b" * PAGE
    blocks = {"ram": Block(data, frozenset({1}))}
    place = list(block_segments("ram", 0, len(data)))
    assert surroundings(place, blocks, 5) == (0, data[:PAGE])
    assert surroundings(place, blocks, 3 * PAGE) == (2 * PAGE, data[2 * PAGE :])
    assert surroundings(place, blocks, PAGE) == (PAGE, b"")
