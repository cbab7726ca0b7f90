"""The collection of streams itself: what the other tests stand on."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support import samples
from support.samples import Packed, Sample

FIVE_MB = 5 << 20


def test_own_streams_are_what_the_index_says(own_sample: Sample) -> None:
    raw = own_sample.read()
    assert len(raw) == own_sample.meta["bytes"]
    assert raw[:8] == b"QEVM\0\0\0\3"


def test_own_streams_are_small_and_all_in_the_index() -> None:
    kept = set(samples.OWN.glob("*.mig.xz"))
    assert kept == {packed.source for packed in samples.own_streams()}
    assert sum(path.stat().st_size for path in kept) <= FIVE_MB


def test_shared_streams_are_what_the_index_says(sample: Sample) -> None:
    assert sample.path.stat().st_size == sample.meta["bytes"]


def test_unpacking_again_takes_what_is_there(tmp_path: Path) -> None:
    packed = samples.own_streams()[0]
    first = packed.unpack(tmp_path).path
    written = first.stat().st_mtime_ns
    again = packed.unpack(tmp_path).path
    assert (again, again.stat().st_mtime_ns) == (first, written)


@pytest.mark.skipif(shutil.which("zstd") is None, reason="the zstd command is not installed")
@pytest.mark.parametrize(
    "packed", [p for p in samples.broken_streams() if p.base], ids=lambda p: p.label
)
def test_patches_unpack_as_the_zstd_command_does(
    packed: Packed, unpack: Callable[[Packed], Sample], tmp_path: Path
) -> None:
    assert packed.base is not None
    base = Packed("base", packed.base, {}).unpack(tmp_path).path
    target = tmp_path / "target"
    subprocess.run(
        ["zstd", "-q", "-d", "--long=27", f"--patch-from={base}", packed.source, "-o", target],
        check=True,
    )
    assert unpack(packed).read() == target.read_bytes()


def test_a_name_finds_its_stream(named_sample: Callable[[str], Sample]) -> None:
    assert named_sample("none-7.2.mig").meta["arguments"].endswith("-M none")
