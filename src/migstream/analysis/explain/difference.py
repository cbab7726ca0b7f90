"""What differs between the two sides of a load that failed: which of all differences is this failure.

Three sources, the best first: the load played for the destination (`compat`), of whose problems the
one is looked for that QEMU's words are about; the words themselves, which often have both values;
and, where nothing explains it, whatever differs in that device, in two streams or two schemas.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from migstream.analysis.explain.model import Contrast, Difference, Failing, Side
from migstream.names import many
from migstream.qemu.words.recognise import filled, recognise

if TYPE_CHECKING:
    from migstream.analysis.compat.destination import Destination
    from migstream.analysis.compat.model import Problem
    from migstream.analysis.diff.model import Change
    from migstream.stream import Device, Stream
    from migstream.vmstate.schema import Schema

__all__ = ["contrast_of"]

MOST = 3
MOST_CHANGES = 8
# How well a problem of the play fits what QEMU said.
SAME_WORDS, SAME_REASON, SAME_DEVICE, NOTHING = 3, 2, 1, 0
# What words alone say little of: that a check refused a device, that its length is another.
VAGUE = {"check", "fields"}
# Kinds of problems of which fields and lengths of the device tell more.
TOLD_BY_FIELDS = {"fields", "version", "subsection", "value", "pci", "virtqueue"}
# Values of a message that depend on a device's masks, which no stream shows.
MASKS = {"cmask", "wmask", "w1cmask"}


def contrast_of(
    failing: Failing,
    stream: Stream | None,
    destination: Destination | None,
    source: Schema | None,
    *,
    damaged: bool = False,
) -> Contrast | None:
    """What the two sides differ in, from all that is known of them; None where nothing is.

    Parameters
    ----------
    damaged : whether `check` found errors in the stream
    """
    spoken = list(_spoken(failing))
    schemas = list(_schemas(failing, destination, source))
    if stream is None or destination is None:
        found = _ordered(spoken, schemas)
        if all(one.kind == "check" for one in found):
            return None
        label = destination.label if destination is not None else ""
        return Contrast(differences=tuple(found), destination=label)
    return _Played(failing, stream, destination).contrast(spoken, schemas, damaged=damaged)


def _told(spoken: list[Difference]) -> bool:
    """Whether QEMU's words, or what its silence means, say what it is."""
    return bool(spoken) and spoken[0].kind not in VAGUE


def _ordered(spoken: list[Difference], schemas: list[Difference]) -> list[Difference]:
    """The schemas first where they have what QEMU says, or say more than its words do."""
    same = [one for one in schemas if any(one.kind == said.kind for said in spoken)]
    if same and _told(spoken):
        return same
    return [*spoken, *schemas] if _told(spoken) else [*schemas, *spoken]


# --- QEMU's own words ----------------------------------------------------------------------------


def _spoken(failing: Failing) -> Iterator[Difference]:
    """What the message itself says of both sides."""
    cause = failing.cause
    if cause is None or cause.message.sides is None:
        return
    sides = cause.message.sides
    yield Difference(
        kind=sides.kind,
        device=_name(failing),
        message=cause.message.condition,
        source=Side(text=filled(sides.source, cause)),
        destination=Side(text=filled(sides.destination, cause)),
        basis="words" if cause in failing.said else "silence",
    )


def _name(failing: Failing) -> str:
    if not failing.device:
        return ""
    number = "" if failing.instance is None else f"[{failing.instance}]"
    return f"{failing.device}{number}"


# --- schemas -------------------------------------------------------------------------------------


def _schemas(
    failing: Failing, destination: Destination | None, source: Schema | None
) -> Iterator[Difference]:
    """What two schemas, or the destination's alone, say of the VMState that failed."""
    if destination is None or destination.schema is None:
        return
    from migstream.analysis.explain.schemas import schema_differences

    yield from schema_differences(
        source, destination.schema, _name(failing), _states(failing), failing.cause
    )


def _states(failing: Failing) -> tuple[str, ...]:
    """Names of VMStates that the failure is about, the most exact first."""
    named = [s.values["vmsd"].strip() for s in failing.said if "vmsd" in s.values]
    tail = failing.device.rpartition("/")[2]
    return tuple(dict.fromkeys([*named, *([tail] if tail else [])]))


# --- the load, played ----------------------------------------------------------------------------


