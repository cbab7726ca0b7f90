"""What `pip install .` makes with a compiler, and without one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement

REPOSITORY = Path(__file__).resolve().parents[1]
COMPILED = ("kernel", "scan")  # modules of migstream.ram
PARTS = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "src")


def wheel(tmp_path: Path, compiler: str | None) -> tuple[str, list[str]]:
    """Build a wheel out of a copy of the sources; its name, and the names of the files in it."""
    source = tmp_path / "source"
    source.mkdir()
    for part in PARTS:
        if (REPOSITORY / part).is_dir():
            ignored = shutil.ignore_patterns("*.so", "*.egg-info", "__pycache__")
            shutil.copytree(REPOSITORY / part, source / part, ignore=ignored)
        else:
            shutil.copy(REPOSITORY / part, source / part)
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation",
         "-w", str(tmp_path / "made"), str(source)],
        env={**os.environ, **({} if compiler is None else {"CC": compiler})},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (made,) = (tmp_path / "made").glob("*.whl")
    return made.name, zipfile.ZipFile(made).namelist()


@pytest.mark.slow
def test_without_a_compiler_it_installs_as_it_is(tmp_path: Path) -> None:
    name, names = wheel(tmp_path, "false")
    assert name.endswith("-py3-none-any.whl")
    assert {f"migstream/ram/{name}.py" for name in COMPILED} <= set(names)
    assert "migstream/py.typed" in names
    assert not [name for name in names if name.endswith((".so", ".pyd"))]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
def test_with_a_compiler_the_loops_are_compiled(tmp_path: Path) -> None:
    name, names = wheel(tmp_path, None)
    assert not name.endswith("-any.whl")
    for module in COMPILED:
        assert [name for name in names if name.startswith(f"migstream/ram/{module}.cp")]
        assert f"migstream/ram/{module}.py" in names


@pytest.mark.slow
def test_a_source_distribution_is_the_repository(tmp_path: Path) -> None:
    """Tests, streams, pages and examples: who packages it can run and build all of them."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("not a checkout of git's")
    names = {name for name in listed.stdout.split("\0") if name and (REPOSITORY / name).exists()}
    source = tmp_path / "source"
    for name in names:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, source / name)
    code = "import sys; from setuptools.build_meta import build_sdist; build_sdist(sys.argv[1])"
    made = tmp_path / "made"
    made.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code, str(made)],
        cwd=source, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (archive,) = made.iterdir()
    with tarfile.open(archive) as opened:
        held = {member.name.partition("/")[2] for member in opened if member.isfile()}
    assert names - held == set()


def floors(lines: list[str]) -> set[tuple[str, str, str]]:
    """Names, lowest versions, and the Pythons they are for, of requirements as they are written in either file."""
    found = set()
    for line in lines:
        requirement = Requirement(line)
        [specifier] = requirement.specifier
        release = specifier.version + ".0" * (2 - specifier.version.count("."))
        marker = str(requirement.marker or "").replace("python_full_version", "python_version")
        found.add((requirement.name.replace(".", "-"), release, marker.replace(".*", "")))
    return found


def test_the_lowest_versions_are_those_that_are_allowed() -> None:
    """`make test-lowest` installs what pyproject.toml allows: `make lock` was not forgotten."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    allowed = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    lines = (REPOSITORY / "requirements" / "lowest.txt").read_text().splitlines()
    pinned = [line.removesuffix("\\") for line in lines if "==" in line]
    assert floors(pinned) == floors(allowed)
