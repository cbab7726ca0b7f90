"""A stream of a real QEMU, edited in its JSON and loaded by that QEMU."""

from __future__ import annotations

import json
import shlex
import time
from pathlib import Path
from typing import Any

import pytest

import migstream
from migstream.document.folder import decode, encode
from support.qemu import Binary, Qemu

pytestmark = pytest.mark.qemu

PC = ["-M", "pc", "-m", "16"]
PATIENCE = 30.0


@pytest.fixture
def saved(qemu: Binary, tmp_path: Path) -> Path:
    """A stream that this QEMU wrote."""
    path = tmp_path / "pc.mig"
    with Qemu(qemu, PC) as guest:
        guest.migrate(path)
    return path


def take(guest: Qemu, path: Path) -> None:
    """Let a QEMU that waits for a stream load this one."""
    guest.execute("migrate-incoming", {"uri": f"exec:cat {shlex.quote(guest.lend(path))}"})
    until = time.monotonic() + PATIENCE
    while guest.execute("query-migrate").get("status") != "completed":
        assert time.monotonic() < until, guest.words()
        time.sleep(0.02)


def device(table: dict[str, Any], name: str) -> Any:
    return next(i["state"] for i in table["items"] if i.get("name") == name)


@pytest.mark.parametrize("no_ram", [False, True], ids=["copied", "referred"])
def test_an_edited_register_is_seen_in_the_monitor(
    qemu: Binary, saved: Path, tmp_path: Path, no_ram: bool
) -> None:
    with migstream.open(saved) as stream:
        decode(stream, tmp_path / "folder", original=saved if no_ram else None)
    document = tmp_path / "folder" / "stream.json"
    table = json.loads(document.read_text())
    device(table, "cpu")["env.regs"][0] = 0x12345678
    device(table, "cpu")["env.eip"] = 0x7C00
    document.write_text(json.dumps(table))
    encode(tmp_path / "folder", tmp_path / "edited.mig")
    with Qemu(qemu, [*PC, "-incoming", "defer"]) as guest:
        take(guest, tmp_path / "edited.mig")
        seen = guest.hmp("info registers")
        assert "AX=12345678" in seen
        assert "IP=00007c00" in seen
        guest.migrate(tmp_path / "again.mig")
    with migstream.open(tmp_path / "again.mig") as stream:
        assert stream.damage == []
        assert stream.devices["cpu"]["env.regs"].value[0] == 0x12345678


def test_an_edited_byte_of_memory_is_seen_in_the_monitor(
    qemu: Binary, saved: Path, tmp_path: Path
) -> None:
    """Side files are the stream's bytes: what is changed in them is changed in the guest."""
    with migstream.open(saved) as stream:
        decode(stream, tmp_path / "folder")
        rom = stream.read("pc.bios", 0x3FFF0, 0x40000)
    side = tmp_path / "folder" / "ram.bin"
    data = bytearray(side.read_bytes())
    at = data.index(rom)
    data[at + 15] ^= 0xFF
    side.write_bytes(data)
    encode(tmp_path / "folder", tmp_path / "edited.mig")
    with Qemu(qemu, [*PC, "-incoming", "defer"]) as guest:
        take(guest, tmp_path / "edited.mig")
        assert guest.hmp("xp /1xb 0xffffffff").split()[-1] == f"0x{rom[15] ^ 0xFF:02x}"


def test_what_this_qemu_writes_comes_back(saved: Path, tmp_path: Path) -> None:
    with migstream.open(saved) as stream:
        decode(stream, tmp_path / "folder")
    encode(tmp_path / "folder", tmp_path / "again.mig")
    assert (tmp_path / "again.mig").read_bytes() == saved.read_bytes()
