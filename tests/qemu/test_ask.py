"""A QEMU asked for its schema: by itself, in a root of its own, behind wrappers."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from migstream.errors import QemuError
from migstream.qemu.ask import schema
from migstream.vmstate.schema import open_schema
from support.lacking import lacks
from support.qemu import REQUIRED, Binary, find, own

pytestmark = pytest.mark.qemu

NONE = ("-M", "none")
ROOTED = [binary for binary in find(REQUIRED) if binary.root is not None]


def _script(path: Path, *lines: str) -> str:
    path.write_text("\n".join(("#!/bin/sh", *lines)) + "\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("binary", find(REQUIRED), ids=str)
def test_a_schema_comes_out_of_any_root(binary: Binary, tmp_path: Path) -> None:
    before = set((binary.root / "tmp").iterdir()) if binary.root is not None else set()
    schema(binary.command, NONE, tmp_path / "schema.json")
    assert len(open_schema(tmp_path / "schema.json").types) > 100
    if binary.root is not None:
        assert set((binary.root / "tmp").iterdir()) == before


def test_a_schema_comes_out_of_a_root_that_a_script_enters(tmp_path: Path) -> None:
    """It starts a process of its own, and nothing in its words names the root."""
    if not ROOTED:
        lacks("no QEMU in a root of its own")
    wrapper = _script(
        tmp_path / "wrapper", "echo starting", f'{shlex.join(ROOTED[0].command)} "$@"', "exit $?"
    )
    schema([wrapper], NONE, tmp_path / "schema.json")
    assert len(open_schema(tmp_path / "schema.json").types) > 100


def test_a_schema_comes_out_of_a_place_with_another_folder_for_temporary_files(
    tmp_path: Path,
) -> None:
    """As in a container: the path exists there, /proc is there, and nothing of it comes back."""
    if os.getuid():
        lacks("only root may mount")
    hidden = f"mount -t tmpfs none {shlex.quote(str(tmp_path))} || exit 77"
    name = own(REQUIRED).name
    wrapper = _script(
        tmp_path / "wrapper", f"""exec unshare -m sh -c '{hidden}; exec {name} "$@"' sh "$@" """
    )
    schema([wrapper], NONE, tmp_path / "schema.json")
    assert len(open_schema(tmp_path / "schema.json").types) > 100


def test_what_does_not_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(QemuError, match="unsupported machine"):
        schema(own(REQUIRED).command, ("-M", "no-such-machine"), tmp_path / "schema.json")
    with pytest.raises(QemuError, match="ended without a word"):
        schema(["false"], NONE, tmp_path / "schema.json")
