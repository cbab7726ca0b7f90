"""Does what one release saves load in another: every machine type and device that both have.

A device is played alone, as its machine has it after reset, on the root bus and behind bridges; a machine is played as it is
without devices. Most machine types have the same states of a device, and what is alike is played once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from hashlib import blake2b
from itertools import groupby, permutations
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from migstream.analysis.compat.damage import fatal
from migstream.analysis.compat.destination import Destination
from migstream.analysis.compat.isavga import HINT
from migstream.analysis.compat.load import compat
from migstream.analysis.compat.model import Kind
from migstream.analysis.compat.schemas import check_schemas
from migstream.catalogue.arguments import Part, Wanted
from migstream.catalogue.build.devices import INNER
from migstream.catalogue.build.make import EXPRESS
from migstream.catalogue.changes import Machine
from migstream.catalogue.compose import alone
from migstream.catalogue.written import stream_of
from migstream.machine.isavga import REGISTER, foreign_flag
from migstream.qemu.release import machine_version
from migstream.stream import open_stream

if TYPE_CHECKING:
    from migstream.analysis.compat.model import Report
    from migstream.catalogue.files import Catalogue
    from migstream.catalogue.model import Family, Image
    from migstream.qemu.release import Version
    from migstream.stream import Stream
    from migstream.vmstate.schema import Schema

__all__ = [
    "Cell",
    "Fault",
    "Row",
    "Subject",
    "Transition",
    "fits",
    "subjects",
    "transition",
    "transitions",
]

PCI = "PCI"
ACCELERATORS = ("tcg", "kvm")
SLOT = "10"  # in which a device, or the bridge before it, is played
BRIDGE = "bridge"
ROOM = 1 << 20  # bytes of guest memory
# The address of what is in that slot, or behind a bridge in it, at the beginning of a name.
PLACE = re.compile(rf"[^\s/]*:{SLOT}\.0(:[0-9a-f]{{2}}\.[0-7])?/")
# Complaints about what is inside of a state that both have, by the kind of problem that they can come to.
INSIDE: dict[str, Kind] = {"version": "version", "fields": "fields", "subsection": "subsection"}
HERE = f"0000:00:{SLOT}.0/"
BACKEND = re.compile(r"(^|/)m\d+$")  # of memory, as a catalogue's builder calls it
# What virtio-mem takes from the host where no option says it: the size of its transparent huge pages.
OF_THE_HOST = re.compile(r"Property 'block-size' changed")
NUMBER = re.compile(r"\[\d+\]$")


class Subject(NamedTuple):
    """What is played: a device type, or the machine itself where `device` is empty.

    `where` is the bridge that the device is behind, nothing for the root bus and for devices of other buses; of a machine it is
    the accelerator.
    """

    device: str
    where: str

    @property
    def words(self) -> list[str]:
        """The arguments of a QEMU that has it."""
        if not self.device:
            return ["-accel", self.where]
        return [word for part in self.parts for word in ("-device", _option(part))]

    @property
    def parts(self) -> list[Part]:
        """The devices that make it."""
        if not self.device:
            return []
        if not self.where:
            return [Part(self.device, {"addr": SLOT})]
        behind = {"bus": BRIDGE, "addr": str(INNER[self.where])}
        return [
            Part(self.where, {"id": BRIDGE, "addr": SLOT, "chassis": "1"}),
            Part(self.device, behind),
        ]


def _option(part: Part) -> str:
    return ",".join([part.driver, *(f"{name}={value}" for name, value in part.properties.items())])


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Why a state does not load, or what of it is lost.

    Parameters
    ----------
    kind : as of a problem of `compat`; "fields" of what is lost
    section : the name of the section, without the place of the device; "ram" for RAM blocks, empty for the stream itself
    field : inside of the section, or the RAM block; empty where it is the whole
    message : what differs, in one line
    hint : what to do, empty where there is nothing
    """

    kind: Kind
    section: str
    field: str
    message: str
    hint: str

    def same(self, other: Fault) -> bool:
        """Whether both are of one field."""
        return (self.section, self.field) == (other.section, other.field)


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """Machine types with which the same happens: the load "fails", or "loses" state; QEMU ends with the first fault."""

    verdict: Literal["fails", "loses"]
    machines: tuple[str, ...]
    faults: tuple[Fault, ...]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One subject on every machine type that has it on both sides.

    Parameters
    ----------
    device, where : the subject
    machines : that have it; those in no cell load
    cells : those that do not
    depends : differences in what both declare that a state after reset does not have: a guest can have it
    """

    device: str
    where: str
    machines: tuple[str, ...]
    cells: tuple[Cell, ...]
    depends: tuple[Fault, ...]


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """From one release to another.

    Parameters
    ----------
    architecture : of the binaries
    source, destination : releases, "7.2.22"
    machines : machine types of both, by family and version
    gone, new : machine types that only the source has, or only the destination
    gone_devices : device types that one of `machines` can have on the source, and that the destination does not know
    rows : what both have
    """

    architecture: str
    source: str
    destination: str
    machines: tuple[str, ...]
    gone: tuple[str, ...]
    new: tuple[str, ...]
    gone_devices: tuple[str, ...]
    rows: tuple[Row, ...]


def transitions(
    catalogues: Iterable[Catalogue],
    machines: Sequence[str] = (),
    devices: Sequence[str] = (),
    wanted: Callable[[Version, Version], bool] = lambda _from, _to: True,
    done: Callable[[int, int], None] = lambda _done, _all: None,
) -> Iterator[Transition]:
    """Each ordered pair of releases of each architecture: old to new first.

    Parameters
    ----------
    catalogues : the first one of a release and an architecture counts
    machines, devices : only these, wildcards as in a shell; of pairs that have none such in common nothing is told
    wanted : whether a pair is, by its releases (10, 0)
    done : told after each pair how many of how many are done
    """
    known: dict[tuple[str, tuple[int, ...]], Catalogue] = {}
    for one in catalogues:
        known.setdefault((one.index.target, one.index.release[:2]), one)
    ordered = [known[key] for key in sorted(known)]
    pairs: list[tuple[Catalogue, Catalogue]] = []
    for _, same in groupby(ordered, key=lambda one: one.index.target):
        both = list(permutations(same, 2))
        pairs += sorted(both, key=lambda pair: pair[0].index.release > pair[1].index.release)
    pairs = [pair for pair in pairs if wanted(*(one.index.release[:2] for one in pair))]
    numbers: dict[bytes, int] = {}
    sides = {id(one): _Side(one, numbers) for one in ordered}
    for number, (one, other) in enumerate(pairs, 1):
        found = _transition(sides[id(one)], sides[id(other)], machines, devices)
        done(number, len(pairs))
        if found.rows or not (machines or devices):
            yield found


def transition(
    source: Catalogue,
    destination: Catalogue,
    machines: Sequence[str] = (),
    devices: Sequence[str] = (),
) -> Transition:
    """What one release saves, played for another one; `machines` and `devices` as of `transitions`."""
    numbers: dict[bytes, int] = {}
    return _transition(_Side(source, numbers), _Side(destination, numbers), machines, devices)


def _transition(
    from_: _Side, to: _Side, machines: Sequence[str], devices: Sequence[str]
) -> Transition:
    source, destination = from_.catalogue, to.catalogue
    ours, theirs = set(source.index.machines), set(destination.index.machines)
    both = [name for name in sorted(ours & theirs, key=_by_version) if fits(name, machines)]
    can = set[str]().union(*(_devices(source, name) for name in both))
    play = _Pair(from_, to)
    found: dict[Subject, dict[str, Played]] = {}
    for name in both:
        for subject in subjects(source, destination, name):
            if fits(subject.device, devices):
                found.setdefault(subject, {})[name] = play.one(subject, name)
    return Transition(
        architecture=source.index.target,
        source=".".join(map(str, source.index.release)),
        destination=".".join(map(str, destination.index.release)),
        machines=tuple(both),
        gone=tuple(m for m in sorted(ours - theirs, key=_by_version) if fits(m, machines)),
        new=tuple(m for m in sorted(theirs - ours, key=_by_version) if fits(m, machines)),
        gone_devices=tuple(
            t for t in sorted(can - destination.about.types.keys()) if fits(t, devices)
        ),
        rows=tuple(play.row(subject, found[subject]) for subject in sorted(found)),
    )


def fits(name: str, globs: Sequence[str]) -> bool:
    """Whether one of the wildcards covers a name; where there are none, every one is."""
    return not globs or any(fnmatchcase(name, glob) for glob in globs)


def _by_version(machine: str) -> tuple[str, tuple[int, ...], str]:
    stem, version = machine_version(machine)
    return stem, version or (), machine


def subjects(source: Catalogue, destination: Catalogue, machine: str) -> Iterator[Subject]:
    """What a machine type that both have is, or can be given, on either side."""
    images = [one.family(machine).images[machine] for one in (source, destination)]
    sides = [one.others(machine) for one in (source, destination)]
    for accelerator in ACCELERATORS:
        if all(accelerator in forms for forms in images):
            yield Subject("", accelerator)
    for device in sorted(_devices(source, machine) & _devices(destination, machine)):
        yield Subject(device, "")
        for bridge in INNER:
            if all(_put(family, machine, device, bridge) for family in sides):
                yield Subject(device, bridge)


def _devices(catalogue: Catalogue, machine: str) -> set[str]:
    """Device types that a machine type was made with; those that are not on PCI were tried on the newest one."""
    family = catalogue.others(machine)
    newest = family.devices.get(family.newest, {})
    own = family.devices.get(machine, newest)
    types = catalogue.about.types
    elsewhere = (name for name in newest if name in types and types[name].bus != PCI)
    return {*own, *elsewhere} & types.keys()


def _put(family: Family, machine: str, device: str, bridge: str) -> bool:
    """Whether it is known what a device is behind a bridge, where it is another thing than on the root bus."""
    if bridge == EXPRESS and machine != family.newest:
        return device in family.behind.get(bridge, {}).get(machine, {})
    return f"bus={bridge}" in family.options.get(device, {})


class Played(NamedTuple):
    """A load that was played: its faults, whether it fails by them, the VMStates that were sent, what depends on chance."""

    faults: tuple[Fault, ...]
    fails: bool
    states: frozenset[str]
    chance: tuple[Fault, ...]


class _Side:
    """What a release has of each subject; what is equal has one number among all sides."""

    def __init__(self, catalogue: Catalogue, numbers: dict[bytes, int]) -> None:
        self.catalogue = catalogue
        self._numbers = numbers
        self._known: dict[tuple[Subject, str], int] = {}

    def number(self, subject: Subject, machine: str) -> int:
        """What is equal on two machine types but for their names has the same number."""
        key = subject, machine
        if key not in self._known:
            whole = _contents(self.machine(subject, machine), machine)
            self._known[key] = self._numbers.setdefault(whole, len(self._numbers))
        return self._known[key]

    def machine(self, subject: Subject, machine: str) -> Machine:
        """The machine itself, or one that has nothing but a device, and some memory."""
        family = self.catalogue.family(machine)
        if not subject.device:
            return Machine(family.images[machine][subject.where], self.catalogue.states)
        wanted = Wanted(machine=machine, defaults=False, parts=subject.parts)
        made = alone(self.catalogue, wanted, _frame(family.images[machine]["tcg"]))
        if subject.where:
            for key in [key for key in made.sections if f":{SLOT}.0/" in key[0]]:
                del made.sections[key]
        # it is in one place on both sides, and backends are called as somebody likes
        sections = {(PLACE.sub(HERE, n), i): state for (n, i), state in made.sections.items()}
        made.early = {(PLACE.sub(HERE, name), number) for name, number in made.early}
        made.sections = sections
        made.blocks = {
            BACKEND.sub(r"\1backend", PLACE.sub(HERE, n)): s for n, s in made.blocks.items()
        }
        return made


def _frame(image: Image) -> Image:
    return msgspec.structs.replace(
        image, switchover=False, blocks={"ram": ROOM}, live=(), sections=()
    )


class _Pair:
    """Plays from one release to another, each kept by what both sides have."""

    def __init__(self, source: _Side, destination: _Side) -> None:
        self.source, self.destination = source, destination
        self._played: dict[tuple[int, int], Played] = {}
        self._complaints = _complaints(source.catalogue.schema, destination.catalogue.schema)

    def one(self, subject: Subject, machine: str) -> Played:
        """The load of one subject on one machine type."""
        key = self.source.number(subject, machine), self.destination.number(subject, machine)
        if key not in self._played:
            sides = (self.source, self.destination)
            ours, theirs = (side.machine(subject, machine) for side in sides)
            if subject.device:  # what is around a device is no matter of it
                for field in ("head", "intro", "footers", "ram_version"):
                    setattr(theirs, field, getattr(ours, field))
            self._played[key] = self._play(ours, theirs)
        return self._played[key]

    def _play(self, ours: Machine, theirs: Machine) -> Played:
        there = self.destination.catalogue
        with open_stream(stream_of(ours)) as stream, open_stream(stream_of(theirs)) as other:
            if fatal(stream) is not None:  # nobody could tell what that QEMU saves
                return Played((), False, frozenset(), ())
            whole = other if fatal(other) is None else None
            to = Destination(there.told, whole, there.index.release[:2])
            report = compat(stream, to)
            states = frozenset(device.value.type for device in stream.devices)
            chance = tuple(_chance(stream, other))
        faults = tuple(f for f in dict.fromkeys(_faults(report)) if not any(map(f.same, chance)))
        return Played(faults, bool(faults) and not report.accepted, states, chance)

    def row(self, subject: Subject, played: dict[str, Played]) -> Row:
        """One subject, machine types with the same outcome together."""
        same: dict[tuple[bool, tuple[Fault, ...]], list[str]] = {}
        for machine, one in played.items():
            if one.faults:
                same.setdefault((one.fails, one.faults), []).append(machine)
        states = frozenset[str]().union(*(one.states for one in played.values()))
        failing = {fault.section for one in played.values() for fault in one.faults}
        return Row(
            device=subject.device,
            where=subject.where,
            machines=tuple(played),
            cells=tuple(
                Cell(verdict="fails" if fails else "loses", machines=tuple(machines), faults=faults)
                for (fails, faults), machines in same.items()
            ),
            depends=(
                *dict.fromkeys(fault for one in played.values() for fault in one.chance),
                *(
                    fault
                    for state in sorted(states)
                    for fault in self._complaints.get(state, ())
                    if fault.field or state not in failing
                ),
            ),
        )


def _complaints(source: Schema, destination: Schema) -> dict[str, list[Fault]]:
    """What the schema checker calls a break inside of a VMState that both have, by its name."""
    found: dict[str, list[Fault]] = {}
    for one in check_schemas(source, destination).breaks:
        state = source.types[one.type].description
        kind = INSIDE.get(one.kind)
        if state is None or kind is None:
            continue
        inner = one.state if one.state != state.name else ""
        fault = Fault(kind=kind, section=state.name, field=inner, message=one.message, hint="")
        known = found.setdefault(state.name, [])
        if fault not in known:
            known.append(fault)
    return found


def _chance(ours: Stream, theirs: Stream) -> Iterator[Fault]:
    """What one stream fails by and the next one does not: the bytes of isa-vga are another object's."""
    if any(foreign_flag(device) is not None for device in theirs.devices):
        for device in ours.devices:
            if foreign_flag(device) is not None:
                yield Fault(
                    kind="value",
                    section=device.name,
                    field=REGISTER,
                    message="the bytes of isa-vga are host memory, and by one bit of them QEMU ends in an assertion or a crash",
                    hint=HINT,
                )


