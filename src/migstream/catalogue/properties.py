"""What the properties of a device make of what it adds to a machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from migstream.catalogue.arguments import is_on, number_of
from migstream.catalogue.capabilities import moves_capabilities
from migstream.catalogue.model import PLACE, Added
from migstream.catalogue.queues import SIZE, says_most
from migstream.catalogue.silent import SILENT_PART
from migstream.catalogue.standing import explains, standing
from migstream.catalogue.values import QUEUED, VALUES
from migstream.catalogue.varied import switch
from migstream.catalogue.vectors import VECTORS, by_ports, vectors_between

if TYPE_CHECKING:
    from migstream.catalogue.changes import Machine
    from migstream.catalogue.model import About, Family

__all__ = ["Properties"]

NUMBERS = ("port", "slot")  # that a register holds as they are, bit by bit
# Of PCI, that no board has of which it is not tried what properties change.
INTERRUPTS = (VECTORS, "msi", "msix")


class Properties:
    """The properties of a machine's devices, as they were tried.

    Parameters
    ----------
    tried : the machine types on whose newest they were tried
    about : what the binary says of its device types
    assumed, unknown : what is not known is put there, in words, and by the names of sections
    whole : whether they were tried on this machine's board, else on another one
    """

    def __init__(
        self,
        machine: Machine,
        tried: Family,
        about: About,
        assumed: list[str],
        unknown: list[str],
        *,
        whole: bool,
    ) -> None:
        self._machine = machine
        self._tried = tried
        self._whole = whole
        self._about = about
        self._assumed = assumed
        self._unknown = unknown

    def change(
        self, driver: str, base: Added, own: Added, name: str, value: str, path: str
    ) -> None:
        """What one property makes of a device.

        Parameters
        ----------
        base : what the device adds on the machine type with which properties were tried
        own : what it adds on this one
        path : where it is
        """
        options, states = self._tried.options.get(driver, {}), self._machine.states
        if name in NUMBERS:
            number = number_of(value)
            for bit in range(8):
                after = options.get(f"{name}={1 << bit}")
                if number & 1 << bit and after is not None:
                    self.overlay(base, after, path)
            return
        if name in INTERRUPTS and not self._whole:
            return
        if name.endswith(SIZE) and says_most(own, states):
            return
        after = options.get(f"{name}={switch(value)}")
        places = [(one.name.replace(PLACE, path), one.instance) for one in base.sections[:1]]
        here = self._machine.sections.get(places[0]) if places else None
        if by_ports(name, base, states, here):
            self.unsure(base, path)
        two = vectors_between(options, base, states, here, value) if name == VECTORS else None
        before = standing(options, name, base, own, states)
        tried = value in VALUES.get(name, ()) or is_on(value) is not None
        default = value == str(self._default(driver, name))
        if two is not None:
            self.overlay(*two, path)
        elif before is not base and not explains(before, own, states):
            self.overlay(before, after or base, path)
            self._nothing_known(driver, base, name, value, path)
        elif after is not None:
            self.overlay(before, after, path)
            if not self._whole and moves_capabilities(before, after, states):
                self.unsure(base, path)
        elif name in QUEUED and is_on(value):
            self._nothing_known(driver, base, name, value, path)
        elif tried or default:
            self.overlay(before, base, path)
        elif name in SILENT_PART:
            return
        elif any(key.startswith(f"{name}=") for key in options):
            self._between(driver, base, before, name, value, path)
        else:
            self._nothing_known(driver, base, name, value, path)

    def unsure(self, base: Added, path: str) -> None:
        """Of a device at that place only that it is there is known."""
        self._unknown += [
            one.name.replace(PLACE, path) for one in base.sections if PLACE in one.name
        ]

    def overlay(self, base: Added, after: Added, path: str) -> None:
        """Make the change that lies between two forms of a device."""
        if base is after:
            return
        machine = self._machine
        moved = [
            [
                msgspec.structs.replace(one, name=one.name.replace(PLACE, path))
                for one in side.sections
            ]
            for side in (base, after)
        ]
        machine.change_sections(*moved)
        for block in base.blocks.keys() - after.blocks.keys():
            machine.blocks.pop(block.replace(PLACE, path), None)
        for block, size in after.blocks.items():
            if base.blocks.get(block) != size:
                name, short = block.replace(PLACE, path), block.rpartition("/")[2]
                # of older machine types some have no place in their names (global-vmstate)
                placeless = name not in machine.blocks and short in machine.blocks
                machine.blocks[short if placeless else name] = size

    def _nothing_known(self, driver: str, base: Added, name: str, value: str, path: str) -> None:
        """A value that was not tried: the device is there, and that is all that can be said."""
        self._assumed.append(
            f"nothing of {driver} is changed by {name}={value} that a load fails by"
        )
        self.unsure(base, path)

    def _between(
        self, driver: str, base: Added, before: Added, name: str, value: str, path: str
    ) -> None:
        """A value that was not tried: RAM blocks grow with it where they did so with those that were."""
        tried = {
            int(key.partition("=")[2]): added
            for key, added in self._tried.options[driver].items()
            if key.startswith(f"{name}=") and key.partition("=")[2].isdecimal()
        }
        if not value.isdecimal() or not tried:
            self._nothing_known(driver, base, name, value, path)
            return
        number = int(value)
        nearest = min(tried, key=lambda one: abs(one - number))
        self.overlay(before, tried[nearest], path)
        for block, size in tried[nearest].blocks.items():
            if base.blocks.get(block) != size and nearest:
                self._machine.blocks[block.replace(PLACE, path)] = size // nearest * number
        self._assumed.append(f"{driver}'s {name}={value} acts as {name}={nearest} does")
        same = [one for one in base.sections if one in tried[nearest].sections]
        if len(same) < len(base.sections):
            self.unsure(base, path)

    def _default(self, driver: str, name: str) -> object:
        options = self._about.types[driver].options
        return next((one.default for one in options if one.name == name), None)
