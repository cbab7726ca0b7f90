"""The one writer: every kind of piece, to a file with holes and to an open file."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migstream.errors import SourceError
from migstream.source.pieces import CHUNK, Bulk, Piece, PieceWriter, Zeros, size_of, write
from migstream.source.store import Whole
from migstream.wire.model import Span

SOURCE = bytes(range(256)) * 4


@st.composite
def pieces(draw: st.DrawFn) -> tuple[str, bytes, int]:
    kind = draw(st.sampled_from(["bytes", "view", "span", "zeros", "bulk"]))
    at = draw(st.integers(0, len(SOURCE)))
    return kind, draw(st.binary(max_size=40)), at


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(some=st.lists(pieces(), max_size=12))
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
