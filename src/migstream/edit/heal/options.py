"""What a destination can be started with otherwise, as answers to the problem that a load ends with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import count
from typing import TYPE_CHECKING

import msgspec

from migstream.catalogue.silent import SILENT_MACHINE, SILENT_PART
from migstream.edit.heal.commandline import CommandLine, Entry, Step
from migstream.edit.heal.guest import Guest, split
from migstream.edit.heal.layout import Layout, Seat, added
from migstream.edit.heal.model import Change
from migstream.edit.heal.setup import setup_changes
from migstream.edit.heal.streams import renamed
from migstream.machine.map.setup import PER_CPU

if TYPE_CHECKING:
    from migstream.analysis.compat.model import Problem, Report
    from migstream.edit.heal.knowledge import Knowledge
    from migstream.edit.heal.play import Player, Seated
    from migstream.stream import Device, Stream

__all__ = ["Options"]

Changes = tuple[Change, ...]

# Properties that say how many entries a queue has (hw/net/virtio-net.c, hw/block/virtio-blk.c, hw/scsi/virtio-scsi.c).
RECEIVING = "rx_queue_size"
QUEUE_SIZES = (RECEIVING, "queue-size", "virtqueue_size", "queue_size")
# Features whose property is not called as they are (include/hw/virtio/virtio.h, virtio-pci.h).
FEATURES = {
    "ring_packed": "packed",
    "ring_event_idx": "event_idx",
    "ring_indirect_desc": "indirect_desc",
    "access_platform": "iommu_platform",
    "hash_report": "hash",
    "config_wce": "config-wce",
    "write_zeroes": "write-zeroes",
    "host_uso": "host_uso",
}
MOST_PROPERTIES = 6  # that are tried for one problem
MOST_MODELS = 12  # of CPUs
OF_DEVICES = {"virtqueue", "features"}  # problems that nothing but the device's own properties make
# PCI Express's serial number of a card: its address, with two bytes in the middle (hw/net/e1000e.c: e1000e_gen_dsn).
SERIAL = re.compile(rb"(...)[\xfe\xff]\xff(...)", re.DOTALL)
SERIAL_SIZE = 8
# What decides about the form of a stream, and is no capability (migration/options.c).
FORMS = ("-global migration.send-", "-global migration.store-")
# Without it a destination takes what machine types of 2.3 and older send: nothing says there of which type the stream is.
UNNAMED = "-global migration.send-configuration=off"
LIKELIER = 0.8  # what the board costs that the stream is of: less than to go on with another
OPPOSITE = {"on": "off", "off": "on"}


class Options:
    """Candidates, each some changes that are made together, the likeliest first."""

    def __init__(self, player: Player, stream: Stream, numbers: count[int]) -> None:
        self._player = player
        self._guest = Guest(stream)
        self._stream = stream
        self._numbers = numbers

    def candidates(self, problem: Problem, report: Report, line: CommandLine) -> Iterator[Changes]:
        """Answers to a problem of a load that this command line's QEMU does."""
        knowledge = self._player.knowledge(line)
        yield from setup_changes(self._stream, report, problem, line, self._numbers)
        if problem.kind == "configuration":
            yield from self._machine(line, knowledge)
            if self._stream.configuration is None:
                yield from self._unnamed(line, knowledge)
        if knowledge is None:
            yield from self._without(line)
            return
        of_cpus = problem.device.partition("[")[0] in PER_CPU
        if problem.kind in {"registers", "cpu"} or of_cpus:
            yield from self._models(problem, line, knowledge)
        if problem.kind == "framing":
            yield from self._framing(line, knowledge)
        place = self._place(problem)
        if place is not None:
            yield from self._at(problem, place, line, knowledge)
        if problem.kind not in OF_DEVICES:
            yield from self._without(line)
        if problem.kind != "configuration":
            yield from self._machine(line, knowledge)

    def _place(self, problem: Problem) -> tuple[str, str] | None:
        """The path and the rest of the name of the device or RAM block concerned."""
        if problem.kind == "ram":
            return split(problem.path.removeprefix("ram/"))
        return split(problem.device.rpartition("[")[0]) if problem.device else None

    # --- devices -----------------------------------------------------------------------------------

    def _at(
        self, problem: Problem, place: tuple[str, str], line: CommandLine, knowledge: Knowledge
    ) -> Iterator[Changes]:
        path, tail = place
        there = self._player.seated(line)
        assert there is not None  # where there is knowledge, there is a machine
        yield from self._refused(place, there)
        yield from _unknown(problem.device.partition("[")[0], line, knowledge)
        seat = self._seat(problem, place, there, knowledge)
        device = self._device(problem)
        fits = seat is not None and (not path or knowledge.fits(seat.driver, self._guest, path))
        if problem.kind == "section" or (problem.kind == "ram" and not fits):
            yield from self._missing(problem, place, there, line, knowledge)
            return
        if seat is not None:
            yield from self._properties(problem, seat, tail, device, line, knowledge)
            if problem.kind not in OF_DEVICES:
                yield from self._layout(there, knowledge)
                yield from self._other_kind(seat, path, knowledge)
        elif device is not None:
            words = knowledge.machine_states(device, self._guest)[:MOST_PROPERTIES]
            yield from ((self._words(one, line),) for one in words)

    def _refused(self, place: tuple[str, str], there: Seated) -> Iterator[Changes]:
        """Without a device with which the destination takes no stream."""
        for seat in there.seats:
            here = place[0] == seat.path if seat.path else place == ("", seat.driver)
            if here and seat.kind.refused:
                yield (_left_out(seat.driver, seat.entry, [one.entry for one in there.seats]),)

    def _seat(
        self, problem: Problem, place: tuple[str, str], there: Seated, knowledge: Knowledge
    ) -> Seat | None:
        """The device of the command line at a place, or the one whose RAM block is named after none."""
        path, tail = place
        if path or problem.kind != "ram":
            return next((one for one in there.seats if one.path == path and path), None)
        return next((one for one in there.seats if knowledge.holds(one.driver, tail)), None)

    def _device(self, problem: Problem) -> Device | None:
        name, _, number = problem.device.rpartition("[")
        key = name, int(number.rstrip("]") or 0) if number.rstrip("]").isdecimal() else 0
        return next((d for d in self._stream.devices if d.section.key == key), None)

    def _missing(
        self,
        problem: Problem,
        place: tuple[str, str],
        there: Seated,
        line: CommandLine,
        knowledge: Knowledge,
    ) -> Iterator[Changes]:
        """A device, or the RAM block of one, that the destination does not have."""
        path, tail = place
        own = path in there.own or not path
        for words in () if own else knowledge.machine_surplus(self._guest.keys):
            change = self._words(words, line)
            fewer = self._player.seated(line.changed(change.steps))
            yield (change, *(() if fewer is None else self._layouts(fewer, knowledge).changes()))
        of_a_device = problem.kind == "ram" and any(
            knowledge.holds(one, tail) for one in knowledge.added
        )
        if not own or of_a_device:
            yield from self._layout(there, knowledge)
        for driver in () if own else knowledge.makers(self._guest, path)[1:]:
            layout = self._layouts(there, knowledge)
            yield (msgspec.structs.replace(layout.add(driver, path), cost=2.0),)
        for driver in knowledge.holders(tail, self._guest) if own else ():
            yield from self._placeless(driver, knowledge)
        device = self._device(problem)
        if problem.kind != "section" or device is None:
            return
        key = device.section.key
        if knowledge.defaults(key):
            for entry in line.named("nodefaults"):
                yield (
                    Change(
                        what="leave out -nodefaults",
                        steps=(Step("remove", entry.number),),
                        cost=1.5,
                    ),
                )
        for words in knowledge.machine_options(key, lost=True):
            yield from self._undone(words, line)
        for words in knowledge.machine_options(key):
            yield (self._words(words, line),)
        if own:
            for driver in knowledge.placeless(*key):
                yield from self._placeless(driver, knowledge)

    def _placeless(self, driver: str, knowledge: Knowledge) -> Iterator[Changes]:
        kind = knowledge.kind(driver)
        if kind is not None:
            yield (added(driver, kind, (), self._numbers),)

    def _layouts(self, there: Seated, knowledge: Knowledge) -> Layout:
        return Layout(there.seats, there.own, there.taken, knowledge, self._guest, self._numbers)

    def _layout(self, there: Seated, knowledge: Knowledge) -> Iterator[Changes]:
        changes = tuple(self._layouts(there, knowledge).changes())
        if changes:
            yield changes

    def _properties(
        self,
        problem: Problem,
        seat: Seat,
        tail: str,
        device: Device | None,
        line: CommandLine,
        knowledge: Knowledge,
    ) -> Iterator[Changes]:
        """Other values of a device's properties."""
        if problem.kind == "ram":
            where, _ = split(problem.path.removeprefix("ram/"))
            size = self._guest.blocks.get(where, {}).get(tail, 0)
            settings = list(knowledge.sizes(seat.driver, tail, size))
        elif problem.kind == "virtqueue":
            settings = self._queue_sizes(problem, seat)
        elif problem.kind == "features":
            settings = self._features(problem, seat)
        else:
            settings = self._address(problem, seat)
        for key, value in seat.entry.pairs():
            if key not in SILENT_PART:
                yield (
                    Change(
                        what=f"leave out {key}={value} of {seat.entry.head}",
                        steps=(Step("unset", seat.entry.number, key),),
                    ),
                )
        for entry in line.named("global"):
            if (entry.value or "").startswith((f"{seat.driver}.", f"driver={seat.driver},")):
                yield (self._gone(entry),)
        if device is not None and not settings:
            settings = knowledge.properties(seat.driver, tail, device, self._guest)
        for setting in settings[:MOST_PROPERTIES]:
            key, _, value = setting.partition("=")
            if seat.entry.get(key) != value:
                yield (
                    Change(
                        what=f"give {seat.entry.head} {setting}",
                        steps=(Step("set", seat.entry.number, key, value),),
                    ),
                )

    def _queue_sizes(self, problem: Problem, seat: Seat) -> list[str]:
        size = int.from_bytes(self._stream.store.view(*problem.span), "big")
        known = {option.name for option in seat.kind.options}
        names = [name for name in QUEUE_SIZES if name in known]
        if (
            RECEIVING in names
        ):  # a network card's queues take turns; those that send are larger with vhost-user only
            number = problem.path.partition("queues[")[2].partition("]")[0]
            names = [RECEIVING] if number.isdecimal() and int(number) % 2 == 0 else []
        return [f"{name}={size}" for name in names]

    def _address(self, problem: Problem, seat: Seat) -> list[str]:
        """The network address that a card's serial number has in it, where that is what differs."""
        if problem.kind != "pci" or not any(one.name == "mac" for one in seat.kind.options):
            return []
        at = problem.span.start
        raw = bytes(self._stream.store.view(max(at - SERIAL_SIZE, 0), at + SERIAL_SIZE))
        return [
            f"mac={found[::-1].hex(':')}"
            for one, two in SERIAL.findall(raw)
            for found in (one + two,)
        ]

    def _features(self, problem: Problem, seat: Seat) -> list[str]:
        known = {option.name for option in seat.kind.options}
        found = []
        for word in problem.message.replace(",", " ").split():
            name = word.lower()
            name = FEATURES.get(name, name)
            if name in known:
                found.append(f"{name}=on")
            elif name == "version_1" and "disable-modern" in known:
                found.append("disable-modern=off")
        return found

    def _other_kind(self, seat: Seat, path: str, knowledge: Knowledge) -> Iterator[Changes]:
        """Another device type at the same place."""
        for driver in knowledge.makers(self._guest, path)[:2]:
            if driver != seat.driver:
                yield (
                    Change(
                        what=f"make {seat.entry.head} a {driver}",
                        steps=(Step("set", seat.entry.number, "", driver),),
                        cost=2.0,
                        whole=True,
                    ),
                )

    # --- the machine -------------------------------------------------------------------------------

    def _machine(self, line: CommandLine, knowledge: Knowledge | None) -> Iterator[Changes]:
        """The machine type that the stream is of; where there is none such, another version of it, in the stream, too."""
        machine, entry = self._stream.machine, _machine_entry(line)
        asked = None if entry is None else entry.head or entry.get("type")
        if not machine:
            return
        known = None if knowledge is None else knowledge.catalogue.machine(machine)
        if knowledge is None or known is not None:
            if machine != asked:
                yield (
                    Change(
                        what=f"start with -M {machine}",
                        steps=(self._named(machine, entry),),
                        cost=1.2,
                    ),
                )
            return
        near = knowledge.catalogue.nearest(machine)
        for other in dict.fromkeys((knowledge.machine, near or knowledge.machine)):
            change = renamed(self._stream, other, self._player.release)
            if change is not None:
                steps = () if other == asked else (self._named(other, entry),)
                more = "" if other == asked else f", and start with -M {other}"
                yield (msgspec.structs.replace(change, what=change.what + more, steps=steps),)

    def _unnamed(self, line: CommandLine, knowledge: Knowledge | None) -> Iterator[Changes]:
        """For a stream that does not say of which machine type it is: another board, and not to be told."""
        board = None if knowledge is None else knowledge.likelier_board(self._guest.keys)
        if board is not None:
            step = self._named(board, _machine_entry(line))
            yield (Change(what=f"start with -M {board}", steps=(step,), cost=LIKELIER),)
        yield (self._words(UNNAMED, line),)

    def _named(self, machine: str, entry: Entry | None) -> Step:
        if entry is None:
            return Step("add", next(self._numbers), "-M", machine)
        return Step("set", entry.number, "" if entry.head else "type", machine)

    def _models(
        self, problem: Problem, line: CommandLine, knowledge: Knowledge
    ) -> Iterator[Changes]:
        """Other CPU models, those first whose state is as long as the stream's."""
        entry = next(iter(line.named("cpu")[-1:]), None)
        if entry is not None:
            yield (
                Change(
                    what=f"leave out -cpu {entry.value}",
                    steps=(Step("remove", entry.number),),
                    whole=True,
                ),
            )
        for model in self._likely_models(problem, knowledge)[:MOST_MODELS]:
            if entry is None:
                step = Step("add", next(self._numbers), "-cpu", model)
            elif entry.head != model:
                step = Step("set", entry.number, "", model)
            else:
                continue
            yield (Change(what=f"start with -cpu {model}", steps=(step,), whole=True),)

    def _likely_models(self, problem: Problem, knowledge: Knowledge) -> list[str]:
        device = next(
            (d for d in self._stream.devices if d.name == "cpu" and d.path == problem.device),
            next((d for d in self._stream.devices if d.name == "cpu"), None),
        )
        if device is None:
            return []
        at = problem.span.start - device.section.payload.start
        return knowledge.models(self._guest.payload(device), max(at, 0))

    def _framing(self, line: CommandLine, knowledge: Knowledge) -> Iterator[Changes]:
        """Other properties of what sends and receives streams: not what the command line says, then the other way round."""
        forms = [one for one in knowledge.varied.changed if one.startswith(FORMS)]
        for words in forms:
            yield from self._undone(words, line)
        for words in forms:
            key, _, value = words.partition("=")
            yield (self._words(f"{key}={OPPOSITE.get(value, value)}", line),)
            yield (self._words(words, line),)

    def _words(self, words: str, line: CommandLine) -> Change:
        """`-machine hpet=on` or `-global i8042.extended-state=off`, put into a command line."""
        flag, _, setting = words.partition(" ")
        key, _, value = setting.partition("=")
        entry = _machine_entry(line) if flag == "-machine" else None
        if entry is not None:
            return Change(
                what=f"start with {words}", steps=(Step("set", entry.number, key, value),)
            )
        for one in line.named("global") if flag == "-global" else ():
            if (one.value or "").partition("=")[0] == key:
                return Change(
                    what=f"start with {words}", steps=(Step("set", one.number, key, value),)
                )
        return Change(
            what=f"start with {words}", steps=(Step("add", next(self._numbers), flag, setting),)
        )

    def _undone(self, words: str, line: CommandLine) -> Iterator[Changes]:
        """Without something that the command line says, if it does."""
        flag, _, setting = words.partition(" ")
        key, _, value = setting.partition("=")
        for entry in line.named("M", "machine") if flag == "-machine" else ():
            if entry.get(key) == value:
                yield (_unset(entry, key, value),)
        for entry in line.named("global") if flag == "-global" else ():
            if entry.value == setting:
                yield (self._gone(entry),)

    def _without(self, line: CommandLine) -> Iterator[Changes]:
        """Without each of the machine's properties, and of those of all devices of a type."""
        for entry in line.named("M", "machine"):
            for key, value in entry.pairs():
                if key not in SILENT_MACHINE and key != "type":
                    yield (_unset(entry, key, value),)
        for entry in line.named("global"):
            yield (self._gone(entry),)

    def _gone(self, entry: Entry) -> Change:
        return Change(
            what=f"leave out {entry.flag} {entry.value}", steps=(Step("remove", entry.number),)
        )


