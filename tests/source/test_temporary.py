"""Temporary files: bounded by the room there is, and gone with whoever made them."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from migstream.errors import SourceError
from migstream.source import leftovers
from migstream.source.leftovers import remove_all
from migstream.source.temporary import Temporary, need_room, temporary_file, temporary_folder

MIB = 1 << 20


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 64 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64m", "migstream-test", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("mount is not installed")
    if done.returncode:
        pytest.skip(f"no file system may be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(file: Temporary, count: int) -> None:
    for _ in range(count):
        file.write(b"x" * MIB)


def fill_at_once(file: Temporary, count: int) -> None:
    file.fill(b"x" * MIB for _ in range(count))


@pytest.mark.parametrize("filled", [fill, fill_at_once])
def test_it_never_takes_the_last_part_of_a_disk(
    disk: Path, filled: Callable[[Temporary, int], None]
) -> None:
    with Temporary(disk) as file:
        with pytest.raises(SourceError, match="would fill the disk") as caught:
            filled(file, 64)
        assert "TMPDIR" in caught.value.hint
        written = os.fstat(file.fileno()).st_size
        assert 16 * MIB <= written <= 60 * MIB
        about = os.statvfs(disk)
        assert about.f_bavail * about.f_frsize >= 4 * MIB
    about = os.statvfs(disk)
    assert about.f_bavail == about.f_blocks


def test_a_hole_takes_no_room(disk: Path) -> None:
    with Temporary(disk) as file:
        file.write(b"a")
        file.skip(1 << 30)
        file.write(b"z")
        assert file.size == os.fstat(file.fileno()).st_size == (1 << 30) + 2
        assert os.pread(file.fileno(), 2, (1 << 30)) == b"\0z"
        assert os.pread(file.fileno(), 2, 0) == b"a\0"


def test_a_small_one_is_made_where_there_is_any_room(disk: Path) -> None:
    (disk / "rest").write_bytes(b"x" * 62 * MIB)
    with Temporary(disk) as file:
        file.write(b"x" * MIB)
    with Temporary(disk) as file, pytest.raises(SourceError, match="no space left"):
        fill(file, 4)


def test_room_is_asked_for_before_much_is_written(disk: Path) -> None:
    need_room(40 * MIB, disk)
    with pytest.raises(
        SourceError,
        match=r"62 914 561 bytes and more .* 67 108 864 are free, of which 4 194 304 are left alone",
    ):
        need_room(60 * MIB + 1, disk)


def test_a_folder_goes_with_its_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with temporary_folder() as folder:
        (folder / "file").write_text("something")
        assert folder.stat().st_mode & 0o777 == 0o700
    with temporary_file() as (fd, path):
        os.write(fd, b"QEVM")
        assert path.read_bytes() == b"QEVM"
        assert path.stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.iterdir())


def test_a_folder_goes_with_a_process_that_has_no_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(leftovers, "_ending", [])
    with temporary_folder():
        remove_all()
        assert not list(tmp_path.iterdir())
        with pytest.raises(SystemExit), temporary_folder():
            pass
    assert not list(tmp_path.iterdir())


def test_no_folder_for_temporary_files_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(SourceError, match="no such file") as caught, temporary_folder():
        pass
    assert "TMPDIR" in caught.value.hint
    with pytest.raises(SourceError, match="no such file"):
        Temporary()
