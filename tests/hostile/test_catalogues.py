"""Catalogues that somebody else made, broken or meant to be: an error of one paragraph, and bounded work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migstream.analysis.compat.destination import Destination
from migstream.analysis.compat.load import compat
from migstream.catalogue.arguments import parse_arguments
from migstream.catalogue.compose import compose
from migstream.catalogue.files import MAGIC, MOST, Catalogue
from migstream.catalogue.shelf import on_shelf
from migstream.errors import MigstreamError
from migstream.render.catalogue import kept, shown, shown_parts
from migstream.source.zstd import zstd
from migstream.stream import open_stream

ARGUMENTS = [
    "-nodefaults",
    "-M",
    "isapc",
    "-m",
    "16",
    "-smp",
    "2",
    "-device",
    "isa-vga",
    "-device",
    "ne2k_isa",
]
LONGEST = 1000  # characters of an error
# The parts that are read of it, each as plain values.
PARTS = ("about", "family isapc", "states 0")


def _small() -> dict[str, Any]:
    """Of a catalogue one board, in values that can be changed: index and parts."""
    whole = next(one for one in on_shelf() if one.path.name == "x86_64-7.2.cat")
    index = msgspec.to_builtins(whole.index)
    index["machines"] = {"isapc": "isapc"}
    used = {
        one.state
        for image in whole.family("isapc").images["isapc"].values()
        for one in image.sections
    }
    names = [
        "about",
        "schema",
        "family isapc",
        *(n for n in whole.index.frames if n.startswith("states ")),
    ]
    parts = {name: msgspec.msgpack.decode(whole.part(name)) for name in names if name != "schema"}
    return {"index": index, "parts": parts, "schema": whole.part("schema"), "used": sorted(used)}


SMALL = _small()


def _file(path: Path, index: Any, parts: dict[str, bytes], claimed: int | None = None) -> Path:
    frames, packed, at = {}, [], 0
    for name, raw in parts.items():
        packed.append(zstd.compress(raw, 1))
        frames[name] = [
            at,
            len(packed[-1]),
            claimed if name == "states 0" and claimed else len(raw),
        ]
        at += len(packed[-1])
    if isinstance(index, dict):
        index = index | {"frames": frames}
    head = msgspec.msgpack.encode(index)
    path.write_bytes(MAGIC + len(head).to_bytes(4, "big") + head + b"".join(packed))
    return path


def _use(path: Path) -> None:
    """All that is done with one."""
    said = ""
    try:
        catalogue = Catalogue(path)
        kept(catalogue)
        list(shown_parts(shown(catalogue), verbose=True))
        made = compose(catalogue, parse_arguments(ARGUMENTS))
        with open_stream(made.stream) as stream:
            compat(stream, Destination(catalogue.schema, stream))
    except MigstreamError as error:
        said = str(error)
    assert len(said) < LONGEST


VALUES = st.one_of(
    st.integers(-1, 1 << 63),
    st.text(max_size=4),
    st.binary(max_size=4),
    st.none(),
    st.just([]),
    st.just({}),
    st.sampled_from(["{}" * 200, "\x1b[2J", "isapc", [0] * 3, {"isapc": {}}]),
)


def _changed(value: Any, steps: list[int], new: Any) -> Any:
    """A copy with another value somewhere inside: which way to go at each step is a number."""
    if not steps:
        return new
    first, *rest = steps
    if isinstance(value, dict) and value:
        key = sorted(value, key=str)[first % len(value)]
        return value | {key: _changed(value[key], rest, new)}
    if isinstance(value, list) and value:
        at = first % len(value)
        return [*value[:at], _changed(value[at], rest, new), *value[at + 1 :]]
    return new


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["index", *PARTS]), st.lists(st.integers(0, 1 << 16), max_size=6), VALUES)
def test_a_value_that_is_another_one(
    tmp_path: Path, which: str, steps: list[int], new: Any
) -> None:
    index, parts = SMALL["index"], dict(SMALL["parts"])
    if which == "index":
        index = _changed(index, steps, new)
    else:
        parts[which] = _changed(parts[which], steps, new)
    raw = {name: msgspec.msgpack.encode(part) for name, part in parts.items()}
    _use(_file(tmp_path / "one.cat", index, raw | {"schema": SMALL["schema"]}))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 1 << 20), st.binary(max_size=8), st.booleans())
def test_bytes_that_are_others(tmp_path: Path, at: int, new: bytes, cut: bool) -> None:
    path = tmp_path / "one.cat"
    if not path.exists():
        raw = {name: msgspec.msgpack.encode(part) for name, part in SMALL["parts"].items()}
        _file(path, SMALL["index"], raw | {"schema": SMALL["schema"]})
    data = path.read_bytes()
    at %= len(data)
    other = tmp_path / "other.cat"
    other.write_bytes(data[:at] if cut else data[:at] + new + data[at + len(new) :])
    _use(other)


@pytest.mark.parametrize("claimed", [None, 100])
def test_a_part_that_unpacks_to_more_than_it_may(tmp_path: Path, claimed: int | None) -> None:
    """Whatever length the index gives it, no more is unpacked."""
    raw = {name: msgspec.msgpack.encode(part) for name, part in SMALL["parts"].items()}
    path = tmp_path / "bomb.cat"
    _file(path, SMALL["index"], raw | {"states 0": bytes(MOST + 1)}, claimed)
    with pytest.raises(MigstreamError, match="a broken catalogue: the part 'states 0'"):
        compose(Catalogue(path), parse_arguments(ARGUMENTS))
