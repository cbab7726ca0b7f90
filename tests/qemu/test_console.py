"""What a driver has written to a virtio console and the device has not taken: a driver made by qtest."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path

import pytest

import migstream
from migstream.machine.console import consoles
from support.qemu import Qemu, own
from support.qtest import QTest
from support.virtio_mem import plugging

pytestmark = pytest.mark.qemu

MMIO, STRIDE, SLOTS = 0xFEB00000, 512, 24  # hw/i386/microvm.c
DEVICE_ID, PAGE_SIZE, SELECT, NUM, ALIGN, PFN, STATUS = 0x08, 0x28, 0x30, 0x38, 0x3C, 0x40, 0x70
CONSOLE, ACKNOWLEDGE, DRIVER, DRIVER_OK = 3, 1, 2, 4
RING, TEXT, SIZE = 0x100000, 0x180000, 8


def offer(test: QTest, texts: list[bytes]) -> None:
    """Set up the queue of port 0, with a request for each text, each in two buffers; nobody is notified."""
    slots = (MMIO + STRIDE * n for n in range(SLOTS))
    base = next(at for at in slots if int(test.ask("readl", at + DEVICE_ID), 16) == CONSOLE)
    for register, value in (
        (STATUS, ACKNOWLEDGE | DRIVER), (PAGE_SIZE, 4096), (SELECT, 1), (NUM, SIZE), (ALIGN, 4096),
        (PFN, RING // 4096), (STATUS, ACKNOWLEDGE | DRIVER | DRIVER_OK),
    ):  # fmt: skip
        test.ask("writel", base + register, value)
    at = TEXT
    for number, text in enumerate(texts):
        test.put(at, text)
        half = len(text) // 2
        table = struct.pack("<QIHH", at, half, 1, 2 * number + 1)
        table += struct.pack("<QIHH", at + half, len(text) - half, 0, 0)
        test.put(RING + 32 * number, table)
        at += len(text)
    heads = [2 * number for number in range(len(texts))]
    test.put(RING + 16 * SIZE, struct.pack(f"<HH{len(heads)}H", 0, len(heads), *heads))


def test_what_a_virtio_console_has_not_taken(tmp_path: Path) -> None:
    binary = own("qemu-system-x86_64")
    arguments = (
        "-M", "microvm", "-m", "16", "-chardev", "null,id=port",
        "-device", "virtio-serial-device", "-device", "virtconsole,chardev=port",
    )  # fmt: skip
    with plugging(binary) as (options, connect), Qemu(binary, [*arguments, *options]) as guest:
        with contextlib.closing(QTest(connect())) as test:
            offer(test, [b"login: ", "Grüße\r\nfrom the guest\n".encode()])
        guest.migrate(tmp_path / "guest.mig")
    with migstream.open(tmp_path / "guest.mig") as stream:
        (found,) = consoles(stream)
    assert found.device.endswith("virtio-console[0]")
    assert found.what == "port0: written, not sent"
    assert found.lines == ["login: Grüße", "from the guest"]
