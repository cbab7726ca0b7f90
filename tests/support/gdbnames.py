"""A debugger that knows registers by name and writes physical memory: guests are made with it at test time.

with Qemu(binary, ["-M", "pc"]) as guest, GdbStub(guest) as stub:
    stub.write(0x100000, tables)
    stub.set("cr3", 0x100000)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal
from xml.etree import ElementTree as ET

from support.gdbstub import Debugger
from support.qemu import Qemu

PIECE = 1024
Order = Literal["little", "big"]


class GdbStub(Debugger):
    def __init__(self, guest: Qemu) -> None:
        address = guest._folder / "gdb"
        guest.hmp(f"gdbserver unix:{guest._seen(address)},server=on,wait=off")
        super().__init__(address)
        self._registers = dict(self._list_registers())
        self.ask("Qqemu.PhyMemMode:1")

    def _annex(self, name: str) -> str:
        text, size = "", 0
        while True:
            answer = self.ask(f"qXfer:features:read:{name}:{size:x},{PIECE:x}")
            # what would end or begin a packet stands behind a brace
            piece = re.sub(r"}(.)", lambda found: chr(ord(found[1]) ^ 0x20), answer[1:])
            text, size = text + piece, size + len(piece)
            if answer[:1] != "m":
                return text

    def _list_registers(self) -> Iterator[tuple[str, tuple[int, int]]]:
        """Name, (number, bytes) of each; numbers count on from feature to feature."""
        number = 0
        for name in re.findall(r'include href="([^"]+)"', self._annex("target.xml")):
            for reg in ET.fromstring(self._annex(name)).iter("reg"):  # noqa: S314 - QEMU's own
                number = int(reg.get("regnum") or number)
                yield reg.get("name") or "", (number, int(reg.get("bitsize") or 0) // 8)
                number += 1

    def get(self, name: str, order: Order = "little") -> int:
        number, _ = self._registers[name]
        return int.from_bytes(bytes.fromhex(self.ask(f"p{number:x}")), order)

    def set(self, name: str, value: int, order: Order = "little") -> None:
        number, size = self._registers[name]
        said = self.ask(f"P{number:x}={value.to_bytes(size, order).hex()}")
        assert said == "OK", f"{name}: {said}"

    def write(self, address: int, data: bytes | bytearray) -> None:
        """Write physical memory."""
        for at in range(0, len(data), PIECE):
            piece = data[at : at + PIECE]
            said = self.ask(f"M{address + at:x},{len(piece):x}:{piece.hex()}")
            assert said == "OK", f"{address + at:#x}: {said}"
