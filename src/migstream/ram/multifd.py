"""Multifd channels: the initial packet, then packets of pages, of device state, and syncs.

A channel is one connection beside the main one. What is read here is a recording of it. Payloads
are found and bounded here, `ram.unpack` makes pages of them, `ram.channels` puts channels together.

References
----------
QEMU, migration/multifd.h: ``MultiFDInit_t``, ``MultiFDPacket_t``, ``MultiFDPacketDeviceState_t``;
migration/multifd.c: ``multifd_send_initial_packet``, ``multifd_send_fill_packet``,
``multifd_send_thread``, ``multifd_recv_thread``
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator, Mapping

from migstream.errors import BadRam, NotAStream
from migstream.qemu.words import say
from migstream.wire.cursor import Cursor
from migstream.wire.model import Item, Span

__all__ = [
    "ChannelReader",
    "DeviceState",
    "Initial",
    "Packet",
    "is_channel",
    "read_channel",
]

MAGIC = bytes.fromhex("11223344")
VERSION = 1
OPENING = MAGIC + VERSION.to_bytes(4, "big")
PACKET_SIZE = 512 << 10  # bytes of pages in a full packet, in every release (MULTIFD_PACKET_SIZE)
PAGE_SIZES = tuple(1 << bits for bits in range(16, 7, -1))
MOST_PAYLOAD = 2 * PACKET_SIZE  # of a compressed packet: all that receivers have room for

SYNC, DEVICE_STATE = 1, 64
METHOD_BITS = 0x3E
METHODS = {0: "none", 2: "zlib", 4: "zstd", 8: "qpl", 16: "uadk", 32: "qatzip"}

HEAD = struct.Struct(">III")
INITIAL = struct.Struct(">16sB39x")
COUNTS = struct.Struct(">III")
NUMBER = struct.Struct(">QI28x")
NAME = 256
FIXED = HEAD.size + COUNTS.size + NUMBER.size + NAME
AFTER_NAME = struct.Struct(">II")

# Where in a packet a field lies, for errors.
AT_VERSION, AT_FLAGS, AT_ALLOC, AT_NORMAL, AT_SIZE, AT_ZERO, AT_BLOCK = 4, 8, 12, 16, 20, 32, 64


class Initial(Item, frozen=True, kw_only=True):
    """The first 64 bytes of a channel. `channel` is its number from 0, `uuid` all zeros if none was set."""

    version: int
    uuid: str
    channel: int


class Packet(Item, frozen=True, kw_only=True):
    """Pages of one RAM block, or none.

    `offsets` are those of the pages in the block, in bytes: first the `normal` ones, whose contents
    `payload` holds in this order, packed by `compression`; then the `zero` ones (QEMU 9.0 on).
    `sync` ends an epoch: until 8.2 such a packet may hold pages too, which belong before its end.
    Where there are no pages, `block` is empty: older releases leave the last one's name there.

    `number` comes from a counter that all channels share. Until 8.2 the main thread draws it, and
    a packet that becomes a SYNC before it is sent gets a second one; an empty packet with the same
    number follows (multifd.c: multifd_send_sync_main). Since 9.0 the channel draws it while it
    fills the packet (multifd_send_fill_packet). Within a channel numbers never fall.
    """

    number: int
    flags: int
    compression: str
    sync: bool
    block: str
    page_size: int
    normal: int
    zero: int
    offsets: array[int]
    payload: Span

    @property
    def label(self) -> str:
        return "sync" if self.sync and not self.offsets else "pages"


class DeviceState(Item, frozen=True, kw_only=True):
    """A piece of a device's state, VFIO's (10.0 on). It has no number; its device orders its pieces."""

    idstr: str
    instance_id: int
    payload: Span

    @property
    def label(self) -> str:
        return "device-state"


def is_channel(head: bytes) -> bool:
    """Whether a source that begins so (8 bytes, more do no harm) is a multifd channel."""
    return head.startswith(OPENING)


class ChannelReader:
    """Reads one channel, through as many windows as it takes.

    Parameters
    ----------
    page_size : target page size in bytes. Where it is None the first packet tells: each has room
        for the offsets of 512 KiB of pages
    lengths : every RAM block's used length in bytes; where given, pages must lie within them

    Attributes
    ----------
    initial : the initial packet, once it was read
    page_size : as given, or found
    """

    def __init__(
        self, page_size: int | None = None, lengths: Mapping[str, int] | None = None
    ) -> None:
        if page_size is not None and page_size not in PAGE_SIZES:
            raise ValueError(f"no target page size: {page_size}")
        self.initial: Initial | None = None
        self.page_size = page_size
        self._lengths = lengths
        self._method: str | None = None

    def items(self, cur: Cursor) -> Iterator[Initial | Packet | DeviceState]:
        """Everything from here to the end of the source, without gap or overlap.

        Commits before each item it yields. Where the window ends before the source does, NeedData
        comes out: roll back, refill, and call this again.

        Raises
        ------
        NotAStream : the source does not begin as a channel does
        BadRam : a packet that no QEMU sends
        Truncated : the recording ends inside a packet
        """
        if self.initial is None:
            initial = _initial(cur)
            cur.commit()
            self.initial = initial
            yield initial
        while not (cur.eof and cur.left == 0):
            item = self._item(cur)
            cur.commit()
            yield item

    def _item(self, cur: Cursor) -> Packet | DeviceState:
        at = cur.offset
        magic, version, flags = cur.unpack(HEAD)
        if magic.to_bytes(4, "big") != MAGIC:
            raise BadRam(
                say("multifd-first/magic", received=magic, expected=MAGIC.hex()),
                at=at,
                expected=MAGIC.hex(),
                found=f"{magic:08x}",
                hint="the packet before is longer or shorter than it says, or this place is damaged",
            )
        _check_version(version, at)
        if flags == DEVICE_STATE:
            return _device_state(cur, at)
        method = METHODS.get(flags & METHOD_BITS)
        if method is None or flags & ~(METHOD_BITS | SYNC):
            raise BadRam(
                f"multifd: unknown flags {flags:#x}",
                at=at + AT_FLAGS,
                expected="SYNC, and one method of compression at most",
                found=flags,
                hint="a damaged packet, or a newer QEMU",
            )
        return self._packet(cur, at, flags, method)

    def _packet(self, cur: Cursor, at: int, flags: int, method: str) -> Packet:
        room, normal, size = cur.unpack(COUNTS)
        number, zero = cur.unpack(NUMBER)
        if self.page_size is None:
            self.page_size = _page_size(cur, at, room)
        page = self.page_size
        sync = bool(flags & SYNC)
        _check_counts(at, room, normal, zero, PACKET_SIZE // page, bare=sync)
        if normal:
            self._check_payload(at, flags, method, size, normal * page)
        name = cur.take(NAME)
        block = self._block(bytes(name), at) if normal or zero else ""
        here = cur.offset
        offsets = _offsets(cur.take(8 * (PACKET_SIZE // page))[: 8 * (normal + zero)])
        if offsets:
            self._check_offsets(offsets, here, block, page)
        start = cur.offset
        if normal:  # else `size` is left from the packet before, and nothing follows
            cur.skip(size)
        return Packet(
            span=cur.span(at),
            number=number,
            flags=flags,
            compression=method,
            sync=sync,
            block=block,
            page_size=page,
            normal=normal,
            zero=zero,
            offsets=offsets,
            payload=cur.span(start),
        )

    def _check_payload(self, at: int, flags: int, method: str, size: int, plain: int) -> None:
        """One method for the whole channel, and a size that it can have."""
        if self._method is None:
            self._method = method
        if method != self._method:
            raise BadRam(
                say(
                    "multifd-packet",
                    channel=0 if self.initial is None else self.initial.channel,
                    received=flags,
                    expected=next(bits for bits, name in METHODS.items() if name == self._method),
                ),
                at=at + AT_FLAGS,
                expected=self._method,
                found=method,
                hint="a channel keeps to one method; this place is damaged",
            )
        if size != plain if method == "none" else not 0 < size <= MOST_PAYLOAD:
            raise BadRam(
                f"multifd: next_packet_size {size}",
                at=at + AT_SIZE,
                expected=plain if method == "none" else f"1 to {MOST_PAYLOAD}",
                found=size,
                hint="a damaged packet, or another target page size",
            )

    def _block(self, raw: bytes, at: int) -> str:
        name, nul, _ = raw.partition(b"\0")
        block = name.decode("utf-8", "surrogateescape")
        known = self._lengths is None or block in self._lengths
        if not (name and nul and known):
            raise BadRam(
                say("multifd-packet", block=block),
                at=at + AT_BLOCK,
                expected="a block's name of 1 to 255 bytes, and a NUL",
                found=block,
                hint="a damaged packet, or a channel of another migration",
            )
        return block

    def _check_offsets(self, offsets: array[int], here: int, block: str, page: int) -> None:
        length = (1 << 63) if self._lengths is None else self._lengths[block]
        for i, offset in enumerate(offsets):
            if offset % page or offset > length - page:
                raise BadRam(
                    f"multifd: no page of {block} is at offset {offset:#x}",
                    at=here + 8 * i,
                    expected=f"a multiple of {page}, at most {length - page:#x}",
                    found=offset,
                    hint="a damaged packet, or another target page size",
                )


def read_channel(
    cur: Cursor, page_size: int | None = None, lengths: Mapping[str, int] | None = None
) -> Iterator[Initial | Packet | DeviceState]:
    """Every item of a channel that is wholly in the window; see `ChannelReader`."""
    return ChannelReader(page_size, lengths).items(cur)


def _initial(cur: Cursor) -> Initial:
    at = cur.offset
    magic, version = cur.peek(4), int.from_bytes(cur.peek(8)[4:], "big")
    if magic != MAGIC:
        raise NotAStream(
            "not a multifd channel", at=at, expected=MAGIC.hex(" "), found=magic.hex(" ")
        )
    cur.take(8)
    _check_version(version, at)
    uuid, channel = INITIAL.unpack(cur.take(INITIAL.size))
    text = uuid.hex()
    parts = (text[:8], text[8:12], text[12:16], text[16:20], text[20:])
    return Initial(span=cur.span(at), version=version, uuid="-".join(parts), channel=channel)


def _check_version(version: int, at: int) -> None:
    if version != VERSION:
        raise BadRam(
            say("multifd-first/version", received=version, expected=VERSION),
            at=at + AT_VERSION,
            expected=VERSION,
            found=version,
            hint="a damaged packet, or a newer QEMU",
        )


def _device_state(cur: Cursor, at: int) -> DeviceState:
    here = cur.offset
    name, nul, _ = bytes(cur.take(NAME)).partition(b"\0")
    if not nul:
        raise BadRam(
            f"multifd: {say('multifd-packet/name')}",
            at=here,
            expected="at most 255 bytes, and a NUL",
            found=name.decode("utf-8", "surrogateescape"),
        )
    instance_id, size = cur.unpack(AFTER_NAME)
    start = cur.offset
    cur.skip(size)
    return DeviceState(
        span=cur.span(at),
        idstr=name.decode("utf-8", "surrogateescape"),
        instance_id=instance_id,
        payload=cur.span(start),
    )


def _page_size(cur: Cursor, at: int, room: int) -> int:
    """The target page size, from the first packet's room for offsets.

    The first one is a SYNC, of the setup. Since 9.2 it does not say what room it has (multifd.c:
    multifd_send_fill_packet leaves all fields of a SYNC zero) but has it: the next packet, or the
    end, follows in the one place or the other.
    """
    if room:
        if room in {PACKET_SIZE // page for page in PAGE_SIZES}:
            return PACKET_SIZE // room
    else:
        base = cur.offset
        for page in PAGE_SIZES:
            size = FIXED + 8 * (PACKET_SIZE // page)
            there = cur.peek(at + size + len(OPENING) - base)[at + size - base :]
            if there == OPENING or (not there and cur.eof and cur.left == at + size - base):
                return page
    raise BadRam(
        "multifd: the first packet does not tell the target page size",
        at=at + AT_ALLOC,
        expected=f"room for {PACKET_SIZE >> 10} KiB of pages",
        found=room,
        hint="a damaged packet; say which page size the machine has, if you know it",
    )


def _check_counts(at: int, room: int, normal: int, zero: int, capacity: int, *, bare: bool) -> None:
    """What a packet says of its pages fits into it; a `bare` one may say nothing."""
    if room != capacity and not (bare and room == 0):
        raise BadRam(
            say("multifd-packet", received=room, expected=capacity),
            at=at + AT_ALLOC,
            expected=capacity,
            found=room,
            hint="a damaged packet, or another target page size",
        )
    if normal > room:
        raise BadRam(
            say("multifd-count", received=normal, limit=room),
            at=at + AT_NORMAL,
            expected=f"at most {room}",
            found=normal,
        )
    if zero > room - normal:
        raise BadRam(
            say("multifd-count/zero", received=zero, limit=room - normal),
            at=at + AT_ZERO,
            expected=f"at most {room - normal}",
            found=zero,
        )


def _offsets(raw: memoryview) -> array[int]:
    """The offsets, which are big-endian on the wire."""
    offsets = array("Q", raw.tobytes())
    if sys.byteorder == "little":
        offsets.byteswap()
    return offsets
