"""Another stream's description for a stream that has none.

The entries of its devices are taken out of the other description's tree, so that what is taken stays
as QEMU wrote it.
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import Any

from migstream.errors import Unsupported
from migstream.stream import Stream
from migstream.vmstate.description import Description
from migstream.vmstate.description import Device as DescribedDevice
from migstream.vmstate.jsontext import Object, read_text, write_text
from migstream.vmstate.layout import compile_device
from migstream.wire.model import Section

__all__ = ["borrow"]


def borrow(stream: Stream, other: Description) -> bytes:
    """Another stream's description, of this stream's devices in their order.

    Raises
    ------
    Unsupported : it does not have all of them, does not fit their bytes, or no QEMU wrote it
    """
    tree, style = read_text(other.text)
    entries = tree.get("devices") if isinstance(tree, Object) else None
    if not isinstance(entries, list) or len(entries) != len(other.devices):
        raise Unsupported("the other stream's description has no devices")
    waiting: dict[tuple[str, int], deque[tuple[DescribedDevice, Any]]] = defaultdict(deque)
    for described, entry in zip(other.devices, entries, strict=True):
        waiting[described.key].append((described, entry))
    chosen = []
    for device in stream.devices:
        section = device.section
        if not waiting[section.key]:
            raise Unsupported(f"the other stream's description has no device {section.path}")
        described, entry = waiting[section.key].popleft()
        _fits(described, section)
        chosen.append(entry)
    entries[:] = chosen
    return write_text(tree, style)


def _fits(described: DescribedDevice, section: Section) -> None:
    layout = compile_device(described)
    if described.group.version != section.version_id or (
        layout.size != section.payload.size and layout.exact
    ):
        raise Unsupported(
            f"the other stream's description does not fit device {section.path}",
            at=section.span.start,
            expected=f"version {described.group.version}, {layout.size} bytes",
            found=f"version {section.version_id}, {section.payload.size} bytes",
        )
