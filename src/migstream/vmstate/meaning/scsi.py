"""SCSI: requests that were in flight (hw/scsi/scsi-bus.c: put_scsi_requests)."""

from __future__ import annotations

from migstream.vmstate.layout import Node
from migstream.vmstate.meaning.parts import Inside, Parts, Unclear

__all__ = ["requests"]

END, MARKS = 0, {0, 1, 2}  # 1: to be sent again


def requests(raw: memoryview, _: Inside) -> list[Node]:
    """The first request's head; what follows depends on the bus and the device."""
    out = Parts(raw)
    mark = out.number("mark", "int8", 1)
    if mark not in MARKS or (mark == END and out.left):
        raise Unclear
    if mark != END:
        out.add("cdb", "buffer", 16)
        out.u32("tag")
        out.u32("lun")
    return out.nodes
