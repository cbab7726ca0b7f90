"""The value that a property has by itself in an older machine type, where that is not the newest one's.

No catalogue says it in words. But each value was tried with the newest machine type: the one whose marks the older device bears
is its own. What is asked for is then a change from that value, and the newest's own value is a change as well.

References
----------
QEMU, hw/core/machine.c: hw_compat_*; hw/i386/pc.c: pc_compat_*
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from migstream.catalogue.capabilities import configuration_of
from migstream.catalogue.merged import is_virtio, leaves
from migstream.catalogue.model import Added, Image, State
from migstream.catalogue.relaid import parted

__all__ = ["explains", "standing", "standing_image"]

WHOLE = 1 << 20  # marks that a section, or a RAM block, is, beside those that are bits


def standing(
    options: Mapping[str, Added], name: str, base: Added, own: Added, states: Sequence[State]
) -> Added:
    """What a device of the newest machine type adds with the value that an older one has by itself.

    Parameters
    ----------
    options : what it adds by `property=value`
    base : what it adds on the newest machine type
    own : what it adds on the one that is looked at
    """
    if own == base:
        return base
    tried = [one for key, one in options.items() if key.partition("=")[0] == name]
    return max((base, *tried), key=lambda one: _marks(base, one, own, states))


def explains(before: Added, own: Added, states: Sequence[State]) -> bool:
    """Whether the PCI registers of an older device are those of the newest one with that value: no other value has a part in them.

    Those of virtio are not looked at: they are in one piece with what else it saves.
    """
    return all(
        one == other or configuration_of(states[one]) == configuration_of(states[other]) != b""
        for one, other, _ in _rows([_sections(before), _sections(own), {}])
        if one is not None and other is not None
    )


def standing_image(images: Mapping[str, Image], what: str, base: Image, own: Image) -> Image:
    """The same for an option of the machine, by the sections that come or go with it.

    Parameters
    ----------
    images : by what was added to the command line; `what` is that without a value
    base : as it is with nothing added
    own : of the machine that is looked at
    """
    tried = [one for key, one in images.items() if key.partition("=")[0] == what]
    here, before = _keys(own), _keys(base)
    moved = [(one, before ^ _keys(one)) for one in tried]
    found = [(one, keys) for one, keys in moved if keys and here & keys == _keys(one) & keys]
    return max(found, key=lambda one: len(one[1]), default=(base, set()))[0]


def _keys(image: Image) -> set[tuple[str, int]]:
    return {one.key for one in image.sections}


def _marks(base: Added, after: Added, own: Added, states: Sequence[State]) -> int:
    """How much a value changes, if all of that is found in what an older device adds; else nothing."""
    found = 0
    for before, now, here in _rows([_sizes(one) for one in (base, after, own)]):
        if before != now:
            if here != now:
                return 0
            found += WHOLE
    if found:
        return found
    for one, two, three in _rows([_sections(one) for one in (base, after, own)]):
        if one != two:
            marks = _bits(one, two, three, states)
            if not marks:
                return 0
            found += marks
    return found


def _sizes(one: Added) -> dict[str, int]:
    return {name.rpartition("/")[2]: size for name, size in one.blocks.items()}


def _sections(one: Added) -> dict[str, int]:
    """Which state each has; of older machine types some have no place in their names (global-vmstate)."""
    return {f"{p.name.rpartition('/')[2]} {p.instance}": p.state for p in one.sections}


def _rows(tables: Sequence[Mapping[str, int]]) -> Iterator[list[int | None]]:
    """What the first two have, and beside it what the third has."""
    for name in tables[0].keys() | tables[1].keys():
        yield [table.get(name) for table in tables]


def _bits(base: int | None, after: int | None, own: int | None, states: Sequence[State]) -> int:
    """How many bits differ between two states, if a third one has the second's."""
    if base is None or after is None or own is None:
        return WHOLE if (after is None) == (own is None) else 0
    if after == own:
        return WHOLE
    three = [states[one] for one in (base, after, own)]
    if len({len(one.payload) for one in three}) == 1:
        return _flipped(*(one.payload for one in three))
    if not all(one.text for one in three):
        return 0
    virtio = is_virtio(three[0])
    tables = [*map(dict, leaves(three))] if virtio else [*map(parted, three)]
    names = [table.keys() for table in tables]
    # with one value there, with the other not; what they hold depends on more
    moved = names[0] ^ names[1]
    if moved:
        return len(moved) if moved & names[2] == moved & names[1] else 0
    return _all_flipped(tables)


def _flipped(before: bytes, after: bytes, own: bytes) -> int:
    """How many bits differ, if the third one has all of them as the second does."""
    was, now, here = (int.from_bytes(one, "big") for one in (before, after, own))
    differ = was ^ now
    return 0 if (here ^ now) & differ else differ.bit_count()


def _all_flipped(tables: list[dict[Any, bytes]]) -> int:
    """The same for each field of which the first two have other bytes."""
    found = 0
    for path, before in tables[0].items():
        after, own = tables[1][path], tables[2].get(path, b"")
        if before != after:
            marks = _flipped(before, after, own) if len(before) == len(own) == len(after) else 0
            if not marks:
                return 0
            found += marks
    return found
