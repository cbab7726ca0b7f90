"""What somebody meets first who types `import migstream`."""

from __future__ import annotations

import gzip
import io
import operator
import pydoc
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import pytest
from click.testing import CliRunner

import migstream
from migstream.cli.group import cli
from migstream.errors import (
    BadFraming,
    NoSuchAddress,
    NoSuchPath,
    NotAStream,
    ParseError,
    SourceError,
    Truncated,
)
from migstream.names import LINE, brief
from migstream.stream import open_anything
from migstream.vmstate.layout import Node
from migstream.vmstate.values import Root, Value
from support.samples import Sample

PROMISED = ("migstream", "migstream.vmstate", "migstream.savevm", "migstream.edit")
PAGE = Path(__file__).resolve().parents[1] / "docs" / "api.md"
OBJECTS: dict[str, Callable[[migstream.Stream], object]] = {
    "Stream": lambda stream: stream,
    "Devices": lambda stream: stream.devices,
    "Device": lambda stream: stream.devices[0],
    "Value": lambda stream: stream["cpu[0]/env.regs"],
    "Ram": lambda stream: stream.ram,
    "Block": lambda stream: stream.ram["pc.ram"],
    "PhysicalMemory": lambda stream: stream.memory,
    "Cpu": lambda stream: stream.registers[0],
    "Edit": migstream.Edit,
}


@pytest.fixture
def q35(named_sample: Callable[[str], Sample]) -> Iterator[migstream.Stream]:
    with migstream.open(named_sample("q35-7.2.mig").path) as stream:
        yield stream


# --- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROMISED)
def test_dir_has_the_promised_names_before_any_is_used(name: str) -> None:
    code = f"import sys, {name} as m; print(*dir(m)); print(*sorted(m.__all__))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    shown, promised = done.stdout.splitlines()
    assert shown == promised


@pytest.mark.parametrize("name", PROMISED)
def test_every_promised_name_is_there(name: str) -> None:
    module = import_module(name)
    assert all(hasattr(module, one) for one in module.__all__)
    with pytest.raises(AttributeError):
        _ = module.no_such_name


def test_help_shows_the_promised_names_and_no_machinery() -> None:
    text = re.sub(".\x08", "", pydoc.render_doc(migstream))  # bold is a letter struck twice
    for name in migstream.__all__:
        if name not in {"__version__", "errors"}:  # VERSION, and a module of the package
            assert re.search(rf"^ {{4}}(class )?{name}\b", text, re.MULTILINE), name
    assert "_HOMES" not in text
    assert "__getattr__" not in text.partition("FUNCTIONS")[2]
    assert '            stream.devices["cpu", 0]["env.eip"].value\n' in text


def rows(heading: str) -> list[str]:
    """Names in the first column of the table under a heading of the page."""
    part = re.search(
        rf"^##+ `{re.escape(heading)}`\n(.*?)(?=^#|\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL
    )
    assert part is not None, heading
    return re.findall(r"^\| `(\w+)", part[1], re.MULTILINE)


@pytest.mark.parametrize("name", PROMISED)
def test_the_page_lists_what_is_promised(name: str) -> None:
    assert sorted(rows(name)) == sorted(import_module(name).__all__)


@pytest.mark.parametrize("name", OBJECTS)
def test_what_the_page_says_of_an_object_is_there(name: str, q35: migstream.Stream) -> None:
    listed = rows(name)
    assert listed
    assert set(listed) <= set(dir(OBJECTS[name](q35)))


# --- devices, paths, values ----------------------------------------------------------------------


def test_a_device_is_found_by_each_of_its_names(q35: migstream.Stream) -> None:
    cpu = q35.devices["cpu", 1]
    assert q35.devices["cpu[1]"] is cpu
    assert q35.devices[q35.devices.keys().index(("cpu", 1))] is cpu
    assert q35.devices[:3] == tuple(q35.devices)[:3]
    for key in ("cpu", "cpu[1]", ("cpu", 1), cpu, "timer"):
        assert key in q35.devices
    for other_key in ("cpu[2]", ("cpu", 2), "env.eip", None, 0):
        assert other_key not in q35.devices
    with pytest.raises(NoSuchPath, match="2 devices"):
        q35.devices["cpu"]
    with pytest.raises(TypeError, match=r"'cpu', 'cpu\[0\]' or \('cpu', 0\)"):
        q35.devices[None]  # type: ignore[call-overload]


