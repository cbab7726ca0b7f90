"""`compat` of two QEMU binaries: every machine type that both have, saved by one, played for the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from fnmatch import fnmatchcase
from pathlib import Path
from threading import get_ident
from typing import TYPE_CHECKING

import msgspec

from migstream.analysis.compat.destination import Destination
from migstream.analysis.compat.load import compat
from migstream.analysis.compat.model import Report
from migstream.analysis.compat.offered import Offered
from migstream.analysis.compat.schemas import SchemaReport, check_schemas
from migstream.errors import NoSuchPath, QemuError
from migstream.names import brief
from migstream.qemu.ask import machines, save, schema
from migstream.qemu.child import end_children
from migstream.qemu.load import Verdict, load
from migstream.qemu.release import Version
from migstream.source.temporary import temporary_folder
from migstream.stream import open_stream
from migstream.vmstate.schema import Schema, open_schema

if TYPE_CHECKING:
    from migstream.analysis.compat.breaks import Break

__all__ = ["BinariesReport", "MachineReport", "Side", "compat_machines"]

AT_ONCE = 2  # QEMUs
BETWEEN = 0.02  # seconds


class Side(msgspec.Struct, frozen=True):
    """A QEMU: how it is started, and what each of its machines is started with."""

    command: tuple[str, ...]
    arguments: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What to call it."""
        return " ".join(self.command)

    def start(self, machine: str) -> list[str]:
        """Arguments for that machine type."""
        return ["-machine", machine, *self.arguments]


class MachineReport(msgspec.Struct, frozen=True, kw_only=True):
    """One machine type.

    Parameters
    ----------
    report : the load of its stream, played; None where one side does not start
    said : why it does not, in QEMU's words
    tried : what the destination did when it was given the stream, where that was asked for
    """

    machine: str
    report: Report | None = None
    said: str = ""
    tried: Verdict | None = None

    def __repr__(self) -> str:
        word = "accepted" if self.accepted else "refused"
        return brief("MachineReport", self.machine, self.said or word)

    @property
    def accepted(self) -> bool:
        """Whether the destination took the stream, or would."""
        if self.tried is not None:
            return self.tried.accepted
        return self.report is None or self.report.accepted


class BinariesReport(msgspec.Struct, frozen=True, kw_only=True):
    """Two binaries.

    `gone` and `new` are machine types that only the source or only the destination has; `schemas`
    compares the devices of the two, whether or not a machine has them.
    """

    source: str
    destination: str
    machines: tuple[MachineReport, ...]
    gone: tuple[str, ...]
    new: tuple[str, ...]
    schemas: SchemaReport

    def __repr__(self) -> str:
        refused = sum(not machine.accepted for machine in self.machines)
        found = f"{len(self.machines)} machines, {refused} refused"
        return brief("BinariesReport", self.source, "to", f"{self.destination}:", found)

    @property
    def exit_status(self) -> int:
        """1 where the stream of any machine would be refused."""
        return int(not all(machine.accepted for machine in self.machines))


def compat_machines(
    source: Side,
    destination: Side,
    wanted: Sequence[str] = (),
    breaks: Iterable[Break] = (),
    *,
    verify: bool = False,
    done: Callable[[int, int], None] = lambda _done, _all: None,
) -> BinariesReport:
    """Play the load of every common machine type's own stream, as it is after a reset.

    Parameters
    ----------
    wanted : machine types, wildcards as in a shell; all where empty
    breaks : problems that are accepted
    verify : give each stream to the destination, too
    done : told after each machine how many of how many are done

    Raises
    ------
    QemuError : one of the two does not start at all
    NoSuchPath : none of the machine types is `wanted`
    """
    ours, theirs = machines(source.command), machines(destination.command)
    chosen = _chosen(ours, wanted)
    if not chosen:
        raise NoSuchPath(
            f"{source.name} has no machine type {' or '.join(wanted)}",
            hint=f"{source.name} -machine help lists them",
        )
    common = [m for m in chosen if m in theirs]
    breaks = tuple(breaks)
    with temporary_folder() as folder:
        there = _schema(destination, folder / "destination.json")
        schemas = check_schemas(_schema(source, folder / "source.json"), there)

        def play(machine: str) -> MachineReport:
            return _machine(source, destination, there, machine, breaks, verify=verify)

        reports: list[MachineReport] = []
        for report in _at_once(play, common):
            reports.append(report)
            done(len(reports), len(common))
    return BinariesReport(
        source=source.name,
        destination=destination.name,
        machines=tuple(reports),
        gone=tuple(m for m in chosen if m not in theirs),
        new=tuple(m for m in _chosen(theirs, wanted) if m not in ours),
        schemas=schemas,
    )


def _at_once(
    play: Callable[[str], MachineReport], machines: Sequence[str]
) -> Iterator[MachineReport]:
    """The report of each, in their order; what runs is ended where the caller is."""
    threads: set[int] = set()
    with ThreadPoolExecutor(AT_ONCE, initializer=lambda: threads.add(get_ident())) as pool:
        waiting = [pool.submit(play, machine) for machine in machines]
        try:
            for report in waiting:
                yield report.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            while wait(waiting, timeout=BETWEEN).not_done:  # each may start one after another
                end_children(threads)
            raise


def _chosen(machines: Iterable[str], wanted: Sequence[str]) -> list[str]:
    """Those that one of the wildcards covers; all where there are none."""
    return [m for m in machines if not wanted or any(fnmatchcase(m, glob) for glob in wanted)]


def _schema(side: Side, path: Path) -> Schema:
    """All devices that the binary has, which no machine type changes (hence none is started).

    References
    ----------
    QEMU, migration/savevm.c: dump_vmstate_json_to_file (every type that is a TYPE_DEVICE)
    """
    schema(side.command, ["-machine", "none"], path)
    found = open_schema(path)
    found.name = side.name
    return found


def _machine(
    source: Side,
    destination: Side,
    there: Schema,
    machine: str,
    breaks: tuple[Break, ...],
    *,
    verify: bool,
) -> MachineReport:
    tried = None
    with temporary_folder() as folder:
        ours, theirs = folder / "source.mig", folder / "destination.mig"
        try:
            save(source.command, source.start(machine), ours)
            release: Version = save(destination.command, destination.start(machine), theirs)
            if verify:
                tried = load(destination.command, destination.start(machine), ours)
        except QemuError as error:
            return MachineReport(machine=machine, said=error.message)
        with open_stream(ours) as stream, open_stream(theirs) as other:
            offered = Offered(destination.command, destination.start(machine), theirs)
            to = Destination(there, other, release, destination.name, offered)
            report = compat(stream, to, breaks)
    report = msgspec.structs.replace(report, file=machine)
    return MachineReport(machine=machine, report=report, tried=tried)
