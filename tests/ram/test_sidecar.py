"""An index is believed where it is bound to its stream and nobody else can have written it."""

from __future__ import annotations

import hashlib
import json
import os
import struct
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import migstream
from migstream.cli.group import cli
from migstream.errors import MigstreamError, ParseError, SourceError, Unsupported
from migstream.ram.sidecar import SUFFIX
from support import build
from support.build import be64, counted
from support.samples import Sample

P = 4096
LEAD = 12  # magic and length
HASH = 32


def stream(contents: bytes, name: bytes = b"ram") -> bytes:
    """A guest whose pages are each full of one byte."""
    records = b"".join(
        be64(n * P | 0x08) + counted(name) + bytes([c]) * P for n, c in enumerate(contents)
    )
    size = len(contents) * P
    return (
        build.HEADER
        + build.configuration()
        + build.ram_start(build.ram_block(name, size), size)
        + build.ram_part(records)
        + build.END
        + build.description(build.described())
    )


def indexed(path: Path, raw: bytes) -> Path:
    """A stream with its index; the index's path."""
    path.write_bytes(raw)
    index = Path(f"{path}{SUFFIX}")
    with migstream.open(path) as opened, index.open("wb") as file:
        opened.write_index(file.fileno())
    return index


def head_of(index: Path) -> dict[str, Any]:
    raw = index.read_bytes()
    size = int.from_bytes(raw[8:LEAD], "big")
    head: dict[str, Any] = json.loads(raw[LEAD : LEAD + size])
    return head


def put_head(index: Path, head: dict[str, Any]) -> None:
    """Another JSON, with a hash that fits."""
    text = json.dumps(head).encode()
    text = text.ljust(P - LEAD - HASH)
    raw = bytearray(index.read_bytes())
    raw[8:P] = struct.pack(">I", len(text)) + text + hashlib.sha256(text).digest()
    index.write_bytes(raw)


def used(path: Path) -> bool:
    with migstream.open(path) as opened:
        return opened._indexed is not None


