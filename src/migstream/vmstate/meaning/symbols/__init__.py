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
from migstream.vmstate.meaning.cpus import CPU, family
from migstream.vmstate.meaning.symbols.model import Bits, Symbol, Symbols, Table, top

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["SYMBOLS", "Symbol", "names_of_bits", "symbol"]

_HERE = "migstream.vmstate.meaning.symbols"
_FAMILIES = {
    "virtio": ("VIRTIO", ("virtio", "virtio-net:NET")),
    "pci": ("CONFIG", ("pci config", "msix state:MSIX")),
    "run": ("GLOBALSTATE", ("globalstate", "cpu_common:CPU_COMMON", "kvmclock:KVMCLOCK")),
    # of CPUs, whose VMStates are all called so: the architecture is behind it
    "x86": ("CPU", ("cpu i386",)),
    "arm": ("CPU", ("cpu arm",)),
    "riscv": ("CPU", ("cpu riscv", "riscv_sifive_plic:PLIC")),
    "ppc": ("CPU", ("cpu ppc", "icp/server:ICP", "ics:ICS")),
    "s390x": ("CPU", ("cpu s390x", "todclock:TOD")),
    "others": (
        "LOONGARCH",
        ("cpu loongarch64", "cpu mips:MIPS", "cpu sparc:SPARC", "cpu m68k:M68K"),
    ),
    "gic": ("GIC", ("arm_gic", "arm_gicv3:GICV3", "arm_gicv3_its:ITS", "armv7m_nvic:NVIC")),
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
    return None if known is None else known(value.value, value)


def names_of_bits(value: Value) -> Callable[[int], str] | None:
    """What each bit of a value is called, by its number; None of a value whose bits have no names."""
    known = _symbols(value) if value.device.meaning else None
    return (lambda bit: known.name(bit, value)) if isinstance(known, Bits) else None


def _symbols(value: Value) -> Symbols | None:
    """What the tables have for a value: by the device's VMState, else by the blob it stands in."""
    root = value.device
    # a section that nothing describes has no VMState
    kind = _cpu(value) if root.vmsd == CPU else root.vmsd or root.device
    known = _known(kind, value.path[len(root.path) + 1 :])
    if known is not None:
        return known
    blob = value.above
    while blob is not None and not (blob.kind == "leaf" and _table(blob.type)):
        blob = blob.above
    return None if blob is None else _known(blob.type, value.path[len(blob.path) + 1 :])


def _cpu(value: Value) -> str:
    """The name of the table of a CPU's values, by the fields that its section has."""
    return f"{CPU} {family({node.name for node in top(value).node.children})}"


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
