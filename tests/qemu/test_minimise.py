"""The smallest stream that a real QEMU refuses in the same words."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

import migstream
from migstream.analysis.check import check
from migstream.analysis.failure import failure
from migstream.cli.group import cli
from migstream.edit.change import Edit
from migstream.edit.minimise.parts import Candidate
from migstream.edit.minimise.search import Minimum, search
from support.qemu import Binary, Qemu, load

pytestmark = pytest.mark.qemu

GUEST = [
    *("-M", "pc", "-m", "32", "-smp", "2", "-serial", "null"),
    *("-device", "virtio-net-pci,romfile=", "-device", "rtl8139,romfile="),
    *("-device", "qemu-xhci", "-device", "usb-kbd", "-device", "virtio-balloon-pci"),
    *("-device", "virtio-rng-pci", "-device", "virtio-scsi-pci", "-device", "virtio-serial-pci"),
]
E1000 = ["-device", "e1000,romfile=,addr=0x10"]


def written(candidate: Candidate, path: Path) -> Path:
    with path.open("wb") as file:
        candidate.write(file.fileno())
    return path


def saved(qemu: Binary, arguments: Sequence[str], path: Path) -> Path:
    """Let the firmware run for a moment, and write the guest's state."""
    with Qemu(qemu, arguments) as guest:
        guest.execute("cont")
        time.sleep(0.5)
        guest.execute("stop")
        guest.migrate(path)
    return path


def edited(source: Path, change: str, value: object) -> Path:
    target = source.with_name("edited.mig")
    with migstream.open(source) as stream, target.open("wb") as file:
        edit = Edit(stream)
        edit.set(change, value)
        edit.write(file.fileno())
    return target


def found(qemu: Binary, arguments: Sequence[str], path: Path) -> tuple[Minimum, Path, str]:
    """The smallest stream that this QEMU refuses, where it is, and in which words both are refused."""
    refused = load(qemu, arguments, path)
    assert not refused.accepted
    wanted = failure(None, refused.said)
    assert wanted.said, refused.said
    candidate = path.with_name("candidate.mig")

    def fails(one: Candidate) -> bool:
        verdict = load(qemu, arguments, written(one, candidate))
        return not verdict.accepted and failure(None, verdict.said) == wanted

    likely = [(wanted.device, wanted.instance)] if wanted.device else []
    with migstream.open(path) as stream:
        minimum = search(stream, fails, likely=likely)
        small = written(minimum.candidate, path.with_name("small.mig"))
    again = load(qemu, arguments, small)
    assert not again.accepted
    assert again.said.splitlines()[-1] == refused.said.splitlines()[-1]
    assert minimum.complete
    return minimum, small, again.said


def without(path: Path, device: str) -> Path:
    target = path.with_name("without.mig")
    with migstream.open(path) as stream, target.open("wb") as file:
        edit = Edit(stream)
        edit.drop(device)
        edit.write(file.fileno())
    return target


def test_a_device_that_the_destination_lacks(qemu: Binary, tmp_path: Path) -> None:
    source = saved(qemu, [*GUEST, *E1000], tmp_path / "guest.mig")
    minimum, small, said = found(qemu, GUEST, source)
    [left] = minimum.left
    assert left.piece.path == "0000:00:10.0/e1000[0]"
    assert "e1000" in said
    assert minimum.after < minimum.before // 10
    assert minimum.tries < 10
    with migstream.open(small) as stream:
        assert [f for f in check(stream).findings if f.severity == "error"] == []
        assert stream.description is not None
        assert [d.name for d in stream.description.devices] == ["0000:00:10.0/e1000"]
    # that one thing is the reason
    assert load(qemu, GUEST, without(small, "0000:00:10.0/e1000")).accepted
    assert load(qemu, GUEST, without(source, "0000:00:10.0/e1000")).accepted
    assert load(qemu, [*GUEST, *E1000], small).accepted


def test_a_virtqueue_that_cannot_be(qemu: Binary, tmp_path: Path) -> None:
    source = saved(qemu, GUEST, tmp_path / "guest.mig")
    net = "0000:00:02.0/virtio-net"
    broken = edited(source, f"{net}/virtio/queues[0]/last_avail_idx", 1234)
    minimum, small, said = found(qemu, GUEST, broken)
    assert [left.piece.path for left in minimum.left] == [f"{net}[0]"]
    assert "VQ 0" in said
    assert minimum.after < minimum.before // 5
    assert load(qemu, GUEST, without(small, net)).accepted


