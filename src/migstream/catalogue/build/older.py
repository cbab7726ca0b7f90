"""What devices without a place add to an older machine type: all of them at once, told apart by what each adds to the newest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from migstream.catalogue.build.devices import BLAMED
from migstream.catalogue.build.helpers import device_words, needs_memory_slots
from migstream.catalogue.model import Added
from migstream.errors import QemuError

if TYPE_CHECKING:
    from migstream.catalogue.build.snapshot import Bench
    from migstream.catalogue.model import Image, Type

__all__ = ["Placeless"]

BUSES = ("", "ISA", "System")


class Placeless:
    """Devices of no bus and of ISA, which one machine can have together.

    Parameters
    ----------
    types : by name
    found : what each of them adds to the newest machine type
    """

    def __init__(self, types: Mapping[str, Type], found: Mapping[str, Added]) -> None:
        self._found = found
        self._types = types
        owners = Counter(key for added in found.values() for key in _own(added))
        self._names = [
            name
            for name, added in found.items()
            if types[name].bus in BUSES
            and not needs_memory_slots(name)
            and self._words(name, 0).count("-device") == 1  # another device is not told apart
            and added.sections
            and all(owners[key] == 1 for key in _own(added))
        ]

    def on(self, bench: Bench, machine: Sequence[str], base: Image) -> Iterator[tuple[str, Added]]:
        """What each of them adds to another machine type, if that can have it.

        Parameters
        ----------
        machine : what starts the machine
        base : its image without them
        """
        names, image = self._together(bench, machine)
        if image is None:
            return
        before = {one.key for one in base.sections}
        new = {one.key: one for one in image.sections if one.key not in before}
        for name in names:
            known = self._found[name]
            sections = tuple(new[one.key] for one in known.sections if one.key in new)
            blocks = {n: image.blocks[n] for n in known.blocks if n in image.blocks}
            yield name, Added(sections, blocks, known.removed, known.root, image.run)

    def _together(self, bench: Bench, machine: Sequence[str]) -> tuple[list[str], Image | None]:
        """Those that it starts with, and its image."""
        names = [*self._names]
        while names:
            words = [
                word for number, name in enumerate(names) for word in self._words(name, number)
            ]
            try:
                return names, bench.take([*machine, *words])
            except QemuError as error:
                blamed = BLAMED.search(str(error))
                if blamed is None or int(blamed[1]) >= len(names):
                    break
                del names[int(blamed[1])]
        return [], None

    def _words(self, name: str, number: int) -> list[str]:
        return device_words(name, self._types[name], number)


def _own(added: Added) -> list[object]:
    """What only one device of a machine can have: names of sections and of RAM blocks."""
    return [*(one.key for one in added.sections), *added.blocks]
