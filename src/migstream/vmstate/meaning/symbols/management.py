"""What manages a machine: TPMs, IPMI, watchdogs, firmware's configuration, and buses and chips for that.

References: TCG PC Client Platform TPM Profile 1.05, 6; TCG TPM 2.0, 2, 6 and 3; swtpm_ioctl.h of swtpm; IPMI 2.0, 9, 11
and 22; Intel 6300ESB, 16; QEMU, hw/tpm/tpm_tis.h, tpm_crb.c, hw/ipmi/ipmi_bmc_sim.c, ipmi_kcs.c, ipmi_bt.c,
hw/watchdog/wdt_i6300esb.c, include/standard-headers/linux/qemu_fw_cfg.h, hw/i386/fw_cfg.h, kvmvapic.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migstream.vmstate.meaning.symbols.model import Symbol, Table, bits, elements, enumeration

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = [
    "BMC",
    "BT",
    "CRB",
    "EMULATOR",
    "FW_CFG",
    "I2C",
    "I6300ESB",
    "KCS",
    "TIS",
    "TPM_SPAPR",
    "TPR",
    "VMGENID",
]

# --- TPM ---------------------------------------------------------------------------------------------

NO_LOCALITY = enumeration({0xFF: ("", "none")})
_TIS_INTERRUPTS = bits(
    "DATA_AVAILABLE STS_VALID LOCALITY_CHANGED POLARITY:2 -:2 COMMAND_READY -:23 ENABLED"
)
_STS = bits(
    "- RESPONSE_RETRY SELFTEST_DONE EXPECT DATA_AVAILABLE GO COMMAND_READY VALID BURST:16 COMMAND_CANCEL RESET_ESTABLISHMENT"
)
FAMILY = 26  # where two bits are that say which


def _sts(value: Any, at: Value) -> Symbol:
    if not isinstance(value, int):
        return Symbol()
    family = {0: "TPM1.2", 1: "TPM2.0"}.get(value >> FAMILY & 3, "")
    return Symbol(" ".join(filter(None, (_STS(value & (1 << FAMILY) - 1, at).name, family))))


_CODES = {
    0x000: "SUCCESS", 0x11F: "NV_UndefineSpaceSpecial", 0x120: "EvictControl", 0x121: "HierarchyControl",
    0x122: "NV_UndefineSpace", 0x124: "ChangeEPS", 0x125: "ChangePPS", 0x126: "Clear", 0x127: "ClearControl",
    0x128: "ClockSet", 0x129: "HierarchyChangeAuth", 0x12A: "NV_DefineSpace", 0x12B: "PCR_Allocate",
    0x12C: "PCR_SetAuthPolicy", 0x12E: "SetPrimaryPolicy", 0x130: "ClockRateAdjust", 0x131: "CreatePrimary",
    0x132: "NV_GlobalWriteLock", 0x134: "NV_Increment", 0x135: "NV_SetBits", 0x136: "NV_Extend", 0x137: "NV_Write",
    0x138: "NV_WriteLock", 0x139: "DictionaryAttackLockReset", 0x13A: "DictionaryAttackParameters",
    0x13B: "NV_ChangeAuth", 0x13C: "PCR_Event", 0x13D: "PCR_Reset", 0x13E: "SequenceComplete", 0x142: "IncrementalSelfTest",
    0x143: "SelfTest", 0x144: "Startup", 0x145: "Shutdown", 0x146: "StirRandom", 0x147: "ActivateCredential",
    0x148: "Certify", 0x14A: "CertifyCreation", 0x14E: "NV_Read", 0x14F: "NV_ReadLock", 0x150: "ObjectChangeAuth",
    0x151: "PolicySecret", 0x153: "Create", 0x154: "ECDH_ZGen", 0x155: "HMAC", 0x156: "Import", 0x157: "Load",
    0x158: "Quote", 0x159: "RSA_Decrypt", 0x15B: "HMAC_Start", 0x15C: "SequenceUpdate", 0x15D: "Sign", 0x15E: "Unseal",
    0x160: "PolicySigned", 0x161: "ContextLoad", 0x162: "ContextSave", 0x163: "ECDH_KeyGen", 0x164: "EncryptDecrypt",
    0x165: "FlushContext", 0x167: "LoadExternal", 0x168: "MakeCredential", 0x169: "NV_ReadPublic", 0x173: "ReadPublic",
    0x174: "RSA_Encrypt", 0x176: "StartAuthSession", 0x177: "VerifySignature", 0x178: "ECC_Parameters",
    0x17A: "GetCapability", 0x17B: "GetRandom", 0x17C: "GetTestResult", 0x17D: "Hash", 0x17E: "PCR_Read",
    0x17F: "PolicyPCR", 0x180: "PolicyRestart", 0x181: "ReadClock", 0x182: "PCR_Extend", 0x186: "HashSequenceStart",
    0x100: "INITIALIZE", 0x101: "FAILURE",
}  # fmt: skip
_TIS_BUFFER: Table = {
    "state.buffer/tag": enumeration({0x8001: "NO_SESSIONS", 0x8002: "SESSIONS", 0x00C1: "RQU_COMMAND", 0x00C4: "RSP_COMMAND"}),
    "state.buffer/code": enumeration(_CODES),
}  # fmt: skip
TIS: Table = {
    **_TIS_BUFFER,
    "state.loc/state": enumeration({0: "IDLE", 1: "READY", 2: "COMPLETION", 3: "EXECUTION", 4: "RECEPTION"}),
    "*/access": bits("ESTABLISHMENT REQUEST_USE PENDING_REQUEST SEIZE BEEN_SEIZED ACTIVE_LOCALITY - VALID"),
    "*/sts": _sts,
    "*/inte": _TIS_INTERRUPTS,
    "*/ints": _TIS_INTERRUPTS,
    "*/state.active_locty": NO_LOCALITY,
    "*/state.aborting_locty": NO_LOCALITY,
    "*/state.next_locty": NO_LOCALITY,
}  # fmt: skip
_CRB = (
    "LOC_STATE", "", "LOC_CTRL", "LOC_STS", "", "", "", "", "", "", "", "", "INTF_ID", "INTF_ID2", "CTRL_EXT",
    "CTRL_EXT_HIGH", "CTRL_REQ", "CTRL_STS", "CTRL_CANCEL", "CTRL_START", "INT_ENABLE", "INT_STS", "CTRL_CMD_SIZE",
    "CTRL_CMD_LADDR", "CTRL_CMD_HADDR", "CTRL_RSP_SIZE", "CTRL_RSP_LADDR", "CTRL_RSP_HADDR",
)  # fmt: skip
CRB: Table = {
    "regs": elements(
        _CRB,
        {
            0: bits("ESTABLISHED LOC_ASSIGNED LOCALITY:3 - - VALID"),
            3: bits("GRANTED BEEN_SEIZED"),
            16: bits("READY GO_IDLE"),
            17: bits("ERROR IDLE"),
            18: bits("CANCEL"),
            19: bits("INVOKE"),
        },
    ),
}
TPM_SPAPR: Table = {"state": enumeration({0: "NONE", 1: "EXECUTION", 2: "COMPLETION"})}
_FLAGS = bits("DECRYPTED ENCRYPTED")
_TAGS = enumeration(
    {1: "DATA", 2: "ENCRYPTED_DATA", 3: "HMAC", 4: "MIGRATION_DATA", 5: "ENCRYPTED_MIGRATION_DATA",
     6: "IVEC_ENCRYPTED_DATA", 7: "IVEC_ENCRYPTED_MIGRATION_DATA"}
)  # fmt: skip
EMULATOR: Table = {
    "state_blobs.permanent_flags": _FLAGS,
    "state_blobs.volatil_flags": _FLAGS,
    "state_blobs.savestate_flags": _FLAGS,
    "*/flags": bits(
        "ENCRYPTED MIGRATION_ENCRYPTED MIGRATION_DATA ENCRYPTED_256BIT MIGRATION_256BIT"
    ),
    "*/tag": _TAGS,
    "*/magic": enumeration({0xAB364723: "PERSISTENT_ALL", 0x45637889: "VOLATILE_STATE"}),
}

# --- IPMI --------------------------------------------------------------------------------------------

_USES = {1: "BIOS_FRB2", 2: "BIOS_POST", 3: "OS_LOAD", 4: "SMS_OS", 5: "OEM"}
_ACTIONS, _PRETIMEOUTS = (
    {1: "RESET", 2: "POWER_DOWN", 3: "POWER_CYCLE"},
    {1: "SMI", 2: "NMI", 3: "MESSAGE"},
)


def _use(value: Any, at: Value) -> Symbol:
    if not isinstance(value, int):
        return Symbol()
    flags = bits("DONT_STOP DONT_LOG", 6)(value, at).name
    return Symbol(f"{_USES.get(value & 7, '')} {flags}".strip())


def _action(value: Any, _: Value) -> Symbol:
    if not isinstance(value, int):
        return Symbol()
    before = _PRETIMEOUTS.get(value >> 4 & 7, "")
    return Symbol(
        " ".join(filter(None, (_ACTIONS.get(value & 7, ""), before and f"BEFORE={before}")))
    )


BMC: Table = {
    "bmc_global_enables": bits(
        "RECEIVED_INT EVENT_BUFFER_FULL_INT EVENT_BUFFER EVENT_LOG - OEM0 OEM1 OEM2"
    ),
    "msg_flags": bits("RECEIVED EVENT_BUFFER_FULL - WATCHDOG - OEM0 OEM1 OEM2"),
    "watchdog_use": _use,
    "watchdog_action": _action,
    "sensors.status": bits("PRESENT -:5 SCANNING EVENTS"),
}
_NET = {
    0: "CHASSIS",
    2: "BRIDGE",
    4: "SENSOR_EVENT",
    6: "APP",
    8: "FIRMWARE",
    10: "STORAGE",
    12: "TRANSPORT",
}


def _net(value: Any, _: Value) -> Symbol:
    """The byte that a message begins with: its function, which is odd of an answer, and a logical unit."""
    if not isinstance(value, int) or not value:
        return Symbol()
    function = value >> 2
    name = _NET.get(function & ~1, "")
    return Symbol(f"{name}{'_RESPONSE' * (function & 1)}" if name else "")


_MESSAGE = elements(("NETFN", "CMD"), {0: _net})


def _kcs_status(value: Any, at: Value) -> Symbol:
    if not isinstance(value, int):
        return Symbol()
    state = ("IDLE", "READ", "WRITE", "ERROR")[value >> 6 & 3]
    return Symbol(f"{state} {bits('OBF IBF SMS_ATN CD OEM1 OEM2')(value & 0x3F, at).name}".strip())


KCS: Table = {
    "*/status_reg": _kcs_status,
    "*/inmsg": _MESSAGE,
    "*/outmsg": _MESSAGE,
    "*/data_in_reg": enumeration({-1: ("", "nothing")}),
    "*/cmd_reg": enumeration({-1: ("", "nothing"), 0x60: "GET_STATUS_ABORT", 0x61: "WRITE_START", 0x62: "WRITE_END", 0x68: "READ"}),
}  # fmt: skip
BT: Table = {
    "*/control_reg": bits("CLR_WR_PTR CLR_RD_PTR H2B_ATN B2H_ATN SMS_ATN OEM0 H_BUSY B_BUSY"),
    "*/mask_reg": bits("B2H_IRQ_EN B2H_IRQ"),
}

# --- watchdogs ---------------------------------------------------------------------------------------

I6300ESB: Table = {
    "int_type": enumeration({0: "IRQ", 2: "SMI", 3: "DISABLED"}),
    "clock_scale": enumeration({0: ("", "1 kHz"), 1: ("", "1 MHz")}),
    "stage": enumeration({1: ("", "the first timer runs"), 2: ("", "the second timer runs, then it resets")}),
    "unlock_state": enumeration({0: "LOCKED", 1: ("", "the first word was written"), 2: "UNLOCKED"}),
}  # fmt: skip

# --- firmware's configuration ------------------------------------------------------------------------

_KEYS = {
    0x00: "SIGNATURE", 0x01: "ID", 0x02: "UUID", 0x03: "RAM_SIZE", 0x04: "NOGRAPHIC", 0x05: "NB_CPUS", 0x06: "MACHINE_ID",
    0x07: "KERNEL_ADDR", 0x08: "KERNEL_SIZE", 0x09: "KERNEL_CMDLINE", 0x0A: "INITRD_ADDR", 0x0B: "INITRD_SIZE",
    0x0C: "BOOT_DEVICE", 0x0D: "NUMA", 0x0E: "BOOT_MENU", 0x0F: "MAX_CPUS", 0x10: "KERNEL_ENTRY", 0x11: "KERNEL_DATA",
    0x12: "INITRD_DATA", 0x13: "CMDLINE_ADDR", 0x14: "CMDLINE_SIZE", 0x15: "CMDLINE_DATA", 0x16: "SETUP_ADDR",
    0x17: "SETUP_SIZE", 0x18: "SETUP_DATA", 0x19: "FILE_DIR", 0xFFFF: "INVALID",
}  # fmt: skip
_OF_A_PC = {
    0x8000: "ACPI_TABLES",
    0x8001: "SMBIOS_ENTRIES",
    0x8002: "IRQ0_OVERRIDE",
    0x8003: "E820_TABLE",
    0x8004: "HPET",
}
_PC = ("pc-", "isapc", "microvm")
FIRST_FILE, OF_MACHINE = 0x20, 0x8000


def _entry(value: Any, at: Value) -> Symbol:
    """Which entry firmware reads: files have their place in the directory, in the order of their names."""
    if not isinstance(value, int):
        return Symbol()
    if FIRST_FILE <= value < OF_MACHINE >> 1:
        return Symbol(f"FILE{value - FIRST_FILE}")
    pc = (at.device.machine or "").startswith(_PC)
    return Symbol(_KEYS.get(value) or (_OF_A_PC.get(value, "") if pc else ""))


FW_CFG: Table = {"cur_entry": _entry}

# --- small things ------------------------------------------------------------------------------------

TPR: Table = {"state": enumeration({0: "INACTIVE", 1: "ACTIVE", 2: "STANDBY"})}
I2C: Table = {"saved_address": enumeration({0xFF: ("", "no transfer")})}


def _address(value: Any, at: Value) -> Symbol:
    """Of eight bytes, the lowest first, where the generation ID is in guest memory."""
    whole = b"" if at.above is None else bytes(at.above.raw)
    if not isinstance(value, int) or not at.path.endswith("[0]"):
        return Symbol()
    return Symbol("", f"at {int.from_bytes(whole, 'little'):#x}")


VMGENID: Table = {"vmgenid_addr_le": _address}
