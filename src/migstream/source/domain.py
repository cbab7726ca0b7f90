"""A libvirt domain's XML, as far as a stream can be held against it.

Facts: libvirt, docs/formatdomain.rst.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from xml.etree import ElementTree as ET

import msgspec

__all__ = [
    "MOST",
    "UNITS",
    "Device",
    "Domain",
    "domain_root",
    "is_plain",
    "pci_paths",
    "read_domain",
]

# What libvirt calls a unit, in bytes; without one it is KiB (docs/formatdomain.rst, "Memory Allocation").
UNITS = {
    "b": 1,
    "bytes": 1,
    "kb": 10**3,
    "k": 1 << 10,
    "kib": 1 << 10,
    "mb": 10**6,
    "m": 1 << 20,
    "mib": 1 << 20,
}
UNITS |= {"gb": 10**9, "g": 1 << 30, "gib": 1 << 30, "tb": 10**12, "t": 1 << 40, "tib": 1 << 40}
WRAPPERS = ("domainsnapshot", "domstatus")  # what has a domain's XML in it
BUSES = 256  # of PCI
MOST = 1 << 20  # bytes of XML that are parsed


class Device(NamedTuple):
    """A device on the PCI bus: its element in the XML, and its path as a stream has it (`0000:00:03.0`)."""

    kind: str
    path: str


class Domain(msgspec.Struct, frozen=True, kw_only=True):
    """What the XML says; empty or None where it does not, or is not XML.

    Attributes
    ----------
    memory : bytes that the guest has, with what is plugged in
    vcpus, most_vcpus : those that are there, and those that there can be
    machine : the machine type
    """

    name: str = ""
    uuid: str = ""
    arch: str = ""
    machine: str = ""
    memory: int | None = None
    vcpus: int | None = None
    most_vcpus: int | None = None
    devices: tuple[Device, ...] = ()


def read_domain(text: str, *, pasted: bool = True) -> Domain:
    """What a domain's XML says; a `Domain` without anything where it is not a domain's XML.

    What is `pasted` may be a snapshot's, which has the domain's in it; an image's never is.
    """
    root = domain_root(text, pasted=pasted)
    if root is None:
        return Domain()
    kind, cpus = root.find("os/type"), root.find("vcpu")
    most = _number(_text(root, "vcpu"))
    current = None if cpus is None else _number(cpus.get("current", ""))
    return Domain(
        name=_text(root, "name"),
        uuid=_text(root, "uuid"),
        arch="" if kind is None else kind.get("arch", ""),
        machine="" if kind is None else kind.get("machine", ""),
        memory=_bytes(root.find("memory")),
        vcpus=most if current is None else current,
        most_vcpus=most,
        devices=tuple(Device(one.tag, path) for one, path in pci_paths(root.findall("devices/*"))),
    )


def domain_root(text: str, *, pasted: bool = True) -> ET.Element | None:
    """The element of a domain; None where the text is not a domain's XML, or not one that may be parsed.

    What is `pasted` may be a snapshot's or a status file's, which have the domain's in them; an image's never is.
    """
    if not is_plain(text):
        return None
    try:
        root = ET.fromstring(text)  # noqa: S314 - no document type, and bounded
    except (ET.ParseError, ValueError):
        return None
    if pasted and root.tag in WRAPPERS:
        found = root.find("domain")
        root = root if found is None else found
    return root if root.tag == "domain" else None


def is_plain(text: str) -> bool:
    """Whether XML may be parsed: libvirt writes no document type, without which nothing in it can refer to itself."""
    return len(text) <= MOST and "<!DOCTYPE" not in text and "<!ENTITY" not in text


def _text(root: ET.Element, path: str) -> str:
    return (root.findtext(path) or "").strip()


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else None


def _bytes(element: ET.Element | None) -> int | None:
    if element is None:
        return None
    number = _number((element.text or "").strip())
    unit = UNITS.get(element.get("unit", "KiB").lower())
    return None if number is None or unit is None else number * unit


def pci_paths(elements: Sequence[ET.Element]) -> Iterator[tuple[ET.Element, str]]:
    """Devices with an address on the PCI bus, and what a stream calls them; what stands behind a bridge is named
    with the bridges before it.
    """
    places = {0: ""}
    addressed = [(one, found) for one in elements if (found := _address(one)) is not None]
    waiting = {
        number: address
        for one, address in addressed
        if one.tag == "controller" and (number := _number(one.get("index", ""))) is not None
        if one.get("type") == "pci" and number < BUSES
    }
    for _ in range(len(waiting)):  # a bridge may be listed before the one that it stands behind
        for number, (bus, function) in waiting.items():
            if number not in places and bus in places:
                places[number] = f"{places[bus]}:{function}"
    for one, (bus, function) in addressed:
        if bus in places:
            yield one, f"0000:00{places[bus]}:{function}"


def _address(device: ET.Element) -> tuple[int, str] | None:
    """Bus, and `slot.function`."""
    address = device.find("address")
    if address is None or address.get("type") != "pci":
        return None
    try:
        domain, bus, slot, function = (
            int(address.get(key, "0"), 0) for key in ("domain", "bus", "slot", "function")
        )
    except ValueError:
        return None
    return (bus, f"{slot:02x}.{function:x}") if domain == 0 else None
