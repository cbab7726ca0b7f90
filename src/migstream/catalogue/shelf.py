"""Catalogues by the names that people use: those that are given, those of the package, those of other packages."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

from migstream.catalogue.files import DATA, Catalogue
from migstream.errors import NoSuchPath, Unsupported
from migstream.plugins import Registry
from migstream.qemu.release import Version, parse

__all__ = [
    "NAMES",
    "find",
    "names_of",
    "nearest",
    "no_release",
    "on_shelf",
    "open_named",
    "own_shelf",
    "release_named",
    "targets_of",
]

SUFFIX = ".cat"
NEAR = 0.7  # how alike two names are, of 1
# What distributions call their releases, and the QEMU that each has.
NAMES: dict[str, Version] = {
    "debian-11": (5, 2),
    "debian-12": (7, 2),
    "debian-13": (10, 0),
    "ubuntu-24.04": (8, 2),
    "bullseye": (5, 2),
    "bookworm": (7, 2),
    "trixie": (10, 0),
    "noble": (8, 2),
}
# Guests of these are run by a binary of another target as well, if there is none of their own.
SAME = {"i386": ("i386", "x86_64"), "arm": ("arm", "aarch64"), "ppc": ("ppc", "ppc64")}
# Of other packages: a package with catalogues in it, or what says where they are.
OTHERS: Registry[ModuleType | Callable[[], str | os.PathLike[str]]] = Registry(
    "migstream.catalogues"
)


def release_named(name: str, folder: str | os.PathLike[str] | None = None) -> Version | str | None:
    """The release that a name stands for, `debian-13` or `10.0`; the name itself where a catalogue has it.

    None where it is neither.

    Raises
    ------
    SourceError : one of the catalogues is not one
    """
    known = NAMES.get(name)
    if known is not None:
        return known
    try:
        return parse(name)[:2]
    except ValueError:
        return name if any(name in one.index.names for one in on_shelf(folder)) else None


def no_release(name: str, folder: str | os.PathLike[str] | None = None) -> NoSuchPath:
    """The error that no release is called so, with those that are, the nearest ones where some are near.

    Raises
    ------
    SourceError : one of the catalogues is not one
    """
    from difflib import get_close_matches

    indexes = [one.index for one in on_shelf(folder)]
    numbers = {one.release[:2] for one in indexes}
    known = {*NAMES, *(own for one in indexes for own in one.names)}
    near = sorted(get_close_matches(name, known, len(known), NEAR))
    some = near or [*(".".join(map(str, one)) for one in sorted(numbers)), *sorted(known)]
    return NoSuchPath(
        f"no release is known as {name}, and no file is called so",
        hint=f"{'near it' if near else 'known'}: {', '.join(some)}",
    )


def names_of(catalogue: Catalogue) -> list[str]:
    """By which it is found: those that its maker gave it, and, of one that came with migstream, its distribution's."""
    own = catalogue.path.parent == DATA
    release = catalogue.index.release[:2]
    given = [name for name, version in NAMES.items() if own and version == release]
    return [*catalogue.index.names, *given]


def on_shelf(folder: str | os.PathLike[str] | None = None) -> Iterator[Catalogue]:
    """Catalogues of a folder or a file, then those of the package, then those of other packages.

    Raises
    ------
    SourceError : one of them is not a catalogue
    PluginError : another package does not say where it has some
    """
    for place in _places(folder):
        yield from _in(place)


def own_shelf() -> Iterator[Catalogue]:
    """Those that came with migstream."""
    return iter(_own())


def _places(folder: str | os.PathLike[str] | None) -> Iterator[Path]:
    """Folders and files in which catalogues are, in the order in which they count."""
    if folder is not None:
        yield Path(folder)
    yield DATA
    for _, other in OTHERS.each():
        if isinstance(other, ModuleType):
            yield from map(Path, other.__path__)
        else:
            yield Path(other())


def _in(place: Path) -> Iterable[Catalogue]:
    if place == DATA:
        return _own()
    return map(Catalogue, sorted(place.glob(f"*{SUFFIX}")) if place.is_dir() else [place])


@cache
def _own() -> tuple[Catalogue, ...]:
    return tuple(map(Catalogue, sorted(DATA.glob(f"*{SUFFIX}"))))


@cache
def _own_of(target: str, release: Version) -> Catalogue | None:
    """The one of the package whose file is called so, without a look at all others."""
    path = DATA / f"{target}-{'.'.join(map(str, release))}{SUFFIX}"
    found = Catalogue(path) if path.is_file() else None
    ours = found is not None and (found.index.target, found.index.release[:2]) == (target, release)
    return found if ours else None


def open_named(name: str, folder: str | os.PathLike[str] | None = None) -> Catalogue:
    """A catalogue by its file, or by that file's name without the end of it (`x86_64-10.0`).

    Raises
    ------
    NoSuchPath : there is none of that name
    SourceError : it is not a catalogue
    """
    if Path(name).is_file():
        return Catalogue(name)
    found = next((one for one in on_shelf(folder) if name in (one.path.stem, one.path.name)), None)
    if found is None:
        raise NoSuchPath(
            f"no file and no catalogue is called {name}",
            hint="`migstream catalogue list` names those that there are",
        )
    return found


def targets_of(architecture: str) -> tuple[str, ...]:
    """Whose binaries run guests of an architecture; its own first."""
    return SAME.get(architecture, (architecture,))


def nearest(
    release: Version, architecture: str, folder: str | os.PathLike[str] | None = None
) -> Catalogue:
    """The catalogue of a release, else of the newest that is older, else of the oldest that there is.

    Raises
    ------
    Unsupported : there is none of that architecture
    """
    targets = targets_of(architecture)
    known = {one.index.release[:2] for one in on_shelf(folder) if one.index.target in targets}
    older = [one for one in known if one <= release]
    return find(max(older) if older else min(known, default=release), architecture, folder)


def find(
    release: Version | str, architecture: str, folder: str | os.PathLike[str] | None = None
) -> Catalogue:
    """The catalogue of a release, or with a name, of a binary that runs guests of that architecture.

    Raises
    ------
    Unsupported : there is none
    """
    for place in _places(folder):
        if place == DATA and not isinstance(release, str):
            for target in targets_of(architecture):
                if (own := _own_of(target, release)) is not None:
                    return own
        shelf = list(_in(place))
        for target in targets_of(architecture):
            for catalogue in shelf:
                index = catalogue.index
                known = index.names if isinstance(release, str) else (index.release[:2],)
                if release in known and index.target == target:
                    return catalogue
    name = release if isinstance(release, str) else f"QEMU {'.'.join(map(str, release))}"
    raise Unsupported(
        f"no catalogue of {name} for {architecture}",
        hint="`migstream catalogue list` names those that there are, `migstream catalogue build` makes one of a QEMU",
    )
