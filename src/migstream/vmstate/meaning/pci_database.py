"""Names of vendors and devices that are none of QEMU's, from the list that the system has (`pci.ids`).

It is read when such a device is looked at. A system without one, or with one that cannot be read, names nothing.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path

__all__ = ["VARIABLE", "device_name", "subsystem_name", "vendor_name"]

VARIABLE = "MIGSTREAM_PCI_IDS"  # the file; empty: none
# where hwdata and pciutils put it
PLACES = (
    "/usr/share/hwdata/pci.ids",
    "/usr/share/misc/pci.ids",
    "/usr/share/pci.ids",
)
LARGEST = 16 << 20  # of 1.5 MB in 2025
LONGEST = 80
# `ID  name` of a vendor, with a tab in front of its devices, two of their subsystems with two ids
LINE = re.compile(r"(\t{0,2})([0-9a-f]{4})(?: ([0-9a-f]{4}))?  (.+)")

Names = dict[tuple[int, ...], str]


def vendor_name(vendor: int) -> str:
    """What a vendor is called, empty where nothing says it."""
    return _names(vendor).get((), "")


def device_name(vendor: int, device: int) -> str:
    """What a device is called, empty where nothing says it."""
    return _names(vendor).get((device,), "")


def subsystem_name(vendor: int, device: int, subvendor: int, subsystem: int) -> str:
    """What the card is called on which a device is, empty where nothing says it."""
    return _names(vendor).get((device, subvendor, subsystem), "")


def _names(vendor: int) -> Names:
    return _of_vendor(_place(), vendor)


def _place() -> str:
    chosen = os.environ.get(VARIABLE)
    if chosen is not None:
        return chosen
    return next((place for place in PLACES if Path(place).is_file()), "")


@lru_cache(maxsize=64)
def _of_vendor(place: str, vendor: int) -> Names:
    """The vendor's own name by nothing, its devices' by their ids."""
    found: Names = {}
    device = 0
    for line in _lines(place, vendor):
        match = LINE.fullmatch(line)
        if match is None:
            continue
        tabs, one, other, name = match.groups()
        name = "".join(c for c in name.strip()[:LONGEST] if c.isprintable())
        match len(tabs), other:
            case 0, None:
                found[()] = name
            case 1, None:
                device = int(one, 16)
                found[device,] = name
            case 2, str():
                found[device, int(one, 16), int(other, 16)] = name
    return found


def _lines(place: str, vendor: int) -> list[str]:
    """The lines of one vendor."""
    try:
        if not place or not Path(place).is_file():
            return []
        with Path(place).open("rb") as file:
            text = b"\n" + file.read(LARGEST)
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return []
    start = text.find(b"\n%04x  " % vendor) + 1
    if not start:
        return []
    # the next line that is neither a device nor a note
    stop = re.compile(rb"\n(?![\t#\n])").search(text, start)
    return text[start : stop.start() if stop else None].decode("utf-8", "replace").splitlines()
