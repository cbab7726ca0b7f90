"""Guest-physical memory against what QEMU itself dumped of the same guest."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

import migstream
from migstream.cli.group import cli
from support import samples
from support.core import Segment, read_core
from support.samples import Packed, Sample

Unpack = Callable[[Packed], Sample]


def dumped() -> list[Packed]:
    """Streams, and main channels, whose memory QEMU dumped."""
    return [
        one
        for one in [*samples.streams(), *samples.channels(".mig")]
        if one.meta.get("memory") and ".ret" not in one.name
    ]


@pytest.fixture(params=dumped(), ids=lambda one: one.label)
def known(request: pytest.FixtureRequest, unpack: Unpack) -> tuple[Path, list[Path], list[Segment]]:
    """A stream, its channels, and the truth."""
    one: Packed = request.param
    stem = one.name.removesuffix(".main.mig")
    channels = [unpack(c).path for c in samples.channels(".bin") if c.name.startswith(f"{stem}.ch")]
    truth = [Segment(m["paddr"], m["size"], m["sha256"]) for m in one.meta["memory"]]
    return unpack(one).path, channels, truth


def test_memory_is_what_qemu_dumped(known: tuple[Path, list[Path], list[Segment]]) -> None:
    path, channels, truth = known
    for order in (channels, channels[::-1])[: 1 + bool(channels)]:
        with migstream.open(path, channels=order) as stream:
            found = [
                Segment(
                    r.start, r.size, hashlib.sha256(stream.memory.read(r.start, r.size)).hexdigest()
                )
                for r in stream.memory.ranges
            ]
            assert found == truth
            assert stream.damage == []


def test_the_core_holds_what_qemu_dumped(
    known: tuple[Path, list[Path], list[Segment]], tmp_path: Path
) -> None:
    path, channels, truth = known
    core = tmp_path / "core"
    options = [word for channel in channels for word in ("--channel", str(channel))]
    done = CliRunner().invoke(cli, ["extract", str(path), "-o", str(core), *options])
    assert (done.exit_code, done.stderr) == (0, "")
    assert read_core(core) == truth
