"""What is known of each device on a machine type: of its board, its target's own, of a board that is tried whole."""

from __future__ import annotations

from migstream.catalogue.model import Added, Family, with_placeless
from migstream.qemu.release import machine_version

__all__ = ["Known"]

# Of devices on these each board has its own; on others (SCSI, USB, sound) they are alike on all.
OWN_BUSES = ("PCI", "System", "")


class Known:
    """Devices of a machine type.

    `root` is what paths on the board's bus begin with where that is the target's own. `roots` are all that there are.

    Parameters
    ----------
    machine : the machine type
    own : the family of the target itself, where it is a supplement to another's
    others : that of the other target, or the only one
    tried : one whose devices are tried whole, with each property
    """

    def __init__(self, machine: str, own: Family | None, others: Family, tried: Family) -> None:
        self._own = {} if own is None else own.devices.get(own.newest, {})
        others_newest = others.devices.get(others.newest, {})
        self._all = self._own | others_newest
        self._newest = machine in (others.newest, "" if own is None else own.newest)
        self._older = {} if self._newest else others.devices.get(machine, {})
        self._each = {} if self._newest else others.devices
        self._latest = others.newest
        self._version = machine_version(machine)[1]
        self._elsewhere = {} if tried is others else tried.devices.get(tried.newest, {})
        self.root = next((one.root for one in self._own.values() if one.root), "")

    def __contains__(self, driver: str) -> bool:
        return driver in self._all

    def roots(self, without: tuple[str, ...]) -> set[str]:
        """What paths begin with on every bus that devices were seen on, but for some types."""
        every = (*self._all.items(), *self._own.items())
        return {one.root for name, one in every if one.root and name not in without}

    def base(self, driver: str) -> Added | None:
        """What it adds where its properties were tried."""
        return self._elsewhere.get(driver) if self._elsewhere else self._all.get(driver)

    def guessed(self, driver: str) -> bool:
        """Whether it is as on a newer machine type, though older ones may have other registers."""
        if driver in self._older or driver not in self._all:
            return False
        older = (devices for name, devices in self._each.items() if name != self._latest)
        return any(driver in devices for devices in older)

    def _next(self, driver: str) -> Added | None:
        """What it adds to the next newer machine type that it was seen on, where it did not start on this one: its ROM
        was not there.
        """
        newer = [
            (version, name)
            for name, devices in self._each.items()
            if self._version is not None
            and driver in devices
            and (version := machine_version(name)[1]) is not None
            and version >= self._version
        ]
        return self._each[min(newer)[1]][driver] if newer else None

    def added(self, driver: str, bus: str) -> Added | None:
        """What it adds to this machine type, as nearly as it is known."""
        found = self._older.get(driver) or self._next(driver) or self._all.get(driver)
        if self._newest and driver in self._own and found is not None:
            found = with_placeless(self._own[driver], found)
        tried = self._elsewhere.get(driver)
        if found is None:
            return None if bus in OWN_BUSES else tried
        return found if tried is None else with_placeless(found, tried)
