"""What a device cannot read is passed over, in small pieces, and told."""

from __future__ import annotations

import errno
import itertools
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migstream.errors import SourceError
from migstream.source.store import MOST_LOST, File, Sparing
from support.failing import PAGE, failing_at

SIZE = 700_000
DATA = Random(5).randbytes(SIZE)  # noqa: S311 - no secret


@pytest.fixture(scope="module")
def number(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    path = tmp_path_factory.mktemp("sparing") / "disk"
    path.write_bytes(DATA)
    with path.open("rb") as file:
        yield file.fileno()


spans = st.tuples(st.integers(0, SIZE), st.integers(0, 300_000)).map(lambda one: (one[0], sum(one)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.integers(0, SIZE - 1), max_size=6), st.lists(spans, min_size=1, max_size=6))
def test_all_that_can_be_read_is(number: int, bad: set[int], asked: list[tuple[int, int]]) -> None:
    pages = {at // PAGE for at in bad}
    expected = bytearray(DATA)
    for page in pages:
        expected[page * PAGE : (page + 1) * PAGE] = bytes(
            len(DATA[page * PAGE : (page + 1) * PAGE])
        )
    store = File(number, SIZE).sparing()
    with pytest.MonkeyPatch.context() as patch:
        failing_at(patch, bad)
        for start, stop in asked:
            assert store.view(start, stop) == expected[start:stop]
        store.view(0, SIZE)
    lost = store.lost()
    assert {n for start, stop in lost for n in range(start // PAGE, -(-stop // PAGE))} == pages
    assert all(one[1] < two[0] for one, two in itertools.pairwise(lost))
    for start, stop in asked:
        touched = [one for one in lost if one[0] < stop and start < one[1]]
        assert bool(store.lost(start, stop)) == bool(touched)


def test_a_device_that_fails_everywhere_is_given_up(tmp_path: Path) -> None:
    size = (MOST_LOST + 10) * PAGE
    path = tmp_path / "disk"
    path.write_bytes(bytes(size))
    with path.open("rb") as file, pytest.MonkeyPatch.context() as patch:
        failing_at(patch, range(0, size, PAGE))
        store = Sparing(file.fileno(), size)
        with pytest.raises(SourceError, match="input/output error"):
            store.view(0, size)
        assert store.lost() == [(0, MOST_LOST * PAGE)]


def test_what_is_wrong_with_the_descriptor_is_not_the_device(number: int) -> None:
    store = File(number, SIZE).sparing()
    with pytest.MonkeyPatch.context() as patch:
        failing_at(patch, [0], errno.EBADF)
        with pytest.raises(SourceError):
            store.view(0, 10)
    assert store.lost() == []
