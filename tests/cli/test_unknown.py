"""Commands and messages of a QEMU that does not exist yet: kept, shown, never fatal."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import migstream
from migstream.cli.group import cli
from migstream.savevm import SaveVM
from migstream.savevm.ram import Block, GuestRam
from migstream.vmstate import U8, VMState
from migstream.wire.model import Command


class Toy(VMState, name="toy"):
    value: U8


def command(number: int, payload: bytes) -> bytes:
    return b"\x08" + number.to_bytes(2, "big") + len(payload).to_bytes(2, "big") + payload


@pytest.fixture
def stream(tmp_path: Path) -> Path:
    """A stream with unknown commands of several lengths, one of them in a package."""
    vm = SaveVM("toy-1.0")
    vm.register(Toy(value=7))
    vm.register_live("ram", GuestRam([Block("toy.ram", bytearray(8192))]))
    out = io.BytesIO()
    vm.save(out)
    raw = out.getvalue()
    at = raw.index(b"\1\0\0\0\1\3ram")
    inside = command(0x33, b"z")
    unknown = command(99, b"abc") + command(0xFFFF, b"") + command(12, bytes(range(256)) * 200)
    package = command(7, len(inside).to_bytes(4, "big")) + inside
    path = tmp_path / "toy.mig"
    path.write_bytes(raw[:at] + unknown + package + raw[at:])
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, [*map(str, arguments)])


def test_unknown_commands_are_items_of_their_own(stream: Path) -> None:
    with migstream.open(stream) as opened:
        commands = [item for item in opened.items if isinstance(item, Command)]
        assert [c.name for c in commands] == [
            "COMMAND_99",
            "COMMAND_65535",
            "COMMAND_12",
            "PACKAGED",
        ]
        assert [c.payload.size for c in commands] == [3, 0, 51200, 4]
        assert not list(opened.damage)
        assert opened.devices["toy"]["value"].value == 7


def test_ls_and_info_show_them(stream: Path) -> None:
    listed = run("ls", stream)
    assert listed.exit_code == 0
    assert "COMMAND_99" in listed.output
    assert listed.output.count("unknown to QEMU up to 11.1") == 4
    told = run("info", stream)
    assert told.exit_code == 0
    assert "whole" in told.output


def test_check_warns_of_them(stream: Path) -> None:
    report = run("check", stream)
    assert "warning MS519: MIG_CMD 0x63 unknown (len 0x3)" in report.output
    assert report.output.count("MS519") == 4
    assert "error" not in report.output


def test_compat_says_that_a_qemu_refuses_them(stream: Path, tmp_path: Path) -> None:
    plain = SaveVM("toy-1.0")
    plain.register(Toy.blank())
    plain.register_live("ram", GuestRam([Block("toy.ram", bytearray(8192))]))
    other = tmp_path / "other.mig"
    with other.open("wb") as file:
        plain.save(file)
    said = run("compat", stream, "--to-stream", other)
    assert said.exit_code == 1
    assert "MIG_CMD 0x63 unknown (len 0x3)" in said.output
    assert "no QEMU up to 11.1 has it" in said.output


def test_decode_and_encode_give_them_back(stream: Path, tmp_path: Path) -> None:
    folder, made = tmp_path / "full", tmp_path / "made.mig"
    assert run("decode", "--full", stream, "-o", folder).exit_code == 0
    assert run("encode", folder, "-o", made).exit_code == 0
    assert made.read_bytes() == stream.read_bytes()


def test_a_return_path_with_messages_of_a_later_qemu(tmp_path: Path) -> None:
    path = tmp_path / "back.bin"
    acks = bytes.fromhex("0007 0000") * 3
    later = bytes.fromhex("0008 0000  0009 0004") + b"oops" + bytes.fromhex("000a 0002 01ff")
    path.write_bytes(bytes.fromhex("0002 0004 00000001") + acks + later)
    rows = json.loads(run("ls", "--json", path).stdout)["items"]
    assert [(row["name"], row["note"]) for row in rows] == [
        ("PONG", "1"),
        *[("SWITCHOVER_ACK", "")] * 3,
        ("MESSAGE_8", ""),
        ("MESSAGE_9", "oops"),
        ("MESSAGE_10", "01ff"),
    ]
    assert "3 SWITCHOVER_ACK" in run("info", path).stdout
