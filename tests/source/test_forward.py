"""Windows of a file from front to back are what is in it, also where somebody keeps them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migstream.errors import SourceError
from migstream.source import forward, store
from migstream.source.forward import Forward
from migstream.source.store import File, Slice, Whole, read_into

SIZE = 3 << 20
LARGE = 256 << 10


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[bytes, File]]:
    path = tmp_path_factory.mktemp("forward") / "file"
    data = os.urandom(SIZE)
    path.write_bytes(data)
    with path.open("rb") as opened:
        yield data, File(opened.fileno(), SIZE)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "LARGE", LARGE)
    monkeypatch.setattr(store, "SHARED", 128 << 10)


steps = st.tuples(
    st.sampled_from(["on", "on", "on", "back", "away"]), st.integers(0, 80_000), st.booleans()
)


@given(
    st.lists(steps, max_size=20), st.sampled_from([4096, 50_000, 400_000]), st.integers(0, 70_000)
)
def test_windows_are_what_the_file_holds(
    file: tuple[bytes, File], way: list[tuple[str, int, bool]], want: int, base: int
) -> None:
    data, whole = file
    source = Slice(whole, base)
    windows, at, behind = Forward(source), 0, 0
    kept: list[tuple[int, memoryview]] = []
    for kind, by, keep in way:
        at = {"on": max(behind - by, 0), "back": at // 2, "away": at + 3 * by}[kind]
        at = min(at, source.size)
        view = windows.view(at, at + want)
        assert len(view) >= min(want, source.size - at)
        behind = at + len(view)
        assert view == data[base + at : base + behind]
        if keep:
            kept.append((at, view[: by + 1]))
        del view
        for start, piece in kept:
            assert piece == data[base + start : base + start + len(piece)]


def test_a_buffer_is_used_again_where_nobody_looks_at_it(file: tuple[bytes, File]) -> None:
    windows, at, seen = Forward(file[1]), 0, set()
    for _ in range(8):
        view = windows.view(at, at + 4096)
        at += len(view)
        if len(view) == LARGE:
            seen.add(id(view.obj))
        del view
    assert at > 5 * LARGE
    assert len(seen) == 1


def test_what_is_not_read_on_is_read_in_small_windows(file: tuple[bytes, File]) -> None:
    windows = Forward(file[1])
    assert {len(windows.view(at, at + 4096)) for at in range(0, SIZE - LARGE, 200_000)} == {4096}
    other = Forward(Whole(file[0]))
    assert {len(other.view(at, at + 4096)) for at in range(0, SIZE, 4096)} == {4096}


@given(st.integers(0, SIZE), st.integers(0, SIZE))
def test_two_threads_read_what_one_reads(file: tuple[bytes, File], start: int, size: int) -> None:
    data, whole = file
    out = bytearray(size)
    count = read_into(whole, start, memoryview(out))
    assert out[:count] == data[start : start + size]
    assert count == len(data[start : start + size])


def test_a_file_that_becomes_shorter_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(SIZE))
    with path.open("r+b") as opened:
        whole = File(opened.fileno(), SIZE)
        for left in (SIZE - 1, SIZE // 2, SIZE // 2 - 70_000, 10, 0):
            os.truncate(path, left)
            with pytest.raises(SourceError, match="became shorter"):
                read_into(whole, 0, memoryview(bytearray(SIZE)))
