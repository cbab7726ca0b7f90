"""A change of a PCI configuration space, made in another one of the same device whose capabilities are elsewhere.

Behind a port of PCI Express a virtio device has a capability more, so that all others move.

References
----------
PCI Local Bus Specification 3.0, 6.7 (capabilities list)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from migstream.catalogue.model import Added, State

__all__ = [
    "CONFIGURATION_AT",
    "SIZES",
    "carried",
    "configuration_of",
    "flipped",
    "has_msi",
    "lists_differ",
    "moves_capabilities",
    "vectors_in",
]

SIZES = (256, 4096)
SPACE = re.compile(rb'"type"\s*:\s*"pci config"\s*,\s*"size"\s*:\s*(\d+)')
CONFIGURATION_AT, SAVED = 4, b"\0\0\0\2"  # behind the version of what PCI saves
POINTER, HEADER = 0x34, 0x40
STATUS, LISTED = 0x06, 0x10  # that there is a list
# Bytes of a capability, by its id: power management, MSI with 64 bits, PCI Express, MSI-X.
LENGTHS, LEAST = {0x01: 8, 0x05: 14, 0x10: 0x3C, 0x11: 12}, 2
MSI, MSIX, CONTROL = 0x05, 0x11, 2  # how many vectors there are, less one
END = 0x100  # behind it are those of PCI Express, which do not move

Key = tuple[int, int]  # id of a capability, and how many of that id are before it


def configuration_of(state: State) -> bytes:
    """The configuration space among what a device on PCI saves; empty where it is none, or virtio's."""
    found = SPACE.search(state.text)
    start = state.payload[:CONFIGURATION_AT] == SAVED and found is not None
    size = int(found[1]) if found is not None and start else 0
    return state.payload[CONFIGURATION_AT : CONFIGURATION_AT + size] if size in SIZES else b""


def lists_differ(before: bytes, after: bytes) -> bool:
    """Whether two spaces have other capabilities; not where one is empty."""
    return bool(before and after) and [*_capabilities(before)] != [*_capabilities(after)]


def _without(here: bytes, before: bytes, after: bytes) -> bytes:
    """A configuration space without those capabilities that went between two others."""
    new, place = dict(_capabilities(after)), dict(_capabilities(here))
    gone = [key for key, _ in _capabilities(before) if key not in new and key in place]
    if not gone:
        return here
    out = bytearray(here)
    for key in gone:
        size = min(LENGTHS.get(key[0], LEAST), END - place[key])
        out[place[key] : place[key] + size] = bytes(size)
    at = POINTER
    for key, where in place.items():
        if key not in gone:
            out[at] = where
            at = where + 1
    out[at] = 0
    if at == POINTER:
        out[STATUS] &= ~LISTED
    return bytes(out)


def carried(here: bytes, before: bytes, after: bytes) -> bytes:
    """`here` with what differs between two others, each capability's at its own place; each is at least 256 bytes."""
    other = {key for key, _ in _capabilities(after)} != {key for key, _ in _capabilities(before)}
    if other and [*_capabilities(here)] == [*_capabilities(before)]:
        here, after = after, here  # the list is that of `after`
    elif other:
        here = _without(here, before, after)
    out = bytearray(here)
    for at in range(HEADER):
        if at != POINTER and not (other and at == STATUS):
            out[at] = flipped(out[at], before[at], after[at])
    ours, old, new = (dict(_capabilities(one)) for one in (here, before, after))
    for key, place in ours.items():
        if key in old and key in new:
            size = min(
                _room(one, table[key]) for one, table in ((here, ours), (before, old), (after, new))
            )
            for at in range(2, size):  # behind the id and the link
                was, now = before[old[key] + at], after[new[key] + at]
                number = key[0] == MSIX and at == CONTROL  # of vectors: no single bits
                if number and was != now:
                    out[place + at] = now
                elif not number:
                    out[place + at] = flipped(out[place + at], was, now)
    first = min((at for one in (here, before, after) for _, at in _capabilities(one)), default=END)
    for at in (*range(HEADER, first), *range(END, min(len(here), len(before), len(after)))):
        out[at] = flipped(out[at], before[at], after[at])
    return bytes(out)


def moves_capabilities(before: Added, after: Added, states: Sequence[State]) -> bool:
    """Whether a device has other capabilities after a change."""
    pairs = zip(before.sections, after.sections, strict=False)
    spaces = ([configuration_of(states[one.state]) for one in pair] for pair in pairs)
    return any(lists_differ(*two) for two in spaces)


def has_msi(state: State) -> bool:
    """Whether a device that is none of virtio's has MSI, or MSI-X."""
    space = configuration_of(state)
    return bool(space) and any(kind in (MSI, MSIX) for (kind, _), _ in _capabilities(space))


def vectors_in(config: bytes) -> int:
    """How many MSI-X vectors a configuration space of at least 256 bytes tells of; none where it has not that capability."""
    at = dict(_capabilities(config)).get((MSIX, 0))
    return (
        0
        if at is None or at + CONTROL + 1 >= END
        else 1 + int.from_bytes(config[at + CONTROL : at + CONTROL + 2], "little") % (1 << 11)
    )


def flipped(here: int, before: int, after: int) -> int:
    """A byte with the bits flipped that differ between two others; as it is where it differs in one of them already."""
    differ = before ^ after
    return here if (here ^ before) & differ else here ^ differ


def _capabilities(config: bytes) -> Iterator[tuple[Key, int]]:
    """Where each is."""
    seen: dict[int, int] = {}
    at, known = config[POINTER] & 0xFC, set[int]()
    while HEADER <= at < END - 1 and at not in known:
        known.add(at)
        kind = config[at]
        yield (kind, seen.setdefault(kind, 0)), at
        seen[kind] += 1
        at = config[at + 1] & 0xFC


def _room(config: bytes, at: int) -> int:
    """Bytes up to the next capability."""
    following = [place for _, place in _capabilities(config) if place > at]
    return min([*following, END]) - at
