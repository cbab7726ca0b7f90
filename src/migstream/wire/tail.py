"""Tail first: the description from the end, and from it the place of every device section.

The device state of a stream is found without reading its guest memory. Everything found is
verified against headers and footers; what does not verify is left to the walk from the start.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from migstream.errors import ParseError
from migstream.names import encoded
from migstream.wire.cursor import Bytes, Cursor
from migstream.wire.frames import SectionStart, read_section_start
from migstream.wire.model import Section, SectionType, Span

__all__ = ["Extent", "find_description", "locate_devices"]

FIRST, CHUNK = 1 << 16, 1 << 20
GARBAGE = 16 << 20
JSON_START = rb'\x00\x06(?=....\{ ?")'
LONGEST_HEADER = 1 + 4 + 1 + 255 + 8
TEXT = bytes(range(0x20, 0x100))


class Extent(msgspec.Struct, frozen=True):
    """What the description says of one device section: key, payload size, whether that is exact."""

    name: str
    instance_id: int
    size: int
    exact: bool = True


def _text_start(store: Bytes, stop: int, low: int) -> int:
    """Where the run of bytes without control characters that ends at `stop` begins."""
    size = FIRST
    while stop > low:
        start = max(low, stop - size)
        rest = bytes(store.view(start, stop)).rstrip(TEXT)
        if rest:
            return start + len(rest)
        stop, size = start, min(2 * size, CHUNK)
    return low


def _framed(store: Bytes, at: int, stop: int, low: int) -> bool:
    """Whether 00 06 be32 length stand at `at` − 1 and the JSON ends exactly at `stop`."""
    if at < low + 1 or at + 5 > stop:
        return False
    head = bytes(store.view(at - 1, at + 5))
    return head[:2] == b"\0\x06" and at + 5 + int.from_bytes(head[2:], "big") == stop


def find_description(store: Bytes, low: int = 0) -> Span | None:
    """The whole description item (type byte, length, JSON) behind offset `low`, None where there is none.

    A description holds no control characters, so going back over text from the last byte leads
    to its length, whatever its size. Behind bytes of something else it is searched for in the
    last 16 MiB.
    """
    stop = Cursor(b"", store.size, whole=store).data_end(low)
    if stop > low and bytes(store.view(stop - 1, stop)) == b"}":
        start = _text_start(store, stop, low)
        # the length's own four bytes may look like text, and 06 is the last control character then
        for at in range(start - 5, start + 1):
            if _framed(store, at, stop, low):
                return Span(at, stop)
    found = None
    low = max(low, stop - GARBAGE)
    cur = Cursor(b"", low, eof=False, whole=store)
    for hit in cur.search(JSON_START, low, stop):
        at = hit + 1
        end = at + 5 + int.from_bytes(cur.at(at + 1, 4), "big")
        if end <= store.size and cur.at(end - 1, 1) == b"}":
            found = Span(at, end)
    return found


def read_device(store: Bytes, start: int, extent: Extent, footers: bool) -> Section | None:
    """The device section at `start`, None where the bytes there are not that section."""
    try:
        cur = Cursor(store.view(start, start + LONGEST_HEADER), start)
        if cur.peek(1) != b"\x04":
            return None
        head: SectionStart = read_section_start(cur)
        payload = cur.offset
        stop = payload + extent.size
        footer = None
        if footers:
            footer = Span(stop, stop + 5)
            lead = bytes((SectionType.FOOTER,)) + head.section_id.to_bytes(4, "big")
            if bytes(store.view(*footer)) != lead:
                return None
    except (ParseError, ValueError):
        return None
    if (head.name, head.instance_id) != (extent.name, extent.instance_id):
        return None
    return Section(
        span=Span(start, stop if footer is None else footer.stop),
        type=SectionType.FULL,
        section_id=head.section_id,
        name=head.name,
        instance_id=head.instance_id,
        version_id=head.version_id,
        payload=Span(payload, stop),
        footer=footer,
        how="description",
    )


def locate_devices(
    store: Bytes, end: int, extents: Sequence[Extent], low: int = 0
) -> list[Section]:
    """Device sections that end at the end marker, from the last one back, verified each.

    Parameters
    ----------
    store : the source
    end : offset of the description's type byte; the end marker is the byte before
    extents : the described devices in their order on the wire
    low : nothing before this offset is looked at

    Returns the sections in order; fewer than described where early ones lie before guest memory
    or one does not verify.
    """
    found: list[Section] = []
    stop = end - 1
    footers = stop >= low + 5 and store.view(stop - 5, stop - 4)[0] == SectionType.FOOTER
    for extent in reversed(extents):
        name = encoded(extent.name)
        start = stop - (5 if footers else 0) - extent.size - 14 - len(name)
        section = (
            read_device(store, start, extent, footers) if extent.exact and start >= low else None
        )
        if section is None:
            break
        found.append(section)
        stop = start
    found.reverse()
    return found
