from __future__ import annotations

import pytest

from migstream.errors import BadSection
from migstream.iterable.skeys import StorageKeys, StorageKeysContent
from migstream.iterable.stattrib import StorageAttributes, StorageAttributesContent
from migstream.wire.model import SectionType
from migstream.wire.registry import Context
from support.codecs import BASE, at_once, both

PART, END, FULL = SectionType.PART, SectionType.END, SectionType.FULL


def words(*values: int) -> bytes:
    return b"".join(value.to_bytes(8, "big") for value in values)


RUN = words(0x5000 | 2, 3) + b"abc"


def attributes(payload: bytes, tail: bytes = b"\x7e\0\0\0\1\0") -> StorageAttributesContent:
    one, other = StorageAttributes(Context()), StorageAttributes(Context())
    content = both(one, other, END, payload, tail)
    assert isinstance(content, StorageAttributesContent)
    return content


def test_attributes() -> None:
    assert attributes(RUN + RUN + words(1)) == StorageAttributesContent(runs=2, pages=6)
    done = StorageAttributesContent(runs=1, pages=3, done=True)
    assert attributes(RUN + words(8, 1)) == done
    assert attributes(words(4, 1)).error


@pytest.mark.parametrize("tail", [b"", b"\x7e\0\0\0\1", b"\x03\0\0\0\1\0\0\0\0", b"\0\6\0\0\0\2{}"])
def test_done_without_eos(tail: bytes) -> None:
    assert attributes(RUN + words(8), tail).done


def test_attributes_of_unknown_kind_or_size() -> None:
    with pytest.raises(BadSection) as caught:
        at_once(StorageAttributes(Context()), PART, RUN + words(3))
    assert (caught.value.at, caught.value.found) == (BASE + 19, 3)
    with pytest.raises(BadSection) as caught:
        at_once(StorageAttributes(Context()), PART, words(2, 1 << 40))
    assert caught.value.at == BASE + 8


def test_keys() -> None:
    one, other = StorageKeys(Context()), StorageKeys(Context())
    content = both(one, other, FULL, words(2, 5) + b"\x10" * 5 + words(1))
    assert content == StorageKeysContent(runs=1, pages=5)
    assert both(one, other, FULL, words(1)) == StorageKeysContent()
    content = both(one, other, FULL, words(2, 1) + b"\0" + words(4))
    assert content == StorageKeysContent(runs=1, pages=1, error=True)


@pytest.mark.parametrize(("raw", "at"), [(words(7), 0), (words(2, 1 << 63), 8)])
def test_keys_that_cannot_be(raw: bytes, at: int) -> None:
    with pytest.raises(BadSection) as caught:
        at_once(StorageKeys(Context()), FULL, raw)
    assert caught.value.at == BASE + at
