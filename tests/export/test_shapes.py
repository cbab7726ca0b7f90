"""Declarations in other languages: their own tools take them, and they read what we read."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

import migstream
from migstream.cli.group import cli
from migstream.export.shapes import FORMATS
from migstream.export.shapes.model import Item, Shape, shapes
from migstream.stream import Stream
from support import build
from support.lacking import lacks
from support.samples import Sample

READER = """
const fs = require('fs'), yaml = require('js-yaml'), {KaitaiStream} = require('kaitai-struct');
let compiler = require('kaitai-struct-compiler');
compiler = compiler.default || compiler;
if (typeof compiler === 'function') compiler = new compiler();
const plain = (one) => {
  if (typeof one === 'number' || typeof one === 'bigint' || typeof one === 'boolean') return Number(one);
  if (one instanceof Uint8Array) return Buffer.from(one).toString('hex');
  if (Array.isArray(one)) return one.map(plain);
  const found = {};
  for (const key of Object.keys(one)) if (!key.startsWith('_')) found[key] = plain(one[key]);
  return found;
};
(async () => {
  const files = await compiler.compile('javascript', yaml.load(fs.readFileSync(process.argv[2], 'utf8')), null, false);
  fs.writeFileSync('QemuStream.js', files['QemuStream.js']);
  const module_ = require(process.cwd() + '/QemuStream.js');
  const Root = module_.QemuStream || module_;
  const root = new Root(new KaitaiStream(fs.readFileSync(process.argv[3])));
  const answer = {};
  for (const name of process.argv.slice(4)) answer[name] = plain(root[name]);
  console.log(JSON.stringify(answer));
})();
"""


def written(stream: Stream, form: str) -> str:
    write = FORMATS.find(form)
    assert write is not None
    return "\n".join(write(*shapes(stream))) + "\n"


def flat(shape: Shape, base: int) -> Iterator[tuple[Item, int]]:
    """Every item that is no struct, and where it stands; of arrays of structs the first and the last element."""
    for item in shape.items:
        at = base + item.offset
        if item.shape is None:
            yield item, at
            continue
        for n in sorted({0, (item.count or 1) - 1}):
            yield from flat(item.shape, at + n * item.width)


def test_shapes_have_every_byte_and_the_values_of_the_stream(own_sample: Sample) -> None:
    with migstream.open(own_sample.path) as stream:
        structs, places = shapes(stream)
        for shape in structs:
            at = 0
            for item in shape.items:
                assert item.offset == at
                at += item.size
            assert at == shape.size
            names = [item.name for item in shape.items]
            assert len(names) == len(set(names))
            assert all(name.isidentifier() for name in names)
        assert [place.path for place in places] == [device.path for device in stream.devices]
        for device, place in zip(stream.devices, places, strict=True):
            assert place.shape.size == device.section.payload.size
            ours = {
                leaf.span.start: leaf
                for leaf in device.value.leaves()
                if leaf.count is None and leaf.wire.code
            }
            for item, at in flat(place.shape, place.offset):
                if at in ours and item.kind in {"uint", "int"} and item.count is None:
                    raw = bytes(stream.store.view(at, at + item.width))
                    order = "little" if item.little else "big"
                    assert int.from_bytes(raw, order, signed=item.kind == "int") == int(ours[at])  # type: ignore[arg-type]


def test_the_c_one_compiles_and_its_places_are_ours(own_sample: Sample, tmp_path: Path) -> None:
    """The compiler checks each of them: a wrong one is an error of a static assertion."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        lacks("no C compiler")
    with migstream.open(own_sample.path) as stream:
        text = written(stream, "c")
        asserted = sum(1 + len(shape.items) for shape in shapes(stream)[0])
    assert text.count("_Static_assert") == asserted
    (tmp_path / "state.h").write_text(text)
    (tmp_path / "main.c").write_text('#include "state.h"\nint main(void) { return 0; }\n')
    done = subprocess.run(
        [compiler, "-std=c11", "-Wall", "-Werror", "-fsyntax-only", "main.c"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[:2000]


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[path.stem]
    return module


def numbers(thing: Any) -> Iterator[Any]:
    """All that a dataclass of the module holds, in order."""
    if dataclasses.is_dataclass(thing):
        for field in dataclasses.fields(thing):
            yield from numbers(getattr(thing, field.name))
    elif isinstance(thing, tuple):
        for one in thing:
            yield from numbers(one)
    else:
        yield thing


def expected(shape: Shape, base: int, data: bytes) -> Iterator[Any]:
    for item in shape.items:
        at = base + item.offset
        if item.shape is None and item.kind == "bytes":
            yield data[at : at + item.size]
            continue
        for n in range(item.count or 1):
            here = at + n * item.width
            if item.shape is not None:
                yield from expected(item.shape, here, data)
            else:
                order = "little" if item.little else "big"
                raw = data[here : here + item.width]
                yield int.from_bytes(raw, order, signed=item.kind == "int")  # type: ignore[arg-type]


def test_the_python_one_reads_every_byte(own_sample: Sample, tmp_path: Path) -> None:
    with migstream.open(own_sample.path) as stream:
        (tmp_path / "device_state.py").write_text(written(stream, "python"))
        _, places = shapes(stream)
        data = bytes(stream.store.view(0, stream.size))
    module = load(tmp_path / "device_state.py")
    found = module.devices(data)
    for place in places:
        theirs = list(numbers(getattr(found, f"d_{place.name}")))
        assert theirs == list(expected(place.shape, place.offset, data)), place.path


@pytest.mark.parametrize("name", ["pc-7.2.mig", "s390x-7.2.mig"])
def test_the_python_one_type_checks(name: str, named_sample: Any, tmp_path: Path) -> None:
    with migstream.open(named_sample(name).path) as stream:
        (tmp_path / "device_state.py").write_text(written(stream, "python"))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--config-file=", "device_state.py"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[:2000]


def test_the_schema_describes_what_decode_prints(own_sample: Sample) -> None:
    done = CliRunner().invoke(cli, ["decode", str(own_sample.path)])
    assert done.exit_code == 0
    devices = [one for one in json.loads(done.stdout)["items"] if one["kind"] == "device"]
    with migstream.open(own_sample.path) as stream:
        schema = json.loads(written(stream, "jsonschema"))
        paths = [device.path for device in stream.devices]
    state = {path: one["state"] for path, one in zip(paths, devices, strict=True)}
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(
        {path: one for path, one in state.items() if isinstance(one, dict)}
    )
    for path, one in state.items():  # it says of each number what fits
        if isinstance(one, dict) and "interrupt_request" in one:
            with pytest.raises(jsonschema.ValidationError):
                jsonschema.Draft202012Validator(schema).validate(
                    {path: {**one, "interrupt_request": -1}}
                )
            break


def test_the_kaitai_one_reads_the_same(named_sample: Any, tmp_path: Path) -> None:
    """Where node finds `kaitai-struct-compiler`, `kaitai-struct` and `js-yaml` (`NODE_PATH`)."""
    node = shutil.which("node")
    asked = "for (const m of ['kaitai-struct-compiler', 'kaitai-struct', 'js-yaml']) require(m)"
    if (
        node is None
        or subprocess.run([node, "-e", asked], capture_output=True, check=False).returncode
    ):
        lacks("no compiler of Kaitai Struct (npm: kaitai-struct-compiler, kaitai-struct, js-yaml)")
    sample = named_sample("pc-7.2.mig")
    with migstream.open(sample.path) as stream:
        (tmp_path / "stream.ksy").write_text(written(stream, "kaitai"))
        i8254 = stream.devices["i8254"].value.plain()
        rtc = stream.devices["mc146818rtc"]["cmos_data"].plain()
    (tmp_path / "read.js").write_text(READER)
    done = subprocess.run(
        [node, "read.js", "stream.ksy", str(sample.path), "i82540", "mc146818rtc0"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[:2000]
    answer = json.loads(done.stdout)
    theirs = answer["i82540"]["channels"]
    assert [one["count"] for one in theirs] == [one["count"] for one in i8254["channels"]]
    assert [one["mode"] for one in theirs] == [one["mode"] for one in i8254["channels"]]
    assert answer["mc146818rtc0"]["cmosData"] == rtc


@pytest.mark.parametrize("form", FORMATS.names())
def test_no_name_in_a_stream_becomes_code(form: str) -> None:
    """Names are the stream's, and anything."""
    names = ['x"; system("id")', "*/ int y; /*", "a\nb", "]]", "class", "1st", "ä", "\u202e"]
    entries = [build.field(name, "uint32", 4) for name in names]
    data = (
        build.HEADER + build.configuration() + build.full(3, "evil */ \n name", bytes(4 * len(names)))
        + build.END + build.description(build.described(build.device("evil */ \n name", entries)))
    )  # fmt: skip
    with migstream.open(data) as stream:
        assert [device.name for device in stream.devices] == ["evil */ \n name"]
        text = written(stream, form)
    assert "\u202e" not in text
    assert all(line.isprintable() or not line for line in text.splitlines())
    if form == "python":
        compile(text, "state", "exec")
    if form == "jsonschema":
        json.loads(text)


def test_the_command(named_sample: Any) -> None:
    path = str(named_sample("none-7.2.mig").path)
    done = CliRunner().invoke(cli, ["desc", path, "--format", "c"])
    assert done.exit_code == 0
    assert "QEMU_AT_" in done.stdout
    done = CliRunner().invoke(cli, ["desc", path, "--format", "pascal"])
    assert done.exit_code == 2
    assert "kaitai" in done.stderr
    assert CliRunner().invoke(cli, ["desc", path, "--format", "c", "--raw"]).exit_code == 2