def test_a_path_is_an_index_of_the_stream(q35: migstream.Stream) -> None:
    value = q35["cpu[0]/env.eip"]
    assert value.span == q35.devices["cpu", 0]["env.eip"].span
    assert q35[f"@{value.span.start}"].path == value.path
    assert "cpu[0]/env.eip" in q35
    assert "cpu[7]/env.eip" not in q35
    assert "env.eip" in q35.devices["cpu", 0]
    assert "env.nothing" not in q35.devices["cpu", 0]
    with pytest.raises(NoSuchPath, match="several"):
        _ = q35["cpu[*]/env.eip"]
    with pytest.raises(NoSuchPath, match=r"'cpo\[0\]'") as raised:
        _ = q35.devices["cpo[0]"]
    assert "did you mean cpu[0]" in raised.value.hint
    with pytest.raises(TypeError):
        _ = 65520 in q35["cpu[0]/env.regs"]


def test_a_stream_goes_through_its_sections(q35: migstream.Stream) -> None:
    assert tuple(q35) == q35.sections
    assert q35.sections[3] in q35


def test_a_value_is_the_number_or_the_bytes_that_it_stands_for(q35: migstream.Stream) -> None:
    value = q35["cpu[0]/env.eip"]
    assert int(value) == operator.index(value) == value.value == 0xFFF0
    assert hex(value) == "0xfff0"
    assert bytes(value) == value.raw == (0xFFF0).to_bytes(8, "big")
    for path in ("cpu[0]/env.regs", "cpu[0]", "0000:00:02.0/e1000e[0]/parent_obj[0]/config[1]"):
        assert bytes(q35[path]) == q35[path].raw
        with pytest.raises(TypeError, match="is not an integer"):
            int(q35[path])


def test_an_array_is_in_the_order_of_this_machine(q35: migstream.Stream) -> None:
    value = q35["cpu[0]/env.regs"]
    array = value.array()
    assert array.dtype == np.uint64
    assert array.dtype.isnative
    assert array.flags.c_contiguous
    assert array.flags.writeable
    assert array.tolist() == value.value.tolist()
    assert value.value.dtype == ">u8"
    assert not value.value.flags.writeable


def test_what_is_not_an_array_of_numbers_says_so(q35: migstream.Stream) -> None:
    for path in (
        "cpu[0]/env.eip",
        "i8254/channels",
        "cpu[0]",
        "0000:00:02.0/e1000e[0]/parent_obj[0]/config[1]",
    ):
        with pytest.raises(TypeError, match="is not an array of numbers"):
            q35[path].array()


def alone(node: Node, raw: memoryview, path: str) -> Value:
    """A value of bytes that belong to no stream."""
    return Value(node, 0, path, Root(lambda a, b: raw[a:b], "", "", "", None, None, True))


def made(kind: str, raw: bytes, **node: Any) -> Value:
    one = Node("a", kind, node.pop("form", "leaf"), 0, len(raw), **node)
    return alone(one, memoryview(raw), "dev[0]/a")


@pytest.mark.parametrize(
    ("kind", "raw", "node", "expected", "dtype"),
    [
        ("bool", b"\0\1\2", {"count": 3, "stride": 1}, [False, True, True], "?"),
        ("int16", b"\xff\xfe\0\1", {"count": 2, "stride": 2}, [-2, 1], "=i2"),
        ("le32", b"\1\0\0\0\2\0\0\0", {"count": 2, "stride": 4}, [1, 2], "=u4"),
        ("float64", b"\x3f\xf0" + bytes(6), {"count": 1, "stride": 8}, [1.0], "=f8"),
        ("avr", bytes(15) + b"\1", {"count": 1, "stride": 16}, [[0, 1]], "=u8"),
        ("uint32", b"", {"count": 0, "stride": 4}, [], "=u4"),
    ],
)  # fmt: skip
def test_arrays_of_each_kind_of_number(
    kind: str, raw: bytes, node: dict[str, Any], expected: list[Any], dtype: str
) -> None:
    array = made(kind, raw, **node).array()
    assert array.dtype == np.dtype(dtype)
    assert array.tolist() == expected


