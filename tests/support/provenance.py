"""What a catalogue has, piece by piece, each with the command line that it was taken from."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from migstream.catalogue.files import Catalogue
from migstream.catalogue.model import Added, Family, Image, Lines

WORDS = re.compile(r"[^\s,=]+")

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


def boards(catalogue: Catalogue) -> Iterator[tuple[str, Family, Lines]]:
    """Families of machine types with their command lines."""
    for stem in dict.fromkeys(catalogue.index.machines.values()):
        family = catalogue.part_of(stem)
        assert family is not None
        if catalogue.like is not None:  # what is alike there is of that one's command lines
            images = {
                name: {form: image for form, image in forms.items() if image.run >= 0}
                for name, forms in family.images.items()
            }
            family = msgspec.structs.replace(family, images=images)
        yield stem, family, catalogue.provenance.families[stem]


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
            words = (newest, driver, *_asked(option.removeprefix("bus=")))
            yield piece(f"{newest}: {driver},{option}", added, *words, driver=driver)
    for bridge, machines in family.behind.items():
        for machine, devices in machines.items():
            for driver, added in devices.items():
                words = (machine, bridge, driver)
                yield piece(f"{machine}: {driver} on {bridge}", added, *words, driver=driver)
    for option, image in family.changed.items():
        yield piece(f"{newest}: {option}", image, newest, *_asked(option))
    for model, image in family.cpus.items():
        yield piece(f"{newest}: -cpu {model}", image, newest, *_asked(model))


def _asked(name: str) -> list[str]:
    """The words of what was asked for, without those that say of what kind it is."""
    return [word for word in WORDS.findall(name) if not word.startswith("-")]
