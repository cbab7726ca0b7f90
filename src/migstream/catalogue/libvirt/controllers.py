"""Controllers of a domain's XML: bridges, and what other devices are on.

Facts: libvirt, src/qemu/qemu_command.c: qemuBuildControllersCommandLine, qemuBuildControllerDevProps.
"""

from __future__ import annotations

from collections.abc import Callable
from xml.etree.ElementTree import Element

from migstream.catalogue.libvirt.places import Buses, Found, Strange, attribute, is_on, made, number

__all__ = ["controller", "rank"]

USB = {
    "piix3-uhci": "piix3-usb-uhci",
    "piix4-uhci": "piix4-usb-uhci",
    "ehci": "usb-ehci",
    "ich9-ehci1": "ich9-usb-ehci1",
    "ich9-uhci1": "ich9-usb-uhci1",
    "ich9-uhci2": "ich9-usb-uhci2",
    "ich9-uhci3": "ich9-usb-uhci3",
    "vt82c686b-uhci": "vt82c686b-usb-uhci",
    "pci-ohci": "pci-ohci",
    "nec-xhci": "nec-usb-xhci",
    "qemu-xhci": "qemu-xhci",
}
SCSI = {
    "lsilogic": "lsi",
    "lsisas1068": "mptsas1068",
    "lsisas1078": "megasas",
    "vmpvscsi": "pvscsi",
    "ibmvscsi": "spapr-vscsi",
    "am53c974": "am53c974",
    "dc390": "dc-390",
}
BRIDGES = {
    "pcie-root-port": "pcie-root-port",
    "pci-bridge": "pci-bridge",
    "dmi-to-pci-bridge": "i82801b11-bridge",
    "pcie-to-pci-bridge": "pcie-pci-bridge",
    "pcie-switch-upstream-port": "x3130-upstream",
    "pcie-switch-downstream-port": "xio3130-downstream",
    "pci-expander-bus": "pxb",
    "pcie-expander-bus": "pxb-pcie",
}
# What the machine has by itself.
BUILT_IN = frozenset({"ide", "fdc", "isa"})
ROOTS = frozenset({"pci-root", "pcie-root"})


def rank(one: Element) -> tuple[int, int]:
    """Controllers of PCI are made before others, a bridge before those behind it."""
    if one.get("type") != "pci":
        return 1, 0
    return 0, number(one.get("index", "0")) or 0


def controller(device: Element, _number: int, buses: Buses) -> Found:
    """What a controller is; nothing where the machine has it."""
    kind = device.get("type", "")
    read = READERS.get(kind)
    if read is not None:
        yield from read(device, buses.called(kind, device.get("index", "")), buses)
    elif kind not in BUILT_IN:
        yield Strange(f"what a controller of type {kind} is")


def _bridge(device: Element, name: str, buses: Buses) -> Found:
    model, target = device.get("model", ""), device.find("target")
    if model in ROOTS:
        return
    driver = BRIDGES.get(model)
    if driver is None:
        yield Strange(f"what a PCI controller {model} is")
        return
    port = number(attribute(target, "port"))
    more = {"chassis": attribute(target, "chassis"), "port": "" if port is None else str(port)}
    if model == "pci-bridge":
        more = {"chassis_nr": attribute(target, "chassisNr")}
    if model.endswith("expander-bus"):
        more = {"bus_nr": attribute(target, "busNr")}
    if attribute(target, "hotplug"):
        more["hotplug"] = "on" if is_on(attribute(target, "hotplug")) else "off"
    yield made(driver, device, buses, name, **_said(more))


def _usb(device: Element, name: str, buses: Buses) -> Found:
    model, ports = device.get("model", ""), device.get("ports", "")
    master = attribute(device, "master", "startport")
    if model not in USB:
        if model != "none":
            yield Strange(f"what a USB controller {model} is")
    elif master:  # another one's companion has no name
        yield made(USB[model], device, buses, masterbus=f"{name}.0", firstport=master)
    else:
        yield made(USB[model], device, buses, name, **_said({"p2": ports, "p3": ports}))


def _scsi(device: Element, name: str, buses: Buses) -> Found:
    model = device.get("model", "")
    if model in SCSI:
        yield made(SCSI[model], device, buses, name)
    elif model.startswith("virtio") or not model:
        more = {"num_queues": attribute(device, "driver", "queues")}
        driver = buses.virtio("virtio-scsi", device, model)
        yield made(driver, device, buses, name, **_said(more))
    else:
        yield Strange(f"what a SCSI controller {model} is")


def _serial(device: Element, name: str, buses: Buses) -> Found:
    more = {"max_ports": device.get("ports", ""), "vectors": device.get("vectors", "")}
    driver = buses.virtio("virtio-serial", device, device.get("model", ""))
    yield made(driver, device, buses, name, **_said(more))


def _sata(device: Element, name: str, buses: Buses) -> Found:
    if not (buses.express and device.get("index") == "0"):  # the machine's own
        yield made("ahci", device, buses, name)


def _cards(device: Element, name: str, buses: Buses) -> Found:
    yield made("usb-ccid", device, buses, name)


def _said(properties: dict[str, str]) -> dict[str, str]:
    """Those that the XML has."""
    return {key: value for key, value in properties.items() if value}


READERS: dict[str, Callable[[Element, str, Buses], Found]] = {
    "pci": _bridge,
    "usb": _usb,
    "scsi": _scsi,
    "virtio-serial": _serial,
    "sata": _sata,
    "ccid": _cards,
}
