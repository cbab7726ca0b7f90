"""The log of a Linux guest, and what it wrote to its serial console."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from migstream.cli.group import cli
from support.linux import running_linux

pytestmark = pytest.mark.qemu


def test_what_the_guest_has_said_is_in_its_log(tmp_path: Path) -> None:
    path = tmp_path / "guest.mig"
    with running_linux(tmp_path) as guest:
        guest.migrate(path)
    ended = CliRunner().invoke(cli, ["console", str(path), "kernel", "--json"])
    assert ended.exit_code == 0, ended.output
    (log,) = json.loads(ended.stdout)["consoles"]
    said = (tmp_path / "console").read_text().splitlines()
    whole = [line for line in said if line.startswith("[")][
        :-1
    ]  # it may have been stopped in the last
    assert len(whole) > 100
    left = iter(log["lines"])
    assert [line for line in whole if line not in left] == []  # all of them, in their order
