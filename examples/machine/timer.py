"""A periodic timer, as two versions of the program have it."""

from __future__ import annotations

from machine.clock import NEVER, NS
from migstream.vmstate import U32, Bool, Timer, VMState, since

__all__ = ["TimerV1", "TimerV2"]

PERIOD, ACKNOWLEDGE, MISSED = range(3)  # registers


class TimerV1(VMState, name="toy-timer", version=1):
    """Interrupts once in `period` instructions, until it is set to 0."""

    period: U32 = 0
    deadline: Timer = NEVER
    irq: Bool = False

    def read(self, register: int) -> int:
        return self.period if register == PERIOD else 0

    def write(self, register: int, value: int, now: int) -> None:
        if register == PERIOD:
            self.period = value
            self.deadline = now + value * NS if value else NEVER
        elif register == ACKNOWLEDGE:
            self.irq = False

    def expire(self, now: int) -> None:
        self.irq = True
        self.deadline = now + self.period * NS

    def post_load(self, version: int) -> None:  # noqa: ARG002 - as every hook
        """Refuse a timer that would never let the CPU run again."""
        if self.deadline != NEVER and not self.period:
            raise ValueError("the timer is armed, and its period is 0")


class TimerV2(TimerV1, name="toy-timer", version=2, minimum_version=1):
    """Also counts the ticks that came while one was still waiting.

    A new field is a new version: this one loads streams of version 1, and finds 0 there; version 1
    refuses whatever this one saves.
    """

    missed: U32 = since(2, default=0)

    def read(self, register: int) -> int:
        return self.missed if register == MISSED else super().read(register)

    def expire(self, now: int) -> None:
        self.missed += self.irq
        super().expire(now)
