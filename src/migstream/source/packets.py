"""Captures of a network: the TCP segments in a pcap or pcapng file, in the order in which they were captured.

Facts: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng, tcpdump.org/linktypes.html; RFC 791, 8200, 9293.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from migstream.source.store import Store

__all__ = ["FILE_HEADER", "SYN", "Packets", "Segment", "is_capture"]

# Magic to byte order; microseconds, then nanoseconds.
PCAPS = {
    b"\xd4\xc3\xb2\xa1": "<",
    b"\xa1\xb2\xc3\xd4": ">",
    b"\x4d\x3c\xb2\xa1": "<",
    b"\xa1\xb2\x3c\x4d": ">",
}
PCAPNG = b"\x0a\x0d\x0d\x0a"
ORDERS = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
FILE_HEADER, RECORD = 24, 16
PCAP_VERSION = 2
SECTION, INTERFACE, OBSOLETE, SIMPLE, ENHANCED = 0x0A0D0D0A, 1, 2, 3, 6
MOST_INTERFACES = 1 << 12

WINDOW = 1 << 20
HEADERS = 512  # bytes of a packet in which the headers up to TCP's must be
MOST_PACKET = 1 << 24

ETHERNET, LOOPS, RAWS, COOKED, COOKED2 = 1, (0, 108), (12, 14, 101, 228, 229), 113, 276
IPV4, IPV6, VLANS = 0x0800, 0x86DD, (0x8100, 0x88A8, 0x9100)
MOST_VLANS = 4
TCP, FRAGMENT, AUTH, OPTIONS = 6, 44, 51, (0, 43, 60)
MOST_OPTIONS = 8
FIN, SYN, RST = 1, 2, 4
LEAST = 20  # bytes of an IPv4 and of a TCP header
ADDRESSES = {4: (12, 16), 6: (8, 24)}


def is_capture(head: bytes) -> bool:
    """Whether a file that begins so is a capture: magic and version of pcap, or pcapng's byte order."""
    order = PCAPS.get(head[:4])
    if order is not None and len(head) >= FILE_HEADER:
        return struct.unpack_from(f"{order}H", head, 4) == (PCAP_VERSION,)
    return head[:4] == PCAPNG and head[8:12] in ORDERS


class Segment(NamedTuple):
    """A TCP segment.

    `source` and `target` are an address and the two bytes of a port. `at` is where its payload is in
    the file; of its `size` bytes `captured` are there.
    """

    source: bytes
    target: bytes
    sequence: int
    flags: int
    at: int
    size: int
    captured: int

    @property
    def ends(self) -> bool:
        """Whether it closes the connection."""
        return bool(self.flags & (FIN | RST))


