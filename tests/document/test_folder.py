"""A stream as a folder and back: the same bytes untouched, just the edited ones where edited."""

from __future__ import annotations

import contextlib
import filecmp
import gzip
import io
import json
import os
import random
import shutil
import stat
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import migstream
from migstream.cli.group import cli
from migstream.document.folder import decode, encode
from migstream.document.values import LARGE, express, pack
from migstream.errors import BadValue, MigstreamError, SourceError, Unsupported
from migstream.stream import Stream, open_anything
from migstream.vmstate.types import TYPES, WireType, wire_type
from migstream.wire.model import Section, SectionType, flat
from support import build
from support.build import be16, be32, be64, described, device, field, small
from support.samples import Sample

Named = Callable[[str], Sample]
NO_RAM = pytest.mark.parametrize("no_ram", [False, True], ids=["copied", "referred"])


def run(*words: object, data: bytes | None = None) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words], input=data)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for a decoded stream, gone at once: the streams of all tests fill a disk."""
    yield tmp_path / "folder"
    shutil.rmtree(tmp_path)


def document(folder: Path) -> dict[str, Any]:
    table: dict[str, Any] = json.loads((folder / "stream.json").read_text())
    return table


def save(folder: Path, table: dict[str, Any]) -> None:
    (folder / "stream.json").write_text(json.dumps(table))


def state(table: dict[str, Any], name: str, instance: int = 0) -> Any:
    return next(
        i["state"]
        for i in table["items"]
        if i.get("name") == name and i.get("instance_id") == instance
    )


def opened(folder: Path, data: bytes, **more: Any) -> dict[str, Any]:
    """Decode bytes; the document."""
    with open_anything(data) as stream:
        decode(stream, folder, **more)
    return document(folder)


def returned(folder: Path) -> bytes:
    path = folder.parent / "again"
    encode(folder, path, replace=True)
    return path.read_bytes()


def identical(path: Path, folder: Path, *, no_ram: bool) -> None:
    with open_anything(path) as stream:
        decode(stream, folder, original=path if no_ram else None)
    size = encode(folder, folder.parent / "again")
    assert size == path.stat().st_size
    assert filecmp.cmp(path, folder.parent / "again", shallow=False)


# --- untouched -----------------------------------------------------------------------------------


@NO_RAM
def test_every_stream_comes_back(sample: Sample, folder: Path, no_ram: bool) -> None:
    identical(sample.path, folder, no_ram=no_ram)


@NO_RAM
def test_recorded_channels_come_back(channel_sample: Sample, folder: Path, no_ram: bool) -> None:
    identical(channel_sample.path, folder, no_ram=no_ram)


@NO_RAM
def test_damaged_streams_come_back(broken_sample: Sample, folder: Path, no_ram: bool) -> None:
    identical(broken_sample.path, folder, no_ram=no_ram)


def test_all_that_is_described_can_be_edited(own_sample: Sample, folder: Path) -> None:
    """No value is kept as raw bytes, no item unread; the document is of a size for an editor."""
    with migstream.open(own_sample.path) as stream:
        decode(stream, folder)
        layouts = [d.described for d in stream.devices]
        items = len(tuple(flat(stream.items)))
    text = (folder / "stream.json").read_text()
    table = json.loads(text)
    devices = [i for i in table["items"] if i["kind"] == "full"]
    inner = [i for p in table["items"] for i in p.get("items", ()) if i["kind"] == "full"]
    assert ["state" in d for d in [*devices, *inner]] == layouts
    assert '"raw"' not in text
    assert '"base"' not in [key for one in devices for key in one]
    assert "opaque" not in {i["kind"] for i in table["items"]}
    assert len(text) < 2_000_000 + 200 * items
    assert max(map(len, text.splitlines())) <= 2 * LARGE + 200


@NO_RAM
def test_side_files_hold_what_is_large(named_sample: Named, folder: Path, no_ram: bool) -> None:
    path = named_sample("pc-7.2.mig").path
    with migstream.open(path) as stream:
        decode(stream, folder, original=path if no_ram else None)
        text = stream.description.text if stream.description else b""
        ram = b"".join(stream.store.view(*s.payload) for s in stream.sections if s.name == "ram")
    assert (folder / "description.json").read_bytes() == text
    there = {"stream.json", "description.json"} | (set() if no_ram else {"ram.bin"})
    assert {one.name for one in folder.iterdir()} == there
    if not no_ram:
        found = (folder / "ram.bin").read_bytes()
        assert len(ram) - 64 <= len(found) <= len(ram)  # short payloads are in the document


def test_a_pipe_and_a_compressed_file_come_back(named_sample: Named, tmp_path: Path) -> None:
    data = named_sample("pc-7.2.mig").read()
    packed = tmp_path / "pc.mig.gz"
    packed.write_bytes(gzip.compress(data))
    for number, (source, piped) in enumerate([("-", data), (packed, None)]):
        result = run("decode", "--full", source, "-o", tmp_path / f"d{number}", data=piped)
        assert (result.exit_code, result.stderr) == (0, "")
        assert run("encode", tmp_path / f"d{number}", "-o", tmp_path / f"s{number}").exit_code == 0
        assert (tmp_path / f"s{number}").read_bytes() == data
        refused = run("decode", "--full", source, "-o", tmp_path / "no", "--no-ram", data=piped)
        assert refused.exit_code == Unsupported.exit_status
        assert not (tmp_path / "no").exists()


def test_a_stream_without_description_by_that_of_another(named_sample: Named, folder: Path) -> None:
    path = named_sample("pc-novmdesc-7.2.mig").path
    with migstream.open(path, like=named_sample("pc-7.2.mig").path) as stream:
        decode(stream, folder)
    assert returned(folder) == path.read_bytes()
    table = document(folder)
    state(table, "cpu")["env.regs"][0] = 0x1234
    save(folder, table)
    with migstream.open(returned(folder), like=named_sample("pc-7.2.mig").path) as stream:
        assert stream.devices["cpu"]["env.regs"].value[0] == 0x1234


def test_holes_stay_holes(tmp_path: Path) -> None:
    """A mapped-ram file or a padded volume is no larger on disk than what is in it."""
    path = tmp_path / "padded"
    path.write_bytes(small())
    os.truncate(path, 256 << 20)
    with migstream.open(path) as stream:
        decode(stream, tmp_path / "d")
    encode(tmp_path / "d", tmp_path / "again")
    assert (tmp_path / "again").stat().st_size == 256 << 20
    assert (tmp_path / "again").stat().st_blocks * 512 < 1 << 20
    assert document(tmp_path / "d")["items"][-1] == {
        "kind": "trailer",
        "zeros": (256 << 20) - len(small()),
    }


def test_bulk_is_copied_in_pieces(tmp_path: Path) -> None:
    import tracemalloc

    path = tmp_path / "s"
    pages = b"".join(be64(at << 12 | 0x28) + os.urandom(4096) for at in range(1, 16384))
    blocks = build.ram_block("pc.ram", 64 << 20)
    first = be64(0x08) + build.counted("pc.ram") + bytes(4096)
    head = build.HEADER + build.configuration() + build.ram_start(blocks, 64 << 20)
    path.write_bytes(head + build.ram_part(first + pages) + build.END)
    tracemalloc.start()
    try:
        with migstream.open(path) as stream:
            decode(stream, tmp_path / "d")
        encode(tmp_path / "d", tmp_path / "again")
        assert tracemalloc.get_traced_memory()[1] < 28 << 20
    finally:
        tracemalloc.stop()
    assert filecmp.cmp(path, tmp_path / "again", shallow=False)


# --- what no value can say -----------------------------------------------------------------------


def odd_stream() -> bytes:
    """Bytes that are no value: bools of 2, NaNs with a payload, names that are not UTF-8 or keys."""
    fields = [
        field("flag", "bool", 1),
        field("flags", "bool", 1, array_len=3),
        field("real", "float64", 8),
        field("reals", "float64", 8, array_len=2),
        field("raw", "uint8", 1),
        field("twice", "uint8", 1),
        field("file", "buffer", 2),
        field("twice", "uint8", 1),
        field("bytes", "GByteArray", 6),
        field("none", "buffer", 0, array_len=3),
        field("wide", "what is this", 3, array_len=2),
        field("large", "buffer", LARGE + 1),
        field("little", "le32", 4),
    ]
    payload = (
        b"\x02" + b"\x00\x01\xff"
        + be64(0x7FF0000000000001) + be64(0xFFF8_0000_0000_1234) + be64(0x8000_0000_0000_0000)
        + b"\x05" + b"\x06" + b"ab" + b"\x07" + be32(1) + b"xy" + b"abcdef" + bytes(LARGE) + b"z"
        + b"\x01\x02\x03\x04"
    )  # fmt: skip
    sub = {"vmsd_name": "odd/other", "version": 1, "fields": [field("n", "uint16", 2)]}
    odd = device("odd", fields, subsections=[sub])
    same = device("same", [field("n", "uint8", 1)])
    return (
        build.HEADER + build.configuration("m\xe9") + build.PAGE_RAM
        + build.command(17, b"\x01") + build.command(2, be32(7)) + build.command(3)
        + build.command(3, be64(1) + be64(2))
        + build.command(6, b"\x00" + build.counted("pc.ram") + b"\0" + be64(4096) + be64(8192))
        + build.packaged(build.full(8, "two", be32(7)))
        + build.full(3, "odd", payload + build.subsection("odd/other", be16(5), version=9))
        + build.full(5, "same", b"\x01") + build.full(6, "same", b"\x02")
        + build.full(7, "unknown", b"\x01\x02\x03")
        + build.END
        + build.description(described(odd, same, same, device("two", [field("n", "uint32", 4)])))
        + b"not of the stream"
    )  # fmt: skip


def test_odd_bytes_come_back(folder: Path) -> None:
    table = opened(folder, odd_stream())
    assert returned(folder) == odd_stream()
    odd = state(table, "odd")
    assert odd["flag"] == {"raw": "02"}
    assert odd["flags"] == [False, True, {"raw": "ff"}]
    assert odd["real"] == {"raw": "7ff0000000000001"}
    assert odd["reals"] == [{"raw": "fff8000000001234"}, -0.0]
    assert (odd["raw#2"], odd["file#2"], odd["twice"], odd["twice#2"]) == (5, "6162", 6, 7)
    assert odd["bytes"] == {"raw": "000000017879"}
    assert odd["none"] == []
    assert odd["wide"] == ["616263", "646566"]
    assert odd["large"] == {"file": "bulk.bin", "at": 0, "size": LARGE + 1}
    assert odd["little"] == 0x04030201
    assert "raw" in odd["odd/other"]  # its version is not the described one
    sames = [i for i in table["items"] if i.get("name") == "same"]
    assert [(s["state"], s.get("turn")) for s in sames] == [({"n": 1}, None), ({"n": 2}, 1)]
    commands = [i for i in table["items"] if i["kind"] == "command"]
    assert commands[0] == {"kind": "command", "command": 17, "payload": "01"}
    assert commands[1] == {"kind": "command", "command": "PING", "value": 7}
    assert "value" not in commands[2]
    assert commands[4]["value"]["ranges"] == [[4096, 8192]]
    assert commands[5]["items"][0]["state"] == {"n": 7}


@given(st.data())
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_bytes_are_they_come_back(tmp_path: Path, data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from([small(), odd_stream()])))
    for at, byte in data.draw(
        st.lists(st.tuples(st.integers(0, len(raw) - 1), st.integers(0, 255)), max_size=6)
    ):
        raw[at] = byte
    cut = data.draw(st.integers(0, len(raw)) | st.just(len(raw)))
    shutil.rmtree(tmp_path / "d", ignore_errors=True)
    opened(tmp_path / "d", bytes(raw[:cut]))
    assert returned(tmp_path / "d") == raw[:cut]


# --- values --------------------------------------------------------------------------------------


def widths(wire: WireType) -> st.SearchStrategy[int]:
    return st.just(wire.size) if wire.size is not None else st.integers(0, 40)


@given(st.sampled_from(sorted(TYPES)), st.data())
def test_every_type_gives_its_bytes_again(name: str, data: st.DataObject) -> None:
    """Through the JSON's text, too."""
    raw = data.draw(widths(TYPES[name]).flatmap(lambda n: st.binary(min_size=n, max_size=n)))
    wire = wire_type(name, len(raw))
    value = json.loads(json.dumps(express(wire, memoryview(raw)), allow_nan=False))
    if isinstance(value, dict):
        assert value == {"raw": raw.hex()}
        assert wire.kind in {"bool", "float", "marker", "text", "bytes"}
    else:
        assert pack(wire, value, len(raw)) == raw


