"""Where a QEMU puts devices: slots on PCI's buses, ports of USB, ids of SCSI.

References
----------
QEMU, hw/pci/pci.c: do_pci_register_device, pcibus_get_dev_path; hw/usb/bus.c: usb_claim_port, usb_get_dev_path;
hw/scsi/scsi-bus.c: scsi_bus_check_address, scsibus_get_dev_path; hw/s390x/css.c: css_find_free_devno, virtual_css_bus_get_dev_path;
hw/ppc/spapr_vio.c: spapr_vio_busdev_realize, spapr_vio_get_dev_name; hw/virtio/virtio-mmio.c: virtio_mmio_bus_get_dev_path
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from migstream.catalogue.arguments import number_of
from migstream.catalogue.mac99 import FIRST_SLOTS

__all__ = ["Places"]

SLOTS = 32
HUB = 8  # ports of a hub (hw/usb/dev-hub.c)
PORTS = 15
IDS = 256
NUMBERS = 1 << 16
CHANNELS = "/fe."
FIRST_REGISTER = 0x71000000


class Places:
    """Addresses that are taken on each bus; a bus is named by the path of the device that has it, the root bus by nothing.

    Parameters
    ----------
    taken : slot and function on the root bus, as `1f.2`
    names : of sections that are there, which begin with places on other buses
    transports : places on the machine's virtio bus, in the order in which devices get them
    """

    def __init__(
        self, taken: Iterable[str], names: Sequence[str] = (), transports: Sequence[str] = ()
    ) -> None:
        self._pci: dict[str, set[str]] = {"": set(taken)}
        self._used = {
            name.rpartition("/")[0].partition("@")[2] or name.rpartition("/")[0] for name in names
        }
        self._names = names
        self._transports = list(transports)
        self._others: dict[str, set[str]] = {}
        self._ports: dict[str, list[str]] = {}  # of USB
        self.buses: dict[str, str] = {}

    def owner(self, properties: Mapping[str, str]) -> str:
        """The id of the device that has the bus which a device is on: a bridge's bus is called like it, another's `id.0`."""
        bus = properties.get("bus", "")
        return bus if bus in self.buses else bus.rpartition(".")[0]

    def pci(self, root: str, parent: str, address: str | None) -> str:
        """The path of a PCI device.

        Parameters
        ----------
        root : what paths on the root bus begin with (`0000:00:`)
        parent : the path of the bridge, or of what has another root bus; nothing for the machine's own
        address : as it was asked for
        """
        taken = self._pci.setdefault(parent, set())
        place = _address(address)
        if place is None:
            first = 0 if parent else FIRST_SLOTS.get(root, 0)
            free = (f"{slot:02x}.0" for slot in range(first, SLOTS))
            place = next((one for one in free if one not in taken), "1f.7")
        taken.add(place)
        return f"{parent}:{place}" if parent else f"{root}{place}"

    def transport(self, bus: str) -> str:
        """The place of a device on the machine's virtio bus; `bus` is as it was asked for, `virtio-mmio-bus.31`."""
        number = bus.rpartition(".")[2]
        asked = sorted(self._transports)[int(number) :][:1] if number.isdecimal() else []
        free = [one for one in self._transports if one not in self._used]
        place = next(iter(asked or free), "")
        self._used.add(place)
        return place

    def channel(self, number: str) -> str:
        """The path of a device of a channel; `number` is as it was asked for, `fe.0.0007`.

        By itself it has the number of devices that came before it, or the next one that is free.
        """
        parts = [n for n in map(_hexadecimal, number.split(".")) if n is not None]
        if len(parts) == 3:
            place = "/{:02x}.{:x}.{:04x}".format(*parts)
        else:
            before = sum(one.startswith(CHANNELS) for one in self._used)
            free = (f"{CHANNELS}0.{n:04x}" for n in range(before, NUMBERS))
            place = next((one for one in free if one not in self._used), "")
        self._used.add(place)
        return place

    def register(self, root: str, register: str) -> str:
        """The path of a device on a VIO bus, which begins with `root` (`vty@`)."""
        free = (f"{n:08x}" for n in range(FIRST_REGISTER, FIRST_REGISTER + NUMBERS))
        asked = number_of(register)
        place = f"{asked:08x}" if asked else next(one for one in free if one not in self._used)
        self._used.add(place)
        return root + place

    def usb(self, parent: str, properties: Mapping[str, str]) -> str:
        """The path of a USB device."""
        taken = self._others.setdefault(parent, set())
        port = properties.get("port")
        if port is None:
            port = next((one for one in self._usb_ports(parent) if one not in taken), "1")
        taken.add(port)
        return f"{parent}/{port}" if parent else port

    def usb_controller(self, path: str, ports: int) -> None:
        """A controller with that many ports, some of which the machine's own devices have."""
        self._ports[path] = [str(n) for n in range(1, ports + 1)]
        own = (name.split("/") for name in self._names if name.startswith(f"{path}/"))
        self._others[path] = {port for _, port, *rest in own if rest}

    def usb_hub(self, path: str) -> None:
        """A hub: its ports come behind those that there are."""
        parent, _, port = path.rpartition("/")
        self._usb_ports(parent).extend(f"{port}.{n}" for n in range(1, HUB + 1))

    def last_usb_port(self, parent: str) -> bool:
        """Whether a bus has one port left: what comes next is put behind a hub (hw/usb/bus.c: usb_claim_port)."""
        taken = self._others.get(parent, set())
        return sum(port not in taken for port in self._usb_ports(parent)) == 1

    def _usb_ports(self, parent: str) -> list[str]:
        return self._ports.setdefault(parent, [str(n) for n in range(1, PORTS)])

    def scsi(self, parent: str, properties: Mapping[str, str]) -> str:
        """The path of a SCSI device."""
        taken = self._others.setdefault(parent, set())
        channel, lun = properties.get("channel", "0"), properties.get("lun", "0")
        target = properties.get("scsi-id")
        if target is None:
            target = next((str(n) for n in range(IDS) if f"{channel}:{n}:{lun}" not in taken), "0")
        taken.add(f"{channel}:{target}:{lun}")
        place = f"{channel}:{target}:{lun}"
        return f"{parent}/{place}" if parent else place


def _address(text: str | None) -> str | None:
    """`4`, `04.1`, `0x1c`, as slot and function; None where it says neither."""
    slot, _, function = (text or "").partition(".")
    try:
        return f"{int(slot, 16):02x}.{int(function or '0', 16):x}"
    except ValueError:
        return None


def _hexadecimal(text: str) -> int | None:
    try:
        return int(text, 16)
    except ValueError:
        return None
