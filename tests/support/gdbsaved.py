"""A debugger that talks to a session of ours, in memory, as `GdbStub` talks to QEMU."""

from __future__ import annotations

import re

from migstream.gdb.guest import Guest
from migstream.gdb.session import Session
from migstream.stream import Stream
from support.gdbnames import GdbStub

__all__ = ["Saved", "packet", "packets"]

REPEAT = 29


def packet(request: str) -> bytes:
    raw = request.encode("latin-1")
    return b"$%s#%02x" % (raw, sum(raw) & 0xFF)


def packets(data: bytes) -> list[str]:
    """The contents of packets, repetitions written out; every checksum is right."""
    found = []
    for raw, check in re.findall(rb"\$([^#$]*)#(..)", data, re.DOTALL):
        assert int(check, 16) == sum(raw) & 0xFF
        text = raw.decode("latin-1")
        found.append(re.sub(r"(.)\*(.)", lambda f: f[1] * (ord(f[2]) - REPEAT + 1), text))
    return found


class Saved(GdbStub):
    def __init__(self, stream: Stream) -> None:
        self.session = Session(Guest(stream))
        self._waiting: list[str] = []
        self._registers = dict(self._list_registers())

    def __exit__(self, *_: object) -> None:
        assert self.ask("D") == "OK"
        assert self.session.ended

    def _send(self, request: str) -> None:
        out = self.session.feed(packet(request))
        assert out.startswith(b"+")
        self._waiting += packets(out)

    def _answer(self) -> str:
        return self._waiting.pop(0)

    def monitor(self, line: str) -> str:
        """What a `monitor` command prints."""
        self._send(f"qRcmd,{line.encode().hex()}")
        *text, end = self._waiting
        self._waiting.clear()
        assert end == "OK"
        return b"".join(bytes.fromhex(one[1:]) for one in text).decode()
