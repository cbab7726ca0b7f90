"""virtio-iommu: which devices share a domain, and what is mapped in it (hw/virtio/virtio-iommu.c: vmstate_domain)."""

from __future__ import annotations

from collections.abc import Callable

from migstream.vmstate.layout import Node
from migstream.vmstate.meaning.parts import Inside, Parts, Unclear

__all__ = ["domains"]


def domains(raw: memoryview, _: Inside) -> list[Node]:
    """hw/virtio/virtio-iommu.c: vmstate_virtio_iommu_device; before version 2 it tells nothing of bypassing."""
    try:
        return _domains(raw, bypass=True)
    except Unclear:
        return _domains(raw, bypass=False)


def _domains(raw: memoryview, *, bypass: bool) -> list[Node]:
    out = Parts(raw)

    def domain(one: Parts) -> None:
        one.u64("key")
        one.u32("id")
        _tree(one, "mapping", _mapping)
        _list(one, "endpoint", lambda endpoint: endpoint.u32("id"))
        if bypass:
            one.add("bypass", "bool", 1)

    _tree(out, "domain", domain)
    if bypass:
        out.u8("config.bypass")
    return out.done()


def _mapping(one: Parts) -> None:
    for name in ("low", "high", "phys_addr"):
        one.u64(name)
    one.u32("flags")


def _tree(out: Parts, name: str, read: Callable[[Parts], object]) -> None:
    """migration/vmstate-types.c: put_gtree: how many nodes, then what a list has."""
    count = out.u32(f"{name}_count")
    if _list(out, name, read) != count:
        raise Unclear(f"not {count} of {name}")


def _list(out: Parts, name: str, read: Callable[[Parts], object]) -> int:
    """migration/vmstate-types.c: put_qlist: elements, each after a byte 1, until a byte 0. Gives how many."""
    rows = out.inside()
    while rows.left and rows.raw[rows.at] == 1:
        one = rows.inside()
        one.u8("more")
        read(one)
        rows.close(f"[{len(rows.nodes)}]", one)
    out.sequence(name, rows)
    if out.u8(f"{name}_end"):
        raise Unclear
    return len(rows.nodes)
