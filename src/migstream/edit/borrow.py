"""Another stream's description for a stream that has none.

The text is cut and joined, so that what is taken stays as QEMU wrote it.
"""

from __future__ import annotations

import json
import re

from migstream.errors import Unsupported
from migstream.stream import Stream
from migstream.vmstate.description import Description
from migstream.vmstate.layout import compile_device

__all__ = ["borrow"]

DEVICES = re.compile(r'"devices":\s*\[')
BETWEEN = re.compile(r"[\s,]*")


def borrow(stream: Stream, other: Description) -> bytes:
    """Another stream's description, of this stream's devices in their order.

    Raises
    ------
    Unsupported : it does not have all of them, or does not fit their bytes
    """
    text = other.text.decode("utf-8", "surrogateescape")
    start = DEVICES.search(text)
    if start is None:
        raise Unsupported("the other stream's description has no devices")
    texts, stop = _device_texts(text, start.end(), len(other.devices))
    chosen = []
    left = list(zip(other.devices, texts, strict=True))
    for device in stream.devices:
        section = device.section
        index = next((n for n, (d, _) in enumerate(left) if d.key == section.key), None)
        if index is None:
            raise Unsupported(f"the other stream's description has no device {section.path}")
        described, one = left.pop(index)
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
        chosen.append(one)
    made = f"{text[: start.end()]}{', '.join(chosen)}{text[stop:]}"
    return made.encode("utf-8", "surrogateescape")


def _device_texts(text: str, at: int, count: int) -> tuple[list[str], int]:
    """The JSON of each of `count` devices, and where the list of them ends."""
    decoder = json.JSONDecoder()
    texts = []
    for _ in range(count):
        gap = BETWEEN.match(text, at)
        start = at if gap is None else gap.end()
        _, at = decoder.raw_decode(text, start)
        texts.append(text[start:at])
    return texts, at
