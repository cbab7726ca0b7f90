from __future__ import annotations

import random

import pytest

from migstream.errors import BadFraming, NeedData, Truncated
from migstream.wire.cursor import Cursor
from migstream.wire.model import Span
from migstream.wire.returnpath import (
    Message,
    PageRequest,
    ReceivedBitmap,
    looks_like_return_path,
    read_messages,
)

PONG = bytes.fromhex("0002 0004 00000001")
ASK_NAMED = bytes.fromhex("0003 0013 0000000000001000 00001000") + b"\x06pc.ram"
ASK = bytes.fromhex("0004 000c 0000000000003000 00001000")
BITMAP = bytes.fromhex("0005 0003") + b"\x02vg" + bytes.fromhex("0000000000000008") + b"\xff" * 8
MARK = bytes.fromhex("0123456789abcdef")
RESUME = bytes.fromhex("0006 0004 00000001")
SWITCH = bytes.fromhex("0007 0000")
SHUT = bytes.fromhex("0001 0004 00000000")
ALL = PONG + ASK_NAMED + ASK + BITMAP + MARK + RESUME + SWITCH + SHUT


def bytewise(data: bytes) -> list[Message]:
    got: list[Message] = []
    mark = size = 0
    while mark < len(data):
        size = max(size, mark)
        cur = Cursor(data[:size], eof=size >= len(data))
        cur.seek(mark)
        cur.commit()
        try:
            got.extend(read_messages(cur))
        except NeedData:
            size += 1
        mark = cur.mark
    return got


def test_messages() -> None:
    messages = list(read_messages(Cursor(ALL)))
    assert [(m.type, m.name, m.value) for m in messages] == [
        (2, "PONG", 1),
        (3, "REQ_PAGES_ID", PageRequest(block="pc.ram", start=0x1000, length=0x1000)),
        (4, "REQ_PAGES", PageRequest(block=None, start=0x3000, length=0x1000)),
        (5, "RECV_BITMAP", ReceivedBitmap(block="vg", bits=Span(62, 70))),
        (6, "RESUME_ACK", 1),
        (7, "SWITCHOVER_ACK", None),
        (1, "SHUT", 0),
    ]
    assert ALL[62:70] == b"\xff" * 8
    assert messages[0].payload == Span(4, 8)
    assert [m.span.start for m in messages[1:]] == [m.span.stop for m in messages[:-1]]
    assert messages[-1].span.stop == len(ALL)


def test_byte_by_byte() -> None:
    assert bytewise(ALL) == list(read_messages(Cursor(ALL)))


@pytest.mark.parametrize(
    ("raw", "at"),
    [
        (b"\0\0\0\0", 0),
        (b"\0\2\0\5", 2),
        (b"\0\5\0\1", 2),
        (ASK_NAMED.replace(b"\x06pc", b"\x05pc"), 16),
        (b"\0\6\0\4\0\0\0\2", 4),
        (b"\0\5\0\2\1v" + b"\0\0\0\0\0\0\0\x07", 6),
        (BITMAP + bytes(8), 23),
    ],
)
def test_what_no_destination_sends(raw: bytes, at: int) -> None:
    with pytest.raises(BadFraming) as caught:
        list(read_messages(Cursor(PONG + raw)))
    assert caught.value.at == len(PONG) + at


LATER = bytes.fromhex("0008 0000") + b"\0\x0a\0\4oops" + b"\x12\x34\0\1\xff"


def test_what_a_later_qemu_sends_is_kept() -> None:
    """A message says its own length: an unknown one is passed over by it, and nothing is lost."""
    messages = list(read_messages(Cursor(PONG + LATER + SHUT)))
    assert [(m.name, m.value) for m in messages] == [
        ("PONG", 1),
        ("MESSAGE_8", b""),
        ("MESSAGE_10", b"oops"),
        ("MESSAGE_4660", b"\xff"),
        ("SHUT", 0),
    ]
    assert [m.span.start for m in messages[1:]] == [m.span.stop for m in messages[:-1]]
    assert bytewise(PONG + LATER) == messages[:-1]
    with pytest.raises(Truncated):
        list(read_messages(Cursor(PONG + LATER[:-1])))


def test_any_number_of_switchover_acks() -> None:
    """QEMU 11.1 sends one for each device that asks, and again."""
    assert len(list(read_messages(Cursor(SWITCH * 300)))) == 300


def test_a_recording_with_later_messages_is_recognised() -> None:
    assert looks_like_return_path(bytes.fromhex("0008 0000") + PONG + SWITCH * 9)
    assert looks_like_return_path(PONG + LATER[:12])
    assert not looks_like_return_path(bytes.fromhex("0008 0000") * 16)
    assert not looks_like_return_path(PONG + LATER)


def test_cut() -> None:
    with pytest.raises(Truncated):
        list(read_messages(Cursor(ALL[:-1])))


def test_looks_like() -> None:
    assert looks_like_return_path(ALL)
    assert all(looks_like_return_path(ALL[:size]) for size in range(8, len(ALL)))
    assert looks_like_return_path(BITMAP[:-1])
    assert looks_like_return_path(SWITCH + PONG)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0\2",
        SWITCH,
        PONG[:-1],
        PONG + b"\0\0\0\0",
        b"\0\2\0\4\xff\xff\xff\xff",
        bytes(4096),
        b"QEVM\0\0\0\3" + bytes(100),
        "text of all kinds\n".encode("utf-16-be"),
        b"text of all kinds\n",
        b"\0\1\0\0\0\x11\1\0\0\4\0\x10GDEF",  # a TrueType font
    ],
)
def test_does_not_look_like(raw: bytes) -> None:
    assert not looks_like_return_path(raw)


def test_random_bytes_are_not_claimed() -> None:
    dice = random.Random(1)  # noqa: S311  (no secret)
    assert not any(looks_like_return_path(dice.randbytes(64)) for _ in range(5000))
