"""Catalogues: what there is, and what was built."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from migstream.catalogue.files import Catalogue
from migstream.render.answer import Answer
from migstream.render.shown import Part, Table
from migstream.render.text import escape, size

__all__ = ["Catalogues", "Kept", "catalogue_parts", "kept"]


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One catalogue: its file and size in bytes, the binary that it is of, machine types, command lines that it was made with."""

    file: str
    size: int
    release: str
    package: str
    target: str
    machines: list[str]
    runs: int


class Catalogues(Answer, tag="catalogue", frozen=True, kw_only=True):
    """Catalogues that were found, or the one that was built."""

    catalogues: list[Kept]


def kept(one: Catalogue) -> Kept:
    """What is told of a catalogue."""
    index = one.index
    return Kept(
        file=one.path.name,
        size=one.path.stat().st_size,
        release=".".join(map(str, index.release)),
        package=index.package,
        target=index.target,
        machines=sorted(index.machines),
        runs=sum(made.runs for made in index.made),
    )


def catalogue_parts(found: Sequence[Kept]) -> Iterator[Part]:
    """A line for each."""
    rows = [
        (
            one.release,
            escape(one.target),
            str(len(one.machines)),
            size(one.size),
            escape(one.package),
        )
        for one in found
    ]
    if rows:
        yield Table(rows, "<<>><", ("QEMU", "target", "machine types", "size", "package"))
    else:
        yield "no catalogue"
