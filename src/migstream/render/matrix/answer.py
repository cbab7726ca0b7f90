"""The matrix as a document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from migstream.analysis.compat.matrix import Fault, Transition
from migstream.catalogue.files import Catalogue
from migstream.catalogue.shelf import NAMES
from migstream.render.answer import Answer

__all__ = [
    "Matrix",
    "MatrixBreak",
    "MatrixSubject",
    "MatrixTransition",
    "MatrixWritten",
    "Release",
    "matrix",
    "releases",
]


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """A catalogue: the architecture and release of its binary, what the package calls itself, names of the release that people use."""

    architecture: str
    release: str
    package: str
    names: list[str]


class MatrixBreak(msgspec.Struct, frozen=True, kw_only=True):
    """What happens on the machine types of the set `machines`: the load "fails", or "loses" state; QEMU ends with the first fault."""

    verdict: str
    machines: int
    faults: tuple[Fault, ...]


class MatrixSubject(msgspec.Struct, frozen=True, kw_only=True):
    """A device type, or with an empty `device` the machine itself, on the machine types of the set `machines`.

    `where` is the bridge that the device is behind, empty for the root bus and for devices that are not on PCI; of the machine
    itself it is the accelerator. On machine types that are in none of the `breaks` it loads as it is after reset; `depends` are
    differences that the schemas tell: a guest can have what would not load then.
    """

    device: str
    where: str
    machines: int
    breaks: list[MatrixBreak]
    depends: tuple[Fault, ...]


class MatrixTransition(msgspec.Struct, frozen=True, kw_only=True):
    """From one release to another: machine types of both, and those that only one has (`gone`, `new`); device types that are gone.

    `sets` are lists of machine types, which are named by their place in it.
    """

    architecture: str
    source: str
    destination: str
    machines: tuple[str, ...]
    gone: tuple[str, ...]
    new: tuple[str, ...]
    gone_devices: tuple[str, ...]
    sets: list[tuple[str, ...]]
    subjects: list[MatrixSubject]


class Matrix(Answer, tag="catalogue", frozen=True, kw_only=True):
    """Does what one release saves load in another: every machine type and device type that both have."""

    releases: list[Release]
    transitions: list[MatrixTransition]


class MatrixWritten(Answer, tag="catalogue", frozen=True, kw_only=True):
    """The files that were made of the matrix, and their sizes in bytes."""

    files: list[str]
    sizes: list[int]


def releases(catalogues: Iterable[Catalogue], found: Sequence[Transition]) -> list[Release]:
    """What is told of the catalogues that some transitions are between; the first one of a release counts."""
    used = {(one.architecture, one.source) for one in found}
    used |= {(one.architecture, one.destination) for one in found}
    known: dict[tuple[str, tuple[int, ...]], Catalogue] = {}
    for one in catalogues:
        if (one.index.target, ".".join(map(str, one.index.release))) in used:
            known.setdefault((one.index.target, one.index.release), one)
    return [
        Release(
            architecture=one.index.target,
            release=".".join(map(str, one.index.release)),
            package=one.index.package,
            names=sorted(name for name, known in NAMES.items() if known == one.index.release[:2]),
        )
        for _, one in sorted(known.items())
    ]


def matrix(known: Sequence[Release], found: Iterable[Transition]) -> Matrix:
    """All of it."""
    return Matrix(releases=[*known], transitions=[_told(one) for one in found])


def _told(one: Transition) -> MatrixTransition:
    numbers: dict[tuple[str, ...], int] = {}

    def number(machines: tuple[str, ...]) -> int:
        return numbers.setdefault(machines, len(numbers))

    subjects = [
        MatrixSubject(
            device=row.device,
            where=row.where,
            machines=number(row.machines),
            breaks=[
                MatrixBreak(
                    verdict=cell.verdict, machines=number(cell.machines), faults=cell.faults
                )
                for cell in row.cells
            ],
            depends=row.depends,
        )
        for row in one.rows
    ]
    return MatrixTransition(
        architecture=one.architecture,
        source=one.source,
        destination=one.destination,
        machines=one.machines,
        gone=one.gone,
        new=one.new,
        gone_devices=one.gone_devices,
        sets=[*numbers],
        subjects=subjects,
    )
