"""Where a QEMU puts devices: slots on PCI's buses, ports of USB, ids of SCSI.

References
----------
QEMU, hw/pci/pci.c: do_pci_register_device, pcibus_get_dev_path; hw/usb/bus.c: usb_claim_port, usb_get_dev_path;
hw/scsi/scsi-bus.c: scsi_bus_check_address, scsibus_get_dev_path
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

__all__ = ["Places"]

SLOTS = 32
PORTS = 15
IDS = 256


class Places:
    """Addresses that are taken on each bus; a bus is named by the path of the device that has it, the root bus by nothing.

    Parameters
    ----------
    taken : slot and function on the root bus, as `1f.2`
    """

    def __init__(self, taken: Iterable[str]) -> None:
        self._pci: dict[str, set[str]] = {"": set(taken)}
        self._others: dict[str, set[str]] = {}
        self.buses: dict[str, str] = {}

    def pci(self, root: str, parent: str, address: str | None) -> str:
        """The path of a PCI device.

        Parameters
        ----------
        root : what paths on the root bus begin with (`0000:00:`)
        parent : the path of the bridge, nothing for the root bus
        address : as it was asked for
        """
        taken = self._pci.setdefault(parent, set())
        place = _address(address)
        if place is None:
            free = (f"{slot:02x}.0" for slot in range(SLOTS))
            place = next((one for one in free if one not in taken), "1f.7")
        taken.add(place)
        return f"{parent}:{place}" if parent else f"{root}{place}"

    def usb(self, parent: str, properties: Mapping[str, str]) -> str:
        """The path of a USB device."""
        taken = self._others.setdefault(parent, set())
        port = properties.get("port")
        if port is None:
            port = next((str(n) for n in range(1, PORTS) if str(n) not in taken), "1")
        taken.add(port)
        return f"{parent}/{port}"

    def scsi(self, parent: str, properties: Mapping[str, str]) -> str:
        """The path of a SCSI device."""
        taken = self._others.setdefault(parent, set())
        channel, lun = properties.get("channel", "0"), properties.get("lun", "0")
        target = properties.get("scsi-id")
        if target is None:
            target = next((str(n) for n in range(IDS) if f"{channel}:{n}:{lun}" not in taken), "0")
        taken.add(f"{channel}:{target}:{lun}")
        return f"{parent}/{channel}:{target}:{lun}"


def _address(text: str | None) -> str | None:
    """`4`, `04.1`, `0x1c`, as slot and function; None where it says neither."""
    slot, _, function = (text or "").partition(".")
    try:
        return f"{int(slot, 16):02x}.{int(function or '0', 16):x}"
    except ValueError:
        return None
