"""Disks of a domain's XML.

Facts: libvirt, src/qemu/qemu_command.c: qemuBuildDiskDeviceProps.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

from migstream.catalogue.libvirt.places import Buses, Found, Made, Strange, attribute, foreign, made

__all__ = ["disks"]

# What is written of a `<driver>` into properties of virtio-blk.
VIRTIO_BLK = {"queues": "num-queues", "queue_size": "queue-size"}
TYPES = {"cdrom": "cd", "disk": "hd", "": "hd"}
BUILT_IN = frozenset({"sd"})  # a slot that the machine has


def disks(device: Element, number: int, buses: Buses) -> Found:
    """What a disk is: nothing where it is in a drive that the machine has."""
    bus, kind = attribute(device, "target", "bus"), device.get("device", "")
    name = f"disk{number}"
    if bus == "virtio" and device.get("type") in ("vhostuser", "vhostvdpa"):
        yield from foreign(device, buses, "a disk that another process has (vhost-user)")
    elif bus == "virtio":
        more = {
            option: attribute(device, "driver", key)
            for key, option in VIRTIO_BLK.items()
            if attribute(device, "driver", key)
        }
        yield made(
            buses.virtio("virtio-blk", device, device.get("model", "")), device, buses, name, **more
        )
    elif bus == "scsi":
        yield _scsi(device, kind, name)
    elif bus in ("ide", "sata"):
        yield _ide(device, kind, name, buses)
    elif bus == "usb":
        yield made("usb-storage", device, buses, name)
    elif bus == "fdc":
        unit = attribute(device, "address", "unit") or "0"
        yield Made("floppy", {"id": name, "bus": "fdc.0", "unit": unit})
    elif bus not in BUILT_IN:
        yield Strange(f"what a disk on a bus of type {bus} is")


def _scsi(device: Element, kind: str, name: str) -> Made:
    """With virtio-scsi and the like a disk is a target, or a unit of one; with older ones a target."""
    address = device.find("address")
    controller, unit, target, channel = (
        attribute(address, key) or "0" for key in ("controller", "unit", "target", "bus")
    )
    driver = "scsi-block" if kind == "lun" else f"scsi-{TYPES.get(kind, 'hd')}"
    place = {"bus": f"scsi{controller}.0"}
    if address is not None:
        place |= {"channel": channel, "scsi-id": target, "lun": unit}
    return Made(driver, {"id": name, **place})


def _ide(device: Element, kind: str, name: str, buses: Buses) -> Made:
    address = device.find("address")
    controller, bus, unit = (
        attribute(address, key) or "0" for key in ("controller", "bus", "unit")
    )
    place = {"bus": f"ide.{bus}", "unit": unit}
    if attribute(device, "target", "bus") == "sata":
        own = buses.express and controller == "0"
        place = {"bus": f"ide.{unit}" if own else f"sata{controller}.{unit}"}
    return Made(f"ide-{TYPES.get(kind, 'hd')}", {"id": name, **place})
