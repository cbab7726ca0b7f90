"""Names that somebody made up to do harm: every verb reads, prints and writes them, and loses none."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import migstream
from migstream.analysis.golden import compare, load, write
from migstream.names import decoded, encoded, escape, json_line, json_text, prose, unescape
from support import build
from support.build import described, device, field
from support.hostile import NAMES, assembled, named, pairs, tampered, written
from support.verbs import alone, clean, ended_well, lines, ours


def _label(name: str | bytes) -> str:
    """Short, and told from the others."""
    return f"{ascii(name)[:14]}{len(name)}"


# any code point, those that are no characters and those that stand for bytes among them
names = st.text(
    st.characters(codec=None) | st.sampled_from("\\x5cu80\ud800\udc80\udcff\x1b\x9b\u202e")
)
jsons = st.recursive(
    names | st.none() | st.booleans() | st.integers() | st.floats(),
    lambda inner: st.lists(inner) | st.dictionaries(names, inner),
    max_leaves=8,
)


# --- the rule ------------------------------------------------------------------------------------


@given(st.binary())
def test_any_bytes_are_a_name_and_come_back(raw: bytes) -> None:
    assert encoded(decoded(raw)) == raw


@given(names)
def test_any_name_has_bytes(name: str) -> None:
    assert isinstance(encoded(name), bytes)


@given(names)
def test_a_name_is_had_back_from_text_that_no_terminal_obeys(name: str) -> None:
    text = escape(name)
    assert text.isprintable()
    clean(text.encode())
    assert unescape(text) == name


@given(names)
def test_prose_is_safe_and_what_was_escaped_already_stays(name: str) -> None:
    assert prose(name).isprintable()
    assert prose(escape(name)) == escape(name)


def _meant(thing: Any) -> Any:
    if isinstance(thing, str):
        return unescape(thing)
    if isinstance(thing, dict):
        return {unescape(key): _meant(value) for key, value in thing.items()}
    return [_meant(one) for one in thing] if isinstance(thing, list) else thing


def _finite(thing: Any) -> Any:
    if isinstance(thing, float):
        return thing if abs(thing) != float("inf") and thing == thing else None
    if isinstance(thing, dict):
        return {key: _finite(value) for key, value in thing.items()}
    return [_finite(one) for one in thing] if isinstance(thing, list) else thing


@given(jsons, st.booleans())
def test_json_is_strict_and_every_name_is_had_back(thing: Any, pretty: bool) -> None:
    for data in (json_text(thing, pretty=pretty), json_line(thing).encode()):
        clean(data)
        msgspec.json.decode(data)
        assert _meant(json.loads(data)) == _finite(thing)


# --- every verb ----------------------------------------------------------------------------------


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.mig"
    path.write_bytes(build.small())
    return path


def _everywhere(name: str) -> bytes:
    """A stream that has a name wherever a stream and its description have names."""
    raw = encoded(name)
    short = raw if 0 < len(raw) < 256 else b"x"
    state = device(name if short == raw else "x", [
        field(name, "uint8", 1), field("plain", name, 7), field(name, "uint16", 2, array_len=4),
        field("sub", "struct", 5, struct={
            "vmsd_name": name, "version": 1, "fields": [field(name, "uint8", 1), field(name + "2", "int32", 4)],
        }),
        field("rows", "struct", 3, array_len=3, struct={
            "vmsd_name": "row", "version": 1, "fields": [field(name, "uint8", 1), field("y", "uint16", 2)],
        }),
        field("last", "buffer", 8),
    ], subsections=[{"vmsd_name": name, "version": 1, "fields": [field("z", "uint64", 8)]}])  # fmt: skip
    tree = described(state, device("two", [field("n", "uint32", 4)]), device(name, []))
    return named(
        short, machine=short, block=short, capability=short, text=written(pairs(tree)).encode()
    )


def _tried(path: Path, good: Path, folder: Path) -> Iterator[list[str]]:
    """The commands, each with what the one before made taken away."""
    for words in lines(path, good, folder):
        yield words
        for made in [*folder.glob("out*"), *folder.glob("*.migidx")]:
            shutil.rmtree(made) if made.is_dir() else made.unlink()


@pytest.mark.parametrize("name", NAMES, ids=_label)
def test_every_verb_takes_a_name_in_every_place(name: str, good: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.mig"
    path.write_bytes(_everywhere(name))
    for words in _tried(path, good, tmp_path):
        ours(words)


@pytest.mark.parametrize("first", range(0, 40, 8))
def test_every_verb_takes_a_description_that_was_tampered_with(
    first: int, good: Path, tmp_path: Path
) -> None:
    path = tmp_path / "bad.mig"
    for seed in range(first, first + 8):
        path.write_bytes(tampered(seed))
        for words in _tried(path, good, tmp_path):
            if words[0] != "minimise" or seed == first:
                ours(words)


WIRE = [
    b"\xff\x80",
    b"\x1b[31m",
    "\u202e\u0085é→".encode(),
    b"a\\x80",
    b"\xed\xa0\x80",
    b"a = b\n",
    b"  x",
]


@pytest.mark.parametrize("raw", WIRE, ids=_label)
def test_names_come_back_from_json(raw: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.mig"
    path.write_bytes(named(raw, machine=raw, block=raw, capability=raw, text=b'{"devices": []}'))
    table = json.loads(ours(["info", str(path), "--json"])[1])
    assert encoded(unescape(table["machine"])) == raw
    assert [encoded(unescape(name)) for name in table["capabilities"]] == [raw]
    assert [encoded(unescape(block["name"])) for block in table["ram"]["blocks"]] == [raw]
    items = json.loads(ours(["decode", str(path)])[1])["items"]
    assert raw in [encoded(unescape(item["name"])) for item in items if "name" in item]


@pytest.mark.parametrize("raw", [*WIRE, b"a@b"], ids=_label)
def test_a_block_is_named_as_it_is_printed(raw: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.mig"
    path.write_bytes(named(raw, block=raw, text=b'{"devices": []}'))
    shown = escape(decoded(raw))
    assert ours(["mem", str(path), "0", "--block", shown, "-n", "16"])[0] in (0, 1)
    assert ours(["history", str(path), f"{shown}@0"])[0] in (0, 1)
    words = ["extract", str(path), "-f", "raw", "-o", str(tmp_path / "out"), "--block", shown]
    assert ours(words)[0] in (0, 1)


@pytest.mark.parametrize("name", [n for n in NAMES if 0 < len(encoded(n)) < 256], ids=_label)
def test_decode_and_encode_give_the_same_bytes(name: str, tmp_path: Path) -> None:
    path, folder, again = (tmp_path / one for one in ("bad.mig", "folder", "again.mig"))
    data = _everywhere(name)
    path.write_bytes(data)
    ours(["decode", str(path), "--full", "-o", str(folder)])
    document = (folder / "stream.json").read_bytes()
    clean(document)
    msgspec.json.decode(document)
    assert ours(["encode", str(folder), "-o", str(again)])[0] == 0
    assert again.read_bytes() == data


@pytest.mark.parametrize("name", NAMES, ids=_label)
def test_a_digest_of_any_names_is_read_as_it_was_made(name: str, tmp_path: Path) -> None:
    path, golden = tmp_path / "bad.mig", tmp_path / "bad.digest"
    path.write_bytes(_everywhere(name))
    with migstream.open(path) as stream:
        _ = stream.devices
        if stream.noticed:
            return  # nothing is kept of a damaged stream: a verb says so, as tried above
        write(stream, str(path), golden)
        clean(golden.read_bytes())
        assert compare(stream, load(golden)) == []


@pytest.mark.parametrize("name", [n for n in NAMES if "\ud800" > n > ""], ids=_label)
def test_an_edit_writes_a_description_with_any_name_again(name: str, tmp_path: Path) -> None:
    """As QEMU 6.0 and newer write it: what is not touched stays byte for byte."""
    tree = described(
        build.ONE,
        device("two", [field("n", "uint32", 4)]),
        device("three", [field(name[:200], "buffer", 12)]),
    )
    text = written(pairs(tree)).encode()
    path, made = tmp_path / "bad.mig", tmp_path / "made.mig"
    path.write_bytes(assembled(text))
    assert ours(["drop", str(path), "two", "-o", str(made)])[0] == 0
    del tree["devices"][1]
    assert made.read_bytes().endswith(written(pairs(tree)).encode())


# --- an output that has few characters -----------------------------------------------------------

NARROW: dict[str, dict[str, str]] = {
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "strict": {"PYTHONIOENCODING": "ascii:strict"},
    "latin-1": {"PYTHONIOENCODING": "iso8859-1:strict"},
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}


@pytest.fixture
def pair(tmp_path: Path) -> tuple[str, str]:
    one, two = tmp_path / "one.mig", tmp_path / "two.mig"
    one.write_bytes(_everywhere("é→𝄞"))
    two.write_bytes(_everywhere("é→𝄞").replace(build.be32(7), build.be32(9)))
    return str(one), str(two)


@pytest.mark.parametrize("how", NARROW)
def test_an_output_of_few_characters_is_written_to(
    how: str, pair: tuple[str, str], tmp_path: Path
) -> None:
    one, two = pair
    for words in (
        ["diff", one, two], ["diff", one, two, "--json"], ["tree", one], ["digest", one], ["get", one, "nobody"],
        ["set", one, "two/n=3", "-o", str(tmp_path / "set")],
    ):  # fmt: skip
        status, out, err, _ = alone(words, mebibytes=1024, **NARROW[how])
        assert status in range(6), (words, err)
        assert b"Traceback" not in err
        if "--json" not in words:
            out.decode("iso8859-1" if how == "latin-1" else "ascii")
        assert words[:2] != ["diff", one] or "--json" in words or b"7 -> 9" in out


def test_a_latin_1_locale_is_written_to(pair: tuple[str, str], tmp_path: Path) -> None:
    where = tmp_path / "locales"
    where.mkdir()
    localedef = shutil.which("localedef")
    if localedef is None:
        pytest.skip("localedef is not installed")
    made = subprocess.run(
        [
            localedef,
            "-i",
            "en_US",
            "-f",
            "ISO-8859-1",
            "--no-archive",
            str(where / "xx_XX.ISO-8859-1"),
        ],
        capture_output=True,
        check=False,
    )
    if not any(where.glob("*/LC_CTYPE")):
        pytest.skip(f"no locale could be made: {made.stderr.decode(errors='replace').strip()}")
    status, out, err, _ = alone(
        ["diff", "-v", *pair], mebibytes=1024, LOCPATH=str(where), LC_ALL="xx_XX.ISO-8859-1",
        PYTHONUTF8="0", PYTHONCOERCECLOCALE="0",
    )  # fmt: skip
    assert status == 3, err  # the description lacks a device
    assert b"7 -> 9" in out
    assert "é".encode("iso8859-1") in out


# --- kinds of fault, each in 256 MiB and one second of a CPU ----------------------------------------


def _head(more: bytes) -> bytes:
    return build.HEADER + build.configuration() + build.PAGE_RAM + more


def _one(fields: list[Any], payload: bytes, name: str = "one", **more: Any) -> bytes:
    text = written(pairs(described(device(name, fields, **more))))
    return _head(build.full(3, name, payload) + build.END + build.description(text.encode()))


def _empty(depth: int, count: int) -> dict[str, Any]:
    """`count` to the power of `depth` structs without a byte."""
    inner = field(
        "a", "struct", 0, array_len=count, struct={"vmsd_name": "v", "version": 1, "fields": []}
    )
    for _ in range(depth - 1):
        group = {"vmsd_name": "v", "version": 1, "fields": [inner]}
        inner = field("a", "struct", 0, array_len=count, struct=group)
    return inner


def _first_entry(key: str, value: str) -> bytes:
    """The description's device `one`, and another whose `key` is some JSON."""
    text = written(pairs(described(device("one", [field("n", "uint32", 4)]))))
    more = {
        "name": '"x"',
        "instance_id": "0",
        "vmsd_name": '"x"',
        "version": "1",
        "fields": "[]",
    } | {key: value}
    other = "{" + ", ".join(f'"{name}": {text}' for name, text in more.items()) + "}"
    raw = text.replace('"devices": [', f'"devices": [{other}, ').encode()
    return _head(build.full(3, "one", bytes(4)) + build.END + build.description(raw))