@given(st.sampled_from(sorted(n for n, t in TYPES.items() if t.code and t.code not in "?d")))
def test_integers_end_at_their_limits(name: str) -> None:
    code, size = TYPES[name].code, TYPES[name].size or 0
    low, high = (-(1 << 8 * size - 1), (1 << 8 * size - 1) - 1)
    if code.isupper():
        low, high = 0, (1 << 8 * size) - 1
    assert pack(TYPES[name], low, size) == struct.pack(f">{code}", low)
    assert pack(TYPES[name], high, size) == struct.pack(f">{code}", high)
    wrong: Any
    for wrong in (low - 1, high + 1, True, None, 1.0, "1", [1], {}):
        with pytest.raises(BadValue) as caught:
            pack(TYPES[name], wrong, size)
        assert caught.value.expected == f"{low} to {high}"


# --- edited --------------------------------------------------------------------------------------


def differences(left: bytes, right: bytes) -> list[int]:
    assert len(left) == len(right)
    return [at for at, pair in enumerate(zip(left, right, strict=True)) if pair[0] != pair[1]]


def spans(stream: Stream, path: str) -> tuple[int, int]:
    [value] = stream.find(path)
    return value.span


@pytest.mark.parametrize(
    ("name", "path", "edit"),
    [
        ("cpu", "env.regs[0]", lambda s: s["env.regs"].__setitem__(0, 0x1122334455667788)),
        ("i8254", "channels[1]/count", lambda s: s["channels"][1].__setitem__("count", 0x12345678)),
        ("timer", "cpu_clock_offset", lambda s: s.__setitem__("cpu_clock_offset", -2)),
    ],
)
def test_an_edit_changes_its_own_bytes(
    named_sample: Named, folder: Path, name: str, path: str, edit: Callable[[Any], None]
) -> None:
    sample = named_sample("pc-7.2.mig")
    with migstream.open(sample.path) as stream:
        decode(stream, folder, original=sample.path)
        start, stop = spans(stream, f"{name}[0]/{path}")
    table = document(folder)
    edit(state(table, name))
    save(folder, table)
    changed = differences(sample.read(), returned(folder))
    assert changed
    assert set(changed) <= set(range(start, stop))


