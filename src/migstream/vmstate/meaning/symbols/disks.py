"""NVMe controllers, floppy drives, and flash chips.

References: NVM Express Base 1.4, 3.1 and 5; Intel 82078, 2; CFI 2.0, Intel's command set; JEDEC JESD216; QEMU,
include/block/nvme.h, hw/nvme/ctrl.c, hw/block/fdc.c, pflash_cfi01.c, m25p80.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migstream.vmstate.meaning.symbols.model import Symbol, Table, bits, enumeration

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["FDC", "M25P80", "NVME", "PFLASH"]

# --- NVMe --------------------------------------------------------------------------------------------

ZERO_CELSIUS = 273  # in kelvin, as NVMe rounds it


def _version(value: Any, _: Value) -> Symbol:
    if not isinstance(value, int) or not value:
        return Symbol()
    return Symbol("", f"NVMe {value >> 16}.{value >> 8 & 0xFF}.{value & 0xFF}")


def _kelvin(value: Any, _: Value) -> Symbol:
    good = isinstance(value, int) and value > 0
    return Symbol("", f"{value - ZERO_CELSIUS} °C") if good else Symbol()


def _block_size(value: Any, _: Value) -> Symbol:
    """A number of bytes by its logarithm."""
    good = isinstance(value, int) and 0 < value < 64
    return Symbol("", f"{1 << value} bytes") if good else Symbol()


_EVENTS = bits(
    "SPARE TEMPERATURE RELIABILITY READ_ONLY VOLATILE_BACKUP PMR - - NAMESPACES FIRMWARE TELEMETRY ANA"
)
NVME: Table = {
    "bar/cap": bits(
        "MQES:16 CQR AMS:2 -:5 TO:8 DSTRD:4 NSSRS CSS:8 BPS CPS:2 MPSMIN:4 MPSMAX:4 PMRS CMBS NSSS CRMS:2"
    ),
    "bar/vs": _version,
    "bar/cc": bits("EN -:3 CSS:3 MPS:4 AMS:3 SHN:2 IOSQES:4 IOCQES:4 CRIME"),
    "bar/csts": bits("RDY CFS SHST:2 NSSRO PP ST"),
    "bar/aqa": bits("ASQS:12 -:4 ACQS:12"),
    "bar/cmbloc": bits("BIR:3 CQMMS CQPDS CDPMLS CDPCILS CDMMMS CQDA -:3 OFST:20"),
    "bar/cmbsz": bits("SQS CQS LISTS RDS WDS -:3 SZU:4 SZ:20"),
    "bar/pmrcap": bits("-:3 RDS WDS BIR:3 PMRTU:2 PMRWBM:4 -:2 PMRTO:8 CMSS"),
    "bar/pmrctl": bits("EN"),
    "bar/pmrsts": bits("ERR:8 NRDY HSTS:3 CBAI"),
    "temperature": _kelvin,
    "features.temp_thresh_hi": _kelvin,
    "features.temp_thresh_low": _kelvin,
    "features.async_config": _EVENTS,
    "smart_critical_warning": _EVENTS,
    "aer_mask": bits("ERROR SMART NOTICE -:3 IO VENDOR"),
    "cq/irq_enabled": enumeration({0: ("", "no interrupts"), 1: ("", "interrupts")}),
    "namespace/csi": enumeration({0: "NVM", 1: "KEY_VALUE", 2: "ZONED"}),
    "*/nsfeat": bits("THIN ATOMIC DEALLOCATED_ERROR UID_REUSE OPTIMAL_IO:2"),
    "*/flbas": bits("FORMAT:4 EXTENDED FORMAT_HIGH:2"),
    "*/mc": bits("EXTENDED SEPARATE"),
    "*/dps": bits("TYPE:3 FIRST"),
    "*/ds": _block_size,
}

# --- floppy ------------------------------------------------------------------------------------------

FDC: Table = {
    "*/sra": bits("DIR nWP nINDX HDSEL nTRK0 STEP nDRV2 INTPEND"),
    "*/srb": bits("MOTOR0 MOTOR1 WGATE RDATA WDATA DRIVE0 . ."),
    "*/dor_vmstate": bits("DRIVE:2 NOT_RESET DMA MOTOR0 MOTOR1 MOTOR2 MOTOR3"),
    "*/tdr": bits("TAPE:2 BOOT"),
    "*/dsr": bits("RATE:2 PRECOMPENSATION:3 - POWER_DOWN RESET"),
    "*/msr": bits("D0_BUSY D1_BUSY D2_BUSY D3_BUSY BUSY NON_DMA DIO RQM"),
    "*/status0": bits("DRIVE:2 HEAD NOT_READY EQUIPMENT_CHECK SEEK_END RESULT:2"),
    "*/status1": bits("MISSING_ADDRESS NOT_WRITABLE NO_DATA - OVERRUN DATA_ERROR - END_OF_CYLINDER"),
    "*/status2": bits("MISSING_DATA BAD_CYLINDER SCAN_NOT_SATISFIED SCAN_EQUAL WRONG_CYLINDER DATA_ERROR DELETED"),
    "*/data_state": bits("MULTI FORMAT"),
    "*/data_dir": enumeration({0: "WRITE", 1: "READ", 2: "SCAN_EQUAL", 3: "SCAN_LOW", 4: "SCAN_HIGH", 5: "VERIFY"}),
    "*/phase": enumeration({0: "RECONSTRUCT", 1: "COMMAND", 2: "EXECUTION", 3: "RESULT"}),
    "*/media_rate": enumeration(
        {0: ("", "500 kbit/s"), 1: ("", "300 kbit/s"), 2: ("", "250 kbit/s"), 3: ("", "1 Mbit/s")}
    ),
}  # fmt: skip

# --- flash -------------------------------------------------------------------------------------------

PFLASH: Table = {
    "wcycle": enumeration({0: ("", "waits for a command")}),
    "cmd": enumeration(
        {0x00: "READ_ARRAY", 0x01: "BLOCK_UNLOCK", 0x10: "PROGRAM", 0x20: "BLOCK_ERASE", 0x28: "BLOCK_ERASE_CONFIRM",
         0x40: "PROGRAM", 0x50: "CLEAR_STATUS", 0x60: "LOCK", 0x70: "READ_STATUS", 0x90: "READ_ID", 0x98: "CFI_QUERY",
         0xE8: "WRITE_BUFFER", 0xF0: "PROBE_AMD", 0xFF: "READ_ARRAY"}
    ),
    "status": bits("- LOCKED PROGRAM_SUSPENDED VPP_LOW PROGRAM_ERROR ERASE_ERROR ERASE_SUSPENDED READY"),
}  # fmt: skip
M25P80: Table = {
    "state": enumeration(
        {0: "IDLE", 1: "PAGE_PROGRAM", 2: "READ", 3: "COLLECTING_DATA", 4: "COLLECTING_VAR_LEN_DATA", 5: "READING_DATA",
         6: "READING_SFDP"}
    ),
    "cmd_in_progress": enumeration(
        {0x00: "NOP", 0x01: "WRSR", 0x02: "PP", 0x03: "READ", 0x04: "WRDI", 0x05: "RDSR", 0x06: "WREN", 0x0B: "FAST_READ",
         0x0C: "FAST_READ4", 0x12: "PP4", 0x13: "READ4", 0x15: "RDCR", 0x16: "BRRD", 0x17: "BRWR", 0x20: "ERASE_4K",
         0x21: "ERASE4_4K", 0x32: "QPP", 0x34: "QPP_4", 0x35: "RDCR_EQIO", 0x3B: "DOR", 0x3C: "DOR4", 0x3E: "PP4_4",
         0x52: "ERASE_32K", 0x5A: "RDSFDP", 0x5C: "ERASE4_32K", 0x60: "BULK_ERASE", 0x61: "WEVCR", 0x65: "REVCR",
         0x66: "RESET_ENABLE", 0x6B: "QOR", 0x6C: "QOR4", 0x70: "READ_FSR", 0x81: "WVCR", 0x85: "RVCR", 0x90: "RDID_90",
         0x99: "RESET_MEMORY", 0x9F: "JEDEC_READ", 0xA2: "DPP", 0xAB: "RDID_AB", 0xAD: "AAI_WP", 0xB1: "WNVCR",
         0xB5: "RNVCR", 0xB7: "EN_4BYTE_ADDR", 0xBB: "DIOR", 0xBC: "DIOR4", 0xC4: "DIE_ERASE", 0xC5: "EXTEND_ADDR_WRITE",
         0xC7: "BULK_ERASE", 0xC8: "EXTEND_ADDR_READ", 0xD8: "ERASE_SECTOR", 0xDC: "ERASE4_SECTOR", 0xE9: "EX_4BYTE_ADDR",
         0xEB: "QIOR", 0xEC: "QIOR4", 0xF5: "RSTQIO"}
    ),
}  # fmt: skip
