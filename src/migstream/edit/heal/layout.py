"""Devices put where the stream's are: each with an address that QEMU would not give it by itself.

References
----------
QEMU, hw/pci/pci.c: pcibus_get_dev_path; hw/usb/bus.c: usb_get_dev_path; hw/scsi/scsi-bus.c: scsibus_get_dev_path
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from migstream.catalogue.build.helpers import device_words
from migstream.edit.heal.commandline import CommandLine, Entry, Step, parse_line
from migstream.edit.heal.guest import Guest
from migstream.edit.heal.model import Change

if TYPE_CHECKING:
    from migstream.catalogue.model import Type
    from migstream.edit.heal.knowledge import Knowledge

__all__ = ["FIRST_NUMBER", "Layout", "Seat", "added", "seats"]

STAND_IN = {
    "drive": "its disk is an empty stand-in: put the guest's own in its place",
    "chardev": "what it is connected to is a stand-in: put your own in its place",
    "audiodev": "its sound goes nowhere: put your own backend in its place",
}
FIRST_NUMBER = 1 << 16  # of options that are added; their ids begin with 0
VIRTIO, TRANSPORT = (
    "virtio-bus",
    "virtio-mmio-bus.",
)  # and how the bus of one of the machine's transports is called
KEYS = ("addr", "port", "scsi-id", "lun", "channel")  # that say where on its bus a device is


class Seat(NamedTuple):
    """A `-device` of a command line: its type, and the path that it gets; empty where it has none."""

    entry: Entry
    driver: str
    kind: Type
    path: str


def seats(line: CommandLine, knowledge: Knowledge, paths: Sequence[str]) -> list[Seat]:
    """Devices of a command line.

    Parameters
    ----------
    paths : of each part that `catalogue.arguments` finds in it
    """
    parts: list[Entry | None] = []
    for entry in line.entries:
        if entry.name == "virtfs":
            parts.append(None)
        elif entry.name == "device":
            parts.append(entry)
    found = []
    for part, path in zip(parts, paths, strict=False):
        driver = "" if part is None else knowledge.driver(part.head)
        kind = knowledge.kind(driver)
        if part is not None and kind is not None:
            found.append(Seat(part, driver, kind, path))
    return found


class Layout:
    """The devices of a command line, and those of the stream.

    Parameters
    ----------
    there : devices of the command line, in their order
    own : paths of the machine's own devices
    taken : slots of the root bus that these have
    numbers : for options that are added
    """

    def __init__(
        self,
        there: Sequence[Seat],
        own: Iterable[str],
        taken: Iterable[str],
        knowledge: Knowledge,
        guest: Guest,
        numbers: count[int],
    ) -> None:
        self._there = there
        self._knowledge = knowledge
        self._guest = guest
        self._numbers = numbers
        self._transports = knowledge.family.transports
        first = max((seat.path for seat in there if seat.kind.bus == VIRTIO), default="")
        # those that devices get by themselves, in that order; options leave some of them out
        self._given = [one for one in self._transports if not first or one <= first]
        self._taken: dict[str, set[str]] = {}
        self._root_taken = set(taken)
        self._missing = {p for p in (*guest.devices, *guest.blocks) if p} - set(own)
        self._targets = self._matched()
        self._buses = {
            path: (seat.entry.number, seat.entry.get("id") or "")
            for n, seat in enumerate(there)
            if (path := self._targets.get(n, seat.path))
        }

    def _matched(self) -> dict[int, str]:
        """Where the stream has each device, by its number: where it is, else the first place that is like it."""
        found: dict[int, str] = {}
        for at_home in (True, False):
            for number, seat in enumerate(self._there):
                if number in found or not self._knowledge.tails(seat.driver):
                    continue
                places = [seat.path] if at_home else sorted(self._missing, key=self._turn)
                for path in places:
                    if path in self._missing and self._fits(seat.driver, path):
                        found[number] = path
                        self._missing.discard(path)
                        break
        return found

    def _turn(self, path: str) -> tuple[int, str]:
        """When a place has its turn: devices that are alike stay in their order."""
        known = path in self._transports
        return self._transports.index(path) if known else 0, path

    def _fits(self, driver: str, path: str) -> bool:
        return self._knowledge.fits(driver, self._guest, path)

    def changes(self) -> Iterator[Change]:
        """What puts devices to their places, then what adds those that are missing."""
        reserved = set(self._targets.values()) | self._missing
        for number, seat in enumerate(self._there):
            if not seat.path:
                continue
            target = self._targets.get(number)
            if target is None and seat.path not in reserved:
                target = (
                    seat.path
                )  # nothing of it is in the stream, and nothing else wants to be there
            if target is None:
                target = self._spare(seat, reserved)
                reserved.add(target)
            change = self._put(seat, target)
            if change is not None:
                yield change
        for path in sorted(self._missing, key=lambda one: (one.count(":") + one.count("/"), one)):
            for driver in self._knowledge.makers(self._guest, path)[:1]:
                yield self.add(driver, path)

    # --- a device that is there --------------------------------------------------------------------

    def _put(self, seat: Seat, target: str) -> Change | None:
        parent, wish = self._address(target, seat.kind.bus)
        asked = {key: value for key in KEYS if (value := seat.entry.get(key)) is not None}
        here, _ = address(seat.path, seat.kind.bus)
        by_itself = self._by_itself(seat.kind.bus, parent, asked) if here == parent else ""
        self._claim(seat.kind.bus, target)
        if by_itself == target:
            return None
        steps = list(self._seated(seat.entry, parent, wish))
        return Change(what=f"put {seat.entry.head} at {target}", steps=tuple(steps))

    def _spare(self, seat: Seat, reserved: set[str]) -> str:
        """A free place on the bus that it is on."""
        parent, _ = address(seat.path, seat.kind.bus)
        on_pci = (f"{parent}:{slot:02x}.0" for slot in range(1, 32))
        free = self._given if seat.kind.bus == VIRTIO else on_pci
        taken = self._on(parent)
        return next(
            (p for p in free if p not in reserved and _rest(parent, p) not in taken), seat.path
        )

    def _seated(self, entry: Entry, parent: str, wish: Mapping[str, str]) -> Iterator[Step]:
        """Steps that put an option's device on a bus, and to a place there."""
        asked = entry.get("bus")
        ours = {name for _, name in self._buses.values() if name}
        if parent in self._buses:
            name = self._bus(parent)
            if isinstance(name, Step):
                yield name
                name = str(name.value)
            if (asked or "").partition(".")[0] != name:
                yield Step("set", entry.number, "bus", name if "addr" in wish else f"{name}.0")
        elif asked is not None and asked.partition(".")[0] in ours:
            yield Step("unset", entry.number, "bus")
        for key, value in wish.items():
            if entry.get(key) != value:
                yield Step("set", entry.number, key, value)

    def _bus(self, path: str) -> str | Step:
        """The id of the device whose bus that is, or what gives it one."""
        number, name = self._buses[path]
        if name:
            return name
        name = f"bus{next(self._numbers) % FIRST_NUMBER}"
        self._buses[path] = number, name
        return Step("set", number, "id", name)

    # --- a device that is missing ------------------------------------------------------------------

    def add(self, driver: str, path: str) -> Change:
        """What adds a device at a place of the stream."""
        kind = self._knowledge.kind(driver)
        assert kind is not None  # the catalogue has what it adds
        parent, wish = self._address(path, kind.bus)
        by_itself = self._by_itself(kind.bus, parent, {})
        self._claim(kind.bus, path)
        change = added(driver, kind, (), self._numbers, f" at {path}")
        last = change.steps[-1]
        self._buses[path] = last.number, ""
        if by_itself == path and parent not in self._buses:
            return change
        entry = Entry(last.number, "-device", last.value)
        before: list[Step] = []
        after: list[Step] = []
        for step in self._seated(entry, parent, wish):
            (after if step.number == last.number else before).append(step)
        whole = CommandLine((entry,)).changed(after).entries[0]
        steps = (*before, *change.steps[:-1], Step("add", last.number, "-device", whole.value))
        return msgspec.structs.replace(change, steps=steps)

    # --- places ------------------------------------------------------------------------------------

    def _address(self, path: str, bus: str) -> tuple[str, dict[str, str]]:
        """As `address`; the machine's own transports are counted from the lowest."""
        if bus == VIRTIO and path in self._transports:
            return "", {"bus": f"{TRANSPORT}{sorted(self._transports).index(path)}"}
        return address(path, bus)

    def _on(self, parent: str) -> set[str]:
        if parent not in self._taken:
            root = parent not in self._buses
            self._taken[parent] = set(self._root_taken) if root else set()
        return self._taken[parent]

    def _by_itself(self, bus: str, parent: str, asked: Mapping[str, str]) -> str:
        """The path that QEMU gives a device."""
        taken = self._on(parent)
        if bus == "usb-bus":
            port = asked.get("port") or next(str(n) for n in range(1, 99) if str(n) not in taken)
            return f"{parent}/{port}"
        if bus == "SCSI":
            channel, lun = asked.get("channel", "0"), asked.get("lun", "0")
            target = asked.get("scsi-id") or next(
                str(n) for n in range(999) if f"{channel}:{n}:{lun}" not in taken
            )
            return f"{parent}/{channel}:{target}:{lun}"
        if bus == VIRTIO:
            free = (one for one in self._given if one not in taken)
            return "" if "bus" in asked else next(free, "")
        slot = normal(asked["addr"]) if "addr" in asked else None
        slot = slot or next((s for n in range(32) if (s := f"{n:02x}.0") not in taken), "")
        return f"{parent}:{slot}"

    def _claim(self, bus: str, path: str) -> None:
        parent, _ = address(path, bus)
        self._on(parent).add(_rest(parent, path))


