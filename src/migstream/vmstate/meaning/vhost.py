"""State that a back-end process gave to QEMU to be sent along (hw/virtio/vhost.c: vhost_save_backend_state)."""

from __future__ import annotations

from migstream.vmstate.layout import Node
from migstream.vmstate.meaning.parts import Inside, Parts

__all__ = ["add_chunks", "chunks"]


def chunks(raw: memoryview, _: Inside) -> list[Node]:
    """Nothing but them."""
    out = Parts(raw)
    add_chunks(out)
    return out.done()


def add_chunks(out: Parts) -> None:
    """Pieces with their lengths; a length of 0 ends them."""
    index = 0
    while out.left >= 4 and any(out.raw[out.at : out.at + 4]):
        inner = out.inside()
        inner.add("data", "buffer", inner.u32("length"))
        out.close(f"chunk_{index}", inner)
        index += 1
    out.u32("end")
