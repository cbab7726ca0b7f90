"""Streams that were found are written out whole or not at all, by the rules of all that is written."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from migstream.cli.group import cli
from migstream.errors import SourceError
from migstream.export.carve import carve, carve_all
from migstream.source.store import Whole
from migstream.wire.model import Span
from support import build
from support.samples import Sample

DATA = bytes(range(256)) * 40 + bytes(1 << 20) + b"end"


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, ["find", *map(str, words)])


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def disk(tmp_path: Path, named_sample: Callable[[str], Sample]) -> Path:
    path = tmp_path / "disk.img"
    pieces = [named_sample(f"{name}-7.2.mig").read() for name in ("pc", "none")]
    path.write_bytes(bytes(4096) + pieces[0] + bytes(5000) + pieces[1] + bytes(100))
    return path


def test_a_range_is_copied_with_holes_for_its_zeros(tmp_path: Path) -> None:
    out = tmp_path / "out"
    told: list[int] = []
    carve(Whole(DATA), Span(5, len(DATA) - 1), out, tell=told.append)
    assert out.read_bytes() == DATA[5:-1]
    assert sum(told) == len(DATA) - 6
    assert mode(out) == 0o600
    assert out.stat().st_blocks * 512 < len(DATA) // 4


def test_what_is_there_is_replaced_only_where_that_is_asked_for(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.write_bytes(b"dear")
    with pytest.raises(SourceError, match="is there already"):
        carve(Whole(DATA), Span(0, 9), out)
    assert out.read_bytes() == b"dear"
    carve(Whole(DATA), Span(0, 9), out, force=True)
    assert out.read_bytes() == DATA[:9]


def test_nothing_is_left_where_the_source_cannot_be_read(tmp_path: Path) -> None:
    class Bad(Whole):
        def view(self, start: int, stop: int) -> memoryview:
            if stop > 20 << 20:
                raise SourceError("cannot be read")
            return super().view(start, stop)

    store, spans = Bad(bytes(1 << 20)), [Span(3, 9), Span(0, 30 << 20)]
    with pytest.raises(SourceError, match="cannot be read"):
        carve(store, spans[1], tmp_path / "out")
    with pytest.raises(SourceError, match="cannot be read"):
        carve_all(store, spans, tmp_path / "folder")
    assert [*tmp_path.iterdir()] == []


def test_a_folder_of_them_replaces_one_of_its_kind_and_no_other(tmp_path: Path) -> None:
    folder, store = tmp_path / "found", Whole(DATA)
    assert carve_all(store, [Span(0, 9), Span(16, 20)], folder) == ["0x0.mig", "0x10.mig"]
    assert {one.name: (one.read_bytes(), mode(one)) for one in folder.iterdir()} == {
        "0x0.mig": (DATA[:9], 0o600),
        "0x10.mig": (DATA[16:20], 0o600),
    }
    with pytest.raises(SourceError, match="is there already"):
        carve_all(store, [Span(0, 9)], folder)
    (folder / "notes").write_text("mine")
    carve_all(store, [Span(32, 40)], folder, force=True)
    assert sorted(one.name for one in folder.iterdir()) == ["0x20.mig", "notes"]
    other = tmp_path / "other"
    other.mkdir()
    (other / "notes").write_text("mine")
    with pytest.raises(SourceError, match="holds something else"):
        carve_all(store, [Span(0, 9)], other, force=True)


def test_what_was_found_is_extracted_as_it_was(
    disk: Path, tmp_path: Path, named_sample: Callable[[str], Sample]
) -> None:
    raw = [named_sample(f"{name}-7.2.mig").read() for name in ("pc", "none")]
    done = run(disk, "--extract", "all", "-o", tmp_path / "found")
    assert (done.exit_code, done.stderr) == (0, "")
    made = {int(one.stem, 16): one.read_bytes() for one in (tmp_path / "found").iterdir()}
    assert [made[at] for at in sorted(made)] == raw
    assert run(disk, "--extract", "0x1000", "-o", tmp_path / "one").exit_code == 0
    assert run(disk, "--extract", "2", "-o", tmp_path / "two").exit_code == 0
    assert [(tmp_path / name).read_bytes() for name in ("one", "two")] == raw


def test_the_source_itself_is_never_written_over(disk: Path) -> None:
    before = disk.read_bytes()
    link = disk.with_name("link.img")
    link.symlink_to(disk)
    for out in (disk, link):
        done = run(disk, "--extract", "1", "-o", out, "--force")
        assert (done.exit_code, done.stdout) == (2, "")
    assert disk.read_bytes() == before


def test_the_list_is_printed_though_nothing_could_be_written(disk: Path, tmp_path: Path) -> None:
    done = run(disk, "--extract", "1", "-o", tmp_path / "no" / "where.mig")
    assert done.exit_code == 5
    assert "whole stream" in done.stdout
    assert "no such file or directory" in done.stderr


def test_nothing_is_written_where_nothing_is_found(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_bytes(bytes(9000))
    done = run(empty, "--extract", "all", "-o", tmp_path / "found")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "no stream begins in it" in done.stderr
    assert not (tmp_path / "found").exists()


def test_what_is_no_stream_is_not_extracted(tmp_path: Path) -> None:
    image = tmp_path / "image"
    head = b"QFI\xfb\0\0\0\3" + bytes(12) + (16).to_bytes(4, "big") + bytes(600)
    image.write_bytes(head)
    for which in ("1", "0x0"):
        done = run(image, "--extract", which, "-o", tmp_path / "out")
        assert done.exit_code == 2
        assert "info --offset 0x0 opens it" in done.stderr
    done = run(image, "--extract", "all", "-o", tmp_path / "out")
    assert done.exit_code == 5
    assert not (tmp_path / "out").exists()


def test_streams_in_one_another_do_not_fill_a_disk(
    disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("migstream.cli.find.MOST_EXTRACTED", 0.5)
    done = run(disk, "--extract", "all", "-o", tmp_path / "out")
    assert done.exit_code == 5
    assert "whole stream" in done.stdout
    assert "one by one" in done.stderr
    assert not (tmp_path / "out").exists()


def test_damaged_streams_do_not_overlap(tmp_path: Path) -> None:
    """Each goes on to the next one's header at most, so that all of them are no more than their source."""
    flood = tmp_path / "flood.img"
    one = build.HEADER + build.configuration() + build.section_start(4, 1, "nobody", 0, 1)
    flood.write_bytes((one + bytes(1000)) * 40)
    assert run(flood, "--extract", "all", "-o", tmp_path / "out").exit_code == 0
    files = [path.stat().st_size for path in (tmp_path / "out").iterdir()]
    assert (len(files), sum(files)) == (40, flood.stat().st_size)
