"""virtio-iommu's own part: what addresses devices may use, and where these lead to."""

from __future__ import annotations

from migstream.vmstate.layout import Node
from migstream.vmstate.meaning.parts import Inside, Parts, Unclear

__all__ = ["iommu"]


def iommu(raw: memoryview, _: Inside) -> list[Node]:
    """hw/virtio/virtio-iommu.c: vmstate_virtio_iommu_device.

    The domains and, in each, its mappings are trees (migration/vmstate-types.c: put_gtree), the endpoints
    that use it a list (put_qlist). What their elements are called is the decoder's own.
    """
    out = Parts(raw)
    for index in range(out.u32("domains")):
        inner = _next(out)
        inner.u64("key")
        _domain(inner)
        out.close(f"domain_{index}", inner)
    _end(out, "end")
    out.u8("config.bypass")
    return out.done()


def _domain(out: Parts) -> None:
    out.u32("id")
    for index in range(out.u32("mappings")):
        inner = _next(out)
        inner.u64("low")
        inner.u64("high")
        inner.u64("phys_addr")
        inner.u32("flags")
        out.close(f"mapping_{index}", inner)
    _end(out, "mappings_end")
    index = 0
    while out.left and out.raw[out.at]:
        inner = _next(out)
        inner.u32("id")
        out.close(f"endpoint_{index}", inner)
        index += 1
    _end(out, "endpoints_end")
    out.add("bypass", "bool", 1)


def _next(out: Parts) -> Parts:
    """An element, which a byte 1 stands before."""
    inner = out.inside()
    if inner.u8("more") != 1:
        raise Unclear("an element is missing")
    return inner


def _end(out: Parts, name: str) -> None:
    if out.u8(name):
        raise Unclear("more elements than there should be")
