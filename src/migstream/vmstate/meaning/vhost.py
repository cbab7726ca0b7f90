"""State that a back-end process gave to QEMU to be sent along (hw/virtio/vhost.c: vhost_save_backend_state)."""

from __future__ import annotations

from migstream.vmstate.layout import Node
from migstream.vmstate.meaning.parts import Inside, Parts, Unclear

__all__ = ["chunks"]


def chunks(raw: memoryview, _: Inside) -> list[Node]:
    """Pieces with their lengths; a length of 0 ends them."""
    out = Parts(raw)
    index = 0
    while out.left > 4:
        inner = out.inside()
        length = inner.u32("length")
        if not length:
            raise Unclear
        inner.add("data", "buffer", length)
        out.close(f"chunk_{index}", inner)
        index += 1
    if out.u32("end"):
        raise Unclear
    return out.done()
