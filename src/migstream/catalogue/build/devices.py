"""What each device type adds to a machine: many of them on one machine, fewer and fewer where it does not start."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from migstream.catalogue.build.helpers import (
    PARENTS,
    device_words,
    needs_memory_slots,
)
from migstream.catalogue.build.snapshot import Bench
from migstream.catalogue.model import CHANNEL, NUMBER, PLACE, Added, Image, Placed, State, Type
from migstream.errors import QemuError
from migstream.qemu.process import Qemu

__all__ = [
    "BLAMED",
    "INNER",
    "OWN",
    "Job",
    "on_buses",
    "on_own",
    "on_pci",
    "transports",
    "with_first_number",
]

TRANSPORT = re.compile(r"bus: (virtio-mmio-bus\.\d+)")
SLOTS = range(3, 0x1D)
BRIDGES = 100  # added to a device's number: that of the bridge before it
BLAMED = re.compile(
    r"-device [^:]*,id=t(\d+)\b"
)  # in QEMU's words: which of the devices it does not make, or has something else to say of
INTERNAL = ":00.0"  # behind a device's place: the bridge that it has inside (hw/pci-bridge/pci_expander_bridge.c)
INNER = {
    "pcie-root-port": 0,
    "pci-bridge": 1,
}  # bridges that devices are put on, and the slot there
ROOM = ("-m", "256M,slots=4,maxmem=4G")
# Where a device on a bus of the parent is, behind the parent's address: the place of the first one.
INSIDE = {"usb-bus": "/1/", "SCSI": "/0:0:0/"}
OWN = (
    "virtio-bus",
    "spapr-vio-bus",
    "virtual-css-bus",
)  # that machines have themselves, beside PCI
MANY = 16  # devices on one of these, at once
BEFORE = slice(
    2, 4
)  # of a device of a channel: how many came before it (hw/s390x/css.c: vmstate_subch_dev)
REGISTER = 0x71000001  # of the first device on a VIO bus, behind the memory that a machine has there by itself


class Slot(NamedTuple):
    """A place on a bus: the property that puts a device there, and how the device's path ends."""

    word: str
    ending: str


class Job(NamedTuple):
    """A device type to be made, with properties of its own; `behind` is the bridge that it is put on.

    `known` is what the same device adds to a newer machine type.
    """

    name: str
    kind: Type
    more: tuple[str, ...] = ()
    behind: tuple[str, Type] | None = None
    known: Added = Added()

    def words(self, number: int, slot: Slot) -> list[str]:
        """What puts it, or the bridge before it, into a slot of the machine's own bus."""
        place = (slot.word,) if slot.word else ()
        if self.behind is None:
            return device_words(self.name, self.kind, number, (*place, *self.more))
        bridge = device_words(*self.behind, number + BRIDGES, place)
        own = (f"bus=t{number + BRIDGES}", f"addr={INNER[self.behind[0]]}", *self.more)
        return [*bridge, *device_words(self.name, self.kind, number, own)]

    def ending(self, slot: Slot) -> str:
        """How its path ends in that slot."""
        inner = "" if self.behind is None else f":{INNER[self.behind[0]]:02x}.0"
        return slot.ending + inner


def on_pci(
    bench: Bench, machine: Sequence[str], base: Image, jobs: Sequence[Job]
) -> Iterator[tuple[Job, Added | str]]:
    """Each job's part of a machine with many of them, or QEMU's words where it was not made.

    Parameters
    ----------
    machine : what starts the machine
    base : its image without them
    """
    slots = [
        Slot(f"addr={n:x}", f":{n:02x}.0")
        for n in SLOTS
        if not any(a.startswith(f"{n:02x}.") for a in base.pci)
    ]
    for at in range(0, len(jobs), len(slots)):
        yield from _together(bench, machine, base, jobs[at : at + len(slots)], slots)


def on_own(
    bench: Bench,
    machine: Sequence[str],
    base: Image,
    jobs: Sequence[Job],
    transports: Sequence[str],
) -> Iterator[tuple[Job, Added | str]]:
    """The same of devices on the machine's own buses beside PCI.

    Parameters
    ----------
    transports : the places on its virtio bus, in the order in which devices get them
    """
    first = int(NUMBER, 16)
    places = {
        "virtio-bus": [Slot("", place) for place in transports[:MANY]],
        "spapr-vio-bus": [Slot("", f"@{n:x}") for n in range(REGISTER, REGISTER + MANY)],
        "virtual-css-bus": [
            Slot(f"devno=fe.0.{n:04x}", f"{n:04x}") for n in range(first, first + MANY)
        ],
    }
    for bus, slots in places.items():
        some = [job for job in jobs if job.kind.bus == bus]
        for at in range(0, len(some) if slots else 0, len(slots) or 1):
            yield from _together(bench, machine, base, some[at : at + len(slots)], slots)


