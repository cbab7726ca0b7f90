"""What each device type adds to a machine: many of them on one machine, fewer and fewer where it does not start."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from migstream.catalogue.build.helpers import PARENTS, device_words, needs_memory_slots
from migstream.catalogue.build.snapshot import Bench
from migstream.catalogue.model import PLACE, Added, Image, Placed, Type
from migstream.errors import QemuError

__all__ = ["INNER", "PLACES", "Job", "on_buses", "on_pci", "with_placeless"]

SLOTS = range(3, 0x1D)
BRIDGES = 100  # added to a device's number: that of the bridge before it
BLAMED = re.compile(
    r"-device [^:]*,id=t(\d+)\b"
)  # in QEMU's words: which of the devices it does not make
INTERNAL = ":00.0"  # behind a device's place: the bridge that it has inside (hw/pci-bridge/pci_expander_bridge.c)
INNER = {
    "pcie-root-port": 0,
    "pci-bridge": 1,
}  # bridges that devices are put on, and the slot there
PARENT_SLOT = "1e"
ROOM = ("-m", "32M,slots=4,maxmem=4G")
# Where a device on a bus of the parent is, behind the parent's address: the place of the first one.
PLACES = {"usb-bus": "/1", "SCSI": "/0:0:0"}


class Job(NamedTuple):
    """A device type to be made, with properties of its own; `behind` is the bridge that it is put on.

    `known` is what the same device adds to a newer machine type.
    """

    name: str
    kind: Type
    more: tuple[str, ...] = ()
    behind: tuple[str, Type] | None = None
    known: Added = Added()

    def words(self, number: int, slot: int) -> list[str]:
        """What puts it, or the bridge before it, into a slot of the root bus."""
        place = f"addr={slot:x}"
        if self.behind is None:
            return device_words(self.name, self.kind, number, (place, *self.more))
        bridge = device_words(*self.behind, number + BRIDGES, (place,))
        own = (f"bus=t{number + BRIDGES}", f"addr={INNER[self.behind[0]]}", *self.more)
        return [*bridge, *device_words(self.name, self.kind, number, own)]

    def place(self, slot: int) -> str:
        """How its path ends in that slot."""
        inner = "" if self.behind is None else f":{INNER[self.behind[0]]:02x}.0"
        return f":{slot:02x}.0{inner}"


def on_pci(
    bench: Bench, machine: Sequence[str], base: Image, jobs: Sequence[Job]
) -> Iterator[tuple[Job, Added | str]]:
    """Each job's part of a machine with many of them, or QEMU's words where it was not made.

    Parameters
    ----------
    machine : what starts the machine
    base : its image without them
    """
    slots = [n for n in SLOTS if not any(a.startswith(f"{n:02x}.") for a in base.pci)]
    for at in range(0, len(jobs), len(slots)):
        yield from _together(bench, machine, base, jobs[at : at + len(slots)], slots)


def _together(
    bench: Bench, machine: Sequence[str], base: Image, jobs: Sequence[Job], slots: Sequence[int]
) -> Iterator[tuple[Job, Added | str]]:
    words: list[str] = []
    for number, (job, slot) in enumerate(zip(jobs, slots, strict=False)):
        words += job.words(number, slot)
    room = ROOM if any(needs_memory_slots(job.name) for job in jobs) else ()
    try:
        image = bench.take([*machine, *room, *words])
    except QemuError as error:
        if len(jobs) == 1:
            yield jobs[0], str(error)
            return
        half = len(jobs) // 2
        parts = [jobs[:half], jobs[half:]]
        blamed = BLAMED.search(str(error))
        if blamed is not None and int(blamed[1]) % BRIDGES < len(jobs):
            number = int(blamed[1]) % BRIDGES
            yield jobs[number], str(error)
            parts = [[*jobs[:number], *jobs[number + 1 :]]]
        for part in parts:
            yield from _together(bench, machine, base, part, slots)
        return
    for job, slot in zip(jobs, slots, strict=False):
        added = _unplaced(_at(image, base, job.place(slot)), image, base, job.known)
        yield job, _alone(added, image, base) if len(jobs) == 1 else added


def _unplaced(added: Added, image: Image, base: Image, known: Added) -> Added:
    """With RAM blocks that have a place in their names on newer machine types only (global-vmstate of VGA cards)."""
    names = {name.rpartition("/")[2] for name in known.blocks.keys() - added.blocks.keys()}
    more = {n: s for n, s in image.blocks.items() if n in names and n not in base.blocks}
    return msgspec.structs.replace(added, blocks=added.blocks | more) if more else added


def _alone(added: Added, image: Image, base: Image) -> Added:
    """With what a device that is alone adds to no place of its own."""
    before = {one.key for one in base.sections}
    more = [one for one in image.sections if one.key not in before and "/" not in one.name]
    blocks = {n: s for n, s in image.blocks.items() if n not in base.blocks and "/" not in n}
    return msgspec.structs.replace(
        added, sections=(*added.sections, *more), blocks=added.blocks | blocks
    )


def with_placeless(added: Added, alone: Added) -> Added:
    """What was found at a place, with what the same device adds to none when it is alone."""
    places = [one for one in added.sections if PLACE in one.name]
    more = [one for one in alone.sections if PLACE not in one.name]
    blocks = {name: size for name, size in alone.blocks.items() if PLACE not in name}
    return msgspec.structs.replace(added, sections=(*places, *more), blocks=added.blocks | blocks)


def _at(image: Image, base: Image, place: str) -> Added:
    """What stands at one place of an image."""
    before = {one.key for one in base.sections}
    sections, root = [], ""
    for one in image.sections:
        path, _, rest = one.name.partition("/")
        for inside in (INTERNAL, ""):
            if one.key not in before and path.endswith(place + inside):
                root = path[: -len(place + inside) + 1]
                name = f"{PLACE}{inside}/{rest}"
                sections.append(Placed(name, one.instance, one.state, one.early))
    blocks = {}
    for name, size in image.blocks.items():
        path, slash, rest = name.partition("/")
        if slash and path.endswith(place):
            root = root or path[: -len(place) + 1]
            blocks[f"{PLACE}/{rest}"] = size
    return Added(tuple(sections), blocks, (), root)


def on_buses(
    bench: Bench, machine: Sequence[str], base: Image, jobs: Sequence[Job]
) -> Iterator[tuple[Job, Added | str]]:
    """The same of devices on other buses, or on none: one by one, all that is new is theirs."""
    parents: dict[str, Image | None] = {"": base}
    for number, job in enumerate(jobs):
        parent = PARENTS.get(job.kind.bus, ())
        words = list(parent)
        if parent:
            words[-1] += f",addr={PARENT_SLOT}" if job.kind.bus != "ccid-bus" else ""
        room = ROOM if needs_memory_slots(job.name) else ()
        own = device_words(
            job.name, job.kind, number, ("bus=parent.0", *job.more) if parent else job.more
        )
        if "-device" in own[:-2]:  # a helper that is a device has state of its own
            words += own[:-2]
            own = own[-2:]
        key = " ".join((*room, *words))
        if key not in parents:
            parents[key] = _parent(bench, [*machine, *room, *words])
        before = parents[key]
        if before is None:
            continue
        try:
            image = bench.take([*machine, *room, *words, *own])
        except QemuError as error:
            yield job, str(error)
            continue
        yield job, _new(image, before, bench.noisy, job.kind.bus)


def _parent(bench: Bench, words: Sequence[str]) -> Image | None:
    try:
        return bench.take(words)
    except QemuError:
        return None


def _new(image: Image, base: Image, noisy: set[tuple[str, int]], bus: str) -> Added:
    """What an image has beyond another one, and what it has in another length."""
    before = {one.key: one for one in base.sections}
    sections, root = [], ""
    for one in image.sections:
        known = before.get(one.key)
        if known is None:
            name = _child(one.name, bus)
            sections.append(Placed(name, one.instance, one.state, one.early))
    blocks = {n: s for n, s in image.blocks.items() if n not in base.blocks}
    now = {one.key for one in image.sections}
    removed = tuple(key for key in before if key not in now and key not in noisy)
    return Added(tuple(sections), blocks, removed, root)


def _child(name: str, bus: str) -> str:
    """The name of a section of a device on a parent's bus, with its place left open."""
    place = PLACES.get(bus)
    if place is None:
        return name
    head, found, rest = name.partition(f":{PARENT_SLOT}.0{place}")
    return f"{PLACE}{rest}" if found and head else name
