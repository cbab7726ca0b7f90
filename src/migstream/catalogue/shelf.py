"""Catalogues by the names that people use for releases: those of the package, and those that are given."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from migstream.catalogue.files import DATA, Catalogue
from migstream.errors import Unsupported
from migstream.qemu.release import Version, parse

__all__ = ["NAMES", "find", "on_shelf", "release_named"]

SUFFIX = ".cat"
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
# Guests of these are run by a binary of another target as well.
SAME = {"i386": ("i386", "x86_64"), "arm": ("arm", "aarch64"), "ppc": ("ppc", "ppc64")}


def release_named(name: str) -> Version | None:
    """The release that a name stands for, `debian-13` or `10.0`; None where it is not one."""
    try:
        return NAMES.get(name) or parse(name)[:2]
    except ValueError:
        return None


def on_shelf(folder: str | os.PathLike[str] | None = None) -> Iterator[Catalogue]:
    """Catalogues of a folder or a file, then those of the package.

    Raises
    ------
    SourceError : one of them is not a catalogue
    """
    if folder is not None:
        given = Path(folder)
        yield from map(Catalogue, sorted(given.glob(f"*{SUFFIX}")) if given.is_dir() else [given])
    yield from map(Catalogue, sorted(DATA.glob(f"*{SUFFIX}")))


def find(
    release: Version, architecture: str, folder: str | os.PathLike[str] | None = None
) -> Catalogue:
    """The catalogue of a release, of a binary that runs guests of that architecture.

    Raises
    ------
    Unsupported : there is none
    """
    targets = SAME.get(architecture, (architecture,))
    for catalogue in on_shelf(folder):
        if catalogue.index.release[:2] == release and catalogue.index.target in targets:
            return catalogue
    raise Unsupported(
        f"no catalogue of QEMU {'.'.join(map(str, release))} for {architecture}",
        hint="`migstream catalogue list` names those that there are, `migstream catalogue build` makes one of a QEMU",
    )
