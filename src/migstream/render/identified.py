"""Who wrote a stream, and what tells it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from migstream.analysis.identify.model import Fact, Identity
from migstream.names import many
from migstream.qemu.release import Version, spelt
from migstream.render.answer import Answer, Pair
from migstream.render.shown import Part, Table, Title, dim, line
from migstream.render.text import escape, prose

__all__ = ["Evidence", "Identified", "identified", "identified_parts"]


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One fact: where it is, what, and the releases that write so: from `since` on, before `before`; null where open.

    `source` is "catalogue" or "rule", `times` how often it was found, `decides` whether the answer begins or ends with it.
    """

    where: str
    span: Pair | None
    what: str
    since: str | None
    before: str | None
    source: str
    times: int
    decides: bool


class Identified(Answer, tag="identify", frozen=True, kw_only=True):
    """Who wrote a stream: releases from `since` on, before `before`, null where open; in words `releases`, empty where nothing
    is known; `catalogued` are those of the catalogue among them.

    `evidence` agrees with it, `against` does not and was outvoted.
    """

    file: str
    since: str | None
    before: str | None
    releases: str
    catalogued: list[str]
    distribution: str | None
    machine: str | None
    target: str | None
    accelerator: str | None
    cpu: str | None
    firmware: str | None
    changed: list[str]
    evidence: list[Evidence]
    against: list[Evidence]


def identified(file: str, one: Identity) -> Identified:
    """The document of `identify --json`."""
    decisive = set(map(id, one.decisive))
    return Identified(
        file=file,
        since=_version(one.releases.first),
        before=_version(one.releases.before),
        releases=one.releases.named(),
        catalogued=[spelt(release) for release in one.known],
        distribution=one.distribution,
        machine=one.machine,
        target=one.target,
        accelerator=one.accelerator,
        cpu=one.cpu,
        firmware=one.firmware,
        changed=list(one.changed),
        evidence=[_evidence(fact, decides=id(fact) in decisive) for fact in one.facts],
        against=[_evidence(fact, decides=False) for fact in one.against],
    )


def _evidence(fact: Fact, *, decides: bool) -> Evidence:
    return Evidence(
        where=fact.where,
        span=None if fact.span is None else (fact.span.start, fact.span.stop),
        what=fact.what,
        since=_version(fact.releases.first),
        before=_version(fact.releases.before),
        source=fact.source,
        times=fact.times,
        decides=decides,
    )


def _version(version: Version | None) -> str | None:
    return None if version is None else spelt(version)


def identified_parts(one: Identity, *, verbose: bool = False) -> Iterator[Part]:
    """What is known, then what it rests on; with `verbose` all that was found."""
    yield from (
        line(dim(name.ljust(12)), "  ", text) for name, text in _facts(one) if text is not None
    )
    shown = one.facts if verbose else one.decisive
    if shown:
        yield Title("Evidence")
        yield _table(shown)
    if len(shown) < len(one.facts):
        rest = many(len(one.facts) - len(shown), "more fact")
        yield dim(f"  and {rest} (-v), which all agree")
    if one.against:
        yield Title("Against it")
        yield _table(one.against)


def _facts(one: Identity) -> Iterator[tuple[str, str | None]]:
    among = ", ".join(map(spelt, one.known)) or "none"
    named = one.releases.named()
    yield "QEMU", f"{named} (of the catalogue: {among})" if named else "unknown"
    yield "build", one.distribution
    yield "machine", escape(one.machine or "not recorded")
    yield "target", one.target or "unknown"
    yield "accelerator", one.accelerator.upper() if one.accelerator else "unknown"
    yield "CPU", one.cpu
    yield "firmware", one.firmware and f"{prose(one.firmware)}; of the QEMU that started the guest"
    yield from (("changed", prose(line)) for line in one.changed)


def _table(facts: Sequence[Fact]) -> Table:
    rows = [
        (
            fact.releases.named(),
            escape(fact.where),
            prose(fact.what) + (f" ({fact.times} times)" if fact.times > 1 else ""),
            fact.source,
        )
        for fact in facts
    ]
    return Table(rows, "<<<<", ("releases", "where", "what", "from"), indent=2)
