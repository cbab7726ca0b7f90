"""A debugger's side of QEMU's gdbstub, as far as tests need it: to put values into registers.

References
----------
GDB manual, appendix "GDB Remote Serial Protocol"
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Self


class Debugger:
    """A connection to a gdbstub; the guest stands still for as long as it lasts."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(10)
        self._socket.connect(str(path))
        self._bytes = self._socket.makefile("rb")
        # before it has been asked for a description, it does not tell single registers (gdbstub.c: handle_read_reg)
        self.ask("qXfer:features:read:target.xml:0,fff")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Without a word: QEMU lets the guest run when a debugger takes its leave.
        self._bytes.close()
        self._socket.close()

    def ask(self, request: str) -> str:
        """Send one packet and return the answer to it, without frame and checksum."""
        self._send(request)
        return self._answer()

    def run(self, seconds: float) -> None:
        """Let the guest run for a while."""
        self._send("c")
        time.sleep(seconds)
        self._socket.sendall(b"\x03")
        self._answer()

    def _send(self, request: str) -> None:
        self._socket.sendall(f"${request}#{sum(request.encode()) & 0xFF:02x}".encode())

    def _answer(self) -> str:
        while self._bytes.read(1) != b"$":
            pass  # the acknowledgement
        answer = b"".join(iter(lambda: self._bytes.read(1), b"#"))
        self._bytes.read(2)
        self._socket.sendall(b"+")
        return answer.decode()

    def select(self, cpu: int) -> None:
        """Which CPU's registers are meant from now on, counted from 0."""
        assert self.ask(f"Hg{cpu + 1:x}") == "OK"

    def fill(self, numbers: Iterable[int], seed: int) -> None:
        """Give each register a value of its own, different in each of its bytes."""
        for number in numbers:
            was = self.ask(f"p{number:x}")
            value = bytes(
                seed + number * 17 + at * 29 & 0xFF for at in range(len(bytes.fromhex(was)))
            )
            assert self.ask(f"P{number:x}={value.hex()}") == "OK"
