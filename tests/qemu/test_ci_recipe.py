"""The recipe of docs/ci.md, as it is written there: its files in an empty folder, its commands run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from support.lacking import lacks

pytestmark = pytest.mark.qemu

PAGE = Path(__file__).parents[2] / "docs" / "ci.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"# ([\w./-]+/[\w.-]+|\.[\w-]+\.yml)(?::.*)?\n")
YAML = re.compile(r" *(- )?([\w-]+:( .*)?|- .+|[^:]+|PATH=.*)|")


def _blocks() -> list[tuple[str, str]]:
    return BLOCK.findall(PAGE.read_text())


def _files() -> dict[str, str]:
    """What the page says to put into the repository."""
    named = ((NAMED.match(text), text) for _, text in _blocks())
    return {match[1]: text for match, text in named if match is not None}


def _commands() -> list[str]:
    """What the page says to run, in its order."""
    return [text for kind, text in _blocks() if kind == "sh" and NAMED.match(text) is None]


def _sh(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    """Run commands in the folder, with this migstream in PATH."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "-ec", text],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page's files under version control, and its machines as far as their QEMUs are here."""
    if shutil.which("git") is None:
        lacks("git is not installed")
    folder = tmp_path_factory.mktemp("repository")
    for name, text in _files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    machines = folder / "golden" / "machines"
    lines = machines.read_text().splitlines(keepends=True)
    here = [one for one in lines if one.startswith("#") or shutil.which(one.split()[1])]
    assert len(here) > 1
    machines.write_text("".join(here))
    assert _sh(folder, "git init -q .").returncode == 0
    for text in _commands():
        result = _sh(folder, text)
        assert result.returncode == 0, result.stderr
    return folder


def _goldens(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "golden").glob("*.digest")}


def test_a_second_run_finds_no_change(repository: Path) -> None:
    """Nor does a third make other goldens; the machines load what they wrote before."""
    before = _goldens(repository)
    assert len(before) == len((repository / "golden" / "machines").read_text().splitlines()) - 1
    result = _sh(repository, "sh golden/run.sh")
    assert result.returncode == 0, result.stdout + result.stderr
    for name in before:
        machine = Path(name).stem
        assert f"streams/{machine}.mig: nothing found\n" in result.stdout
        assert f"released/7.2/{machine}.mig: loads in " in result.stdout
    assert _sh(repository, "sh golden/run.sh refresh").returncode == 0
    assert _goldens(repository) == before
    suites = [ET.parse(path).getroot() for path in (repository / "reports").glob("*.xml")]  # noqa: S314
    assert [suite.get("failures") for suite in suites] == ["0"] * len(before)


def test_a_device_more_is_named(repository: Path, tmp_path: Path) -> None:
    folder = tmp_path / "changed"
    shutil.copytree(repository, folder)
    machines = folder / "golden" / "machines"
    text = machines.read_text()
    machines.write_text(
        re.sub("^(q35 .*)$", r"\1 -device virtio-rng-pci", text, flags=re.MULTILINE)
    )
    result = _sh(folder, "sh golden/run.sh")
    assert result.returncode == 1
    assert result.stderr.endswith("not as they were: q35\n")
    first, *rest, last = (line for line in result.stdout.splitlines() if "warning" in line)
    assert "virtio-rng[0]: warning MS583: is not in golden/q35.digest" in first
    # QEMU writes ACPI tables for it, and nothing else
    assert all(re.search(r"ram/(/rom@etc/|q35\.ram|pc\.ram).*MS584", line) for line in rest)
    assert last == f"streams/q35.mig: {len(rest) + 1} warnings"
    runs = [json.loads(path.read_text())["runs"] for path in (folder / "reports").glob("*.sarif")]
    assert [len(run["results"]) for [run] in runs if run["results"]] == [len(rest) + 1]
    categories = {run["automationDetails"]["id"] for [run] in runs}
    assert len(categories) == len(runs)


def test_a_machine_that_does_not_start_fails(repository: Path, tmp_path: Path) -> None:
    folder = tmp_path / "changed"
    shutil.copytree(repository, folder)
    machines = folder / "golden" / "machines"
    machines.write_text(machines.read_text().replace("pc-i440fx-7.2", "pc-i440fx-7.2000"))
    result = _sh(folder, "sh golden/run.sh")
    assert result.returncode == 1
    assert "unsupported machine type" in result.stdout
    assert "not as they were: pc" in result.stderr


def test_both_services_run_the_script() -> None:
    """No library reads YAML here: its form is looked at line by line, and what it runs."""
    files = {name: text for name, text in _files().items() if name.endswith(".yml")}
    assert set(files) == {".github/workflows/streams.yml", ".gitlab-ci.yml"}
    for text in files.values():
        lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
        assert all(YAML.fullmatch(line) for line in lines)
        assert all((len(line) - len(line.lstrip(" "))) % 2 == 0 for line in lines)
        assert sum(line.endswith("sh golden/run.sh") for line in lines) == 1
        assert all(folder in text for folder in ("reports", "streams"))