class _Played:
    """A failure, and the load that it is of."""

    def __init__(self, failing: Failing, stream: Stream, destination: Destination) -> None:
        from migstream.analysis.compat.load import compat

        self.failing = failing
        self.stream = stream
        self.destination = destination
        self.report = compat(stream, destination)

    def contrast(
        self, spoken: list[Difference], schemas: list[Difference], *, damaged: bool
    ) -> Contrast:
        spoken = [self._with_lengths(one) for one in spoken]
        ranked = sorted(
            ((self._match(p), p) for p in self.report.problems), key=lambda one: -one[0]
        )
        best = ranked[0][0] if ranked else NOTHING
        played = [self._difference(p, level) for level, p in ranked if level == best][:MOST]
        changes: list[Change] = []
        if best >= SAME_REASON:
            found, note = played, ""
            if played[0].kind in TOLD_BY_FIELDS:
                changes = [c for c in self._changes() if c.part == "schema"]
        elif best == SAME_DEVICE:
            found = [*spoken, *played] if _told(spoken) else [*played, *spoken]
            note = "QEMU would have other words for what differs here: it may not be the reason"
            changes = list(self._changes())
        else:
            found = _ordered(spoken, schemas)
            changes = list(self._changes())
            told = _told(spoken) and spoken[0].basis == "words"
            note = self._unexplained(told=told, damaged=damaged)
        return Contrast(
            differences=tuple(found),
            note=note,
            changes=tuple(changes[:MOST_CHANGES]),
            total=len(changes),
            destination=self.report.destination,
        )

    def _unexplained(self, *, told: bool, damaged: bool) -> str:
        """Why nothing of the play is this failure, as far as can be told."""
        first = self.report.first
        if damaged:
            return "nothing in which the two sides differ explains it: the stream itself is damaged"
        if first is None and told and self.destination.stream is not None:
            return (
                "this is what QEMU's words say; the destination's files do not show it: it was started"
                " otherwise when they were made"
            )
        if self.destination.stream is None:
            missing = "--to-stream with a stream of the destination shows values, sizes and devices"
        elif self.destination.schema is None:
            missing = "--to with its -dump-vmstate shows versions and subsections that are not sent"
        else:
            missing = "the values that the device checks are not among what both sides send"
        if first is None:
            return f"what is known of the destination does not explain it; {missing}"
        where = first.path or first.device or "the stream"
        return (
            f"with this destination QEMU would end for another reason ({where}: {first.message}):"
            " is it the one that said this?"
        )

    # --- matching --------------------------------------------------------------------------------

    def _match(self, problem: Problem) -> int:
        """How well a problem fits what was said."""
        predicted = recognise("\n".join(problem.said))
        here = self._same_device(problem)
        cause = self.failing.cause
        spoken = [p for p in predicted if p.message.kind == "cause"]
        if cause is None or cause not in self.failing.said:
            if not here:
                return NOTHING
            error = self.failing.error
            fits = not spoken and (not error or any(error in line for line in problem.said))
            return SAME_WORDS if fits else SAME_DEVICE
        same = [p for p in spoken if p.message.name == cause.message.name]
        # a problem of the whole stream shows in whatever section comes first
        anywhere = not problem.device or not self.failing.device
        if any(_agree(p.values, cause.values) for p in same) and (here or anywhere):
            return SAME_WORDS
        if same and here:
            return SAME_REASON
        return SAME_DEVICE if here else NOTHING

    def _same_device(self, problem: Problem) -> bool:
        name, _, instance = problem.device.rstrip("]").rpartition("[")
        if not self.failing.device:
            return not problem.device
        return name == self.failing.device and (
            self.failing.instance is None or instance == str(self.failing.instance)
        )

    # --- both sides ------------------------------------------------------------------------------

    def _difference(self, problem: Problem, level: int) -> Difference:
        from migstream.analysis.explain.sides import sides

        source, destination = sides(problem, self.stream, self.destination)
        return Difference(
            kind=problem.kind,
            device=problem.device,
            path=problem.path,
            message=problem.message,
            source=source,
            destination=destination,
            basis="play",
            hint=problem.hint,
            sure=level == SAME_WORDS,
        )

    def _with_lengths(self, one: Difference) -> Difference:
        """Words that say no more than that lengths differ, with the lengths."""
        ours, theirs = self._devices()
        if one.kind != "fields" or ours is None or theirs is None:
            return one
        mine, other = (
            Side(text=many(d.section.payload.size, "byte"), path=d.path, span=d.section.payload)
            for d in (ours, theirs)
        )
        return msgspec.structs.replace(one, source=mine, destination=other)

    def _devices(self) -> tuple[Device | None, Device | None]:
        """The device that failed, in the stream and in the destination's own."""
        ours = _device(self.stream, self.failing)
        if ours is None or self.destination.stream is None:
            return ours, None
        return ours, self.destination.handler(ours.name, ours.instance_id)

    def _changes(self) -> Iterator[Change]:
        """What differs in that device between the two streams: fields and sizes first, then values."""
        from migstream.analysis.diff.values import values

        ours, theirs = self._devices()
        if ours is None or theirs is None or (ours.layout is None) != (theirs.layout is None):
            return
        found = [
            msgspec.structs.replace(change, device=ours.path)
            for change in values(ours.value, theirs.value)
        ]
        yield from sorted(found, key=lambda change: change.part != "schema")


def _device(stream: Stream, failing: Failing) -> Device | None:
    return next(
        (
            d
            for d in stream.devices
            if d.name == failing.device and failing.instance in {None, d.instance_id}
        ),
        None,
    )


def _agree(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether two messages of one kind have the same values, however those are written."""
    return all(
        _plain(one[name]) == _plain(other[name])
        for name in one.keys() & other.keys()
        if name not in MASKS
    )


def _plain(value: str) -> str:
    return value.lower().removeprefix("0x").lstrip("0")
