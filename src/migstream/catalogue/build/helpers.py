"""What a device needs beside itself before a QEMU makes it: backends by the property that names them."""

from __future__ import annotations

from collections.abc import Iterable

from migstream.catalogue.model import NUMBER, Option, Type

__all__ = ["device_words", "needs_memory_slots"]

PARENT_SLOT = "1e"
SIZE = 1 << 20  # bytes of a disk, and of memory
DISK = f"driver=null-co,size={SIZE},read-zeroes=on"
# By property: what is added before the device, and what the property is set to; `{}` is a name of its own.
BACKENDS = {
    "drive": (("-blockdev", DISK + ",node-name=n{}"), "n{}"),
    "audiodev": (("-audiodev", "none,id=a{}"), "a{}"),
    "chardev": (("-chardev", "null,id=c{}"), "c{}"),
    "cryptodev": (("-object", "cryptodev-backend-builtin,id=y{}"), "y{}"),
    "fsdev": (("-fsdev", "synth,id=f{}"), "f{}"),
    "bmc": (("-device", "ipmi-bmc-sim,id=b{}"), "b{}"),
    "rng": (("-object", "rng-builtin,id=r{}"), "r{}"),
    **{f"chardev{n}": (("-chardev", f"null,id=c{{}}x{n}"), f"c{{}}x{n}") for n in range(1, 5)},
    "memdev": (("-object", "memory-backend-ram,id=m{},size=128M"), "m{}"),
}
# Values that a device asks for, by property; each device has one of its own where the value is None.
VALUES = {
    "chassis": None,
    "chassis_nr": None,
    "bus_nr": None,
    "index": None,
    "serial": "x",
    "mount_tag": "t",
    "master": "on",
}
ONLY = {
    "serial": ("nvme",),
    "master": ("ivshmem-plain",),
    "index": ("spapr-pci-host-bridge",),
}  # the device types that one of these is for, where it is not for all
# Devices on a bus of another device: what is added before, on the first machine that has it.
PCI = f"id=parent,addr={PARENT_SLOT}"
CCW = f"id=parent,devno=fe.0.{NUMBER}"
PARENTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "usb-bus": (
        ("-device", f"qemu-xhci,{PCI}"),
        ("-device", f"piix3-usb-uhci,{PCI}"),
        ("-device", f"pci-ohci,{PCI}"),
    ),
    "SCSI": (
        ("-device", f"virtio-scsi-pci,{PCI}"),
        ("-device", f"virtio-scsi-ccw,{CCW}"),
        ("-device", "virtio-scsi-device,id=parent"),
    ),
    "virtio-serial-bus": (
        ("-device", f"virtio-serial-pci,{PCI}"),
        ("-device", f"virtio-serial-ccw,{CCW}"),
        ("-device", "virtio-serial-device,id=parent"),
    ),
    "HDA": (("-device", f"intel-hda,{PCI}"),),
    "ccid-bus": (
        (
            *("-device", f"piix3-usb-uhci,id=above,addr={PARENT_SLOT}"),
            *("-device", "usb-ccid,id=parent"),
        ),
    ),
}
MEMORY = ("pc-dimm", "nvdimm", "virtio-mem-pci", "virtio-pmem-pci")


def needs_memory_slots(name: str) -> bool:
    """Whether a machine has to have room for more memory (-m slots=…,maxmem=…) before it can have that device."""
    return name in MEMORY


def device_words(name: str, kind: Type, number: int, more: Iterable[str] = ()) -> list[str]:
    """The words that add a device of that type, with backends of its own.

    Parameters
    ----------
    number : of this device on its command line
    more : properties, `addr=5`
    """
    words: list[str] = []
    given = [f"id=t{number}"]
    for option in kind.options:
        found = _value(name, option, number)
        if found is not None:
            before, value = found
            words += before
            given.append(f"{option.name}={value}")
    return [*words, "-device", ",".join((name, *given, *more))]


def _value(name: str, option: Option, number: int) -> tuple[list[str], str] | None:
    if option.name in BACKENDS:
        before, value = BACKENDS[option.name]
        return [word.format(number) for word in before], value.format(number)
    if option.name in VALUES and name in ONLY.get(option.name, (name,)):
        value = VALUES[option.name] or str((number + 1) % 256)
        return [], value
    return None
