"""What is written: whole, on the disk, its owner's alone, in nobody's place, through no link."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from migstream.errors import SourceError
from migstream.source.output import MANIFEST, new_file, new_folder

Umask = Callable[[int], None]


@pytest.fixture(autouse=True)
def umask() -> Iterator[Umask]:
    """Everybody may read, unless we see to it; a test may ask for another one."""
    before = os.umask(0o022)

    def change(mask: int) -> None:
        os.umask(mask)

    yield change
    os.umask(before)


def write(path: Path, text: str = "new", **how: Any) -> Path:
    with new_file(path, **how) as fd:
        os.write(fd, text.encode())
    return path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


# --- files -----------------------------------------------------------------------------------------


def test_a_new_file_is_its_owner_s_alone(tmp_path: Path, umask: Umask) -> None:
    umask(0)
    assert mode(write(tmp_path / "open")) == 0o600
    umask(0o277)
    assert mode(write(tmp_path / "closed")) == 0o400


@pytest.mark.parametrize("kept", [0o600, 0o640, 0o644, 0o400, 0o4755])
def test_a_file_that_is_replaced_keeps_its_mode(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "x"
    path.write_text("old")
    path.chmod(kept)
    write(path, replace=True)
    assert path.read_text() == "new"
    assert mode(path) == kept & 0o777


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_that_is_replaced_keeps_its_owner_and_group(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("old")
    os.chown(path, 1234, 4321)
    path.chmod(0o640)
    write(path, replace=True)
    found = path.stat()
    assert (found.st_uid, found.st_gid, mode(path)) == (1234, 4321, 0o640)


AS_SOMEBODY = """
import os
from migstream.source.output import new_file
os.setgroups([])
os.setgid(1234)
os.setuid(1234)
with new_file("x", replace=True) as fd:
    os.write(fd, b"new")
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_another_group_does_not_get_what_the_old_one_could(tmp_path: Path) -> None:
    """In a process of somebody who may replace the file and may not give it to that group."""
    tmp_path.chmod(0o777)
    path = tmp_path / "x"
    path.write_text("old")
    os.chown(path, 1234, 4321)
    path.chmod(0o640)
    subprocess.run([sys.executable, "-c", AS_SOMEBODY], cwd=tmp_path, check=True)
    found = path.stat()
    assert path.read_text() == "new"
    assert (found.st_uid, found.st_gid, mode(path)) == (1234, 1234, 0o600)


def test_an_access_list_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("old")
    # version 2; owner rw-, user 1234 r--, group ---, mask r--, others ---
    entries = [(0x01, 6, 0xFFFFFFFF), (0x02, 4, 1234), (0x04, 0, 0xFFFFFFFF)]
    entries += [(0x10, 4, 0xFFFFFFFF), (0x20, 0, 0xFFFFFFFF)]
    raw = (2).to_bytes(4, "little") + b"".join(
        tag.to_bytes(2, "little") + may.to_bytes(2, "little") + who.to_bytes(4, "little")
        for tag, may, who in entries
    )
    try:
        os.setxattr(path, "system.posix_acl_access", raw)
    except OSError as error:
        pytest.skip(f"no access lists here: {error}")
    write(path, replace=True)
    assert os.getxattr(path, "system.posix_acl_access") == raw
    assert mode(path) == 0o640  # the mask


def test_what_is_there_stays_unless_it_may_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("old")
    with pytest.raises(SourceError, match="there already") as caught:
        write(path)
    assert "--force" in caught.value.hint
    assert path.read_text() == "old"


@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize("there", [False, True])
def test_a_symbolic_link_is_refused(tmp_path: Path, *, replace: bool, there: bool) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    if there:
        real.write_text("old")
    link.symlink_to(real)
    for made in (new_file, new_folder):
        with pytest.raises(SourceError, match="a symbolic link to"), made(link, replace=replace):
            pass
    assert link.readlink() == real
    assert names(tmp_path) == (["link", "real"] if there else ["link"])


def test_a_file_with_another_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("old")
    os.link(path, tmp_path / "other")
    with pytest.raises(SourceError, match=r"2 names \(hard links\)"):
        write(path, replace=True)
    assert path.read_text() == "old"


def test_only_plain_files_are_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name, what in (("pipe", "is not a plain file"), ("folder", "is a folder")):
        for replace in (False, True):
            with pytest.raises(SourceError, match=what):
                write(tmp_path / name, replace=replace)
    assert names(tmp_path) == ["folder", "pipe"]
    with pytest.raises(SourceError, match="is not a folder"), new_folder(tmp_path / "pipe"):
        pass


def test_a_long_name_is_no_difficulty(tmp_path: Path) -> None:
    write(tmp_path / ("ü" * 127))
    assert names(tmp_path) == ["ü" * 127]


