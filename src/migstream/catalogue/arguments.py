"""A QEMU's arguments, read as far as they say what machine it would have.

Backends of this host (-netdev, -blockdev, -chardev …) change no state; what is not understood is kept, to be said.
References: QEMU, system/vl.c: qemu_init; system/qdev-monitor.c: qdev_device_add; util/keyval.c (`,,` is a comma).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

__all__ = ["Part", "Wanted", "is_on", "parse_arguments", "size_of"]

# Options with a value that change nothing of what a machine saves.
SILENT = frozenset({
    *("netdev", "blockdev", "chardev", "audiodev", "display", "vnc", "spice", "name", "uuid", "monitor", "qmp"),
    *("qmp-pretty", "mon", "boot", "rtc", "incoming", "D", "d", "pidfile", "L", "k", "msg", "trace", "sandbox"),
    *("runas", "chroot", "tpmdev", "fsdev", "secret", "watchdog-action", "action", "icount", "add-fd", "set"),
    *("seed", "overcommit", "compat", "run-with", "smbios", "acpitable", "kernel", "initrd", "append", "dtb"),
    *("fw_cfg", "bios", "object", "readconfig", "gdb", "option-rom", "nic", "net"),
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
UNITS = {"": 20, "B": 0, "K": 10, "M": 20, "G": 30, "T": 40}
SIZE = re.compile(r"(\d+)([BKMGT]?)(?:i?B)?", re.IGNORECASE)
ON = frozenset({"on", "true", "yes", "y"})
OFF = frozenset({"off", "false", "no", "n"})


class Part(msgspec.Struct, frozen=True):
    """One `-device`: its type, and its properties as they were written."""

    driver: str
    properties: dict[str, str] = {}


class Wanted(msgspec.Struct, kw_only=True):
    """The machine that arguments describe; None, or empty, is what a QEMU does by itself.

    `memory` is in bytes, `globals` are (driver, property, value), `backends` are bytes of memory by the id of
    its object, `strange` are words that were not understood.
    """

    machine: str | None = None
    options: dict[str, str] = {}
    accelerator: str | None = None
    irqchip: str | None = None
    cpu: str | None = None
    cpus: int = 1
    max_cpus: int = 1
    memory: int | None = None
    defaults: bool = True
    serials: int = 0
    parts: list[Part] = []
    globals: list[tuple[str, str, str]] = []
    backends: dict[str, int] = {}
    nodes: list[str] = []
    strange: list[str] = []


def is_on(value: str) -> bool | None:
    """What a switch's value means; None where it is none."""
    return True if value in ON else False if value in OFF else None


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
    wanted.memory = size_of(_pairs(text, "size").get("size", ""))


def _device(wanted: Wanted, text: str) -> None:
    if text.startswith("{"):
        try:
            table: dict[str, Any] = msgspec.json.decode(text, type=dict[str, Any])
        except msgspec.DecodeError:
            wanted.strange.append(text)
            return
        pairs = {key: _written(value) for key, value in table.items()}
    else:
        pairs = _pairs(text, "driver")
    wanted.parts.append(Part(pairs.pop("driver", ""), pairs))


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


def _object(wanted: Wanted, text: str) -> None:
    pairs = _pairs(text, "qom-type")
    size = size_of(pairs.get("size", ""))
    if pairs.get("qom-type", "").startswith("memory-backend-") and size is not None:
        wanted.backends[pairs.get("id", "")] = size


def _numa(wanted: Wanted, text: str) -> None:
    backend = _pairs(text, "type").get("memdev")
    if backend is not None:
        wanted.nodes.append(backend)


def _drive(wanted: Wanted, text: str) -> None:
    if _pairs(text, "file").get("if") == "virtio":
        wanted.parts.append(Part("virtio-blk-pci"))


def _vga(wanted: Wanted, text: str) -> None:
    if text in VGA:
        wanted.parts.insert(0, Part(VGA[text]))


def _cpu(wanted: Wanted, text: str) -> None:
    wanted.cpu = text


def _serial(wanted: Wanted, text: str) -> None:
    wanted.serials += text != "none"


def _kvm(wanted: Wanted) -> None:
    wanted.accelerator = "kvm"


def _bare(wanted: Wanted) -> None:
    wanted.defaults = False


def _usb(wanted: Wanted) -> None:
    wanted.options["usb"] = "on"


READERS = {
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
    "vga": _vga,
    "cpu": _cpu,
    "serial": _serial,
}
ALONE = {"enable-kvm": _kvm, "nodefaults": _bare, "usb": _usb}
