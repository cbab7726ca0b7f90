"""Tail first: the description from the end, and from it the place of every device section.

The device state of a stream is found without reading its guest memory. Everything found is
verified against headers and footers; what does not verify is left to the walk from the start.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from migstream.errors import ParseError
from migstream.wire.cursor import Cursor
from migstream.wire.frames import SectionStart, read_section_start
from migstream.wire.model import Section, SectionType, Span

__all__ = ["Extent", "find_description", "last_data", "locate_devices"]

CHUNK = 1 << 20
GARBAGE = 16 << 20
JSON_START = re.compile(rb'\x00\x06(?=....\{ ?")', re.DOTALL)
TEXT = bytes(range(0x20, 0x100))


class Extent(msgspec.Struct, frozen=True):
    """What the description says of one device section: key, payload size, whether that is exact."""

    name: str
    instance_id: int
    size: int
    exact: bool = True


def last_data(view: memoryview) -> int:
    """Where the data end: zeros after it are padding."""
    stop = len(view)
    while stop:
        start = max(0, stop - CHUNK)
        kept = len(bytes(view[start:stop]).rstrip(b"\0"))
        if kept:
            return start + kept
        stop = start
    return 0


def _text_start(view: memoryview, stop: int) -> int:
    """Where the run of bytes without control characters that ends at `stop` begins."""
    while stop:
        start = max(0, stop - CHUNK)
        rest = bytes(view[start:stop]).rstrip(TEXT)
        if rest:
            return start + len(rest)
        stop = start
    return 0


def _framed(view: memoryview, at: int, stop: int) -> bool:
    """Whether 00 06 be32 length stand at `at` − 1 and the JSON ends exactly at `stop`."""
    if at < 1 or at + 5 > stop or bytes(view[at - 1 : at + 1]) != b"\0\x06":
        return False
    return at + 5 + int.from_bytes(view[at + 1 : at + 5], "big") == stop


def find_description(view: memoryview) -> Span | None:
    """The whole description item (type byte, length, JSON), None where there is none.

    A description holds no control characters, so going back over text from the last byte leads
    to its length, whatever its size. Behind bytes of something else it is searched for in the
    last 16 MiB.
    """
    stop = last_data(view)
    if stop and view[stop - 1] == ord("}"):
        start = _text_start(view, stop)
        # the length's own four bytes may look like text, and 06 is the last control character then
        for at in range(start - 5, start + 1):
            if _framed(view, at, stop):
                return Span(at, stop)
    low = max(0, stop - GARBAGE)
    found = None
    for hit in JSON_START.finditer(view[low:stop]):
        at = low + hit.start() + 1
        end = at + 5 + int.from_bytes(view[at + 1 : at + 5], "big")
        if end <= len(view) and view[end - 1] == ord("}"):
            found = Span(at, end)
    return found


def read_device(view: memoryview, start: int, extent: Extent, footers: bool) -> Section | None:
    """The device section at `start`, None where the bytes there are not that section."""
    try:
        cur = Cursor(view)
        cur.seek(start)
        if cur.peek(1) != b"\x04":
            return None
        head: SectionStart = read_section_start(cur)
        payload = cur.offset
        cur.skip(extent.size)
        stop = cur.offset
        footer = None
        if footers:
            if cur.u8() != SectionType.FOOTER or cur.u32() != head.section_id:
                return None
            footer = cur.span(stop)
    except (ParseError, ValueError):
        return None
    if (head.name, head.instance_id) != (extent.name, extent.instance_id):
        return None
    return Section(
        span=cur.span(start),
        type=SectionType.FULL,
        section_id=head.section_id,
        name=head.name,
        instance_id=head.instance_id,
        version_id=head.version_id,
        payload=Span(payload, stop),
        footer=footer,
        how="description",
    )


def locate_devices(view: memoryview, end: int, extents: Sequence[Extent]) -> list[Section]:
    """Device sections that end at the end marker, from the last one back, verified each.

    Parameters
    ----------
    view : the whole source
    end : offset of the description's type byte; the end marker is the byte before
    extents : the described devices in their order on the wire

    Returns the sections in order; fewer than described where early ones lie before guest memory
    or one does not verify.
    """
    found: list[Section] = []
    stop = end - 1
    footers = stop >= 5 and view[stop - 5] == SectionType.FOOTER
    for extent in reversed(extents):
        name = extent.name.encode("utf-8", "surrogateescape")
        start = stop - (5 if footers else 0) - extent.size - 14 - len(name)
        section = read_device(view, start, extent, footers) if extent.exact and start >= 0 else None
        if section is None:
            break
        found.append(section)
        stop = start
    found.reverse()
    return found
