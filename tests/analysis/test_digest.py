"""The digest of a stream as a function of the library gives it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import migstream
from migstream.errors import StreamError
from support.samples import Sample

Named = Callable[[str], Sample]


def test_a_digest_is_what_the_command_prints(named_sample: Named) -> None:
    path = named_sample("pc-7.2.mig").path
    made = migstream.digest(path)
    assert made.lines[:2] == ("migstream digest 1", f"stream {path}")
    assert str(made) == "".join(f"{line}\n" for line in made.lines)
    assert {entry.path for entry in made.entries} >= {"machine", "cpu[0]/env.eip", "ram/pc.ram"}
    with migstream.open(path) as stream:
        assert migstream.digest(stream) == made
        assert stream.machine is not None


def test_equal_states_have_equal_digests(named_sample: Named, tmp_path: Path) -> None:
    """Whatever the file is called, and however memory was sent; another value is another digest."""
    path = named_sample("pc-7.2.mig").path
    flat, other = tmp_path / "flat.mig", tmp_path / "other.mig"
    migstream.convert(path, flat, ram="linear")
    migstream.edit(path).set("timer/cpu_ticks_offset", 1).save(other)
    one = migstream.digest(path)
    assert one == migstream.digest(flat)
    assert hash(one) == hash(migstream.digest(flat))
    assert one != migstream.digest(other)
    assert migstream.digest(path, ignore=["clocks"]) == migstream.digest(other, ignore=["clocks"])
    assert not any(e.path.startswith("ram/") for e in migstream.digest(path, ram=False).entries)


def test_a_damaged_stream_has_no_digest(named_sample: Named) -> None:
    raw = named_sample("pc-7.2.mig").path.read_bytes()
    with pytest.raises(StreamError):
        migstream.digest(raw[: len(raw) // 2])
