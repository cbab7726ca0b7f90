"""What chipsets and boards have: power management, disks' controllers, SD cards, ARM's UART and clock.

References: ACPI 6.5, 4.8; ATA-7, 7; Serial ATA AHCI 1.3.1, 3; SD Physical Layer 3.01, 4.10; ARM DDI 0183, 0224; QEMU,
hw/acpi/core.c, hw/ide/core.c, ahci.c, hw/sd/sd.c, hw/char/pl011.c, hw/rtc/pl031.c.
"""

from __future__ import annotations

from migstream.vmstate.meaning.symbols.model import (
    Table,
    bits,
    date,
    enumeration,
)

__all__ = ["AHCI", "GOLDFISH_RTC", "IDE", "PL011", "PL031", "PM", "SD"]

_PM1 = bits("TMR -:3 BM GBL - - PWRBTN SLPBTN RTC -:3 PCIEXP_WAKE WAK")
PM: Table = {
    "*/ar.pm1.evt.sts": _PM1,
    "*/ar.pm1.evt.en": _PM1,
    "*/acpi_regs.pm1.evt.sts": _PM1,
    "*/acpi_regs.pm1.evt.en": _PM1,
    "*/ar.pm1.cnt.cnt": bits("SCI_EN BM_RLD GBL_RLS -:7 SLP_TYP:3 SLP_EN"),
    "*/acpi_regs.pm1.cnt.cnt": bits("SCI_EN BM_RLD GBL_RLS -:7 SLP_TYP:3 SLP_EN"),
}
_STATUS = bits("ERR IDX CORR DRQ DSC DF DRDY BSY")
_ERROR = bits("AMNF TRK0NF ABRT MCR IDNF MC UNC BBK")
IDE: Table = {
    "*/status": _STATUS,
    "*/error": _ERROR,
    "bus/cmd": bits("- nIEN SRST"),
    "bmdma/cmd": bits("START - - READ"),
    "bmdma/migration_compat_status": bits("ACTIVE ERROR INT - - DRIVE0_DMA DRIVE1_DMA SIMPLEX"),
}
AHCI: Table = {
    "*/status": _STATUS,
    "*/error": _ERROR,
    "*/port_regs.cmd": bits(
        "ST SUD POD CLO FRE -:3 CCS:5 MPSS FR CR CPS PMA HPCP MPSP CPD ESP FBSCP APSTE ATAPI DLAE ALPE ASP ICC:4"
    ),
    "*/port_regs.irq_stat": bits("DHRS PSS DSS SDBS UFS DPS PCS DMPS -:14 PRCS IPMS OFS - INFS IFS HBDS HBFS TFES CPDS"),
    "*/port_regs.irq_mask": bits("DHRE PSE DSE SDBE UFE DPE PCE DMPE -:14 PRCE IPME OFE - INFE IFE HBDE HBFE TFEE CPDE"),
    "*/port_regs.scr_stat": bits("DET:4 SPD:4 IPM:4"),
    "*/port_regs.sig": enumeration(
        {0x00000101: ("ATA", "disk"), 0xEB140101: ("ATAPI", "CD or DVD"), 0xFFFFFFFF: "NONE"}
    ),
    "*/control_regs.ghc": bits("HR IE MRSM -:28 AE"),
    "*/control_regs.irqstatus": bits(" ".join(f"PORT{n}" for n in range(32))),
}  # fmt: skip
SD: Table = {
    "mode": enumeration({0: "INACTIVE", 1: "CARD_IDENTIFICATION", 2: "DATA_TRANSFER"}),
    "state": enumeration(
        {-1: "INACTIVE", 0: "IDLE", 1: "READY", 2: "IDENTIFICATION", 3: "STANDBY", 4: "TRANSFER", 5: "SENDINGDATA",
         6: "RECEIVINGDATA", 7: "PROGRAMMING", 8: "DISCONNECT"}
    ),
    "card_status": bits(
        "-:3 AKE_SEQ_ERROR - APP_CMD - - READY_FOR_DATA STATE:4 ERASE_RESET CARD_ECC_DISABLED WP_ERASE_SKIP"
        " CSD_OVERWRITE - - GENERAL_ERROR CC_ERROR CARD_ECC_FAILED ILLEGAL_COMMAND COM_CRC_ERROR LOCK_FAILED"
        " LOCKED WP_VIOLATION ERASE_PARAM ERASE_SEQ_ERROR BLOCK_LEN_ERROR ADDRESS_ERROR OUT_OF_RANGE"
    ),
}  # fmt: skip
_INTERRUPTS = bits("RI CTS DCD DSR RX TX RT FE PE BE OE")
PL011: Table = {
    "flags": bits("CTS DSR DCD BUSY RXFE TXFF RXFF TXFE RI"),
    "lcr": bits("BRK PEN EPS STP2 FEN WLEN:2 SPS"),
    "cr": bits("UARTEN SIREN SIRLP -:4 LBE TXE RXE DTR RTS OUT1 OUT2 RTSEN CTSEN"),
    "int_enabled": _INTERRUPTS,
    "int_level": _INTERRUPTS,
    "rsr": bits("FE PE BE OE"),
    "dmacr": bits("RXDMAE TXDMAE DMAONERR"),
}
PL031: Table = {"tick_offset_vmstate": date()}
GOLDFISH_RTC: Table = {"tick_offset": date(10**9), "tick_offset_vmstate": date(10**9)}
