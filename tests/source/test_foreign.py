"""Files of other programs are named, with the tool that opens them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from migstream.cli.group import cli
from migstream.names import escape
from migstream.source.foreign import HEAD, TABLE, Foreign, foreign


def head(one: Foreign) -> bytes:
    return (bytes(one.at) + one.magic).ljust(HEAD, b"\0")


@pytest.mark.parametrize("one", TABLE, ids=lambda one: f"{one.what} {one.magic.hex()[:24]}")
def test_each_kind_is_itself(one: Foreign) -> None:
    """None hides behind another one that looks alike."""
    assert foreign(head(one)) == one
    assert len(head(one)) == HEAD


# What a person may take for a stream, by what the answer has to say of it.
NAMED = {
    "VMA": "vma extract", "kdump": "crash", "LiME": "Volatility", "VMware": "vmss2core", "VirtualBox": "VBoxManage",
    "Hyper-V": "vm2dmp", "Firecracker": "Firecracker", "Cloud Hypervisor": "cloud-hypervisor --restore",
    "CRIU": "crit", "Windows": "WinDbg", "Xen": "xl restore",
}  # fmt: skip


@pytest.mark.parametrize("what", NAMED)
def test_the_command_names_it_and_the_tool(what: str, tmp_path: Path) -> None:
    one = next(one for one in TABLE if what in one.what and NAMED[what] in one.tool)
    path = tmp_path / "file"
    path.write_bytes(head(one) + bytes(4096))
    ended = CliRunner().invoke(cli, ["info", str(path)])
    assert ended.exit_code == 3
    words = " ".join(ended.output.split())
    assert escape(one.what) in words
    assert NAMED[what] in words
