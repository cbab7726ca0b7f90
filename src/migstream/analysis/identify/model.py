"""What is known of the writer of a stream, and what each of the facts rests on."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Literal

import msgspec

from migstream.names import brief
from migstream.qemu.release import Bounds, Version
from migstream.wire.model import Span

__all__ = ["Fact", "Identity", "Source", "narrowed"]

Source = Literal["catalogue", "rule"]


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """Something in the stream that not every release writes.

    Parameters
    ----------
    where : a path in the stream, `globalstate[0]`, or the kind of item
    span : its bytes, absolute; None where it is not to be pointed at
    what : what is there, or is not
    releases : those that write so
    subject : what it is about, a VMState or a part of the form: facts about one are one voice
    source : "catalogue" (what QEMU's releases have, as a table), "rule" (a rule of the code)
    times : how often it was found; `where` is the first of them
    """

    where: str
    span: Span | None
    what: str
    releases: Bounds
    subject: str
    source: Source
    times: int = 1

    def __repr__(self) -> str:
        return brief("Fact", f"{self.where}:", self.what, f"({self.releases})")


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who wrote a stream, as far as its bytes tell; None where they do not.

    Parameters
    ----------
    releases : those that can have written it
    known : releases of the catalogue among them, oldest first
    distribution : whose build of QEMU, as its machine types tell
    firmware : what the firmware in guest memory calls itself: of the QEMU in which the guest was started
    machine : the machine type
    target : the program, `x86_64` of qemu-system-x86_64
    accelerator : "kvm", "tcg"
    cpu : the CPU's model, as its registers tell
    changed : what the description says of who changed the stream after QEMU wrote it, a line each
    facts : all that was found, those first that `releases` rests on
    against : facts that contradict newer ones, and were not believed
    """

    releases: Bounds
    known: tuple[Version, ...]
    distribution: str | None
    firmware: str | None
    machine: str | None
    target: str | None
    accelerator: str | None
    cpu: str | None
    changed: tuple[str, ...]
    facts: tuple[Fact, ...]
    against: tuple[Fact, ...]

    @property
    def decisive(self) -> tuple[Fact, ...]:
        """The facts that `releases` begins or ends with."""
        return tuple(fact for fact in self.facts if _decides(fact, self.releases))

    def __repr__(self) -> str:
        return brief(
            "Identity", f"QEMU {self.releases.named() or 'unknown'}", self.distribution or ""
        )


def narrowed(facts: Iterable[Fact]) -> tuple[Bounds, list[Fact], list[Fact]]:
    """The releases that most of the facts allow; the facts, those first that decide; and those that speak against it.

    Facts contradict each other where something was brought to an older release by an update or a distribution, or
    where the stream was changed. Then those releases count that the most subjects speak for, and all between them.
    """
    every = list(facts)
    subjects: dict[str, list[Bounds]] = {}
    for fact in every:
        subjects.setdefault(fact.subject, []).append(fact.releases)
    edges = sorted({edge for fact in every for edge in fact.releases.ends if edge is not None})
    ranges = [Bounds(*ends) for ends in pairwise([None, *edges, None])]
    votes = [
        sum(all(_inside(one, said) for said in some) for some in subjects.values())
        for one in ranges
    ]
    most = max(votes)
    best = [one for one, count in zip(ranges, votes, strict=True) if count == most]
    bounds = Bounds(best[0].first, best[-1].before)
    against = [fact for fact in every if _apart(fact.releases, bounds)]
    believed = [fact for fact in every if fact not in against]
    return bounds, sorted(believed, key=lambda fact: not _decides(fact, bounds)), against


def _inside(one: Bounds, other: Bounds) -> bool:
    return (other.first is None or one.since(other.first)) and (
        other.before is None or one.until(other.before)
    )


def _apart(one: Bounds, other: Bounds) -> bool:
    return any(
        a.before is not None and b.first is not None and a.before <= b.first
        for a, b in ((one, other), (other, one))
    )


def _decides(fact: Fact, bounds: Bounds) -> bool:
    return any(
        edge is not None and edge == ours
        for edge, ours in zip(fact.releases.ends, bounds.ends, strict=True)
    )
