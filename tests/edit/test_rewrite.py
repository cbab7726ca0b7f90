"""Edited streams: what is left alone stays byte for byte, and the result describes itself again."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import migstream
from migstream.cli.group import cli
from migstream.edit.change import Edit
from migstream.edit.rewrite import Rewrite
from migstream.edit.verify import differences
from migstream.errors import BadDescription, NoSuchPath, Unsupported
from migstream.source.pieces import Zeros, write
from migstream.source.store import Whole
from migstream.stream import Stream
from migstream.vmstate.encode import encode_value
from migstream.vmstate.jsontext import Object, Style, read_text, write_text
from migstream.vmstate.layout import Node
from migstream.vmstate.values import Value
from migstream.wire.model import Command, Span
from support import build
from support.samples import Sample

Make = Callable[[Edit], object]


def result(stream: Stream, make: Make) -> bytes:
    """Return the edited stream, after it was held against what was asked for."""
    edit = Edit(stream)
    make(edit)
    out = io.BytesIO()
    size = edit.write(out)
    made = out.getvalue()
    assert size == len(made)
    with migstream.open(made) as after:
        assert list(differences(edit.bench, after)) == []
    return made


def edited(raw: bytes, make: Make) -> bytes:
    with migstream.open(raw) as stream:
        return result(stream, make)


def dropping(paths: Sequence[str]) -> Make:
    def make(edit: Edit) -> None:
        for path in paths:
            edit.drop(path)

    return make


def subsections(value: Value) -> Iterator[str]:
    for child in value.children:
        if child.kind == "subsection":
            yield child.path
        if child.count is None or child.kind == "sequence":
            yield from subsections(child)


# --- bytes -----------------------------------------------------------------------------------------

SPLICES = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 10), st.binary(max_size=8)), max_size=8
)


@given(SPLICES)
def test_splices_are_those_of_a_plain_list(splices: list[tuple[int, int, bytes]]) -> None:
    """Splices that do not touch each other, in any order, make what a list of cells makes."""
    source = bytes(range(60))
    rewrite = Rewrite(len(source))
    cells: list[bytes] = [bytes((byte,)) for byte in source]
    before = [b""] * (len(source) + 1)
    taken: set[int] = set()
    for start, size, data in splices:
        touched = set(range(start - 1, start + size + 1))
        if touched & taken:
            continue
        taken |= touched
        rewrite.replace(start, start + size, data)
        for at in range(start, start + size):
            cells[at] = b""
        before[start] = data
    wanted = b"".join(a + b for a, b in zip(before, [*cells, b""], strict=True))
    out = io.BytesIO()
    write(rewrite.pieces(), out, Whole(source))
    assert out.getvalue() == wanted
    places = rewrite.places()
    for at, cell in enumerate(cells):
        if cell:
            assert wanted[places(at)] == source[at]


@given(st.lists(st.tuples(st.integers(0, 50), st.binary(min_size=1, max_size=10)), max_size=12))
def test_patches_lie_over_each_other(patches: list[tuple[int, bytes]]) -> None:
    source = bytes(60)
    rewrite, wanted = Rewrite(60), bytearray(60)
    for start, data in patches:
        rewrite.patch(start, data)
        wanted[start : start + len(data)] = data
    out = io.BytesIO()
    write(rewrite.pieces(), out, Whole(source))
    assert out.getvalue() == wanted
    assert rewrite.now(0, 60, lambda a, b: memoryview(source)[a:b]) == wanted


def test_changes_that_exclude_each_other() -> None:
    rewrite = Rewrite(100)
    rewrite.replace(10, 20, b"")
    with pytest.raises(Unsupported, match="exclude each other"):
        rewrite.patch(15, b"x")
    with pytest.raises(Unsupported, match="exclude each other"):
        rewrite.replace(15, 25, b"x")
    rewrite.replace(5, 25, b"y")
    assert list(rewrite.pieces()) == [Span(0, 5), b"y", Span(25, 100)]


def test_zeros_are_holes(tmp_path: Path) -> None:
    rewrite = Rewrite(4)
    rewrite.replace(2, 3, Zeros(8 << 20))
    path = tmp_path / "file"
    with path.open("wb") as file:
        write(rewrite.pieces(), file.fileno(), Whole(b"abcd"))
    assert path.read_bytes() == b"ab" + bytes(8 << 20) + b"d"
    assert path.stat().st_blocks * 512 < 1 << 20


# --- the description's text ------------------------------------------------------------------------


def test_a_description_is_written_as_it_was(sample: Sample) -> None:
    with migstream.open(sample.path) as stream:
        span = stream.description_span
        if span is None:
            pytest.skip("no description")
        text = bytes(stream.store.view(span.start + 5, span.stop))
    tree, style = read_text(text)
    assert write_text(tree, style) == text
    assert style is (Style.QJSON if sample.meta["qemu"].startswith("5.") else Style.COMPACT)


def test_repeated_keys_and_escapes_stay() -> None:
    text = rb'{"a": 1, "a": [{"b": "\u00E9\uD83D\uDE00\"\\\n\u007F"}], "c": {}}'
    tree, style = read_text(text)
    assert style is Style.COMPACT
    assert [key for key, _ in tree.pairs] == ["a", "a", "c"]
    assert next(tree.all("a")) == 1
    assert write_text(tree, style) == text
    assert write_text(Object([("a", ["b"])]), Style.QJSON) == b'{ "a" : [ "b" ] }'


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (b"{", BadDescription),
        (b"[" * 100_000, BadDescription),
        (b'{"a":1}', Unsupported),
        (b'{"a": true}', Unsupported),
    ],
)
def test_text_that_no_qemu_writes(text: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        read_text(text)


# --- values to bytes -------------------------------------------------------------------------------


def leaf(kind: str, size: int, count: int | None = None) -> Node:
    return Node("x", kind, "leaf", 0, size, count, size // (count or 1))


@pytest.mark.parametrize(
    ("node", "value", "raw"),
    [
        (leaf("uint32", 4), "0x1234", "00001234"),
        (leaf("uint32", 4), "-1", "ffffffff"),
        (leaf("int16", 2), -2, "fffe"),
        (leaf("int16", 2), "0xfffe", "fffe"),
        (leaf("le16", 2), "0x1234", "3412"),
        (leaf("bool", 1), "true", "01"),
        (leaf("bool", 1), False, "00"),
        (leaf("timer", 8), "not armed", "ff" * 8),
        (leaf("timer", 8), "-1", "ff" * 8),
        (leaf("timer", 8), "17 ns", "0000000000000011"),
        (leaf("CPU_Double_U", 8), "1.5", "3ff8000000000000"),
        (leaf("CPU_Double_U", 8), "0x3ff8000000000000", "3ff8000000000000"),
        (leaf("buffer", 4), "0x01020304", "01020304"),
        (leaf("buffer", 4), '"ab"', "61620000"),
        (leaf("buffer", 2), b"\1\2", "0102"),
        (leaf("capability", 4), '"abc"', "03616263"),
        (leaf("GByteArray", 6), "aabb", "00000002aabb"),
        (leaf("pci irq state", 16), "0 1 0 1", "00000000000000010000000000000001"),
        (leaf("uint8", 3, 3), "1, 2,0xff", "0102ff"),
        (leaf("uint16", 4, 2), [1, "2"], "00010002"),
    ],
)
def test_values_become_bytes(node: Node, value: Any, raw: str) -> None:
    assert encode_value(node, value).hex() == raw


@pytest.mark.parametrize(
    ("node", "value"),
    [
        (leaf("uint8", 1), "256"),
        (leaf("uint8", 1), "-129"),
        (leaf("uint8", 1), "red"),
        (leaf("uint8", 1), None),
        (leaf("buffer", 4), "0102"),
        (leaf("buffer", 2), '"abc"'),
        (leaf("buffer", 2), "zz"),
        (leaf("buffer", 2), 5),
        (leaf("capability", 4), '"abcdef"'),
        (leaf("nullptr", 1), "0"),
        (leaf("struct", 1), "0"),
        (leaf("CPU_Double_U", 8), "much"),
        (leaf("pci irq state", 16), "1"),
        (leaf("uint8", 3, 3), "1,2"),
        (leaf("uint8", 3, 3), 7),
        (Node("x", "struct", "struct", 0, 4), "0"),
    ],
)
def test_values_that_do_not_fit(node: Node, value: Any) -> None:
    words = r"fit|is no|were given|neither|numbers|elements|be set|one by one|expected"
    with pytest.raises(ValueError, match=words):
        encode_value(node, value)


def test_every_plain_value_is_written_as_it_is_printed(own_sample: Sample) -> None:
    """What `WireType.text` prints, typed again, is the same bytes."""
    with migstream.open(own_sample.path) as stream:
        for device in stream.devices:
            for value in device.value.leaves():
                if value.count is None and value.wire.code and value.kind == "leaf":
                    text = value.wire.text(value.value, value.node.size).split(" (")[0]
                    assert encode_value(value.node, text) == value.raw, value


# --- whole streams ---------------------------------------------------------------------------------


def test_nothing_changed_is_the_same_stream(sample: Sample) -> None:
    with migstream.open(sample.path) as stream:
        edit = Edit(stream)
        for device in stream.devices:
            value = next(iter(device.value.leaves()))
            if value.kind == "leaf" and value.count is None and value.wire.code:
                edit.set(value.path, value.hex)
        assert not edit
        out = io.BytesIO()
        edit.write(out)
    assert out.getvalue() == sample.read()


def test_all_subsections_dropped(own_sample: Sample) -> None:
    with migstream.open(own_sample.path) as stream:
        paths = [path for device in stream.devices for path in subsections(device.value)]
        outer = [p for p in paths if not any(p.startswith(f"{q}/") for q in paths)]
        made = result(stream, dropping(outer))
    with migstream.open(made) as after:
        assert [path for device in after.devices for path in subsections(device.value)] == []
        assert len(made) < own_sample.path.stat().st_size or not paths


def test_everything_renamed(own_sample: Sample) -> None:
    with migstream.open(own_sample.path) as stream:

        def rename(edit: Edit) -> None:
            for device in stream.devices:
                for path in subsections(device.value):
                    edit.rename(path, "other/" + path.rpartition("/")[2] + "-renamed")
                edit.rename(device.path, f"x{device.name}")
            for block in stream.blocks:
                edit.rename(f"ram/{block.name}", f"{block.name}.renamed")

        made = result(stream, rename)
        with migstream.open(made) as after:
            assert [f"x{d.path}" for d in stream.devices] == [d.path for d in after.devices]
            for name, block in stream.ram.items():
                if block.elsewhere is None:
                    there = after.ram[f"{name}.renamed"]
                    assert there.read(0, there.size) == block.read(0, block.size)


def test_the_order_of_devices_turned_around(own_sample: Sample) -> None:
    with migstream.open(own_sample.path) as stream:
        paths = [device.path for device in stream.devices]
        if len(set(paths)) < len(paths) or len(paths) < 2:
            pytest.skip("nothing to turn around")
        made = result(stream, lambda edit: edit.order(paths[::-1]))
    with migstream.open(made) as after:
        assert [device.path for device in after.devices] == paths[::-1]
    assert len(made) == own_sample.path.stat().st_size


def test_blocks_dropped(own_sample: Sample) -> None:
    with migstream.open(own_sample.path) as stream:
        gone = [block.name for block in stream.blocks[1:3]]
        made = result(stream, dropping([f"ram/{name}" for name in gone]))
        if not gone:
            return
        with migstream.open(made) as after:
            assert [b.name for b in after.blocks] == [
                b.name for b in stream.blocks if b.name not in gone
            ]


def test_memory_is_set_wherever_the_page_is_from(own_sample: Sample) -> None:
    """Zero pages, plain ones, deltas, compressed ones; across the border of two pages."""
    with migstream.open(own_sample.path) as stream:
        if not any(b.elsewhere is None for b in stream.ram.values()):
            pytest.skip("no guest memory")
        block = next(b for b in stream.ram.values() if b.elsewhere is None and b.size >= 0x2000)
        places = {run.kind: run.start for run in block.runs()}
        spots = [*places.values(), 0x1FFD if block.page == 4096 else block.page - 3]

        def make(edit: Edit) -> None:
            for at in spots:
                edit.set(f"ram/{block.name}@{at:#x}", "c0ffee4711")

        made = result(stream, make)
        wanted = bytearray(block.read(0, block.size))
        for at in spots:
            wanted[at : at + 5] = bytes.fromhex("c0ffee4711")
    with migstream.open(made) as after:
        assert after.ram[block.name].read(0, block.size) == wanted


CONFIGURED = build.configuration("none")


def described_configuration() -> dict[str, Any]:
    fields = [build.field("len", "uint32", 4), build.field("name", "buffer", 4)]
    return {
        "configuration": {"vmsd_name": "configuration", "version": 1, "fields": fields},
        **build.described(build.ONE, build.device("two", [build.field("n", "uint32", 4)])),
    }


def test_machine_and_capabilities_and_what_is_said_of_them() -> None:
    raw = build.small(described_configuration())

    def make(edit: Edit) -> None:
        edit.machine("virt-10.0")
        edit.capabilities(["one", "second"])

    made = edited(raw, make)
    with migstream.open(made) as after:
        assert after.machine == "virt-10.0"
        assert after.capabilities == ("one", "second")
        assert after.description is not None
        table = after.description.configuration
        assert table is not None
        assert [(f.name, f.size) for f in table.fields] == [("len", 4), ("name", 9)]
        [sub] = table.subsections
        assert [(f.name, f.size, f.array_len) for f in sub.fields] == [
            ("caps_count", 4, None),
            ("capabilities", 4, 2),
        ]

    def back(edit: Edit) -> None:
        edit.machine("none")
        edit.capabilities([])

    assert edited(made, back) == raw


def test_a_package_is_as_long_as_what_it_holds() -> None:
    first = build.full(3, "dev", b"abcdefgh")
    inside = first + build.full(4, "other", b"12345678")
    raw = build.HEADER + build.configuration() + build.packaged(inside) + build.END
    made = edited(raw, lambda edit: edit.rename("dev", "a-longer-name"))
    with migstream.open(made) as after:
        [package] = [i for i in after.items if isinstance(i, Command)]
        assert package.value == len(inside) + len("a-longer-name") - len("dev")
        assert [d.path for d in after.devices] == ["a-longer-name[0]", "other[0]"]
    made = edited(raw, lambda edit: edit.drop("other"))
    assert made == build.HEADER + build.configuration() + build.packaged(first) + build.END


PAGE = 4096
MIB = 1 << 20


def mapped(name: str = "none") -> bytes:
    """Return a mapped-ram stream of two blocks of 16 pages, the odd ones of which hold their number."""
    caps = build.subsection(
        "configuration/capabilities", build.be32(1) + build.counted("mapped-ram")
    )
    out = build.HEADER + build.configuration(name, caps)
    out += build.section_start(1, build.RAM_ID, "ram", version=4)
    out += build.be64(2 * 16 * PAGE | build.MEM_SIZE)
    for block in ("first", "second"):
        out += build.ram_block(block, 16 * PAGE)
        bitmap = len(out) + 28
        pages = -(-(bitmap + 8) // MIB) * MIB
        out += struct.pack(">IQQQ", 1, PAGE, bitmap, pages) + struct.pack("<Q", 0xAAAA)
        out = out.ljust(pages, b"\0")
        out += b"".join(bytes((n if n & 1 else 0,)) * PAGE for n in range(16))
    out += build.be64(build.EOS) + build.footer(build.RAM_ID) + build.ram_part()
    return out + build.full(3, "two", build.be32(7)) + build.END


@pytest.mark.parametrize("name", ["x", "none", "a-name-that-is-longer", "n" * 1000])
def test_mapped_pages_stay_where_the_header_says(name: str) -> None:
    made = edited(mapped(), lambda edit: edit.machine(name))
    assert made == mapped(name)


def test_a_gap_that_is_too_small_grows_by_whole_megabytes() -> None:
    """A bitmap that ends right before its pages: those move on."""
    raw = bytearray(mapped())
    with migstream.open(bytes(raw)) as stream:
        first, second = stream.blocks
        assert first.mapped is not None
        assert second.mapped is not None
        spot = first.mapped.header.start
        cut = (first.mapped.pages_offset - first.mapped.bitmap.stop) // PAGE * PAGE
        pages = first.mapped.pages_offset - cut
        struct.pack_into(">Q", raw, spot + 20, pages)
        del raw[pages : pages + cut]
        struct.pack_into(
            ">QQ",
            raw,
            second.mapped.header.start - cut + 12,
            second.mapped.bitmap_offset - cut,
            second.mapped.pages_offset - cut,
        )
    with migstream.open(bytes(raw)) as stream:
        assert stream.damage == []
        made = result(stream, lambda edit: edit.rename("ram/first", "f" * 255))
    with migstream.open(made) as after:
        assert after.damage == []
        assert after.ram["second"][PAGE : PAGE + 3] == b"\1\1\1"
        assert after.ram["f" * 255][3 * PAGE] == b"\3"


def test_mapped_memory_is_set_in_its_place() -> None:
    def make(edit: Edit) -> None:
        edit.set(f"ram/second@{PAGE - 1:#x}", "aabb")

    made = edited(mapped(), make)
    assert len(made) == len(mapped())
    with migstream.open(made) as after:
        assert after.ram["second"][PAGE - 2 : PAGE + 2] == b"\0\xaa\xbb\1"
        assert after.ram["first"][PAGE - 2 : PAGE + 2] == b"\0\0\1\1"


def test_mapped_block_dropped() -> None:
    made = edited(mapped(), lambda edit: edit.drop("ram/first"))
    with migstream.open(made) as after:
        assert after.damage == []
        assert list(after.ram) == ["second"]
        assert after.ram["second"][5 * PAGE] == b"\5"


def test_a_dropped_list_of_subsections_leaves_no_empty_one() -> None:
    made = edited(build.small(), lambda edit: edit.drop("one/one/more"))
    assert b"subsections" not in made
    with migstream.open(made) as after:
        assert after.description is not None
        assert after.description.devices[0].group.subsections == ()


# --- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (("set", "one/flag", "maybe"), ValueError, "not a number"),
        (("set", "one/blob", "00"), ValueError, "7 bytes"),
        (("set", "one/sub", "00"), ValueError, "one by one"),
        (("set", "one/nothing", "0"), NoSuchPath, "nothing is called"),
        (("set", "ram/pc.ram", "0"), ValueError, "ram/BLOCK@OFFSET"),
        (("set", "ram/no@0", "00"), LookupError, "no RAM block"),
        (("set", "ram/pc.ram@0x3000", "00"), LookupError, "RAM block pc.ram"),
        (("drop", "one/flag"), Unsupported, "is a field"),
        (("drop", "ram/no"), LookupError, "no RAM block"),
        (("drop", "three"), NoSuchPath, "nothing is called"),
        (("rename", "one", "two"), Unsupported, "already"),
        (("rename", "one", ""), ValueError, "0 bytes"),
        (("rename", "one", "x" * 256), ValueError, "256 bytes"),
        (("rename", "one", "x[4294967296]"), ValueError, "32 bits"),
        (("rename", "ram/pc.ram", "pc.ram"), Unsupported, "already"),
        (("machine", ""), ValueError, "0 bytes"),
        (("machine", "x" * 1025), ValueError, "1025 bytes"),
        (("order", ["one", "one"]), Unsupported, "twice"),
    ],
    ids=repr,
)
def test_refused(change: tuple[Any, ...], error: type[Exception], words: str) -> None:
    with migstream.open(build.small()) as stream:
        edit = Edit(stream)
        with pytest.raises(error, match=words):
            getattr(edit, change[0])(*change[1:])
        assert not edit


def test_what_was_dropped_cannot_be_set() -> None:
    with migstream.open(build.small()) as stream:
        edit = Edit(stream)
        edit.drop("one")
        with pytest.raises(Unsupported, match="exclude each other"):
            edit.set("one/flag", 0)


def test_a_pipe_is_not_edited() -> None:
    pipe = io.BufferedReader(_Pipe(build.small()))
    with migstream.open(pipe) as stream, pytest.raises(Unsupported, match="spool"):
        Edit(stream)


class _Pipe(io.RawIOBase):
    """Bytes that can only be read forward."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._data.readinto(buffer)


