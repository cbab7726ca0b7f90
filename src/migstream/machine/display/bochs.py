"""bochs-display: VBE's registers and a framebuffer, without a VGA.

References: QEMU, hw/display/bochs-display.c: bochs_display_get_mode.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from migstream.errors import Unsupported
from migstream.machine.display.model import Display, Guest, Head, held
from migstream.machine.state import DeviceState, child

if TYPE_CHECKING:
    from migstream.machine.display.model import Picture

__all__ = ["heads"]

XRES, YRES, BPP, ENABLE, VIRT_WIDTH, X_OFFSET, Y_OFFSET = 1, 2, 3, 4, 6, 8, 9
REGISTERS = 10
LEAST = 64  # pixels of a side
DEPTHS = (16, 32)


def heads(guest: Guest, device: DeviceState) -> Iterator[Head]:
    """Its one head."""
    raw = held(device.value, "vbe_regs", 2 * REGISTERS)
    vbe = [int.from_bytes(raw[at : at + 2], "big") for at in range(0, 2 * REGISTERS, 2)]
    order = child(device.value, "big_endian_fb")
    name = f"{device.name.rpartition('/')[0]}/bochs-display-vram"
    width, height, depth = vbe[XRES], vbe[YRES], vbe[BPP]
    usable = depth in DEPTHS and width >= LEAST and height >= LEAST
    if not vbe[ENABLE] & 1 or not usable:
        yield Head(Display(device=device.path, head=0, mode="off", memory=name))
        return
    if name not in guest.ram:
        raise Unsupported(f"the stream has no RAM block {name}")
    memory = guest.ram[name]
    size = depth // 8
    stride = max(vbe[VIRT_WIDTH], width) * size
    at = vbe[X_OFFSET] * size + vbe[Y_OFFSET] * stride
    big = depth == 32 and order is not None and bool(order.value)  # of 16 bits the host's own
    fits = at + stride * height <= memory.size
    one = Display(
        device=device.path,
        head=0,
        mode=f"VBE, {depth} bits",
        width=width,
        height=height,
        on=True,
        memory=name,
        damage="" if fits else "more than its video memory",
    )

    def draw() -> Picture:
        from migstream.machine.display.pixels import framebuffer, vga_format

        return framebuffer(memory, at, stride, width, height, vga_format(depth, big=big))

    yield Head(one, draw)
