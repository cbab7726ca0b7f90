"""What chipsets keep in their configuration space: shadow memory, SMRAM, routes of interrupts, base addresses.

References: Intel 82441FX, 3.2; 82371SB, 2.2; 82371AB, 4.1 and 7.1; Q35, 5.1; ICH9, 13.1; QEMU, hw/pci-host/pam.c,
i440fx.c, q35.c, hw/isa/lpc_ich9.c, include/hw/southbridge/piix.h, ich9.h.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migstream.vmstate.meaning.symbols.model import (
    Symbol,
    Symbols,
    Table,
    address,
    bits,
    enumeration,
    number_in_path,
)

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["CHIPSETS", "PCIHOST", "PIIX"]

ACCESS = ("PCI", "READ", "WRITE", "RAM")
BIOS, EXPANSION, QUARTER = 0xF0000, 0xC0000, 0x4000


def _pam(value: Any, at: Value) -> Symbol:
    """Where reads and writes below 1 MB go: to RAM, or to PCI as far as they are not named.

    The first register's upper half has the 64 KB of the BIOS, the others' halves 16 KB each from 0xc0000 on.
    """
    number = number_in_path(at)
    if not isinstance(value, int) or number is None:
        return Symbol()
    upper = ACCESS[value >> 4 & 3]
    if not number:
        return Symbol(f"{BIOS:#x} {upper}")
    first = EXPANSION + 2 * QUARTER * (number - 1)
    return Symbol(f"{first:#x} {ACCESS[value & 3]} {first + QUARTER:#x} {upper}")


def _exbar(value: Any, _: Value) -> Symbol:
    """Where the configuration space of all devices is in memory (hw/pci-host/q35.c: mch_update_pciexbar)."""
    if not isinstance(value, int) or not value:
        return Symbol()
    size = {0: 256, 1: 128, 2: 64}.get(value >> 1 & 3)
    if size is None:
        return Symbol("" if not value & 1 else "ENABLED")
    where = value & (1 << 36) - 1 & ~((size << 20) - 1)
    enabled = "ENABLED " if value & 1 else ""
    return Symbol(f"{enabled}at {where:#x}", f"{size} MB")


def _route(first: str) -> Symbols:
    """Which interrupt of the two controllers a line of PCI is led to."""

    def of(value: Any, at: Value) -> Symbol:
        number = number_in_path(at)
        if not isinstance(value, int) or number is None or number >= 8:
            return Symbol()
        line = chr(ord(first) + number)
        return Symbol(f"PIRQ{line} " + ("DISABLED" if value & 0x80 else f"IRQ{value & 0xF}"))

    return of


def _ports(value: Any, _: Value) -> Symbol:
    """A base address of ports in a register of 32 bits, of which the lowest says that it is one."""
    if not isinstance(value, int) or not value:
        return Symbol()
    return Symbol(f"at {value & 0xFFF0:#x}" if value & 0xFFF0 else "")


_SMRAM = bits("C_BASE_SEG:3 G_SMRAME D_LCK D_CLS D_OPEN")
_SIZES = {0: "1 MB", 1: "2 MB", 2: "8 MB", 3: "ext_tseg_mbytes"}


def _esmramc(value: Any, at: Value) -> Symbol:
    if not isinstance(value, int):
        return Symbol()
    said = bits("T_EN -:2 SM_L2 SM_L1 SM_CACHE E_SMERR H_SMRAME")(value & ~6, at).name
    return Symbol(said, f"TSEG of {_SIZES[value >> 1 & 3]}")


CHIPSETS: Table = {
    "pam": _pam,
    "smram": _SMRAM,
    "esmramc": _esmramc,
    "f_smbase": bits("SMRAM_AT_DEFAULT LOCKED"),
    "ext_tseg_mbytes": enumeration({0xFFFF: ("QUERY", "asks how much there is")}),
    "pciexbar": _exbar,
    "pirq_route": _route("A"),
    "pirq_route_e": _route("E"),
    "idetim": bits(
        "TIME0 IORDY0 PREFETCH0 DMA_ONLY0 TIME1 IORDY1 PREFETCH1 DMA_ONLY1 RECOVERY:2 -:2 SAMPLE:2 SLAVE_TIMING DECODE"
    ),
    "udmactl": bits("PRIMARY0 PRIMARY1 SECONDARY0 SECONDARY1"),
    "xbcs": bits("RTC KEYBOARD BIOS_WRITE - MOUSE LOWER_BIOS FERR EXTENDED_BIOS APIC RTC_1MB"),
    "smicntl": bits("SMI_GATE STPCLK STPCLK_SCALING FAST_TIMER:2"),
    "pmba": _ports,
    "smbba": _ports,
    "pmbase": _ports,
    "gpiobase": _ports,
    "pmregmisc": bits("PMIOSE"),
    "smbhstcfg": bits("ENABLE INTERRUPT:3"),
    "acpi_cntl": bits("SCI:3 -:4 ENABLE"),
    "rcba": address("ENABLE", 14),
    "gen_pmcon_1": bits("SMI_PERIOD:2 -:2 SMI_LOCK"),
    "bios_cntl": bits("WRITE_ENABLE LOCK_ENABLE CACHE:2 TOP_SWAP SMM_WRITE_PROTECT"),
    "sbrn": enumeration({0x10: "USB1", 0x20: "USB2", 0x30: "USB3"}),
    "hostc": bits("ENABLE SMI I2C"),
    "pcs": bits("PORT0 PORT1 PORT2 PORT3 PORT4 PORT5 -:2 PRESENT0 PRESENT1 PRESENT2 PRESENT3 PRESENT4 PRESENT5"),
}  # fmt: skip


def _line(value: Any, at: Value) -> Symbol:
    """How many devices hold a line of PCI."""
    number = number_in_path(at)
    known = isinstance(value, int) and number is not None and number < 4
    return Symbol(f"PIRQ{chr(ord('A') + (number or 0))}") if known else Symbol()


PIIX: Table = {
    "pci_irq_levels_vmstate": _line,
    "*/rcr": bits("- SYSTEM_RESET RESET_CPU FULL_RESET"),
}


def _address(value: Any, _: Value) -> Symbol:
    """What a guest chose at port 0xcf8: a register of a function."""
    if not isinstance(value, int) or not value:
        return Symbol()
    place = f"{value >> 16 & 0xFF:02x}:{value >> 11 & 0x1F:02x}.{value >> 8 & 7}"
    enabled = "ENABLE " if value >> 31 & 1 else ""
    return Symbol(f"{enabled}{place} register {value & 0xFC:#x}")


PCIHOST: Table = {"config_reg": _address}