FAULTS: dict[str, bytes] = {
    "a device is called by half a character": _everywhere("\ud800"),
    "a subsection is": _one([], build.subsection("x", b""), subsections=[{"vmsd_name": "\ud800", "version": 1}]),
    "a field is": _one([field("\udfff", "uint32", 4)], bytes(4)),
    "a type is": _one([field("a", "\ud800", 4)], bytes(4)),
    "subsections stand before any field": _one([field("a", "struct", 4, struct={
        "subsections": [], "fields": [field("n", "uint32", 4)], "vmsd_name": "v", "version": 1,
    })], bytes(4)),
    "a struct has subsections alone": _one([field("a", "struct", 7, struct={
        "subsections": [{"vmsd_name": "x", "version": 1, "fields": []}],
    })], build.subsection("x", b"")),
    **{f"the {key} of an entry is {value}": _first_entry(key, value)
       for key in ("name", "instance_id", "fields", "subsections", "size")
       for value in ("{}", "[]", "[{}]", "null", "true", "-1", "1e999", '"x"', "9" * 400)},
    "a device is called ram": _one([field("n", "uint32", 4)], bytes(4), "ram"),
    "a device called ram is not described": _head(build.section_start(4, 4, "ram") + b"\x5f\xd9\x3c"),
    "an array has no element": _one([field("a", "int32", 4, array_len=0), field("b", "uint32", 4)], bytes(4)),
    "a struct array has no element": _one([field("a", "struct", 4, array_len=0, struct={
        "vmsd_name": "v", "version": 1, "fields": [field("b", "int32", 4)],
    })], b""),
    "arrays of nothing in each other": _one([_empty(20, 16), field("n", "uint32", 4)], bytes(4)),
    "many arrays of nothing": _one([_empty(3, 16)] * 60, b""),
    "one array of nothing": _one([field("a", "uint8", 0, array_len=2**62)], b""),
    "nothing in each byte": _one([field("a", "struct", 1, array_len=4000, struct={
        "vmsd_name": "v", "version": 1, "fields": [field("b", "uint8", 1), *[field("c", "buffer", 0)] * 4000],
    })], bytes(4000)),
    "a list of many entries of one name": _one([field("a", "uint8", 1), field("b", "uint8", 1)] * 3000, bytes(6000)),
    "an array described one by one": _one([field("a", "struct", 1, struct={
        "vmsd_name": "v", "version": 1, "fields": [field("b", "uint8", 1)],
    })] * 3000, bytes(3000)),
    "a name that is too long": _one([field("x" * 300_000, "struct", 3000, struct={
        "vmsd_name": "v", "version": 1, "fields": [field("b", "uint8", 1)] * 3000,
    })], bytes(3000)),
    "a line of the terminal in a name": _one([field("a\x1b]0;x\x07\r\x9b2K", "uint32", 4)], bytes(4)),
    "a line of the terminal in a type": _one([field("a", "ui\x1b[2Jnt\x9b", 4)], bytes(4)),
    "a line of a digest in a name": _one([field("a\nmachine = other", "uint32", 4)], bytes(4)),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_kind_of_fault_ends_in_time_on_every_verb(fault: str, good: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.mig"
    path.write_bytes(FAULTS[fault])
    for words in _tried(path, good, tmp_path):
        ours(words, seconds=20)


ALONE = ["decode", "digest", "tree", "tree --json", "check", "info", "get STREAM one/a", "redact -o OUT",
         "analyze-migration -f", "analyze-migration -m -f", "set STREAM --machine zz -o OUT"]  # fmt: skip


@pytest.mark.parametrize(
    "fault",
    [
        f
        for f in FAULTS
        if "nothing" in f
        or f in {"a device is called by half a character", "a device is called ram"}
    ],
)
def test_a_kind_of_fault_takes_little_of_a_process(fault: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.mig"
    path.write_bytes(FAULTS[fault])
    for number, line in enumerate(ALONE):
        words = (line if "STREAM" in line else f"{line} STREAM").split()
        words = [
            {"STREAM": str(path), "OUT": str(tmp_path / f"out{number}")}.get(w, w) for w in words
        ]
        status, out, err, seconds = alone(words)
        ended_well(words, status, out, err)
        assert seconds < 1, f"{words}: {seconds} s"


@pytest.mark.parametrize("fault", FAULTS)
def test_a_kind_of_fault_ends_in_time_in_the_library(fault: str, good: Path) -> None:
    with migstream.open(FAULTS[fault]) as stream:
        for one in stream.devices:
            one.value.plain()
            assert sum(1 for _ in one.value.leaves()) < 30_000
