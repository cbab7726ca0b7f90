"""Names of objects: of folders, patterns, stores and lists, one after the other."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migstream.errors import SourceError
from migstream.fleet.listing import listed
from migstream.fleet.marks import Mark, mark_of
from support.web import Server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.mig", "b.sav", "x/c.mig", "x/y/d.mig", ".hidden/e.mig", "x/.f.mig"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(b"12345")
    (tmp_path / "loop").symlink_to(".")
    (tmp_path / "nowhere.mig").symlink_to("nothing")
    os.mkfifo(tmp_path / "pipe.mig")
    return tmp_path


def names(*given: str, lines: bytes = b"") -> list[str]:
    return sorted(one.url for one in listed(given, io.BytesIO(lines)))


def below(folder: Path, *given: str) -> list[str]:
    found = names(*(f"{folder}/{one}" for one in given))
    return [one.removeprefix(f"{folder}/") for one in found]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", ["a.mig", "b.sav", "x/c.mig", "x/y/d.mig"]),
        ("a.mig", ["a.mig"]),
        ("x", ["x/c.mig", "x/y/d.mig"]),
        ("*.mig", ["a.mig"]),
        ("?.*", ["a.mig", "b.sav"]),
        ("[!a]*", ["b.sav"]),
        ("*/*.mig", ["x/c.mig"]),
        ("**/*.mig", ["a.mig", "x/c.mig", "x/y/d.mig"]),
        ("x/**", ["x/c.mig", "x/y/d.mig"]),
        ("no*", []),
        ("pipe.mig", ["pipe.mig"]),  # what is named is looked at, whatever it is
    ],
)
def test_folders_and_patterns(folder: Path, given: str, expected: list[str]) -> None:
    assert below(folder, given) == expected


def test_a_file_has_size_and_time(folder: Path) -> None:
    [one] = listed([str(folder / "a.mig")], io.BytesIO())
    assert one.mark == mark_of(one.url)
    assert one.mark is not None
    assert (one.mark.size, one.mark.etag) == (5, None)
    assert one.mark.mtime is not None
    assert mark_of(str(folder / "nothing")) == Mark()


def test_a_pattern_in_a_name_is_a_name_where_it_is_there(folder: Path) -> None:
    (folder / "[a].mig").write_bytes(b"1")
    assert below(folder, "[a].mig") == ["[a].mig"]


def test_a_list_is_taken_as_it_is() -> None:
    lines = b"/one\n\ns3://bucket/two\r\n" + b"\xff\n/last"
    assert names("-", lines=lines) == sorted(["/one", "s3://bucket/two", "\udcff", "/last"])


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    assert names(str(tmp_path / "nothing")) == [str(tmp_path / "nothing")]  # its row says so
    with pytest.raises(SourceError, match="no such file"):
        names(str(tmp_path / "nothing" / "*.mig"))


def test_a_folder_that_may_not_be_read_is_an_object_with_that_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.scandir

    def scandir(path: str) -> Any:
        if path.endswith("/y"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert below(folder, "") == ["a.mig", "b.sav", "x/c.mig", "x/y"]


@given(st.text("ab/*?[]!.", max_size=12))
def test_no_pattern_is_a_traceback(pattern: str) -> None:
    with suppress(SourceError):
        names(f"/proc/self/net/nothing-{pattern}")


# --- stores ----------------------------------------------------------------------------------------


@pytest.fixture
def memory() -> Iterator[Any]:
    fsspec: Any = pytest.importorskip("fsspec", reason="the extra `url` is not installed: fsspec")
    files = fsspec.filesystem("memory")
    for name in ("/n/a.mig", "/n/x/b.mig", "/n/x/b.txt"):
        files.pipe(name, b"123")
    yield files
    files.store.clear()
    files.pseudo_dirs[:] = [""]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("memory://n/", ["n/a.mig", "n/x/b.mig", "n/x/b.txt"]),
        ("memory://n/*.mig", ["n/a.mig"]),
        ("memory://n/**/*.mig", ["n/a.mig", "n/x/b.mig"]),
        ("memory://n/x/b.mig", ["n/x/b.mig"]),
    ],
)
@pytest.mark.usefixtures("memory")
def test_a_store(given: str, expected: list[str]) -> None:
    found = names(given)
    assert [one.replace("memory:///", "").replace("memory://", "") for one in found] == expected


@pytest.mark.usefixtures("memory")
def test_a_folder_of_a_store_that_is_not_there() -> None:
    with pytest.raises(SourceError, match="cannot be listed"):
        names("memory://other/")


@pytest.mark.usefixtures("memory")
def test_marks_of_a_store() -> None:
    [one] = listed(["memory://n/*.mig"], io.BytesIO())
    assert one.mark is not None
    assert one.mark.size == 3
    assert one.mark.mtime is not None


def test_a_web_server_says_size_and_tag_for_a_byte() -> None:
    pytest.importorskip("aiohttp", reason="the extra `url` is not installed: aiohttp")
    with Server(bytes(5000)) as server:
        assert mark_of(server.url) == Mark(size=5000, etag="one")
        assert server.sent == 1
    assert mark_of(server.url) == Mark()
