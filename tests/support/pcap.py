"""Writes captures, of TCP over whatever lies below it. Shares no code with the reader."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

__all__ = ["ACK", "FIN", "LINKS", "SYN", "Flow", "pcap", "pcapng", "spoken"]

FIN, SYN, ACK = 1, 2, 16

LINKS = {
    "ethernet": 1,
    "vlan": 1,
    "two vlans": 1,
    "bsd loopback": 0,
    "openbsd loopback": 108,
    "raw": 101,
    "cooked": 113,
    "cooked 2": 276,
}


class Flow(NamedTuple):
    """One direction of a connection."""

    source: str
    sport: int
    target: str
    dport: int
    isn: int = 1000

    def packet(self, at: int, data: bytes, flags: int = ACK, *, link: str = "ethernet") -> bytes:
        """`data` at offset `at` of the direction; a SYN's at is -1."""
        return _below(link, self._ip(at, data, flags), six=":" in self.source)

    def _ip(self, at: int, data: bytes, flags: int) -> bytes:
        sequence = (self.isn + 1 + at) & 0xFFFFFFFF
        options = b"\x01\x01\x08\x0a" + bytes(8)
        head = struct.pack(
            ">HHIIBBHHH", self.sport, self.dport, sequence, 1, 8 << 4, flags, 512, 0, 0
        )
        tcp = head + options + data
        if ":" in self.source:
            addresses = b"".join(
                socket.inet_pton(socket.AF_INET6, one) for one in (self.source, self.target)
            )
            hop = bytes([6, 0, 1, 4, 0, 0, 0, 0])  # an option header, as some stacks send it
            return struct.pack(">IHBB", 6 << 28, len(hop + tcp), 0, 64) + addresses + hop + tcp
        addresses = socket.inet_aton(self.source) + socket.inet_aton(self.target)
        total = 20 + len(tcp)
        total = total if total < 1 << 16 else 0
        return struct.pack(">BBHHHBBH", 0x45, 0, total, 0, 0x4000, 64, 6, 0) + addresses + tcp


def _below(link: str, ip: bytes, *, six: bool) -> bytes:
    kind = struct.pack(">H", 0x86DD if six else 0x0800)
    macs = b"\x02\0\0\0\0\1\x02\0\0\0\0\2"
    return {
        "ethernet": macs + kind + ip + bytes(max(46 - len(ip), 0)),
        "vlan": macs + b"\x81\0\0\7" + kind + ip,
        "two vlans": macs + b"\x88\xa8\0\1\x81\0\0\7" + kind + ip,
        "bsd loopback": struct.pack("<I", 30 if six else 2) + ip,
        "openbsd loopback": struct.pack(">I", 24 if six else 2) + ip,
        "raw": ip,
        "cooked": b"\0\0\3\4\0\6" + bytes(8) + kind + ip,
        "cooked 2": kind + b"\0\0" + bytes(4) + b"\3\4\0\6" + bytes(8) + ip,
    }[link]


def spoken(
    flow: Flow, data: bytes, *, piece: int = 1400, link: str = "ethernet", end: bool = True
) -> list[bytes]:
    """All that one direction says: SYN, its pieces, FIN."""
    packets = [flow.packet(-1, b"", SYN, link=link)]
    packets += [
        flow.packet(at, data[at : at + piece], link=link) for at in range(0, len(data), piece)
    ]
    return [*packets, *([flow.packet(len(data), b"", FIN | ACK, link=link)] if end else [])]


def pcap(
    packets: Iterable[bytes],
    link: str = "ethernet",
    *,
    order: str = "<",
    nano: bool = False,
    snap: int = 1 << 18,
) -> bytes:
    """A pcap file."""
    magic = 0xA1B23C4D if nano else 0xA1B2C3D4
    out = [struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, snap, LINKS[link])]
    for packet in packets:
        kept = packet[:snap]
        out.append(struct.pack(f"{order}IIII", 1700000000, 5, len(kept), len(packet)) + kept)
    return b"".join(out)


def pcapng(
    packets: Sequence[bytes],
    link: str = "ethernet",
    *,
    order: str = "<",
    simple: bool = False,
) -> bytes:
    """A pcapng file, with a block that no reader knows and an interface without packets."""

    def block(kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        size = struct.pack(f"{order}I", 12 + len(body))
        return struct.pack(f"{order}I", kind) + size + body + size

    section = struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1)
    first = block(1, struct.pack(f"{order}HHI", LINKS[link] if simple else 147, 0, 0))
    second = block(1, struct.pack(f"{order}HHI", LINKS[link], 0, 1 << 18))
    out = [block(0x0A0D0D0A, section), first, second, block(0x0BAD, b"what")]
    for packet in packets:
        if simple:
            out.append(block(3, struct.pack(f"{order}I", len(packet)) + packet))
            continue
        head = struct.pack(f"{order}IIIII", 1, 0, 0, len(packet), len(packet))
        out.append(block(6, head + packet + bytes(-len(packet) % 4) + bytes(4)))
    return b"".join(out)
