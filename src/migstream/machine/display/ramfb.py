"""ramfb: a framebuffer in guest memory, of which the guest has told through fw_cfg. Saved since QEMU 8.2.

References: QEMU, hw/display/ramfb.c: RAMFBCfg, ramfb_create_display_surface; ui/qemu-pixman.c.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING

from migstream.machine.display.model import Display, Guest, Head, held
from migstream.machine.state import DeviceState, child

if TYPE_CHECKING:
    from migstream.machine.display.model import Picture
    from migstream.machine.physical import PhysicalMemory

__all__ = ["heads"]

CONFIG = struct.Struct(
    ">Q4sIIII"
)  # address, fourcc (a big-endian number), flags, width, height, stride
FOURCC = {
    b"RG24": "B8G8R8",
    b"AR24": "B8G8R8X8",
    b"XR24": "B8G8R8X8",
    b"XB24": "R8G8B8X8",
    b"AB24": "R8G8B8X8",
}
LEAST, MOST_WIDTH, MOST_HEIGHT = 16, 16000, 12000


class _Window:
    """Guest memory from an address on (protocol: model.Bytes)."""

    def __init__(self, memory: PhysicalMemory, address: int, size: int) -> None:
        self.size = size
        self._memory = memory
        self._address = address

    def read(self, start: int, stop: int) -> bytes:
        return self._memory.read(self._address + start, stop - start)


def heads(guest: Guest, device: DeviceState) -> Iterator[Head]:
    """Its one head, off until the guest has said where its pixels are."""
    state = child(device.value, "state") or device.value
    fields = CONFIG.unpack(held(state, "cfg", CONFIG.size)[: CONFIG.size])
    address, code, _, width, height, stride = fields
    name = FOURCC.get(code[::-1])
    usable = LEAST <= width <= MOST_WIDTH and LEAST <= height <= MOST_HEIGHT
    if name is None or not usable:
        yield Head(Display(device=device.path, head=0, mode="off"))
        return
    from migstream.machine.display.pixels import FORMATS, framebuffer

    form = FORMATS[name]
    row = width * form.size
    stride = stride or row
    size = stride * (height - 1) + row
    here = guest.memory.find(address)
    damage = "" if here and address + size <= here.stop else f"no guest memory at {address:#x}"
    one = Display(
        device=device.path,
        head=0,
        mode=f"framebuffer at {address:#x}, {8 * form.size} bits",
        width=width,
        height=height,
        on=True,
        memory=here.block if here else "",
        damage=damage,
    )

    def draw() -> Picture:
        return framebuffer(_Window(guest.memory, address, size), 0, stride, width, height, form)

    yield Head(one, draw)