def test_an_array_that_was_described_in_pieces_is_one() -> None:
    pieces = (
        Node("a", "uint16", "leaf", 0, 4, 2, 2),
        Node("a", "uint16", "leaf", 4, 2, None, 2),
    )
    raw = b"\0\1\0\2\0\3"
    value = made("uint16", raw, form="sequence", count=3, stride=0, children=pieces)
    assert value.array().tolist() == [1, 2, 3]
    for buffer in (made("buffer", raw, stride=6), made("buffer", raw, count=2, stride=3)):
        with pytest.raises(TypeError, match="buffer"):
            buffer.array()
    mixed = (pieces[0], Node("a", "nullptr", "leaf", 4, 1, None, 1))
    with pytest.raises(TypeError):
        made("uint16", raw, form="sequence", count=3, stride=0, children=mixed).array()


# --- what opens ----------------------------------------------------------------------------------


def test_every_question_takes_a_stream_or_whatever_opens(
    named_sample: Callable[[str], Sample], q35: migstream.Stream
) -> None:
    path = named_sample("q35-7.2.mig").path
    raw = path.read_bytes()
    for source in (path, str(path), raw, q35):
        assert not migstream.check(source).findings
        assert not migstream.diff(source, path)
        assert migstream.compat(source, path).accepted
        assert migstream.compat(path, source).accepted
        assert migstream.compat(source, migstream.Destination(stream=q35)).accepted
        said = "error while loading state for instance 0x0 of device 'cpu'"
        one = migstream.explain(said, source, source)
        assert one.device == "cpu"
        assert one.contrast is not None
    assert q35["cpu[0]/env.eip"].value == 0xFFF0  # the open one is still open


