"""QXL's primary surface, made by a driver over qtest, against QEMU's own screendump."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

import migstream
from migstream.machine.display import heads
from support.qemu import Qemu, own
from support.qtest import QTest
from support.virtio_mem import plugging

pytestmark = pytest.mark.qemu

ID = 0x01001B36
RAM, VRAM, ROM, PORTS = 0xE0000000, 0xE8000000, 0xF0000000, 0xC000
SIZE = 16 << 20
# spice/qxl_dev.h: QXLRom, of 32 bits each; QXLRam, in bytes
DRAW_AREA, RAM_HEADER = 9, 11
MEM_SLOT, CREATE_SURFACE = 5276, 5292
SET_MODE, MEMSLOT_ADD, CREATE_PRIMARY = 6, 8, 12
X555, X565, XRGB = 16, 80, 32


class Driver:
    """It has given the device its addresses when it is made."""

    def __init__(self, test: QTest) -> None:
        self.test = test
        [slot] = [n for n in range(32) if test.config(n, 0) == ID]
        for offset, value in ((0x10, RAM), (0x14, VRAM), (0x18, ROM), (0x1C, PORTS), (0x04, 7)):
            test.configure(slot, offset, value)
        self.area = test.number(ROM + 4 * DRAW_AREA)
        self._header = RAM + test.number(ROM + 4 * RAM_HEADER)

    def show(self, width: int, height: int, stride: int, form: int, slot: int, base: int) -> None:
        """A surface at the draw area, in a slot that begins at `base`."""
        at = RAM + self.area - base
        create = struct.pack("<IIiIIIIIQ", width, height, stride, form, 0, 0, 0, 0, slot << 56 | at)
        self.test.put(self._header + MEM_SLOT, struct.pack("<QQ", base, RAM + SIZE))
        self.test.ask("outb", PORTS + MEMSLOT_ADD, slot)
        self.test.put(self._header + CREATE_SURFACE, create)
        self.paint(abs(stride) * height)
        self.test.ask("outb", PORTS + CREATE_PRIMARY, 0)

    def compat(self, number: int) -> None:
        """A mode of the device's own list."""
        self.test.ask("outb", PORTS + SET_MODE, number)
        self.paint(1 << 20)

    def paint(self, size: int) -> None:
        self.test.put(RAM + self.area, Random(size).randbytes(size))  # noqa: S311 - nothing is secret


def pictures(what: tuple[int, ...], path: Path) -> tuple[Any, Any, str]:
    """Ours, QEMU's, and what ours is said to be."""
    binary = own("qemu-system-x86_64")
    card = ("-device", "qxl-vga,vgamem_mb=8,ram_size_mb=16,vram_size_mb=16")
    shot = path / "shot.ppm"
    with (
        plugging(binary) as (options, connect),
        Qemu(binary, ["-M", "pc", "-m", "32", *card, *options]) as guest,
    ):
        with contextlib.closing(QTest(connect())) as test:
            driver = Driver(test)
            if len(what) == 1:
                driver.compat(*what)
            else:
                driver.show(*what)
        guest.execute("screendump", {"filename": str(shot)})
        guest.migrate(path / "guest.mig")
    with migstream.open(path / "guest.mig") as stream:
        [head] = heads(stream)
        _, size, _, pixels = shot.read_bytes().split(b"\n", 3)
        width, height = map(int, size.split())
        theirs = np.frombuffer(pixels, np.uint8).reshape(height, width, 3)
        return head.picture(), theirs, head.display.mode


@pytest.mark.parametrize(
    ("what", "mode"),
    [
        ((320, 200, -1280, XRGB, 1, RAM), "32 bits"),
        ((320, 200, 1280, XRGB, 0, RAM), "32 bits"),
        ((300, 100, -1200, XRGB, 7, RAM), "32 bits"),
        ((320, 200, 1300, XRGB, 2, RAM), "32 bits"),
        ((320, 200, 640, X565, 1, RAM), "16 bits"),
        ((0,), "32 bits"),
    ],
)  # fmt: skip
def test_a_primary_surface(what: tuple[int, ...], mode: str, tmp_path: Path) -> None:
    mine, theirs, said = pictures(what, tmp_path)
    assert said.startswith("primary surface at 0xe0")
    assert said.endswith(mode)
    assert mine.shape == theirs.shape
    assert (mine == theirs).all()