class Packets:
    """A capture, read once from its beginning.

    Attributes
    ----------
    cut : where the file ends inside a packet or cannot be read on, None where it does not
    fragments : packets that were left out since they are pieces of IP packets
    """

    def __init__(self, store: Store) -> None:
        self.cut: int | None = None
        self.fragments = 0
        self.at = 0
        self._store = store
        self._window = memoryview(b"")
        self._base = 0

    def _take(self, at: int, size: int) -> memoryview:
        """Bytes from `at` on, fewer at the end of the file."""
        begin = at - self._base
        if begin < 0 or begin + size > len(self._window):
            self._window = self._store.view(at, at + max(size, WINDOW))
            self._base, begin = at, 0
        return self._window[begin : begin + size]

    def segments(self) -> Iterator[Segment]:
        """Its TCP segments; other packets are left out."""
        magic = bytes(self._take(0, 4))
        records = self._pcapng() if magic == PCAPNG else self._pcap(PCAPS[magic])
        for link, at, captured in records:
            self.at = at
            head = self._take(at, min(captured, HEADERS))
            try:
                found = self._segment(head, link, at, captured)
            except (IndexError, struct.error):
                continue  # cut off in its headers, or none
            if found is not None:
                yield found

    # --- files: link type, offset and captured size of each packet -------------------------------

    def _pcap(self, order: str) -> Iterator[tuple[int, int, int]]:
        header = self._take(0, FILE_HEADER)
        if len(header) < FILE_HEADER:
            self.cut = 0
            return
        (link,) = struct.unpack_from(f"{order}I", header, 20)
        record = struct.Struct(f"{order}8xI4x")
        at = FILE_HEADER
        while head := self._take(at, RECORD):
            captured = record.unpack(head)[0] if len(head) == RECORD else MOST_PACKET + 1
            if captured > MOST_PACKET or at + RECORD + captured > self._store.size:
                self.cut = at
                return
            yield link & 0xFFFF, at + RECORD, captured
            at += RECORD + captured

    def _pcapng(self) -> Iterator[tuple[int, int, int]]:
        order, at = "<", 0
        links: list[tuple[int, int]] = []  # and how much of each packet is captured at most
        while head := bytes(self._take(at, 28)):
            if len(head) >= 12 and head.startswith(PCAPNG):
                order, links = ORDERS.get(head[8:12], "?"), []
            if len(head) < 12 or order == "?":
                self.cut = at
                return
            kind, size = struct.unpack_from(f"{order}II", head)
            if size < 12 or size % 4 or at + size > self._store.size:
                self.cut = at
                return
            try:
                packet = _packet(head, kind, order, links)
            except struct.error:
                packet = None
            if packet is not None and packet[1] + packet[2] <= size:
                link, begin, captured = packet
                yield link, at + begin, captured
            at += size

    # --- packets ---------------------------------------------------------------------------------

    def _segment(self, head: memoryview, link: int, at: int, captured: int) -> Segment | None:
        begin = _network(head, link)
        if begin is None:
            return None
        version = head[begin] >> 4
        if version == 4:
            length = int.from_bytes(head[begin + 2 : begin + 4], "big")
            if head[begin + 9] != TCP:
                return None
            if int.from_bytes(head[begin + 6 : begin + 8], "big") & 0x3FFF:
                self.fragments += 1
                return None
            tcp = begin + max((head[begin] & 0xF) * 4, LEAST)
            stop = begin + length if length else captured  # 0: larger than the field can say
        elif version == 6:
            length = int.from_bytes(head[begin + 4 : begin + 6], "big")
            upper = self._upper(head, begin)
            if upper is None:
                return None
            tcp = upper
            stop = begin + 40 + length if length else captured
        else:
            return None
        first, second = ADDRESSES[version]
        size = second - first
        source = bytes(head[begin + first : begin + second]) + bytes(head[tcp : tcp + 2])
        target = bytes(head[begin + second : begin + second + size]) + bytes(
            head[tcp + 2 : tcp + 4]
        )
        sequence = int.from_bytes(head[tcp + 4 : tcp + 8], "big")
        payload = tcp + max((head[tcp + 12] >> 4) * 4, LEAST)
        return Segment(
            source,
            target,
            sequence,
            head[tcp + 13],
            at + payload,
            max(stop - payload, 0),
            max(min(stop, captured) - payload, 0),
        )

    def _upper(self, head: memoryview, begin: int) -> int | None:
        """Where the TCP header of an IPv6 packet is; None where it has none."""
        kind, at = head[begin + 6], begin + 40
        for _ in range(MOST_OPTIONS):
            if kind == TCP:
                return at
            if kind == FRAGMENT and int.from_bytes(head[at + 2 : at + 4], "big") & 0xFFF9:
                self.fragments += 1
                return None
            if kind in OPTIONS:
                size = (head[at + 1] + 1) * 8
            elif kind == AUTH:
                size = (head[at + 1] + 2) * 4
            elif kind == FRAGMENT:
                size = 8
            else:
                return None
            kind, at = head[at], at + size
        return None


def _packet(
    head: bytes, kind: int, order: str, links: list[tuple[int, int]]
) -> tuple[int, int, int] | None:
    """Link type, offset in the block and captured size of the packet in a pcapng block, where it holds one."""
    if kind == INTERFACE and len(links) < MOST_INTERFACES:
        links.append(struct.unpack_from(f"{order}H2xI", head, 8))
    elif kind in {ENHANCED, OBSOLETE}:
        form = "I8xI" if kind == ENHANCED else "H10xI"
        number, captured = struct.unpack_from(order + form, head, 8)
        if number < len(links):
            return links[number][0], 28, captured
    elif kind == SIMPLE and links:
        (size,) = struct.unpack_from(f"{order}I", head, 8)
        link, most = links[0]
        return link, 12, min(size, most or size)
    return None


def _network(head: memoryview, link: int) -> int | None:
    """Where the IP header is in a packet; None where it has none."""
    if link in LOOPS:
        return 4
    if link in RAWS:
        return 0
    if link == ETHERNET:
        at, kind = 14, int.from_bytes(head[12:14], "big")
    elif link == COOKED:
        at, kind = 16, int.from_bytes(head[14:16], "big")
    elif link == COOKED2:
        at, kind = 20, int.from_bytes(head[0:2], "big")
    else:
        return None
    for _ in range(MOST_VLANS):
        if kind not in VLANS:
            break
        kind, at = int.from_bytes(head[at + 2 : at + 4], "big"), at + 4
    return at if kind in {IPV4, IPV6} else None
