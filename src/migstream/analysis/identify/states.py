"""What the device sections of a stream tell of its writer, by the table of VMStates through the releases.

With a description each VMState is held against the table whole: versions, fields that are there and that are not, types,
subsections. Without one there are the versions in the headers of sections, and the subsections, which name themselves.

References
----------
QEMU, migration/vmstate.c: vmstate_subsection_save
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from migstream.analysis.identify.model import Fact
from migstream.catalogue.evidence import ORDER, Life, elements, ranked, sources_of
from migstream.qemu.release import Bounds, machine_version
from migstream.wire.model import Span

if TYPE_CHECKING:
    from migstream.stream import Stream
    from migstream.vmstate.description import Group
    from migstream.vmstate.schema import State
    from migstream.wire.model import Section

__all__ = ["Seen", "board", "state_facts"]

SUBSECTION = rb"\x05([\x03-\xff])([\x21-\x7e]{1,80}/[\x20-\x7e]{1,80})"
SEARCHED = 1 << 20  # bytes of a section that nothing describes in which subsections are looked for


# Boards by a section that only they have, for machine types that send no configuration section (up to 2.3).
BOARDS = {"I440FX": "pc-i440fx", "mch": "pc-q35"}


def board(stream: Stream) -> str:
    """The machine type without its version; of a stream that does not record it by its devices, empty where they do not tell."""
    if stream.machine:
        return machine_version(stream.machine)[0]
    names = {device.name.rpartition("/")[2] for device in stream.devices}
    return next((one for section, one in BOARDS.items() if section in names), "")


Place = tuple[str, Span | None]  # a path in the stream, and bytes of it


def state_facts(stream: Stream, architecture: str | None) -> Iterator[Fact]:
    """Facts of all device sections."""
    seen = Seen(architecture)
    described = (
        {}
        if stream.description is None
        else {device.key: device.group for device in stream.description.devices}
    )
    sections = [device.section for device in stream.devices]
    for section in sections:
        group = described.get(section.key)
        if group is not None:
            seen.group(group, section.path, section.span)
        else:
            stop = min(section.payload.stop, section.payload.start + SEARCHED)
            seen.bare(section, stream.store.view(section.payload.start, stop))
    places: list[Place] = [(section.path, section.span) for section in sections]
    seen.order(board(stream), [section.name for section in sections], places)
    yield from seen.found.values()


class Seen:
    """Facts by what they are: each is told once, with how often it was found."""

    def __init__(self, architecture: str | None) -> None:
        self._scope = sources_of(architecture)
        self.found: dict[tuple[str, str], Fact] = {}

    def _parts(self, state: str) -> Mapping[str, Life]:
        """What is known of a VMState, of a CPU of this architecture or of any device."""
        return elements(self._scope, state) or elements("", state)

    def _add(self, state: str, what: str, releases: Bounds, place: Place) -> None:
        if releases == Bounds():
            return
        old = self.found.get((state, what))
        self.found[state, what] = (
            Fact(
                where=place[0],
                span=place[1],
                what=what,
                releases=releases,
                subject=state,
                source="catalogue",
            )
            if old is None
            else msgspec.structs.replace(old, times=old.times + 1)
        )

    def group(self, group: Group, where: str, span: Span) -> None:
        """One VMState as it was described, and all inside it."""
        have = {field.name: field.type for field in group.fields}
        for part, life in self._parts(group.vmsd_name).items():
            self._part((group.vmsd_name, part, life), group.version, have, (where, span))
        for field in group.fields:
            for one in (*((field.struct,) if field.struct else ()), *field.inline):
                self.group(one, f"{where}/{field.name}", span)
        for subsection in group.subsections:
            self.group(subsection, f"{where}/{subsection.vmsd_name}", span)

    def declared(self, state: State) -> None:
        """One VMState as a `-dump-vmstate` has it; those inside it are in the file on their own."""
        have = dict.fromkeys((field.name for field in state.fields), "")
        for part, life in self._parts(state.name).items():
            self._part((state.name, part, life), state.version_id, have, (state.name, None))

    def _part(
        self, known: tuple[str, str, Life], version: int, have: Mapping[str, str], place: Place
    ) -> None:
        name, part, life = known
        field, _, type_ = part.partition(":")
        if not part:
            self._add(name, f"has the VMState {name}", life.having(), place)
        elif part.startswith("="):
            if part[1:] == str(version):
                self._add(name, f"{name} has version {version}", life.having(), place)
        elif type_:
            if have.get(field) == type_:
                self._add(name, f"{field} of {name} is {type_}", life.having(), place)
        elif field in have:
            self._add(name, f"{name} has {field}", life.having(), place)
        else:
            self._add(name, f"{name} has no {field}", life.lacking(), place)

    def bare(self, section: Section, payload: bytes | memoryview) -> None:
        """A section that nothing describes: its name, its version, subsections in it, which name themselves."""
        tail = section.name.rpartition("/")[2]
        name = section.name if self._parts(section.name) else tail
        parts, place = self._parts(name), (section.path, section.span)
        version = f"={section.version_id}"
        if "" in parts:
            self._add(name, f"has the VMState {name}", parts[""].having(), place)
        if version in parts:
            what = f"{name} has version {section.version_id}"
            self._add(name, what, parts[version].having(), place)
        for found in re.finditer(SUBSECTION, payload):
            named = found[2][: found[1][0]].decode("ascii")
            known = self._parts(named).get("")
            if len(named) == found[1][0] and named.startswith(f"{name}/") and known is not None:
                at = section.payload.start + found.start()
                span = Span(at, at + 2 + len(named))
                what = f"has the subsection {named}"
                self._add(named, what, known.having(), (section.path, span))

    def order(self, board: str, names: Sequence[str], places: Sequence[Place]) -> None:
        """Which section stands before which, of a machine of that board."""
        ranks = ranked(names)
        for part, life in elements(board, ORDER).items():
            before, after = part.split("<")
            if before in ranks and after in ranks and ranks[before] < ranks[after]:
                what = f"{before} stands before {after}"
                self._add(ORDER, what, life.having(), places[ranks[before]])
