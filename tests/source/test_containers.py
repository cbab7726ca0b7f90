"""Containers are told by their first bytes and opened one inside the other, whatever they are read from."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import migstream
from migstream.errors import NotAStream, SourceError
from migstream.plugins import Registry
from migstream.source import containers
from migstream.source import opened as opened_module
from migstream.source.layers import Layer, Opened
from migstream.source.opened import open_source
from migstream.source.store import Slice, Whole
from migstream.source.zstd import zstd
from migstream.stream import open_anything
from support import build

STREAM = build.HEADER + build.configuration("pc-i440fx-7.2") + build.END

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd.compress,
}


class Unseekable(io.BytesIO):
    def fileno(self) -> int:
        raise io.UnsupportedOperation


def pipe(data: bytes) -> Any:
    return io.BufferedReader(Unseekable(data))


def sources(data: bytes, folder: Path) -> list[Any]:
    """The same bytes as a file, as an open one, in memory and in a pipe."""
    path = folder / "source"
    path.write_bytes(data)
    return [path, path.open("rb"), data, io.BytesIO(data), pipe(data)]


def everything(opened: Opened) -> bytes:
    reader, out = opened.reader(), b""
    while piece := reader.read(1000):
        out += piece
    opened.close()
    return out


@pytest.mark.parametrize("kind", PACKERS)
def test_each_kind_from_each_source(kind: str, tmp_path: Path) -> None:
    for source in sources(PACKERS[kind](STREAM), tmp_path):
        opened = open_source(source)
        assert opened.layers == (Layer(kind),)
        assert opened.outermost(0) is None
        assert everything(opened) == STREAM
        if hasattr(source, "close"):
            source.close()


def test_one_inside_the_other(tmp_path: Path) -> None:
    data = STREAM
    for pack in PACKERS.values():
        data = pack(data)
    for source in sources(data, tmp_path):
        with migstream.open(source) as stream:
            assert stream.machine == "pc-i440fx-7.2"
            assert not stream.damage
            assert [layer.name for layer in stream.layers] == ["zstd", "xz", "bzip2", "gzip"]
        if hasattr(source, "close"):
            source.close()


def test_no_more_than_eight_inside_one_another() -> None:
    data = STREAM
    for _ in range(8):
        data = gzip.compress(data)
    with migstream.open(data) as stream:
        assert len(stream.layers) == 8
        assert stream.machine == "pc-i440fx-7.2"
    with pytest.raises(SourceError, match="more than 8 containers"):
        migstream.open(gzip.compress(data))


def test_what_containers_in_containers_unpack_to_is_bounded_by_the_file() -> None:
    """Twice compressed zeros: each layer by itself is within its ratio."""
    bomb = gzip.compress(gzip.compress(STREAM + bytes(300 << 20), 9), 9)
    assert len(bomb) < 20_000
    with pytest.raises(SourceError, match="unpack to more than"):
        migstream.open(bomb, spool=True)


def test_damage_at_the_beginning_is_said_when_it_is_read() -> None:
    """Looking at the first bytes must not be what fails."""
    packed = gzip.compress(STREAM)
    with open_anything(packed[:12]) as stream:
        assert any("cut off" in str(error) for error in stream.damage)


def test_a_python_without_a_decoder_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "migstream.source.zstd", None)
    with pytest.raises(SourceError, match="compressed with zstd, which this Python was built"):
        migstream.open(zstd.compress(STREAM))


# --- containers of others ------------------------------------------------------------------------

MAGIC = b"ACMESAVE"


def acme(outer: Opened) -> Opened | None:
    """Magic, the length of a note, the note; the stream behind it. Only where bytes are at hand."""
    if outer.head(len(MAGIC)) != MAGIC:
        return None
    store = outer.spool().store
    assert store is not None
    (size,) = struct.unpack(">I", store.view(8, 12))
    start = 12 + size
    if store.size < start:
        raise SourceError("the acme file is cut off in its note")
    note = bytes(store.view(12, start)).decode()
    return outer.inside(Layer("acme", note), store=Slice(store, start), where=lambda at: at + start)


def as_acme(data: bytes) -> bytes:
    return MAGIC + struct.pack(">I", 5) + b"night" + data


@pytest.fixture
def with_acme(monkeypatch: pytest.MonkeyPatch) -> None:
    table: Registry[containers.Container] = Registry(
        "migstream.none",
        {"acme": f"{__name__}:acme", "gzip": "migstream.source.compressed:GZIP"},
    )
    monkeypatch.setattr(containers, "CONTAINERS", table)


@pytest.mark.usefixtures("with_acme")
def test_offsets_are_told_in_the_outermost_file(tmp_path: Path) -> None:
    for source in sources(as_acme(STREAM), tmp_path):
        with migstream.open(source) as stream:
            assert stream.layers == (Layer("acme", "night"),)
            assert stream.origin == 17
            at = stream.items[1].span.start
            assert stream.outermost(at) == 17 + at
        if hasattr(source, "close"):
            source.close()


@pytest.mark.usefixtures("with_acme")
def test_offsets_go_through_several_containers() -> None:
    data = b"front" + as_acme(as_acme(STREAM))
    with migstream.open(data, offset=5) as stream:
        assert len(stream.layers) == 2
        assert (stream.origin, stream.outermost(3)) == (39, 42)
        assert stream.machine == "pc-i440fx-7.2"
    with migstream.open(as_acme(gzip.compress(STREAM))) as stream:
        assert stream.outermost(3) is None
        assert stream.machine == "pc-i440fx-7.2"
    with migstream.open(
        gzip.compress(as_acme(STREAM))
    ) as stream:  # spooled: it cannot be read forward
        assert stream.outermost(3) is None
        assert stream.seekable
        assert stream.machine == "pc-i440fx-7.2"


@pytest.mark.usefixtures("with_acme")
def test_a_container_that_is_broken_says_so_and_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "cut"
    path.write_bytes(as_acme(STREAM)[:14])
    with pytest.raises(SourceError, match="cut off in its note"):  # an open file would be a warning
        migstream.open(path)


def test_what_is_no_container_is_asked_of_others_and_a_stream_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[bytes] = []

    def probe(outer: Opened) -> None:
        asked.append(outer.head(4))

    class Table:
        def each(self) -> list[tuple[str, Callable[[Opened], None]]]:
            return [("probe", probe)]

    monkeypatch.setattr(containers, "CONTAINERS", Table())
    migstream.open(STREAM).close()
    assert asked == []
    with suppress(NotAStream):  # whether at once or when it is read
        migstream.open(b"anything else").close()
    assert asked == [b"anyt"]


# --- addresses -----------------------------------------------------------------------------------


def shelf(address: str) -> Opened:
    """An opener of addresses: what lies on the shelf is a stream in a pipe, or a packed one at hand."""
    if address.endswith("/pipe"):
        return Opened(address, None, pipe(STREAM), [])
    return Opened(address, Whole(gzip.compress(STREAM)), None, [])


def test_an_address_is_opened_by_its_scheme(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    table: Registry[containers.Opener] = Registry("migstream.none", {"shelf": f"{__name__}:shelf"})
    monkeypatch.setattr(opened_module, "SCHEMES", table)
    for address, layers in (("shelf://one/pipe", []), ("shelf://one/packed", ["gzip"])):
        with migstream.open(address) as stream:
            assert stream.name == address
            assert stream.machine == "pc-i440fx-7.2"
            assert [layer.name for layer in stream.layers] == layers
    with pytest.raises(SourceError, match="no such file"):
        migstream.open("other://one")
    with open_anything("shelf://one/pipe", offset=len(STREAM) - 1) as stream:
        assert stream.damage  # all but the last byte went by
