"""What plain numbers are called: bits and enumerations, by VMState and field. One line each.

A value has three representations: the number as it is, its symbol, and a description where the
symbol does not say enough. `Value.text` reads these tables: one for each VMState of a device, or type of a
blob, in a module for each family, which is imported when such a device is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING

from migstream.plugins import Registry
from migstream.vmstate.meaning.symbols.model import Bits, Symbol, Symbols, Table

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["SYMBOLS", "Symbol", "name_around", "names_of_bits", "symbol"]

_HERE = "migstream.vmstate.meaning.symbols"
_FAMILIES = {
    "virtio": ("VIRTIO", ("virtio",)),
    "virtio_devices": (
        "NET",
        (
            "virtio-net", "virtio-blk:BLK", "vhost-user-blk:BLK", "virtio-balloon:BALLOON", "virtio-gpu:GPU",
            "virtio-input:INPUT", "virtio-iommu:IOMMU", "virtio-mem:MEM", "virtio-mem-device-early:EARLY",
            "virtio-crypto:CRYPTO", "virtio-vhost_vsock:VSOCK",
        ),
    ),
    "pci": ("CONFIG", ("pci config", "msix state:MSIX")),
    "run": ("GLOBALSTATE", ("globalstate", "cpu_common:CPU_COMMON", "kvmclock:KVMCLOCK")),
    "cpus": ("CPU", ("cpu",)),
    "apic": ("APIC", ("apic", "ioapic:IOAPIC")),
    "isa": (
        "SERIAL",
        (
            "serial", "serial-isa", "pci-serial", "pckbd:PCKBD", "port92:PORT92", "i8254:I8254", "i8259:I8259",
            "mc146818rtc:RTC", "hpet:HPET", "fdc:FDC", "dma:DMA", "ps2kbd:PS2", "ps2mouse:PS2",
        ),
    ),
    "boards": (
        "PM",
        (
            "piix4_pm", "ICH9LPC", "ide:IDE", "isa-ide:IDE", "ich9_ahci:AHCI", "sysbus-ahci:AHCI", "vga:VGA",
            "cirrus_vga:VGA", "sd-card:SD", "pl011:PL011", "pl031:PL031", "goldfish_rtc:GOLDFISH_RTC",
        ),
    ),
    "usb": ("UHCI", ("uhci", "xhci:XHCI", "ehci-core:EHCI", "ehci:EHCI", "ehci-sysbus:EHCI",
                     "usb-kbd:DEVICE", "usb-ptr:DEVICE", "usb-hub:DEVICE", "usb-storage:DEVICE")),
}  # fmt: skip


def _targets() -> dict[str, str]:
    """Where the table of each name is: `name` has its family's first table, `name:TABLE` another one."""
    found = {}
    for module, (first, names) in _FAMILIES.items():
        for one in names:
            name, _, table = one.partition(":")
            found[name] = f"{_HERE}.{module}:{table or first}"
    return found


SYMBOLS: Registry[Table] = Registry("migstream.symbols", _targets())
_INDEX = re.compile(r"\[\d+\]")


def symbol(value: Value) -> Symbol | None:
    """What a single value is called, None where no table knows it."""
    if value.wire.kind == "timer":
        from migstream.vmstate.meaning.symbols.timers import timer

        return timer(value)
    known = _symbols(value)
    if known is None:
        return None
    return known(value.value if value.kind == "leaf" else None, value)


def name_around(value: Value) -> str:
    """What the innermost struct that has a name, and in which a value stands, is called; else empty.

    That is an element of an array: `transmitq1` of what stands in `queues[1]`.
    """
    above = value.above
    while above is not None:
        if above.kind == "struct" and above.symbol:
            return above.symbol
        above = above.above
    return ""


def names_of_bits(value: Value) -> Callable[[int], str] | None:
    """What each bit of a value is called, by its number; None of a value whose bits have no names."""
    known = _symbols(value) if value.device.meaning else None
    return (lambda bit: known.name(bit, value)) if isinstance(known, Bits) else None


def _symbols(value: Value) -> Symbols | None:
    """What the tables have for a value: by the device's VMState, else by the blob it stands in."""
    root = value.device
    known = _known(root.vmsd, value.path[len(root.path) + 1 :])
    if known is not None:
        return known
    blob = value.above
    while blob is not None and not (blob.kind == "leaf" and _table(blob.type)):
        blob = blob.above
    return None if blob is None else _known(blob.type, value.path[len(blob.path) + 1 :])


@lru_cache(maxsize=1024)
def _table(kind: str) -> Table | None:
    return SYMBOLS.find(kind) if kind else None


@lru_cache(maxsize=4096)
def _known(kind: str, path: str) -> Symbols | None:
    """As it stands, without indices, by its own name alone, by a pattern."""
    table = _table(kind)
    if table is None:
        return None
    plain = _INDEX.sub("", path)
    for one in (path, plain, f"*/{plain.rpartition('/')[2]}"):
        if one in table:
            return table[one]
    # one that is nothing but `*/name` was looked up
    return next((s for p, s in table.items() if "*" in p[1:] and fnmatchcase(plain, p)), None)
