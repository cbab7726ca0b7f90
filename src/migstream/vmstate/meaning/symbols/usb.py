"""USB: host controllers' registers, devices' states.

References: UHCI 1.1, 2.1; EHCI 1.0, 2.3; xHCI 1.2, 5.4; QEMU, include/hw/usb.h, hw/usb/core.c.
"""

from __future__ import annotations

from migstream.vmstate.meaning.symbols.model import Table, bits, enumeration

__all__ = ["DEVICE", "EHCI", "UHCI", "XHCI"]

UHCI: Table = {
    "cmd": bits("RUN HCRESET GRESET EGSM FGR SWDBG CF MAXP"),
    "status": bits("USBINT USBERR RD HSERR HCPERR HALTED"),
    "intr": bits("TIMEOUT RESUME IOC SHORT"),
    "ports/ctrl": bits("CCS CSC EN ENC LINE:2 RD . LSDA RESET -:2 SUSPEND"),
}
EHCI: Table = {
    "*/usbcmd": bits("RUN HCRESET FLS:2 PSE ASE IAAD LHCRST ASPMC:2 - ASPME -:4 ITC:8"),
    "*/usbsts": bits("USBINT USBERR PCD FLR HSE IAA -:6 HALTED REC PSS ASS"),
    "*/usbintr": bits("USBINT USBERR PCD FLR HSE IAA"),
    "*/portsc": bits("CCS CSC PED PEDC OCA OCC FPR SUSPEND RESET - LINE:2 POWER OWNER PIC:2 PTC:4"),
}
XHCI: Table = {
    "*/usbcmd": bits("RUN HCRST INTE HSEE - - - LHCRST CSS CRS EWE EU3S"),
    "*/usbsts": bits("HALTED - HSE EINT PCD - - - SSS RSS SRE CNR HCE"),
    "*/portsc": bits(
        "CCS PED - OCA RESET PLS:4 POWER SPEED:4 PIC:2 LWS CSC PEC WRC OCC PRC PLC CEC CAS WCE WDE WOE - - REMOVABLE WPR"
    ),
    "*/iman": bits("IP IE"),
}
DEVICE: Table = {
    "*/state": enumeration({0: "NOTATTACHED", 1: "ATTACHED", 3: "DEFAULT", 6: "SUSPENDED"}),
    "*/setup_state": enumeration({0: "IDLE", 1: "SETUP", 2: "DATA", 3: "ACK", 4: "PARAM"}),
    "hid/kbd.modifiers": bits(
        "LEFT_CTRL LEFT_SHIFT LEFT_ALT LEFT_GUI RIGHT_CTRL RIGHT_SHIFT RIGHT_ALT RIGHT_GUI E0"
    ),
    "hid/kbd.leds": bits("NUM CAPS SCROLL COMPOSE KANA"),
    "hid/protocol": enumeration({0: "BOOT", 1: "REPORT"}),
}
