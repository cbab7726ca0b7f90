from __future__ import annotations

import pytest

from migstream.errors import BadSection, NeedData
from migstream.iterable.vfio import Vfio, VfioContent, config_end
from migstream.wire.cursor import Cursor
from migstream.wire.model import SectionType, Span
from migstream.wire.registry import Context
from support.codecs import BASE, TAIL, at_once, both

START, PART, END, FULL = SectionType.START, SectionType.PART, SectionType.END, SectionType.FULL


def tag(number: int) -> bytes:
    return (0xFFFFFFFFEF100000 | number).to_bytes(8, "big")


def vfio(type_: SectionType, payload: bytes, tail: bytes = TAIL) -> VfioContent:
    content = both(Vfio(Context()), Vfio(Context()), type_, payload, tail)
    assert isinstance(content, VfioContent)
    return content


DATA = tag(4) + (5).to_bytes(8, "big") + b"state"
EMPTY = tag(4) + bytes(8)
CONFIG = tag(2) + b"configuration" + tag(1)


def test_setup_data_end() -> None:
    assert vfio(START, tag(3) + tag(1)) == VfioContent(setup=True)
    assert vfio(PART, tag(1)) == VfioContent()
    assert vfio(END, DATA + DATA + EMPTY + tag(1)) == VfioContent(records=3, data=10)


def test_init_data_sent_stands_for_the_end() -> None:
    content = vfio(PART, DATA + tag(5))
    assert content == VfioContent(records=1, data=5, init_data_sent=True)


def test_old_end_section_has_the_configuration_first() -> None:
    content = vfio(END, CONFIG + DATA + tag(1))
    assert content == VfioContent(config=Span(BASE + 8, BASE + 21), records=1, data=5)


@pytest.mark.parametrize("tail", [b"", TAIL, b"\x04\0\0\0\2", b"\0\6\0\0\0\2{}"])
def test_full_section(tail: bytes) -> None:
    assert vfio(FULL, CONFIG, tail) == VfioContent(config=Span(BASE + 8, BASE + 21))


def test_full_section_of_a_device_whose_state_goes_through_multifd() -> None:
    assert vfio(FULL, tag(1)) == VfioContent()
    assert vfio(FULL, tag(6)) == VfioContent(config_load_ready=True)


def test_a_tag_within_the_configuration_is_not_its_end() -> None:
    content = vfio(FULL, tag(2) + b"a" + tag(1) + b"b" + tag(1))
    assert content.config == Span(BASE + 8, BASE + 18)


@pytest.mark.parametrize("raw", [tag(2) + b"endless", b"something else"])
def test_full_section_that_others_must_bound(raw: bytes) -> None:
    assert at_once(Vfio(Context()), FULL, raw) == (VfioContent(delimited=False), 0)


def test_config_end() -> None:
    assert config_end(Cursor(b"abc" + tag(1) + b"\x7e", 7)) == 10
    assert config_end(Cursor(b"abc")) is None
    for size in range(11):
        with pytest.raises(NeedData):
            config_end(Cursor((b"abc" + tag(1))[:size], eof=False))


@pytest.mark.parametrize(
    ("raw", "at"),
    [
        (tag(7), 0),
        (tag(3) + DATA, 8),
        (DATA + b"\0" * 8, 21),
        (tag(4) + b"\xff" * 8, 8),
        (DATA + tag(2) + b"endless", 21),
    ],
)
def test_what_no_sender_writes(raw: bytes, at: int) -> None:
    with pytest.raises(BadSection) as caught:
        at_once(Vfio(Context()), PART, raw)
    assert caught.value.at == BASE + at
