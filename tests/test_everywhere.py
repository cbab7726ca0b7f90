"""`make test-everywhere`: what it makes of roots that are there, are not, or have no Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from everywhere import CHECKOUT, FACTS, Root, Row, chosen, copy, main, table

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may use chroot")


def facts(version: str) -> dict[str, str]:
    said = subprocess.run([sys.executable, "-c", FACTS], capture_output=True, check=True, text=True)
    found: dict[str, str] = json.loads(said.stdout)
    return {**found, "python_version": version, "python_full_version": f"{version}.0"}


def test_no_folder_and_no_root(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main("", []) == 2
    assert main(str(tmp_path / "none"), []) == 2
    assert "no such folder" in capsys.readouterr().err
    (tmp_path / "not-a-root").mkdir()
    assert main(str(tmp_path), []) == 2
    assert "is the root of a system" in capsys.readouterr().err


@as_root
def test_a_root_without_python_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bare" / "usr" / "bin").mkdir(parents=True)
    (tmp_path / "note").write_text("a file among the roots")
    assert main(str(tmp_path), []) == 1  # nothing was run
    assert capsys.readouterr().out.splitlines()[-1].split() == [
        "bare", "-", "-", "not", "run:", "no", "Python",
    ]  # fmt: skip
    assert [path.name for path in (tmp_path / "bare").rglob("*")] == ["usr", "bin"]


@as_root
def test_this_system_as_a_root() -> None:
    """Its Python may be another than ours, and older than what is needed."""
    root = Root(Path("/"))
    assert root.say("no-such-command") is None
    said = root.say("sh", "-c", "echo here")
    assert said == "here\n"


@as_root
def test_a_copy_has_the_sources_and_goes_again(tmp_path: Path) -> None:
    with copy(Root(tmp_path)) as folder:
        assert folder.is_relative_to(tmp_path)
        assert (folder / "checkout" / "src" / "migstream" / "__init__.py").exists()
        assert (folder / "checkout" / "tests" / "streams" / "pc-7.2.mig.xz").exists()
        assert not (folder / "checkout" / ".venv").exists()
        assert not list((folder / "checkout").rglob("*.so"))
    assert not list((tmp_path / "tmp").iterdir())


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_each_python_gets_its_versions(version: str) -> None:
    lines = chosen((CHECKOUT / "requirements" / "dev.txt").read_text(), facts(version))
    names = [line.partition("==")[0] for line in lines]
    assert len(names) == len(set(names))
    assert {"numpy", "pip", "pytest", "cython"} <= set(names)
    assert all(" --hash=sha256:" in line and ";" not in line for line in lines)
    assert ("colorama" in names) is (sys.platform == "win32")


def test_the_table_has_a_line_for_each_root() -> None:
    rows = [
        Row("12", "3.11.2", "7.2.22", "3000 passed in 400.00s", passed=True),
        Row("older", "", "5.2.0", "not run: Python 3.9"),
    ]
    assert table(rows).splitlines() == [
        "root   Python  QEMU    result",
        "12     3.11.2  7.2.22  3000 passed in 400.00s",
        "older  -       5.2.0   not run: Python 3.9",
    ]
