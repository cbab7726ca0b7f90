"""Rules: every known change made and unmade, on real streams; the result describes itself."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

import migstream
from migstream.cli.group import cli
from migstream.edit.between import apply, rules
from migstream.edit.change import Edit
from migstream.errors import Unsupported
from migstream.qemu.release import Version
from migstream.vmstate.meaning.pci import config_space
from support.samples import Sample

Named = Callable[[str], Sample]
PC, Q35 = "pc-7.2.mig", "q35-7.2.mig"


def ruled(
    raw: bytes, machine: str | None = None, qemu: Version | None = None
) -> tuple[bytes, list[str]]:
    """The stream with the rules applied, which must be whole, and the names of these."""
    out = io.BytesIO()
    with migstream.open(raw) as stream:
        assert stream.damage == []
        edit = Edit(stream)
        done = apply(edit.bench, machine, qemu)
        edit.write(out)
    with migstream.open(out.getvalue()) as stream:
        assert stream.damage == []
        assert machine in {None, stream.machine}
        assert all(device.described for device in stream.devices)
    return out.getvalue(), done


def register(raw: bytes, device: str, at: int) -> int:
    with migstream.open(raw) as stream:
        config = config_space(stream.devices[device].value)
        assert config is not None
        return int.from_bytes(bytes(config.raw)[at : at + 4], "little")


EIGHT = {"e1000e-timadj", "pcie-err-unc-mask"}
# What becomes of a stream under a machine type, and which way back gives the very same bytes.
CASES = [
    (PC, "pc-i440fx-6.2", {"piix4-acpi-index"}, True),
    (PC, "pc-i440fx-6.0", {"piix4-acpi-index", "pckbd-extended-state"}, False),
    (PC, "pc-i440fx-5.2", {"piix4-acpi-index", "pckbd-extended-state"}, False),
    (PC, "pc-i440fx-7.0", set(), True),
    (PC, "pc-i440fx-9.2", set(), True),
    (PC, "pc-i440fx-10.0", {"switchover-start"}, True),
    (PC, "pc-i440fx-jammy", {"piix4-acpi-index"}, True),
    (Q35, "pc-q35-6.1", set(), True),
    (Q35, "pc-q35-6.0", {"ich9-pcihp", "pckbd-extended-state"}, False),
    (Q35, "pc-q35-8.0", EIGHT, True),
    (Q35, "pc-q35-9.2", EIGHT | {"pcie-ext-tag"}, True),
    (Q35, "pc-q35-11.1", EIGHT | {"pcie-ext-tag", "switchover-start"}, True),
]


@pytest.mark.parametrize(("name", "machine", "wanted", "back"), CASES)
def test_there_and_back(
    name: str, machine: str, wanted: set[str], back: bool, named_sample: Named
) -> None:
    raw = named_sample(name).read()
    made, done = ruled(raw, machine)
    assert set(done) == wanted
    again, _ = ruled(made, machine)
    assert again == made
    with migstream.open(raw) as stream:
        first = stream.machine
    restored, done = ruled(made, first)
    if back:
        assert restored == raw
        assert set(done) == wanted
    else:  # a subsection that an older machine type has no state for is not made up again
        assert set(done) == wanted - {"pckbd-extended-state", "ich9-pcihp"}


def test_every_rule_has_a_case() -> None:
    assert {name for *_, wanted, _ in CASES for name in wanted} == {rule.name for rule in rules()}
    for rule in rules():
        assert rule.about.endswith((".", ")."))
        assert ":" in rule.reference


def test_what_a_rule_changes(named_sample: Named) -> None:
    raw = named_sample(Q35).read()
    made, _ = ruled(raw, "pc-q35-9.2")
    device = "0000:00:02.0/e1000e"
    assert register(raw, device, 0x108) == 0
    assert register(made, device, 0x108) == 0x02400000
    assert register(made, device, 0xE4) == register(raw, device, 0xE4) | 0x20
    older, _ = ruled(named_sample(PC).read(), "pc-i440fx-6.2")
    with migstream.open(older) as stream:
        names = [value.name for value in stream.devices["0000:00:01.3/piix4_pm"]]
        assert "acpi_pci_hotplug.acpi_index" not in names
    made, _ = ruled(older, "pc-i440fx-10.0")
    with migstream.open(made) as stream:
        assert stream.devices["0000:00:01.3/piix4_pm"]["acpi_pci_hotplug.acpi_index"].raw == bytes(
            4
        )
        labels = [item.label for item in stream.items]
        at = labels.index("command")
        assert labels[at - 1 : at + 2] == ["part", "command", "end"]


def test_the_trap_of_qemu_8_0(named_sample: Named) -> None:
    """It had the mask under older machine types too: other releases refuse what it saved."""
    raw = named_sample(Q35).read()
    saved, done = ruled(raw, qemu=(8, 0))
    assert done == ["pcie-err-unc-mask"]
    assert ruled(saved, qemu=(8, 0, 2)) == (saved, [])
    assert ruled(saved, qemu=(8, 1)) == (raw, done)
    assert ruled(saved, qemu=(7, 2)) == (raw, done)
    assert ruled(saved) == (raw, done)


@pytest.mark.parametrize(
    ("name", "machine", "why"),
    [
        (PC, "pc-q35-7.2", "another machine"),
        (PC, "pc-i440fx", "another machine|which version"),
        ("none-7.2.mig", None, "which version"),
        ("pc-2.3-7.2.mig", None, "no configuration section"),
    ],
)
def test_what_is_refused(name: str, machine: str | None, why: str, named_sample: Named) -> None:
    with migstream.open(named_sample(name).path) as stream, pytest.raises(Unsupported, match=why):
        apply(Edit(stream).bench, machine)


# --- the command -------------------------------------------------------------------------------


def test_the_command_says_what_it_did(named_sample: Named, tmp_path: Path) -> None:
    out = tmp_path / "out"
    sample = named_sample(PC)
    words = ["convert", str(sample.path), "-o", str(out), "--to-machine", "pc-i440fx-5.2"]
    done = CliRunner().invoke(cli, words)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "rules: pckbd-extended-state, piix4-acpi-index" in done.stdout
    assert "pc-i440fx-7.2 -> pc-i440fx-5.2" in done.stdout
    assert "all other devices" in done.stdout
    assert out.read_bytes() == ruled(sample.read(), "pc-i440fx-5.2")[0]
    done = CliRunner().invoke(cli, [*words, "--force", "--json", "--ram", "linear"])
    said = json.loads(done.stdout)
    assert said["rules"] == ["pckbd-extended-state", "piix4-acpi-index"]
    assert {row["what"] for row in said["changes"]} == {"machine", "drop", "piix4-acpi-index"}
    assert said["verified"]
    assert CliRunner().invoke(cli, [*words[:4], "--force", "--to-qemu", "new"]).exit_code == 2


def test_with_memory_and_description_at_once(named_sample: Named, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ["--ram", "mapped", "--to-machine", "pc-i440fx-10.0", "--to-qemu", "10.0"]
    bare, full = named_sample("pc-novmdesc-7.2.mig").path, named_sample(PC).path
    done = CliRunner().invoke(
        cli, ["convert", str(bare), "-o", str(out), "--like", str(full), *words]
    )
    assert (done.exit_code, done.stderr) == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    with migstream.open(out) as stream:
        assert stream.damage == []
        assert stream.machine == "pc-i440fx-10.0"
        assert stream.capabilities == ("mapped-ram",)
        assert stream.description is not None
