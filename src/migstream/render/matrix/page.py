"""The matrix as one page that loads nothing: tables for every pair of releases, of which a script shows the one that is chosen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from migstream._version import __version__
from migstream.analysis.compat.matrix import Fault, Transition
from migstream.render.matrix.answer import Release
from migstream.render.matrix.entries import (
    Entry,
    blamed,
    depending,
    entries,
    name_of,
    place,
    ranges,
    short,
)
from migstream.render.matrix.parts import Summary
from migstream.render.template import environment, own, policy

__all__ = ["page"]

TEMPLATE, STYLE, SCRIPT = "page.html.jinja", "page.css", "page.js"
WORDS = {"fails": "does not load", "loses": "loses state", "depends": "depends on the guest"}


class Line(NamedTuple):
    """A row of a table: what happens, in words."""

    verdict: str
    word: str
    devices: list[str]
    place: str
    machines: list[str]
    every: bool
    names: str
    faults: list[tuple[str, Fault]]


class Chapter(NamedTuple):
    """A pair of releases: its anchor, what is in its tables."""

    anchor: str
    one: Transition
    source: str
    destination: str
    told: Summary
    breaks: list[Line]
    depends: list[Line]
    fine: list[str]
    gone: list[str]
    machines: list[str]


class Target(NamedTuple):
    """An architecture: its releases in order, and the chapter from each to each."""

    name: str
    releases: list[Release]
    chapters: dict[tuple[str, str], Chapter]


def page(known: Sequence[Release], found: Sequence[Transition], docs: str | None = None) -> bytes:
    """The page.

    Parameters
    ----------
    docs : where the pages of the documentation are, ending in a slash; without it nothing links to them

    Raises
    ------
    Unsupported : Jinja2 is not installed
    """
    made = environment(__package__)
    style, script = own(__package__, STYLE), own(__package__, SCRIPT)
    text = made.get_template(TEMPLATE).render(
        targets=[*_targets(known, found)],
        docs=docs,
        style=style,
        script=script,
        policy=policy(style, script),
        version=__version__,
    )
    return text.encode()


def _targets(known: Sequence[Release], found: Sequence[Transition]) -> Iterator[Target]:
    for name in dict.fromkeys(one.architecture for one in found):
        chapters = {
            (one.source, one.destination): _chapter(one)
            for one in found
            if one.architecture == name
        }
        of = {release for pair in chapters for release in pair}
        yield Target(
            name,
            sorted(
                {
                    one.release: one
                    for one in known
                    if one.architecture == name and one.release in of
                }.values(),
                key=lambda one: [int(number) for number in one.release.split(".")],
            ),
            chapters,
        )


def _chapter(one: Transition) -> Chapter:
    found = entries(one)
    breaking = {device for entry in found for device in entry.devices}
    return Chapter(
        anchor=f"{one.architecture}-{short(one.source)}-{short(one.destination)}",
        one=one,
        source=short(one.source),
        destination=short(one.destination),
        told=Summary(one),
        breaks=[_line(one, entry) for entry in found],
        depends=[_line(one, entry) for entry in depending(one)],
        fine=[
            name_of(d) for d in dict.fromkeys(row.device for row in one.rows) if d not in breaking
        ],
        gone=ranges(one.gone, one.gone),
        machines=ranges(one.machines, one.machines),
    )


def _line(one: Transition, entry: Entry) -> Line:
    return Line(
        entry.verdict,
        WORDS[entry.verdict],
        [name_of(device) for device in entry.devices],
        place(entry),
        ranges(entry.machines, one.machines),
        entry.every,
        " ".join(entry.machines),
        blamed(entry),
    )
