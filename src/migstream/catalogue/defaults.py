"""Devices that a machine has without being told: which those are, the images with defaults show.

References
----------
QEMU, system/vl.c: default_list, qemu_create_default_devices; hw/i386/pc_piix.c: pc_init1 (the order)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from migstream.catalogue.arguments import Part

if TYPE_CHECKING:
    from migstream.catalogue.arguments import Wanted
    from migstream.catalogue.model import Image, Placed

__all__ = ["SLIRP", "default_parts", "without_parts"]

SLIRP = "slirp"
CHANNEL = "/fe."  # what paths of devices on channels begin with
# By the name of a section, without the place of its device: the sort of default device, its type on PCI, on ISA.
CARDS = {
    "vga": ("card", "VGA", "isa-vga"),
    "vga-isa": ("card", "VGA", "isa-vga"),
    "cirrus_vga": ("card", "cirrus-vga", "isa-cirrus-vga"),
    "e1000": ("network", "e1000", ""),
    "e1000e": ("network", "e1000e", ""),
    "virtio-net": ("network", "virtio-net-pci", "virtio-net-ccw"),
    "ne2000": ("network", "ne2k_pci", "ne2k_isa"),
}
PLAIN = {"serial": "isa-serial", "parallel_isa": "isa-parallel"}
PARALLELS = 3  # include/hw/char/parallel-isa.h: MAX_PARALLEL_PORTS
SORTS = ("card", "network")  # in the order in which they are made


def default_parts(wanted: Wanted, bare: Image, full: Image, serials: int) -> list[Part]:
    """The devices that come before those of -device, with what -vga, -nic, -serial and -parallel ask for.

    Parameters
    ----------
    bare, full : the machine without its defaults, and with them
    serials : how many serial ports it makes at most
    """
    found = dict(_found(bare, full))
    default = {sort: found[sort] for sort in SORTS if sort in found and sort not in wanted.instead}
    own = found.get("network")
    asked = [one or own for one in wanted.cards]
    cards = list(default.values()) if wanted.defaults else []
    parts = [*cards, *(one for one in asked if one is not None)]
    parts.sort(key=lambda part: part.driver not in VIDEO)
    names = {one.name for one in full.sections}
    counts = {"serial": wanted.serials, "parallel": wanted.parallels}
    most = {"serial": serials, "parallel": PARALLELS}
    for name, driver in PLAIN.items():
        sort = driver.partition("-")[2]
        by_default = wanted.defaults and sort not in wanted.instead and name in names
        parts += [Part(driver)] * min(1 if by_default else counts[sort], most[sort])
    return parts


VIDEO = frozenset(
    ("VGA", "isa-vga", "cirrus-vga", "isa-cirrus-vga", "qxl-vga", "vmware-svga", "virtio-vga")
)


def without_parts(bare: Image, full: Image) -> Image:
    """The machine with its defaults, without those devices that are put together as others are."""
    before = {one.key for one in bare.sections}
    kept = [one for one in full.sections if one.key in before or not _is_part(one)]
    cards = {name for name, (sort, _, _) in CARDS.items() if sort == "card"}
    places = {one.name.rpartition("/")[0] for one in kept}
    if any(one.name.rpartition("/")[2] in cards for one in full.sections if one not in kept):
        places -= {""}  # of older machine types, the card's memory has no place in its name
    blocks = {name: size for name, size in full.blocks.items() if name.rpartition("/")[0] in places}
    return msgspec.structs.replace(full, sections=tuple(kept), blocks=blocks | bare.blocks)


def _is_part(one: Placed) -> bool:
    rest = one.name.rpartition("/")[2]
    return rest in CARDS or rest in PLAIN or rest == SLIRP


def _found(bare: Image, full: Image) -> Iterator[tuple[str, Part]]:
    before = {one.key for one in bare.sections}
    for one in full.sections:
        path, _, name = one.name.rpartition("/")
        if one.key not in before and name in CARDS:
            sort, pci, isa = CARDS[name]
            if path.startswith(CHANNEL):
                pci = pci.replace("-pci", "-ccw")
            yield sort, Part(pci if path else isa)
