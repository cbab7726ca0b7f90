"""`compat`: the load of a stream, played for a destination.

Section by section, in the order of the stream, with what is known of the destination: its schema
(versions, subsections), a stream of its own (bytes, sizes, configuration), its release. Every
section gets a verdict; QEMU itself would end at the first problem.
References: QEMU, migration/savevm.c: qemu_loadvm_state, qemu_loadvm_state_main; migration/vmstate.c:
vmstate_load_state, vmstate_subsection_load; migration/ram.c: ram_load_precopy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import msgspec

from migstream.analysis.compat.align import Placed, Token, flatten, subsections
from migstream.analysis.compat.damage import damage_problem
from migstream.analysis.compat.declared import (
    Difference,
    Stretch,
    differences,
    first_names,
    pieces_of_tokens,
    singles_of,
    together,
)
from migstream.analysis.compat.destination import (
    NEEDS_TIMER,
    Destination,
    as_destination,
)
from migstream.analysis.compat.devices import device_problems, own_problems
from migstream.analysis.compat.features import features_lost, features_unknown
from migstream.analysis.compat.framing import Sides, frame_problems, ram_problems
from migstream.analysis.compat.hotplug import cpu_slots
from migstream.analysis.compat.isavga import isa_cirrus, isa_vga, isa_vga_renamed
from migstream.analysis.compat.memory import Memory
from migstream.analysis.compat.model import Note, Option, Problem, Report, Verdict, Word
from migstream.analysis.compat.options import by_option
from migstream.analysis.compat.said import Words
from migstream.analysis.compat.sizes import Fields, Outcome
from migstream.analysis.compat.undecided import undecided
from migstream.errors import Unsupported
from migstream.names import many
from migstream.stream import Stream, as_stream
from migstream.wire.model import Span

if TYPE_CHECKING:
    from migstream.analysis.compat.breaks import Break
    from migstream.qemu.release import Version
    from migstream.source.opened import Openable
    from migstream.stream import Device
    from migstream.vmstate.layout import Node

__all__ = ["compat"]

# Handlers that are registered whether or not they have anything to send (their `needed` or
# `is_active` decides): audio/audio.c, migration/global_state.c, replay/replay-snapshot.c,
# migration/block-dirty-bitmap.c. A destination's stream without them says nothing.
SILENT = {"audio", "globalstate", "replay", "dirty-bitmap"}
# The same, of a destination that has not the other one in its place: hw/intc/s390_flic.c, s390_flic_kvm.c.
SILENT_WITHOUT = {"qemu-s390-flic": "s390-flic"}
# The same, of one that has this other section, since a release: hw/pci/pci_host.c (x-config-reg-migration-enabled),
# hw/audio/pcspk.c (migrate), hw/i2c/smbus_eeprom.c (what was read), hw/ppc/spapr_drc.c (what was plugged in),
# hw/watchdog/spapr_watchdog.c (what runs).
SILENT_BESIDE: dict[str, tuple[str, Version]] = {
    "PCIHost": ("PCIBUS", (5, 2)),
    "pcspk": ("i8254", (2, 8)),
    "smbus-eeprom": ("i2c_bus", (4, 0)),
    "spapr_drc": ("spapr", (2, 8)),
    "spapr_watchdog": ("spapr", (7, 1)),
}
END = b"\0"  # migration/savevm.h: QEMU_VM_EOF
ENDS = "without footers QEMU takes a zero here for the end, says that it loaded, and leaves out all that follows"
MOST_TYPES = 3  # of a device, in a hint


def compat(
    stream: Stream | Openable,
    destination: Destination | Stream | Openable,
    breaks: Iterable[Break] = (),
) -> Report:
    """Play the load.

    Parameters
    ----------
    stream : what is to be loaded, open or anything that `migstream.open` takes; of guest memory only
        how it was sent is looked at
    destination : where; or all that is known of it: a stream of its own, as the first, or the path of
        its `-dump-vmstate` file
    breaks : problems that are accepted

    Raises
    ------
    ParseError : one of the streams cannot be read
    Unsupported : that of the destination is damaged
    """
    with ExitStack() as stack:
        what = stack.enter_context(as_stream(stream, anything=True))
        where = stack.enter_context(as_destination(destination))
        if (damage := where.damage) is not None:
            raise Unsupported(
                f"the destination's stream is damaged at {damage.at or 0:#x}: what it has behind that is not known",
                hint="have it saved again, or give what it prints with -dump-vmstate",
            )
        return _report(what, where, tuple(breaks))


def _report(stream: Stream, destination: Destination, breaks: tuple[Break, ...]) -> Report:
    """What becomes of every section, in the order of the stream."""
    play = _Play(stream, destination)
    problems = [*play.frame(), *play.memory()]
    verdicts = [play.device(device) for device in stream.devices]
    timed = [(p.span.start if p.found is None else p.found, p) for p in problems]
    timed += [(v.span.start, v.problem) for v in verdicts if v.problem is not None]
    damage = damage_problem(stream, [problem for _, problem in timed], play.words)
    if damage is not None:
        timed.append((damage.span.start, damage))
        verdicts = [_damaged(verdict, damage) for verdict in verdicts]
    problems = [problem for _, problem in sorted(timed, key=lambda one: one[0])]
    contents = play.contents.verdict()
    if contents is not None and all(p.device != contents.device for p in problems):
        verdicts.append(contents)
    missing = play.missing() if damage is None else []
    options: tuple[Option, ...] = ()
    if destination.stream is not None:
        found, options = by_option(problems, missing, stream, destination.stream)
        # a finding stands once among the problems, and with each device that fails by it
        stands = {id(problem): found.get(n, problem) for n, problem in enumerate(problems)}
        verdicts = [
            v if v.problem is None else msgspec.structs.replace(v, problem=stands[id(v.problem)])
            for v in verdicts
        ]
        problems = list({id(one): one for one in stands.values()}.values())
    accepted: list[tuple[Problem, str]] = []
    for problem in list(problems):
        reason = next((b.reason for b in breaks if b.covers(problem, destination)), None)
        if reason is not None:
            problems.remove(problem)
            accepted.append((problem, reason))
    return Report(
        file=stream.name,
        destination=destination.label,
        release=str(destination.release),
        verdicts=tuple(verdicts),
        problems=tuple(problems),
        missing=tuple(device.path for device in missing),
        options=options,
        undecided=() if destination.stream is not None else tuple(undecided(stream)),
        assumptions=destination.assumptions,
        accepted_breaks=tuple(accepted),
    )


def _damaged(verdict: Verdict, damage: Problem) -> Verdict:
    """That of the device whose section is damaged is that it fails."""
    if verdict.device != damage.device or verdict.problem is not None:
        return verdict
    return msgspec.structs.replace(verdict, word="fails", problem=damage)


class _Play:
    """One stream against one destination."""

    def __init__(self, stream: Stream, destination: Destination) -> None:
        self.stream = stream
        self.destination = destination
        self.words = Words(destination)
        self.sides = Sides(stream, destination, self.words)
        self.contents = Memory(self.sides)
        self.ended = ""

    def frame(self) -> Iterator[Problem]:
        """Header, configuration, footers, commands, live sections."""
        return frame_problems(self.sides)

    def memory(self) -> Iterator[Problem]:
        """RAM blocks, and how their pages were sent."""
        yield from ram_problems(self.sides)
        yield from self.contents.problems()

    def missing(self) -> list[Device]:
        """Devices of the destination that nothing is sent for."""
        sent = {d.section.key for d in self.stream.devices}
        taken = {self.destination.handler(*key) for key in sent}
        return [d for d in self.destination.devices.values() if d not in taken]

    def _silent(self, name: str) -> bool:
        """Whether a destination has that handler although it does not send it."""
        has, release = self.destination.handler, self.destination.release
        if name in SILENT_BESIDE:
            beside, since = SILENT_BESIDE[name]
            return has(beside, 0) is not None and not release.until(since)
        other = SILENT_WITHOUT.get(name)
        return name in SILENT or (other is not None and has(other, 0) is None)

    def _end_inside(self, device: Device, outcome: Outcome) -> bool:
        """Whether the load ends well in the middle of a section, or right behind it, with all that follows not loaded.

        Without footers nobody sees that a device reads more, or less, than was sent: what comes next is taken for the
        kind of a section, and a zero for the end of the stream (migration/savevm.c: qemu_loadvm_state_main).
        """
        section = device.section
        # where two stand at one byte, the first knows more of it
        beyond = {one.span.start: one.beyond for one in reversed(outcome.problems)}
        if section.footer is not None or not beyond or not all(beyond.values()):
            return False
        at = section.payload.stop + sum(beyond.values())
        return bytes(self.stream.store.view(at, at + 1)) == END

    def device(self, device: Device) -> Verdict:
        """The verdict on one device section."""
        if self.ended:
            note = Note(path=device.path, message=f"not loaded: the load ends in {self.ended}")
            return Verdict(device=device.path, span=device.section.span, word="loses", lost=(note,))
        told = self.destination.tells_of(device.name)
        theirs = self.destination.handler(device.name, device.instance_id) if told else None
        known = self.destination.knows(device.value.type)
        outcome = Outcome()
        absent = device.value.type in self.destination.absent
        if absent or (told and theirs is None):
            if not self._silent(device.name):
                outcome.problems.append(self._nobody(device))
        else:
            _Load(self.words, self.destination, device, theirs, outcome).run()
        if self._end_inside(device, outcome):
            self.ended = device.path
            message = f"{ENDS}: {outcome.problems[0].message}"
            outcome.lost.append(Note(path=device.path, message=message))
            outcome.problems.clear()
        problem = min(outcome.problems, key=lambda p: p.order, default=None)
        word: Word = "loads"
        if problem is not None:
            word = "fails"
        elif outcome.lost:
            word = "loses"
        elif theirs is None and not known:
            word = "unknown"
        return Verdict(
            device=device.path,
            span=device.section.span,
            word=word,
            problem=problem,
            lost=tuple(outcome.lost),
            notes=tuple(outcome.notes),
        )

    def _nobody(self, device: Device) -> Problem:
        return Problem(
            kind="section",
            device=device.path,
            span=device.section.span,
            message=f"the destination has no device {device.name} with instance id {device.instance_id}",
            said=self.words.unknown_section(device.name, device.instance_id),
            hint=self._elsewhere(device),
        )

    def _elsewhere(self, device: Device) -> str:
        """Where the destination has a device of that kind that the stream does not name, or what it could be given."""
        kind = device.name.rpartition("/")[2]
        sent = {d.section.key for d in self.stream.devices}
        there = [
            d.path
            for key, d in self.destination.devices.items()
            if key[0].rpartition("/")[2] == kind and key not in sent
        ]
        if there:
            return f"it has {', '.join(there)}"
        types = self.destination.types(device.value.type)
        which = f" (of type {' or '.join(types[:MOST_TYPES])})" if types else ""
        return f"add the device to its command line{which}"


class _Load(Fields):
    """One device loaded by the destination's handler (`theirs`, where a stream shows it)."""

    def run(self) -> None:
        self._version()
        self.out.problems += own_problems(self.device, self.words)
        self.out.problems += isa_vga(self.device, self.theirs, self.destination, self.words)
        self.out.problems += isa_cirrus(self.device, self.destination, self.words)
        self.out.problems += cpu_slots(self.device, self.theirs, self.destination, self.words)
        if self.theirs is None:
            self.out.problems += isa_vga_renamed(self.device, self.destination, self.words)
        if self.theirs is not None and self.theirs.name != self.device.name:
            self._taken_for(self.theirs)
        if self.theirs is not None:  # first: where two stand at one byte, they know more of it
            self.out.problems += device_problems(
                self.device, self.theirs, self.destination, self.words
            )
            self.out.lost += features_lost(self.device, self.theirs, self.destination)
            self.out.notes += features_unknown(self.device, self.theirs, self.destination)
        layout = self.device.layout
        other = self.theirs.layout if self.theirs is not None else None
        if layout is not None and layout.version is not None:
            there = None if other is None else other.children
            self._group(self.device.value.type, layout.version, layout.children, there)

    def _taken_for(self, theirs: Device) -> None:
        """A section without a place in its name goes to a device that has one, which may be another one."""
        mine, other = ([field.name for field in one.value] for one in (self.device, theirs))
        if mine and other and mine[0] != other[0]:
            self._problem(
                "fields",
                self.device.section.payload,
                f"it is loaded by {theirs.path}, which begins with {other[0]}, not with {mine[0]}",
                self.words.device(self.device),
                hint="no two devices of which one is called as the other is but for its place",
            )

    # --- versions --------------------------------------------------------------------------------

    def _version(self) -> None:
        version = self.device.section.version_id
        seen = None if self.theirs is None else self.theirs.section.version_id
        known = self.destination.knows(self.device.value.type) or seen is not None
        local = (
            self.destination.versions(self.device.value.type, seen)
            if known
            else self.destination.by_hand(self.device.value.type)
        )
        span = self.device.section.span
        if version is None or local is None:
            return
        if version > local.version:
            line = self.words.say(
                "section-version",
                received=version,
                device=self.device.name,
                local=local.version,
            )
            self._problem(
                "version",
                span,
                f"version {version}, the destination knows {local.version} at most",
                self.words.plain(line),
            )
        elif local.minimum is not None and version < local.minimum:
            self._old(self.device.value.type, version, local, span)

    # --- fields and subsections ------------------------------------------------------------------

    def _declared(self, name: str, version: int, ours: list[Token]) -> None:
        """Fields against those that the schema declares, one of its VMStates of that name."""
        states = self.destination.states(name)
        if not states or not self.destination.knows(self.device.value.type):
            return
        mine, singles = list(pieces_of_tokens(ours)), singles_of(ours)
        found: list[list[Difference]] = []
        for state in states:
            different = list(differences(mine, self.destination.pieces(state, version, singles)))
            fits = together(different) != "break"
            found.append([] if fits else [d for d in different if d.verdict == "break"])
        for one in min(found, key=len):
            at = self.start + (one.ours[0].offset if one.ours else self._behind(one, mine))
            size = sum(piece.size or piece.least for piece in one.ours)
            self._problem(
                "fields",
                Span(at, at + max(size, 1)),
                f"{many(size, 'byte')} ({first_names(one.ours)}) where the destination has"
                f" {first_names(one.theirs)}",
                self.words.missing_footer(self.device.section),
            )

    def _behind(self, one: Difference, mine: list[Stretch]) -> int:
        """Where fields would be that are missing: behind the last one that both have."""
        return mine[one.at].offset if one.at < len(mine) else self.device.section.payload.size

    def _group(
        self,
        name: str,
        version: int,
        ours: tuple[Node, ...],
        theirs: tuple[Node, ...] | None,
        base: int = 0,
        other_base: int = 0,
    ) -> None:
        """Fields and subsections of a VMState, as one side wrote it and as the other would.

        The bases are offsets from the start of either device.
        """
        if theirs is not None:
            self._fields(list(flatten(ours, base)), list(flatten(theirs, other_base)))
        else:
            self._declared(name, version, list(flatten(ours, base)))
        # the elements of an array have subsections of one name: they are told apart by their order
        there: dict[str, list[Placed]] = {}
        for other in () if theirs is None else subsections(theirs, other_base):
            there.setdefault(other.node.name, []).append(other)
        for one in subsections(ours, base):
            same = there.get(one.node.name)
            self._subsection(one, same.pop(0) if same else None)
        for absent, places in there.items():
            if places:
                self._note(absent, "not in the stream: as after a reset on the destination")

    def _subsection(self, placed: Placed, same: Placed | None) -> None:
        at, node, _ = placed
        name, version = node.name, node.version or 0
        span = Span(self.start + at, self.start + at + node.size)
        if self._foreign(name):
            self._problem(
                "subsection",
                span,
                f"{name} does not begin with the name of the destination's VMState: it is not read",
                self.words.missing_footer(self.device.section),
            )
            return
        other = self.destination.subsections.get(name) if same is None else same.node
        seen = None if other is None else other.version
        local = self.destination.versions(name, seen)
        if local is None and self._without(name):
            self._no_subsection(placed, span)
        elif same is None and self.theirs is not None and name in NEEDS_TIMER:
            self._problem(
                "subsection",
                span,
                f"{name} has a timer that the destination's device does not have: QEMU aborts",
                self.words.aborts("vmstate_load_state", "first_elem || !n_elems || !size"),
                hint=NEEDS_TIMER[name],
            )
        elif local is None:
            if self.theirs is not None:
                self._note(name, "nothing says whether the destination knows this subsection")
        elif version > local.version:
            line = self.words.say("too-new", vmsd=name, received=version, local=local.version)
            self._problem(
                "version",
                span,
                f"{name} has version {version}, the destination knows {local.version} at most",
                self.words.version(self.device, line),
            )
        elif local.minimum is not None and version < local.minimum:
            self._old(name, version, local, span)
        elif same is not None:
            self._group(name, version, node.children, same.node.children, at, same.at)
        else:
            self._group(name, version, node.children, None, at)

    def _foreign(self, name: str) -> bool:
        """Whether the destination's VMState has another name, with which its subsections begin."""
        ours = self.device.value.type
        local = ours if self.theirs is None else self.theirs.value.type
        return name.startswith(f"{ours}/") and not name.startswith(local)

    def _without(self, name: str) -> bool:
        """Whether the destination has no such subsection, if neither its stream nor its schema has one."""
        return self.destination.knows(self.device.value.type) or self.destination.lacks(name)

    def _no_subsection(self, placed: Placed, span: Span) -> None:
        name = placed.node.name
        fields = self.words.chain(self.device, placed.path)
        lines: tuple[str, ...] = ()
        if self.words.chained:
            vmsd = name.rpartition("/")[0]
            lines = (self.words.say("subsection-missing/vm", subsection=name, vmsd=vmsd),)
        said = self.words.device(self.device, *lines, fields=fields, errno="ENOENT")
        self._problem(
            "subsection",
            span,
            f"the destination knows no subsection {name}",
            said,
            hint="a newer QEMU, or an option of the device, sends it",
        )
