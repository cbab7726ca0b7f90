from __future__ import annotations

import pytest

from migstream.errors import BadSection, Truncated
from migstream.iterable.htab import Htab, HtabContent
from migstream.wire.model import SectionType
from migstream.wire.registry import Context
from support.codecs import BASE, at_once, both

START, PART = SectionType.START, SectionType.PART
CHUNK = bytes.fromhex("00000010 0002 0003") + bytes(range(32))
END = bytes(8)


def test_start_says_how_large() -> None:
    assert both(Htab(Context()), Htab(Context()), START, b"\0\0\0\x15") == HtabContent(shift=21)


def test_no_table_is_one_word() -> None:
    for type_ in (START, PART):
        content = both(Htab(Context()), Htab(Context()), type_, b"\xff" * 4)
        assert content == HtabContent(table=False)


def test_chunks() -> None:
    content = both(Htab(Context()), Htab(Context()), PART, bytes(4) + CHUNK + CHUNK + END)
    assert content == HtabContent(chunks=2, valid=4, invalid=6)


def test_each_section_counts_its_own() -> None:
    codec = Htab(Context())
    at_once(codec, START, b"\0\0\0\x12")
    at_once(codec, PART, bytes(4) + CHUNK + END)
    assert at_once(codec, SectionType.END, bytes(4) + END) == (HtabContent(), 12)


def test_entries_past_the_end() -> None:
    codec = Htab(Context())
    at_once(codec, START, b"\0\0\0\x12")
    with pytest.raises(BadSection) as caught:
        at_once(codec, PART, bytes(4) + bytes.fromhex("00003fff 0000 0002") + END)
    assert caught.value.at == BASE + 4


def test_a_size_that_no_table_has() -> None:
    with pytest.raises(BadSection) as caught:
        at_once(Htab(Context()), START, b"\0\0\0\x02")
    assert (caught.value.at, caught.value.found) == (BASE, 2)


def test_cut() -> None:
    with pytest.raises(Truncated):
        at_once(Htab(Context()), PART, bytes(4) + CHUNK[:-1])
