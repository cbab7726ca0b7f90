"""What a PC has had since 1981, and its clones: UART, keyboard, timer, interrupt and DMA controllers, clock and HPET.

References: NS PC16550D; Intel 8042, 8254, 8259A, 8237A; Motorola MC146818A; IA-PC HPET 1.0a; QEMU,
hw/char/serial.c, hw/input/pckbd.c, ps2.c, hw/timer/i8254_common.c, hpet.c, hw/intc/i8259_common.c,
hw/rtc/mc146818rtc.c, hw/dma/i8257.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migstream.vmstate.meaning.symbols.model import (
    Symbol,
    Table,
    bits,
    date,
    enumeration,
    number_in_path,
    numbers,
)

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = [
    "DMA",
    "HPET",
    "I8254",
    "I8259",
    "PCKBD",
    "PORT92",
    "PS2",
    "RTC",
    "SERIAL",
]

CLOCK = 115200  # of the UART, in bits a second at a divider of 1
PIT = 1193182  # Hz


def _baud(value: Any, _: Value) -> Symbol:
    good = isinstance(value, int) and value > 0
    return Symbol("", f"{CLOCK // value} baud") if good else Symbol()


SERIAL: Table = {
    "*/divider": _baud,
    "*/ier": bits("RDI THRI RLSI MSI"),
    "*/iir": enumeration(
        {0x00: "MSI", 0x01: "NO_INT", 0x02: "THRI", 0x04: "RDI", 0x06: "RLSI", 0x0C: "CTI", 0xC1: "NO_INT FIFO",
         0xC2: "THRI FIFO", 0xC4: "RDI FIFO", 0xC6: "RLSI FIFO", 0xCC: "CTI FIFO"}
    ),
    "*/lcr": bits("LENGTH:2 STOP PARITY EVEN STICK BREAK DLAB"),
    "*/mcr": bits("DTR RTS OUT1 OUT2 LOOP AFE"),
    "*/lsr": bits("DR OE PE FE BI THRE TEMT FIFO_ERROR"),
    "*/msr": bits("DCTS DDSR TERI DDCD CTS DSR RI DCD"),
    "*/fcr_vmstate": bits("ENABLE RESET_RX RESET_TX DMA - - TRIGGER:2"),
}  # fmt: skip
PCKBD: Table = {
    "*/status": bits("OBF IBF SYS CMD UNLOCKED MOUSE_OBF TIMEOUT PARITY"),
    "*/mode": bits("KBD_INT MOUSE_INT SYS NO_KEYLOCK DISABLE_KBD DISABLE_MOUSE KCC"),
    "*/outport": bits("RESET A20 - - OBF MOUSE_OBF"),
    "*/pending": bits("KBD_COMPAT AUX_COMPAT CTRL_KBD CTRL_AUX KBD AUX"),
    "*/pending_tmp": bits("KBD AUX"),
}
PORT92: Table = {"outport": bits("RESET A20")}


def _queued(value: Any, at: Value) -> Symbol:
    """The bytes that wait, the oldest first: `count` of them from `rptr` on."""
    if not isinstance(value, bytes) or at.above is None:
        return Symbol()
    beside = numbers(at.above, "queue.rptr", "queue.count")
    if beside is None:
        return Symbol()
    first, count = beside
    if not 0 <= count <= len(value) or not 0 <= first < len(value):
        return Symbol()
    waiting = bytes(value[(first + n) % len(value)] for n in range(count))
    return Symbol("", f"{waiting.hex(' ')} wait" if waiting else "nothing waits")


PS2: Table = {
    "*/queue.data": _queued,
    "scancode_set": enumeration({1: "SET_1", 2: "SET_2", 3: "SET_3"}),
    "mouse_status": bits("-:4 SCALE_21 ENABLED REMOTE"),
    "mouse_type": enumeration({0: "PS2", 3: ("IMPS2", "with a wheel"), 4: ("IMEX", "with five buttons")}),
    "mouse_buttons": bits("LEFT RIGHT MIDDLE SIDE EXTRA"),
}  # fmt: skip


def _frequency(value: Any, _: Value) -> Symbol:
    good = isinstance(value, int) and value > 0
    return Symbol("", f"{PIT / value:.2f} Hz") if good else Symbol()


I8254: Table = {
    "channels/mode": enumeration(
        {0: "INTERRUPT_ON_TERMINAL_COUNT", 1: "ONE_SHOT", 2: "RATE_GENERATOR", 3: "SQUARE_WAVE",
         4: "SOFTWARE_STROBE", 5: "HARDWARE_STROBE"}
    ),
    "channels/rw_mode": enumeration({1: "LSB", 2: "MSB", 3: "LSB_MSB"}),
    "channels/count": _frequency,
}  # fmt: skip


def _irqs(value: Any, at: Value) -> Symbol:
    """Eight lines; the second controller has those from 8 on."""
    if not isinstance(value, int):
        return Symbol()
    first = 8 * (at.device.path.endswith("[1]"))
    return Symbol(" ".join(f"IRQ{first + n}" for n in range(8) if value >> n & 1))


I8259: Table = dict.fromkeys(("last_irr", "irr", "imr", "isr", "elcr"), _irqs)


def _bcd(value: int) -> int:
    return 10 * (value >> 4) + (value & 0xF)


# Registers of the clock (MC146818A), and where a PC keeps the century.
SECONDS, MINUTES, HOURS, DAY, MONTH, YEAR, REGISTER_B, CENTURY = 0, 2, 4, 7, 8, 9, 11, 0x32
BINARY, H24, PM = 0x04, 0x02, 0x80


def clock(data: bytes) -> str:
    """The date and time that the clock shows, empty where its registers are none."""
    if len(data) <= CENTURY:
        return ""
    number = int if data[REGISTER_B] & BINARY else _bcd
    hours = data[HOURS] & ~PM if not data[REGISTER_B] & H24 else data[HOURS]
    hour = number(hours)
    if not data[REGISTER_B] & H24:
        hour = hour % 12 + (12 if data[HOURS] & PM else 0)
    year = 100 * number(data[CENTURY]) + number(data[YEAR])
    month, day, minute, second = (number(data[n]) for n in (MONTH, DAY, MINUTES, SECONDS))
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 60):
        return ""
    return f"{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"


def _clock(value: Any, _: Value) -> Symbol:
    return Symbol("", clock(value)) if isinstance(value, bytes) else Symbol()


RTC: Table = {
    "cmos_data": _clock,
    "base_rtc": date(),
    "last_update": date(10**9),
    "next_alarm_time": date(10**9),
}
HPET: Table = {
    "config": bits("ENABLE LEGACY"),
    "timer/config": bits(
        "- LEVEL INT_ENABLE PERIODIC PERIODIC_CAP SIZE_64_CAP SETVAL - MODE_32 ROUTE:5 FSB_ENABLE FSB_CAP -:16 ROUTES:32"
    ),
    "isr": bits(" ".join(f"TIMER{n}" for n in range(32))),
}


def _mode(value: Any, at: Value) -> Symbol:
    """The mode of one of a DMA controller's channels, which is the element's number."""
    if not isinstance(value, int):
        return Symbol()
    direction = ("VERIFY", "WRITE", "READ", "direction 3")[value >> 2 & 3]
    kind = ("DEMAND", "SINGLE", "BLOCK", "CASCADE")[value >> 6 & 3]
    names = (
        direction,
        kind,
        "DECREMENT" if value & 0x20 else "",
        "AUTOINIT" if value & 0x10 else "",
    )
    number = number_in_path(at)
    channel = "" if number is None else f"channel {number}"
    return Symbol(" ".join(filter(None, (channel, *names))) if value else "")


DMA: Table = {
    "regs/mode": _mode,
    "mask": bits("CHANNEL0 CHANNEL1 CHANNEL2 CHANNEL3"),
}
