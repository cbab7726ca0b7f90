"""When a timer expires: what is left of the guest's virtual time, or a date of the host's clock.

References: QEMU, include/qemu/timer.h: QEMUClockType; hw/rtc/mc146818rtc.c: rtc_clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from migstream.vmstate.meaning.symbols.model import Symbol, date

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["timer"]

SECOND = 10**9  # ns
HOST = (
    10**18
)  # ns: a time of the host's clock since 2001, and of a guest that has run for thirty years
_DATE = date(SECOND)


def timer(value: Value) -> Symbol:
    """What is left until it expires, where it is armed."""
    expires = value.value
    if not isinstance(expires, int) or expires < 0:
        return Symbol()
    if expires >= HOST:
        return _DATE(expires, value)
    now = value.device.now()
    if now is None:
        return Symbol()
    left = (expires - now) / SECOND
    return Symbol("", f"{left:.6f} s left" if left >= 0 else f"{-left:.6f} s overdue")
