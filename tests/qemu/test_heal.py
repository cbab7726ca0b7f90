"""What is proposed for a load that a real QEMU refuses makes that QEMU take it."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from migstream.edit.change import Edit
from migstream.edit.heal.heal import heal, healed_edit
from migstream.stream import open_stream
from support.qemu import REQUIRED, Qemu, find, load, own

pytestmark = pytest.mark.qemu

MACHINE = ["-M", "pc-i440fx-7.2", "-m", "32"]
PARTS = ["virtio-net-pci,vectors=4", "e1000", "VGA", "virtio-rng-pci", "virtio-serial-pci"]
CHANGES: dict[str, Callable[[list[str]], list[str]]] = {
    "memory": lambda words: [*words[:3], "48", *words[4:]],
    "cpus": lambda words: [*words, "-smp", "2"],
    "device gone": lambda words: words[:-2],
    "order": lambda words: [*words[:4], *words[-2:], *words[4:-2]],
    "property": lambda words: [w.replace("VGA", "VGA,vgamem_mb=32") for w in words],
    "hpet": lambda words: [words[0], f"{words[1]},hpet=off", *words[2:]],
    "footers": lambda words: [*words, "-global", "migration.send-section-footer=off"],
}


def _guest(seed: int) -> list[str]:
    parts = random.Random(seed).sample(PARTS, 4)  # noqa: S311
    return [*MACHINE, *(word for part in parts for word in ("-device", part))]


@pytest.mark.parametrize("change", CHANGES)
def test_a_refused_load_is_taken_with_what_is_proposed(change: str, tmp_path: Path) -> None:
    seed = random.randrange(1 << 32)  # noqa: S311
    print(f"seed {seed}")
    words, stream = _guest(seed), tmp_path / "guest.mig"
    qemu = own(REQUIRED)
    with Qemu(qemu, words) as guest:
        guest.migrate(stream)
    other = CHANGES[change](words)
    if load(qemu, other, stream).accepted:
        assert heal(stream, (7, 2), ["-nodefaults", *other]).changes == ()
        return
    found = heal(stream, (7, 2), ["-nodefaults", *other])
    assert found.loads
    healed = tmp_path / "healed.mig"
    healed_edit(stream, found).save(healed)
    assert load(qemu, found.arguments[1:], healed).accepted, found.changes


def test_a_real_qemu_is_the_judge(tmp_path: Path) -> None:
    """Asked and tried, and what is written loads: its description says who changed what."""
    stream, healed = tmp_path / "guest.mig", tmp_path / "healed.mig"
    qemu = own(REQUIRED)
    with Qemu(qemu, [*MACHINE, "-device", "virtio-rng-pci", "-device", "edu"]) as guest:
        guest.migrate(stream)
    other = tmp_path / "other.mig"
    with open_stream(stream, spool=True) as source:
        Edit(source).rename("hpet", "acme-timer").save(other)
    words = ["-nodefaults", *MACHINE, "-device", "virtio-rng-pci", "-device", "edu"]
    found = heal(other, qemu=qemu.command, arguments=words, verify=True, plays=20)
    assert (found.loads, found.accepted, found.tries >= 1) == (True, True, True)
    assert [one.what for one in found.changes] == ["drop acme-timer[0]"]
    healed_edit(other, found).save(healed)
    assert b'"edited": [{"by": "migstream ' in healed.read_bytes()
    for binary in find(REQUIRED):
        if binary.version.startswith(("7.2", "10.0", "11.1")):
            assert load(binary, words[1:], healed).accepted
