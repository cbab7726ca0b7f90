"""What a catalogue knows that is asked when a way out is looked for: which device makes a section, which property a byte."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from migstream.catalogue.model import PLACE, Added, Image
from migstream.edit.heal.guest import Guest, split

if TYPE_CHECKING:
    from migstream.catalogue.files import Catalogue
    from migstream.catalogue.model import State, Type
    from migstream.stream import Device

__all__ = ["Knowledge"]

LOOKED_AT = 256  # bytes of a device that tell what it is: with PCI, its configuration space
FEW_MODELS = 3  # of CPUs, where none is like the stream's
# Of device types whose state is alike those that people have.
COMMON = frozenset({"usb-tablet", "scsi-hd", "virtio-blk-pci", "virtio-net-pci", "VGA", "pc-dimm"})
WORD = 8  # bytes of a register
# In which properties count bytes: others that change a size do not count them.
UNITS = {1, 1 << 10, 1 << 20}
MOST_DRIVERS = 4  # of which a section can be


class Knowledge:
    """One family of machine types in a catalogue.

    Parameters
    ----------
    machine : one of the catalogue's machine types
    """

    def __init__(self, catalogue: Catalogue, machine: str) -> None:
        self.catalogue = catalogue
        self.machine = machine
        own, others = catalogue.family(machine), catalogue.others(machine)
        self.family = others
        self._images = own.images[machine]
        self._supplement = {} if catalogue.like is None else own.devices.get(own.newest, {})
        # which of the two families says what options and CPU models change, as `compose` has it
        self.varied = own if own.changed or own.cpus else others
        self._models: dict[tuple[bytes, int], list[str]] = {}

    @cached_property
    def added(self) -> dict[str, Added]:
        """What each device type adds that can be made on this machine type."""
        devices = self.family.devices
        newest, here = devices.get(self.family.newest, {}), devices.get(self.machine, {})
        return newest | here | self._supplement

    def kind(self, driver: str) -> Type | None:
        """A device type, by any of its names."""
        about = self.catalogue.about
        return about.types.get(about.aliases.get(driver, driver))

    def driver(self, name: str) -> str:
        """The device type behind another name of it."""
        return self.catalogue.about.aliases.get(name, name)

    # --- which device makes a section --------------------------------------------------------------

    def tails(self, driver: str) -> frozenset[str]:
        """Sections that a device type has at its place, without that."""
        added = self.added.get(driver)
        names = () if added is None else (one.name for one in added.sections)
        return frozenset(split(name)[1] for name in names if name.startswith(PLACE))

    def blocks(self, driver: str) -> dict[str, int]:
        """RAM blocks that it has at its place."""
        added = self.added.get(driver)
        blocks: Mapping[str, int] = {} if added is None else added.blocks
        return {split(n)[1]: size for n, size in blocks.items() if n.startswith(PLACE)}

    def holds(self, driver: str, block: str) -> bool:
        """Whether a device type has a RAM block that is named after no place."""
        added = self.added.get(driver)
        return added is not None and block in added.blocks

    def holders(self, block: str, guest: Guest) -> list[str]:
        """Device types of no place that have such a RAM block, and are in the stream otherwise."""
        return [
            driver
            for driver, added in self.added.items()
            if block in added.blocks and {one.key for one in added.sections} <= guest.keys
        ]

    def fits(self, driver: str, guest: Guest, path: str) -> bool:
        """Whether the stream has at a place what such a device has there."""
        present = {tail for tail, _ in guest.devices.get(path, {})}
        tails = self.tails(driver)
        return bool(tails) and tails <= present and self._blocks_fit(driver, guest, path)

    def _blocks_fit(self, driver: str, guest: Guest, path: str) -> bool:
        """Whether the RAM blocks that the stream has there can be the device's."""
        return guest.blocks.get(path, {}).keys() <= self.blocks(driver).keys()

    def makers(self, guest: Guest, path: str) -> list[str]:
        """Device types that a place of the stream can have, the likeliest first."""
        found = [
            (self._likeness(driver, guest, path), driver)
            for driver in self.added
            if self.fits(driver, guest, path)
        ]
        found.sort(key=lambda one: (-one[0], one[1] not in COMMON, len(one[1]), one[1]))
        return [driver for _, driver in found[:MOST_DRIVERS]]

    def placeless(self, name: str, instance: int) -> list[str]:
        """Device types with such a section that is named after no place."""
        same = [
            driver
            for driver, added in self.added.items()
            if any(one.name == name for one in added.sections)
        ]
        exact = [d for d in same if any(s.key == (name, instance) for s in self.added[d].sections)]
        return sorted(exact or same, key=lambda driver: (len(driver), driver))[:MOST_DRIVERS]

    def _likeness(self, driver: str, guest: Guest, path: str) -> int:
        """Bytes that are alike, and RAM blocks."""
        here = {tail: device for (tail, _), device in guest.devices[path].items()}
        alike = LOOKED_AT * len(self.blocks(driver).keys() & guest.blocks.get(path, {}).keys())
        for one in self.added[driver].sections:
            device = here.get(split(one.name)[1])
            if device is not None and one.name.startswith(PLACE):
                raw, ours = self.state(one.state).payload, guest.payload(device)
                alike += 8 * LOOKED_AT - unlike(raw[:LOOKED_AT], ours[:LOOKED_AT])
                alike += LOOKED_AT * (len(raw) == len(ours))
        return alike

    def state(self, number: int) -> State:
        return self.catalogue.states[number]

    # --- which option makes a difference -----------------------------------------------------------

    def properties(self, driver: str, tail: str, device: Device, guest: Guest) -> list[str]:
        """`property=value` of a device type that bring one of its sections closer to the stream's, the best first."""
        base = self.added.get(driver)
        if base is None:
            return []
        ours = guest.payload(device)
        rated = []
        for option, after in self.family.options.get(driver, {}).items():
            gain = self._gain(base, after, tail, ours)
            if gain > 0 and not option.startswith("bus="):
                rated.append((-gain, option))
        return [option for _, option in sorted(rated)]

    def _gain(self, base: Added, after: Added, tail: str, ours: bytes) -> int:
        before = {split(one.name)[1]: one.state for one in base.sections}
        now = {split(one.name)[1]: one.state for one in after.sections}
        if tail not in before or before[tail] == now.get(tail, before[tail]):
            return 0
        return closer(self.state(before[tail]).payload, self.state(now[tail]).payload, ours)

    def sizes(self, driver: str, tail: str, size: int) -> Iterator[str]:
        """`property=value` with which a RAM block of a device has that many bytes."""
        base = self.blocks(driver).get(tail)
        for option, after in self.family.options.get(driver, {}).items():
            name, _, value = option.partition("=")
            tried = {split(n)[1]: s for n, s in after.blocks.items()}.get(tail)
            if tried is None or tried == base or not value.isdecimal() or not int(value):
                continue
            each = tried // int(value)
            if each in UNITS and size % each == 0:
                yield f"{name}={size // each}"

    def models(self, ours: bytes, at: int) -> list[str]:
        """CPU models, those first whose state has the stream's bytes where the load ended, then by how much it is alike.

        Parameters
        ----------
        ours : the state of a CPU of the stream
        at : the offset in it of what its load ended with
        """
        key = ours, at
        if key not in self._models:
            rated = []
            for model, image in self.varied.cpus.items():
                number = next((one.state for one in image.sections if one.name == "cpu"), None)
                raw = b"" if number is None else self.state(number).payload
                here = raw[at : at + WORD] != ours[at : at + WORD]
                rated.append((here, abs(len(raw) - len(ours)), unlike(raw, ours), model))
            rated.sort()
            likely = [model for here, length, _, model in rated if not here or not length]
            self._models[key] = likely or [row[-1] for row in rated[:FEW_MODELS]]
        return self._models[key]

    def machine_options(self, gained: tuple[str, int], *, lost: bool = False) -> Iterator[str]:
        """What is added to a command line so that the machine has a section (`lost`: or no more), `-machine hpet=off`."""
        base = {one.key for one in self._base.sections}
        for words, image in self.varied.changed.items():
            now = {one.key for one in image.sections}
            if (gained in now - base) if not lost else (gained in base - now):
                yield words

    def likelier_board(self, present: Collection[tuple[str, int]]) -> str | None:
        """The oldest machine type of a board with more of what is present than this one's; None where there is none."""
        boards: dict[str, str] = {}
        for machine, board in self.catalogue.index.machines.items():
            boards.setdefault(board, machine)
        rated = {
            machine: sum(
                one.key in present
                for one in self.catalogue.family(machine).images[machine]["tcg"].sections
            )
            for machine in (self.machine, *boards.values())
        }
        best = max(rated, key=rated.__getitem__)
        return best if rated[best] > rated[self.machine] else None

    def machine_surplus(self, present: Collection[tuple[str, int]]) -> Iterator[str]:
        """What is added to a command line so that the machine has no more what is not present either, `-machine ioapic2=off`."""
        base = {one.key for one in self._base.sections}
        for words, image in self.varied.changed.items():
            now = {one.key for one in image.sections}
            gone = base - now
            if words.startswith("-machine ") and gone and gone.isdisjoint(present) and now <= base:
                yield words

    def machine_states(self, device: Device, guest: Guest) -> list[str]:
        """What is added to a command line that brings a section of the machine's own closer to the stream's."""
        base = {one.key: one.state for one in self._base.sections}
        key, ours = device.section.key, guest.payload(device)
        rated = []
        for words, image in self.varied.changed.items():
            now = next((one.state for one in image.sections if one.key == key), None)
            if key in base and now is not None and now != base[key]:
                gain = closer(self.state(base[key]).payload, self.state(now).payload, ours)
                if gain > 0:
                    rated.append((-gain, words))
        return [words for _, words in sorted(rated)]

    @property
    def _base(self) -> Image:
        return self.varied.images[self.varied.newest]["tcg"]

    def defaults(self, key: tuple[str, int]) -> bool:
        """Whether the machine has a section only where it has its default devices."""
        images = self._images
        with_them = images.get("tcg defaults")
        bare = {one.key for one in images["tcg"].sections}
        return with_them is not None and any(
            one.key == key and key not in bare for one in with_them.sections
        )


def closer(before: bytes, after: bytes, wanted: bytes) -> int:
    """How many bytes more are as wanted; a length that is counts as all of them."""
    if len(before) != len(after):
        return len(wanted) * ((len(after) == len(wanted)) - (len(before) == len(wanted)))
    triples = zip(before, after, wanted, strict=False)
    return sum((a == w) - (b == w) for b, a, w in triples if a != b)


def unlike(one: bytes, other: bytes) -> int:
    """How many bits differ of the bytes that both have."""
    size = min(len(one), len(other))
    return (int.from_bytes(one[:size], "big") ^ int.from_bytes(other[:size], "big")).bit_count()
