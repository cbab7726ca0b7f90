"""A UART that only sends, as two versions of the program have it."""

from __future__ import annotations

from collections.abc import Callable

from machine.clock import NEVER, NS
from migstream.vmstate import U8, Timer, VMState, array, local, subsection

__all__ = ["UartV1", "UartV2"]

DATA, READY, CONTROL, IDLE = range(4)  # registers
BYTE_TIME = 64 * NS  # to send one byte
FIFO_SIZE = 16


class UartV1(VMState, name="toy-uart", version=1):
    """One byte at a time; what is written while it is not ready is lost."""

    thr: U8 = 0  # the byte that is being sent
    deadline: Timer = NEVER  # when it will have been
    output: Callable[[bytes], object] = local(lambda _: None)

    @property
    def idle(self) -> bool:
        """All has been sent."""
        return self.deadline == NEVER

    @property
    def ready(self) -> bool:
        """The next byte would not be lost."""
        return self.idle

    def read(self, register: int) -> int:
        return int((register == READY and self.ready) or (register == IDLE and self.idle))

    def write(self, register: int, value: int, now: int) -> None:
        if register == DATA and self.ready:
            self.send(value & 0xFF, now)

    def send(self, value: int, now: int) -> None:
        self.thr, self.deadline = value, now + BYTE_TIME

    def expire(self, now: int) -> None:  # noqa: ARG002 - as every device
        self.deadline = NEVER
        self.output(bytes((self.thr,)))


class Fifo(VMState, name="toy-uart/fifo", version=1):
    """Bytes that wait behind the one that is being sent."""

    count: U8 = 0
    data: list[U8] = array("count", default=0)

    def push(self, value: int) -> None:
        self.data.append(value)
        self.count += 1

    def pop(self) -> int:
        self.count -= 1
        return self.data.pop(0)

    def post_load(self, version: int) -> None:  # noqa: ARG002 - as every hook
        if self.count > FIFO_SIZE:
            raise ValueError(f"{self.count} bytes in a FIFO of {FIFO_SIZE}")


class UartV2(UartV1, name="toy-uart", version=1):
    """Has a FIFO that the guest may turn on.

    The version stays: the FIFO is a subsection, written when it is on. Until then both versions
    of the program load what the other saved.
    """

    fifo: Fifo | None = subsection(default=None)

    @property
    def ready(self) -> bool:
        return super().ready if self.fifo is None else self.fifo.count < FIFO_SIZE

    def write(self, register: int, value: int, now: int) -> None:
        if register == CONTROL:
            self.fifo = Fifo() if value else None
        elif self.fifo is not None and register == DATA and not self.idle:
            if self.ready:
                self.fifo.push(value & 0xFF)
        else:
            super().write(register, value, now)

    def expire(self, now: int) -> None:
        super().expire(now)
        if self.fifo is not None and self.fifo.count:
            self.send(self.fifo.pop(), now)