# --- any changes -----------------------------------------------------------------------------------

SET = st.one_of(
    st.tuples(st.just("one/flag"), st.booleans()),
    st.tuples(st.just("one/words"), st.lists(st.integers(0, 65535), min_size=4, max_size=4)),
    st.tuples(st.just("one/when"), st.integers(-1, 2**63 - 1)),
    st.tuples(st.just("one/rows[1]/y"), st.integers(0, 65535)),
    st.tuples(st.just("one/blob"), st.binary(min_size=7, max_size=7)),
    st.tuples(st.just("two/n"), st.integers(0, 2**32 - 1)),
    st.tuples(
        st.integers(0, 0x2FF0).map(lambda at: f"ram/pc.ram@{at:#x}"),
        st.binary(min_size=1, max_size=16),
    ),
)
CHANGES = st.lists(
    st.one_of(
        SET.map(lambda pair: ("set", *pair)),
        st.sampled_from(
            [
                ("drop", "one/one/more"),
                ("drop", "ram/pc.ram"),
                ("rename", "two", "a-longer-name[7]"),
                ("rename", "ram/pc.ram", "memory"),
                ("machine", "another"),
                ("capabilities", ["x"]),
                ("order", ["two", "one"]),
            ]
        ),
    ),
    max_size=6,
    unique_by=lambda change: change[:2] if change[0] == "set" else change[0],
)


