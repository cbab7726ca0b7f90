"""virtio-gpu: what its scanouts show, of resources whose pixels are in the device's state, or (blobs) in guest memory.

References: QEMU, hw/display/virtio-gpu.c: virtio_gpu_save, virtio_gpu_post_load, virtio_gpu_do_set_scanout;
virtio-gpu-pixman.h: virtio_gpu_get_pixman_format. VIRTIO 1.3, 5.7.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from migstream.errors import Unsupported
from migstream.machine.display.model import Bytes, Display, Guest, Head
from migstream.machine.state import DeviceState, child

if TYPE_CHECKING:
    from migstream.machine.display.model import Picture
    from migstream.machine.physical import PhysicalMemory
    from migstream.vmstate.values import Value

__all__ = ["enabled", "heads"]

FIELD = "virtio-gpu"
BLOBS = "virtio-gpu/blob"
PIXEL = 4  # bytes
# VIRTIO_GPU_FORMAT_*; alpha is not shown
FORMATS = {
    1: "B8G8R8X8", 2: "B8G8R8X8", 3: "X8R8G8B8", 4: "X8R8G8B8",
    67: "R8G8B8X8", 68: "X8B8G8R8", 121: "X8B8G8R8", 134: "R8G8B8X8",
}  # fmt: skip
# The same as pixman has it, of 32 bits each: the type's number (ARGB 2, ABGR 3, BGRA 8, RGBA 9) at bit 16
PIXMAN = {2: "B8G8R8X8", 3: "R8G8B8X8", 8: "X8R8G8B8", 9: "X8B8G8R8"}


class _Held:
    """Bytes that are in the device's state (protocol: model.Bytes)."""

    def __init__(self, raw: memoryview) -> None:
        self.size = len(raw)
        self._raw = raw

    def read(self, start: int, stop: int) -> bytes:
        return bytes(self._raw[start:stop])


class _Scattered:
    """Pieces of guest memory one behind the other (protocol: model.Bytes)."""

    def __init__(self, memory: PhysicalMemory, pieces: Sequence[tuple[int, int]]) -> None:
        self._memory = memory
        self._pieces = pieces
        self._ends = list(accumulate(size for _, size in pieces))
        self.size = self._ends[-1] if self._ends else 0

    def read(self, start: int, stop: int) -> bytes:
        out = []
        while start < stop:
            n = bisect_right(self._ends, start)
            address, size = self._pieces[n]
            inside = start - (self._ends[n] - size)
            here = min(size - inside, stop - start)
            out.append(self._memory.read(address + inside, here))
            start += here
        return b"".join(out)


def enabled(value: Value) -> bool:
    """Whether a driver has taken it over; until then virtio-vga is a VGA."""
    own = child(value, FIELD)
    found = None if own is None else child(own, "enable")
    return found is not None and bool(found.value)


def heads(guest: Guest, device: DeviceState) -> Iterator[Head]:
    """Each of its scanouts, those that are off, too."""
    own = child(device.value, FIELD)
    screens = None if own is None else child(own, "scanouts")
    if own is None or screens is None or screens.kind != "struct":
        raise Unsupported(f"{device.path}: its scanouts cannot be read")
    each = [screens] if screens.count is None else list(screens.children)
    for number, screen in enumerate(each):
        yield _head(guest, device, own, number, screen)


def _head(guest: Guest, device: DeviceState, own: Value, number: int, screen: Value) -> Head:
    path, which = device.path, int(screen["resource_id"])
    if which == 0:
        return Head(Display(device=path, head=number, mode="off"))
    x, y, width, height = (int(screen[name]) for name in ("x", "y", "width", "height"))
    source, stride, name = _pixels(guest, device, own, screen, which)
    mode = f"resource {which}"
    if source is None or name is None:
        damage = "its resource is not in the stream" if source is None else "an unknown format"
        return Head(Display(device=path, head=number, mode=mode, on=True, damage=damage))
    first = PIXEL * x + stride * y
    last = first + stride * (height - 1) + PIXEL * width
    one = Display(
        device=path,
        head=number,
        mode=f"{mode}, 32 bits",
        width=width,
        height=height,
        on=True,
        damage="" if 0 <= first < last <= source.size else "more than its resource",
    )

    def draw() -> Picture:
        from migstream.machine.display.pixels import FORMATS as ORDERS
        from migstream.machine.display.pixels import framebuffer

        return framebuffer(source, first, stride, width, height, ORDERS[name])

    return Head(one, draw)


def _pixels(
    guest: Guest, device: DeviceState, own: Value, screen: Value, which: int
) -> tuple[Bytes | None, int, str | None]:
    """A resource's bytes, how far its rows are apart, and its format."""
    for one in _resources(own):
        if int(one["resource_id"]) == which:
            stride = PIXEL * int(one["width"])
            return _Held(one["image"].raw), stride, FORMATS.get(int(one["format"]))
    blobs = child(device.value, BLOBS)
    inner = None if blobs is None else child(blobs, BLOBS)
    for one in _resources(inner):
        if int(one["resource_id"]) == which and child(screen, "fb.format") is not None:
            pieces = [(int(iov["address"]), int(iov["length"])) for iov in _each(one["iov"])]
            # where a framebuffer is in its blob stands in fb.offset
            source = _Scattered(guest.memory, [piece for piece in pieces if piece[1]])
            kind = int(screen["fb.format"])
            name = PIXMAN.get(kind >> 16 & 0x3F) if kind >> 24 == 8 * PIXEL else None
            return _From(source, int(screen["fb.offset"])), int(screen["fb.stride"]), name
    return None, 0, None


class _From:
    """Bytes behind an offset (protocol: model.Bytes)."""

    def __init__(self, source: Bytes, offset: int) -> None:
        self.size = max(source.size - offset, 0)
        self._source = source
        self._offset = offset

    def read(self, start: int, stop: int) -> bytes:
        return self._source.read(self._offset + start, self._offset + stop)


def _resources(value: Value | None) -> Iterator[Value]:
    if value is not None:
        yield from (one for one in value.children if one.name.startswith("resource_"))


def _each(value: Value) -> Sequence[Value]:
    return [value] if value.count is None else list(value.children)