def _contents(machine: Machine, name: str) -> bytes:
    """A digest of all that a machine is but its name."""
    called = len(name).to_bytes(4, "big") + name.encode()
    whole = (
        machine.head.replace(called, b""),
        machine.intro,
        machine.footers,
        machine.switchover,
        machine.ram_version,
        tuple(machine.blocks.items()),
        machine.live,
        tuple((key, state, key in machine.early) for key, state in machine.sections.items()),
    )
    return blake2b(msgspec.msgpack.encode(whole)).digest()


def _faults(report: Report) -> Iterator[Fault]:
    """Problems in QEMU's order; where there are none, what is lost."""
    problems = [one for one in report.problems if OF_THE_HOST.match(one.message) is None]
    for one in problems:
        section, field = _named(one.device, one.path)
        yield Fault(
            kind=one.kind,
            section=section,
            field=field,
            message=PLACE.sub("", one.message),
            hint=PLACE.sub("", one.hint),
        )
    if problems:
        return
    for verdict in report.verdicts:
        for note in verdict.lost:
            section, field = _named(verdict.device, note.path)
            yield Fault(
                kind="fields",
                section=section,
                field=field,
                message=PLACE.sub("", note.message),
                hint="",
            )


def _named(device: str, path: str) -> tuple[str, str]:
    """A section without the place and number of its device, and the path inside of it."""
    field = path.removeprefix(device).lstrip("/")
    section = NUMBER.sub("", PLACE.sub("", device))
    return section, PLACE.sub("", field.removeprefix("ram/") if section == "ram" else field)
