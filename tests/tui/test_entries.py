"""What the tree shows, without a terminal: a page at a time, whatever the stream says of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import migstream
from migstream.errors import MigstreamError
from migstream.places import places
from migstream.render.shown import plain
from migstream.stream import Stream
from support.build import (
    END,
    HEADER,
    configuration,
    described,
    description,
    device,
    field,
    full,
    small,
)
from support.samples import Sample

pytest.importorskip("textual", reason="Textual is not installed")

from migstream.tui.entries import PAGE, Entry, is_it, leads, root
from migstream.tui.seek import Sought

MANY = 100_000


def below(entry: Entry) -> list[Entry]:
    found = list(islice(entry.below(), PAGE + 1)) if entry.below else []
    assert len(found) <= PAGE
    return found


def every(entry: Entry) -> Iterator[Entry]:
    yield entry
    for one in below(entry):
        yield from every(one)


def found(stream: Stream, path: str) -> Entry:
    """The line of a place, by the way on which the tree opens it."""
    place = places(stream, path)[0]
    entry = root(stream)
    while not is_it(entry, place):
        ways = below(entry)
        entry = max(ways, key=lambda one: leads(one, place))
        assert leads(entry, place)
    return entry


@pytest.fixture
def array(tmp_path: Path) -> Iterator[Stream]:
    """A device with an array of many elements."""
    words = device("many", [field("words", "uint16", 2, array_len=MANY)])
    path = tmp_path / "many.mig"
    path.write_bytes(
        HEADER
        + configuration()
        + full(3, "many", b"".join(n.to_bytes(4)[2:] for n in range(MANY)))
        + END
        + description(described(words))
    )
    with migstream.open(path) as stream:
        yield stream


def test_a_large_array_is_a_page_of_ranges(array: Stream) -> None:
    words = found(array, "many[0]/words")
    assert [plain(one.label) for one in below(words)] == ["0 to 65535", "65536 to 99999"]
    one = found(array, f"many[0]/words[{MANY - 1}]")
    assert one.value is not None
    assert int(one.value) == (MANY - 1) % (1 << 16)


def test_every_value_has_a_line(named_sample: Callable[[str], Sample]) -> None:
    with migstream.open(named_sample("pc-7.2.mig").path) as stream:
        for one in stream.devices:
            leaves = list(one.value.leaves())
            for value in {leaves[0].path, leaves[len(leaves) // 2].path, leaves[-1].path}:
                entry = found(stream, value)
                assert entry.value is not None
                assert entry.value.span == next(stream.find(value)).span


def test_words_are_found_in_order_and_around(named_sample: Callable[[str], Sample]) -> None:
    with migstream.open(named_sample("pc-7.2.mig").path) as stream:
        looking = Sought(stream, "EIP")
        assert looking.step(1) is None  # capital letters count
        looking = Sought(stream, "irr")
        first = looking.step(1)
        assert first is not None
        assert "irr" in first.path
        last = looking.step(-1)
        assert last is not None
        assert last.path != first.path
        again = looking.step(1)
        assert again is not None
        assert again.path == first.path


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_broken_streams_open_as_far_as_they_go(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    raw = bytearray(small())
    for at in data.draw(st.lists(st.integers(0, len(raw) - 1), max_size=8)):
        raw[at] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.mktemp("broken") / "broken.mig"
    path.write_bytes(raw[: data.draw(st.integers(1, len(raw)))])
    with suppress(MigstreamError), migstream.open(path) as stream:
        for entry in every(root(stream)):
            assert plain(entry.label).isprintable()