def test_a_subsection_of_another_name(qemu: Binary, tmp_path: Path) -> None:
    """Damage: a subsection that nobody knows, in a device that is there."""
    source = saved(qemu, [*GUEST, *E1000], tmp_path / "guest.mig")
    raw = source.read_bytes()
    at = raw.index(b"\x05\x0fe1000/mit_state")
    broken = tmp_path / "broken.mig"
    broken.write_bytes(raw[: at + 2] + b"f" + raw[at + 3 :])
    minimum, small, _ = found(qemu, [*GUEST, *E1000], broken)
    assert [left.piece.path for left in minimum.left] == ["0000:00:10.0/e1000[0]"]
    assert minimum.after < minimum.before // 5
    mended = small.read_bytes().replace(b"\x05\x0ff1000/mit_state", b"\x05\x0fe1000/mit_state")
    (tmp_path / "mended.mig").write_bytes(mended)
    assert load(qemu, [*GUEST, *E1000], tmp_path / "mended.mig").accepted


def test_a_ram_block_of_another_size(qemu: Binary, tmp_path: Path) -> None:
    source = saved(qemu, GUEST, tmp_path / "guest.mig")
    smaller = [*GUEST[:3], "24", *GUEST[4:]]
    minimum, small, said = found(qemu, smaller, source)
    assert [left.piece.kind for left in minimum.left] == ["live"]
    with migstream.open(small) as stream:
        assert [block.name for block in stream.blocks] == ["pc.ram"]
    assert minimum.after < 400
    assert "pc.ram" in said


def test_a_page_outside_of_its_block(qemu: Binary, tmp_path: Path) -> None:
    """The failing page stays, the others go."""
    source = saved(qemu, GUEST, tmp_path / "guest.mig")
    raw = bytearray(source.read_bytes())
    at = raw.index(b"\x07pc.bios", raw.index(b"\x07pc.bios") + 8) - 8  # its first record
    raw[at : at + 6] = (0xFFFFFFFF0000 >> 16 << 4).to_bytes(6, "big")
    broken = tmp_path / "broken.mig"
    broken.write_bytes(raw)
    minimum, _, _ = found(qemu, GUEST, broken)
    assert [left.piece.path for left in minimum.left] == ["ram[0]"]
    assert minimum.after < 5000


def test_the_verb_with_a_qemu(tmp_path: Path, qemu: Binary) -> None:
    if qemu.root is not None:
        return  # another system's: the verb takes one that can be started by its name
    source = saved(qemu, [*GUEST, *E1000], tmp_path / "guest.mig")
    out = tmp_path / "small.mig"
    start = time.monotonic()
    words = ["minimise", str(source), "-o", str(out), "--qemu", qemu.name, "--", *GUEST]
    result = CliRunner().invoke(cli, [*words, "-nodefaults"])
    assert result.exit_code == 0, result.output
    assert time.monotonic() - start < 60
    assert re.search(r"device +0000:00:10.0/e1000\[0\]", result.stdout)
    # 10.2 and newer leave out "savevm"
    assert re.search(r"Unknown (savevm )?section or instance '0000:00:10\.0/e1000'", result.stdout)
    with migstream.open(out) as stream:
        assert [device.name for device in stream.devices] == ["0000:00:10.0/e1000"]
    # the same QEMU as a command, which goes on running where it loads the stream
    again = tmp_path / "again.mig"
    command = [shutil.which(qemu.name) or "", *GUEST, "-nodefaults", "-display", "none", "-S"]
    words = ["minimise", str(source), "-o", str(again), "--timeout", "3", "--", *command]
    result = CliRunner().invoke(cli, [*words, "-incoming", "exec:cat {}"])
    assert result.exit_code == 0, result.output
    assert again.read_bytes() == out.read_bytes()
    accepted = [*words[:3], str(tmp_path / "none.mig"), *words[4:], *E1000]
    result = CliRunner().invoke(cli, [*accepted, "-incoming", "exec:cat {}"])
    assert result.exit_code == 1, result.output
    assert not (tmp_path / "none.mig").exists()
