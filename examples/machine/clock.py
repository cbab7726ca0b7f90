"""The one clock of the machine. It counts instructions, so that every run is the same run."""

from __future__ import annotations

from typing import Protocol

__all__ = ["NEVER", "NS", "Device"]

NS = 1000  # nanoseconds of the machine that one instruction takes
NEVER = -1  # a timer that is not armed


class Device(Protocol):
    """What the CPU reaches through ports, and what happens by itself."""

    deadline: int  # ns when something happens, or NEVER

    def read(self, register: int) -> int:
        """Value of a register, 32 bits."""
        ...

    def write(self, register: int, value: int, now: int) -> None:
        """Set a register at `now` ns."""
        ...

    def expire(self, now: int) -> None:
        """The deadline is here."""
        ...