def _unknown(driver: str, line: CommandLine, knowledge: Knowledge) -> Iterator[Changes]:
    """Without the devices of a type that the destination does not have."""
    devices = line.named("device")
    for entry in devices if knowledge.kind(driver) is None else ():
        if entry.head == driver:
            yield (_left_out(driver, entry, devices),)


def _left_out(driver: str, device: Entry, others: Sequence[Entry]) -> Change:
    """Without a device, and without those that hang on it."""
    gone = [device, *_behind(device, others)]
    return Change(
        what="leave out " + ", ".join(f"-device {one.head}" for one in gone),
        loses=f"the machine has no {driver}",
        steps=tuple(Step("remove", one.number) for one in gone),
    )


def _behind(device: Entry, others: Sequence[Entry]) -> Iterator[Entry]:
    """The devices on a device's bus, and those on theirs."""
    name = device.get("id")
    for other in others:
        if name and (other.get("bus") or "").partition(".")[0] == name:
            yield other
            yield from _behind(other, [one for one in others if one is not other])


def _machine_entry(line: CommandLine) -> Entry | None:
    """The option that names the machine type, else the last one about the machine."""
    entries: Sequence[Entry] = line.named("M", "machine")
    naming = [one for one in entries if one.head or one.get("type")]
    return next(iter([*naming[-1:], *entries[-1:]]), None)


def _unset(entry: Entry, key: str, value: str) -> Change:
    return Change(
        what=f"leave out {key}={value} of {entry.flag}", steps=(Step("unset", entry.number, key),)
    )
