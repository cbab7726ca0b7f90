"""The helper that talks to QEMU, tried on every QEMU there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.streams import build, device_part
from migstream.errors import QemuError
from support.qemu import Binary, Qemu, Verdict, load

pytestmark = pytest.mark.qemu

PC = ["-M", "pc", "-m", "16"]


def test_what_it_writes_it_loads(qemu: Binary, tmp_path: Path) -> None:
    path = tmp_path / "pc.mig"
    with Qemu(qemu, PC) as guest:
        assert "EIP=0000fff0" in guest.hmp("info registers")
        assert guest.migrate(path)["status"] == "completed"
    assert path.read_bytes()[:8] == b"QEVM\0\0\0\3"
    assert load(qemu, PC, path).accepted


def test_a_damaged_stream_is_refused_in_words(qemu: Binary, tmp_path: Path) -> None:
    path = tmp_path / "pc.mig"
    with Qemu(qemu, PC) as guest:
        guest.migrate(path)
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])
    verdict = load(qemu, PC, path)
    assert not verdict.accepted
    assert "load of migration failed" in verdict.said


def test_postcopy_into_a_file_comes_to_an_end(qemu: Binary, tmp_path: Path) -> None:
    path = tmp_path / "pc.mig"
    with Qemu(qemu, PC) as guest:
        guest.migrate(path, ["postcopy-ram"])
    assert path.read_bytes().rstrip().endswith(b"}")


def test_a_machine_it_does_not_know(qemu: Binary) -> None:
    with (
        pytest.raises(QemuError, match="unsupported machine type"),
        Qemu(qemu, ["-M", "nonesuch"]),
    ):
        pass


def test_the_streams_of_the_benchmark_are_ones_that_qemu_takes(
    qemu: Binary, tmp_path: Path
) -> None:
    """What is timed is a real stream in every respect that a loader looks at."""
    machine = ["-M", "pc-i440fx-5.2", "-m", "16"]
    real = tmp_path / "real.mig"
    with Qemu(qemu, machine) as guest:
        guest.migrate(real)
    made = build(tmp_path / "made.mig", 16, device_part(real.read_bytes()), b"pc-i440fx-5.2")
    assert load(qemu, machine, made) == Verdict(accepted=True, said="")
