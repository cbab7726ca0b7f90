"""What a QEMU of the catalogue would save of the machine that arguments describe.

From the image of its machine type, changed as options change it, and with what each device adds, at the place that QEMU
would give it. What the catalogue cannot tell is an assumption, in words.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from migstream.catalogue.arguments import Part, Wanted, is_on
from migstream.catalogue.changes import Machine
from migstream.catalogue.cpus import add_cpus
from migstream.catalogue.model import PLACE, Added, Image
from migstream.catalogue.places import Places
from migstream.catalogue.written import stream_of
from migstream.errors import Unsupported
from migstream.names import many
from migstream.qemu.release import machine_version

if TYPE_CHECKING:
    from migstream.catalogue.files import Catalogue
    from migstream.catalogue.model import Type

__all__ = ["Composed", "compose"]

# Options that change nothing of what is saved, or only what is beside it.
SILENT_MACHINE = frozenset({
    *("accel", "graphics", "mem-merge", "dump-guest-core", "suppress-vmdesc", "dumpdtb", "memory-backend"),
    *("pflash0", "pflash1", "boot", "smp", "memory", "kernel", "initrd", "append", "firmware", "nvdimm-persistence"),
})  # fmt: skip
SILENT_PART = frozenset({
    *("id", "bus", "addr", "drive", "netdev", "mac", "chardev", "audiodev", "bootindex", "serial"),
    *("scsi-id", "lun", "channel", "iothread", "iobase", "iobase2", "irq", "index", "bmc", "memdev", "rng"),
    *("multifunction", "failover", "failover_pair_id", "romfile", "hotplug"),
    *("write-cache", "physical_block_size", "logical_block_size", "acpi-index", "share-rw", "werror", "rerror"),
    *("device_id", "ver", "model", "product", "vendor", "chassis", "chassis_nr", "name", "unit", "cadaddr"),
})  # fmt: skip
# How many queues a device has by itself: as many as there are CPUs, since this version of a machine type
# (hw/virtio/virtio-blk-pci.c, virtio-scsi-pci.c, vhost-user-*-pci.c).
QUEUES = {"virtio-blk": "num-queues", "virtio-scsi": "num_queues"}
QUEUES_SINCE = (5, 2)
# Families in which a device is looked for that the family of the machine does not have.
OTHERS = ("pc-i440fx", "pc-q35")


class Composed(msgspec.Struct, frozen=True):
    """The stream, the machine type that it is of, and what was assumed for it.

    `places` are the paths of the parts that were wanted, in their order (empty where a part has none), `taken` the
    slots of the root bus that the machine has devices of its own in.
    """

    stream: bytes
    machine: str
    assumptions: tuple[str, ...]
    places: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()


def compose(catalogue: Catalogue, wanted: Wanted) -> Composed:
    """What the binary would save of that machine after reset.

    Raises
    ------
    Unsupported : the catalogue has no machine type of that kind
    """
    return _Composer(catalogue, wanted).run()


class _Composer:
    """One machine, put together."""

    def __init__(self, catalogue: Catalogue, wanted: Wanted) -> None:
        self.catalogue = catalogue
        self.wanted = wanted
        self.assumed: list[str] = []
        self.name = self._machine_type()
        self.family, self.states = catalogue.family(self.name)
        images = self.family.images[self.name]
        self.machine = Machine(self._image(images), self.states)
        self.base = self.family.images[self.family.newest]["tcg"]
        self.addresses = int(
            self.wanted.defaults
        )  # given so far: a machine with defaults has a card
        self.kinds: dict[str, str] = {}
        self.bridges: dict[str, str] = {}

    def run(self) -> Composed:
        wanted = self.wanted
        for name, value in wanted.options.items():
            if name not in SILENT_MACHINE:
                self._changed(f"-machine {name}={_switch(value)}", f"the machine's {name}={value}")
        drivers = {part.driver for part in wanted.parts}
        for driver, name, value in wanted.globals:
            if driver not in drivers:
                self._changed(
                    f"-global {driver}.{name}={_switch(value)}", f"{driver}.{name}={value}"
                )
        self._cpus()
        self._memory()
        taken = self.base.pci if not self.wanted.defaults else self._taken()
        places = Places(taken)
        paths = [self._part(part, places) for part in self._parts()]
        for word in wanted.strange:
            self.assumed.append(f"what {word} does is not known")
        return Composed(
            stream_of(self.machine),
            self.name,
            tuple(dict.fromkeys(self.assumed)),
            tuple(paths[len(paths) - len(wanted.parts) :]),
            taken,
        )

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

    def _taken(self) -> tuple[str, ...]:
        return self.images.get("tcg defaults", self.images["tcg"]).pci

    def _changed(self, what: str, words: str) -> None:
        """An option that was tried on the newest machine type of the family."""
        image = self.family.changed.get(what)
        if image is not None:
            self.machine.change(self.base, image)
        elif what.partition("=")[0] not in self._tried:
            self.assumed.append(f"{words} changes nothing of what is saved")

    @property
    def _tried(self) -> set[str]:
        return {name.partition("=")[0] for name in self.family.changed}

    def _cpus(self) -> None:
        wanted = self.wanted
        model, *features = (wanted.cpu or "").split(",")
        same = not self.family.cpus
        if model in self.family.cpus:
            self.machine.change(self.base, self.family.cpus[model])
        elif model and not same:
            self.assumed.append(f"a CPU {model} saves what the default one saves")
        if features and not same:
            self.assumed.append(
                f"{many(len(features), 'feature')} of the CPU change nothing of what is saved"
            )
        accelerator = self._form().partition(" ")[0]
        one = self.images.get(accelerator, self.images["tcg"])
        two = self.images.get(f"{accelerator} smp=2", self.images.get("tcg smp=2"))
        if wanted.defaults and f"{accelerator} defaults" in self.images:
            self.machine.change(one, self.images[f"{accelerator} defaults"])
        if wanted.max_cpus > 1 and two is not None:
            self.assumed += add_cpus(
                self.machine, one, two, self.states, wanted.cpus, wanted.max_cpus
            )
        elif wanted.cpus > 1:
            self.assumed.append("it starts with one CPU only")

    def _memory(self) -> None:
        wanted, blocks = self.wanted, self.machine.blocks
        name = self.catalogue.index.ram.get(self.name, "")
        backend = wanted.options.get("memory-backend")
        nodes = wanted.nodes or ([backend] if backend else [])
        if nodes and name in blocks:
            del blocks[name]
            blocks.update({node: wanted.backends.get(node, 0) for node in nodes})
        elif wanted.memory is not None and name in blocks:
            blocks[name] = wanted.memory
        elif wanted.memory is not None:
            self.assumed.append("which RAM block is the machine's memory")

    # --- devices -----------------------------------------------------------------------------------

    def _parts(self) -> list[Part]:
        serials = [] if self.wanted.defaults else [Part("isa-serial")] * self.wanted.serials
        known = self.family.devices.get(self.family.newest, {})
        return (serials if "isa-serial" in known else []) + self.wanted.parts

    def _part(self, part: Part, places: Places) -> str:
        """Add a device; its path, empty where it has none."""
        about = self.catalogue.about
        driver = about.aliases.get(part.driver, part.driver)
        kind = about.types.get(driver)
        if kind is None:
            self.assumed.append(f"it has no device type {part.driver}: it would not start with one")
            return ""
        added, base = (
            self._added(driver),
            self.family.devices.get(self.family.newest, {}).get(driver),
        )
        path = self._path(part, kind.bus, "" if added is None else added.root, places)
        if "id" in part.properties:
            places.buses[part.properties["id"]] = path
            self.bridges[part.properties["id"]] = driver
        self.kinds.setdefault(kind.bus, path)
        self.kinds.setdefault(f"type {driver}", path)
        self._provides(driver, path)
        if added is None:
            if kind.bus not in QUIET_BUSES:
                self.assumed.append(f"{driver} saves nothing, or is not in the catalogue")
            return path
        names = {one.key: one.name.replace(PLACE, path) for one in added.sections}
        for one in added.sections:
            self.machine.place(one, names[one.key])
        for block, size in added.blocks.items():
            self.machine.blocks[block.replace(PLACE, path)] = size
        if base is None:
            return path
        keys = [(names[one.key], one.instance) for one in added.sections]
        behind = BEHIND.get(self.bridges.get(part.properties.get("bus", "").partition(".")[0], ""))
        after = self.family.options.get(driver, {}).get(f"bus={behind}")
        if after is not None:
            self._overlay(base, after, path)
        for name, value in self._properties(driver, part).items():
            self._property(driver, base, name, value, path)
        self._address(part, kind, keys)
        return path

    def _address(self, part: Part, kind: Type, keys: list[tuple[str, int]]) -> None:
        """The network address that it has: as it was asked for, else the next one (net/net.c: qemu_macaddr_default_if_unset).

        PCI Express has it as a serial number.
        """
        if not any(option.name == "mac" for option in kind.options):
            return
        try:
            address = bytes.fromhex(part.properties["mac"].replace(":", ""))
        except (KeyError, ValueError):
            address = FIRST + bytes([(0x56 + self.addresses) % 256])
            self.addresses += 1
        if len(address) != len(FIRST) + 1:
            return
        for key in keys:
            state = self.machine.sections.get(key)
            if state is not None:
                raw = PLAIN.sub(
                    lambda _: address, SERIAL.sub(partial(_serial, address), state.payload)
                )
                self.machine.sections[key] = msgspec.structs.replace(state, payload=raw)

    def _added(self, driver: str) -> Added | None:
        devices = self.family.devices
        for machine in (self.name, self.family.newest):
            found = devices.get(machine, {}).get(driver)
            if found is not None:
                return found
        return None

    def _properties(self, driver: str, part: Part) -> dict[str, str]:
        found = {name: value for who, name, value in self.wanted.globals if who == driver}
        found |= part.properties
        _, version = machine_version(self.name)
        for stem, name in QUEUES.items():
            if driver.startswith(stem) and self.wanted.cpus > 1 and (version or ()) >= QUEUES_SINCE:
                found.setdefault(name, str(self.wanted.cpus))
        return found

    def _property(self, driver: str, base: Added, name: str, value: str, path: str) -> None:
        options = self.family.options.get(driver, {})
        if name in NUMBERS:
            number = _number(value)
            for bit in range(8):
                after = options.get(f"{name}={1 << bit}")
                if number & 1 << bit and after is not None:
                    self._overlay(base, after, path)
            return
        after = options.get(f"{name}={_switch(value)}")
        if after is not None:
            self._overlay(base, after, path)
        elif name not in SILENT_PART and any(key.startswith(f"{name}=") for key in options):
            default = is_on(value)
            if default is None:
                self._between(driver, base, name, value, path)
        elif name not in SILENT_PART and is_on(value) is None:
            self.assumed.append(f"{driver}'s {name}={value} changes nothing of what is saved")

    def _between(self, driver: str, base: Added, name: str, value: str, path: str) -> None:
        """A value that was not tried: RAM blocks grow with it where they did so with those that were."""
        tried = {
            int(key.partition("=")[2]): added
            for key, added in self.family.options[driver].items()
            if key.startswith(f"{name}=") and key.partition("=")[2].isdecimal()
        }
        if not value.isdecimal() or not tried:
            self.assumed.append(f"{driver}'s {name}={value} changes nothing of what is saved")
            return
        number = int(value)
        default = self._default(driver, name)
        if number == default:
            return
        nearest = min(tried, key=lambda one: abs(one - number))
        self._overlay(base, tried[nearest], path)
        for block, size in tried[nearest].blocks.items():
            if base.blocks.get(block) != size and nearest:
                self.machine.blocks[block.replace(PLACE, path)] = size // nearest * number
        self.assumed.append(f"{driver}'s {name}={value} acts as {name}={nearest} does")

    def _default(self, driver: str, name: str) -> object:
        options = self.catalogue.about.types[driver].options
        return next((one.default for one in options if one.name == name), None)

    def _overlay(self, base: Added, after: Added, path: str) -> None:
        moved = [
            [
                msgspec.structs.replace(one, name=one.name.replace(PLACE, path))
                for one in side.sections
            ]
            for side in (base, after)
        ]
        self.machine.change_sections(*moved)
        for block in base.blocks.keys() - after.blocks.keys():
            self.machine.blocks.pop(block.replace(PLACE, path), None)
        for block, size in after.blocks.items():
            if base.blocks.get(block) != size:
                self.machine.blocks[block.replace(PLACE, path)] = size

    # --- places ------------------------------------------------------------------------------------

    def _path(self, part: Part, bus: str, root: str, places: Places) -> str:
        asked = part.properties.get("bus", "").partition(".")[0]
        parent = places.buses.get(asked, "")
        if bus == "PCI":
            root = root or next(iter(self._roots()), "0000:00:")
            return places.pci(root, parent, part.properties.get("addr"))
        if bus == "usb-bus":
            return places.usb(parent or self.kinds.get("host usb-bus", ""), part.properties)
        if bus == "SCSI":
            return places.scsi(parent or self.kinds.get("host SCSI", ""), part.properties)
        return ""

    def _roots(self) -> set[str]:
        added = self.family.devices.get(self.family.newest, {})
        return {one.root for one in added.values() if one.root}

    def _provides(self, driver: str, path: str) -> None:
        """The first device with a bus of each kind is where others go that name none."""
        for bus, words in PROVIDERS.items():
            if any(word in driver for word in words):
                self.kinds.setdefault(f"host {bus}", path)


# Bridges by the one that was tried: a device behind it has other capabilities than one on the root bus.
BEHIND = {
    "pcie-root-port": "pcie-root-port",
    "ioh3420": "pcie-root-port",
    "xio3130-downstream": "pcie-root-port",
    "pci-bridge": "pci-bridge",
    "pcie-pci-bridge": "pci-bridge",
    "i82801b11-bridge": "pci-bridge",
}
NUMBERS = ("port", "slot")  # that a register holds as they are, bit by bit
FIRST = bytes.fromhex(
    "5254001234"
)  # of the addresses that a QEMU gives by itself, all but the last byte
PLAIN = re.compile(re.escape(FIRST) + b".", re.DOTALL)
SERIAL = re.compile(
    b"." + re.escape(FIRST[:2:-1]) + b"([\xfe\xff]\xff)" + re.escape(FIRST[2::-1]), re.DOTALL
)
QUIET_BUSES = frozenset({
    *("IDE", "floppy-bus", "virtio-serial-bus", "ccid-bus", "nvme-bus", "sd-bus", "i2c-bus", "SCSI"),
})  # fmt: skip
PROVIDERS = {
    "usb-bus": ("uhci", "ohci", "ehci", "xhci"),
    "SCSI": ("virtio-scsi", "lsi", "megasas", "mptsas", "pvscsi", "am53c974", "dc390"),
}


def _serial(address: bytes, found: re.Match[bytes]) -> bytes:
    return address[:2:-1] + found[1] + address[2::-1]


def _number(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        return 0


def _switch(value: str) -> str:
    """A switch's value as it was tried."""
    known = is_on(value)
    return value if known is None else ("off", "on")[known]
