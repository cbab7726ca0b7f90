"""What `-dump-vmstate` files say of a failure: of two, what differs; of the destination's alone, what it has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from migstream.analysis.explain.model import Difference, Side
from migstream.qemu.words.recognise import Said
from migstream.vmstate.schema import Schema, State

if TYPE_CHECKING:
    from migstream.analysis.compat.schemas import Complaint

__all__ = ["schema_differences"]

MOST = 3
MOST_NAMES = 8
# The grave ones first, as `static-checker` prints them.
ORDER = ("break", "depends", "same bytes")


def schema_differences(
    source: Schema | None,
    destination: Schema,
    device: str,
    names: Sequence[str],
    cause: Said | None,
) -> Iterator[Difference]:
    """Differences of the VMStates that a failure names.

    Parameters
    ----------
    device : the section's path
    names : VMStates, the most exact first
    cause : what QEMU said, where it said why
    """
    sides = None if cause is None else cause.message.sides
    if cause is not None and "subsection" in cause.values:
        yield _missing(source, destination, device, names, cause.values["subsection"])
    elif sides is not None and sides.kind == "version":
        yield from _versions(source, destination, device, names)
    elif source is not None:
        yield from _complaints(source, destination, device, names)


def _missing(
    source: Schema | None, destination: Schema, device: str, names: Sequence[str], subsection: str
) -> Difference:
    """A subsection that is refused: who has it, and what the destination has instead."""
    parent = next((n for n in names if n in destination.states), subsection.rpartition("/")[0])
    known = [s.name for state in destination.states.get(parent, ()) for s in state.subsections]
    listed = ", ".join(sorted(set(known))[:MOST_NAMES]) or "no subsections"
    if subsection in destination.states:
        text = f"its schema has {subsection}: was it made by the QEMU that said this?"
    elif parent in destination.states:
        text = f"{parent} has {listed}"
    else:
        text = f"its schema has neither {subsection} nor {parent}"
    return Difference(
        kind="subsection",
        device=device,
        path=subsection,
        message="the source sends this subsection, the destination does not know it",
        source=Side(text=_held(source, subsection)),
        destination=Side(text=text, path=destination.name),
        basis="schemas",
        hint="switch off on the source what needs it, or load in a QEMU that has it",
    )


def _held(source: Schema | None, subsection: str) -> str:
    """Which version of a subsection the source has, and what is in it."""
    if source is None:
        return f"sends {subsection}"
    for state in source.states.get(subsection, ()):
        fields = ", ".join(f.name for f in state.fields[:MOST_NAMES])
        return f"version {state.version_id} (minimum {state.minimum_version_id}): {fields or 'no fields'}"
    return "its schema has no such subsection either: another QEMU wrote the stream"


def _versions(
    source: Schema | None, destination: Schema, device: str, names: Sequence[str]
) -> Iterator[Difference]:
    """The version of the VMState that is named, on both sides."""
    name = next((n for n in names if n in destination.states), None)
    if name is None:
        return
    yield Difference(
        kind="version",
        device=device,
        path=name,
        message="the versions of this VMState",
        source=Side(
            text="as the message says" if source is None else _state(source.states.get(name, ())),
            path="" if source is None else source.name,
        ),
        destination=Side(text=_state(destination.states[name]), path=destination.name),
        basis="schemas",
    )


def _complaints(
    source: Schema, destination: Schema, device: str, names: Sequence[str]
) -> Iterator[Difference]:
    from migstream.analysis.compat.schemas import check_schemas

    concerned = {
        name: one
        for name, one in source.types.items()
        if one.description is not None and any(n == one.description.name for n in names)
    } or {
        name: one
        for name, one in source.types.items()
        if one.description is not None and any(s.name in names for s in one.description.states())
    }
    part = Schema(source.machine, concerned, source.name)
    found = check_schemas(part, destination).complaints
    for one in sorted(found, key=lambda c: (ORDER.index(c.verdict), _distance(c, names)))[:MOST]:
        yield Difference(
            kind=one.kind,
            device=device,
            path=one.state,
            message=f"{one.state}: {one.message}",
            source=Side(text=_state(source.states.get(one.state, ())), path=source.name),
            destination=Side(
                text=_state(destination.states.get(one.state, ())), path=destination.name
            ),
            basis="schemas",
            hint="" if one.verdict == "break" else f"not a break by itself ({one.verdict})",
        )


def _distance(complaint: Complaint, names: Sequence[str]) -> int:
    """How far down the list of names a complaint's VMState is."""
    return next((n for n, name in enumerate(names) if name == complaint.state), len(names))


def _state(states: Sequence[State]) -> str:
    if not states:
        return "has no such VMState"
    one = states[0]
    return (
        f"version {one.version_id} (minimum {one.minimum_version_id}), {len(one.fields)} fields,"
        f" {len(one.subsections)} subsections"
    )
