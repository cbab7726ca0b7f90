"""Two streams of one guest, a second apart: `diff` names what moved, and nothing else."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import migstream
from support.qemu import Binary, Qemu, find

pytestmark = pytest.mark.qemu

# Guests that only wait: what moves is the time. The firmware's own memory is not looked at.
GUESTS = {
    "qemu-system-x86_64": ["-M", "q35", "-m", "32"],
    "qemu-system-aarch64": ["-M", "virt", "-cpu", "cortex-a57", "-m", "32"],
}
PARTS = ("values", "schema")


def _saved(binary: Binary, arguments: list[str], path: Path) -> Path:
    """The stream of a guest that has not run."""
    with Qemu(binary, arguments) as guest:
        guest.migrate(path)
    return path


def _a_second_apart(binary: Binary, arguments: list[str], folder: Path) -> list[Path]:
    """Two streams of one guest that ran for a second in between."""
    paths = [folder / "a.mig", folder / "b.mig"]
    with Qemu(binary, arguments) as guest:
        for path, seconds in zip(paths, (3, 1), strict=True):
            guest.execute("cont")
            time.sleep(seconds)
            guest.execute("stop")
            guest.migrate(path)
    return paths


@pytest.mark.parametrize("name", GUESTS)
def test_two_machines_started_alike_are_the_same(name: str, tmp_path: Path) -> None:
    for binary in find(name):
        a, b = (_saved(binary, GUESTS[name], tmp_path / file) for file in ("a.mig", "b.mig"))
        found = migstream.diff(a, b, ignore=["clocks", "timers"], parts=PARTS)
        assert not found, (str(binary), list(found))


@pytest.mark.parametrize("name", GUESTS)
def test_a_second_moves_the_clocks(name: str, tmp_path: Path) -> None:
    for binary in find(name):
        a, b = _a_second_apart(binary, GUESTS[name], tmp_path)
        moved = {change.path for change in migstream.diff(a, b, parts=PARTS)}
        assert "timer[0]/cpu_clock_offset" in moved
        rest = migstream.diff(a, b, ignore=["clocks", "timers", "counters"], parts=PARTS)
        # A guest in its firmware's loop: its registers are somewhere else in it, and the interrupt
        # of its clock may have come in the moment when it was stopped.
        devices = {change.device for change in rest}
        assert devices <= {"cpu[0]", "cpu_common[0]", "i8259[0]"}, (str(binary), list(rest))


def test_another_machine_is_named(tmp_path: Path) -> None:
    """A device more, and less memory."""
    binary = find("qemu-system-x86_64")[0]
    a = _saved(binary, ["-M", "pc", "-m", "32"], tmp_path / "a.mig")
    b = _saved(binary, ["-M", "pc", "-m", "16", "-device", "e1000"], tmp_path / "b.mig")
    found = migstream.diff(a, b)
    assert [c.path for c in found if c.what == "device"] == ["0000:00:02.0/e1000[0]"]
    blocks = {c.path: (c.mark, c.old, c.new) for c in found if c.what == "block"}
    assert blocks["ram/pc.ram"] == ("~", 32 << 20, 16 << 20)
    assert blocks["ram/0000:00:02.0/e1000.rom"][0] == "+"
