"""A QEMU's arguments, read as far as they say what machine it would have.

Backends of this host (-netdev, -blockdev, -chardev …) change no state; what is not understood is kept, to be said.
References: QEMU, system/vl.c: qemu_init; system/qdev-monitor.c: qdev_device_add; util/keyval.c (`,,` is a comma).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec

__all__ = ["FLOPPY", "Drive", "Part", "Wanted", "is_on", "number_of", "parse_arguments", "size_of"]

# Options with a value that change nothing of what a machine saves.
SILENT = frozenset({
    *("blockdev", "chardev", "audiodev", "display", "vnc", "spice", "name", "uuid", "monitor", "qmp"),
    *("qmp-pretty", "mon", "boot", "rtc", "incoming", "D", "d", "pidfile", "L", "k", "msg", "trace", "sandbox"),
    *("runas", "chroot", "tpmdev", "fsdev", "secret", "watchdog-action", "action", "icount", "add-fd", "set"),
    *("seed", "overcommit", "compat", "run-with", "smbios", "acpitable", "kernel", "initrd", "append", "dtb"),
    *("fw_cfg", "object", "readconfig", "gdb", "option-rom", "sd", "mtdblock"),
    *("iscsi", "prom-env", "plugin"),
})  # fmt: skip
SWITCHES = frozenset({
    *("S", "no-user-config", "no-reboot", "no-shutdown", "daemonize", "nographic", "snapshot", "s"),
    *("enable-sync-profile", "no-fd-bootchk", "full-screen"),
})  # fmt: skip
VGA = {
    "std": "VGA",
    "cirrus": "cirrus-vga",
    "qxl": "qxl-vga",
    "vmware": "vmware-svga",
    "virtio": "virtio-vga",
}
# Devices that stand for the default ones of their sort (system/vl.c: default_list).
INSTEAD = {
    "card": (
        "VGA",
        "isa-vga",
        "cirrus-vga",
        "isa-cirrus-vga",
        "vmware-svga",
        "qxl-vga",
        "ati-vga",
        "virtio-vga",
        "virtio-vga-gl",
        "vhost-user-vga",
    ),
    "serial": ("isa-serial",),
    "parallel": ("isa-parallel",),
    "cdrom": ("ide-cd", "ide-hd", "scsi-cd", "scsi-hd"),
}
KEPT = ("mac", "vectors")  # of what is said of a network card
FLOPPY = "floppy"
CDROM = 2  # which of the drives -cdrom is (system/vl.c: CDROM_OPTS)
MOST_SLOTS = 256  # hw/mem/memory-device.c, include/hw/acpi/acpi.h: ACPI_MAX_RAM_SLOTS
UNITS = {"": 20, "B": 0, "K": 10, "M": 20, "G": 30, "T": 40}
SIZE = re.compile(r"(\d+)([BKMGT]?)(?:i?B)?", re.IGNORECASE)
DIGITS = 20
FOLLOWS = "vram64_size_mb"  # hw/display/qxl.c: qxl_init_ramsize
# Properties in bytes that there are in MiB as well: the old names of QXL's.
RENAMED = {"ram_size": ("ram_size_mb", 20), "vram_size": ("vram_size_mb", 20)}
ON = frozenset({"on", "true", "yes", "y"})
OFF = frozenset({"off", "false", "no", "n"})


class Part(msgspec.Struct, frozen=True):
    """One `-device`: its type, and its properties as they were written; whether as JSON, which QEMU makes last."""

    driver: str
    properties: dict[str, str] = {}
    late: bool = False


class Drive(msgspec.Struct, frozen=True):
    """One `-drive`: what it is to be on (nothing: as the board has it), which of those it is, whether a CD."""

    interface: str = ""
    index: int | None = None
    cd: bool = False


class Backend(msgspec.Struct, frozen=True):
    """Memory of the host: the type of its object, and its bytes."""

    kind: str
    size: int


class Wanted(msgspec.Struct, kw_only=True):
    """The machine that arguments describe; None, or empty, is what a QEMU does by itself.

    `memory` is in bytes, `slots` are those for more of it, `globals` are (driver, property, value), `backends` are
    objects of memory by their ids; `parts` are devices in the order of their words, `video` (empty where there is to be
    none) and `cards` those that the machine makes before them, one without a type the network card that it has by itself.
    `drives` and `sounds` are for devices that come behind, and before, those of `-device`. `instead` are sorts of default
    devices that it does not get, `slirps` networks of users. `strange` are words that were not understood.
    """

    machine: str | None = None
    options: dict[str, str] = {}
    accelerator: str | None = None
    irqchip: str | None = None
    cpu: str | None = None
    cpus: int = 1
    max_cpus: int = 1
    memory: int | None = None
    slots: int = 0
    defaults: bool = True
    serials: int = 0
    parallels: int = 0
    instead: set[str] = set()
    slirps: int = 0
    video: str | None = None
    cards: list[Part] = []
    drives: list[Drive] = []
    sounds: list[str] = []
    parts: list[Part] = []
    globals: list[tuple[str, str, str]] = []
    backends: dict[str, Backend] = {}
    nodes: list[str] = []
    strange: list[str] = []


def is_on(value: str) -> bool | None:
    """What a switch's value means; None where it is none."""
    return True if value in ON else False if value in OFF else None


