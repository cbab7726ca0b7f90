"""Needles finds what a plain search finds, wherever it stands."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migstream.errors import SourceError
from migstream.source import needles
from migstream.source.needles import SECTOR, STRIP, WINDOW, Needles
from migstream.source.store import File, Whole

WORD = b"QEVM\0"
PATTERN = re.compile(rb"QEVM\x00(?=[\x01-\x03])")
SECTORS = (b"Libv", b"QFI\xfb")


def plain(data: bytes) -> list[int]:
    """The same with what Python has for it."""
    places = {hit.start() for hit in PATTERN.finditer(data)}
    return sorted(
        places | {at for at in range(0, len(data), SECTOR) if data[at : at + 4] in SECTORS}
    )


def found(data: bytes, start: int = 0, stop: int | None = None) -> list[int]:
    search, places, at = Needles(Whole(data), PATTERN, WORD, SECTORS), [], start
    while (place := search.after(at, stop)) is not None:
        places.append(place)
        at = place + 1
    return places


pieces = st.lists(
    st.sampled_from(
        [
            *(WORD + bytes([n]) for n in range(5)),
            b"QEVM", b"QE", b"Q", b"EV", b"VM", b"\0", b"x", bytes(500), b"Libv", b"QFI\xfb",
            bytes(WINDOW - 7), bytes(SECTOR - 4), b"QE" * 100,
        ]
    ),
    max_size=40,
).map(b"".join)  # fmt: skip


@given(pieces, st.integers(0, 3 << 20), st.none() | st.integers(0, 3 << 20))
def test_it_finds_what_a_plain_search_finds(data: bytes, start: int, stop: int | None) -> None:
    end = len(data) if stop is None else stop
    assert found(data, start, stop) == [at for at in plain(data) if start <= at < end]


@pytest.mark.parametrize("shift", range(-12, 13))
def test_it_finds_what_stands_on_the_edge_of_two_windows(shift: int) -> None:
    data = bytearray(Random(shift).randbytes(2 * WINDOW + 100))  # noqa: S311 - no secret
    at = WINDOW + shift
    data[at : at + 6] = WORD + b"\1"
    assert found(bytes(data)) == [at]


def test_a_window_full_of_beginnings_is_searched_like_any_other() -> None:
    data = b"QE" * (WINDOW // 2) + WORD + b"\2" + WORD + b"\4"
    assert found(data) == [WINDOW]


def test_it_tells_how_many_bytes_were_passed() -> None:
    passed: list[int] = []
    size = 3 * WINDOW + 17
    assert Needles(Whole(bytes(size)), PATTERN, WORD, (), passed.append).after(0) is None
    assert sum(passed) == size


def test_it_reads_each_window_once() -> None:
    class Counted(Whole):
        read = 0

        def view(self, start: int, stop: int) -> memoryview:
            piece = super().view(start, stop)
            self.read += len(piece)
            return piece

    store = Counted(b"QE" * 100_000 + (WORD + b"\1") * 1000 + bytes(5 * WINDOW))
    search, at = Needles(store, PATTERN, WORD, SECTORS), 0
    while (place := search.after(at)) is not None:
        at = place + 1
    assert store.read <= store.size + 8 * needles.LONGEST


def test_a_file_is_searched_ahead_and_the_same_is_found(tmp_path: Path) -> None:
    """Strips by two threads: at their edges, across jumps, and to the last byte."""
    size = 5 * STRIP + 12345
    places = sorted(
        {STRIP + n for n in range(-9, 9, 3)} | {17, 2 * STRIP - 5, 4 * STRIP, size - 6}
        | {Random(n).randrange(size - 6) for n in range(20)}  # noqa: S311 - no secret
    )  # fmt: skip
    data = bytearray(size)
    for at in places:
        data[at : at + 6] = WORD + b"\1"
    expected = plain(bytes(data))
    path = tmp_path / "large"
    path.write_bytes(data)
    with path.open("rb") as file:
        store = File(file.fileno(), size)
        search, hits, at = Needles(store, PATTERN, WORD, SECTORS), [], 0
        while (place := search.after(at)) is not None:
            hits.append(place)
            at = place + 1
        assert hits == expected
        for start in (3 * STRIP, 0, STRIP + 1, 4 * STRIP + 1, size - 6, size):  # there and back
            rest = [one for one in expected if one >= start]
            assert search.after(start) == (rest[0] if rest else None)
        path.write_bytes(data[: 2 * STRIP])  # it becomes shorter while it is read
        search = Needles(store, PATTERN, WORD, SECTORS)
        with pytest.raises(SourceError, match="shorter"):
            search.after(3 * STRIP)
