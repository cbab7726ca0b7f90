"""ramfb: a framebuffer in guest memory, of which the guest has told through fw_cfg. Saved since QEMU 8.2.

References: QEMU, hw/display/ramfb.c: RAMFBCfg, ramfb_create_display_surface; ui/qemu-pixman.c.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from migstream.machine.display.model import Display, Guest, Head, held
from migstream.machine.display.surface import surface
from migstream.machine.state import DeviceState, child

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
    from migstream.machine.display.pixels import FORMATS

    yield surface(guest, device, "framebuffer", address, (width, height), stride, FORMATS[name])