@pytest.fixture
def path(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    return tmp_path / "a.mig"


def test_a_name_that_is_not_utf8(path: Path) -> None:
    indexed(path, stream(b"ab", b"\xff\xc3ram"))
    with migstream.open(path) as opened:
        assert opened._indexed is not None
        [name] = opened.ram
        assert name.encode("utf-8", "surrogateescape") == b"\xff\xc3ram"
        assert opened.ram[name][P : P + 1] == b"b"


def test_changed_entries_are_found_out(path: Path) -> None:
    """Page 1 is said to be where page 0 is: an error, and never the other page."""
    index = indexed(path, stream(b"ab"))
    raw = bytearray(index.read_bytes())
    at = head_of(index)["tables"][0]["at"]
    raw[at + 8 : at + 16] = raw[at : at + 8]
    index.write_bytes(raw)
    with migstream.open(path) as opened:
        with pytest.raises(ParseError, match="not what was written") as caught:
            opened.ram["ram"].read(P, 2 * P)
        assert "delete" in caught.value.hint
    done = CliRunner().invoke(cli, ["mem", str(path), "--block", "ram", hex(P), "-n", "16"])
    assert done.exit_code == 3 or done.stdout.startswith("00001000  62 62")  # or it was walked


@pytest.mark.parametrize("number", range(3))
def test_changed_deltas_are_found_out(
    named_sample: Callable[[str], Sample], path: Path, number: int
) -> None:
    index = indexed(path, named_sample("pc-xbzrle-7.2.mig").read())
    raw = bytearray(index.read_bytes())
    raw[head_of(index)["deltas"]["at"] + 8 * number] ^= 0xFF
    index.write_bytes(raw)
    assert not used(path)


@pytest.mark.parametrize("page", [3, 0, -4096, 1 << 20, 8192, None])
def test_a_page_size_that_is_none(path: Path, page: int | None) -> None:
    index = indexed(path, stream(b"ab"))
    head = head_of(index)
    head["summary"]["page_size"] = page
    put_head(index, head)
    assert not used(path)
    assert CliRunner().invoke(cli, ["digest", str(path)]).exit_code == 0


@pytest.mark.parametrize(
    "change",
    [
        {"count": 1 << 60},
        {"at": -8},
        {"at": 1 << 70},
        {"block": 7},
        {"block": -1},
        {"page": 1},
        {"slabs": {"9": "00"}},
        {"slabs": {"-1": "00"}},
        {"slabs": {}},
        {"at": 7},
    ],
)
def test_tables_that_cannot_be(path: Path, change: dict[str, Any]) -> None:
    index = indexed(path, stream(b"ab"))
    head = head_of(index)
    head["tables"][0] |= change
    put_head(index, head)
    with migstream.open(path) as opened:
        try:
            opened.ram["ram"].coverage()
            opened.ram["ram"].read(0, 2 * P)
        except MigstreamError:
            pass


BITMAP = {"bitmap": [0, 8], "gap": [8, 8], "header": [0, 0], "pages": [8, 8], "pages_present": 1}
AREA = BITMAP | {"version": 1, "page_size": P, "bitmap_offset": 0, "pages_offset": 8}


@pytest.mark.parametrize(
    "change",
    [
        {"used_length": -1},
        {"used_length": 1 << 60},
        {"used_length": 1 << 70},
        {"used_length": 1},
        {"name": ""},
        {"name": "\u20ac"},
        {"span": [5]},
        {"mapped": AREA},
        {"mapped": AREA | {"bitmap": [0, 1 << 50], "page_size": 1}},
        {"mapped": AREA | {"bitmap": [-8, 0]}},
        {"mapped": AREA | {"page_size": 0}},
        {"mapped": AREA | {"pages": [-1, 0]}},
    ],
)
def test_blocks_that_cannot_be(path: Path, change: dict[str, Any]) -> None:
    index = indexed(path, stream(b"ab"))
    head = head_of(index)
    head["blocks"][0] |= change
    put_head(index, head)
    with migstream.open(path) as opened:
        try:
            for block in opened.ram.values():
                block.coverage()
                block.read(0, min(block.size, 2 * P))
        except MigstreamError:
            pass


def test_the_index_of_another_stream_is_not_used(path: Path) -> None:
    """Of one size, with the same times, beginning and end: only what is in the middle differs."""
    pages = bytearray(b"a" * 64)
    index = indexed(path, stream(bytes(pages)))
    facts = path.stat()
    pages[32] = ord("b")
    other = path.with_name("b.mig")
    other.write_bytes(stream(bytes(pages)))
    os.utime(other, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    other.replace(path)
    assert index.exists()
    assert not used(path)


def test_a_stream_that_was_written_over_is_walked_again(path: Path) -> None:
    """In place, and its time put back."""
    indexed(path, stream(b"a" * 64))
    facts = path.stat()
    with path.open("r+b") as file:
        file.write(stream(b"a" * 32 + b"b" * 32))
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert not used(path)


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o777, 0o1777])
def test_it_is_not_read_from_a_folder_that_others_can_write(path: Path, mode: int) -> None:
    index = indexed(path, stream(b"ab"))
    assert used(path)
    path.parent.chmod(mode)
    try:
        assert not used(path)
        with migstream.open(path) as opened:
            _ = opened.ram
            assert "others can write to its folder" in (opened.index_refused or "")
        done = CliRunner().invoke(cli, ["mem", str(path), "--block", "ram", "0", "-n", "4"])
        assert done.exit_code == 0
        asked = CliRunner().invoke(
            cli, ["mem", str(path), "--index", str(index), "--block", "ram", "0", "-n", "4"]
        )
        assert (asked.exit_code, asked.stderr, asked.stdout) == (0, "", done.stdout)
        with migstream.open(path, index=index) as opened:
            assert opened._indexed is not None
    finally:
        path.parent.chmod(0o755)
    assert used(path)
    index.chmod(0o666)
    assert not used(path)


def test_what_is_asked_for_must_fit(path: Path) -> None:
    indexed(path, stream(b"ab"))
    other = path.with_name("b.mig")
    index = indexed(other, stream(b"abc"))
    with migstream.open(path, index=index) as opened, pytest.raises(Unsupported, match="another"):
        _ = opened.ram
    with migstream.open(path, index=path) as opened, pytest.raises(Unsupported, match="damaged"):
        _ = opened.ram
    nowhere = path.with_name("c")
    with migstream.open(path, index=nowhere) as opened, pytest.raises(SourceError):
        _ = opened.ram


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def test_an_index_elsewhere(path: Path, tmp_path: Path) -> None:
    path.write_bytes(stream(b"ab"))
    index = tmp_path / "elsewhere"
    assert run("index", path, "-o", index).exit_code == 0
    assert not used(path)
    text = run("mem", path, "--index", index, "--block", "ram", hex(P), "-n", 4).stdout
    assert text.startswith("00001000  62 62 62 62")


def test_tables_are_the_same_in_slabs_and_in_one(path: Path) -> None:
    """Entries lie in the file as they follow each other, holes where nothing was sent."""
    index = indexed(path, stream(b"abc"))
    place = head_of(index)["tables"][0]
    raw = index.read_bytes()[place["at"] : place["at"] + 8 * place["count"]]
    first, second, third = array("Q", raw)
    assert second - first == third - second
