"""The return path: what the destination of a migration sends back to its source.

References
----------
QEMU, migration/migration.c: ``migrate_send_rp_message``, ``source_return_path_thread``;
migration/ram.c: ``ramblock_recv_bitmap_send``
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import msgspec

from migstream.errors import BadFraming, ParseError, Truncated
from migstream.wire.cursor import Cursor
from migstream.wire.model import Item, Span

__all__ = [
    "Message",
    "PageRequest",
    "ReceivedBitmap",
    "looks_like_return_path",
    "read_messages",
]

SHUT, PONG, REQ_PAGES_ID, REQ_PAGES, RECV_BITMAP, RESUME_ACK, SWITCHOVER_ACK = range(1, 8)
NAMES = {
    SHUT: "SHUT",
    PONG: "PONG",
    REQ_PAGES_ID: "REQ_PAGES_ID",
    REQ_PAGES: "REQ_PAGES",
    RECV_BITMAP: "RECV_BITMAP",
    RESUME_ACK: "RESUME_ACK",
    SWITCHOVER_ACK: "SWITCHOVER_ACK",
}
# Lengths that a message may announce: lowest and highest. A block's name has 1 to 255 bytes.
LENGTHS = {
    SHUT: (4, 4),
    PONG: (4, 4),
    REQ_PAGES_ID: (14, 268),
    REQ_PAGES: (12, 12),
    RECV_BITMAP: (2, 256),
    RESUME_ACK: (4, 4),
    SWITCHOVER_ACK: (0, 0),
}
INVALID = 0
HEADER = struct.Struct(">HH")
REQUEST = struct.Struct(">QI")
END_MARK = 0x0123_4567_89AB_CDEF
BITMAP_MOST = 1 << 40  # one bit for each page: far more than any guest has
RESUME_VALUE = 1


class PageRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`length` bytes of a RAM block from `start` on; no `block` means the one asked for before."""

    block: str | None
    start: int
    length: int


class ReceivedBitmap(msgspec.Struct, frozen=True, kw_only=True):
    """The pages of a RAM block that have arrived: one bit each, little-endian, at `bits`."""

    block: str
    bits: Span


class Message(Item, frozen=True, kw_only=True):
    """One message.

    `payload` is the data of the announced length. `value` is a number (SHUT, PONG, RESUME_ACK), a
    PageRequest, a ReceivedBitmap, or None (SWITCHOVER_ACK). The bitmap of RECV_BITMAP lies after
    `payload` and within `span`.

    A message that QEMU up to 11.1 does not have is called MESSAGE_ and its number; every message
    says its length, so it is passed over by that, and `value` is its data as bytes.
    """

    type: int
    name: str
    payload: Span
    value: Any = None


def read_messages(cur: Cursor) -> Iterator[Message]:
    """Every message from here to the end of the source.

    Commits before each message it yields. Where the window ends before the source does, NeedData
    comes out: roll back, refill, and call this again.
    """
    while not (cur.eof and cur.left == 0):
        message = _message(cur)
        cur.commit()
        yield message


def _message(cur: Cursor) -> Message:
    at = cur.offset
    type_, length = cur.unpack(HEADER)
    if type_ == INVALID:
        raise BadFraming("no such return path message", at=at, expected="1 or more", found=type_)
    name = NAMES.get(type_, f"MESSAGE_{type_}")
    low, high = LENGTHS.get(type_, (length, length))
    if not low <= length <= high:
        expected = str(low) if low == high else f"{low} to {high}"
        raise BadFraming(f"{name} of another length", at=at + 2, expected=expected, found=length)
    start = cur.offset
    value = _value(cur, type_, length)
    return Message(
        span=cur.span(at),
        type=type_,
        name=name,
        payload=Span(start, start + length),
        value=value,
    )


def _value(cur: Cursor, type_: int, length: int) -> Any:
    if type_ in {SHUT, PONG}:
        return cur.u32()
    if type_ == RESUME_ACK:
        at = cur.offset
        if (value := cur.u32()) != RESUME_VALUE:
            raise BadFraming("no such answer to RESUME", at=at, expected=RESUME_VALUE, found=value)
        return value
    if type_ in {REQ_PAGES, REQ_PAGES_ID}:
        start, size = cur.unpack(REQUEST)
        block = _block(cur, length - REQUEST.size) if type_ == REQ_PAGES_ID else None
        return PageRequest(block=block, start=start, length=size)
    if type_ == RECV_BITMAP:
        return _bitmap(cur, _block(cur, length))
    return bytes(cur.take(length)) if type_ not in NAMES else None


def _block(cur: Cursor, length: int) -> str:
    """A counted name that fills `length` bytes."""
    at = cur.offset
    if (size := cur.u8()) != length - 1:
        raise BadFraming("a name of another length", at=at, expected=length - 1, found=size)
    return bytes(cur.take(size)).decode("utf-8", "surrogateescape")


def _bitmap(cur: Cursor, block: str) -> ReceivedBitmap:
    at = cur.offset
    size = cur.u64()
    if size % 8 or size > BITMAP_MOST:
        expected = f"a multiple of 8, at most {BITMAP_MOST:#x}"
        raise BadFraming("no such bitmap", at=at, expected=expected, found=size)
    bits = Span(cur.offset, cur.offset + size)
    cur.skip(size)
    at = cur.offset
    if (mark := cur.u64()) != END_MARK:
        raise BadFraming(
            "a bitmap without its end mark",
            at=at,
            expected=f"{END_MARK:#018x}",
            found=f"{mark:#018x}",
        )
    return ReceivedBitmap(block=block, bits=bits)


SHORTEST = 8  # of whole messages, before anything is believed
PONG_MOST = 0xFFFF  # QEMU pings with 1 to 4 and 0x42
PAGE = 1 << 9  # requests are aligned to more than this
NUMBER_MOST = 0x1F  # of messages that a later QEMU may have


def looks_like_return_path(data: bytes) -> bool:
    """Whether `data`, the beginning of a source or all of it, can only be a return path.

    Everything in it must be a message whose values make sense, and one at least of a kind that is
    known; the last one may be cut.
    """
    cur = Cursor(data)
    whole, known = 0, False
    try:
        for message in read_messages(cur):
            if not _sensible(message):
                return False
            whole = message.span.stop
            known = known or message.type in NAMES
    except Truncated:
        return (known and whole >= SHORTEST) or _opens_bitmap(data, whole)
    except ParseError:
        return False
    return known and whole >= SHORTEST


def _opens_bitmap(data: bytes, at: int) -> bool:
    """A RECV_BITMAP cut within its bits: a recovery begins with one, longer than any look."""
    cur = Cursor(data)
    cur.seek(at)
    try:
        type_, length = cur.unpack(HEADER)
        if type_ != RECV_BITMAP:
            return False
        block, size = _block(cur, length), cur.u64()
    except ParseError:
        return False
    return block.isprintable() and block.isascii() and 0 < size <= BITMAP_MOST and size % 8 == 0


def _sensible(message: Message) -> bool:
    value = message.value
    if message.type == PONG:
        return bool(value <= PONG_MOST)
    if message.type == SHUT:  # 0, or an error: QEMU sends 1 or an errno, also negated
        return bool(value < 1 << 12 or value > (1 << 32) - (1 << 12))
    if isinstance(value, PageRequest):
        return value.length > 0 and not (value.start % PAGE or value.length % PAGE)
    return message.type <= NUMBER_MOST
