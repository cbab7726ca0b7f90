"""What a catalogue has, piece by piece, each with the command line that it was taken from."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import NamedTuple

from migstream.catalogue.files import Catalogue, States
from migstream.catalogue.model import Added, Family, Image, Lines

__all__ = ["Piece", "boards", "pieces"]


class Piece(NamedTuple):
    """An image, or what a device adds: what it is called, its command line, and words that this has to have.

    `alone` is the command line of the same device by itself, for what it adds to no place of its own.
    """

    name: str
    what: Image | Added
    line: list[str]
    words: tuple[str, ...]
    alone: list[str]


def boards(catalogue: Catalogue) -> Iterator[tuple[str, Family, States, Lines]]:
    """Families of machine types with their states and command lines."""
    first = {stem: machine for machine, stem in catalogue.index.machines.items()}
    for stem, machine in first.items():
        family, states = catalogue.family(machine)
        yield stem, family, states, catalogue.provenance.families[stem]


def pieces(family: Family, made: Lines) -> Iterator[Piece]:
    """All that a family has; IndexError where one names no command line."""
    newest = family.newest

    def piece(name: str, what: Image | Added, *words: str, driver: str = "") -> Piece:
        if what.run < 0:
            raise IndexError(f"{name} names no command line")
        line = shlex.split(made.lines[what.run])
        own = family.devices.get(newest, {}).get(driver)
        alone = line if own is None else shlex.split(made.lines[own.run])
        return Piece(name, what, line, words, alone)

    for machine, forms in family.images.items():
        for form, image in forms.items():
            yield piece(f"{machine}: {form}", image, machine)
    for machine, devices in family.devices.items():
        for driver, added in devices.items():
            yield piece(f"{machine}: {driver}", added, machine, driver, driver=driver)
    for driver, tried in family.options.items():
        for option, added in tried.items():
            words = (newest, driver, option.removeprefix("bus="))
            yield piece(f"{newest}: {driver},{option}", added, *words, driver=driver)
    for option, image in family.changed.items():
        yield piece(f"{newest}: {option}", image, newest, option.partition(" ")[2])
    for model, image in family.cpus.items():
        yield piece(f"{newest}: -cpu {model}", image, newest, model)
