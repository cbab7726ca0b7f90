"""ACPI: power management, events, and what is plugged in and out; SMBus and the TCO watchdog beside them.

References: ACPI 6.5, 4.8 and 6.3.5 (_OST); Intel 82371AB, 7; ICH9, 5.24 and 13.9; QEMU, hw/acpi/core.c, piix4.c, ich9.c,
tco.c, pcihp.c, cpu.c, memory_hotplug.c, generic_event_device.c, docs/specs/acpi_*.rst, hw/i2c/pm_smbus.c.
"""

from __future__ import annotations

from migstream.vmstate.meaning.symbols.model import Table, bits, elements, enumeration

__all__ = ["BUILD", "GED", "PM"]

_PM1 = bits("TMR -:3 BM GBL - - PWRBTN SLPBTN RTC -:3 PCIEXP_WAKE WAK")
_CONTROL = bits("SCI_EN BM_RLD GBL_RLS -:7 SLP_TYP:3 SLP_EN")
# include/hw/acpi/acpi_dev_interface.h: AcpiEventStatusBits
_EVENTS = bits("- PCI_HOTPLUG CPU_HOTPLUG MEMORY_HOTPLUG NVDIMM_HOTPLUG VMGENID POWER_DOWN")
_GPE = elements((), {0: _EVENTS})
_SLOTS = bits(" ".join(f"SLOT{n}" for n in range(32)))
_HOTPLUG: Table = {
    "*/up": _SLOTS,
    "*/down": _SLOTS,
    "*/ost_event": enumeration({3: "EJECTION_REQUEST", 0x103: "OSPM_EJECT", 0x200: "INSERTION"}),
    "*/ost_status": enumeration(
        {0: "SUCCESS", 1: "FAILURE", 2: "UNRECOGNIZED", 0x80: "NOT_SUPPORTED", 0x81: "IN_USE", 0x82: "BUSY",
         0x83: "DEPENDENCY_BUSY", 0x84: "IN_PROGRESS"}
    ),
    "*/cpuhp_state/command": enumeration(
        {0: "GET_NEXT_CPU_WITH_EVENT", 1: "OST_EVENT", 2: "OST_STATUS", 3: "GET_CPU_ID"}
    ),
}  # fmt: skip
_SMBUS: Table = {
    "smb/smb_stat": bits("BUSY INTR DEV_ERR BUS_ERR FAILED SMBALERT IN_USE BYTE_DONE"),
    "smb/smb_ctl": bits("INTREN KILL PROTOCOL:3 LAST_BYTE START PEC_EN"),
    "smb/smb_addr": bits("READ ADDRESS:7"),
    "smb/smb_auxctl": bits("CRC E32B"),
}
_ENABLES = "GBL_SMI EOS BIOS LEGACY_USB SLP_SMI APMC SWSMI_TMR BIOS_RLS -:3 MCSMI - TCO PERIODIC"
PM: Table = {
    **_HOTPLUG,
    **_SMBUS,
    "*/ar.pm1.evt.sts": _PM1,
    "*/ar.pm1.evt.en": _PM1,
    "*/ar.pm1.cnt.cnt": _CONTROL,
    "*/ar.gpe/sts": _EVENTS,
    "*/ar.gpe/en": _EVENTS,
    "ar.gpe/sts": _EVENTS,
    "ar.gpe/en": _EVENTS,
    "*/acpi_regs.pm1.evt.sts": _PM1,
    "*/acpi_regs.pm1.evt.en": _PM1,
    "*/acpi_regs.pm1.cnt.cnt": _CONTROL,
    "*/acpi_regs.gpe.sts": _GPE,
    "*/acpi_regs.gpe.en": _GPE,
    "pm/smi_en": bits(_ENABLES),
    "pm/smi_sts": bits("- - BIOS LEGACY_USB SLP_SMI APM SWSMI_TMR - PM1 GPE0 -:3 TCO PERIODIC"),
    "*/tco.sts1": bits(
        "NMI2SMI SW_TCO_SMI TCO_INT TIMEOUT -:3 NEWCENTURY BIOSWR DMISCI DMISMI - DMISERR"
    ),
    "*/tco.sts2": bits("INTRUDER SECOND_TIMEOUT BOOT"),
    "*/tco.cnt1": bits("-:8 NMI_NOW NMI2SMI - TMR_HALT LOCK"),
}
GED: Table = {
    **_HOTPLUG,
    "*/sel": bits("MEMORY_HOTPLUG POWER_DOWN NVDIMM_HOTPLUG CPU_HOTPLUG PCI_HOTPLUG ERROR"),
}
BUILD: Table = {
    "patched": enumeration({0: ("", "firmware has not read the tables yet"), 1: ("", "firmware has read the tables")}),
}  # fmt: skip
