"""Nobody asks a source for all of its bytes: it may lie where only ranges can be had, and be of any size."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from migstream.analysis.check import check
from migstream.analysis.digest import digest_lines
from migstream.edit.change import Edit
from migstream.edit.convert import convert
from migstream.export.analyze import state
from migstream.export.extract import block_plan, copy
from migstream.source.layers import Opened
from migstream.source.store import File
from migstream.stream import Stream, open_stream
from support import build
from support.ranges import Ranged

PAGES, PAGE = 6000, 4096
MOST = 4 << 20


def records() -> Iterator[bytes]:
    random = Random(1)  # noqa: S311 - no secret
    for page in range(PAGES):
        head = build.be64(page * PAGE | 8 | (0x20 if page else 0))
        yield head + (b"" if page else build.counted("pc.ram")) + random.randbytes(PAGE)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stream of 24 MiB, nearly all of it guest memory."""
    path = tmp_path_factory.mktemp("ranges") / "large.mig"
    block = build.ram_block("pc.ram", PAGES * PAGE)
    head, tail = build.small().split(build.PAGE_RAM)
    memory = build.ram_start(block, PAGES * PAGE) + build.ram_part(b"".join(records()))
    path.write_bytes(head + memory + tail)
    return path


def ranged(path: Path, *, far: bool = False) -> tuple[Stream, Ranged]:
    raw = path.open("rb")
    store = Ranged(File(raw.fileno(), path.stat().st_size), MOST)
    opened = Opened(str(path), store, None, [raw])
    opened.far = far
    return Stream(opened), store


def test_the_store_does_refuse(large: Path) -> None:
    """Else the other tests would show nothing."""
    stream, store = ranged(large)
    with stream, pytest.raises(AssertionError, match="at once"):
        stream.store.view(0, store.size)


def test_reading_all_that_a_stream_has(large: Path, tmp_path: Path) -> None:
    stream, store = ranged(large)
    with stream:
        assert not check(stream).findings
        assert list(digest_lines(stream, name="it"))
        assert state(stream)
        assert stream.ram is not None
        block = stream.ram["pc.ram"]
        with (tmp_path / "ram").open("wb+") as out:
            assert copy(stream.ram, block_plan(block), out.fileno()) == PAGES * PAGE
        assert len(list(stream.history("pc.ram", 5 * PAGE))) == 1
    assert store.asked > 1


def test_reading_what_is_damaged(large: Path, tmp_path: Path) -> None:
    """A cut, and a byte among the records: what lies behind is looked for in ranges, too."""
    raw = large.read_bytes()
    at = len(raw) // 3 // (PAGE + 8) * (PAGE + 8)
    for number, bad in enumerate((raw[: len(raw) // 2], raw[:at] + b"\xff" * 4200 + raw[at:])):
        path = tmp_path / str(number)
        path.write_bytes(bad)
        stream, _ = ranged(path)
        with stream:
            assert stream.damage


def test_writing_others_of_it(large: Path, tmp_path: Path) -> None:
    stream, _ = ranged(large)
    edited, converted = tmp_path / "edited", tmp_path / "converted"
    with stream:
        edit = Edit(stream)
        edit.set("two/n", 8)
        edit.set_memory("pc.ram", 7 * PAGE, b"changed")
        with edited.open("wb") as out:
            edit.write(out.fileno())
    with open_stream(edited) as result:
        assert result["two/n"].value == 8
        assert result.read("pc.ram", 7 * PAGE, 7 * PAGE + 7) == b"changed"
    stream, _ = ranged(large)
    with stream:
        convert(stream, converted, ram="mapped")
        again, _ = ranged(converted)
        with again:
            for start in range(0, PAGES * PAGE, MOST):
                stop = min(start + MOST, PAGES * PAGE)
                assert again.read("pc.ram", start, stop) == stream.read("pc.ram", start, stop)


def test_device_state_from_the_end_takes_few_of_its_bytes(
    large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a source that is elsewhere; of a file here 32 MiB are walked, which cost nothing."""
    monkeypatch.setattr("migstream.stream.bare.CHEAP", 0)
    stream, store = ranged(large, far=True)
    with stream:
        assert stream["two/n"].value == 7
        assert not stream.walked
    assert store.bytes < store.size // 16


def test_a_container_is_read_in_ranges_too(large: Path, tmp_path: Path) -> None:
    import gzip

    from migstream.source.compressed import GZIP

    packed = tmp_path / "large.mig.gz"
    packed.write_bytes(gzip.compress(large.read_bytes(), 1))
    with packed.open("rb") as raw:
        store = Ranged(File(raw.fileno(), packed.stat().st_size), 1 << 17)
        opened = GZIP(Opened("it", store, None, []))
        assert opened is not None
        with Stream(opened) as stream:
            assert stream["two/n"].value == 7
    assert store.bytes >= store.size