@given(CHANGES)
def test_any_changes_give_what_was_asked_for(changes: list[tuple[Any, ...]]) -> None:
    raw = build.small(described_configuration())

    gone = ("drop", "ram/pc.ram")
    changes.sort(key=lambda change: change == gone)  # nothing more can be done to what is gone

    def make(edit: Edit) -> None:
        for verb, *arguments in changes:
            getattr(edit, verb)(*arguments)

    made = edited(raw, make)
    if not changes:
        assert made == raw
    with migstream.open(made) as after:
        for verb, *arguments in changes:
            if verb == "set" and arguments[0].startswith("one/"):
                value = after.devices["one", 0][arguments[0].removeprefix("one/")]
                assert value.raw == encode_value(value.node, arguments[1])


# --- the command -----------------------------------------------------------------------------------


def run(*arguments: str) -> Any:
    return CliRunner().invoke(cli, list(arguments))


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.mig"
    path.write_bytes(build.small())
    return path


def test_set_lists_what_it_changed(small: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mig"
    done = run("set", str(small), "two/n=0x11", "-o", str(out))
    assert done.exit_code == 0, done.output
    assert "two[0]/n  7 -> 17 (0x11)" in done.stdout
    assert small.read_bytes() == build.small()
    with migstream.open(out) as stream:
        assert stream.devices["two"]["n"].value == 17


def test_a_place_for_the_result_must_be_given(small: Path) -> None:
    assert run("set", str(small), "two/n=1").exit_code == 2
    assert run("drop", str(small), "two").exit_code == 2
    assert small.read_bytes() == build.small()


def test_in_place_only_when_asked(small: Path, tmp_path: Path) -> None:
    done = run("rename", str(small), "two", "three", "--in-place")
    assert done.exit_code == 0, done.output
    with migstream.open(small) as stream:
        assert stream.devices["three", 0]["n"].value == 7
    assert list(tmp_path.iterdir()) == [small]


def test_what_is_there_stays(small: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mig"
    out.write_bytes(b"mine")
    assert run("drop", str(small), "two", "-o", str(out)).exit_code == 5
    assert out.read_bytes() == b"mine"
    assert run("drop", str(small), "two", "-o", str(out), "--force").exit_code == 0
    assert out.read_bytes() != b"mine"


@pytest.mark.parametrize("value", ["two/n=red", "two/n", "=5"])
def test_a_wrong_value_is_wrong_usage(small: Path, tmp_path: Path, value: str) -> None:
    done = run("set", str(small), value, "-o", str(tmp_path / "out.mig"))
    assert done.exit_code == 2
    assert list(tmp_path.iterdir()) == [small]


def test_a_result_that_does_not_read_is_not_kept(small: Path, tmp_path: Path) -> None:
    """With mapped-ram recorded, page records are nothing that a loader takes."""
    done = run("set", str(small), "--capabilities", "mapped-ram", "-o", str(tmp_path / "out.mig"))
    assert done.exit_code == 4
    assert "does not read as it should" in done.stderr
    assert list(tmp_path.iterdir()) == [small]


def test_json(small: Path, tmp_path: Path) -> None:
    import json

    done = run("drop", str(small), "two", "-o", str(tmp_path / "out.mig"), "--json")
    table = json.loads(done.stdout)
    assert table["size"] == (tmp_path / "out.mig").stat().st_size
    assert [change["path"] for change in table["changes"]] == ["two[0]"]
