from __future__ import annotations

import pytest

from migstream.errors import BadSection
from migstream.iterable.block import Block, BlockContent, BlockDevice
from migstream.wire.model import SectionType
from migstream.wire.registry import Context
from support.codecs import BASE, at_once, both


def word(sector: int, flags: int) -> bytes:
    return (sector << 9 | flags).to_bytes(8, "big")


DATA = word(2048, 1) + b"\x03hd0" + bytes(1 << 20)
ZERO = word(0, 9) + b"\x03hd1"


def test_blocks_and_progress() -> None:
    raw = word(0, 4) + DATA + ZERO + DATA + word(100, 4) + word(0, 2)
    content = both(Block(Context()), Block(Context()), SectionType.PART, raw)
    assert content == BlockContent(
        devices=(BlockDevice(name="hd0", data=2), BlockDevice(name="hd1", zero=1)),
        data=2,
        zero=1,
        progress=(0, 100),
    )
    assert content.bytes == content.devices[0].bytes == 2 << 20


@pytest.mark.parametrize(
    ("raw", "at"), [(word(0, 16), 0), (word(0, 8), 0), (word(101, 4), 0), (word(0, 9) + b"\0", 8)]
)
def test_what_no_sender_writes(raw: bytes, at: int) -> None:
    with pytest.raises(BadSection) as caught:
        at_once(Block(Context()), SectionType.PART, raw)
    assert caught.value.at == BASE + at