def test_what_was_written_is_on_the_disk_before_it_has_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    fsync, link, replace = os.fsync, os.link, os.replace

    def synced(fd: int) -> None:
        order.append("folder" if stat.S_ISDIR(os.fstat(fd).st_mode) else "file")
        fsync(fd)

    def named(act: Callable[..., None]) -> Callable[..., None]:
        def run(*words: Any, **more: Any) -> None:
            order.append("name")
            act(*words, **more)

        return run

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "link", named(link))
    monkeypatch.setattr(os, "replace", named(replace))
    write(tmp_path / "x")
    write(tmp_path / "x", replace=True)
    assert order == ["file", "name", "folder"] * 2


# --- folders ---------------------------------------------------------------------------------------


def fill(path: Path, *files: str, text: str = "new", **how: Any) -> Path:
    rows = ", ".join(f'{{"file": "{name}"}}' for name in files)
    with new_folder(path, **how) as folder:
        for name in files:
            (folder / name).write_text(text)
        (folder / MANIFEST).write_text(f"[{rows}]")
    return path


def test_a_new_folder_holds_what_is_its_owner_s_alone(tmp_path: Path) -> None:
    folder = fill(tmp_path / "x", "ram")
    assert [mode(folder / name) for name in names(folder)] == [0o600, 0o600]
    assert mode(folder) == 0o755


def test_a_folder_is_closed_while_it_is_filled(tmp_path: Path) -> None:
    with new_folder(tmp_path / "x") as folder:
        assert mode(folder) == 0o700


def test_a_folder_that_is_replaced_keeps_modes_and_what_is_not_from_here(tmp_path: Path) -> None:
    folder = fill(tmp_path / "x", "ram", "gone", text="old")
    folder.chmod(0o750)
    (folder / "ram").chmod(0o640)
    (folder / "notes").write_text("mine")
    (folder / "sub").mkdir()
    (folder / "sub" / "more").write_text("mine")
    (folder / "link").symlink_to("nowhere")
    with pytest.raises(SourceError, match="there already"):
        fill(folder, "ram")
    fill(folder, "ram", "rom", replace=True)
    assert names(folder) == sorted([MANIFEST, "ram", "rom", "notes", "sub", "link"])
    assert (folder / "ram").read_text() == "new"
    assert (folder / "notes").read_text() == (folder / "sub" / "more").read_text() == "mine"
    assert (mode(folder), mode(folder / "ram"), mode(folder / "rom")) == (0o750, 0o640, 0o600)
    assert names(tmp_path) == ["x"]


def test_what_is_not_from_here_is_never_replaced(tmp_path: Path) -> None:
    folder = fill(tmp_path / "x", "ram", text="old")
    (folder / "rom").write_text("mine")
    with pytest.raises(SourceError, match="was not made here"):
        fill(folder, "ram", "rom", replace=True)
    assert (folder / "rom").read_text() == "mine"
    assert (folder / "ram").read_text() == "old"
    assert names(tmp_path) == ["x"]


def test_a_folder_of_another_kind_is_never_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "x"
    folder.mkdir()
    (folder / "mine").write_text("mine")
    for replace in (False, True):
        for manifest in (None, "no JSON", '{"file": 1}', '[{"file": 1}]'):
            if manifest is not None:
                (folder / MANIFEST).write_text(manifest)
            with pytest.raises(SourceError, match="something else"):
                fill(folder, "ram", replace=replace)
    assert (folder / "mine").read_text() == "mine"


def test_the_old_folder_stands_until_the_new_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fill(tmp_path / "x", "ram", text="old")
    (folder / "notes").write_text("mine")
    rename = Path.rename

    def failing(source: Path, target: Path) -> Path:
        if source.suffix == ".part":
            raise OSError(5, "Input/output error")
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(SourceError, match="input/output error"):
        fill(folder, "ram", replace=True)
    monkeypatch.undo()
    assert (folder / "ram").read_text() == "old"
    assert names(folder) == sorted([MANIFEST, "notes", "ram"])


def test_an_empty_folder_is_filled_and_keeps_its_mode(tmp_path: Path) -> None:
    folder = tmp_path / "x"
    folder.mkdir(mode=0o711)
    fill(folder, "ram")
    assert names(folder) == [MANIFEST, "ram"]
    assert mode(folder) == 0o711


def test_all_of_a_folder_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: set[int] = set()
    fsync = os.fsync

    def sync(fd: int) -> None:
        synced.add(os.fstat(fd).st_ino)
        fsync(fd)

    monkeypatch.setattr(os, "fsync", sync)
    folder = fill(tmp_path / "x", "ram", "rom")
    inside = {(folder / name).stat().st_ino for name in names(folder)}
    assert inside | {folder.stat().st_ino, tmp_path.stat().st_ino} == synced
