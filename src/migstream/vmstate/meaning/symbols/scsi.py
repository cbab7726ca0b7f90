"""SCSI: what a disk says where a command failed, requests in flight, and the registers of host adapters.

References: SPC-5; LSI53C895A technical manual, 4; LSI MegaRAID (Linux, drivers/scsi/megaraid); LSI Fusion-MPT 1.5;
VMware PVSCSI (QEMU, hw/scsi/vmw_pvscsi.h); NCR 53C94; QEMU, hw/scsi/lsi53c895a.c, mfi.h, mpi.h, esp.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migstream.vmstate.meaning.symbols.model import Symbol, Table, bits, enumeration
from migstream.vmstate.meaning.symbols.sense import code, command, key, qualifier, sense

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["ESP", "LSI", "MEGASAS", "MPTSAS", "PVSCSI", "REQUESTS", "SCSI"]

SCSI: Table = {
    "*/unit_attention.key": key,
    "*/unit_attention.asc": code,
    "*/unit_attention.ascq": qualifier,
    "*/sense": sense,
}


def _block(value: Any, _: Value) -> Symbol:
    """The block of a command of six bytes: the lower 21 bits."""
    if not isinstance(value, bytes):
        return Symbol()
    return Symbol("", f"block {int.from_bytes(value, 'big') & 0x1FFFFF}")


# of a blob `scsi-requests` (meaning.scsi)
_MARK = enumeration(
    {1: ("RETRY", "failed, is to be done again"), 2: ("IN_FLIGHT", "goes on where it was")}
)
REQUESTS: Table = {
    "request/mark": _MARK,
    "mark": _MARK,
    "request/cdb/opcode": command,
    "cdb/opcode": command,
    "request/cdb/lba": _block,
    "request/cdb/flags": bits("-:3 FUA DPO PROTECT:3"),
    "request/scsi_io/function": enumeration({0: "SCSI_IO_REQUEST"}),
    "request/scsi_io/control": bits("-:24 WRITE READ"),
}  # fmt: skip

# --- lsi53c895a --------------------------------------------------------------------------------------

_LINES = bits("IO CD MSG ATN SEL BSY ACK REQ")
_DMA = bits("IID - SIR SSI ABRT BF MDPE DFE")
_SCSI_0, _SCSI_1 = bits("PAR RST UDC SGE RSL SEL CMP MA"), bits("HTH GEN STO - SBMC")
LSI: Table = {
    "istat0": bits("DIP SIP INTF CON SEM SIGP SRST ABRT"),
    "istat1": bits("SI SRUN FLSH"),
    "dstat": _DMA,
    "dien": _DMA,
    "sist0": _SCSI_0,
    "sien0": _SCSI_0,
    "sist1": _SCSI_1,
    "sien1": _SCSI_1,
    "dmode": bits("MAN BOF ERMP ERL DIOM SIOM BURST:2"),
    "dcntl": bits("COM IRQD STD IRQM SSM PFEN PFF CLSE"),
    "scntl0": bits("TRG AAP - EPC WATN START ARBITRATION:2"),
    "scntl1": bits("SST IARB AESP RST CON DHP ADB EXC"),
    "scid": bits("ID:4 - SRE RRE"),
    "sstat0": bits("SDP0 RST WOA LOA AIP OLF ORF ILF"),
    "socl": _LINES,
    "sbcl": _LINES,
    "ccntl0": bits("DPR -:3 DISFC PMJCTL ENNDJ ENPMJ"),
    "respid0": bits(" ".join(f"ID{n}" for n in range(8))),
    "respid1": bits(" ".join(f"ID{n}" for n in range(8, 16))),
    "waiting": enumeration(
        {0: "NOWAIT", 1: ("RESELECT", "for a device to come back"), 2: "DMA_SCRIPTS", 3: "DMA_IN_PROGRESS",
         4: ("SCRIPTS", "for the script to go on")}
    ),
    "msg_action": enumeration({0: "COMMAND", 1: "DISCONNECT", 2: "DATA_OUT", 3: "DATA_IN"}),
}  # fmt: skip

# --- MegaRAID, Fusion-MPT, PVSCSI --------------------------------------------------------------------

_FIRMWARE = {
    0x0: "UNDEFINED", 0x1: "BB_INIT", 0x4: "FW_INIT", 0x6: "WAIT_HANDSHAKE", 0x7: "FW_INIT_2", 0x8: "DEVICE_SCAN",
    0x9: "BOOT_MESSAGE_PENDING", 0xA: "FLUSH_CACHE", 0xB: "READY", 0xC: "OPERATIONAL", 0xF: "FAULT",
}  # fmt: skip


def _firmware(value: Any, at: Value) -> Symbol:
    if not isinstance(value, int):
        return Symbol()
    limits = bits("COMMANDS:16 PIECES:8 -:4")(value & 0x0FFFFFFF, at).name
    return Symbol(f"{_FIRMWARE.get(value >> 28 & 0xF, '')} {limits}".strip())


MEGASAS: Table = {
    "fw_state": _firmware,
    "intr_mask": enumeration({0xFFFFFFFF: ("", "no interrupts")}),
}
_MPT_INTERRUPTS = bits("DOORBELL -:2 REPLY -:27 IOP_BUSY")
MPTSAS: Table = {
    "state": enumeration(
        {0: "RESET", 0x10000000: "READY", 0x20000000: "OPERATIONAL", 0x40000000: "FAULT"}
    ),
    "who_init": enumeration(
        {0: "NO_ONE", 1: "SYSTEM_BIOS", 2: "ROM_BIOS", 3: "PCI_PEER", 4: "HOST_DRIVER", 5: "MANUFACTURER"}
    ),
    "doorbell_state": enumeration({0: "NONE", 1: "WRITE", 2: "READ"}),
    "diagnostic": bits("MEM_ENABLE DISABLE_ARM RESET_ADAPTER - RW_ENABLE RESET_HISTORY FLASH_BAD_SIGNATURE DRWE"),
    "intr_status": _MPT_INTERRUPTS,
    "intr_mask": _MPT_INTERRUPTS,
}  # fmt: skip
_PVSCSI_INTERRUPTS = bits("COMPLETION_0 COMPLETION_1 MESSAGE_0 MESSAGE_1")
PVSCSI: Table = {
    "reg_interrupt_status": _PVSCSI_INTERRUPTS,
    "reg_interrupt_enabled": _PVSCSI_INTERRUPTS,
    "reg_command_status": enumeration(
        {0: "SUCCEEDED", (1 << 64) - 1: "FAILED", (1 << 64) - 2: "NOT_ENOUGH_DATA"}
    ),
    "curr_cmd": enumeration(
        {0: "NONE", 1: "ADAPTER_RESET", 2: "ISSUE_SCSI", 3: "SETUP_RINGS", 4: "RESET_BUS", 5: "RESET_DEVICE",
         6: "ABORT_CMD", 7: "CONFIG", 8: "SETUP_MSG_RING", 9: "DEVICE_UNPLUG"}
    ),
}  # fmt: skip

# --- esp (registers: meaning.registers) --------------------------------------------------------------

_ESP_COMMANDS = {
    0x00: "NOP", 0x01: "FLUSH", 0x02: "RESET", 0x03: "BUS_RESET", 0x10: "TRANSFER", 0x11: "COMPLETE",
    0x12: "MESSAGE_ACCEPTED", 0x18: "PAD", 0x1A: "SET_ATN", 0x1B: "RESET_ATN", 0x41: "SELECT", 0x42: "SELECT_ATN",
    0x43: "SELECT_ATN_STOP", 0x44: "ENABLE_SELECTION", 0x45: "DISABLE_SELECTION",
}  # fmt: skip
_PHASES = {
    0: "DATA_OUT", 1: "DATA_IN", 2: "COMMAND", 3: "STATUS", 6: "MESSAGE_OUT", 7: "MESSAGE_IN",
}  # fmt: skip


def _esp_command(value: Any, _: Value) -> Symbol:
    if not isinstance(value, int):
        return Symbol()
    name = _ESP_COMMANDS.get(value & 0x7F, "")
    return Symbol(f"{name} DMA" if name and value & 0x80 else name)


def _esp_status(value: Any, at: Value) -> Symbol:
    if not isinstance(value, int):
        return Symbol()
    flags = bits("TC PE GE INT", 4)(value, at).name
    return Symbol(f"{_PHASES.get(value & 7, '')} {flags}".strip())


ESP: Table = {
    "*/rregs/CMD": _esp_command,
    "*/wregs/CMD": _esp_command,
    "*/rregs/RSTAT": _esp_status,
    "*/rregs/RINTR": bits("SELECTED SELECTED_ATN RESELECTED DONE BUS_SERVICE DISCONNECT ILLEGAL RESET"),
    "*/rregs/CFG1": bits("ID:3 -:3 NO_RESET_REPORT"),
    "*/mig_ti_cmd": _esp_command,
    "*/ti_cmd": _esp_command,
}  # fmt: skip
