"""Devices that a machine has without being told: which those are, the images with defaults show.

References
----------
QEMU, system/vl.c: default_list, qemu_create_default_devices; hw/i386/pc_piix.c: pc_init1 (the order);
hw/ppc/spapr.c: spapr_machine_init
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from migstream.catalogue.arguments import Part, is_on
from migstream.catalogue.drives import on_adapter, with_floppies
from migstream.catalogue.values import SAME_CPUS
from migstream.catalogue.vectors import VECTORS

if TYPE_CHECKING:
    from migstream.catalogue.arguments import Wanted
    from migstream.catalogue.model import Image, Placed

__all__ = [
    "OWN_USB",
    "SLIRP",
    "board_parts",
    "default_parts",
    "has_own_usb",
    "without_parts",
]

SOURCES = "ics"  # which interrupts are free
OWN_USB = {"usb"}
OLDER_BUS, USB = "/ohci", ("/xhci", "/ohci", "/usb-kbd", "/usb-ptr")
CONTROLLER, OLDER_CONTROLLER, KEYBOARD = "nec-usb-xhci", "pci-ohci", ("usb-kbd", "usb-mouse")
SLIRP, ADAPTER, ADAPTER_TYPE = "slirp", "/spapr_vscsi", "spapr-vscsi"
WITH_VECTORS = "virtio-net"
# What a second -serial is there (hw/s390x/s390-virtio-ccw.c: s390_create_sclpconsole).
S390X, SECOND_CONSOLE = "s390x", "sclplmconsole"
G3BEIGE = "g3beige"  # its USB comes behind its cards (hw/ppc/mac_oldworld.c: ppc_heathrow_init)
# Where a board's graphics card is on ISA: what -vga makes there (hw/display/vga-isa.c: isa_vga_init; hw/isa/isa-bus.c).
ISA, ON_ISA = "isa-", {"VGA": "isa-vga", "cirrus-vga": "isa-cirrus-vga"}
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
    "sungem": ("network", "sungem", ""),
    # on the VIO bus of a pseries
    "spapr_llan": ("network", "spapr-vlan", ""),
    "spapr_vscsi": ("cdrom", ADAPTER_TYPE, ""),
}
# The drive on the adapter that is there for it: hw/ppc/spapr.c: spapr_machine_init (IF_SCSI).
DRIVE = Part("scsi-cd", {"scsi-id": "2"})
PLAIN = {"serial": "isa-serial", "parallel_isa": "isa-parallel"}
PARALLELS = 3  # include/hw/char/parallel-isa.h: MAX_PARALLEL_PORTS
SORTS = ("card", "network", "cdrom")  # in the order in which they are made
# A table of translations has the register of its device on a VIO bus for an instance id.
TABLE, REGISTERS = "spapr_iommu", range(0x71000000, 0x72000000)
# On the bus of a pseries, and of a mac99, whose devices come one after the other.
SLOT = re.compile(r"(pci(?:@[0-9a-f]+|\.2):)([0-9a-f]{2})(\.0)(?=/)")


def default_parts(wanted: Wanted, bare: Image, full: Image, serials: int) -> list[Part]:
    """The devices that come before those of -device, with what -vga, -nic, -serial and -parallel ask for.

    Parameters
    ----------
    bare, full : the machine without its defaults, and with them
    serials : how many serial ports it makes at most
    """
    found = dict(_found(bare, full))
    default = {sort: found[sort] for sort in SORTS if sort in found and sort not in wanted.instead}
    own, card = found.get("network"), found.get("card")
    networks = [default["network"]] if wanted.defaults and "network" in default else []
    networks += [_network(one, own) for one in wanted.cards] if own is not None else []
    video = [default["card"]] if wanted.defaults and "card" in default else []
    if wanted.video and card is not None:
        isa = card.driver.startswith(ISA)
        driver = ON_ISA.get(wanted.video, "") if isa else wanted.video
        video = [Part(driver)] if driver else []
    if has_own_usb(full):
        drive = [DRIVE] if wanted.defaults and "cdrom" in default else []
        disks = [
            *drive,
            *on_adapter(wanted.drives, [int(one.properties["scsi-id"]) for one in drive]),
        ]
        has_graphics = bool(video) or (wanted.video is None and "card" in wanted.instead)
        usb = _own_usb(wanted, full, has_graphics=has_graphics)
        parts = [*networks, *([Part(ADAPTER_TYPE)] if disks else []), *disks, *video, *usb]
    else:
        parts = [*video, *networks]
    names = {one.name for one in full.sections}
    counts = {"serial": wanted.serials, "parallel": wanted.parallels}
    most = {"serial": serials, "parallel": PARALLELS}
    for name, driver in PLAIN.items():
        sort = driver.partition("-")[2]
        by_default = wanted.defaults and sort not in wanted.instead and name in names
        parts += [Part(driver)] * min(1 if by_default else counts[sort], most[sort])
    return parts


def board_parts(wanted: Wanted, target: str, machine: str, names: Collection[str]) -> list[Part]:
    """What comes behind these on some boards.

    Parameters
    ----------
    names : of the sections that the machine has so far
    """
    parts = with_floppies(wanted.drives, names) if target in SAME_CPUS else []
    if target == S390X and wanted.serials > 1:
        parts.append(Part(SECOND_CONSOLE))
    if machine == G3BEIGE and is_on(wanted.options.get("usb", "")):
        parts.append(Part(OLDER_CONTROLLER))
    return parts


def _network(asked: Part, own: Part) -> Part:
    """A card that was asked for, of the type that the board has by itself where none was named."""
    driver, properties = asked.driver or own.driver, dict(asked.properties)
    if not driver.startswith(WITH_VECTORS):
        properties.pop(VECTORS, None)
    return Part(driver, properties)


def without_parts(bare: Image, full: Image, plain: Image, instead: Collection[str]) -> Image:
    """The machine with its defaults, without those devices that are put together as others are.

    Parameters
    ----------
    plain : the machine with its serial port, the one default device that is no part there
    instead : sorts of default devices that another option stands for
    """
    before = {one.key for one in bare.sections}
    adapters = {one.name.rpartition("/")[0] for one in full.sections if one.name.endswith(ADAPTER)}
    kept = [
        one
        for one in full.sections
        if one.key in before or not (_is_part(one) or one.name.partition("/")[0] in adapters)
    ]
    if adapters:  # of these USB is made part by part
        kept = [one for one in kept if one.key in before or not one.name.endswith(USB)]
    free = {one.key: one for one in plain.sections if one.name == SOURCES}
    kept = [free.get(one.key, one) for one in kept]
    if "card" in instead:  # what comes after it is where it would be
        card = next((one.name for one in full.sections if _sort(one) == "card"), "")
        earlier = partial(_earlier, card)
        kept = [msgspec.structs.replace(one, name=SLOT.sub(earlier, one.name)) for one in kept]
    cards = {name for name, (sort, _, _) in CARDS.items() if sort == "card"}
    places = {one.name.rpartition("/")[0] for one in kept}
    if any(one.name.rpartition("/")[2] in cards for one in full.sections if one not in kept):
        places -= {""}  # of older machine types, the card's memory has no place in its name
    blocks = {name: size for name, size in full.blocks.items() if name.rpartition("/")[0] in places}
    return msgspec.structs.replace(full, sections=tuple(kept), blocks=blocks | bare.blocks)


def has_own_usb(full: Image) -> bool:
    """Whether USB is among what is put together (a pseries), and not what an option of the machine changes."""
    return any(one.name.endswith(ADAPTER) for one in full.sections)


def _own_usb(wanted: Wanted, full: Image, *, has_graphics: bool) -> list[Part]:
    """A pseries' own USB: as it is told, else beside its own graphics; with a keyboard and a mouse where it has some.

    References
    ----------
    QEMU, hw/ppc/spapr.c: spapr_machine_init (has_vga), spapr_machine_2_5_class_options (use_ohci_by_default)
    """
    told = is_on(wanted.options.get("usb", ""))
    if not (wanted.defaults and has_graphics if told is None else told):
        return []
    older = any(one.name.endswith(OLDER_BUS) for one in full.sections)
    controller = OLDER_CONTROLLER if older else CONTROLLER
    return [Part(one) for one in (controller, *(KEYBOARD if has_graphics else ()))]


def _sort(one: Placed) -> str:
    return CARDS.get(one.name.rpartition("/")[2], ("", "", ""))[0]


def _earlier(card: str, found: re.Match[str]) -> str:
    slot = int(found[2], 16)
    return f"{found[1]}{slot - (found[0] > card[: len(found[0])]):02x}{found[3]}"


def _is_part(one: Placed) -> bool:
    rest = one.name.rpartition("/")[2]
    table = one.name == TABLE and one.instance in REGISTERS
    return rest in CARDS or rest in PLAIN or rest == SLIRP or table


def _found(bare: Image, full: Image) -> Iterator[tuple[str, Part]]:
    before = {one.key for one in bare.sections}
    for one in full.sections:
        path, _, name = one.name.rpartition("/")
        if one.key not in before and name in CARDS:
            sort, pci, isa = CARDS[name]
            if path.startswith(CHANNEL):
                pci = pci.replace("-pci", "-ccw")
            yield sort, Part(pci if path else isa)
