"""Catalogues: what there is, and what was built."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

import msgspec

from migstream.catalogue import files
from migstream.catalogue.shelf import names_of
from migstream.render.answer import Answer
from migstream.render.shown import Part, Table, Title
from migstream.render.text import escape, size

__all__ = ["Catalogue", "Catalogues", "Kept", "catalogue_parts", "kept", "shown", "shown_parts"]


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One catalogue: its file and size in bytes, its names, the binary that it is of and its SHA-256 (empty where it
    was not to be read), machine types, and how many command lines it was made with.
    """

    file: str
    size: int
    names: list[str]
    release: str
    package: str
    digest: str
    target: str
    machines: list[str]
    runs: int


class Catalogues(Answer, tag="catalogue", frozen=True, kw_only=True):
    """Catalogues that were found, or the one that was built."""

    catalogues: list[Kept]


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """Machine types of one board: the command lines that were run, and the sections (`name[instance]`) that differed
    when the same line was run again.
    """

    board: str
    machines: list[str]
    lines: list[str]
    noisy: list[str]


class Catalogue(Answer, tag="catalogue", frozen=True, kw_only=True):
    """A catalogue, and what was run to make it; each command line had `words` as well."""

    catalogue: Kept
    words: list[str]
    made: list[Run]


def kept(one: files.Catalogue) -> Kept:
    """What is told of a catalogue."""
    index = one.index
    return Kept(
        file=one.path.name,
        size=one.path.stat().st_size,
        names=names_of(one),
        release=".".join(map(str, index.release)),
        package=index.package,
        digest=index.digest,
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
            escape(", ".join(one.names)),
        )
        for one in found
    ]
    if rows:
        yield Table(rows, "<<>><<", ("QEMU", "target", "machine types", "size", "package", "names"))
    else:
        yield "no catalogue"


def shown(one: files.Catalogue) -> Catalogue:
    """What is told of how a catalogue was made."""
    made = one.provenance
    boards: dict[str, list[str]] = {}
    for machine, board in one.index.machines.items():
        boards.setdefault(board, []).append(machine)
    return Catalogue(
        catalogue=kept(one),
        words=list(made.words),
        made=[
            Run(
                board=board,
                machines=boards.get(board, []),
                lines=list(family.lines),
                noisy=[f"{name}[{instance}]" for name, instance in family.noisy],
            )
            for board, family in made.families.items()
        ],
    )


def shown_parts(one: Catalogue, *, verbose: bool) -> Iterator[Part]:
    """The binary, and what was run; with `verbose` every command line."""
    about = one.catalogue
    yield f"{about.file}: QEMU {about.release} ({escape(about.package)}), {escape(about.target)}"
    if about.names:
        yield f"names: {escape(', '.join(about.names))}"
    yield f"SHA-256 of the binary: {escape(about.digest) or 'not known'}"
    if not one.made:
        yield "its command lines were not kept"
        return
    yield f"every command line has: {escape(shlex.join(one.words))}"
    rows = [
        (
            escape(made.board),
            str(len(made.machines)),
            str(len(made.lines)),
            escape(", ".join(made.noisy)),
        )
        for made in one.made
    ]
    yield ""
    yield Table(
        rows, "<>><", ("board", "machine types", "command lines", "differs from run to run")
    )
    for made in one.made if verbose else ():
        yield Title(escape(made.board))
        yield from (escape(line) for line in made.lines)
