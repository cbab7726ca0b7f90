"""Cells of the matrix, tried by real QEMUs: one saves the machine with that device, the other one loads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

from migstream.analysis.compat.matrix import Fault, Subject, Transition
from migstream.catalogue.build.devices import ROOM, Job, Slot
from migstream.catalogue.build.helpers import PARENTS, device_words, needs_memory_slots
from migstream.catalogue.files import Catalogue
from migstream.catalogue.model import Type
from migstream.errors import QemuError
from migstream.qemu.ask import save
from migstream.qemu.load import Verdict, load
from support.loads import REASONS

__all__ = ["Cell", "agrees", "sample", "try_cell"]

SLOT = Slot("addr=10", ":10.0")
MEMORY = ("32", "256", "1024")  # MiB, the first with which a machine starts
SHORT = 20.0  # seconds for a load
# What a device takes from its host, which differs between the roots of two QEMUs.
MORE = {"virtio-mem-pci": ("block-size=2M",)}


class Cell(NamedTuple):
    """One load: `faults` are why it is foretold to fail, none where it is to load."""

    source: str
    destination: str
    machine: str
    subject: Subject
    faults: tuple[Fault, ...]


def cells(one: Transition, types: Mapping[str, Type]) -> Iterator[Cell]:
    """Every cell whose verdict is about its own subject: not where the machine, or what the device is put on, fails itself."""
    fails = {
        (row.device, machine): cell.faults
        for row in one.rows
        for cell in row.cells
        if cell.verdict == "fails"
        for machine in cell.machines
    }
    for row in one.rows:
        if any(fault.kind == "value" for fault in row.depends):
            continue  # on chance
        own = {
            m: cell.faults for cell in row.cells for m in cell.machines if cell.verdict == "fails"
        }
        below = {""} if row.device else set()
        if row.device and types[row.device].bus in PARENTS:
            below |= {word.partition(",")[0] for word in PARENTS[types[row.device].bus][0]}
        for machine in row.machines:
            if not any((name, machine) in fails for name in below):
                subject = Subject(row.device, row.where)
                faults = own.get(machine, ())
                yield Cell(one.source, one.destination, machine, subject, faults)


def sample(one: Transition, types: Mapping[str, Type], number: int, seed: int) -> list[Cell]:
    """Cells by chance, half of them such as are foretold to fail, as far as there are so many.

    Parameters
    ----------
    types : device types of the source
    """
    chance = Random(f"{seed} {one.architecture} {one.source} {one.destination}")  # noqa: S311
    every = [*cells(one, types)]
    failing = [cell for cell in every if cell.faults]
    chance.shuffle(failing)
    seen: Counter[str] = Counter()
    ranked = []
    for cell in failing:  # of each device that fails one, before there is a second one of any
        ranked.append((seen[cell.subject.device], cell))
        seen[cell.subject.device] += 1
    chosen = [cell for _, cell in sorted(ranked, key=lambda pair: pair[0])][: number // 2]
    fine = [cell for cell in every if not cell.faults]
    return chosen + chance.sample(fine, min(number - len(chosen), len(fine)))


def _arguments(catalogue: Catalogue, cell: Cell, memory: str) -> list[str]:
    """The command line of a machine that has what the cell is about, with its backends."""
    device, where = cell.subject
    start = ["-nodefaults", "-M", cell.machine, "-m", memory]
    if not device:
        return [*start, "-accel", where]
    types = catalogue.about.types
    kind = types[device]
    more = MORE.get(device, ())
    words: list[str] = [*ROOM] if needs_memory_slots(device) else []
    if kind.bus == "PCI":
        behind = (where, types[where]) if where else None
        return [*start, *words, *Job(device, kind, more, behind).words(0, SLOT)]
    parents = PARENTS.get(kind.bus)
    parent = [] if parents is None else [*parents[0]]
    on = () if parents is None else ("bus=parent.0",)
    return [*start, *words, *parent, *device_words(device, kind, 0, (*on, *more))]


def try_cell(
    source: tuple[Sequence[str], Catalogue],
    destination: tuple[Sequence[str], Catalogue],
    cell: Cell,
    folder: Path,
) -> Verdict | None:
    """What the destination does; None where the source does not start or save itself, or the destination not start."""
    path = folder / "cell.mig"
    for memory in MEMORY:
        path.unlink(missing_ok=True)
        try:
            save(source[0], _arguments(source[1], cell, memory), path)
        except QemuError:
            continue
        try:
            return load(
                destination[0], _arguments(destination[1], cell, memory), path, patience=SHORT
            )
        except QemuError:
            return None
    return None


def agrees(cell: Cell, verdict: Verdict) -> str:
    """Nothing, or in what the cell is wrong: the verdict, the device, or the kind of reason."""
    if verdict.accepted != (not cell.faults):
        return f"QEMU {'takes it' if verdict.accepted else 'says: ' + verdict.said}; here: {cell.faults}"
    if not cell.faults:
        return ""
    if "Assertion" in verdict.said:
        return ""  # which names no device
    first = cell.faults[0]
    kinds = next((kinds for words, kinds in REASONS if words in verdict.said), None)
    if kinds is not None and first.kind not in kinds:
        return f"{first.kind}: {verdict.said}"
    if f"{first.section}'" not in verdict.said and "device '" in verdict.said:
        return f"{first.section}: {verdict.said}"
    return ""