def test_sections_machine_and_side_files_can_be_edited(folder: Path) -> None:
    table = opened(folder, small())
    items = table["items"]
    items[1]["machine"] = "another"
    items[1]["subsections"] = [
        {"name": "configuration/target-page-bits", "version": 1, "value": 12},
        {"name": "configuration/capabilities", "version": 1, "value": ["x-colo"]},
        {
            "name": "configuration/uuid",
            "version": 1,
            "value": "00112233-4455-6677-8899-aabbccddeeff",
        },
    ]
    items.insert(2, {"kind": "command", "command": "PING", "value": 5})
    (folder / "mine.bin").write_bytes(b"7654321")
    state(table, "one")["blob"] = {"file": "mine.bin"}
    save(folder, table)
    with migstream.open(returned(folder)) as stream:
        assert stream.damage == []
        assert stream.machine == "another"
        assert stream.capabilities == ("x-colo",)
        assert stream.devices["one"]["blob"].value == b"7654321"


# --- refused -------------------------------------------------------------------------------------


def one(table: dict[str, Any]) -> Any:
    return state(table, "one")


def section(table: dict[str, Any]) -> Any:
    return next(i for i in table["items"] if i.get("name") == "one")


REFUSED: dict[str, tuple[Callable[[Any], Any], str, str]] = {
    "number too large": (
        lambda t: one(t)["words"].__setitem__(2, 65536),
        "one[0]/words[2]",
        "0 to 65535",
    ),
    "text for a number": (
        lambda t: one(t)["sub"].__setitem__("b", "5"),
        "one[0]/sub/b",
        "-2147483648 to 2147483647",
    ),
    "in a row": (
        lambda t: one(t)["rows"][1].__setitem__("y", -1),
        "one[0]/rows[1]/y",
        "0 to 65535",
    ),
    "in a subsection": (
        lambda t: one(t)["one/more"].__setitem__("z", 1.5),
        "one[0]/one/more/z",
        "0 to",
    ),
    "array too short": (lambda t: one(t)["words"].pop(), "one[0]/words", "a list of 4"),
    "bytes too long": (lambda t: one(t).__setitem__("blob", "00" * 8), "one[0]/blob", "7 bytes"),
    "no hexadecimal": (lambda t: one(t).__setitem__("blob", "zz"), "one[0]/blob", "hexadecimal"),
    "field missing": (lambda t: one(t).pop("when"), "one[0]", "when"),
    "field too many": (lambda t: one(t).__setitem__("more", 1), "one[0]", "only what is described"),
    "number for a bool": (lambda t: one(t).__setitem__("flag", 1), "one[0]/flag", "true or false"),
    "raw too short": (
        lambda t: one(t).__setitem__("when", {"raw": "00"}),
        "one[0]/when",
        "8 bytes",
    ),
    "other name": (
        lambda t: section(t).__setitem__("name", "three"),
        "three[0]",
        "a device of the description",
    ),
    "no name": (lambda t: section(t).__setitem__("name", ""), "name", "text of 1 to 255 bytes"),
    "surrogates": (lambda t: t["items"][1].__setitem__("machine", "\ud800"), "machine", "text"),
    "id too large": (
        lambda t: section(t).__setitem__("section_id", 1 << 32),
        "section_id",
        "0 to 4294967295",
    ),
    "kind": (lambda t: section(t).__setitem__("kind", "odd"), "kind", "fileheader"),
    "item": (lambda t: t["items"].__setitem__(0, 7), "items[0]", "an object"),
    "items": (lambda t: t.__setitem__("items", {}), "items", "a list"),
    "format": (lambda t: t.__setitem__("format", 2), "stream.json", "format 1"),
    "path up": (
        lambda t: one(t).__setitem__("blob", {"file": "../secret", "size": 7}),
        "one[0]/blob",
        "a name without /",
    ),
    "absolute path": (
        lambda t: one(t).__setitem__("blob", {"file": "/etc/hostname", "size": 7}),
        "one[0]/blob",
        "a name without /",
    ),
    "dots": (lambda t: one(t).__setitem__("blob", {"file": ".."}), "one[0]/blob", "a name"),
    "symbolic link": (
        lambda t: one(t).__setitem__("blob", {"file": "link", "size": 7}),
        "one[0]/blob",
        "a file",
    ),
    "folder": (lambda t: one(t).__setitem__("blob", {"file": "sub"}), "one[0]/blob", "a file"),
    "fifo": (lambda t: one(t).__setitem__("blob", {"file": "fifo"}), "one[0]/blob", "a file"),
    "outside of the file": (
        lambda t: one(t).__setitem__("blob", {"file": "ram.bin", "at": 1 << 70, "size": 7}),
        "one[0]/blob",
        "0 to",
    ),
    "before the file": (
        lambda t: one(t).__setitem__("blob", {"file": "ram.bin", "at": -7, "size": 7}),
        "one[0]/blob",
        "0 to",
    ),
    "no original": (
        lambda t: one(t).__setitem__("blob", {"original": 0, "size": 7}),
        "one[0]/blob",
        "a file",
    ),
    "layout elsewhere": (lambda t: t.__setitem__("layout", "../secret"), "", "a name without /"),
    "another original": (
        lambda t: t.__setitem__("original", {"path": __file__, "size": 1, "sha256": ""}),
        "original",
        "1 bytes",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_written_is_refused_with_its_place(folder: Path, case: str) -> None:
    edit, place, expected = REFUSED[case]
    table = opened(folder, small())
    (folder.parent / "secret").write_bytes(b"secret!")
    (folder / "link").symlink_to(folder.parent / "secret")
    (folder / "sub").mkdir()
    os.mkfifo(folder / "fifo")
    edit(table)
    save(folder, table)
    with pytest.raises(BadValue) as caught:
        encode(folder, folder.parent / "out")
    assert place in "/".join(caught.value.path)
    assert expected in str(caught.value.expected)
    assert caught.value.found is not None
    assert not [p for p in folder.parent.iterdir() if "out" in p.name]
    result = run("encode", folder, "-o", folder.parent / "out")
    assert result.exit_code == 2
    assert "expected" in result.stderr


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{", b"[" * 100_000, b'{"format": ' + b"9" * 5000 + b"}", b"\xff\xfe", b"[]", b"7",
        b'{"migstream": "stream", "migstream": "stream", "format": 1}',
    ],
    ids=["empty", "cut", "deep", "digits", "bytes", "list", "number", "twice"],
)  # fmt: skip
def test_a_document_that_is_none(folder: Path, text: bytes) -> None:
    opened(folder, small())
    (folder / "stream.json").write_bytes(text)
    with pytest.raises(BadValue) as caught:
        encode(folder, folder.parent / "out")
    assert caught.value.path == ["stream.json"]


WEIRD: list[Any] = [
    None, True, -1, 1 << 64, 1 << 200, 1e300, "", "zz", "00", "\ud800", "x" * 300, [], [1, "a"],
    {}, {"raw": 1}, {"raw": "00"}, {"file": 1}, {"file": "stream.json"}, {"original": 0},
    {"file": "ram.bin", "at": "0"}, {"file": "a\0b"}, {"raw": "", "file": "ram.bin"},
]  # fmt: skip


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container of a document and each of its keys."""
    keys = value if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield value, key
        if isinstance(value[key], dict | list):
            yield from places(value[key])


def test_only_our_errors_come_out(folder: Path) -> None:
    """Whatever stands in the document: a stream, or an error of ours and no file."""
    base = json.dumps(opened(folder, odd_stream()))
    chance = random.Random(7)  # noqa: S311 - the same in every run
    for _ in range(800):
        table = json.loads(base)
        for where, key in chance.choices(list(places(table)), k=chance.choice([1, 1, 2])):
            if chance.random() < 0.2 and isinstance(where, dict):
                where.pop(key, None)
            elif not isinstance(where, dict) or key in where:
                where[key] = chance.choice(WEIRD)
        save(folder, table)
        with contextlib.suppress(MigstreamError):
            encode(folder, folder.parent / "out", replace=True)


def test_a_package_in_a_package_in_a_package(folder: Path) -> None:
    table = opened(folder, small())
    item: dict[str, Any] = {"kind": "command", "command": "PACKAGED", "items": []}
    for _ in range(150):
        item = {"kind": "command", "command": "PACKAGED", "items": [item]}
    table["items"].append(item)
    save(folder, table)
    with pytest.raises(BadValue, match="a package inside a package"):
        encode(folder, folder.parent / "out")


# --- folders, files and the original -------------------------------------------------------------


def test_an_original_that_moved_or_changed(folder: Path) -> None:
    path = folder.parent / "s.mig"
    path.write_bytes(small())
    with migstream.open(path) as stream:
        decode(stream, folder, original=path)
    head = document(folder)["original"]
    assert (head["path"], head["size"]) == (str(path), len(small()))
    moved = path.rename(folder.parent / "moved.mig")
    with pytest.raises(SourceError, match="no such file"):
        encode(folder, folder.parent / "out")
    assert run("encode", folder, "-o", folder.parent / "out", "--original", moved).exit_code == 0
    assert (folder.parent / "out").read_bytes() == small()
    moved.write_bytes(small()[:-1] + b"!")
    with pytest.raises(BadValue, match="is not the stream that was decoded"):
        encode(folder, folder.parent / "out", original=moved, replace=True)
    assert (folder.parent / "out").read_bytes() == small()


def test_references_need_the_file_of_the_stream(folder: Path) -> None:
    with migstream.open(small()) as stream, pytest.raises(Unsupported):
        decode(stream, folder, original=Path(__file__))
    with migstream.open(small()) as stream, pytest.raises(Unsupported):
        decode(stream, folder, original=folder.parent / "nothing")


def test_a_pipe_has_to_be_spooled(folder: Path) -> None:
    pipe: Any = io.BufferedReader(Unseekable(small()))
    with migstream.open(pipe) as stream, pytest.raises(Unsupported, match="pipe"):
        decode(stream, folder)


class Unseekable(io.RawIOBase):
    def __init__(self, data: bytes) -> None:
        self._inner = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._inner.readinto(buffer)


def test_what_is_there_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(folder, small())
    with migstream.open(small()) as stream, pytest.raises(SourceError, match="is there already"):
        decode(stream, folder)
    other = folder.parent / "other"
    other.mkdir()
    (other / "precious").touch()
    with migstream.open(small()) as stream, pytest.raises(SourceError, match="is there already"):
        decode(stream, other, replace=True)
    assert [p.name for p in other.iterdir()] == ["precious"]
    encode(folder, folder.parent / "out")
    with pytest.raises(SourceError, match="is there already"):
        encode(folder, folder.parent / "out")

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwritev", full)
    with pytest.raises(SourceError, match="no space left"):
        encode(folder, folder.parent / "out", replace=True)
    with migstream.open(small()) as stream, pytest.raises(SourceError, match="no space left"):
        decode(stream, folder, replace=True)
    monkeypatch.undo()
    assert returned(folder) == (folder.parent / "out").read_bytes() == small()
    names = {p.name for p in folder.parent.iterdir()}
    assert names == {"folder", "other", "out", "again"}


def test_the_folder_is_as_open_as_others(folder: Path) -> None:
    opened(folder, small())
    (folder.parent / "plain").mkdir()
    assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE(
        (folder.parent / "plain").stat().st_mode
    )


# --- the command ---------------------------------------------------------------------------------


def test_usage(folder: Path) -> None:
    path = folder.parent / "s.mig"
    path.write_bytes(small())
    assert run("decode", path, "--full").exit_code == 2
    assert run("decode", path, "-o", folder).exit_code == 2
    assert run("decode", path, "--no-ram").exit_code == 2
    assert run("encode", folder).exit_code == 2
    assert run("encode", folder, "-o", path).exit_code == SourceError.exit_status
    result = run("decode", path, "--full", "-o", folder, "--json")
    told = json.loads(result.stdout)
    assert (told["output"], told["size"]) == (str(folder), len(small()))
    result = run("encode", folder, "-o", path, "--force", "--json")
    told = json.loads(result.stdout)
    assert (told["output"], told["size"]) == (str(path), len(small()))


def test_damage_is_said_and_kept(folder: Path) -> None:
    path = folder.parent / "s.mig"
    path.write_bytes(small()[:-20])
    result = run("decode", path, "--full", "-o", folder)
    assert result.exit_code == 3
    assert result.stderr
    assert returned(folder) == small()[:-20]


def test_live_sections_keep_their_order(named_sample: Named, folder: Path) -> None:
    """What a reader of the document relies on: one object for each item, in their order."""
    path = named_sample("pc-xbzrle-7.2.mig").path
    with migstream.open(path) as stream:
        decode(stream, folder)
        kinds = [
            "eof" if i.label == "end" and not isinstance(i, Section) else i.label
            for i in stream.items
        ]
        ids = [s.section_id for s in stream.sections if s.type != SectionType.FULL]
    items = document(folder)["items"]
    assert [i["kind"] for i in items] == kinds
    assert [i["section_id"] for i in items if i["kind"] in {"start", "part", "end"}] == ids
