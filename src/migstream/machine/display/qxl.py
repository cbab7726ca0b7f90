"""QXL: a VGA until its driver switches it to a mode of its own, with a primary surface in one of its memories.

SPICE's commands are drawn into that surface when somebody looks; those that nobody had drawn when the guest was
saved are not in it.

References: QEMU, hw/display/qxl.c: qxl_vmstate, qxl_set_mode, qxl_phys2virt, qxl_add_memslot; qxl-render.c;
spice-protocol, spice/qxl_dev.h.
"""

from __future__ import annotations

from collections.abc import Iterator

from migstream.errors import Unsupported
from migstream.machine.display import vga
from migstream.machine.display.model import Display, Guest, Head
from migstream.machine.display.surface import surface
from migstream.machine.state import DeviceState, child, number
from migstream.vmstate.values import Value

__all__ = ["heads"]

# enum qxl_mode
UNDEFINED, VGA, COMPAT, NATIVE = range(4)
# enum SpiceSurfaceFmt
FORMATS = {16: "RGB555", 80: "RGB565", 32: "B8G8R8X8", 96: "B8G8R8X8"}
SLOT_SHIFT, OFFSET = 56, (1 << 48) - 1


def heads(guest: Guest, device: DeviceState) -> Iterator[Head]:
    """Its one head."""
    mode = number(device.value, "mode")
    if mode == VGA:
        yield from vga.heads(guest, device)
    elif mode in (COMPAT, NATIVE):
        yield _primary(guest, device, compat=mode == COMPAT)
    else:
        yield Head(Display(device=device.path, head=0, mode="off"))


def _primary(guest: Guest, device: DeviceState, *, compat: bool) -> Head:
    from migstream.machine.display.pixels import FORMATS as PIXELS

    shown = child(device.value, "guest_primary.surface")
    if shown is None:
        raise Unsupported(f"{device.path} has no primary surface")
    width, height, stride, form, where = (
        _field(shown, name) for name in ("width", "height", "stride", "format", "mem")
    )
    name = FORMATS.get(form)
    if name is None or min(width, height) < 1:
        raise Unsupported(f"a primary surface of {width}x{height} in format {form}")
    offset = where & OFFSET
    # The mode that the device sets by itself counts from the beginning of memory, not of the slot.
    address = offset if compat else _slot(device.value, where >> SLOT_SHIFT) + offset
    return surface(guest, device, "primary surface", address, (width, height), stride, PIXELS[name])


def _slot(value: Value, wanted: int) -> int:
    """Where a memory slot of the guest's begins in guest-physical memory."""
    slots = child(value, "guest_slots")
    for index, slot in enumerate(slots.children if slots is not None else ()):
        if index == wanted and _field(slot, "active"):
            return _field(slot, "slot.mem_start")
    raise Unsupported(f"the primary surface is in memory slot {wanted}, which is not active")


def _field(value: Value, name: str) -> int:
    found = number(value, name)
    if found is None:
        raise Unsupported(f"{value.path} has no {name}")
    return found
