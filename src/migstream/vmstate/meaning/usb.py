"""USB: setup packets (USB 2.0, 9.3), and what redirection has on its way (hw/usb/redirect.c)."""

from __future__ import annotations

from migstream.vmstate.layout import Node
from migstream.vmstate.meaning.parts import Inside, Parts

__all__ = ["packet_ids", "packets", "parser", "setup"]


def setup(raw: memoryview, _: Inside) -> list[Node]:
    """hw/usb/ccid: `setup_buf`, which other devices write as numbers of one byte."""
    out = Parts(raw)
    out.u8("bmRequestType")
    out.u8("bRequest")
    for name in ("wValue", "wIndex", "wLength"):
        out.add(name, "le16", 2)
    return out.done()


def parser(raw: memoryview, _: Inside) -> list[Node]:
    """usbredir_put_parser."""
    out = Parts(raw)
    out.add("data", "buffer", out.u32("length"))
    return out.done()


def packet_ids(raw: memoryview, _: Inside) -> list[Node]:
    """usbredir_put_packet_id_q."""
    out = Parts(raw)
    count = out.u32("count")
    out.add("id", "uint64", 8 * count, count)
    return out.done()


def packets(raw: memoryview, _: Inside) -> list[Node]:
    """usbredir_put_bufpq."""
    out = Parts(raw)
    for index in range(out.u32("count")):
        inner = out.inside()
        length = inner.u32("length")
        inner.u32("status")
        inner.add("data", "buffer", length)
        out.close(f"packet_{index}", inner)
    return out.done()
