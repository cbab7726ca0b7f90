"""USB: host controllers' registers and ports, hubs, and the state of devices.

References: USB 2.0, 9.3, 9.4, 11.24; UHCI 1.1, 2.1; OHCI 1.0a, 7; EHCI 1.0, 2.3; xHCI 1.2, 5.4; HID 1.11, 7.2; Bulk-Only
Transport 1.0, 5; QEMU, include/hw/usb.h, hw/usb/core.c, hcd-ehci.c, dev-storage.c, dev-hub.c, ccid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migstream.vmstate.meaning.symbols.model import (
    Symbol,
    Table,
    address,
    bits,
    elements,
    enumeration,
    number_in_path,
    numbers,
)

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["CCID", "DEVICE", "EHCI", "HUB", "OHCI", "REDIR", "STORAGE", "UHCI", "XHCI"]

# --- host controllers --------------------------------------------------------------------------------

UHCI: Table = {
    "cmd": bits("RUN HCRESET GRESET EGSM FGR SWDBG CF MAXP"),
    "status": bits("USBINT USBERR RD HSERR HCPERR HALTED"),
    "intr": bits("TIMEOUT RESUME IOC SHORT"),
    "ports/ctrl": bits("CCS CSC EN ENC LINE:2 RD . LSDA RESET -:2 SUSPEND"),
}
_OHCI_STATES = ("RESET", "RESUME", "OPERATIONAL", "SUSPEND")


def _ohci_control(value: Any, at: Value) -> Symbol:
    if not isinstance(value, int):
        return Symbol()
    lists = bits("CBSR:2 PLE IE CLE BLE . . IR RWC RWE")(value, at).name
    return Symbol(f"{_OHCI_STATES[value >> 6 & 3]} {lists}".strip())


_OHCI_INTERRUPTS = bits("SO WDH SF RD UE FNO RHSC -:23 OC MIE")
OHCI: Table = {
    "*/ctl": _ohci_control,
    "*/old_ctl": _ohci_control,
    "state/status": bits("HCR CLF BLF OCR -:12 SOC:2"),
    "*/intr_status": _OHCI_INTERRUPTS,
    "*/intr": _OHCI_INTERRUPTS,
    "*/rhdesc_a": bits("PORTS:8 PSM NPS DT OCPM NOCP -:11 POTPGT:8"),
    "*/rhstatus": bits("LPS OCI -:13 DRWE LPSC OCIC -:13 CRWE"),
    "state/rhport/ctrl": bits("CCS PES PSS POCI PRS -:3 PPS LSDA -:6 CSC PESC PSSC OCIC PRSC"),
}
# hw/usb/hcd-ehci.c: EHCI_STATES
_EHCI_STATES = enumeration(
    {1000 + n: name for n, name in enumerate(
        ("INACTIVE", "ACTIVE", "EXECUTING", "SLEEPING", "WAITLISTHEAD", "FETCHENTRY", "FETCHQH", "FETCHITD",
         "FETCHSITD", "ADVANCEQUEUE", "FETCHQTD", "EXECUTE", "WRITEBACK", "HORIZONTALQH")
    )}
)  # fmt: skip
EHCI: Table = {
    "*/usbcmd": bits("RUN HCRESET FLS:2 PSE ASE IAAD LHCRST ASPMC:2 - ASPME -:4 ITC:8"),
    "*/usbsts": bits("USBINT USBERR PCD FLR HSE IAA -:6 HALTED REC PSS ASS"),
    "*/usbsts_pending": bits("USBINT USBERR PCD FLR HSE IAA"),
    "*/usbintr": bits("USBINT USBERR PCD FLR HSE IAA"),
    "*/portsc": bits("CCS CSC PED PEDC OCA OCC FPR SUSPEND RESET - LINE:2 POWER OWNER PIC:2 PTC:4"),
    "*/configflag": enumeration({0: ("", "ports are companions'"), 1: ("", "ports are its own")}),
    "*/astate": _EHCI_STATES,
    "*/pstate": _EHCI_STATES,
}
_PORT = bits(
    "CCS PED - OCA RESET PLS:4 POWER SPEED:4 PIC:2 LWS CSC PEC WRC OCC PRC PLC CEC CAS WCE WDE WOE - - REMOVABLE WPR"
)
_LINKS = {
    0: "U0", 1: "U1", 2: "U2", 3: "U3", 4: "disabled", 5: "waits for a device", 6: "inactive", 7: "polling",
    8: "recovery", 9: "hot reset", 10: "compliance", 11: "test", 15: "resume",
}  # fmt: skip
_SPEEDS = {1: "full speed", 2: "low speed", 3: "high speed", 4: "super speed"}


def _xhci_port(value: Any, at: Value) -> Symbol:
    """PORTSC, and in words how fast the device is and what the link does."""
    if not isinstance(value, int) or not value:
        return Symbol()
    speed, link = _SPEEDS.get(value >> 10 & 0xF, ""), _LINKS.get(value >> 5 & 0xF, "")
    return Symbol(_PORT(value, at).name, ", ".join(filter(None, (speed, link))))


XHCI: Table = {
    "*/usbcmd": bits("RUN HCRST INTE HSEE -:3 LHCRST CSS CRS EWE EU3S"),
    "*/usbsts": bits("HALTED - HSE EINT PCD -:3 SSS RSS SRE CNR HCE"),
    "*/portsc": _xhci_port,
    "*/iman": bits("IP IE"),
    "*/crcr_low": address("RCS CS CA CRR -:2", 6),
    "*/config": bits("SLOTS:8 U3E CIE"),
    "*/erdp_low": address("SEGMENT:3 BUSY", 4),
    "*/erdp": address("SEGMENT:3 BUSY", 4),
}

# --- devices -----------------------------------------------------------------------------------------

_STANDARD = {
    0: "GET_STATUS", 1: "CLEAR_FEATURE", 3: "SET_FEATURE", 5: "SET_ADDRESS", 6: "GET_DESCRIPTOR", 7: "SET_DESCRIPTOR",
    8: "GET_CONFIGURATION", 9: "SET_CONFIGURATION", 10: "GET_INTERFACE", 11: "SET_INTERFACE", 12: "SYNCH_FRAME",
}  # fmt: skip
_OF_HID = {
    1: "GET_REPORT", 2: "GET_IDLE", 3: "GET_PROTOCOL", 9: "SET_REPORT", 10: "SET_IDLE", 11: "SET_PROTOCOL",
}  # fmt: skip
_CLASSES = {
    "usb-kbd": _OF_HID,
    "usb-ptr": _OF_HID,
    "usb-hub": _STANDARD,
    "usb-storage": {0xFE: "GET_MAX_LUN", 0xFF: "RESET"},
}
CLASS, FIELDS = (
    1,
    ("bmRequestType", "bRequest", "wValue", "wValue", "wIndex", "wIndex", "wLength", "wLength"),
)


def _request_type(value: Any, _: Value) -> Symbol:
    if not isinstance(value, int):
        return Symbol()
    kind = ("STANDARD", "CLASS", "VENDOR", "type 3")[value >> 5 & 3]
    whom = {0: "DEVICE", 1: "INTERFACE", 2: "ENDPOINT", 3: "OTHER"}.get(value & 0x1F, "")
    return Symbol(" ".join(filter(None, ("IN" if value & 0x80 else "OUT", kind, whom))))


def _request(value: Any, at: Value) -> Symbol:
    """The request of a setup packet; what kind it is of says the byte before."""
    data = b"" if at.above is None else bytes(at.above.raw)
    if not isinstance(value, int) or not data:
        return Symbol()
    kind = data[0] >> 5 & 3
    known = _STANDARD if not kind else _CLASSES.get(at.device.vmsd, {}) if kind == CLASS else {}
    return Symbol(known.get(value, ""))


_SETUP = elements(FIELDS, {0: _request_type, 1: _request})
_KEYS = {
    1: "ROLLOVER", 40: "ENTER", 41: "ESC", 42: "BACKSPACE", 43: "TAB", 44: "SPACE", 57: "CAPS_LOCK", 70: "PRINT",
    71: "SCROLL_LOCK", 72: "PAUSE", 73: "INSERT", 74: "HOME", 75: "PAGE_UP", 76: "DELETE", 77: "END", 78: "PAGE_DOWN",
    79: "RIGHT", 80: "LEFT", 81: "DOWN", 82: "UP", 83: "NUM_LOCK",
    **{4 + n: chr(ord("A") + n) for n in range(26)},
    **{30 + n: str((n + 1) % 10) for n in range(10)},
    **{58 + n: f"F{n + 1}" for n in range(12)},
}  # fmt: skip


def _waiting(_: Any, at: Value) -> Symbol:
    """Whether an element of a queue waits: `n` of them do, from `head` on."""
    number, queue = number_in_path(at), at.above
    if number is None or queue is None or queue.above is None or not queue.count:
        return Symbol()
    beside = numbers(queue.above, "head", "n")
    if beside is None:
        return Symbol()
    head, waiting = beside
    return Symbol("", "waits") if (number - head) % queue.count < waiting else Symbol()


DEVICE: Table = {
    "*/state": enumeration({0: "NOTATTACHED", 1: "ATTACHED", 2: "POWERED", 3: "DEFAULT", 4: "ADDRESS", 5: "CONFIGURED", 6: "SUSPENDED"}),
    "*/setup_state": enumeration({0: "IDLE", 1: "SETUP", 2: "DATA", 3: "ACK", 4: "PARAM"}),
    "*/setup_buf": _SETUP,
    "hid/kbd.keycodes": _waiting,
    "hid/kbd.key": enumeration(_KEYS),
    "hid/kbd.modifiers": bits(
        "LEFT_CTRL LEFT_SHIFT LEFT_ALT LEFT_GUI RIGHT_CTRL RIGHT_SHIFT RIGHT_ALT RIGHT_GUI E0 E1"
    ),
    "hid/kbd.leds": bits("NUM CAPS SCROLL COMPOSE KANA"),
    "hid/ptr.queue/buttons_state": bits("LEFT RIGHT MIDDLE SIDE EXTRA"),
    "hid/protocol": enumeration({0: "BOOT", 1: "REPORT"}),
}  # fmt: skip
HUB: Table = {
    **DEVICE,
    "ports/wPortStatus": bits("CONNECTION ENABLE SUSPEND OVERCURRENT RESET -:3 POWER LOW_SPEED HIGH_SPEED TEST INDICATOR"),
    "ports/wPortChange": bits("C_CONNECTION C_ENABLE C_SUSPEND C_OVERCURRENT C_RESET"),
}  # fmt: skip
STORAGE: Table = {
    **DEVICE,
    "mode": enumeration(
        {
            0: ("CBW", "waits for a command"),
            1: "DATAOUT",
            2: "DATAIN",
            3: ("CSW", "a status is to be sent"),
        }
    ),
    "csw.status": enumeration({0: "PASSED", 1: "FAILED", 2: "PHASE_ERROR"}),
}
CCID: Table = {
    **DEVICE,
    "dev/setup_buf/bmRequestType": _request_type,
    "dev/setup_buf/bRequest": _request,
    "bmSlotICCState": bits("PRESENT CHANGED"),
    "bmCommandStatus": bits("-:6 FAILED TIME_EXTENSION"),
    "bProtocolNum": enumeration({0: "T=0", 1: "T=1"}),
}
_DEVICE_SPEEDS = enumeration({0: "LOW", 1: "FULL", 2: "HIGH", 3: "SUPER", 255: "UNKNOWN"})
REDIR: Table = {
    **DEVICE,
    "device_info/speed": _DEVICE_SPEEDS,
    "endpoint/type": enumeration(
        {0: "CONTROL", 1: "ISO", 2: "BULK", 3: "INTERRUPT", 255: "INVALID"}
    ),
}
