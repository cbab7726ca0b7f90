"""What a QEMU of the catalogue would save of the machine that arguments describe.

From the image of its machine type, changed as options change it, and with what each device adds, at the place that QEMU
would give it. What the catalogue cannot tell is an assumption, in words.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from migstream.catalogue.addresses import Addresses, with_address
from migstream.catalogue.arguments import Part, Wanted, is_on, number_of
from migstream.catalogue.bridges import BEHIND, EXPANDERS, INSIDE, untried
from migstream.catalogue.capabilities import has_msi
from migstream.catalogue.changes import Machine
from migstream.catalogue.composed import Composed
from migstream.catalogue.cpus import add_cpus, add_slots
from migstream.catalogue.defaults import (
    OWN_USB,
    SLIRP,
    board_parts,
    default_parts,
    has_own_usb,
    without_parts,
)
from migstream.catalogue.drives import SOUNDS, sounds_of, virtio_drives
from migstream.catalogue.firmware import FIRMWARE_ASSUMED, with_firmware
from migstream.catalogue.hosts import PCI, SCSI, SERIAL, USB, Hosts
from migstream.catalogue.implied import properties_of
from migstream.catalogue.interrupts import Interrupts
from migstream.catalogue.known import Known
from migstream.catalogue.kvmclock import CLOCK, has_clock
from migstream.catalogue.lineage import lineage
from migstream.catalogue.mac99 import with_via
from migstream.catalogue.memory import backend_block, block_of
from migstream.catalogue.microvm import most_serials, transports_of
from migstream.catalogue.model import PLACE, Image, at_a_place, without_place
from migstream.catalogue.numbered import single
from migstream.catalogue.places import Places
from migstream.catalogue.ports import PORTS, numbers, with_ports
from migstream.catalogue.properties import Properties
from migstream.catalogue.registers import HOST_BRIDGE, bridge_number, bridge_path, put, with_number
from migstream.catalogue.silent import QUIET_BUSES, SILENT_MACHINE
from migstream.catalogue.told import as_sent, texts_of, unseen
from migstream.catalogue.usb import HUB, own_controllers, ports_of
from migstream.catalogue.values import SAME_CPUS
from migstream.catalogue.varied import Varied, switch, varied_by, without_msi
from migstream.catalogue.written import stream_of
from migstream.errors import Unsupported
from migstream.qemu.release import machine_version

if TYPE_CHECKING:
    from migstream.catalogue.files import Catalogue
    from migstream.catalogue.model import Type

__all__ = ["Composed", "alone", "compose"]


def compose(catalogue: Catalogue, wanted: Wanted) -> Composed:
    """What the binary would save of that machine after reset.

    Raises
    ------
    Unsupported : the catalogue has no machine type of that kind
    """
    return _Composer(catalogue, wanted).run()


def alone(catalogue: Catalogue, wanted: Wanted, frame: Image) -> Machine:
    """What the devices of a machine that has no others add to an image, which need not be that machine's.

    Raises
    ------
    Unsupported : the catalogue has no machine type of that kind
    """
    return _Composer(catalogue, wanted, frame).devices()


class _Composer:
    """One machine, put together; or what its devices add to `frame`."""

    def __init__(self, catalogue: Catalogue, wanted: Wanted, frame: Image | None = None) -> None:
        self.catalogue = catalogue
        self.wanted = wanted
        self.assumed: list[str] = []
        self.unknown: list[str] = []
        self.name = self._machine_type()
        _, self.version = machine_version(self.name)
        own, others = catalogue.family(self.name), catalogue.others(self.name)
        self.states = catalogue.states
        images = own.images[self.name]
        image = self._image(images)
        asked, texts = wanted.machine or self.name, texts_of(image, others, self.states)
        self.unknown += unseen(asked, self.name)
        self.machine = Machine(frame or as_sent(image, asked, others), self.states, texts)
        self.machine.single = single(catalogue.index.release)
        self.family, self.tried = others, catalogue.tried(others)
        mine = own if catalogue.like is not None else None
        self.known = Known(self.name, mine, self.family, self.tried)
        varied = varied_by(own, others)
        self.varied = Varied(varied, wanted, self.version, image)
        self.msi_broken = catalogue.index.target in SAME_CPUS and self.varied.without_apic
        self.base = varied.images[varied.newest]["tcg"]
        self.addresses = Addresses()
        self.parts = list(wanted.parts)
        self.paths: list[str] = []
        self.taken: set[str] = set()
        self.consoles: dict[str, list[Part]] = {}
        self.placeless = any(
            without_place(added) and self._bus(driver) in SOME_PLACELESS
            for driver, added in others.devices.get(self.name, {}).items()
        )
        self.unplaced: list[str] = []
        self.blocked: list[str] = []
        self.lacking: list[str] = []
        self.transports = transports_of(wanted, self.name, self.family.transports)
        self.hosts = Hosts(self.transports, catalogue.index.target)
        about, states = catalogue.about, (self.assumed, self.unknown)
        whole = self.tried is self.family
        self.properties = Properties(self.machine, self.tried, about, *states, whole=whole)
        self.bridges: dict[str, str] = {}

    def run(self) -> Composed:
        wanted, release = self.wanted, self.catalogue.index.release
        self._defaults()
        full = self.images.get("tcg defaults", self.base)
        silent = SILENT_MACHINE | (OWN_USB if has_own_usb(full) else set())
        self.assumed += self.varied.options(self.machine, silent)
        self.unknown += (*self.varied.untold, *with_via(self.machine, wanted.options))
        self._slots()
        self._cpus()
        self.msi_broken |= without_msi(self.machine, release)
        self._memory()
        drivers = {name for part in self.parts for name in self._lineage(part.driver)}
        for driver, name, value in wanted.globals:
            if driver == MIGRATION and is_on(value) is False and self.machine.without(name):
                continue
            if driver not in drivers:
                what, words = f"-global {driver}.{name}={switch(value)}", f"{driver}.{name}={value}"
                self.assumed += self.varied.change(self.machine, what, words)
        if flash := with_firmware(self.machine, wanted.options):
            self.unknown += flash
            self.assumed.append(FIRMWARE_ASSUMED)
        self.devices()
        sounds = (f"the sound card {one}" for one in wanted.sounds if one not in SOUNDS)
        for word in (*wanted.strange, *sounds):
            self.assumed.append(f"what {word} does is not known")
        assumed, blocked = tuple(dict.fromkeys(self.assumed)), tuple(self.blocked)
        # where the others have a description, and a section none, nobody knows where it ends
        self.unknown += [key[0] for key, state in self.machine.sections.items() if not state.text]
        self.unknown += sorted(self.machine.unsure)
        stream, unknown = stream_of(self.machine), tuple(dict.fromkeys(self.unknown))
        asked = {id(part): path for part, path in zip(self.parts, self.paths, strict=True)}
        places = tuple(asked.pop(id(part)) for part in wanted.parts)
        own = asked.values()
        taken = (*self.taken, *(path.rpartition(":")[2] for path in own if path))
        twice = next((path for path, n in Counter(self.paths).items() if path and n > 1), "")
        return Composed(
            stream,
            self.name,
            assumed,
            blocked,
            unknown,
            places,
            taken,
            wanted.max_cpus,
            twice,
            tuple(self.lacking),
        )

    def devices(self) -> Machine:
        """The machine, with all that was added."""
        if SHORT_BUS in self.machine.sections:  # options were tried with a newer machine type
            self.machine.rename(LONG, SHORT)
        names = [name for name, _ in self.machine.sections]
        taken = {
            name.removeprefix(root).partition("/")[0]
            for root in self.known.roots(EXPANDERS)
            for name in names
            if name.startswith(root)
        }
        self.taken = {*self.base.pci, *taken}
        self.interrupts = Interrupts(self.machine, self.version)
        places = Places(self.taken, names, self.transports)
        for path, ports in own_controllers(names):
            self.hosts.give(USB, path)
            places.usb_controller(path, ports)
        self.paths = [self._part(part, places) for part in self.parts]
        self._ports()
        for path in self.unplaced:
            self.machine.unplaced(path)
            self.unknown[:] = [name.removeprefix(f"{path}/") for name in self.unknown]
        return self.machine

    # --- the machine -------------------------------------------------------------------------------

    def _machine_type(self) -> str:
        index = self.catalogue.index
        asked = self.wanted.machine or next(iter(index.aliases), "")
        name = self.catalogue.machine(asked)
        if name is not None:
            return name
        near = self.catalogue.nearest(asked)
        if near is None:
            raise Unsupported(
                f"{self.catalogue.path.name} has no machine type {asked}",
                hint="`migstream catalogue list --json` names those that it has",
            )
        self.assumed.append(f"it has no machine type {asked}: {near} is looked at")
        return near

    def _form(self) -> str:
        accelerator = self.wanted.accelerator or "tcg"
        if accelerator == "kvm" and self.wanted.irqchip in ("split", "off"):
            return f"kvm {self.wanted.irqchip}"
        return accelerator if accelerator in ("tcg", "kvm") else "tcg"

    def _image(self, images: dict[str, Image]) -> Image:
        self.images = images
        form = self._form()
        if form not in images:
            self.assumed.append(f"under {form} it saves what it saves under TCG")
        return images.get(form, images["tcg"])

    def _defaults(self) -> None:
        """Devices that the machine has by itself, as parts like others; networks of users."""
        wanted, accelerator = self.wanted, self._form().partition(" ")[0]
        bare = self.images.get(accelerator, self.images["tcg"])
        full = self.images.get(f"{accelerator} defaults", bare)
        if wanted.defaults:
            plain = self.images.get("tcg serial", bare)
            self.machine.change(bare, without_parts(bare, full, plain, wanted.instead))
            if "serial" in wanted.instead and not wanted.serials:
                self.machine.change(plain, bare)
        elif wanted.serials and "tcg serial" in self.images:
            self.machine.change(self.images["tcg"], self.images["tcg serial"])
        parts = default_parts(wanted, bare, full, most_serials(wanted, self.name))
        types = self.catalogue.about.types
        parts = [
            one
            for one in parts
            if (driver := self._type(one)) in self.known or ("-" not in driver and driver in types)
        ]
        if not any(map(self._card, parts)):  # the board makes nothing of it
            default = wanted.defaults and "network" not in wanted.instead
            for _ in range(default + sum("mac" not in one.properties for one in wanted.cards)):
                self.addresses.take()
        index = self.catalogue.index
        names = [name for name, _ in self.machine.sections]
        parts += board_parts(wanted, index.target, self.name, names)
        drives = virtio_drives(wanted.drives, index.target, self.name, index.release)
        early, late = ([one for one in wanted.parts if one.late is side] for side in (False, True))
        self.parts = [*parts, *sounds_of(wanted.sounds), *early, *drives, *late]
        networks = wanted.slirps + (wanted.defaults and "network" not in wanted.instead)
        slirp = next((one for one in full.sections if one.name == SLIRP), None)
        if slirp is not None:
            for _ in range(networks):
                self.machine.place(slirp, SLIRP)

    def _type(self, part: Part) -> str:
        return self.catalogue.about.aliases.get(part.driver, part.driver)

    def _bus(self, driver: str) -> str:
        kind = self.catalogue.about.types.get(driver)
        return "" if kind is None else kind.bus

    def _card(self, part: Part) -> bool:
        """Whether it has a network address."""
        kind = self.catalogue.about.types.get(self._type(part))
        return kind is not None and any(option.name == "mac" for option in kind.options)

    def _cpus(self) -> None:
        wanted = self.wanted
        index, about = self.catalogue.index, self.catalogue.about
        same = index.target in SAME_CPUS
        if not has_clock(self.name, wanted.cpu):
            self.machine.sections.pop(CLOCK, None)
        self.assumed += self.varied.model(self.machine, about.cpus, same=same)
        accelerator = self._form().partition(" ")[0]
        one = self.images.get(accelerator, self.images["tcg"])
        two = self.images.get(f"{accelerator} smp=2", self.images.get("tcg smp=2"))
        one, two = self.varied.two_cpus() or (one, two)
        if wanted.max_cpus > 1 and two is not None:
            count = wanted.cpus, wanted.max_cpus
            self.assumed += add_cpus(self.machine, one, two, *count, index.release)
        elif wanted.cpus > 1:
            self.assumed.append("it starts with one CPU only")

    def _slots(self) -> None:
        first, second = (self.images.get(f"tcg slots={n}") for n in (1, 2))
        if self.wanted.slots and first is not None and second is not None:
            bare, slots = self.images["tcg"], self.wanted.slots
            add_slots(self.machine, bare, (first, second), slots)

    def _memory(self) -> None:
        wanted, blocks = self.wanted, self.machine.blocks
        name = self.catalogue.index.ram.get(self.name, "")
        backend = wanted.options.get("memory-backend")
        nodes = wanted.nodes or ([backend] if backend else [])
        if nodes and name in blocks:
            del blocks[name]
            blocks.update(backend_block(wanted, self.name, node) for node in nodes)
        elif name in blocks:
            own = self.catalogue.index.memory.get(self.name, blocks[name])
            blocks[name] = own if wanted.memory is None else wanted.memory
        elif wanted.memory is not None:
            self.assumed.append("which RAM block is the machine's memory")

    # --- devices -----------------------------------------------------------------------------------

    def _part(self, part: Part, places: Places) -> str:
        """Add a device; its path, empty where it has none."""
        about, wanted = self.catalogue.about, self.wanted
        driver = self._type(part)
        kind = about.types.get(driver)
        if kind is None:
            self.lacking.append(part.driver)
            return ""
        seen, base = self.known.added(driver, kind.bus), self.known.base(driver)
        bare = seen is not None and kind.bus in SOME_PLACELESS and without_place(seen)
        added = at_a_place(seen) if seen is not None and bare else seen
        path = self._path(part, driver, kind, "" if added is None else added.root, places)
        if kind.bus in SOME_PLACELESS and self.placeless:
            self.unplaced.append(path)
        self.hosts.provide(driver, path, part.properties)
        if (own := part.properties.get("id")) is not None:
            places.buses[own], self.bridges[own] = path + INSIDE.get(driver, ""), driver
        if driver == HUB:
            places.usb_hub(path)
        if (ports := ports_of(driver, part.properties)) is not None:
            places.usb_controller(path, ports)
        if driver in PORTS:
            console = places.buses.get(places.owner(part.properties))
            self.consoles.setdefault(console or self.hosts.newest(SERIAL), []).append(part)
        if refused := self.catalogue.refused(driver):
            blocked = BLOCKED.search(refused)
            self.blocked.append(driver if blocked is None else f"{path}/{blocked[1]}")
        if added is None:
            if kind.bus not in QUIET_BUSES:
                self.assumed.append(f"{driver} saves nothing, or is not in the catalogue")
                placed = path and path not in self.unplaced
                self.unknown += [f"{path}/" if placed else driver.rpartition("-")[0]]
            return path
        keys = put(self.machine, added, part, path, self.interrupts)
        memdev = part.properties.get("memdev")
        self.machine.blocks.update(
            block_of(wanted, self.name, tried, memdev, path) for tried in added.blocks.items()
        )
        if seen is not self.family.devices.get(self.name, {}).get(driver):
            # seen on another machine type alone, which may give memory of another size
            self.unknown += [block for block in added.blocks if PLACE not in block]
        if part.properties.get("romfile"):  # as large as that file is
            self.unknown += [n.replace(PLACE, path) for n in added.blocks if n.endswith(ROM)]
        if base is None:
            return path
        behind = BEHIND.get(self.bridges.get(places.owner(part.properties), ""))
        older = self.family.behind.get(behind or "", {}).get(self.name, {}).get(driver)
        after = self.tried.options.get(driver, {}).get(f"bus={behind}")
        if older is not None:
            self.properties.overlay(added, older, path)
        elif after is not None:
            self.properties.overlay(base, after, path)
        version, broken = self.version, self.msi_broken
        properties = properties_of(driver, kind.bus, part, wanted, version, msi_broken=broken)
        for name, value in properties.items():
            self.properties.change(driver, base, added, name, value, path)
        keys = [key for key in keys if key in self.machine.sections]
        msi = self.msi_broken and any(has_msi(self.machine.sections[key]) for key in keys)
        guessed = self.known.guessed(driver)
        if msi or guessed or untried(part, behind) or self._after_memory(part):
            self.properties.unsure(base, path)
        self._address(msgspec.structs.replace(part, driver=driver), keys)
        if kind.bus == "virtual-css-bus":
            for key in keys:
                self.machine.sections[key] = with_number(self.machine.sections[key], path)
        return path

    def _after_memory(self, part: Part) -> bool:
        """Whether it is memory that is put behind other such: where, goes by all of them (hw/mem/memory-device.c)."""
        memory = [one for one in self.parts if one.driver.startswith(MEMORY)]
        return part in memory[1:] and part.properties != memory[0].properties

    def _ports(self) -> None:
        for path, parts in self.consoles.items():
            key = (f"{path}/virtio-console", 0)
            if key in self.machine.sections:
                state = self.machine.sections[key]
                self.machine.sections[key] = with_ports(state, numbers(parts))

    def _address(self, part: Part, keys: list[tuple[str, int]]) -> None:
        if not self._card(part):
            return
        address = self.addresses.of(part)
        for key in keys if address is not None else ():
            state = self.machine.sections.get(key)
            if state is not None and address is not None:
                self.machine.sections[key] = with_address(state, address)

    def _lineage(self, driver: str) -> frozenset[str]:
        name = self.catalogue.about.aliases.get(driver, driver)
        return lineage(name, self._bus(name))

    # --- places ------------------------------------------------------------------------------------

    def _path(self, part: Part, driver: str, kind: Type, root: str, places: Places) -> str:
        """Where a device is put; empty where that has no name."""
        bus, properties = kind.bus, part.properties
        asked = properties.get("bus", "")
        parent = places.buses.get(asked) or places.buses.get(places.owner(properties), "")
        if bus != PCI or not asked:
            parent = parent or self.hosts.newest(bus)
        next_free = bus == USB and "port" not in properties and driver != HUB
        if next_free and places.last_usb_port(parent):
            self._part(Part(HUB, {"bus": asked} if asked else {}), places)
        path = self._place(part, bus, root, parent, places)
        self.hosts.put(path, parent, bus)
        if driver in EXPANDERS or driver == HOST_BRIDGE:
            self.hosts.root(path)
        if driver in INSIDE:
            places.pci("", path, None)
            self.hosts.put(path + INSIDE[driver], path, bus)
        return path

    def _place(self, part: Part, bus: str, root: str, parent: str, places: Places) -> str:
        if bus == PCI:
            root = self.known.root or root or next(iter(self.known.roots(EXPANDERS)), "0000:00:")
            root = SHORT if SHORT_BUS in self.machine.sections else root
            if part.driver in EXPANDERS:
                root = f"0000:{number_of(part.properties.get('bus_nr', '0')) % 256:02x}:"
            return places.pci(root, parent, part.properties.get("addr"))
        if bus == "virtio-bus":
            return places.transport(part.properties.get("bus", ""))
        if bus == "virtual-css-bus":
            return places.channel(part.properties.get("devno", ""))
        if bus == "spapr-vio-bus":
            return places.register(root, part.properties.get("reg", ""))
        if part.driver == HOST_BRIDGE:
            path = bridge_path(bridge_number(part))
            places.buses[f"pci.{bridge_number(part)}"] = path
            return path
        if bus == USB:
            return places.usb(parent, part.properties)
        return places.scsi(parent, part.properties) if bus == SCSI else ""


MEMORY = ("pc-dimm", "nvdimm", "virtio-mem", "virtio-pmem")
# Buses on which devices of older machine types have no places in their names.
SOME_PLACELESS = ("virtio-bus", "virtual-css-bus")
BLOCKED = re.compile(r"non-migratable device '[^']*/([^'/]+)'")
MIGRATION = "migration"
ROM = ".rom"
# Of pc-i440fx-1.6 alone (hw/i386/pc_piix.c: pc_compat_1_6, short_root_bus).
LONG, SHORT, SHORT_BUS = "0000:00:", "0000:", ("0000:00.0/I440FX", 0)
