"""The one writer: every kind of piece, to a file with holes and to an open file."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migstream.errors import SourceError
from migstream.source import pieces
from migstream.source.pieces import CHUNK, Bulk, Piece, PieceWriter, Zeros, size_of, write
from migstream.source.store import File, Slice, Whole
from migstream.wire.model import Span

SOURCE = bytes(range(256)) * 4


@st.composite
def some_pieces(draw: st.DrawFn) -> tuple[str, bytes, int]:
    kind = draw(st.sampled_from(["bytes", "view", "span", "zeros", "bulk"]))
    at = draw(st.integers(0, len(SOURCE)))
    return kind, draw(st.binary(max_size=40)), at


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(some=st.lists(some_pieces(), max_size=12))
def test_a_file_and_an_open_file_get_the_same_bytes(
    some: list[tuple[str, bytes, int]], tmp_path: Path
) -> None:
    aside = tmp_path / "aside"
    aside.write_bytes(SOURCE)
    made: list[Piece] = []
    wanted = b""
    with aside.open("rb") as file:
        for kind, data, at in some:
            stop = min(at + len(data), len(SOURCE))
            table: dict[str, tuple[Piece, bytes]] = {
                "bytes": (data, data),
                "view": (memoryview(data), data),
                "span": (Span(at, stop), SOURCE[at:stop]),
                "zeros": (Zeros(at), bytes(at)),
                "bulk": (Bulk(file.fileno(), at, stop - at), SOURCE[at:stop]),
            }
            piece, raw = table[kind]
            assert size_of(piece) == len(raw)
            made.append(piece)
            wanted += raw
        out = io.BytesIO()
        assert write(made, out, Whole(SOURCE)) == len(wanted)
        with (tmp_path / "out").open("w+b") as target:
            assert write(made, target.fileno(), Whole(SOURCE)) == len(wanted)
    assert out.getvalue() == wanted
    assert (tmp_path / "out").read_bytes() == wanted


@pytest.mark.parametrize("kind", ["bytes", "view", "span", "zeros", "bulk"])
def test_long_runs_of_zeros_are_holes(kind: str, tmp_path: Path) -> None:
    size = 8 * CHUNK
    data = b"a" + bytes(size - 2) + b"z"
    aside = tmp_path / "aside"
    aside.write_bytes(data)
    with aside.open("rb") as file, (tmp_path / "out").open("w+b") as target:
        table: dict[str, Piece] = {
            "bytes": data,
            "view": memoryview(data),
            "span": Span(0, size),
            "zeros": Zeros(size),
            "bulk": Bulk(file.fileno(), 0, size),
        }
        with PieceWriter(target.fileno(), lambda a, b: memoryview(data)[a:b]) as out:
            out.add(table[kind])
            out.finish()
            assert out.at == size
            assert out.written < CHUNK
        assert os.fstat(target.fileno()).st_blocks * 512 < CHUNK
    assert (tmp_path / "out").read_bytes() == (bytes(size) if kind == "zeros" else data)


def test_what_is_gone_meanwhile_is_an_error(tmp_path: Path) -> None:
    aside = tmp_path / "aside"
    aside.write_bytes(b"short")
    with aside.open("rb") as file, pytest.raises(SourceError, match="shorter"):
        write([Bulk(file.fileno(), 0, 100)], io.BytesIO())
    with pytest.raises(ValueError, match="no source"):
        write([Span(0, 1)], io.BytesIO())


@pytest.mark.parametrize(
    "able", [lambda *_: 0, lambda *_: _raise(errno.EXDEV), None], ids=["nothing", "error", "part"]
)
def test_what_the_kernel_does_not_copy_is_read_and_written(
    able: Callable[..., int] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two file systems, a file of /proc: what is written is the same, its holes, too."""
    monkeypatch.setattr(pieces, "MANY", 1)
    whole = os.copy_file_range
    calls = []

    def part(source: int, target: int, count: int, at: int, to: int) -> int:
        calls.append(count)
        return whole(source, target, count // 2, at, to) if len(calls) < 3 else 0

    monkeypatch.setattr(os, "copy_file_range", able or part)
    size = 8 * CHUNK
    with (tmp_path / "from").open("w+b") as file, (tmp_path / "to").open("w+b") as target:
        for at in (0, 3 * CHUNK, size - 1):
            file.seek(at)
            file.write(b"a" * (CHUNK // 2 if at < size - 1 else 1))
        file.flush()
        source = Slice(File(file.fileno(), size), 1)
        told: list[int] = []
        made: list[Piece] = [b"head", Span(1, size - 1), b"end"]
        assert write(made, target.fileno(), source, told.append) == size + 5
        assert os.fstat(target.fileno()).st_blocks * 512 < 3 * CHUNK
        assert size - 2 in {sum(told), sum(told) - 7}
    raw = (tmp_path / "from").read_bytes()
    assert (tmp_path / "to").read_bytes() == b"head" + raw[2:] + b"end"


def _raise(number: int) -> int:
    raise OSError(number, os.strerror(number))


def test_a_source_that_became_shorter_is_said_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "MANY", 1)
    with (tmp_path / "from").open("w+b") as file, (tmp_path / "to").open("w+b") as target:
        file.write(bytes(CHUNK))
        file.flush()
        with pytest.raises(SourceError, match="became shorter"):
            write([Span(0, 2 * CHUNK)], target.fileno(), File(file.fileno(), 2 * CHUNK))


@given(
    st.lists(st.tuples(st.integers(0, 9000), st.integers(0, 3), st.integers(0, 9000)), max_size=40)
)
def test_buffers_that_are_lent_are_written_before_they_change(
    steps: list[tuple[int, int, int]],
) -> None:
    expected = b""
    with TemporaryFile() as target, PieceWriter(target.fileno()) as out:
        for size, count, hole in steps:
            buffer = out.lend(size)
            for number in range(count):
                piece = buffer[number * size // 3 : (number + 1) * size // 3]
                piece[:] = os.urandom(1)[:1] * len(piece)
                out.put([piece])
                expected += bytes(piece)
            out.add(Zeros(hole))
            expected += bytes(hole)
        out.finish()
        assert os.pread(target.fileno(), len(expected) + 1, 0) == expected


def test_a_full_disk_ends_it_at_once() -> None:
    def fill(fd: int) -> None:
        with PieceWriter(fd) as out:
            for _ in range(1000):
                out.put([out.lend(1 << 20)])
            out.finish()

    with Path("/dev/full").open("wb") as full, pytest.raises(OSError, match="No space"):
        fill(full.fileno())
