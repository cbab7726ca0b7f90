"""What `--to` says of a name that no release has."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from migstream.catalogue.shelf import NAMES
from migstream.cli.group import cli

STREAM = Path(__file__).parent.parent / "streams" / "pc-7.2.mig.xz"


def run(verb: str, name: str, *rest: str) -> Result:
    return CliRunner().invoke(cli, [verb, str(STREAM), "--to", name, *rest])


@pytest.mark.parametrize("rest", [[], ["--", "-M", "pc-i440fx-7.2"]])
@pytest.mark.parametrize("verb", ["compat", "heal"])
def test_a_name_that_is_near_some_is_answered_with_these(verb: str, rest: list[str]) -> None:
    found = run(verb, "debian-99", *rest)
    assert found.exit_code == 2
    assert "no release is known as debian-99" in found.stderr
    assert "debian-11, debian-12, debian-13" in found.stderr
    assert "noble" not in found.stderr


def test_a_name_that_is_like_none_is_answered_with_all() -> None:
    found = run("compat", "nonsense")
    assert found.exit_code == 2
    assert all(name in found.stderr for name in (*NAMES, "5.2", "10.0"))


@pytest.mark.parametrize("path", ["there.json", "./debian-99", "schemas/there"])
def test_what_looks_like_a_path_is_a_file_that_is_not_there(path: str) -> None:
    found = run("compat", path)
    assert found.exit_code == 5
    assert f"{path}: no such file or directory" in found.stderr


def test_a_file_may_be_called_as_it_likes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nonsense").write_text("{}")
    assert "no release" not in run("compat", "nonsense").output
