"""QXL: a VGA until its driver switches it to native mode, whose surfaces are drawn by SPICE's commands.

References: QEMU, hw/display/qxl.c: qxl_vmstate, qxl_enter_vga_mode.
"""

from __future__ import annotations

from collections.abc import Iterator

from migstream.machine.display import vga
from migstream.machine.display.model import Display, Guest, Head
from migstream.machine.state import DeviceState, number

__all__ = ["heads"]

VGA = 1  # enum qxl_mode


def heads(guest: Guest, device: DeviceState) -> Iterator[Head]:
    """The VGA's head; what is drawn in native mode is not known."""
    if number(device.value, "mode") == VGA:
        yield from vga.heads(guest, device)
    else:
        yield Head(Display(device=device.path, head=0, mode="QXL's native mode, not drawn here"))
