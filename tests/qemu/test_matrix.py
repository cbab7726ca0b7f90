"""The matrix against real QEMUs: a sample of its cells, saved by one that is installed and loaded by another one, or by itself."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from migstream.analysis.compat.matrix import transition
from migstream.catalogue.files import Catalogue
from migstream.catalogue.shelf import on_shelf
from support.cells import Cell, agrees, sample, try_cell
from support.lacking import lacks
from support.qemu import Binary, find

SEED = int(os.environ.get("MIGSTREAM_SEED", "1"))
CELLS = 12  # of each pair
LONGEST = 15.0  # seconds, after which no other cell is begun

pytestmark = pytest.mark.qemu


def _installed() -> list[tuple[Binary, Catalogue]]:
    """QEMUs of which there is a catalogue, of that release exactly."""
    known = {
        ".".join(map(str, one.index.release)): one
        for one in on_shelf()
        if one.index.target == "x86_64"
    }
    binaries = [one for one in find("qemu-system-x86_64") if one.version in known]
    return [(one, known[one.version]) for one in binaries]


def test_a_sample_of_cells_is_as_real_qemus_do(tmp_path: Path) -> None:
    """Where one QEMU is installed, it loads its own machines: what no load of its own survives is in the sample, too."""
    print(f"seed {SEED}")
    installed = _installed()
    if not installed:
        lacks("no QEMU of a release that a catalogue has")
    end = time.monotonic() + LONGEST
    tried = 0
    wrong: list[Cell] = []
    alarms: list[Cell] = []
    pairs = [(one, other) for one in installed for other in installed if one is not other]
    for (binary, source), (other, destination) in pairs or [(installed[0], installed[0])]:
        one = transition(source, destination, ["pc-i440fx-7.2", "pc-q35-5.2"])
        for cell in sample(one, source.about.types, CELLS, SEED):
            if time.monotonic() > end:
                break
            verdict = try_cell(
                (binary.command, source), (other.command, destination), cell, tmp_path
            )
            if verdict is None:
                continue
            tried += 1
            if why := agrees(cell, verdict):
                print(cell.source, cell.destination, cell.machine, *cell.subject, why)
                (alarms if verdict.accepted else wrong).append(cell)
    print(f"{tried - len(wrong) - len(alarms)} of {tried} cells agree")
    assert tried
    assert not alarms
    assert len(wrong) <= 0.03 * tried
