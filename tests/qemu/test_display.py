"""Pictures out of a stream, against QEMU's own screendump of the same guest."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import migstream
from migstream.machine.display import heads
from migstream.machine.display.model import Head
from support.boot import bios, drawn, fill, fill_banks, fill_planes, port, sector, vbe
from support.lacking import lacks
from support.qemu import Binary, Qemu, find, own

NAME = "qemu-system-x86_64"
PC = ("-M", "pc", "-m", "32", "-accel", "tcg")
STEADY = bios(0x1003)  # attributes have 16 backgrounds, and nothing blinks
TEXT, CGA, MONO = 0xB800, 0xB800, 0xB000
MODES = {
    "text of 80 columns": (bios(0x03), STEADY, fill(TEXT)),
    "text of 40 columns": (bios(0x01), STEADY, fill(TEXT)),
    "text of a monochrome adapter": (bios(0x07), STEADY, fill(MONO)),
    "text that begins elsewhere": (bios(0x03), STEADY, port(0x3D4, 0x010C, 0x100D), fill(TEXT)),
    "CGA of 4 colours": (bios(0x04), fill(CGA)),
    "CGA of 2 colours": (bios(0x06), fill(CGA)),
    "320x200 in planes": (bios(0x0D), fill_planes()),
    "640x350 in planes": (bios(0x10), fill_planes()),
    "640x480 of 2 colours": (bios(0x11), fill_planes()),
    "640x480 in planes": (bios(0x12), fill_planes()),
    "640x480 that begins elsewhere": (bios(0x12), port(0x3D4, 0x100C, 0x070D), fill_planes()),
    "256 colours": (bios(0x13), fill()),
    "256 colours, split": (bios(0x13), port(0x3D4, 0x500C, 0x6418, 0x0F07, 0x0109), fill()),
    "mode X": (bios(0x13), port(0x3C4, 0x0604), port(0x3D4, 0x0014, 0xE317), fill_planes()),
    "VBE of 4 bits": (vbe(0x102), fill_planes()),
    "VBE of 8 bits": (vbe(0x101), fill_banks(5)),
    "VBE of 8 bits, the DAC too": (vbe(0x101), bios(0x4F08, 0x0800), fill_banks(5)),
    "VBE of 15 bits": (vbe(0x110), fill_banks(10)),
    "VBE of 16 bits": (vbe(0x111), fill_banks(10)),
    "VBE of 24 bits": (vbe(0x112), fill_banks(15)),
    "VBE of 32 bits": (vbe(0x142), fill_banks(19)),
}
FEW = ("text of 80 columns", "256 colours", "640x480 in planes", "VBE of 8 bits", "VBE of 16 bits")
FIRMWARE = Path("/usr/share/ovmf/OVMF.fd")


def ppm(raw: bytes) -> Any:
    _, size, _, pixels = raw.split(b"\n", 3)
    width, height = map(int, size.split())
    return np.frombuffer(pixels, np.uint8).reshape(height, width, 3)


def compared(
    binary: Binary, arguments: tuple[str, ...], ready: Callable[[Qemu], None], path: Path
) -> tuple[Head, Any, Any]:
    """The first head that shows something, what we draw, and what QEMU does."""
    with Qemu(binary, arguments) as guest:
        ready(guest)
        shot = guest._folder / "shot.ppm"
        guest.execute("screendump", {"filename": guest._seen(shot)})
        theirs = ppm(shot.read_bytes())
        guest.migrate(path)
    with migstream.open(path) as stream:
        head = next(one for one in heads(stream) if one.display.on)
        return head, head.picture(), theirs


def floppy(binary: Binary, parts: tuple[bytes, ...], folder: Path) -> tuple[str, ...]:
    """What a QEMU, which may have a root of its own, boots the sector from."""
    folder = folder if binary.root is None else binary.root / "tmp"
    disk = folder / f"migstream-{folder.name}.img"
    disk.write_bytes(sector(*parts).ljust(1440 << 10, b"\0"))
    seen = disk if binary.root is None else f"/tmp/{disk.name}"  # noqa: S108 - inside of its root
    return ("-drive", f"if=floppy,format=raw,snapshot=on,file={seen}")


def same(head: Head, mine: Any, theirs: Any) -> None:
    """Pixel by pixel; of 15 bits as many as older ones draw, of the cursor either phase."""
    assert mine.shape == theirs.shape
    differs = (mine != theirs).any(axis=2)
    if head.display.mode.endswith(", 15 bits"):
        differs = ((mine ^ theirs) & 0xF8).any(axis=2)
    if head.display.columns is not None:
        rows, columns = np.nonzero(differs)
        wide = head.display.width // head.display.columns
        assert len(set(columns // wide)) <= 1, "more than the cursor's cell"
        assert len(set(rows)) <= 32
        return
    assert not differs.any()


@pytest.mark.parametrize("mode", MODES)
def test_a_mode_of_vga(mode: str, tmp_path: Path) -> None:
    binary = own(NAME)
    arguments = (*PC, "-vga", "std", *floppy(binary, MODES[mode], tmp_path))
    same(*compared(binary, arguments, drawn, tmp_path / "guest.mig"))


@pytest.mark.parametrize("mode", [*FEW, "VBE of 15 bits", "VBE of 24 bits", "mode X"])
def test_a_mode_of_cirrus(mode: str, tmp_path: Path) -> None:
    binary = own(NAME)
    arguments = (*PC, "-vga", "cirrus", *floppy(binary, MODES[mode], tmp_path))
    same(*compared(binary, arguments, drawn, tmp_path / "guest.mig"))


# VBE's function 5: the last 64 KiB, with the patterns, counted in 16 KiB
LAST_BANK = bytes.fromhex("b8054f31dbbafc00cd10")


@pytest.mark.parametrize("attribute", [0x0112, 0x0512], ids=["small", "large"])
def test_the_pointer_of_cirrus(attribute: int, tmp_path: Path) -> None:
    binary = own(NAME)
    pointer = port(0x3C4, attribute, 0x0813, 0x1410, 0x0C31)
    parts = (vbe(0x101), fill_banks(5), LAST_BANK, fill(plus=3), pointer)
    arguments = (*PC, "-vga", "cirrus", *floppy(binary, parts, tmp_path))
    _, mine, theirs = compared(binary, arguments, drawn, tmp_path / "guest.mig")
    differs = (mine != theirs).any(axis=2)
    assert differs.any()
    assert (mine[differs] == 255).all()  # its second colour, which nobody has set here
    assert (theirs[differs] == 0).all()


@pytest.mark.slow
@pytest.mark.parametrize("mode", FEW)
@pytest.mark.parametrize("number", range(1, max(len(find(NAME)), 2)))
def test_a_mode_of_other_releases(number: int, mode: str, tmp_path: Path) -> None:
    own(NAME)
    if number >= len(find(NAME)):
        lacks("no other QEMU")
    binary = find(NAME)[number]
    arguments = (*PC, "-vga", "std", *floppy(binary, MODES[mode], tmp_path))
    same(*compared(binary, arguments, drawn, tmp_path / "guest.mig"))


def firmware(guest: Qemu) -> None:
    """Let the firmware write on the screen, until nothing changes but a cursor that blinks: it is as it was lately."""
    guest.execute("cont")
    shot, before = guest._folder / "before.ppm", [b""]
    for _ in range(60):
        time.sleep(1)
        guest.execute("screendump", {"filename": guest._seen(shot)})
        now = shot.read_bytes()
        if now in before[-3:] and np.unique(ppm(now)[:, :, 1]).size > 1:
            break
        before.append(now)
    guest.execute("stop")


@pytest.mark.parametrize("device", ["VGA", "cirrus-vga", "virtio-vga", "qxl-vga", "bochs-display"])
def test_what_the_firmware_writes(device: str, tmp_path: Path) -> None:
    same(*compared(own(NAME), (*PC, "-device", device), firmware, tmp_path / "guest.mig"))


def test_ramfb_that_the_firmware_writes_to(tmp_path: Path) -> None:
    """Its state is in the stream since 8.2."""
    own(NAME)
    newer = [one for one in find(NAME) if tuple(map(int, one.version.split(".")[:2])) >= (8, 2)]
    if not newer:
        lacks("no QEMU that saves a ramfb")
    same(*compared(newer[-1], (*PC, "-device", "ramfb"), firmware, tmp_path / "guest.mig"))


@pytest.mark.slow
def test_a_resource_of_virtio_gpu(tmp_path: Path) -> None:
    """UEFI's driver makes one, and shows it."""
    if not FIRMWARE.is_file():
        lacks(f"no {FIRMWARE}")
    machine = ("-M", "q35", "-m", "256", "-accel", "tcg", "-bios", str(FIRMWARE))
    arguments = (*machine, "-device", "virtio-gpu-pci")
    head, mine, theirs = compared(own(NAME), arguments, firmware, tmp_path / "guest.mig")
    assert head.display.device.endswith("/virtio-gpu[0]")
    same(head, mine, theirs)


def test_an_isa_vga_has_no_registers_in_the_stream(tmp_path: Path) -> None:
    path = tmp_path / "guest.mig"
    for kind in ("std", "cirrus"):
        with Qemu(own(NAME), ("-M", "isapc", "-m", "16", "-vga", kind)) as guest:
            guest.migrate(path)
        with migstream.open(path) as stream:
            [head] = heads(stream)
            assert head.display.on is False
            if kind == "cirrus":
                assert "other memory" in head.display.damage
