"""A libvirt domain's XML, as far as a stream can be held against it.

Facts: libvirt, docs/formatdomain.rst.
"""

from __future__ import annotations

import msgspec

__all__ = ["Domain", "read_domain"]

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
MOST = 1 << 20  # bytes of XML that are parsed


class Domain(msgspec.Struct, frozen=True, kw_only=True):
    """What the XML says; empty or None where it does not, or is not XML.

    Attributes
    ----------
    memory, maximum : in bytes: what the guest is given when it starts, and what it can have
    vcpus : how many it can have
    machine : the machine type
    devices : of each kind of device that has an address on the PCI bus: `type`, and the function
        that it is, as a stream names it (`0000:00:03.0`)
    """

    name: str = ""
    uuid: str = ""
    kind: str = ""
    arch: str = ""
    machine: str = ""
    memory: int | None = None
    maximum: int | None = None
    vcpus: int | None = None
    devices: tuple[tuple[str, str], ...] = ()


def read_domain(text: str) -> Domain:
    """What a domain's XML says; a `Domain` without anything where it is not a domain's XML.

    libvirt writes no document type, so that nothing in it can refer to itself or to other files:
    what has one is not read.
    """
    from xml.etree import ElementTree as ET

    if len(text) > MOST or "<!DOCTYPE" in text or "<!ENTITY" in text:
        return Domain()
    try:
        root = ET.fromstring(text)  # noqa: S314 - no document type, and bounded
    except (ET.ParseError, ValueError):
        return Domain()
    if root.tag == "domainsnapshot":  # never in an image, but people paste it
        found = root.find("domain")
        root = root if found is None else found
    if root.tag != "domain":
        return Domain()
    kind = root.find("os/type")
    maximum = root.find("maxMemory")
    return Domain(
        name=_text(root, "name"),
        uuid=_text(root, "uuid"),
        kind=root.get("type", ""),
        arch="" if kind is None else kind.get("arch", ""),
        machine="" if kind is None else kind.get("machine", ""),
        memory=_bytes(root.find("memory")),
        maximum=_bytes(maximum),
        vcpus=_number(_text(root, "vcpu")),
        devices=tuple(_devices(root.find("devices"))),
    )


def _text(root: object, path: str) -> str:
    found = root.findtext(path)  # type: ignore[attr-defined]
    return (found or "").strip()


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else None


def _bytes(element: object) -> int | None:
    if element is None:
        return None
    number = _number((element.text or "").strip())  # type: ignore[attr-defined]
    unit = UNITS.get(element.get("unit", "KiB").lower())  # type: ignore[attr-defined]
    return None if number is None or unit is None else number * unit


def _devices(devices: object) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for device in devices or ():  # type: ignore[attr-defined]
        address = device.find("address")
        if address is None or address.get("type") != "pci":
            continue
        try:
            numbers = [
                int(address.get(key, "0"), 0) for key in ("domain", "bus", "slot", "function")
            ]
        except ValueError:
            continue
        found.append((device.tag, "{:04x}:{:02x}:{:02x}.{:x}".format(*numbers)))
    return found
