"""IDE, SATA and their drives: registers of a drive and of a channel, AHCI's ports, what a drive says of itself.

References: ATA8-ACS, 6 and 7.16; ATA/ATAPI-7; SATA AHCI 1.3.1, 3; Intel 82371AB, 2.5 (bus master); QEMU,
include/hw/ide/internal.h, hw/ide/core.c, pci.c, ahci.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migstream.vmstate.meaning.symbols.model import Symbol, Table, bits, enumeration, text
from migstream.vmstate.meaning.symbols.sense import code, key

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["AHCI", "IDE"]

SECTOR = 512

# --- what a drive says of itself (meaning.ata) --------------------------------------------------------

UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")


def _sectors(value: Any, _: Value) -> Symbol:
    """A number of sectors, and how much that is."""
    if not isinstance(value, int) or value <= 0:
        return Symbol()
    size, unit = value * SECTOR, 0
    while size >= 1 << 10 and not size & 0x3FF and unit + 1 < len(UNITS):
        size, unit = size >> 10, unit + 1
    return Symbol("", f"{size} {UNITS[unit]}")


def _general(value: Any, _: Value) -> Symbol:
    """Word 0: which kind of drive it is."""
    if not isinstance(value, int):
        return Symbol()
    if value == 0x848A:
        return Symbol("CFA", "CompactFlash")
    if value & 0xC000 == 0x8000:
        kinds = {0: "DISK", 1: "TAPE", 5: "CD"}
        kind = value >> 8 & 0x1F
        return Symbol(f"ATAPI {kinds.get(kind, f'type {kind}')}{' REMOVABLE' * (value >> 7 & 1)}")
    return Symbol("") if value >> 15 else Symbol(f"ATA{' REMOVABLE' * (value >> 7 & 1)}")


def _revision(value: Any, _: Value) -> Symbol:
    """The newest revision of the standard among those whose bits are set."""
    if not isinstance(value, int) or not 0 < value < 0xFFFF:
        return Symbol()
    known = {8: "ATA8-ACS", 9: "ACS-2", 10: "ACS-3", 11: "ACS-4", 12: "ACS-5"}
    newest = value.bit_length() - 1
    return Symbol(known.get(newest, f"ATA-{newest}"))


def _rotation(value: Any, _: Value) -> Symbol:
    if not isinstance(value, int) or not value:
        return Symbol()
    return Symbol("", "does not rotate" if value == 1 else f"{value} turns a minute")


_SETS = bits(
    "SMART SECURITY REMOVABLE POWER PACKET WRITE_CACHE LOOKAHEAD RELEASE_INTERRUPT SERVICE_INTERRUPT DEVICE_RESET HPA"
    " - WRITE_BUFFER READ_BUFFER NOP"
)
_SETS_2 = bits(
    "MICROCODE TCQ CFA APM REMOVABLE_STATUS PUIS SET_FEATURES_SPINUP - SET_MAX AAM LBA48 DCO FLUSH_CACHE FLUSH_CACHE_EXT . ."
)
_SETS_3 = bits(
    "SMART_ERROR_LOG SMART_SELF_TEST MEDIA_SERIAL MEDIA_PASS_THROUGH STREAMING GPL FUA QUEUED_FUA WWN - - - - IDLE_UNLOAD . ."
)
_IDENTIFY: Table = {
    "general_configuration": _general,
    "serial": text(swapped=True),
    "firmware": text(swapped=True),
    "model": text(swapped=True),
    "media_serial": text(swapped=True),
    "max_multiple_sectors": bits("SECTORS:8 .:8"),
    "trusted_computing": bits("TRUSTED -:13 . ."),
    "capabilities": bits("-:8 DMA LBA IORDY_DISABLE IORDY - STANDBY_TIMER"),
    "capabilities_2": bits("STANDBY_MINIMUM - -:12 . ."),
    "field_validity": bits("CURRENT_GEOMETRY WORDS_64_70 WORD_88"),
    "current_capacity": _sectors,
    "multiple_sectors": bits("SECTORS:8 VALID"),
    "lba28_sectors": _sectors,
    "lba48_sectors": _sectors,
    "multiword_dma": bits("MWDMA0 MWDMA1 MWDMA2 -:5 MWDMA0_SELECTED MWDMA1_SELECTED MWDMA2_SELECTED"),
    "singleword_dma": bits("SWDMA0 SWDMA1 SWDMA2 -:5 SWDMA0_SELECTED SWDMA1_SELECTED SWDMA2_SELECTED"),
    "pio_modes_supported": bits("PIO3 PIO4"),
    "ultra_dma": bits(
        "UDMA0 UDMA1 UDMA2 UDMA3 UDMA4 UDMA5 UDMA6 -"
        " UDMA0_SELECTED UDMA1_SELECTED UDMA2_SELECTED UDMA3_SELECTED UDMA4_SELECTED UDMA5_SELECTED UDMA6_SELECTED"
    ),
    "additional_supported": bits("-:3 EXTENDED_SECTORS - TRIM_ZEROES -:8 TRIM_DETERMINISTIC"),
    "queue_depth": bits("DEPTH-1:5"),
    "sata_capabilities": bits("- GEN1 GEN2 GEN3 -:4 NCQ HOST_POWER PHY_COUNTERS UNLOAD_NCQ NCQ_PRIORITY"),
    "major_version": _revision,
    "command_set_supported": _SETS,
    "command_set_supported_2": _SETS_2,
    "command_set_supported_3": _SETS_3,
    "command_set_enabled": _SETS,
    "command_set_enabled_2": _SETS_2,
    "command_set_enabled_3": _SETS_3,
    "sector_size": bits("LOGICAL_PER_PHYSICAL_LOG2:4 -:8 LONG_LOGICAL SEVERAL_LOGICAL . ."),
    "security": bits("SUPPORTED ENABLED LOCKED FROZEN COUNT_EXPIRED ENHANCED_ERASE"),
    "data_set_management": bits("TRIM"),
    "rotation_rate": _rotation,
}  # fmt: skip

# --- a drive, a channel and its bus master -----------------------------------------------------------

_STATUS = "ERR IDX CORR DRQ DSC DF DRDY BSY"
_ERROR = "AMNF TRK0NF ABRT MCR IDNF MC UNC BBK"
_BUS_MASTER = bits("ACTIVE ERROR INT - - DRIVE0_DMA DRIVE1_DMA SIMPLEX")
# hw/ide/core.c: transfer_end_table, by which the function goes that a transfer ends with
_ENDS = (
    "ide_sector_read", "ide_sector_write", "ide_transfer_stop", "ide_atapi_cmd_reply_end", "ide_atapi_cmd",
    "ide_dummy_transfer_stop",
)  # fmt: skip
# hw/ide/core.c: what a request was that failed, and is to be done again
_RETRY = bits("-:3 DMA PIO READ FLUSH TRIM")
_DRIVE: Table = {
    "*ifs/status": bits(_STATUS),
    "*ifs/error": bits(_ERROR),
    # the bits 5 and 7 are what they have been since drives had sectors of one size
    "*ifs/select": bits("HEAD:4 DRIVE1 . LBA ."),
    "*/sense_key": key,
    "*/asc": code,
    "*/end_transfer_fn_idx": enumeration(dict(enumerate(_ENDS))),
    "*/error_status": _RETRY,
    **{f"*/identify_data/{name}": known for name, known in _IDENTIFY.items()},
}
IDE: Table = {
    **_DRIVE,
    # bit 3 is what it was for the first drives
    "bus/cmd": bits("- nIEN SRST . -:3 HOB"),
    "bus/unit": enumeration({0: "MASTER", 1: "SLAVE"}),
    "bmdma/cmd": bits("START - - READ"),
    # hw/ide/pci.c: BM_MIGRATION_COMPAT_STATUS_BITS, what the bus has to do again in place of four bits
    "bmdma/migration_compat_status": bits(
        "ACTIVE ERROR INT RETRY_DMA RETRY_PIO RETRY_READ RETRY_FLUSH SIMPLEX"
    ),
    "bmdma/ide bmdma/status/status": _BUS_MASTER,
}

# --- AHCI --------------------------------------------------------------------------------------------

_INTERRUPTS = "DHR{0} PS{0} DS{0} SDB{0} UF{0} DP{0} PC{0} DMP{0} -:14 PRC{0} IPM{0} OF{0} - INF{0} IF{0} HBD{0} HBF{0} TFE{0} CPD{0}"
_DETECTION = {0: "nothing there", 1: "a drive, no link", 3: "a drive, link up", 4: "port off"}
_SPEEDS = {1: "1.5 Gb/s", 2: "3 Gb/s", 3: "6 Gb/s"}
_POWER = {1: "active", 2: "partial", 6: "slumber", 8: "device sleep"}
_STATE = bits("DET:4 SPD:4 IPM:4")


def _link(value: Any, at: Value) -> Symbol:
    """PxSSTS: whether a drive is there, how fast, and whether the link sleeps."""
    if not isinstance(value, int):
        return Symbol()
    said = (
        _DETECTION.get(value & 0xF, ""),
        _SPEEDS.get(value >> 4 & 0xF, ""),
        _POWER.get(value >> 8 & 0xF, ""),
    )
    return Symbol(_STATE(value, at).name, ", ".join(filter(None, said)))


_SLOTS = bits(" ".join(f"SLOT{n}" for n in range(32)))
_PORTS = bits(" ".join(f"PORT{n}" for n in range(32)))
AHCI: Table = {
    **_DRIVE,
    "*/port_regs.cmd": bits(
        "ST SUD POD CLO FRE -:3 CCS:5 MPSS FR CR CPS PMA HPCP MPSP CPD ESP FBSCP APSTE ATAPI DLAE ALPE ASP ICC:4"
    ),
    "*/port_regs.irq_stat": bits(_INTERRUPTS.format("S")),
    "*/port_regs.irq_mask": bits(_INTERRUPTS.format("E")),
    "*/port_regs.tfdata": bits(f"{_STATUS} {_ERROR}"),
    "*/port_regs.sig": enumeration(
        {
            0x00000101: ("ATA", "disk"),
            0xEB140101: ("ATAPI", "CD or DVD"),
            0xC33C0101: ("SEMB", "enclosure"),
            0x96690101: ("PM", "port multiplier"),
            0xFFFF0101: ("", "no drive"),
            0xFFFFFFFF: "NONE",
        }
    ),
    "*/port_regs.scr_stat": _link,
    "*/port_regs.scr_ctl": bits("DET:4 SPD:4 IPM:4"),
    "*/port_regs.scr_err": bits(
        "RECOVERED_DATA RECOVERED_LINK -:6 TRANSIENT_DATA PERSISTENT PROTOCOL INTERNAL -:4 PHY_READY_CHANGE PHY_INTERNAL"
        " COMM_WAKE DECODE DISPARITY CRC HANDSHAKE LINK_SEQUENCE TRANSPORT UNKNOWN_FIS EXCHANGED"
    ),
    "*/port_regs.scr_act": _SLOTS,
    "*/port_regs.cmd_issue": _SLOTS,
    "*/finished": _SLOTS,
    "*/busy_slot": enumeration({-1: ("", "none")}),
    "*/ncq_tfs/cmd": enumeration({0x60: "READ_FPDMA_QUEUED", 0x61: "WRITE_FPDMA_QUEUED"}),
    "*/control_regs.cap": bits(
        "PORTS-1:5 SXS EMS CCCS SLOTS-1:5 PSC SSC PMD FBSS SPM SAM - SPEED:4 SCLO SAL SALP SSS SMPS SSNTF SNCQ S64A"
    ),
    "*/control_regs.ghc": bits("HR IE MRSM -:28 AE"),
    "*/control_regs.irqstatus": _PORTS,
    "*/control_regs.impl": _PORTS,
    "*/control_regs.version": enumeration(
        {0x00000905: "0.95", 0x00010000: "1.0", 0x00010100: "1.1", 0x00010200: "1.2", 0x00010300: "1.3"}
    ),
}  # fmt: skip
