"""Which properties are tried, and with which values: of machines, of what is built into them, of devices."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from migstream.catalogue.model import Image, Option, Type
from migstream.catalogue.values import VALUES
from migstream.errors import QemuError
from migstream.qemu.process import Qemu, Refused

if TYPE_CHECKING:
    from migstream.catalogue.build.snapshot import Bench

__all__ = ["machine_words", "part_options", "worth"]

# Values of properties that are no switches, of machines and of devices.
MACHINE_VALUES = {
    "gic-version": ("2", "3", "4", "max"),
    "iommu": ("smmuv3",),
    "ic-mode": ("xics", "xive", "dual"),
    "aia": ("none", "aplic", "aplic-imsic"),
    "x-south-bridge": ("piix4-isa",),
    "virt": ("on",),
}
NUMBERS = {"int", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "size"}
OPPOSITE = {True: "off", False: "on"}
DEVICE = re.compile(
    r"^ *dev: ([^,\n]+)", re.MULTILINE
)  # info qtree: system/qdev-monitor.c: qdev_print
IGNORED = {"hotpluggable", "realized", "hotplugged", "dump-guest-core", "mem-merge"}
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
    *("x-pcie-lnkctl-init", "x-pcie-pm-init", "x-pcie-deverr-init", "emulated-ports", "status"),
}


def part_options(kind: Type) -> Iterator[str]:
    """`property=value` of a device type, each to be tried alone."""
    virtio = any(option.name == "virtio-backend" for option in kind.options)
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


def machine_words(
    bench: Bench, start: Sequence[str], machine: str, options: Sequence[Option]
) -> Iterator[tuple[str, list[str]]]:
    """What is added to a machine's command line, by what it is called."""
    for option in options:
        for value in MACHINE_VALUES.get(option.name, _switched(option)):
            if option.name not in IGNORED:
                name = f"{option.name}={value}"
                yield f"-machine {name}", ["-M", f"{machine},{name}"]
    for kind, parts in _built_in(bench, start).items():
        for option in parts:
            for value in VALUES.get(option.name, _switched(option)):
                if option.name not in IGNORED:
                    name = f"{kind}.{option.name}={value}"
                    yield f"-global {name}", ["-global", name]


def _built_in(bench: Bench, start: Sequence[str]) -> dict[str, tuple[Option, ...]]:
    """Types of the devices that a machine has by itself, and what a stream depends on beside them (`migration`)."""
    with Qemu(bench.command, start) as guest:
        kinds = {"migration", *DEVICE.findall(guest.hmp("info qtree"))}
        return {
            kind: _properties(guest, kind) for kind in sorted(kinds) if not kind.endswith("-cpu")
        }


def _properties(guest: Qemu, kind: str) -> tuple[Option, ...]:
    try:
        rows: list[Any] = guest.execute("device-list-properties", {"typename": kind})
    except (Refused, QemuError):
        return ()
    return tuple(Option(r["name"], r["type"], r.get("default-value")) for r in rows)


def worth(image: Image, base: Image, noisy: set[tuple[str, int]]) -> bool:
    """Whether an image differs from another one in more than what differs from run to run."""
    return _told(image, noisy) != _told(base, noisy)


def _told(image: Image, noisy: set[tuple[str, int]]) -> tuple[object, ...]:
    sections = {one for one in image.sections if one.key not in noisy}
    return image.head, image.footers, image.switchover, image.blocks, image.live, sections