def number_of(text: str) -> int:
    """The number that a value is, decimal or 0x...; 0 where it is none."""
    try:
        return int(text, 0)
    except ValueError:
        return 0


def parse_arguments(words: Sequence[str]) -> Wanted:
    """The machine that these arguments describe."""
    wanted = Wanted()
    left = list(words)
    while left:
        word = left.pop(0)
        name = word.lstrip("-") if word.startswith("-") else ""
        read = READERS.get(name)
        if name in SWITCHES:
            continue
        if name in ALONE:
            ALONE[name](wanted)
        elif read is not None and left:
            read(wanted, left.pop(0))
        elif name in SILENT and left:
            left.pop(0)
        else:
            wanted.strange.append(word)
    return wanted


def _pairs(text: str, first: str) -> dict[str, str]:
    """`value,key=value,…`; a word without `=` is a switch that is on, the first one is `first`'s value."""
    found: dict[str, str] = {}
    for number, word in enumerate(text.replace(",,", "\0").split(",")):
        key, equals, value = word.replace("\0", ",").partition("=")
        if not equals and number == 0:
            key, value = first, key
        elif not equals:
            value = "on"
        found[key] = value
    return found


def size_of(text: str) -> int | None:
    """A size of memory in bytes; a plain number is MiB."""
    found = SIZE.fullmatch(text)
    return None if found is None else int(found[1]) << UNITS[found[2].upper()]


def _machine(wanted: Wanted, text: str) -> None:
    pairs = _pairs(text, "type")
    wanted.machine = pairs.pop("type", wanted.machine)
    for key, value in pairs.items():
        name = key.replace("_", "-")
        if name == "accel":
            wanted.accelerator = value.partition(":")[0]
        elif name == "kernel-irqchip":
            wanted.irqchip = value
        else:
            wanted.options[key if key == name else name] = value


def _accelerator(wanted: Wanted, text: str) -> None:
    pairs = _pairs(text, "accel")
    if wanted.accelerator is None:
        wanted.accelerator = pairs.pop("accel", None)
    wanted.irqchip = pairs.get("kernel-irqchip", pairs.get("kernel_irqchip", wanted.irqchip))


def _cpus(wanted: Wanted, text: str) -> None:
    pairs = {k: int(v) for k, v in _pairs(text, "cpus").items() if v.isdecimal() and len(v) < 6}
    parts = 1
    for key in ("sockets", "dies", "clusters", "modules", "cores", "threads"):
        parts *= pairs.get(key, 1)
    most = pairs.get("maxcpus", 0)
    wanted.cpus = max(1, pairs.get("cpus", most or parts))
    wanted.max_cpus = max(wanted.cpus, most)


def _memory(wanted: Wanted, text: str) -> None:
    pairs = _pairs(text, "size")
    wanted.memory = size_of(pairs.get("size", "")) or wanted.memory
    slots = pairs.get("slots", "")
    wanted.slots = min(int(slots), MOST_SLOTS) if slots.isdecimal() else wanted.slots


def _device(wanted: Wanted, text: str) -> None:
    pairs = _table(text, "driver")
    if pairs is None:
        wanted.strange.append(text)
        return
    for name, (other, shift) in RENAMED.items():
        value = pairs.pop(name, "")
        if value.isdecimal() and len(value) < DIGITS:
            pairs[other] = str(int(value) >> shift)
    if pairs.get(FOLLOWS) == "0":  # it follows another one then, as by itself
        del pairs[FOLLOWS]
    part = Part(pairs.pop("driver", ""), pairs, text.startswith("{"))
    wanted.parts.append(part)
    _stands_for(wanted, part.driver)


def _stands_for(wanted: Wanted, driver: str) -> None:
    """A type that is named, be it for a property, comes instead of a default device (system/vl.c: default_driver_check)."""
    wanted.instead |= {sort for sort, drivers in INSTEAD.items() if driver in drivers}


def _table(text: str, first: str) -> dict[str, str] | None:
    """Pairs, written as JSON or not; None where it is JSON and broken."""
    if not text.startswith("{"):
        return _pairs(text, first)
    try:
        table: dict[str, Any] = msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        return None
    return {key: _written(value) for key, value in table.items()}


def _written(value: Any) -> str:
    return ("off", "on")[value] if isinstance(value, bool) else str(value)


def _global(wanted: Wanted, text: str) -> None:
    if "." in text.partition("=")[0]:
        path, _, value = text.partition("=")
        driver, _, name = path.partition(".")
    else:
        pairs = _pairs(text, "driver")
        driver, name, value = (pairs.get(key, "") for key in ("driver", "property", "value"))
    wanted.globals.append((driver, name, value))
    _stands_for(wanted, driver)


