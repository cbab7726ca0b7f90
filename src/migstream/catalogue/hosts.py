"""Which bus a device is on that names none.

QEMU goes through the tree of buses from the machine's own one, each bus before those below it, and of the devices on one
bus the newest first; the first bus of the device's kind is taken.

References
----------
QEMU, system/qdev-monitor.c: qdev_device_add_from_qdict, qbus_find_recursive; hw/core/qdev.c: bus_add_child;
hw/ppc/spapr.c: spapr_machine_init; hw/s390x/s390-virtio-ccw.c: ccw_init; hw/arm/virt.c: machvirt_init
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count

from migstream.catalogue.usb import controller_of

__all__ = ["PCI", "SCSI", "SERIAL", "USB", "Hosts"]

PCI, USB, SCSI, SERIAL = "PCI", "usb-bus", "SCSI", "virtio-serial-bus"
DISKS = ("virtio-scsi", "spapr-vscsi", "lsi", "megasas", "mptsas", "pvscsi", "am53c974", "dc390")
# Words of device types that have a bus of their own, by its kind; of USB see there.
PROVIDERS = {SERIAL: ("virtio-serial",), SCSI: (*DISKS, "usb-bot", "usb-uas")}
COMPANION = "masterbus"  # a controller whose devices are on another one's bus
FIRST = 0  # the machine's own root bus of PCI
# By the kind of bus: where buses of a machine that are made before that one stand.
OLDER = {"virtual-css-bus": -1, "spapr-vio-bus": -1}
# Each transport has a bus of its own; of these targets they are made behind the host bridge, of others before it.
LATER, NEWER, SOONER = ("aarch64", "arm"), 0.5, -0.5
BEFORE = float("inf")  # a bus comes before those below it

Order = tuple[float, ...]


class Hosts:
    """Devices with buses, by their paths, in the order in which they were made; the root bus is called by nothing.

    Parameters
    ----------
    transports : places on the machine's virtio bus, the newest first
    target : which QEMU it is
    """

    def __init__(self, transports: Sequence[str], target: str) -> None:
        self._numbers = count(FIRST + 1)
        self._orders: dict[str, Order] = {"": (FIRST,)}
        self._buses: dict[str, list[tuple[Order, str]]] = {}
        among = NEWER if target in LATER else SOONER
        self._orders |= {path: (among, n) for n, path in enumerate(reversed(transports))}

    def put(self, path: str, parent: str, bus: str) -> None:
        """A device that is on a bus of `parent`; those without a place have no bus that others could be on."""
        if path and path not in self._orders:
            above = self._orders.get(parent, (FIRST,)) if bus not in OLDER else (OLDER[bus],)
            self._orders[path] = (*above, next(self._numbers))

    def root(self, path: str) -> None:
        """A root bus of PCI beside the machine's."""
        self._orders[path] = (next(self._numbers),)
        self.give(PCI, path)

    def give(self, kind: str, path: str) -> None:
        """A bus of that kind, of a device that was put there, or that the machine has by itself."""
        self._buses.setdefault(kind, []).append((self._orders.get(path, (FIRST, FIRST)), path))

    def provide(self, driver: str, path: str, properties: Mapping[str, str]) -> None:
        """The buses that devices of a type have, as far as others of no bus may be put on them."""
        if controller_of(driver) is not None and COMPANION not in properties:
            self.give(USB, path)
        for kind, words in PROVIDERS.items():
            if any(word in driver for word in words):
                self.give(kind, path)

    def newest(self, kind: str) -> str:
        """The path of the device whose bus is taken; the machine's own bus, or none, where nothing has one."""
        found = self._buses.get(kind, ())
        return max(found, key=lambda one: (*one[0], BEFORE), default=((), ""))[1]