def _together(
    bench: Bench, machine: Sequence[str], base: Image, jobs: Sequence[Job], slots: Sequence[Slot]
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
            parts = [[*jobs[:number], *jobs[number + 1 :]], [jobs[number]]]
        for part in parts:
            yield from _together(bench, machine, base, part, slots)
        return
    for job, slot in zip(jobs, slots, strict=False):
        added = _unplaced(_at(image, base, job.ending(slot)), image, base, job.known)
        if job.known.sections and not added.sections and len(jobs) > 1 and job.kind.bus in OWN:
            yield from _together(bench, machine, base, [job], slots)
            continue
        if job.kind.bus == "virtual-css-bus":
            added = _numbered(bench, added, slot.ending)
        yield job, _alone(added, image, base) if len(jobs) == 1 else added


def _numbered(bench: Bench, added: Added, number: str) -> Added:
    """With the number of the first device of a channel."""
    every = bench.states.all
    sections = tuple(
        msgspec.structs.replace(
            one, state=bench.states.number(with_first_number(every[one.state], number))
        )
        for one in added.sections
    )
    return msgspec.structs.replace(added, sections=sections)


def with_first_number(state: State, number: str) -> State:
    """A state of a channel's device as the first one that is tried has it, whatever was before it."""
    raw = bytearray(state.payload)
    raw[BEFORE] = bytes(len(raw[BEFORE]))
    head = raw[:CHANNEL].replace(bytes.fromhex(number), bytes.fromhex(NUMBER))
    return msgspec.structs.replace(state, payload=bytes(head + raw[CHANNEL:]))


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


def _at(image: Image, base: Image, place: str) -> Added:
    """What stands at one place of an image."""
    before = {one.key for one in base.sections}
    sections, root = [], ""
    for one in image.sections:
        path, _, rest = one.name.lstrip("/").partition("/")
        for inside in (INTERNAL, ""):
            if one.key not in before and path.endswith(place + inside):
                root = path[: -len(place + inside) + 1] if place[0] in ":@" else ""
                name = f"{PLACE}{inside}/{rest}"
                sections.append(Placed(name, one.instance, one.state, one.early))
    blocks = {}
    for name, size in image.blocks.items():
        path, slash, rest = name.partition("/")
        if slash and path.endswith(place):
            root = root or path[: -len(place) + 1]
            blocks[f"{PLACE}/{rest}"] = size
    return Added(tuple(sections), blocks, (), root, image.run)


def on_buses(
    bench: Bench, machine: Sequence[str], base: Image, jobs: Sequence[Job]
) -> Iterator[tuple[Job, Added | str]]:
    """The same of devices on other buses, or on none: one by one, all that is new is theirs."""
    parents = _Parents(bench, machine, base)
    for number, job in enumerate(jobs):
        room = ROOM if needs_memory_slots(job.name) else ()
        where = ("bus=parent.0",) if job.kind.bus in PARENTS else ()
        own = device_words(job.name, job.kind, number, (*where, *job.more))
        helper = own[:-2] if "-device" in own[:-2] else []  # it has state of its own
        found = parents.of(job.kind.bus, room, helper)
        if found is None:
            continue
        words, before = found
        try:
            image = bench.take([*words, *own[len(helper) :]])
        except QemuError as error:
            yield job, str(error)
            continue
        yield job, _new(image, before, bench.noisy, job.kind.bus)


def transports(bench: Bench, machine: Sequence[str]) -> tuple[str, ...]:
    """The places on a machine's own virtio bus, in the order in which devices get them."""
    with Qemu(bench.command, machine) as guest:
        number = len(set(TRANSPORT.findall(guest.hmp("info qtree"))))
    if not number:
        return ()
    try:
        image = bench.take([*machine, *["-device", "virtio-rng-device"] * number])
    except QemuError:
        return ()
    names = (one.name.rpartition("/") for one in image.sections)
    return tuple(place for place, _, kind in names if place and kind == "virtio-rng")


class _Parents:
    """What devices on other buses are put on, each started once."""

    def __init__(self, bench: Bench, machine: Sequence[str], base: Image) -> None:
        self._bench = bench
        self._machine = machine
        self._images: dict[tuple[str, ...], Image | None] = {(): base}

    def of(
        self, bus: str, room: Sequence[str], helper: Sequence[str]
    ) -> tuple[list[str], Image] | None:
        """The first that this machine can have, its command line and its image."""
        for parent in PARENTS.get(bus, ((),)):
            more = (*room, *parent, *helper)
            if more not in self._images:
                self._images[more] = self._taken([*self._machine, *more])
            image = self._images[more]
            if image is not None:
                return [*self._machine, *more], image
        return None

    def _taken(self, words: Sequence[str]) -> Image | None:
        try:
            return self._bench.take(words)
        except QemuError:
            return None


def _new(image: Image, base: Image, noisy: set[tuple[str, int]], bus: str) -> Added:
    """What an image has beyond another one, and what it has in another length."""
    before = {one.key: one for one in base.sections}
    sections = []
    for one in image.sections:
        known = before.get(one.key)
        if known is None:
            name = _child(one.name, bus)
            sections.append(Placed(name, one.instance, one.state, one.early))
    blocks = {n: s for n, s in image.blocks.items() if n not in base.blocks}
    now = {one.key for one in image.sections}
    removed = tuple(key for key in before if key not in now and key not in noisy)
    return Added(tuple(sections), blocks, removed, "", image.run)


def _child(name: str, bus: str) -> str:
    """The name of a section of a device on a parent's bus, with its place left open."""
    head, found, rest = name.partition(INSIDE.get(bus, "\0"))
    return f"{PLACE}/{rest}" if found and head else name
