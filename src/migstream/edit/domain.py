"""Somebody's secrets out of a libvirt domain's XML.

Facts: libvirt, docs/formatdomain.rst; what a save image has is what `virsh dumpxml --security-info` prints.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from migstream.errors import Unsupported
from migstream.source.domain import is_plain

__all__ = ["redacted"]

# Elements that go, by path below the root: what people write, and what only the guest's owner knows.
GONE = (
    "title", "description", "metadata", "sysinfo", "launchSecurity/dhCert", "launchSecurity/session",
    "keywrap", "devices/disk/source/cookies", "devices/disk/source/auth", "devices/disk/serial",
    "devices/disk/wwn",
)  # fmt: skip
# Attributes that go, wherever they are.
SECRETS = frozenset({"passwd", "password", "passwdValidTo", "secret"})
COMMANDS = "{http://libvirt.org/schemas/domain/qemu/1.0}"
MAC, UUID = "52:54:00:00:00:00", "00000000-0000-4000-8000-000000000000"


def redacted(text: str) -> tuple[str, int]:
    """The XML without passwords, serial numbers, addresses of networks, notes and arguments; and how many went.

    Raises
    ------
    Unsupported : it is not XML that can be read
    """
    if not is_plain(text):
        raise _unreadable()
    ET.register_namespace("qemu", COMMANDS.strip("{}"))
    try:
        root = ET.fromstring(text)  # noqa: S314 - no document type, and bounded
    except (ET.ParseError, ValueError):
        raise _unreadable() from None
    count = sum(_remove(root, path) for path in GONE)
    count += _remove(root, f"{COMMANDS}commandline")
    for element in root.iter():
        for name in SECRETS.intersection(element.keys()):
            del element.attrib[name]
            count += 1
        if element.tag == "mac" and element.get("address") is not None:
            element.set("address", MAC)
            count += 1
    for element in root.findall("uuid"):
        element.text = UUID
        count += 1
    return f"{ET.tostring(root, encoding='unicode')}\n", count


def _remove(root: ET.Element, path: str) -> int:
    """Take elements away; how many there were."""
    above, _, name = path.rpartition("/") if not path.startswith("{") else ("", "", path)
    count = 0
    for parent in root.findall(above) if above else [root]:
        for child in parent.findall(name):
            parent.remove(child)
            count += 1
    return count


def _unreadable() -> Unsupported:
    return Unsupported(
        "the domain's XML cannot be read, and what is in it not be removed",
        hint="`migstream convert` makes a bare stream, which can be redacted",
    )
