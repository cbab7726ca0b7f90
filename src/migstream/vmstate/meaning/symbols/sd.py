"""SD cards and their hosts.

References: SD Physical Layer 3.01, 4.7, 4.10, 5.1 to 5.3; SD Host Controller 3.00, 2.2; ARM DDI 0172 (PL181); QEMU,
hw/sd/sd.c, sdhci-internal.h, pl181.c, ssi-sd.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migstream.vmstate.meaning.symbols.model import (
    Symbol,
    Table,
    bits,
    elements,
    enumeration,
    number_in_path,
)

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["CARD", "PL181", "SDHCI", "SPI"]

_COMMANDS = {
    0: "GO_IDLE_STATE", 1: "SEND_OP_COND", 2: "ALL_SEND_CID", 3: "SEND_RELATIVE_ADDR", 4: "SET_DSR",
    5: "IO_SEND_OP_COND", 6: "SWITCH_FUNCTION", 7: "SELECT_CARD", 8: "SEND_IF_COND", 9: "SEND_CSD", 10: "SEND_CID",
    11: "VOLTAGE_SWITCH", 12: "STOP_TRANSMISSION", 13: "SEND_STATUS", 15: "GO_INACTIVE_STATE", 16: "SET_BLOCKLEN",
    17: "READ_SINGLE_BLOCK", 18: "READ_MULTIPLE_BLOCK", 19: "SEND_TUNING_BLOCK", 20: "SPEED_CLASS_CONTROL",
    23: "SET_BLOCK_COUNT", 24: "WRITE_BLOCK", 25: "WRITE_MULTIPLE_BLOCK", 26: "PROGRAM_CID", 27: "PROGRAM_CSD",
    28: "SET_WRITE_PROT", 29: "CLR_WRITE_PROT", 30: "SEND_WRITE_PROT", 32: "ERASE_WR_BLK_START",
    33: "ERASE_WR_BLK_END", 38: "ERASE", 42: "LOCK_UNLOCK", 52: "IO_RW_DIRECT", 53: "IO_RW_EXTENDED", 55: "APP_CMD",
    56: "GEN_CMD", 58: "READ_OCR", 59: "CRC_ON_OFF",
}  # fmt: skip
_COMMAND = enumeration(_COMMANDS)

# --- the card ----------------------------------------------------------------------------------------

_CSD = (
    "CSD_STRUCTURE", "TAAC", "NSAC", "TRAN_SPEED", "CCC", "CCC READ_BL_LEN", "", "", "", "", "", "", "", "", "", "CRC",
)  # fmt: skip
_CID = ("MID", "OID", "OID", *("PNM",) * 5, "PRV", *("PSN",) * 4, "MDT", "MDT", "CRC")


def _whole(at: Value) -> bytes:
    """All bytes of the register whose byte this is; 16, or nothing."""
    data = b"" if at.above is None else bytes(at.above.raw)
    return data if len(data) == len(_CID) else b""


def _capacity(csd: bytes) -> tuple[int, int]:
    """Where the size of the card begins in CSD, and how many bytes that is (5.3.2, 5.3.3)."""
    if csd[0] >> 6:
        return 7, (int.from_bytes(csd[7:10], "big") & 0x3FFFFF) + 1 << 19
    size = (csd[6] & 3) << 10 | csd[7] << 2 | csd[8] >> 6
    factor = (csd[9] & 3) << 1 | csd[10] >> 7
    return 6, size + 1 << factor + 2 + (csd[5] & 0xF)


def _csd(value: Any, at: Value) -> Symbol:
    number = number_in_path(at)
    csd = _whole(at)
    if number is None or number >= len(csd) or not isinstance(value, int):
        return Symbol()
    if number == 0:
        return Symbol(_CSD[0], f"version {(value >> 6) + 1}.0")
    where, size = _capacity(csd)
    return Symbol("C_SIZE", f"{size >> 10} KiB") if number == where else Symbol(_CSD[number])


def _month(cid: bytes) -> str:
    return f"{2000 + ((cid[13] & 0xF) << 4 | cid[14] >> 4)}-{cid[14] & 0xF:02}"


def _cid(value: Any, at: Value) -> Symbol:
    """A byte of CID; what its first one begins is said with that."""
    number = number_in_path(at)
    cid = _whole(at)
    if number is None or number >= len(cid) or not isinstance(value, int):
        return Symbol()
    said = {1: cid[1:3], 3: cid[3:8]}.get(number, b"").decode("latin-1")
    more = {
        8: f"revision {value >> 4}.{value & 0xF}",
        9: f"serial number {int.from_bytes(cid[9:13], 'big'):#x}",
        13: f"made in {_month(cid)}",
    }.get(number, said if said.isprintable() else "")
    return Symbol(_CID[number], more)


CARD: Table = {
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
    "csd": _csd,
    "cid": _cid,
    "scr": elements(("STRUCTURE", "SECURITY BUS_WIDTHS", "SPEC3", "CMD_SUPPORT")),
    "*/ocr": bits(
        "-:7 LOW_VOLTAGE .:7 2.7-2.8V 2.8-2.9V 2.9-3.0V 3.0-3.1V 3.1-3.2V 3.2-3.3V 3.3-3.4V 3.4-3.5V 3.5-3.6V S18A"
        " -:4 UHS2 CCS POWER_UP"
    ),
    "vhs": bits("PATTERN:8 2.7-3.6V LOW_VOLTAGE"),
    "current_cmd": _COMMAND,
    "erase_start": enumeration({0xFFFFFFFF: ("", "none")}),
    "erase_end": enumeration({0xFFFFFFFF: ("", "none")}),
}  # fmt: skip

# --- hosts -------------------------------------------------------------------------------------------

_FLAGS = bits("RESPONSE:2 - CRC_CHECK INDEX_CHECK DATA TYPE:2")


def _cmdreg(value: Any, at: Value) -> Symbol:
    """The command that was sent last, and how."""
    if not isinstance(value, int) or not value:
        return Symbol()
    number = value >> 8 & 0x3F
    return Symbol(
        f"{_COMMANDS.get(number, f'CMD{number}')} {_FLAGS(value & 0xFF, at).name}".rstrip()
    )


_NORMAL = bits(
    "CMD_COMPLETE TRANSFER_COMPLETE BLOCK_GAP DMA WRITE_READY READ_READY INSERTED REMOVED CARD INT_A INT_B INT_C RETUNE"
    " - - ERROR"
)
_ERRORS = bits(
    "CMD_TIMEOUT CMD_CRC CMD_END_BIT CMD_INDEX DATA_TIMEOUT DATA_CRC DATA_END_BIT CURRENT_LIMIT AUTO_CMD ADMA TUNING"
)
SDHCI: Table = {
    "*/blksize": bits("SIZE:12 SDMA_BOUNDARY:3"),
    "*/trnmod": bits("DMA BLOCK_COUNT AUTO_CMD12 AUTO_CMD23 READ MULTI"),
    "*/cmdreg": _cmdreg,
    "*/prnsts": bits(
        "CMD_INHIBIT DATA_INHIBIT DAT_ACTIVE RETUNE -:4 DOING_WRITE DOING_READ SPACE_AVAILABLE DATA_AVAILABLE -:4"
        " CARD_PRESENT CARD_STABLE CARD_DETECT WRITE_ENABLED DAT_LEVEL:4 CMD_LEVEL"
    ),
    "*/hostctl1": bits("LED 4BIT HIGH_SPEED DMA_SELECT:2 8BIT CD_TEST CD_SELECT"),
    "*/pwrcon": enumeration({0x0B: "ON 1.8V", 0x0D: "ON 3.0V", 0x0F: "ON 3.3V"}),
    "*/blkgap": bits("STOP CONTINUE READ_WAIT INTERRUPT"),
    "*/wakcon": bits("CARD INSERTED REMOVED"),
    "*/clkcon": bits("INTERNAL STABLE SDCLK - - PROGRAMMABLE DIVIDER_HIGH:2 DIVIDER:8"),
    "*/admaerr": bits("STATE:2 LENGTH_MISMATCH"),
    **{f"*/norints{part}": _NORMAL for part in ("ts", "tsen", "igen")},
    **{f"*/errints{part}": _ERRORS for part in ("ts", "tsen", "igen")},
    "*/acmd12errsts": bits("NOT_EXECUTED TIMEOUT CRC END_BIT INDEX - - NOT_ISSUED"),
    "*/stopped_state": enumeration({0: "NOT_STOPPED", 1: "GAP_READ", 2: "GAP_WRITE"}),
}


def _pl181_command(value: Any, at: Value) -> Symbol:
    if not isinstance(value, int) or not value:
        return Symbol()
    flags = bits("RESPONSE LONG_RESPONSE INTERRUPT PENDING ENABLE", 6)(value, at).name
    return Symbol(f"{_COMMANDS.get(value & 0x3F, f'CMD{value & 0x3F}')} {flags}".rstrip())


_PL181_STATUS = bits(
    "CMDCRCFAIL DATACRCFAIL CMDTIMEOUT DATATIMEOUT TXUNDERRUN RXOVERRUN CMDRESPEND CMDSENT DATAEND - DATABLOCKEND"
    " CMDACTIVE TXACTIVE RXACTIVE TXFIFOHALFEMPTY RXFIFOHALFFULL TXFIFOFULL RXFIFOFULL TXFIFOEMPTY RXFIFOEMPTY"
    " TXDATAAVLBL RXDATAAVLBL"
)
PL181: Table = {
    "clock": bits("DIVIDER:8 ENABLE PWRSAVE BYPASS WIDEBUS"),
    "power": bits("CONTROL:2 -:4 OPENDRAIN ROD"),
    "cmd": _pl181_command,
    "respcmd": _COMMAND,
    "datactrl": bits("ENABLE READ STREAM DMA BLOCKSIZE_LOG2:4"),
    "status": _PL181_STATUS,
    "mask": _PL181_STATUS,
}
SPI: Table = {"cmd": _COMMAND}
