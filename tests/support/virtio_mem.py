"""A guest's driver of a virtio-mem device, from outside: it speaks to the machine over QEMU's qtest protocol.

    with plugging(binary) as (options, connect), Qemu(binary, [*machine, *options]) as guest:
        driver = Driver(connect())
        driver.plug(address, blocks)
        driver.write(address, b"...")

The guest's processor never runs. Facts: Virtual I/O Device specification 1.2, 4.1 (PCI), 2.7 (split virtqueues),
5.15 (memory device); QEMU, system/qtest.c.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from support.qemu import PATIENCE, Binary

ADDRESS, DATA = 0xCF8, 0xCFC  # configuration space of PCI by two ports
BAR = 0xE0000000  # where the device's registers are put
QUEUE = 0x10000  # the queue and its buffers, in RAM that nobody uses
PLUG, UNPLUG = 0, 1
MEMORY_DEVICE = 0x1058  # PCI: virtio 24


@contextlib.contextmanager
def plugging(binary: Binary) -> Iterator[tuple[list[str], Callable[[], socket.socket]]]:
    """Arguments that make QEMU listen for qtest, and what connects to it."""
    inside = binary.root or Path("/")
    with tempfile.TemporaryDirectory(prefix="migstream-", dir=inside / "tmp") as folder:
        path = Path(folder) / "qtest"
        seen = path if binary.root is None else Path("/") / path.relative_to(binary.root)

        def connect() -> socket.socket:
            line = socket.socket(socket.AF_UNIX)
            line.settimeout(PATIENCE)
            line.connect(str(path))
            return line

        yield ["-qtest", f"unix:{seen},server=on,wait=off", "-qtest-log", "none"], connect


class Driver:
    """It has found the device and set it up when it is made."""

    def __init__(self, line: socket.socket) -> None:
        self._socket = line
        self._lines = line.makefile("rb")
        self._used = 0
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._lines.close()
        self._socket.close()

    def _ask(self, *words: object) -> str:
        self._socket.sendall((" ".join(map(str, words)) + "\n").encode())
        while True:
            answer = self._lines.readline().decode().split()
            assert answer, "QEMU hung up"
            if answer[0] != "IRQ":
                assert answer[0] == "OK", answer
                return answer[1] if len(answer) > 1 else ""

    def read(self, address: int, size: int) -> bytes:
        """Guest-physical memory."""
        return bytes.fromhex(self._ask("read", hex(address), hex(size))[2:])

    def write(self, address: int, data: bytes) -> None:
        self._ask("write", hex(address), hex(len(data)), f"0x{data.hex()}")

    # --- PCI -------------------------------------------------------------------------------------

    def _config(self, slot: int, offset: int) -> int:
        self._ask("outl", hex(ADDRESS), hex(1 << 31 | slot << 11 | offset & 0xFC))
        return int(self._ask("inl", hex(DATA)), 0) >> 8 * (offset & 3)

    def _configure(self, slot: int, offset: int, value: int) -> None:
        self._ask("outl", hex(ADDRESS), hex(1 << 31 | slot << 11 | offset))
        self._ask("outl", hex(DATA), hex(value))

    def _begin(self) -> None:
        [slot] = [n for n in range(32) if self._config(n, 0) >> 16 == MEMORY_DEVICE]
        self._regions: dict[int, tuple[int, int]] = {}
        multiplier, bar = 0, 0
        at = self._config(slot, 0x34) & 0xFF
        while at:
            kind = self._config(slot, at + 3) & 0xFF
            if self._config(slot, at) & 0xFF == 9 and kind in (1, 2):  # common, notify
                bar = self._config(slot, at + 4) & 0xFF
                self._regions[kind] = self._config(slot, at + 8), self._config(slot, at + 12)
                if kind == 2:
                    multiplier = self._config(slot, at + 16)
            at = self._config(slot, at + 1) & 0xFF
        self._configure(slot, 0x10 + 4 * bar, BAR)
        self._configure(slot, 0x14 + 4 * bar, 0)
        self._configure(slot, 0x04, 0x6)  # memory, bus master
        self._set_up(multiplier)

    # --- virtio ----------------------------------------------------------------------------------

    def _put(self, offset: int, value: int, size: int) -> None:
        letter = {1: "b", 2: "w", 4: "l", 8: "q"}[size]
        self._ask(f"write{letter}", hex(BAR + self._regions[1][0] + offset), hex(value))

    def _set_up(self, multiplier: int) -> None:
        for status in (0, 1, 3):
            self._put(0x14, status, 1)
        self._put(0x08, 1, 4)
        self._put(0x0C, 1, 4)  # VIRTIO_F_VERSION_1
        self._put(0x08, 0, 4)
        self._put(0x00, 0, 4)
        offered = int(self._ask("readl", hex(BAR + self._regions[1][0] + 4)), 0)
        self._put(0x0C, offered & 2, 4)  # VIRTIO_MEM_F_UNPLUGGED_INACCESSIBLE, where it insists
        self._put(0x14, 0xB, 1)
        self._put(0x16, 0, 2)
        self._put(0x18, 8, 2)
        for offset, address in ((0x20, QUEUE), (0x28, QUEUE + 0x1000), (0x30, QUEUE + 0x2000)):
            self._put(offset, address, 4)
            self._put(offset + 4, 0, 4)
        self._put(0x1C, 1, 2)
        self._put(0x14, 0xF, 1)
        offset = int(self._ask("readw", hex(BAR + self._regions[1][0] + 0x1E)), 0)
        self._bell = BAR + self._regions[2][0] + offset * multiplier

    def _request(self, kind: int, address: int, blocks: int) -> None:
        ask, answer = QUEUE + 0x3000, QUEUE + 0x3100
        self.write(ask, struct.pack("<H6xQH6x", kind, address, blocks))
        self.write(
            QUEUE, struct.pack("<QIHH", ask, 24, 1, 1) + struct.pack("<QIHH", answer, 10, 2, 0)
        )
        self.write(QUEUE + 0x1004 + 2 * (self._used % 8), struct.pack("<H", 0))
        self._used += 1
        self.write(QUEUE + 0x1002, struct.pack("<H", self._used))
        self._ask("writew", hex(self._bell), hex(0))
        until = time.monotonic() + PATIENCE
        while struct.unpack("<H", self.read(QUEUE + 0x2002, 2))[0] != self._used:
            assert time.monotonic() < until, "the device does not answer"
        assert self.read(answer, 2) == bytes(2), "the device refuses"

    def plug(self, address: int, blocks: int) -> None:
        """Plug in blocks of the device's size from a guest-physical address on."""
        self._request(PLUG, address, blocks)

    def unplug(self, address: int, blocks: int) -> None:
        self._request(UNPLUG, address, blocks)
