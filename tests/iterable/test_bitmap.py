from __future__ import annotations

import pytest

from migstream.errors import BadSection
from migstream.iterable.bitmap import BitmapEvent, DirtyBitmap, DirtyBitmapContent
from migstream.iterable.common import KEPT
from migstream.wire.model import SectionType, Span
from migstream.wire.registry import Context
from support.codecs import BASE, at_once, both

START, PART, END = SectionType.START, SectionType.PART, SectionType.END
BEGIN = b"\x1c\x02d0\x04kept" + bytes.fromhex("00010000 03")
BITS = b"\x40" + bytes.fromhex("0000000000000008 00000100 0000000000000020") + b"\xaa" * 32
ZEROES = b"\x46\x03two" + bytes.fromhex("0000000000000000 00000100")
EOS = b"\x01"


def test_events() -> None:
    one, other = DirtyBitmap(Context()), DirtyBitmap(Context())
    content = both(one, other, START, BEGIN + BITS + ZEROES + b"\x20" + EOS)
    at = BASE + len(BEGIN)
    middle = at + len(BITS)
    last = middle + len(ZEROES)
    assert content == DirtyBitmapContent(
        events=(
            BitmapEvent(
                kind="start",
                span=Span(BASE, at),
                node="d0",
                bitmap="kept",
                granularity=65536,
                flags=3,
            ),
            BitmapEvent(
                kind="bits",
                span=Span(at, middle),
                node="d0",
                bitmap="kept",
                start=8,
                sectors=256,
                data=Span(middle - 32, middle),
            ),
            BitmapEvent(
                kind="bits", span=Span(middle, last), node="d0", bitmap="two", start=0, sectors=256
            ),
            BitmapEvent(kind="complete", span=Span(last, last + 1), node="d0", bitmap="two"),
        ),
        count=4,
        bits=2,
        zeroes=1,
    )


def test_names_last_into_the_next_section() -> None:
    codec = DirtyBitmap(Context())
    at_once(codec, START, BEGIN + EOS)
    content, taken = at_once(codec, END, b"\x21")  # COMPLETE and EOS in one: the loader allows it
    assert taken == 1
    assert content.events[0].bitmap == "kept"


def test_only_the_first_events_are_kept() -> None:
    content, _ = at_once(DirtyBitmap(Context()), PART, BEGIN + ZEROES * (KEPT + 5) + EOS)
    assert (len(content.events), content.count, content.zeroes) == (KEPT, KEPT + 6, KEPT + 5)


@pytest.mark.parametrize(
    ("raw", "at"),
    [
        (b"\x80", 0),
        (b"\x00", 0),
        (b"\x30", 0),
        (b"\x03", 0),
        (b"\x20", 0),
        (b"\x28\x00", 1),
        (b"\x1c\x01a\x01b" + bytes.fromhex("00000300 00"), 5),
        (b"\x1c\x01a\x01b" + bytes.fromhex("00010000 08"), 9),
        (b"\x4c\x01a\x01b" + bytes(12) + bytes.fromhex("0000000000002801"), 17),
    ],
)
def test_what_no_sender_writes(raw: bytes, at: int) -> None:
    with pytest.raises(BadSection) as caught:
        at_once(DirtyBitmap(Context()), PART, raw)
    assert caught.value.at == BASE + at
