"""Run a codec over bytes: all at once, or through a window that grows by one byte."""

from __future__ import annotations

from typing import Any

from migstream.errors import NeedData, Truncated
from migstream.wire.cursor import Cursor
from migstream.wire.model import SectionType
from migstream.wire.registry import Codec

TAIL = bytes.fromhex("7e 00000001 00")  # a footer and the end marker
BASE = 0x1000


def at_once(codec: Codec, type_: SectionType, data: bytes) -> tuple[Any, int]:
    """The content, and how many bytes the codec took."""
    cur = Cursor(data, BASE)
    codec.begin(type_, 1)
    while not codec.step(cur):
        pass
    return codec.content(), cur.offset - BASE


def bytewise(codec: Codec, type_: SectionType, data: bytes) -> tuple[Any, int]:
    """The same, with every shortage there can be: the walker goes back to the mark each time."""
    codec.begin(type_, 1)
    view, mark, size = memoryview(data), 0, 0
    while True:
        if mark > len(data):  # skipped past what there turns out to be
            raise Truncated("the source ends within a record", at=BASE + len(data))
        size = max(size, mark)
        cur = Cursor(view[:size], BASE, eof=size >= len(data))
        cur.seek(BASE + mark)
        cur.commit()
        try:
            while not codec.step(cur):
                pass
        except NeedData:
            mark = cur.mark - BASE
            size += 1
        else:
            return codec.content(), cur.offset - BASE


def both(one: Codec, other: Codec, type_: SectionType, payload: bytes, tail: bytes = TAIL) -> Any:
    """The content, which is the same both ways and ends where the payload does."""
    content, taken = at_once(one, type_, payload + tail)
    assert taken == len(payload)
    assert bytewise(other, type_, payload + tail) == (content, taken)
    return content