ELF = b"\x7fELF" + bytes(60)
REFUSED: dict[str, tuple[bytes, type[ParseError], str]] = {
    "nothing": (b"", NotAStream, "not a single byte"),
    "text": (b"Hello, reader of streams.\n", NotAStream, "looks like text"),
    "an ELF file": (ELF, NotAStream, "an ELF file"),
    "zeros": (bytes(100), NotAStream, "a stream begins with the bytes 51 45 56 4d"),
    "half a header": (b"QEVM\0", Truncated, "cut off"),
    "another version": (b"QEVM\0\0\0\2" + bytes(100), BadFraming, "version 3"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_a_stream_does_not_open(what: str, tmp_path: Path) -> None:
    raw, kind, said = REFUSED[what]
    path = tmp_path / "one"
    path.write_bytes(raw)
    packed = tmp_path / "one.gz"
    packed.write_bytes(gzip.compress(raw))
    for opens in (
        lambda: migstream.open(path),
        lambda: migstream.open(raw),
        lambda: migstream.open(io.BytesIO(raw)),
        lambda: migstream.open(packed, spool=True),
        lambda: migstream.diff(raw, raw),
    ):
        with pytest.raises(kind) as raised:
            opens()
        assert said in raised.value.hint
        command = CliRunner().invoke(cli, ["tree", str(path)])
        assert (command.exit_code, raised.value.exit_status) == (3, 3)
        assert raised.value.message in command.stderr
        assert said in command.stderr
    [finding] = migstream.check(raw).findings
    assert finding.code == kind.code
    with open_anything(raw) as anything:
        assert anything.not_begun is not None
        assert not anything.devices


def test_a_pipe_is_refused_whenever_it_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "text.gz"
    path.write_bytes(gzip.compress(b"QEVM\0\0\0\7 is another version"))
    cat = subprocess.Popen(["cat", path], stdout=subprocess.PIPE)
    with cat, migstream.open(cast("BinaryIO", cat.stdout)) as piped, migstream.open(path) as packed:
        for stream in (piped, packed):
            for ask in ("machine", "devices", "ram", "damage") * 2:
                with pytest.raises(BadFraming):
                    getattr(stream, ask)


@pytest.mark.parametrize("words", ["echo Hello, reader of streams.", "cat /dev/zero", "true"])
def test_a_pipe_of_something_else_is_refused_at_once(words: str) -> None:
    other = subprocess.Popen(words.split(), stdout=subprocess.PIPE)
    with other, pytest.raises(NotAStream), other.stdout as pipe:  # type: ignore[union-attr]
        migstream.open(cast("BinaryIO", pipe))


def test_a_pipe_of_a_stream_behind_zeros_is_read_to_its_end(own_sample: Sample) -> None:
    script = "head -c 100000 /dev/zero; cat"
    with (
        own_sample.path.open("rb") as file,
        subprocess.Popen(["sh", "-c", script], stdin=file, stdout=subprocess.PIPE) as shell,
        migstream.open(cast("BinaryIO", shell.stdout)) as piped,
        migstream.open(own_sample.path) as stream,
    ):
        assert not piped.seekable
        assert [d.path for d in piped.devices] == [d.path for d in stream.devices]


def test_a_damaged_compressed_file_is_refused_for_that(tmp_path: Path) -> None:
    path = tmp_path / "one.gz"
    path.write_bytes(b"\x1f\x8b\x08" + b"\xff" * 40)
    for spool in (False, True):
        with (
            pytest.raises(Truncated, match="compressed file is damaged"),
            migstream.open(path, spool=spool) as stream,
        ):
            _ = stream.machine


def test_what_is_damaged_opens_and_shows_what_precedes_the_damage(
    named_sample: Callable[[str], Sample],
) -> None:
    raw = named_sample("q35-7.2.mig").path.read_bytes()
    for cut in (8, 100, len(raw) // 2, len(raw) - 1):
        with migstream.open(raw[:cut]) as stream:
            assert stream.damage
            assert (stream.machine == "pc-q35-7.2") == (cut >= 100)
    with migstream.open(bytes(64) + raw) as stream:  # zeros before it are passed over
        assert stream["cpu[0]/env.eip"].value == 0xFFF0
        assert stream.damage


def test_a_stream_without_guest_memory_has_an_empty_one() -> None:
    with migstream.open(b"QEVM\0\0\0\3\0") as stream:
        assert not stream.ram
        assert len(stream.ram) == 0
        assert [*stream.ram.items()] == []
        assert (stream.ram.blocks, stream.ram.rounds, stream.ram.page_size) == ((), (), None)
        assert stream.ram.get("pc.ram") is None
        for ask in (lambda: stream.ram["pc.ram"], lambda: stream.read("pc.ram", 0, 1)):
            with pytest.raises(NoSuchAddress, match="the stream has no guest memory"):
                ask()


def test_what_makes_files_takes_a_stream_or_whatever_opens(
    named_sample: Callable[[str], Sample], q35: migstream.Stream, tmp_path: Path
) -> None:
    path = named_sample("q35-7.2.mig").path
    made = []
    sources: tuple[Any, ...] = (path, str(path), path.read_bytes(), q35)
    for number, source in enumerate(sources):
        folder = tmp_path / str(number)
        folder.mkdir()
        migstream.edit(source).set("cpu[0]/env.eip", 1).save(folder / "edited")
        migstream.convert(source, folder / "converted", ram="linear")
        files = migstream.extract(source, folder / "ram", form="raw").files
        assert "pc.ram" in {one.block for one in files}
        assert migstream.extract(source, folder / "core").files[0].format == "elf"
        made.append({one: one.read_bytes() for one in folder.rglob("*") if one.is_file()})
        with pytest.raises(SourceError, match="is there already"):
            migstream.extract(source, folder / "core")
    assert len(made[0]) > 4
    assert all(sorted(one.values()) == sorted(made[0].values()) for one in made)
    assert q35["cpu[0]/env.eip"].value == 0xFFF0  # the open one is still open


@pytest.mark.parametrize("wrong", [None, 42, object()])
def test_what_can_never_be_a_stream_is_a_wrong_call(wrong: Any) -> None:
    for ask in (migstream.open, migstream.check, lambda one: migstream.diff(one, one)):
        with pytest.raises(TypeError, match="can be a stream"):
            ask(wrong)


def test_a_file_opened_as_text_says_how_to_open_it(named_sample: Callable[[str], Sample]) -> None:
    with (
        named_sample("q35-7.2.mig").path.open(encoding="latin-1") as file,
        pytest.raises(TypeError, match="'rb'"),
    ):
        migstream.open(file)  # type: ignore[arg-type]


# --- reprs ---------------------------------------------------------------------------------------


def shown(stream: migstream.Stream) -> Iterator[object]:
    """Every public object that a stream leads to, and what the questions answer with."""
    yield stream
    yield from (stream.description, stream.configuration, stream.devices)
    yield from stream.items
    for device in stream.devices:
        yield from (device, device.layout)
        for value in device:
            yield from (value, value.node)
    yield stream.ram
    yield from stream.ram.values()
    for name in stream.ram:
        yield stream.history(name, 0)
    yield stream.memory
    yield from stream.memory.ranges
    yield from stream.registers
    report = migstream.check(stream)
    yield report
    yield from report.findings


def other(stream: migstream.Stream, path: Path) -> Iterator[object]:
    """What comes of a comparison with another stream."""
    diff = migstream.diff(stream, path)
    yield diff
    for change in diff:
        yield from (change, *change.ranges)
    report = migstream.compat(stream, path)
    yield report
    for verdict in report.verdicts:
        yield from (verdict, *verdict.lost, *verdict.notes)
    yield from (*report.problems, *report.options)
    one = migstream.explain("Missing section footer for cpu", stream, path)
    yield from (one, *one.said, *one.spots, one.contrast)
    if one.contrast is not None:
        for difference in one.contrast.differences:
            yield from (difference, difference.source, difference.destination)


def assert_a_line(thing: object) -> None:
    text = repr(thing)
    assert len(text) <= LINE, text
    assert text.isprintable()
    assert thing is None or re.match(r"<\w+ .+>\Z", text), text


def test_no_repr_is_longer_than_a_line(
    named_sample: Callable[[str], Sample], q35: migstream.Stream
) -> None:
    for thing in (*shown(q35), *other(q35, named_sample("pc-7.2.mig").path)):
        assert_a_line(thing)
    version = next(iter(q35.history("pc.ram", 0)))
    assert_a_line(version)


def test_reprs_tell_what_it_is(q35: migstream.Stream) -> None:
    assert repr(q35["cpu[0]/env.eip"]) == (
        "<Value cpu[0]/env.eip uint64 = 65520 (0xfff0) at 0xbfb04-0xbfb0c>"
    )
    assert repr(q35["cpu[0]/env.regs"]).startswith("<Value cpu[0]/env.regs uint64[16] at ")
    assert repr(q35.devices).startswith("<Devices 39: timer[0], cpu_common[0], ")
    assert repr(q35.registers[0]) == "<Cpu 0 x86_64 pc=0xfff0>"
    assert repr(q35.ram["pc.ram"]) == "<Block pc.ram 0x2000000 bytes>"
    assert repr(q35.memory) == "<PhysicalMemory 5 ranges 0x0-0x100000000>"
    assert repr(q35).endswith("q35-7.2.mig: pc-q35-7.2, 39 devices, 1126275 bytes>")


def test_a_repr_reads_nothing_that_was_not_read(named_sample: Callable[[str], Sample]) -> None:
    path = named_sample("q35-7.2.mig").path
    with migstream.open(path) as stream:
        assert repr(stream) == brief("Stream", f"{path}:", "1126275 bytes")
        assert "_walk" not in vars(stream)
        assert "_tail" not in vars(stream)
    cat = subprocess.Popen(["cat", path], stdout=subprocess.PIPE)
    with cat, migstream.open(cast("BinaryIO", cat.stdout)) as piped:
        assert "a pipe" in repr(piped)
        assert piped._ipython_key_completions_() == []
        assert piped.machine == "pc-q35-7.2"
        assert "pc-q35-7.2, a pipe" in repr(piped)


def test_a_repr_of_what_cannot_be_read_any_more_is_still_one() -> None:
    cut = alone(Node("a", "uint32", "leaf", 0, 4, stride=4), memoryview(b"\0"), "d/a")
    assert repr(cut) == "<Value d/a uint32 = unreadable at 0x0-0x4>"


@pytest.mark.parametrize("name", ["x" * 10**6, "\x1b[31m", "\u202e", "a\nb", "\udc80", ""])
def test_a_hostile_name_stays_in_its_line(name: str) -> None:
    text = brief("Value", name, name, "= 1", "at 0x0-0x4")
    assert len(text) <= LINE
    assert text.isprintable()
    assert text.endswith("= 1 at 0x0-0x4>")


def test_keys_are_offered_for_completion(q35: migstream.Stream) -> None:
    assert "cpu[0]" in q35._ipython_key_completions_()
    assert "cpu[0]" in q35.devices._ipython_key_completions_()
    assert "env.eip" in q35.devices["cpu", 0]._ipython_key_completions_()
    assert "count" in q35["i8254/channels[0]"]._ipython_key_completions_()
    assert q35["i8254/channels"]._ipython_key_completions_() == []
    assert "pc.ram" in q35.ram._ipython_key_completions_()
    for key in q35._ipython_key_completions_():
        assert q35[key].path == q35.devices[key].path == key
