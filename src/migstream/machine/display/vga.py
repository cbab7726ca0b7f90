"""Standard VGA with its VBE extension, wherever it is: what it shows.

Reference: QEMU, hw/display/vga.c: vga_update_display.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from migstream.errors import Unsupported
from migstream.machine.arch import architecture, big_endian
from migstream.machine.display.model import Bytes, Display, Guest, Head
from migstream.machine.display.registers import Mode, Registers, mode, registers
from migstream.machine.isavga import foreign_flag
from migstream.machine.state import DeviceState, child

__all__ = ["NOT_SAVED", "head", "heads", "video_memory"]

NOT_SAVED = "QEMU has saved other memory in place of its registers (migstream explain MS547)"
MOST_CELLS = 160 * 100  # CH_ATTR_SIZE


def heads(guest: Guest, device: DeviceState) -> Iterator[Head]:
    """The one head of a VGA adapter; of virtio-vga only while its driver has not taken it over."""
    if foreign_flag(device) is not None:
        raise Unsupported(NOT_SAVED)
    value = child(device.value, "vga") or device.value
    found = registers(value, big=big_endian(architecture(guest)))
    path = device.name.rpartition("/")[0]
    for other in guest.devices:
        if device.name.endswith("/virtio-vga") and other.name == f"{path}/virtio-gpu":
            from migstream.machine.display.gpu import enabled

            if enabled(other.value):
                return
    yield head(device.path, found, mode(found), video_memory(guest, device))


def video_memory(guest: Guest, device: DeviceState) -> tuple[str, Bytes]:
    """A PCI adapter's own, or that of the one on the ISA bus."""
    path, slash, _ = device.name.rpartition("/")
    name = f"{path}{slash}vga.vram"
    if name not in guest.ram:
        raise Unsupported(f"the stream has no RAM block {name}")
    return name, guest.ram[name]


def head(path: str, regs: Registers, found: Mode, vram: tuple[str, Bytes]) -> Head:
    """A VGA's head in the mode that its registers say."""
    name, memory = vram
    base = Display(device=path, head=0, mode=found.kind, memory=name)
    if found.kind == "blank":
        return Head(base)
    if found.kind == "text":
        return _text(base, regs, found, memory)
    from migstream.machine.display import graphics

    width = found.width << graphics.doubled(regs, found)
    word = "VBE" if found.vbe else "VGA"
    base = msgspec.structs.replace(
        base,
        mode=f"{word}, {graphics.colours(regs, found)}",
        width=width,
        height=found.height,
        on=True,
        damage="" if found.height * found.line <= memory.size else "more than its video memory",
    )
    return Head(base, lambda: graphics.picture(regs, found, memory))


def _text(base: Display, regs: Registers, found: Mode, memory: Bytes) -> Head:
    from migstream.machine.display import text

    if not 1 < found.width * found.height <= MOST_CELLS:
        return Head(msgspec.structs.replace(base, mode="text, being set up"))
    shape = text.cell(regs)
    base = msgspec.structs.replace(
        base,
        on=True,
        width=found.width * shape[1],
        height=found.height * shape[0],
        columns=found.width,
        rows=found.height,
    )
    return Head(
        base,
        lambda: text.picture(regs, found, memory),
        lambda: text.lines(text.cells(regs, found, memory)),
    )
