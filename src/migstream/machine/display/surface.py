"""A framebuffer that a device shows wherever in guest-physical memory the guest has put it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migstream.machine.display.model import Display, Guest, Head
from migstream.machine.state import DeviceState

if TYPE_CHECKING:
    from migstream.machine.display.model import Picture
    from migstream.machine.display.pixels import Format
    from migstream.machine.physical import PhysicalMemory

__all__ = ["surface"]


class _Window:
    """Guest memory from an address on (protocol: model.Bytes)."""

    def __init__(self, memory: PhysicalMemory, address: int, size: int) -> None:
        self.size = size
        self._memory = memory
        self._address = address

    def read(self, start: int, stop: int) -> bytes:
        return self._memory.read(self._address + start, stop - start)


def surface(
    guest: Guest,
    device: DeviceState,
    what: str,
    address: int,
    size: tuple[int, int],
    stride: int,
    form: Format,
) -> Head:
    """The head whose pixels are at a guest-physical address.

    Parameters
    ----------
    what : the device's word for it, which its mode begins with
    size : width and height in pixels
    stride : bytes from a row to the next one; the lowest row is the first where it is negative, and 0 is
        what a row takes
    """
    width, height = size
    row = width * form.size
    stride = stride or row
    length = abs(stride) * (height - 1) + row
    here = guest.memory.find(address)
    damage = "" if here and address + length <= here.stop else f"no guest memory at {address:#x}"
    one = Display(
        device=device.path,
        head=0,
        mode=f"{what} at {address:#x}, {sum(form.bits) or 8 * form.size} bits",
        width=width,
        height=height,
        on=True,
        memory=here.block if here else "",
        damage=damage,
    )

    def draw() -> Picture:
        from migstream.machine.display.pixels import framebuffer

        first = 0 if stride > 0 else -stride * (height - 1)
        return framebuffer(
            _Window(guest.memory, address, length), first, stride, width, height, form
        )

    return Head(one, draw)
