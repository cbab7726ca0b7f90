"""`compat --all`: a line for each release of the catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from migstream.render.answer import Answer
from migstream.render.compat import Compat, compat_answer
from migstream.render.shown import Part, Table
from migstream.render.text import escape, prose

if TYPE_CHECKING:
    from migstream.analysis.compat.foretell import Foretold

__all__ = ["Foretellings", "foretelling_parts", "foretellings"]


class ReleaseLoad(msgspec.Struct, frozen=True, kw_only=True):
    """One release, and the document of the load there."""

    release: str
    accepted: bool
    report: Compat


class Foretellings(Answer, tag="compat", frozen=True, kw_only=True):
    """The load of a stream in every release of the catalogue."""

    releases: list[ReleaseLoad]


def foretellings(told: Sequence[Foretold]) -> Foretellings:
    """All of it."""
    return Foretellings(
        releases=[
            ReleaseLoad(
                release=one.release,
                accepted=one.report.accepted,
                report=compat_answer(one.report),
            )
            for one in told
        ]
    )


def foretelling_parts(told: Sequence[Foretold]) -> Iterator[Part]:
    """A line for each, with what QEMU would end with."""
    rows = []
    for one in told:
        first = one.report.first
        why = (
            "" if first is None else f"{escape(first.path or first.device)}: {prose(first.message)}"
        )
        rows.append((one.release, "loads" if first is None else "FAILS", why))
    yield Table(rows, "<<<", ("release", "verdict", ""))
