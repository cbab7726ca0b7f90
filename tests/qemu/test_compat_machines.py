"""Two QEMU binaries, every machine type: what `compat` predicts is what the destination does."""

from __future__ import annotations

import gzip
import json
import stat
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from migstream.analysis.compat.machines import BinariesReport, Side, compat_machines
from migstream.cli.group import cli
from migstream.errors import NoSuchPath, QemuError
from migstream.qemu.ask import machines
from support.qemu import Binary, find, own
from support.samples import Sample

pytestmark = pytest.mark.qemu

BINARIES = find("qemu-system-x86_64")
OWN = next((b for b in BINARIES if b.root is None), None)
needs_one = pytest.mark.skipif(OWN is None, reason="no QEMU of the system's own")
FEW = ["isapc", "microvm", "pc-i440fx-7.2", "pc-q35-7.2"]


def _script(folder: Path, name: str, body: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/bash\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def _disagreements(report: BinariesReport) -> list[str]:
    """Machine types of which the prediction was wrong."""
    return [
        f"{m.machine}: predicted {m.report.accepted}, QEMU: {m.tried.said or 'accepted'}"
        for m in report.machines
        if m.report is not None and m.tried is not None and m.report.accepted != m.tried.accepted
    ]


@needs_one
def test_a_binary_takes_its_own_machines() -> None:
    assert OWN is not None
    side = Side((OWN.name,), ("-m", "16"))
    report = compat_machines(side, side, ["pc-i440fx-7.*", "pc-q35-7.*"], verify=True)
    assert len(report.machines) > 3
    assert all(m.report is not None for m in report.machines)
    assert not _disagreements(report)
    assert report.exit_status == 0
    assert not report.schemas.complaints
    assert not report.gone
    assert not report.new


@needs_one
def test_another_command_line_is_refused(tmp_path: Path) -> None:
    """Source and destination differ by a device, which is all that is wrong."""
    assert OWN is not None
    body = f"""[[ "$*" =~ -(M|machine)\\ none ]] || more="-device e1000,romfile="
exec {OWN.name} "$@" $more"""
    other = str(_script(tmp_path, "other", body))
    command = ["compat", "--from-qemu", other, "--to-qemu", OWN.name, "--machine", "pc-q35-7.2"]
    run = CliRunner().invoke(cli, [*command, "--try", "--json", "--", "-m", "16", "-nodefaults"])
    assert run.exit_code == 1, run.output
    (row,) = json.loads(run.output)["machines"]
    assert row["accepted"] is False
    problem = row["report"]["problems"][0]
    assert problem["kind"] == "section"
    assert problem["device"].endswith("e1000[0]")
    tried = row["report"]["tried"]["said"]
    assert any(line.endswith(problem["said"][0]) for line in tried)
    text = CliRunner().invoke(cli, [*command, "--", "-m", "16", "-nodefaults"]).output
    assert "FAILS" in text
    assert "of 1 machine types 0 load, 1 do not" in text


@needs_one
def test_machines_that_do_not_start_are_said() -> None:
    assert OWN is not None
    side = Side((OWN.name,), ("-device", "no-such-device"))
    report = compat_machines(side, side, ["pc-q35-7.2"])
    assert report.machines[0].report is None
    assert "no-such-device" in report.machines[0].said
    with pytest.raises(NoSuchPath):
        compat_machines(side, side, ["no-such-machine"])
    with pytest.raises(QemuError):
        compat_machines(Side(("false",)), side)


@needs_one
def test_machines_in_the_order_of_their_versions() -> None:
    assert OWN is not None
    found = [m for m in machines((OWN.name,)) if m.startswith("pc-i440fx-")]
    versions = [tuple(map(int, m.rpartition("-")[2].split("."))) for m in found]
    assert versions == sorted(versions)
    assert len(versions) > 5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "destination"),
    [pair for one in pairwise(BINARIES) for pair in (one, one[::-1])],
    ids=str,
)
def test_predictions_are_what_qemu_does(
    source: Binary, destination: Binary, tmp_path: Path
) -> None:
    ours, theirs = (Side(tuple(binary.command)) for binary in (source, destination))
    report = compat_machines(ours, theirs, FEW, verify=True)
    assert report.machines
    assert not _disagreements(report)
    said = [m for m in report.machines if m.tried is not None and not m.tried.accepted]
    for one in said:
        assert one.report is not None
        assert one.report.first is not None
        assert one.tried is not None
        assert one.report.first.said[0] in one.tried.said


@needs_one
def test_a_stream_is_given_to_the_qemu(named_sample: Callable[[str], Sample]) -> None:
    assert OWN is not None
    path = str(named_sample("none-7.2.mig").path)
    command = ["compat", path, "--to-qemu", OWN.name, "--try", "--json", "--"]
    run = CliRunner().invoke(cli, [*command, "-M", "none"])
    table = json.loads(run.output)
    assert table["tried"]["accepted"] is table["accepted"], run.output
    run = CliRunner().invoke(cli, [*command, "-M", "pc"])
    table = json.loads(run.output)
    assert run.exit_code == 1
    assert table["tried"]["accepted"] is False


@needs_one
def test_a_compressed_stream_is_given_to_the_qemu(
    named_sample: Callable[[str], Sample], tmp_path: Path
) -> None:
    assert OWN is not None
    packed = tmp_path / "stream.mig.gz"
    packed.write_bytes(gzip.compress(named_sample("none-7.2.mig").path.read_bytes()))
    run = CliRunner().invoke(
        cli, ["compat", str(packed), "--to-qemu", OWN.name, "--try", "--json", "--", "-M", "none"]
    )
    assert run.exit_code in {0, 1}, run.output
    assert json.loads(run.output)["tried"]["accepted"] is (run.exit_code == 0)


@pytest.mark.parametrize(
    "words",
    [
        ["--from-qemu", "a"],
        ["--from-qemu", "a", "--to-qemu", "b", "--to", "c.json"],
        ["x.mig", "--machine", "pc", "--to", "c.json"],
        ["x.mig", "--try", "--to", "c.json"],
        ["x.mig", "--to", "c.json", "--", "-m", "16"],
    ],
)
def test_wrong_usage(words: list[str]) -> None:
    assert CliRunner().invoke(cli, ["compat", *words]).exit_code == 2


def test_without_the_library_a_hint_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "qemu.qmp", None)
    run = CliRunner().invoke(cli, ["compat", "--from-qemu", "a", "--to-qemu", "b"])
    assert run.exit_code == 5
    assert "migstream[qemu]" in run.stderr


@pytest.mark.parametrize("name", ["qemu-system-ppc", "qemu-system-ppc64"])
def test_an_embedded_powerpc(name: str) -> None:
    """Its TLB has entries of two sizes, and 7.2 calls it by another one's name: its own stream is refused."""
    side = Side((own(name).name,))
    report = compat_machines(side, side, ["bamboo"], verify=True)
    assert report.machines[0].tried is not None
    assert not _disagreements(report)