def _rest(parent: str, path: str) -> str:
    """Where on a bus a place is."""
    return path.removeprefix(parent).lstrip(":/")


def normal(text: str) -> str | None:
    """`4`, `0x1c.1` as slot and function."""
    slot, _, function = text.partition(".")
    try:
        return f"{int(slot, 16):02x}.{int(function or '0', 16):x}"
    except ValueError:
        return None


def address(path: str, bus: str) -> tuple[str, dict[str, str]]:
    """The path of what a place is behind, and the properties that say where there."""
    if bus == "usb-bus":
        parent, _, port = path.rpartition("/")
        return parent, {"port": port}
    if bus == "SCSI":
        parent, _, place = path.rpartition("/")
        channel, target, lun = (*place.split(":"), "0", "0")[:3]
        more = {key: value for key, value in (("channel", channel), ("lun", lun)) if value != "0"}
        return parent, {"scsi-id": target, **more}
    parent, _, slot = path.rpartition(":")
    number, _, function = slot.partition(".")
    short = number.lstrip("0") or "0"
    return parent, {"addr": short if function == "0" else f"{short}.{function}"}


def added(
    driver: str, kind: Type, more: Sequence[str], numbers: count[int], where: str = ""
) -> Change:
    """What adds a device, with backends that stand in for the guest's own."""
    entries = parse_line(device_words(driver, kind, next(numbers) % FIRST_NUMBER, more)).entries
    last = entries[-1].put("id", None)
    lost = [text for name, text in STAND_IN.items() if last.get(name) is not None]
    steps = [Step("add", next(numbers), entry.flag, entry.value) for entry in (*entries[:-1], last)]
    return Change(what=f"add -device {driver}{where}", loses="; ".join(lost), steps=tuple(steps))
