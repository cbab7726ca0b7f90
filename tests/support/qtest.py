"""A guest's processor from outside: what a driver would read and write, over QEMU's qtest protocol."""

from __future__ import annotations

import socket

__all__ = ["QTest"]


class QTest:
    """A CPU's reads and writes (docs/devel/testing/qtest.rst)."""

    def __init__(self, line: socket.socket) -> None:
        self._socket = line
        self._lines = line.makefile("rw")

    def close(self) -> None:
        self._lines.close()
        self._socket.close()

    def ask(self, *words: object) -> str:
        self._lines.write(" ".join(map(str, words)) + "\n")
        self._lines.flush()
        said = self._lines.readline().split()
        while said[:1] == ["IRQ"]:
            said = self._lines.readline().split()
        assert said[:1] == ["OK"], said
        return said[-1]

    def put(self, at: int, data: bytes) -> None:
        self.ask("write", at, len(data), f"0x{data.hex()}")

    def number(self, at: int) -> int:
        """32 bits of memory."""
        return int(self.ask("readl", at), 0)

    # --- PCI by two ports ------------------------------------------------------------------------

    def config(self, slot: int, offset: int) -> int:
        self.ask("outl", 0xCF8, 1 << 31 | slot << 11 | offset)
        return int(self.ask("inl", 0xCFC), 0)

    def configure(self, slot: int, offset: int, value: int) -> None:
        self.ask("outl", 0xCF8, 1 << 31 | slot << 11 | offset)
        self.ask("outl", 0xCFC, value)