def _object(wanted: Wanted, text: str) -> None:
    pairs = _table(text, "qom-type") or {}
    size = size_of(pairs.get("size", ""))
    if size is not None and text.startswith("{"):
        size >>= 20  # a number in JSON is bytes
    kind = pairs.get("qom-type", "")
    if kind.startswith("memory-backend-") and size is not None:
        wanted.backends[pairs.get("id", "")] = Backend(kind, size)


def _numa(wanted: Wanted, text: str) -> None:
    backend = _pairs(text, "type").get("memdev")
    if backend is not None:
        wanted.nodes.append(backend)


def _drive(wanted: Wanted, text: str) -> None:
    pairs = _pairs(text, "file")
    if pairs.get("if") == "pflash":
        _flash(wanted, text)
        return
    index = pairs.get("index", pairs.get("unit", ""))
    number = int(index) if index.isdecimal() and len(index) < DIGITS else None
    wanted.drives.append(Drive(pairs.get("if", ""), number, pairs.get("media") == "cdrom"))


def _cdrom(wanted: Wanted, _: str) -> None:
    wanted.instead.add("cdrom")
    wanted.drives.append(Drive(index=CDROM, cd=True))


def _disk(number: int, wanted: Wanted, _: str) -> None:
    wanted.drives.append(Drive(index=number))


def _floppy(wanted: Wanted, _: str) -> None:
    wanted.drives.append(Drive(FLOPPY))


def _virtfs(wanted: Wanted, _: str) -> None:
    """A backend, and a device in its place among the others."""
    wanted.parts.append(Part("virtio-9p-pci"))


def _audio(wanted: Wanted, text: str) -> None:
    model = _pairs(text, "driver").get("model")
    wanted.sounds += [] if model is None else [model]


def _soundhw(wanted: Wanted, text: str) -> None:
    """The older way."""
    wanted.sounds += text.split(",")


def _flash(wanted: Wanted, text: str) -> None:
    """The older way to say pflash0, and then pflash1."""
    wanted.options["pflash1" if "pflash0" in wanted.options else "pflash0"] = text


def _firmware(wanted: Wanted, text: str) -> None:
    wanted.options["firmware"] = text


def _vga(wanted: Wanted, text: str) -> None:
    wanted.instead.add("card")
    wanted.video = VGA.get(text, "")
    if text not in (*VGA, "none"):
        wanted.strange.append(f"-vga {text}")


def _netdev(wanted: Wanted, text: str) -> None:
    wanted.instead.add("network")
    wanted.slirps += (_table(text, "type") or {}).get("type") == "user"


def _nic(wanted: Wanted, text: str) -> None:
    """A card of the board, and its network; it has no MSI-X (net/net.c: net_param_nic)."""
    _netdev(wanted, text)
    pairs = _pairs(text, "type")
    if pairs.get("type") != "none":
        _card(wanted, {"vectors": "0"} | pairs)


def _net(wanted: Wanted, text: str) -> None:
    """The older way: the card and the network one by one."""
    _netdev(wanted, text)
    pairs = _pairs(text, "type")
    if pairs.get("type") == "nic":
        _card(wanted, pairs)


def _card(wanted: Wanted, pairs: dict[str, str]) -> None:
    model = pairs.get("model", "")
    kept = {name: value for name, value in pairs.items() if name in KEPT}
    wanted.cards.append(Part({"virtio": "virtio-net"}.get(model, model), kept))


def _cpu(wanted: Wanted, text: str) -> None:
    wanted.cpu = text


def _serial(wanted: Wanted, text: str) -> None:
    wanted.instead.add("serial")
    wanted.serials += text != "none"


def _parallel(wanted: Wanted, text: str) -> None:
    wanted.instead.add("parallel")
    wanted.parallels += text != "none"


def _kvm(wanted: Wanted) -> None:
    wanted.accelerator = "kvm"


def _bare(wanted: Wanted) -> None:
    wanted.defaults = False


def _usb(wanted: Wanted) -> None:
    wanted.options["usb"] = "on"


def _no_hpet(wanted: Wanted) -> None:
    wanted.options["hpet"] = "off"


def _no_acpi(wanted: Wanted) -> None:
    wanted.options["acpi"] = "off"


READERS: dict[str, Callable[[Wanted, str], None]] = {
    "M": _machine,
    "machine": _machine,
    "accel": _accelerator,
    "smp": _cpus,
    "m": _memory,
    "device": _device,
    "global": _global,
    "object": _object,
    "numa": _numa,
    "drive": _drive,
    "cdrom": _cdrom,
    "fda": _floppy,
    "fdb": _floppy,
    **{f"hd{letter}": partial(_disk, number) for number, letter in enumerate("abcd")},
    "virtfs": _virtfs,
    "audio": _audio,
    "soundhw": _soundhw,
    "vga": _vga,
    "cpu": _cpu,
    "pflash": _flash,
    "bios": _firmware,
    "serial": _serial,
    "parallel": _parallel,
    "netdev": _netdev,
    "nic": _nic,
    "net": _net,
}
ALONE = {
    "enable-kvm": _kvm,
    "nodefaults": _bare,
    "usb": _usb,
    "no-hpet": _no_hpet,
    "no-acpi": _no_acpi,
}
