"""Recordings of multifd channels are named one by one, by their folder, or by a pattern."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import migstream
from migstream.cli.group import cli
from migstream.errors import NotAStream, SourceError
from migstream.source.zstd import zstd
from support import build


def channel(number: int) -> bytes:
    return bytes.fromhex("11223344 00000001") + bytes(16) + bytes([number]) + bytes(39)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A stream and its channels, one of them compressed, and what else lies there."""
    (tmp_path / "main.mig").write_bytes(build.small())
    for number in (2, 0):
        (tmp_path / f"ch{number}.bin").write_bytes(channel(number))
    (tmp_path / "ch1.bin.zst").write_bytes(zstd.compress(channel(1)))
    (tmp_path / "notes").write_text("of that night")
    (tmp_path / "empty").touch()
    (tmp_path / "broken.qcow2").write_bytes(b"QFI\xfb\0\0\0\3")
    (tmp_path / "ch").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("named", "numbers"),
    [("{}", {0, 1, 2}), ("{}/ch[0-9].b*", {0, 1, 2}), ("{}/ch?.bin", {0, 2})],
    ids=("folder", "pattern", "narrow pattern"),
)
def test_several_by_one_name(folder: Path, named: str, numbers: set[int]) -> None:
    with migstream.open(folder / "main.mig", channels=[named.format(folder)]) as stream:
        assert {one.initial.channel for one in stream.channels} == numbers


def test_a_folder_as_a_path_and_a_file_besides(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "ch" / "3"
    other.write_bytes(channel(3))
    with migstream.open(folder / "main.mig", channels=[other, folder]) as stream:
        assert {one.initial.channel for one in stream.channels} == {0, 1, 2, 3}


def test_a_file_whose_name_looks_like_a_pattern(folder: Path) -> None:
    path = folder / "ch[0].bin"
    path.write_bytes(channel(5))
    with migstream.open(folder / "main.mig", channels=[str(path)]) as stream:
        assert {one.initial.channel for one in stream.channels} == {5}


def test_what_fits_nothing_is_said(folder: Path) -> None:
    with pytest.raises(SourceError, match="no file is called so"):
        migstream.open(folder / "main.mig", channels=[str(folder / "none*")])
    with pytest.raises(SourceError, match="no file in it begins as a multifd channel"):
        migstream.open(folder / "main.mig", channels=[folder / "ch"])


def test_what_a_pattern_names_has_to_be_channels(folder: Path) -> None:
    with (
        migstream.open(folder / "main.mig", channels=[str(folder / "note*")]) as stream,
        pytest.raises(NotAStream, match="not a multifd channel"),
    ):
        assert stream.channels


def test_the_command_takes_them(folder: Path) -> None:
    words = ["info", str(folder / "main.mig"), "--channel", str(folder)]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.stderr
    assert "3 of multifd" in done.stdout
