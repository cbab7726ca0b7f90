"""Live migration over a connection: rounds in a thread while the guest runs, then a short pause.

The destination answers with one byte, `RUNS`, just before its guest runs. Without it the source goes
on: a machine that could not be moved is still there.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from dataclasses import dataclass

from machine.machine import Machine

__all__ = ["Limits", "receive", "send"]

RUNS = b"\1"
SLICE = 2000  # instructions between two looks at how far the migration is
MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """When to stop the guest.

    Attributes
    ----------
    bandwidth : bytes in a second, while the guest runs
    downtime : seconds that sending the rest may take
    rounds : after so many the guest is stopped anyway
    """

    bandwidth: float
    downtime: float
    rounds: int = 30


class Paced:
    """A sink that takes no more than `bandwidth` bytes in a second, until that is 0."""

    def __init__(self, connection: socket.socket, bandwidth: float) -> None:
        self._connection = connection
        self.bandwidth = bandwidth
        self.sent = 0
        self._next = time.monotonic()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._connection.sendall(data)
        self.sent += len(data)
        if self.bandwidth:
            self._next = max(self._next, time.monotonic() - 0.01) + len(data) / self.bandwidth
            time.sleep(max(0, self._next - time.monotonic()))


class Rounds(threading.Thread):
    """Sends memory until what is left fits into the pause; the guest runs meanwhile."""

    def __init__(self, machine: Machine, sink: Paced, limits: Limits) -> None:
        super().__init__(name="migration")
        self._ram = machine.ram.live
        self._limits = limits
        self._sink = sink
        self.stream = machine.vm.begin(sink)
        self.error: OSError | None = None

    def run(self) -> None:
        try:
            most = self._limits.bandwidth * self._limits.downtime
            while self.stream.pending() > most and self._ram.rounds < self._limits.rounds:
                self._round()
        except OSError as error:
            self.error = error

    def _round(self) -> None:
        before, sent, begin = self._ram.rounds, self._sink.sent, time.monotonic()
        pages = self.stream.pending() // self._ram.page_size
        while self._ram.rounds == before:
            self.stream.iterate()
        taken, size = time.monotonic() - begin, self._sink.sent - sent
        say(f"round {before + 1}: {pages} pages, {size / MIB:.2f} MiB in {taken * 1000:.0f} ms")


def send(machine: Machine, connection: socket.socket, limits: Limits) -> bool:
    """Move the machine to the other end; False when it stays here."""
    sink = Paced(connection, limits.bandwidth)
    sys.setswitchinterval(
        0.0005
    )  # seconds: the thread that sends must not wait longer for the guest
    try:
        rounds = Rounds(machine, sink, limits)
        rounds.start()
        while rounds.is_alive() and not machine.off:
            machine.run(SLICE)
        rounds.join()
        if rounds.error:
            raise rounds.error
        pause, sink.bandwidth = time.monotonic(), 0  # the guest stands still from here on
        pages = rounds.stream.pending() // machine.ram.live.page_size
        rounds.stream.complete()
        connection.shutdown(socket.SHUT_WR)
        moved = connection.recv(1) == RUNS
    except OSError as error:
        say(f"the connection broke: {error}")
        return False
    if moved:
        taken = time.monotonic() - pause
        say(f"paused for {taken * 1000:.1f} ms, with {pages} pages to send")
    return moved


def receive(machine: Machine, connection: socket.socket) -> None:
    """Load the machine that comes in; raises StreamError where it cannot be loaded."""
    pieces = iter(lambda: connection.recv(1 << 16), b"")
    machine.vm.load(pieces)
    for _ in pieces:  # the description: nothing that loads needs it
        pass
    connection.sendall(RUNS)


def say(text: str) -> None:
    """To stderr: stdout is the guest's."""
    print(text, file=sys.stderr, flush=True)
