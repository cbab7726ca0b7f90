"""Captures of a migration over TCP (pcap, pcapng): the connection that is the stream, and those that belong to it.

Connections are put together from their segments in the order of their sequence numbers, whatever
came twice, late or in other pieces; of bytes that came twice the first ones count, as they do for
the receiver. Facts: RFC 9293, 3.4; QEMU, migration/channel.c (which magic a connection begins with).
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from ipaddress import ip_address
from typing import Any

from migstream.errors import NotAStream, SourceError
from migstream.source.layers import Layer, Opened, Watch
from migstream.source.packets import FILE_HEADER, SYN, Packets, Segment, is_capture
from migstream.source.store import Store

__all__ = ["Connection", "connections", "open_capture"]

STREAM, CHANNEL = b"QEVM", b"\x11\x22\x33\x44"
TLS = b"\x16\x03"
MOST_CONNECTIONS = 1 << 16
MOST_WAITING = 1 << 16  # segments that are there while one before them is not
MOST_AT_ONCE = 1 << 20
WORD = 1 << 32
READING = "reading the capture"
TOLD = 1 << 14  # segments, until somebody is told again
NAMED = 8  # connections that a message lists
MOST_FACTS = 256  # and that are told to programs


class Connection:
    """One direction of a TCP connection, as far as no segment is missing (protocol: source.store.Store).

    Attributes
    ----------
    source, target : an address and the two bytes of a port
    begin, last : offsets in the capture of its first and its last packet
    whole : whether its first packet is in the capture
    closed : whether one end closed it
    """

    def __init__(self, store: Store, first: Segment) -> None:
        self.source, self.target = first.source, first.target
        self.begin = self.last = first.at
        self.whole = bool(first.flags & SYN)
        self.closed = False
        self.size = 0
        self.short = False  # packets were not captured to their ends
        self._store = store
        self._zero = first.sequence + self.whole & WORD - 1
        self._starts = array("Q")
        self._at = array("Q")
        self._waiting: list[tuple[int, int, int]] = []
        self._given_up = False

    def begins_anew(self, segment: Segment) -> bool:
        """Whether a segment begins another connection between the same ports."""
        return bool(segment.flags & SYN) and segment.sequence + 1 & WORD - 1 != self._zero

    def add(self, segment: Segment) -> None:
        """Add the next segment that was captured."""
        self.last = segment.at
        self.closed = self.closed or segment.ends
        if not segment.size or self._given_up:
            return
        if segment.captured < segment.size:
            self.short = True
        ahead = segment.sequence + bool(segment.flags & SYN) - self._zero - self.size & WORD - 1
        start = self.size + (ahead - WORD if ahead >= WORD >> 1 else ahead)
        if start > self.size:
            heappush(self._waiting, (start, segment.at, segment.captured))
            self._given_up = len(self._waiting) > MOST_WAITING
            return
        self._append(start, segment.at, segment.captured)
        while self._waiting and self._waiting[0][0] <= self.size:
            self._append(*heappop(self._waiting))

    def _append(self, start: int, at: int, size: int) -> None:
        """What is new of a piece that begins at or before the end."""
        if start + size > self.size:
            self._starts.append(self.size)
            self._at.append(at + self.size - start)
            self.size = start + size

    @property
    def gap(self) -> tuple[int, int] | None:
        """Which bytes [start, stop) are missing behind the end, where some that follow are there."""
        return (self.size, self._waiting[0][0]) if self._waiting else None

    @property
    def name(self) -> str:
        """Source and target, as `--inside` takes it."""
        return f"{_said(self.source)}-{_said(self.target)}"

    def view(self, start: int, stop: int) -> memoryview:
        """Bytes [start, stop), fewer at the end or at a gap."""
        stop = min(stop, self.size)
        out: list[memoryview] = []
        near, base = memoryview(b""), 0
        number = bisect_right(self._starts, start) - 1
        while start < stop:
            end = self._starts[number + 1] if number + 1 < len(self._starts) else self.size
            size = min(end, stop) - start
            at = self._at[number] + start - self._starts[number]
            if not base <= at <= at + size <= base + len(near):
                # its neighbours mostly follow, with their headers between them
                left = stop - start
                near = self._store.view(at, at + max(size, min(left + left // 8, MOST_AT_ONCE)))
                base = at
            out.append(near[at - base : at - base + size])
            start, number = start + size, number + 1
        return out[0] if len(out) == 1 else memoryview(b"".join(out))

    def where(self, at: int) -> int | None:
        """The offset in the capture of the byte at `at`; None where there is none."""
        if not 0 <= at < self.size:
            return None
        number = bisect_right(self._starts, at) - 1
        return self._at[number] + at - self._starts[number]

    @property
    def cut(self) -> SourceError | None:
        """That bytes are missing behind the end; None where none are known to be."""
        gap = self.gap
        if gap is None:
            return None
        hint = "the capture lost packets: a larger buffer (tcpdump -B 65536) and a fast disk keep them all"
        if self.short:
            hint = "packets were not captured to their ends: tcpdump -s 0 does that"
        return SourceError(f"bytes {gap[0]:#x}-{gap[1]:#x} are missing in the capture", hint=hint)


def _said(end: bytes) -> str:
    address, port = ip_address(end[:-2]), int.from_bytes(end[-2:], "big")
    return f"{address}:{port}" if address.version == 4 else f"[{address}]:{port}"


def connections(store: Store, packets: Packets, watch: Watch | None = None) -> list[Connection]:
    """Both directions of all TCP connections in a capture, in the order in which they began; without empty ones.

    Parameters
    ----------
    watch : told how much of the capture was read

    Raises
    ------
    SourceError : they are more than any capture of a migration has
    """
    found: list[Connection] = []
    current: dict[tuple[bytes, bytes], Connection] = {}
    for count, segment in enumerate(packets.segments()):
        if watch is not None and not count % TOLD:
            watch(READING, packets.at, store.size)
        key = segment.source, segment.target
        one = current.get(key)
        if one is None or one.begins_anew(segment):
            if not (segment.size or segment.flags & SYN):
                continue
            if len(found) >= MOST_CONNECTIONS:
                raise SourceError(
                    f"a capture of more than {MOST_CONNECTIONS} connections",
                    hint="tcpdump -r FILE -w OTHER port N keeps those of the migration",
                )
            one = current[key] = Connection(store, segment)
            found.append(one)
        one.add(segment)
    return [one for one in found if one.size]


def open_capture(outer: Opened, /) -> Opened | None:
    """The stream in a capture (protocol: source.containers.Container); `outer.asked.inside` says which."""
    if not is_capture(outer.head(FILE_HEADER)):
        return None
    store = outer.spool().store
    assert store is not None
    packets = Packets(store)
    watch = outer.asked.watch
    try:
        found = connections(store, packets, watch)
    finally:
        if watch is not None:
            watch(READING, store.size, store.size)
    chosen = _choose(found, outer.asked.take(), packets)
    migrations = _begin_with(found, STREAM)
    channels = [
        one
        for one in _begin_with(found, CHANNEL)
        if chosen in migrations and _migration_of(one, migrations) is chosen
    ]
    back = next(
        (
            one
            for one in found
            if (one.source, one.target) == (chosen.target, chosen.source)
            and chosen.begin <= one.begin <= chosen.last
        ),
        None,
    )
    inner = outer.inside(
        Layer("capture", _told(chosen, channels, back), _facts(chosen, channels, back, found)),
        store=chosen,
        where=chosen.where,
        base=0,
        ends=True,
    )
    inner.cut = chosen.cut
    for channel in channels:
        beside = Opened(f"{outer.name}: {channel.name}", channel, None, [])
        beside.cut = channel.cut
        inner.beside.append(beside)
    return inner


def _begin_with(found: Sequence[Connection], magic: bytes) -> list[Connection]:
    return [one for one in found if bytes(one.view(0, len(magic))) == magic]


def _migration_of(channel: Connection, migrations: Sequence[Connection]) -> Connection | None:
    """The stream that a channel belongs to: between the same hosts, to the same port, begun next to it."""
    own = [
        one
        for one in migrations
        if one.target == channel.target and one.source[:-2] == channel.source[:-2]
    ]
    before = [one for one in own if one.begin <= channel.begin]
    # the connections of one migration may be made in any order
    if before and channel.begin <= before[-1].last:
        return before[-1]
    return next((one for one in own if one.begin > channel.begin), None)


def _choose(found: list[Connection], wanted: str | None, packets: Packets) -> Connection:
    """The connection of this number or name; the only migration where none is asked for.

    Raises
    ------
    NotAStream : there is none, or there are several
    """
    migrations = _begin_with(found, STREAM)
    if wanted is not None:
        if wanted.isdecimal() and 0 < int(wanted) <= len(migrations):
            return migrations[int(wanted) - 1]
        named = [one for one in found if one.name == wanted]
        if len(named) == 1:
            return named[0]
        listed = migrations or found
        raise NotAStream(
            f"{len(named) or 'no'} connections of this capture are called {wanted!r}",
            hint=f"there are: {_listed(listed)}",
        )
    if len(migrations) == 1:
        return migrations[0]
    if migrations:
        raise NotAStream(
            f"a capture of {len(migrations)} migrations",
            hint=f"--inside NUMBER says which: {_listed(migrations)}",
        )
    hint = "the capture must begin before the migration does"
    if _begin_with(found, TLS):
        hint = "TLS encrypts what goes over some of them: migrate without, or to a file"
    elif packets.fragments:
        hint = f"{packets.fragments} packets are fragments, of which none are put together"
    there = f", of which none begins as a migration does: {_listed(found)}" if found else ""
    count = len(found)
    raise NotAStream(f"a capture with {count or 'no'} TCP connections{there}", hint=hint)


def _listed(found: Sequence[Connection]) -> str:
    shown = (f"{n} {one.name}, {one.size:#x} bytes" for n, one in enumerate(found[:NAMED], 1))
    more = f"; and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return "; ".join(shown) + more


# --- what it says of itself ----------------------------------------------------------------------


def _told(chosen: Connection, channels: Sequence[Connection], back: Connection | None) -> str:
    def parts() -> Iterator[str]:
        yield f"from {_said(chosen.source)} to {_said(chosen.target)}"
        if channels:
            yield f"{len(channels)} multifd channel{'s'[: len(channels) > 1]}"
        if back is not None:
            yield f"a return path of {back.size} bytes (--inside {back.name})"

    return ", ".join(parts())


def _facts(
    chosen: Connection,
    channels: Sequence[Connection],
    back: Connection | None,
    found: Sequence[Connection],
) -> dict[str, Any]:
    return {
        "connection": chosen.name,
        "closed": chosen.closed,
        "channels": [one.name for one in channels],
        "return_path": None if back is None else back.name,
        "connections": [{"name": one.name, "size": one.size} for one in found[:MOST_FACTS]],
    }
