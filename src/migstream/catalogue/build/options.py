"""Which properties are tried, and with which values: of machines, of what is built into them, of devices."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from migstream.catalogue.model import Image, Option, State, Type
from migstream.catalogue.values import QUEUED, VALUES
from migstream.errors import QemuError
from migstream.qemu.process import Qemu, Refused

if TYPE_CHECKING:
    from migstream.catalogue.build.snapshot import Bench

__all__ = [
    "BASES",
    "built_in_options",
    "cpu_options",
    "cpu_words",
    "global_words",
    "machine_options",
    "once_each",
    "part_options",
    "started_options",
    "worth",
]

# Values of properties that are no switches, of machines and of devices.
MACHINE_VALUES = {
    "gic-version": ("2", "3", "4", "max"),
    "iommu": ("smmuv3",),
    "ic-mode": ("xics", "xive", "dual"),
    "aia": ("none", "aplic", "aplic-imsic"),
    "aia-guests": ("1", "3"),
    "x-south-bridge": ("piix4-isa",),
    "virt": ("on",),
    "via": ("cuda", "pmu", "pmu-adb"),
    "max-cpu-compat": ("power8", "power9", "power10"),
    "resize-hpt": ("enabled", "disabled", "required"),
    "cap-cfpc": ("broken", "workaround", "fixed"),
    "cap-sbbc": ("broken", "workaround", "fixed"),
    "cap-ibs": ("broken", "workaround", "fixed-ibs", "fixed-ccd", "fixed-na"),
    "cap-hpt-max-page-size": ("64k", "16M"),
}
# Options that put another interrupt controller into a machine: with each of their values every other option is tried, too.
BASES = ("gic-version", "ic-mode", "aia")
NUMBERS = {"int", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "size"}
OPPOSITE = {True: "off", False: "on"}
# Targets of whose CPU models a property that is off by itself can be switched on.
GAINING = ("aarch64", "arm", "riscv32", "riscv64")
DEVICE = re.compile(
    r"^ *dev: ([^,\n]+)", re.MULTILINE
)  # info qtree: system/qdev-monitor.c: qdev_print
MIGRATION = "migration"
IGNORED = {
    *("hotpluggable", "realized", "hotplugged", "dump-guest-core", "mem-merge"),
    *("addr", "acpi-index", "romsize", "migration-safe", "static"),
}
# Switches of virtio devices that are seen in what they save; all others are features, which a reset takes back.
VIRTIO = {
    *(
        "multifunction",
        "disable-legacy",
        "disable-modern",
        "modern-pio-notify",
        "migrate-extra",
        "page-per-vq",
        "ats",
        "aer",
    ),
    *(
        "iommu_platform",
        "mq",
        "rss",
        "hash",
        "discard",
        "write-zeroes",
        "x-disable-pcie",
        "x-pcie-flr-init",
    ),
    *QUEUED,
    *("x-pcie-lnkctl-init", "x-pcie-pm-init", "x-pcie-deverr-init", "emulated-ports", "status"),
}


def part_options(kind: Type) -> Iterator[str]:
    """`property=value` of a device type, each to be tried alone."""
    virtio = kind.bus == "virtio-bus" or any(o.name == "virtio-backend" for o in kind.options)
    for option in kind.options:
        if option.name in VALUES:
            values: Sequence[str] = VALUES[option.name]
        elif option.name not in IGNORED and (not virtio or option.name in VIRTIO):
            values = _switched(option) or _counted(option)
        else:
            continue
        for value in values:
            yield f"{option.name}={value}"


def _counted(option: Option) -> Sequence[str]:
    """Of a number, another one than it is by itself."""
    if option.type not in NUMBERS or not isinstance(option.default, int):
        return ()
    return (str(2 * option.default) if option.default > 0 else "1",)


def _switched(option: Option) -> Sequence[str]:
    if option.type == "bool" or isinstance(option.default, bool):
        known = OPPOSITE.get(option.default) if isinstance(option.default, bool) else None
        return (known,) if known is not None else ("on", "off")
    return ("on", "off") if option.type == "OnOffAuto" else ()


def machine_options(options: Sequence[Option]) -> Iterator[str]:
    """`property=value` of a machine, each to be tried alone."""
    for option in options:
        if option.name not in IGNORED:
            for value in MACHINE_VALUES.get(option.name, _switched(option)):
                yield f"{option.name}={value}"


def built_in_options(bench: Bench, start: Sequence[str]) -> Iterator[str]:
    """`-global type.property=value` of the devices that a machine has by itself."""
    for kind, parts in _built_in(bench, start).items():
        for option in parts:
            # numbers of `migration` are those of a migration that runs
            numbers = () if kind == MIGRATION else _counted(option)
            for value in VALUES.get(option.name, _switched(option) or numbers):
                if option.name not in IGNORED:
                    yield f"-global {kind}.{option.name}={value}"


def global_words(names: Sequence[str]) -> list[str]:
    """What sets these."""
    return [word for name in names for word in name.split()]


def cpu_options(options: Sequence[Option], target: str) -> Iterator[str]:
    """`property=value` of a CPU model."""
    for option in options:
        for value in _switched(option):
            if option.name not in IGNORED and (value == "off" or target in GAINING):
                yield f"{option.name}={value}"


def cpu_words(model: str, names: Sequence[str]) -> list[str]:
    """What gives a CPU these properties."""
    return ["-cpu", ",".join((model, *names))]


def once_each(names: Iterable[str]) -> Iterator[list[str]]:
    """`property=value`s in lists that have no property twice."""
    rounds: list[dict[str, str]] = []
    for name in names:
        key = name.partition("=")[0]
        free = next((one for one in rounds if key not in one), None)
        if free is None:
            rounds.append(free := {})
        free[key] = name
    yield from (list(one.values()) for one in rounds)


def _built_in(bench: Bench, start: Sequence[str]) -> dict[str, tuple[Option, ...]]:
    """Types of the devices that a machine has by itself, and what a stream depends on beside them (`migration`)."""
    with Qemu(bench.command, start) as guest:
        kinds = {MIGRATION, *DEVICE.findall(guest.hmp("info qtree"))}
        return {
            kind: _properties(guest, kind) for kind in sorted(kinds) if not kind.endswith("-cpu")
        }


def started_options(bench: Bench, start: Sequence[str]) -> tuple[Option, ...]:
    """The properties of a machine that runs, for binaries that end when they are asked for those of its type."""
    with Qemu(bench.command, start) as guest:
        rows: list[Any] = guest.execute("qom-list", {"path": "/machine"})
    return tuple(Option(row["name"], row["type"]) for row in rows)


def _properties(guest: Qemu, kind: str) -> tuple[Option, ...]:
    try:
        rows: list[Any] = guest.execute("device-list-properties", {"typename": kind})
    except (Refused, QemuError):
        return ()
    return tuple(Option(r["name"], r["type"], r.get("default-value")) for r in rows)


def worth(image: Image, base: Image, noisy: set[tuple[str, int]], states: Sequence[State]) -> bool:
    """Whether an image differs from another one in more than what differs from run to run.

    Parameters
    ----------
    noisy : sections whose values differ from run to run; what fields they have does not
    states : by number
    """
    return _told(image, noisy, states) != _told(base, noisy, states)


def _told(image: Image, noisy: set[tuple[str, int]], states: Sequence[State]) -> tuple[object, ...]:
    sections = {one for one in image.sections if one.key not in noisy}
    fields = {(one.key, states[one.state].text) for one in image.sections if one.key in noisy}
    return image.head, image.footers, image.switchover, image.blocks, image.live, sections, fields
