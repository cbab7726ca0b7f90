"""Where devices of a domain's XML are, in QEMU's words, and what they are called there.

Facts: libvirt, src/qemu/qemu_command.c: qemuBuildDeviceAddressProps; src/qemu/qemu_alias.c.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from xml.etree.ElementTree import Element

from migstream.source.domain import pci_paths

__all__ = [
    "Buses",
    "Found",
    "Made",
    "Strange",
    "attribute",
    "child",
    "foreign",
    "is_on",
    "made",
    "number",
]

# What a `<driver>` of a virtio device may have, by its property.
VIRTIO = {
    "iommu": "iommu_platform",
    "ats": "ats",
    "packed": "packed",
    "page_per_vq": "page-per-vq",
}
# Devices on buses of which a stream does not tell where on them one is, or on none.
ELSEWHERE = frozenset({
    *("isa-serial", "isa-parallel", "pvpanic", "sb16", "ib700", "ramfb", "intel-iommu", "amd-iommu"),
    *("tpm-tis", "tpm-crb", "tpm-tis-device", "sclpconsole", "sclplmconsole", "pc-dimm", "nvdimm"),
})  # fmt: skip
ON = frozenset({"on", "yes"})
SUFFIXES = {"pci": "-pci", "ccw": "-ccw", "virtio-mmio": "-device"}
# What a model of virtio says beyond the bus.
KINDS = {
    "virtio-transitional": "-transitional",
    "virtio-non-transitional": "-non-transitional",
}


class Made(NamedTuple):
    """A device: its type, and its properties."""

    driver: str
    properties: dict[str, str]


class Strange(NamedTuple):
    """What nothing is known of: in words, and what the names of its sections and RAM blocks begin with."""

    what: str
    names: tuple[str, ...] = ()


Found = Iterator[Made | Strange]


def child(element: Element | None, path: str) -> Element | None:
    """An element below another one, which may be missing itself."""
    return None if element is None else element.find(path)


def attribute(element: Element | None, path: str, name: str = "") -> str:
    """`name` of the element at `path` below this one; empty where there is none. Without a name it is this one's own."""
    if not name:
        return "" if element is None else element.get(path, "")
    return attribute(child(element, path), name)


def is_on(text: str) -> bool:
    """Whether a switch is on."""
    return text in ON


def number(text: str) -> int | None:
    """A number as XML has them, decimal or hexadecimal; None where it is none."""
    try:
        return int(text, 0) if len(text) < 20 else None
    except ValueError:
        return None


class Buses:
    """What the buses of a domain are called: those of PCI by the model of their root."""

    def __init__(self, devices: Sequence[Element], *, x86: bool) -> None:
        models = {
            one.get("index", "0"): one.get("model", "")
            for one in devices
            if one.tag == "controller" and one.get("type") == "pci"
        }
        self._root = "pcie.0" if models.get("0") == "pcie-root" else "pci.0"
        self._paths = dict(pci_paths(devices))
        self.express = self._root == "pcie.0"
        self.x86 = x86
        self.unplaced = 0

    def path(self, device: Element) -> str:
        """How a stream calls a device on the PCI bus; empty where it is not on one."""
        return self._paths.get(device, "")

    def place(self, device: Element) -> Iterator[tuple[str, str]]:
        """`bus` and what else says where a device is; a device that libvirt has given no place is counted."""
        address = device.find("address")
        kind = attribute(address, "type")
        if address is None:
            return
        if kind == "pci":
            yield from self._pci(address)
        elif kind == "usb":
            yield "bus", f"{self.called('usb', address.get('bus', '0'))}.0"
            if address.get("port"):
                yield "port", address.get("port", "")
        elif kind == "ccw":
            parts = [number(address.get(key, "0")) or 0 for key in ("cssid", "ssid", "devno")]
            yield "devno", f"{parts[0]:x}.{parts[1]:x}.{parts[2]:04x}"
        elif kind == "spapr-vio":
            yield "reg", address.get("reg", "")
        elif kind == "isa":
            yield from ((key, value) for key, value in address.items() if key in ("iobase", "irq"))

    def _pci(self, address: Element) -> Iterator[tuple[str, str]]:
        bus = number(address.get("bus", "0")) or 0
        slot, function = (number(address.get(key, "0")) or 0 for key in ("slot", "function"))
        yield "bus", f"pci.{bus}" if bus else self._root
        yield "addr", f"{slot:#x}.{function:#x}" if function else f"{slot:#x}"
        if is_on(address.get("multifunction", "")):
            yield "multifunction", "on"

    @staticmethod
    def called(kind: str, index: str) -> str:
        """The id of a controller."""
        if kind == "usb":
            return "usb" if index in ("", "0") else f"usb{index}"
        if kind == "pci":
            return f"pci.{index}"
        return f"{kind}{index or '0'}"

    @staticmethod
    def virtio(name: str, device: Element, model: str = "") -> str:
        """The type of a virtio device (`virtio-net`) by the bus that it is on."""
        suffix = SUFFIXES.get(attribute(device, "address", "type"), "-pci")
        return f"{name}{suffix}{KINDS.get(model, '') if suffix == '-pci' else ''}"


def made(driver: str, device: Element, buses: Buses, name: str = "", **more: str) -> Made:
    """A device at its place; `name` is its id."""
    properties = {"id": name} if name else {}
    properties |= dict(buses.place(device)) | more
    buses.unplaced += device.find("address") is None and driver not in ELSEWHERE
    rom = device.find("rom")
    if attribute(rom, "bar"):
        properties["rombar"] = str(int(is_on(attribute(rom, "bar"))))
    if attribute(rom, "file"):
        properties["romfile"] = attribute(rom, "file")
    if driver.startswith("virtio"):
        for key, option in VIRTIO.items():
            value = attribute(device, "driver", key)
            if value:
                properties[option] = "on" if is_on(value) else "off"
    return Made(driver, properties)


def foreign(device: Element, buses: Buses, what: str) -> Found:
    """What no catalogue has: what it saves is not known."""
    path = buses.path(device)
    yield Strange(f"what {what} saves", (f"{path}/",) if path else ())
