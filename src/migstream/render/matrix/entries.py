"""What breaks from one release to another, with devices and machine types together to which the same happens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Literal, NamedTuple

from migstream.analysis.compat.matrix import Fault, Row, Transition
from migstream.qemu.release import machine_version

__all__ = [
    "WHERE",
    "Entry",
    "blamed",
    "depending",
    "entries",
    "name_of",
    "place",
    "ranges",
    "short",
]

Verdict = Literal["fails", "loses", "depends"]
ITSELF = "the machine itself"
# Where a device is, or by which accelerator a machine runs, in words.
WHERE = {"": "on the root bus", "tcg": "under TCG", "kvm": "under KVM"}


class Entry(NamedTuple):
    """What happens to some devices on some machine types.

    `where` is empty where it happens wherever the devices are; `every` is whether the machine types are all that have them.
    """

    verdict: Verdict
    devices: tuple[str, ...]
    where: tuple[str, ...]
    machines: tuple[str, ...]
    every: bool
    faults: tuple[Fault, ...]


def entries(one: Transition) -> list[Entry]:
    """What does not load, then what loses state; the machine itself before its devices."""
    found: dict[Entry, list[str]] = {}
    for device, rows in groupby(one.rows, lambda row: row.device):
        for entry in _of_device([*rows]):
            found.setdefault(entry, []).append(device)
    made = [entry._replace(devices=tuple(devices)) for entry, devices in found.items()]
    return sorted(made, key=lambda entry: (entry.verdict, entry.devices[0] != "", entry.devices))


def _of_device(rows: Sequence[Row]) -> Iterator[Entry]:
    """The entries of one device, without its name."""
    has: dict[str, set[str]] = {}
    happens: dict[str, dict[tuple[Verdict, tuple[Fault, ...]], list[str]]] = {}
    for row in rows:
        for machine in row.machines:
            has.setdefault(machine, set()).add(row.where)
        for cell in row.cells:
            for machine in cell.machines:
                what = happens.setdefault(machine, {}).setdefault((cell.verdict, cell.faults), [])
                what.append(row.where)
    together: dict[tuple[Verdict, tuple[str, ...], tuple[Fault, ...]], list[str]] = {}
    for machine, wheres in has.items():  # in the order of the rows' machines
        for (verdict, faults), some in happens.get(machine, {}).items():
            everywhere = set(some) == wheres
            key = verdict, () if everywhere else tuple(some), faults
            together.setdefault(key, []).append(machine)
    for (verdict, where, faults), machines in together.items():
        every = len(machines) == len(has)
        yield Entry(verdict, (), where, tuple(machines), every, faults)


def depending(one: Transition) -> list[Entry]:
    """What a guest can have that its device's state after reset does not have, and that would not load."""
    found: dict[tuple[Fault, ...], dict[str, tuple[str, ...]]] = {}
    for row in one.rows:
        if row.depends:
            found.setdefault(row.depends, {}).setdefault(row.device, row.machines)
    made = [
        Entry("depends", tuple(devices), (), next(iter(devices.values())), True, faults)
        for faults, devices in found.items()
    ]
    return sorted(made, key=lambda entry: entry.devices)


def name_of(device: str) -> str:
    """What a device is called."""
    return device or ITSELF


def place(entry: Entry) -> str:
    """Where the devices of an entry are, in words; nothing where they can be anywhere."""
    return ", ".join(WHERE.get(one, f"behind {one}") for one in entry.where)


def blamed(entry: Entry) -> list[tuple[str, Fault]]:
    """What is to blame, section and field, with the fault; fields of which the same is said are together."""
    together: dict[tuple[str, str, str], list[Fault]] = {}
    for fault in entry.faults:
        together.setdefault((fault.kind, fault.section, fault.message), []).append(fault)
    return [(_fields(some), some[0]) for some in together.values()]


def _fields(some: Sequence[Fault]) -> str:
    fields = ", ".join(fault.field for fault in some if fault.field)
    return "/".join(part for part in (some[0].section, fields) if part)


def ranges(some: Sequence[str], known: Sequence[str]) -> list[str]:
    """Machine types in words, those that follow each other as one: `pc-q35-5.2 to 7.2`.

    Parameters
    ----------
    known : all that there are, by family and version
    """
    at = {name: number for number, name in enumerate(known)}
    found: list[list[str]] = []
    for name in sorted(some, key=at.__getitem__):
        last = found[-1][-1] if found else None
        follows = last is not None and at[last] + 1 == at[name]
        if follows and last is not None and machine_version(last)[0] == machine_version(name)[0]:
            found[-1].append(name)
        else:
            found.append([name])
    return [_run(run) for run in found]


def _run(run: Sequence[str]) -> str:
    if len(run) == 1:
        return run[0]
    stem, _ = machine_version(run[-1])
    between = "to" if len(run) > 2 else "and"
    return f"{run[0]} {between} {run[-1].removeprefix(f'{stem}-')}"


def short(release: str) -> str:
    """A release without the number that only corrects it: `7.2` of `7.2.22`."""
    return ".".join(release.split(".")[:2])
