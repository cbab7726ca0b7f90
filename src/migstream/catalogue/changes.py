"""A machine that is put together: an image, and the differences that options and devices make to it."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from itertools import count

import msgspec

from migstream.catalogue import cpregs
from migstream.catalogue.capabilities import (
    CONFIGURATION_AT,
    carried,
    configuration_of,
    flipped,
    lists_differ,
)
from migstream.catalogue.merged import is_virtio, merged
from migstream.catalogue.model import Image, Live, Placed, State
from migstream.catalogue.relaid import relaid
from migstream.catalogue.told import Texts, told

__all__ = ["Key", "Machine"]

Key = tuple[str, int]
PIECE = 64  # bytes that are compared at once


class Machine:
    """A machine's sections and RAM blocks, as they are so far.

    `single` are names of sections that all have one instance id, `states` are those of the catalogue, `early` are sections that stand before guest memory, `unsure` names of those of which only that they are there is known.

    Parameters
    ----------
    texts : descriptions for sections without one
    """

    def __init__(self, image: Image, states: Sequence[State], texts: Texts | None = None) -> None:
        self.states = states
        self._texts: Texts = texts or {}
        self.head, self.intro = image.head, image.intro
        self.footers, self.switchover = image.footers, image.switchover
        self.ram_version = image.ram_version
        self.blocks: dict[str, int] = dict(image.blocks)
        self.live: tuple[Live, ...] = image.live
        self.sections: dict[Key, State] = {}
        self.single: frozenset[str] = frozenset()
        self.unsure: set[str] = set()
        self.early: set[Key] = set()
        self._first = {one.key for one in image.sections}
        for one in image.sections:
            self.put(one.key, self.state_of(one), early=one.early)

    def state_of(self, one: Placed) -> State:
        """The state that a section has in an image, with a description where one is known."""
        return told(one.name, self.states[one.state], self._texts)

    def put(self, key: Key, state: State, *, early: bool = False) -> None:
        """A section, in place of the one that was there."""
        self.sections[key] = state
        if early:
            self.early.add(key)

    def place(self, one: Placed, name: str) -> Key:
        """A device's section under its name; the next instance id where that is taken. What it is called then.

        One that was seen behind those that the machine has by itself is counted from the first.
        """
        instance = 0 if (name, one.instance - 1) in self._first else one.instance
        key = _free(self.sections, name, instance) if name not in self.single else (name, instance)
        self.put(key, self.state_of(one), early=one.early)
        return key

    def without(self, name: str) -> bool:
        """Leave out what a property of migration that is off has in a stream; whether it is one of those.

        Without a configuration no QEMU since 8.2 saves itself, and of some boards no option is tried
        (migration/savevm.c: qemu_savevm_state_header, save_section_footer).
        """
        if name == "send-configuration":
            self.head = b""
        elif name == "send-section-footer":
            self.footers = False
        else:
            return False
        return True

    def rename(self, begin: str, other: str) -> None:
        """Sections and RAM blocks whose names begin so begin otherwise."""

        def named(name: str) -> str:
            return other + name.removeprefix(begin) if name.startswith(begin) else name

        self.sections = {(named(n), number): one for (n, number), one in self.sections.items()}
        self.early = {(named(n), number) for n, number in self.early}
        self.blocks = {named(name): size for name, size in self.blocks.items()}

    def unplaced(self, path: str) -> None:
        """Take a place out of the names of the sections and RAM blocks that begin with it, as older machine types have them."""
        begin = f"{path}/"
        renamed: dict[Key, Key] = {}
        taken = {key for key in self.sections if not key[0].startswith(begin)}
        for name, number in self.sections:
            if name.startswith(begin):
                key = _free(taken, name.removeprefix(begin), number)
                renamed[name, number] = key
                taken.add(key)
        self.sections = {renamed.get(key, key): one for key, one in self.sections.items()}
        self.early = {renamed.get(key, key) for key in self.early}
        self.blocks = {name.removeprefix(begin): size for name, size in self.blocks.items()}

    def change(self, before: Image, after: Image) -> None:
        """Make the difference that lies between two images."""
        for field in ("head", "intro", "footers", "switchover", "live", "ram_version"):
            value = getattr(after, field)
            if value != getattr(before, field):
                setattr(self, field, value)
        _change_table(self.blocks, before.blocks, after.blocks)
        self.change_sections(before.sections, after.sections)

    def change_sections(self, before: Sequence[Placed], after: Sequence[Placed]) -> None:
        """Sections that came, went, or have another state."""
        old = {one.key: one for one in before}
        new = {one.key: one for one in after}
        for key in old.keys() - new.keys():
            self.sections.pop(key, None)
        for key, one in new.items():
            known = old.get(key)
            if known is None:
                self.put(key, self.state_of(one), early=one.early)
            elif known.state != one.state and key in self.sections:
                here, was, now = self.sections[key], self.state_of(known), self.state_of(one)
                self.sections[key] = overlaid(here, was, now)
                if (
                    self.sections[key] is here
                ):  # it is laid out otherwise, and nobody saw what it becomes
                    self.unsure.add(key[0])


def _free(taken: Container[Key], name: str, instance: int) -> Key:
    """The first key of that name that is not taken, from an instance id on."""
    return next((name, n) for n in count(instance) if (name, n) not in taken)


def _change_table(
    table: dict[str, int], before: Mapping[str, int], after: Mapping[str, int]
) -> None:
    for name in before.keys() - after.keys():
        table.pop(name, None)
    table.update({name: size for name, size in after.items() if before.get(name) != size})


def _regrown(here: State, before: State, after: State) -> State:
    """A state that becomes one of another length: before the place where it grows all stays as it is (PCI registers)."""
    pairs = enumerate(zip(before.payload, after.payload, strict=False))
    same = next(
        (at for at, (b, a) in pairs if b != a), min(len(before.payload), len(after.payload))
    )
    return msgspec.structs.replace(after, payload=here.payload[:same] + after.payload[same:])


def overlaid(here: State, before: State, after: State) -> State:
    """What becomes of a state by the change from one to another."""
    if here == before:
        return after
    if is_virtio(here):
        return merged(here, before, after)
    lengths = {len(here.payload), len(before.payload), len(after.payload)}
    if cpregs.has_list(here) and len(lengths) > 1:
        return cpregs.merged(here, before, after)
    found = _laid(here, before, after)
    if found is here:
        return here
    spaces = [configuration_of(one) for one in (here, before, after)]
    if not lists_differ(spaces[1], spaces[2]) or len({*map(len, spaces)}) > 1:
        return found
    # capabilities that went are no single bits
    at, raw = CONFIGURATION_AT + len(spaces[0]), found.payload
    payload = raw[:CONFIGURATION_AT] + carried(*spaces) + raw[at:]
    return State(found.version, payload, found.text)


def _laid(here: State, before: State, after: State) -> State:
    longer = len(before.payload) != len(after.payload)
    if longer or here.text != before.text:
        found = relaid(here, before, after)
        if found is not None:
            return found
    if longer:
        # of another machine type's layout: where its own fields do not say it, nobody saw what it becomes
        return _regrown(here, before, after) if here.text == before.text else here
    # of another length it is laid out otherwise somewhere: what begins alike (PCI registers) is changed alike
    size = min(len(here.payload), len(before.payload))
    changed = bytearray(after.payload[:size])
    for at in range(0, size, PIECE):
        own, was = here.payload[at : at + PIECE], before.payload[at : at + PIECE]
        if own != was:  # few pieces are
            # what another change has changed as well are bits of one register, such as a port's number
            piece = bytes(map(flipped, own, was, after.payload[at : at + PIECE]))
            changed[at : at + len(piece)] = piece
    text = after.text if here.text == before.text else here.text
    return State(here.version, bytes(changed) + here.payload[len(changed) :], text)
