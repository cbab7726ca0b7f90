"""Fields as two sides have them: what of them the destination would read, and what it loses.

References: QEMU, migration/vmstate.c: vmstate_load_state; migration/vmstate-types.c.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from migstream.analysis.compat.align import Gap, Token, align
from migstream.analysis.compat.declared import singles_of
from migstream.analysis.compat.destination import Versions
from migstream.analysis.compat.model import Kind, Note, Problem
from migstream.names import many
from migstream.wire.model import Span

if TYPE_CHECKING:
    from migstream.analysis.compat.destination import Destination
    from migstream.analysis.compat.said import Words
    from migstream.stream import Device

__all__ = ["Fields", "Outcome"]


REGISTERS = "cpreg_vmstate_array_len"  # of an Arm CPU; target/arm/machine.c
LARGEST = 8  # bytes of a number
VERSIONED = "read or not by a version that is a field of the stream and differs: not decided"


class Outcome:
    """What is found of one device, in any order."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.lost: list[Note] = []
        self.notes: list[Note] = []


class Fields:
    """The fields of one device, loaded by the destination's handler (`theirs`, where a stream shows it)."""

    def __init__(
        self,
        words: Words,
        destination: Destination,
        device: Device,
        theirs: Device | None,
        outcome: Outcome,
    ) -> None:
        self.device = device
        self.theirs = theirs
        self.out = outcome
        self.words = words
        self.destination = destination
        self.start = device.section.payload.start

    def _old(self, name: str, version: int, local: Versions, span: Span) -> None:
        assert local.minimum is not None
        line = self.words.say("too-old", vmsd=name, received=version, local=local.minimum)
        self._problem(
            "version",
            span,
            f"{name} has version {version}, the destination takes {local.minimum} at least",
            self.words.version(self.device, line),
        )

    def _fields(self, ours: list[Token], theirs: list[Token]) -> None:
        for pair in align(ours, theirs):
            if isinstance(pair, Gap):
                self._gap(pair, ours, theirs)
                continue
            mine, other = pair
            self._equal(mine, other)
            self._unused((mine,), (other,), mine.offset)

    def _gap(self, gap: Gap, ours: list[Token], theirs: list[Token]) -> None:
        if gap.same_bytes:
            self._unused(gap.ours, gap.theirs, gap.offset)
            return
        if gap.self_sized or self._counted(gap, ours, theirs) or self._older(gap, ours):
            return
        if self._flagged(gap, ours, theirs):
            return
        if self._versioned(gap, ours, theirs) and not self._always(gap.theirs, ours):
            self._note(gap.theirs[0].path if gap.theirs else gap.ours[0].path, VERSIONED)
            return
        if self._too_old():
            return
        mine, other = gap.sizes
        at = self.start + gap.offset
        names = ", ".join(t.path for t in gap.ours) or "nothing"
        wanted = ", ".join(t.path for t in gap.theirs) or "nothing"
        self._problem(
            "fields",
            Span(at, at + max(mine, 1)),
            f"{many(mine, 'byte')} ({names}) where the destination reads {other} ({wanted})",
            self.words.missing_footer(self.device.section),
            path=f"{self.device.path}/{gap.ours[0].path}" if gap.ours else self.device.path,
            fields=tuple(dict.fromkeys(t.path for t in (*gap.ours, *gap.theirs))),
            beyond=other - mine,
        )

    def _older(self, gap: Gap, ours: list[Token]) -> bool:
        """Fields that the destination reads from newer versions only, as far as nothing says otherwise."""
        version = self.device.section.version_id
        local = None if self.theirs is None else self.theirs.section.version_id
        if gap.ours or version is None or local is None or version >= local:
            return False
        return not self._always(gap.theirs, ours)

    def _always(self, tokens: Iterable[Token], ours: list[Token]) -> bool:
        """Whether the schema has one of the fields without condition."""
        version = self.device.section.version_id or 0
        singles = singles_of(ours)
        declared = [
            {p.name for p in self.destination.pieces(state, version, singles) if not p.optional}
            for state in self.destination.states(self.device.value.type)
        ]
        always = set.intersection(*declared) if declared else set[str]()
        return any(token.key[0] in always for token in tokens)

    def _versioned(self, gap: Gap, ours: list[Token], theirs: list[Token]) -> bool:
        """Whether a version that is sent as a field can be why: by it, other fields are read or not.

        A destination of an older version has no such condition on what came later; a stream without that field is
        older than one with it.
        """
        if self.theirs is None:
            return False
        start = self.theirs.section.payload.start
        local = {t.path: _number(self.theirs, start, t) for t in theirs if "version_id" in t.path}
        pairs = [
            (_number(self.device, self.start, t), local[t.path]) for t in ours if t.path in local
        ]
        older = any(mine < other for mine, other in pairs) or len(local) > len(pairs)
        newer = any(mine > other for mine, other in pairs)
        return older or (newer and not gap.ours)

    def _too_old(self) -> bool:
        """Other fields and an older version, of what no schema has: the minimum will have risen as well."""
        version = self.device.section.version_id
        local = None if self.theirs is None else self.theirs.section.version_id
        name = self.device.value.type
        if version is None or local is None or version >= local or self.destination.knows(name):
            return False
        self._old(name, version, Versions(local, local), self.device.section.span)
        return True

    def _counted(self, gap: Gap, ours: list[Token], theirs: list[Token]) -> bool:
        """Whether the lengths of arrays differ as numbers do that were sent before them."""
        if len(gap.ours) != len(gap.theirs) or self.theirs is None:
            return False
        there = {t.path: t for t in theirs}
        first = gap.ours[0].offset if gap.ours else 0
        numbers = [
            (one, there[one.path])
            for one in ours
            if one.offset < first and one.node.count is None and one.path in there
        ]
        for pair in zip(gap.ours, gap.theirs, strict=True):
            sizes = [one.size for one in pair]
            if sizes[0] == sizes[1]:  # the same number by another name
                numbers.append(pair)
            elif not any(a != b and sizes[0] * b == sizes[1] * a for a, b in self._counts(numbers)):
                return False
        return True

    def _counts(self, numbers: Iterable[tuple[Token, Token]]) -> Iterator[tuple[int, int]]:
        """The values of both sides, as far as these can be numbers of elements."""
        assert self.theirs is not None
        start = self.theirs.section.payload.start
        for mine, other in numbers:
            if mine.size <= LARGEST and other.size <= LARGEST:
                yield _number(self.device, self.start, mine), _number(self.theirs, start, other)

    def _flagged(self, gap: Gap, ours: list[Token], theirs: list[Token]) -> bool:
        """Whether a number sent just before says that fields follow: not 0 where they do, 0 where they do not.

        The destination goes by the number that it loaded (hw/ide/core.c: is_identify_set).
        """
        if self.theirs is None or (gap.ours and gap.theirs):
            return False
        with_it, without = (ours, theirs) if gap.ours else (theirs, ours)
        before = with_it[with_it.index((gap.ours or gap.theirs)[0]) - 1]
        flag = next((t for t in without if t.path == before.path), None)
        if (
            flag is None
            or before.offset >= (gap.ours or gap.theirs)[0].offset
            or before.size > LARGEST
        ):
            return False
        mine, other = (before, flag) if gap.ours else (flag, before)
        values = (
            _number(self.device, self.start, mine),
            _number(self.theirs, self.theirs.section.payload.start, other),
        )
        said = values if gap.ours else values[::-1]
        return bool(said[0]) and not said[1] and not self._always(gap.ours or gap.theirs, ours)

    def _equal(self, mine: Token, other: Token) -> None:
        """Values that the destination's own bound (migration/vmstate-types.c: get_uint32_equal, get_int32_le)."""
        if self.theirs is None or not other.kind.endswith((" equal", " le")):
            return
        theirs = _number(self.theirs, self.theirs.section.payload.start, other)
        value = _number(self.device, self.start, mine)
        at = self.start + mine.offset
        fields = self.words.chain(self.device, mine.path.split("."))
        if other.kind.endswith(" le"):
            line = self.words.say("positive", value=value, limit=theirs)
            message = f"{mine.path} is {value}, the destination takes {theirs} at most"
            fits = value <= theirs
        else:
            line = self.words.say("equal", received=theirs, local=value)
            message = (
                f"{mine.path} is {value}, that of the destination {theirs}, and they must be equal"
            )
            fits = value == theirs
        if not fits:
            self._problem(
                "registers" if mine.path == REGISTERS else "value",
                Span(at, at + mine.size),
                message,
                self.words.device(self.device, line, fields=fields),
                path=f"{self.device.path}/{mine.path}",
            )

    def _unused(self, ours: tuple[Token, ...], theirs: tuple[Token, ...], offset: int) -> None:
        """State that stands where the destination reads over it."""
        at = offset
        for other in theirs:
            if other.kind == "unused_buffer":
                for mine in ours:
                    begin, end = max(mine.offset, at), min(mine.offset + mine.size, at + other.size)
                    if mine.kind != "unused_buffer" and begin < end and self._any(begin, end):
                        self.out.lost.append(
                            Note(
                                path=f"{self.device.path}/{mine.path}",
                                message="the destination does not use this field",
                            )
                        )
            at += other.size

    def _any(self, begin: int, end: int) -> bool:
        start = self.start - self.device.section.payload.start
        return any(self.device.value.raw[start + begin : start + end])

    def _note(self, path: str, message: str) -> None:
        self.out.notes.append(Note(path=f"{self.device.path}/{path}", message=message))

    def _problem(
        self,
        kind: Kind,
        span: Span,
        message: str,
        said: tuple[str, ...],
        path: str = "",
        hint: str = "",
        fields: tuple[str, ...] = (),
        beyond: int = 0,
    ) -> None:
        self.out.problems.append(
            Problem(
                kind=kind,
                device=self.device.path,
                span=span,
                message=message,
                path=path,
                said=said,
                hint=hint,
                fields=fields,
                beyond=beyond,
            )
        )


def _number(device: Device, start: int, token: Token) -> int:
    at = token.offset + start - device.section.payload.start
    return int.from_bytes(device.value.raw[at : at + token.size], "big")
