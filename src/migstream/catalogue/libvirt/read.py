"""A domain's XML as the arguments that its QEMU is started with, and what of it nobody can tell."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

import msgspec

from migstream.catalogue.libvirt.devices import parts
from migstream.catalogue.libvirt.machine import backends, machine_words
from migstream.catalogue.libvirt.places import Buses, Made, attribute
from migstream.errors import Unsupported
from migstream.names import many
from migstream.qemu.release import machine_version
from migstream.source.domain import domain_root

__all__ = ["Described", "describe"]

USB = "piix3-usb-uhci,id=usb,bus=pci.0,addr=0x1.0x2"
BARE = ("-no-user-config", "-nodefaults")
X86 = ("x86_64", "i686")
COMMANDS = "{http://libvirt.org/schemas/domain/qemu/1.0}"


class Described(msgspec.Struct, frozen=True):
    """The arguments; what is assumed, in words; and what the names of sections and RAM blocks begin with of which
    nothing is known.
    """

    arguments: tuple[str, ...]
    assumptions: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def describe(text: str) -> Described:
    """What a domain's XML says; that of a running domain, of a snapshot and of a status file as well.

    Raises
    ------
    Unsupported : it is not a domain's XML, or not of a machine of QEMU's
    """
    root = domain_root(text)
    if root is None or not attribute(root, "os/type", "machine"):
        raise Unsupported(
            "it is not a domain's XML that says which machine it is",
            hint="`virsh dumpxml DOMAIN` prints it, `virsh save-image-dumpxml FILE` that of a save image",
        )
    return _described(root)


def _described(root: Element) -> Described:
    devices = root.find("devices")
    elements = [] if devices is None else list(devices)
    buses = Buses(elements, x86=attribute(root, "os/type", "arch") in X86)
    words = [*BARE, *machine_words(root), *backends(root), *_networks(elements)]
    if _has_default_usb(root, elements):
        words += ["-device", USB]
    assumed: list[str] = []
    unknown: list[str] = []
    for one in parts(elements, buses):
        if isinstance(one, Made):
            words += ["-device", _written(one)]
        else:
            assumed.append(f"{one.what} is not known")
            unknown += one.names
    words += _commands(root)
    if buses.unplaced:
        assumed.append(
            f"where {many(buses.unplaced, 'device')} without an address is: libvirt gives addresses, `virsh dumpxml` has them"
        )
    if root.find("launchSecurity") is not None:
        assumed.append("launch security changes nothing of what is saved")
    if any(attribute(one, "type") in NETWORKS for one in elements if one.tag == "interface"):
        assumed.append("its host offers a network card the features that the device has by itself")
    return Described(tuple(words), tuple(assumed), tuple(unknown))


NETWORKS = ("network", "bridge", "direct", "ethernet", "vhostuser")


def _written(one: Made) -> str:
    pairs = (f"{key}={value.replace(',', ',,')}" for key, value in one.properties.items())
    return ",".join((one.driver.replace(",", ",,"), *pairs))


def _has_default_usb(root: Element, elements: list[Element]) -> bool:
    """Whether it has the controller that libvirt adds to such a machine, and leaves out of what it sends elsewhere.

    References
    ----------
    libvirt, src/qemu/qemu_domain.c: qemuDomainDefAddDefaultDevices, qemuDomainDefFormatBufInternal
    """
    board, _ = machine_version(attribute(root, "os/type", "machine"))
    usb = any(one.tag == "controller" and one.get("type") == "usb" for one in elements)
    return board in ("pc", "pc-i440fx") and not usb


def _networks(elements: list[Element]) -> Iterator[str]:
    """Networks of users, which have state."""
    for number, one in enumerate(each for each in elements if each.tag == "interface"):
        if one.get("type") == "user" and attribute(one, "backend", "type") != "passt":
            yield from ("-netdev", f"user,id=hostnet{number}")


def _commands(root: Element) -> Iterator[str]:
    """Words that the domain adds itself."""
    for one in root.iterfind(f"{COMMANDS}commandline/{COMMANDS}arg"):
        yield one.get("value", "")
    if root.find("features/vmcoreinfo[@state='on']") is not None:
        yield from ("-device", "vmcoreinfo")
    genid = root.find("genid")
    if genid is not None:
        guid = (genid.text or "").strip() or "auto"
        yield from ("-device", _written(Made("vmgenid", {"guid": guid})))
