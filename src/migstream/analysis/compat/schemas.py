"""Two schemas held against each other: what QEMU's vmstate-static-checker.py looks for, and by bytes.

That script compares names and C sizes, so a field that was renamed, moved into a struct or became
padding is a problem to it. Here each difference has a class: a real break, the same bytes under
other names, or one that depends on what a guest sends.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import msgspec

from migstream.analysis.compat.declared import Class, differences, first_names, pieces_of
from migstream.names import brief, many

if TYPE_CHECKING:
    from migstream.vmstate.schema import Schema, State, Type

__all__ = ["Complaint", "SchemaReport", "check_schemas"]

Kind = Literal["type", "name", "version", "fields", "subsection", "machine"]
DEEPEST = 32


class Complaint(msgspec.Struct, frozen=True, kw_only=True):
    """One difference of a device type.

    Parameters
    ----------
    type : the QOM type
    state : the VMState concerned, empty where the whole type is
    kind : "type" (absent), "name" (of the section), "version", "fields", "subsection"
    verdict : "break": a stream with this device, or this subsection, does not load; "same bytes":
        only names or C types changed; "depends": conditions or lengths decide that a schema does
        not tell, ask with a stream
    """

    type: str
    state: str
    kind: Kind
    verdict: Class
    message: str

    def __repr__(self) -> str:
        return brief("Complaint", self.type, self.state, f"{self.verdict}:", self.message)


class SchemaReport(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that differs from the source's point of view; what only the destination has is left out."""

    source: str
    destination: str
    source_machine: str
    destination_machine: str
    complaints: tuple[Complaint, ...]

    def __repr__(self) -> str:
        found = f"{many(len(self.breaks), 'break')}, {many(len(self.complaints), 'difference')}"
        return brief("SchemaReport", self.source, "to", f"{self.destination}:", found)

    @property
    def breaks(self) -> tuple[Complaint, ...]:
        return tuple(c for c in self.complaints if c.verdict == "break")

    @property
    def exit_status(self) -> int:
        return int(bool(self.breaks))


def check_schemas(source: Schema, destination: Schema) -> SchemaReport:
    """Compare what `source` would send with what `destination` would load."""
    pair = _Pair(source, destination)
    complaints = [c for one in source.types.values() for c in pair.type(one)]
    return SchemaReport(
        source=source.name,
        destination=destination.name,
        source_machine=source.machine,
        destination_machine=destination.machine,
        complaints=tuple(complaints),
    )


class _Pair:
    """The two schemas; complaints from the source's side."""

    def __init__(self, source: Schema, destination: Schema) -> None:
        self.source = source
        self.destination = destination
        self.numbered = source.numbered, destination.numbered

    def type(self, one: Type) -> Iterator[Complaint]:
        """Everything about one device type."""
        state = one.description
        if state is None:
            return
        there = self.destination.types.get(one.name)
        other = None if there is None else there.description
        if other is None:
            same_name = self.destination.devices.get(state.name, ())
            if not same_name:
                yield self._absent(one, state)
                return
            # a type was renamed, or another took its place: the section's name is what counts
            other = min(same_name, key=lambda s: len(list(self._fields(state, s, one.name))))
            yield Complaint(
                type=one.name,
                state=state.name,
                kind="type",
                verdict="same bytes",
                message=f"the type is gone, its section {state.name} is another type's",
            )
        if state.name != other.name:
            yield Complaint(
                type=one.name,
                state=state.name,
                kind="name",
                verdict="break",
                message=f"the section is called {other.name} on the destination",
            )
            return
        yield from self._state(state, other, one.name, 0)

    def _absent(self, one: Type, state: State) -> Complaint:
        empty = not state.fields and not state.subsections
        return Complaint(
            type=one.name,
            state=state.name,
            kind="type",
            verdict="depends" if empty else "break",
            message="the destination has no such device"
            + (", nor had the source any state of it" if empty else ""),
        )

    def _state(self, ours: State, theirs: State, type_: str, depth: int) -> Iterator[Complaint]:
        """A VMState whose version is on the wire: a device's, or a subsection's."""
        if depth > DEEPEST:
            return
        yield from self._version(ours, theirs, type_)
        yield from self._fields(ours, theirs, type_)
        yield from self._subsections(ours, theirs, type_, depth)

    def _version(self, ours: State, theirs: State, type_: str) -> Iterator[Complaint]:
        message = ""
        if ours.version_id > theirs.version_id:
            message = (
                f"version {ours.version_id}, the destination knows {theirs.version_id} at most"
            )
        elif ours.version_id < theirs.minimum_version_id:
            message = (
                f"version {ours.version_id}, the destination takes"
                f" {theirs.minimum_version_id} at least"
            )
        if message:
            # what cannot be migrated is declared with no fields: there never was a stream of it
            empty = not ours.fields and not ours.subsections
            yield Complaint(
                type=type_,
                state=ours.name,
                kind="version",
                verdict="depends" if empty else "break",
                message=message,
            )

    def _fields(self, ours: State, theirs: State, type_: str) -> Iterator[Complaint]:
        if not ours.fields and not ours.subsections:
            return
        mine, other = self.numbered
        version = ours.version_id
        for one in differences(
            pieces_of(ours, numbered=mine), pieces_of(theirs, numbered=other, version=version)
        ):
            yield Complaint(
                type=type_,
                state=ours.name,
                kind="fields",
                verdict=one.verdict,
                message=f"{first_names(one.ours)} became {first_names(one.theirs)}",
            )

    def _subsections(
        self, ours: State, theirs: State, type_: str, depth: int
    ) -> Iterator[Complaint]:
        there: dict[str, list[State]] = {}
        for state in _inside(theirs):
            there.setdefault(state.name, []).append(state)
        for state in _inside(ours):
            others = there.get(state.name)
            if others is not None:
                # several can have one name, by mistake: the same one is there, or the first is taken
                if state not in others:
                    yield from self._state(state, others[0], type_, depth + 1)
                continue
            yield Complaint(
                type=type_,
                state=state.name,
                kind="subsection",
                verdict="break",
                message="the destination does not know this subsection: where it is sent, it is refused",
            )


def _inside(state: State, depth: int = 0) -> Iterator[State]:
    """Subsections of a VMState and of the structs in it."""
    yield from state.subsections
    for field in state.fields:
        if field.description is not None and depth < DEEPEST:
            yield from _inside(field.description, depth + 1)
