"""SCSI's own words: commands, what a device says where one failed.

References: SPC-5, 4.5 and 6; SBC-4, 5; MMC-6, 6; T10's lists of operation codes and of additional sense codes;
QEMU, scsi/utils.c, include/scsi/constants.h.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migstream.vmstate.meaning.symbols.model import Symbol, enumeration, number_in_path

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["COMMANDS", "KEYS", "STATUSES", "code", "command", "key", "qualifier", "sense", "status"]

KEYS = {
    0x0: "NO_SENSE", 0x1: "RECOVERED_ERROR", 0x2: "NOT_READY", 0x3: "MEDIUM_ERROR", 0x4: "HARDWARE_ERROR",
    0x5: "ILLEGAL_REQUEST", 0x6: "UNIT_ATTENTION", 0x7: "DATA_PROTECT", 0x8: "BLANK_CHECK", 0x9: "VENDOR_SPECIFIC",
    0xA: "COPY_ABORTED", 0xB: "ABORTED_COMMAND", 0xD: "VOLUME_OVERFLOW", 0xE: "MISCOMPARE", 0xF: "COMPLETED",
}  # fmt: skip
STATUSES = {
    0x00: "GOOD", 0x02: "CHECK_CONDITION", 0x04: "CONDITION_MET", 0x08: "BUSY", 0x10: "INTERMEDIATE_GOOD",
    0x14: "INTERMEDIATE_C_GOOD", 0x18: "RESERVATION_CONFLICT", 0x22: "COMMAND_TERMINATED", 0x28: "TASK_SET_FULL",
    0x30: "ACA_ACTIVE", 0x40: "TASK_ABORTED",
}  # fmt: skip
COMMANDS = {
    0x00: "TEST_UNIT_READY", 0x01: "REWIND", 0x03: "REQUEST_SENSE", 0x04: "FORMAT_UNIT", 0x05: "READ_BLOCK_LIMITS",
    0x07: "INITIALIZE_ELEMENT_STATUS", 0x08: "READ_6", 0x0A: "WRITE_6", 0x0B: "SET_CAPACITY", 0x0F: "READ_REVERSE",
    0x10: "WRITE_FILEMARKS", 0x11: "SPACE", 0x12: "INQUIRY", 0x13: "VERIFY_6", 0x14: "RECOVER_BUFFERED_DATA",
    0x15: "MODE_SELECT", 0x16: "RESERVE", 0x17: "RELEASE", 0x18: "COPY", 0x19: "ERASE", 0x1A: "MODE_SENSE",
    0x1B: "START_STOP", 0x1C: "RECEIVE_DIAGNOSTIC", 0x1D: "SEND_DIAGNOSTIC", 0x1E: "ALLOW_MEDIUM_REMOVAL",
    0x23: "READ_FORMAT_CAPACITIES", 0x25: "READ_CAPACITY_10", 0x28: "READ_10", 0x2A: "WRITE_10", 0x2B: "SEEK_10",
    0x2C: "ERASE_10", 0x2E: "WRITE_VERIFY_10", 0x2F: "VERIFY_10", 0x30: "SEARCH_HIGH", 0x31: "SEARCH_EQUAL",
    0x32: "SEARCH_LOW", 0x33: "SET_LIMITS", 0x34: "PRE_FETCH", 0x35: "SYNCHRONIZE_CACHE", 0x36: "LOCK_UNLOCK_CACHE",
    0x37: "INITIALIZE_ELEMENT_STATUS_WITH_RANGE", 0x38: "MEDIUM_SCAN", 0x39: "COMPARE", 0x3A: "COPY_VERIFY",
    0x3B: "WRITE_BUFFER", 0x3C: "READ_BUFFER", 0x3D: "UPDATE_BLOCK", 0x3E: "READ_LONG_10", 0x3F: "WRITE_LONG_10",
    0x41: "WRITE_SAME_10", 0x42: "UNMAP", 0x43: "READ_TOC", 0x44: "REPORT_DENSITY_SUPPORT", 0x46: "GET_CONFIGURATION",
    0x48: "SANITIZE", 0x4A: "GET_EVENT_STATUS_NOTIFICATION", 0x4C: "LOG_SELECT", 0x4D: "LOG_SENSE",
    0x51: "READ_DISC_INFORMATION", 0x52: "READ_TRACK_INFORMATION", 0x53: "RESERVE_TRACK", 0x54: "SEND_OPC",
    0x55: "MODE_SELECT_10", 0x56: "RESERVE_10", 0x57: "RELEASE_10", 0x5A: "MODE_SENSE_10", 0x5B: "CLOSE_TRACK",
    0x5C: "READ_BUFFER_CAPACITY", 0x5E: "PERSISTENT_RESERVE_IN", 0x5F: "PERSISTENT_RESERVE_OUT", 0x7F: "VARLENGTH_CDB",
    0x80: "WRITE_FILEMARKS_16", 0x83: "EXTENDED_COPY", 0x84: "RECEIVE_COPY_RESULTS", 0x85: "ATA_PASSTHROUGH_16",
    0x86: "ACCESS_CONTROL_IN", 0x87: "ACCESS_CONTROL_OUT", 0x88: "READ_16", 0x89: "COMPARE_AND_WRITE", 0x8A: "WRITE_16",
    0x8C: "READ_ATTRIBUTE", 0x8D: "WRITE_ATTRIBUTE", 0x8E: "WRITE_VERIFY_16", 0x8F: "VERIFY_16", 0x90: "PRE_FETCH_16",
    0x91: "SYNCHRONIZE_CACHE_16", 0x92: "LOCATE_16", 0x93: "WRITE_SAME_16", 0x94: "ZBC_OUT", 0x95: "ZBC_IN",
    0x9E: "SERVICE_ACTION_IN_16", 0x9F: "SERVICE_ACTION_OUT_16", 0xA0: "REPORT_LUNS", 0xA1: "ATA_PASSTHROUGH_12",
    0xA2: "SECURITY_PROTOCOL_IN", 0xA3: "MAINTENANCE_IN", 0xA4: "MAINTENANCE_OUT", 0xA5: "MOVE_MEDIUM",
    0xA6: "LOAD_UNLOAD", 0xA7: "SET_READ_AHEAD", 0xA8: "READ_12", 0xAA: "WRITE_12", 0xAB: "SERVICE_ACTION_IN_12",
    0xAC: "ERASE_12", 0xAD: "READ_DVD_STRUCTURE", 0xAE: "WRITE_VERIFY_12", 0xAF: "VERIFY_12", 0xB0: "SEARCH_HIGH_12",
    0xB1: "SEARCH_EQUAL_12", 0xB2: "SEARCH_LOW_12", 0xB5: "SECURITY_PROTOCOL_OUT", 0xB6: "SET_STREAMING",
    0xB8: "READ_ELEMENT_STATUS", 0xB9: "READ_CD_MSF", 0xBA: "SCAN", 0xBB: "SET_CD_SPEED", 0xBC: "PLAY_CD",
    0xBD: "MECHANISM_STATUS", 0xBE: "READ_CD", 0xBF: "SEND_DVD_STRUCTURE",
}  # fmt: skip
_CODES = {
    0x00: "NO_ADDITIONAL_SENSE", 0x04: "LOGICAL_UNIT_NOT_READY", 0x08: "COMMUNICATION_FAILURE", 0x0C: "WRITE_ERROR",
    0x11: "UNRECOVERED_READ_ERROR", 0x1A: "PARAMETER_LIST_LENGTH_ERROR", 0x1D: "MISCOMPARE", 0x20: "INVALID_OPCODE",
    0x21: "LBA_OUT_OF_RANGE", 0x24: "INVALID_FIELD_IN_CDB", 0x25: "LOGICAL_UNIT_NOT_SUPPORTED",
    0x26: "INVALID_FIELD_IN_PARAMETER_LIST", 0x27: "WRITE_PROTECTED", 0x28: "MEDIUM_MAY_HAVE_CHANGED",
    0x29: "POWER_ON_OR_RESET", 0x2A: "PARAMETERS_CHANGED", 0x2C: "COMMAND_SEQUENCE_ERROR", 0x2F: "COMMANDS_CLEARED",
    0x30: "INCOMPATIBLE_MEDIUM", 0x39: "SAVING_PARAMETERS_NOT_SUPPORTED", 0x3A: "MEDIUM_NOT_PRESENT",
    0x3E: "LOGICAL_UNIT_FAILURE", 0x3F: "TARGET_OPERATING_CONDITIONS_CHANGED", 0x44: "INTERNAL_TARGET_FAILURE",
    0x45: "SELECT_OR_RESELECT_FAILURE", 0x47: "SCSI_PARITY_ERROR", 0x4B: "DATA_PHASE_ERROR",
    0x4E: "OVERLAPPED_COMMANDS", 0x53: "MEDIA_LOAD_OR_EJECT_FAILED", 0x55: "SYSTEM_RESOURCE_FAILURE",
    0x5A: "OPERATOR_REQUEST", 0x6F: "COPY_PROTECTION_KEY_FAILURE",
}  # fmt: skip
# Where the second byte says something else than the first alone.
_QUALIFIED = {
    (0x04, 0x01): "BECOMING_READY", (0x04, 0x02): "INITIALIZING_COMMAND_REQUIRED", (0x00, 0x06): "IO_PROCESS_TERMINATED",
    (0x29, 0x01): "POWER_ON", (0x29, 0x02): "SCSI_BUS_RESET", (0x29, 0x03): "BUS_DEVICE_RESET",
    (0x29, 0x07): "I_T_NEXUS_LOSS", (0x2A, 0x01): "MODE_PARAMETERS_CHANGED", (0x2A, 0x09): "CAPACITY_CHANGED",
    (0x3A, 0x01): "MEDIUM_NOT_PRESENT_TRAY_CLOSED", (0x3A, 0x02): "MEDIUM_NOT_PRESENT_TRAY_OPEN",
    (0x3F, 0x0E): "REPORTED_LUNS_CHANGED", (0x53, 0x02): "MEDIUM_REMOVAL_PREVENTED",
    (0x5A, 0x01): "OPERATOR_REQUESTS_REMOVAL", (0x30, 0x02): "INCOMPATIBLE_FORMAT",
}  # fmt: skip

key = enumeration(KEYS)
status = enumeration(STATUSES)
command = enumeration(COMMANDS)


def code(value: Any, _: Value) -> Symbol:
    """What additional sense code `asc` is, which is nothing where it is 0."""
    return Symbol(_CODES.get(value, "")) if isinstance(value, int) and value else Symbol()


def qualifier(value: Any, at: Value) -> Symbol:
    """What the qualifier `ascq` says of the `asc` beside it."""
    if not isinstance(value, int) or at.above is None:
        return Symbol()
    first = next((one for one in at.above if one.name.rpartition(".")[2] == "asc"), None)
    return Symbol() if first is None else Symbol(_QUALIFIED.get((int(first), value), ""))


# SPC-5, 4.5: where the three are in sense data of fixed format and in that of descriptors.
_FIXED = {2: "key", 7: "length", 12: "asc", 13: "ascq"}
_DESCRIPTORS = {1: "key", 2: "asc", 3: "ascq", 7: "length"}
_FORMATS = {
    0x70: "FIXED",
    0x71: "FIXED_DEFERRED",
    0x72: "DESCRIPTORS",
    0x73: "DESCRIPTORS_DEFERRED",
}


def sense(value: Any, at: Value) -> Symbol:
    """A byte of a device's sense data: its format, key, code and qualifier."""
    number = number_in_path(at)
    if not isinstance(value, int) or number is None or at.above is None:
        return Symbol()
    data = bytes(at.above.raw)
    if number == 0:
        return Symbol(_FORMATS.get(value & 0x7F, ""))
    places = _DESCRIPTORS if data[0] & 0x7F >= 0x72 else _FIXED
    what = places.get(number, "")
    if what == "key":
        return Symbol(KEYS.get(value & 0xF, ""))
    if what == "asc":
        return code(value, at)
    first = next((n for n, one in places.items() if one == "asc"), 0)
    known = what == "ascq" and first < len(data)
    return Symbol(_QUALIFIED.get((data[first], value), "")) if known else Symbol()
