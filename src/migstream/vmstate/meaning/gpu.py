"""virtio-gpu: resources that the guest made, and its screens (hw/display/virtio-gpu.c)."""

from __future__ import annotations

from migstream.vmstate.layout import Node
from migstream.vmstate.meaning.parts import Inside, Parts, fields, size_of

__all__ = ["blobs", "resources"]

PIXEL = 4  # bytes: all its formats are 32 bits deep

_IOV = fields(("address", "uint64", 8), ("length", "uint32", 4))
_HEAD = (
    ("resource_id", "uint32", 4),
    ("width", "uint32", 4),
    ("height", "uint32", 4),
    ("x", "int32", 4),
    ("y", "int32", 4),
    ("cursor_resource_id", "uint32", 4),
    ("cursor_hot_x", "uint32", 4),
    ("cursor_hot_y", "uint32", 4),
    ("cursor_x", "uint32", 4),
    ("cursor_y", "uint32", 4),
)
_FRAMEBUFFER = tuple(
    (f"fb.{name}", "uint32", 4)
    for name in ("format", "bytes_pp", "width", "height", "stride", "offset")
)
# A screen: machine types of 9.0 and newer say where its picture is, too (scanout_vmstate_after_v2).
_SCANOUTS = (fields(*_HEAD), fields(*_HEAD, *_FRAMEBUFFER))


def resources(raw: memoryview, _: Inside) -> list[Node]:
    """virtio_gpu_save: resources, then what vmstate_virtio_gpu_scanouts describes."""
    out = Parts(raw)
    _resources(out, blob=False)
    screens = Parts(raw[out.at :])
    if screens.left >= 8:
        screens.u32("enable")
        count = screens.u32("max_outputs")
        for scanout in _SCANOUTS:
            if screens.left == size_of(scanout) * count:
                out.u32("enable")
                out.u32("max_outputs")
                out.struct("scanouts", scanout, count)
                return out.done()
    out.add("scanouts", "buffer", out.left)
    return out.done()


def blobs(raw: memoryview, _: Inside) -> list[Node]:
    """virtio_gpu_blob_save."""
    out = Parts(raw)
    _resources(out, blob=True)
    return out.nodes


def _resources(out: Parts, *, blob: bool) -> None:
    index = 0
    while out.left >= 4 and any(out.raw[out.at : out.at + 4]):
        inner = out.inside()
        inner.u32("resource_id")
        width = height = 0
        if blob:
            inner.u32("blob_size")
        else:
            width, height = inner.u32("width"), inner.u32("height")
            inner.u32("format")
        count = inner.u32("iov_count")
        inner.struct("iov", _IOV, count)
        if not blob:
            inner.add("image", "buffer", PIXEL * width * height)
        out.close(f"resource_{index}", inner)
        index += 1
    out.u32("end")
