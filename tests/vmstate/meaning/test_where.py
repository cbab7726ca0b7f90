"""A decoder is found by where the bytes stand, and told where that is."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

import pytest

from migstream.plugins import Registry
from migstream.vmstate.layout import Node
from migstream.vmstate.meaning import decoders
from migstream.vmstate.meaning.parts import Inside, Meaning, Unclear, fields
from support.meaning import device, names

HERE = "decoders_of_a_test"
ASKED: list[Inside] = []
HEAD = fields(("head", "uint16", 2))


def head(_: memoryview, inside: Inside) -> Sequence[Node]:
    ASKED.append(inside)
    return HEAD


def other(_: memoryview, __: Inside) -> Sequence[Node]:
    return fields(("other", "uint8", 1))


def no(_: memoryview, __: Inside) -> Sequence[Node]:
    raise Unclear


def overlapping(_: memoryview, __: Inside) -> Sequence[Node]:
    return (*HEAD, *HEAD)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The table of a test: keys to names of this module."""
    keys: dict[str, str] = {}
    # pytest's importlib mode gives a test's module a name that cannot be imported by another
    monkeypatch.setitem(sys.modules, HERE, sys.modules[__name__])
    ASKED.clear()
    decoders._decoder.cache_clear()
    monkeypatch.setattr(decoders, "MEANINGS", _Late(keys))
    yield keys
    decoders._decoder.cache_clear()


class _Late:
    def __init__(self, keys: dict[str, str]) -> None:
        self._keys = keys

    def find(self, name: str) -> Meaning | None:
        where = {key: f"{HERE}:{value}" for key, value in self._keys.items()}
        return Registry[Meaning]("nobody.has.this", where).find(name)


def test_the_narrower_key_wins(table: dict[str, str]) -> None:
    table.update({"type:thing": "other", "field:dev/blob": "head"})
    assert list(names(device("thing", bytes(4), section="x/dev", field="blob")["blob"])) == [
        "head",
        "rest",
    ]
    assert list(names(device("thing", bytes(4), section="x/else", field="blob")["blob"])) == [
        "other",
        "rest",
    ]


def test_a_section_that_nothing_describes_is_asked_for_by_its_name(table: dict[str, str]) -> None:
    table.update({"section:slirp": "head", "section:*/old": "other", "type:buffer": "no"})
    one = device("buffer", bytes(4), section="slirp", field="data", described=False)
    assert list(names(one["data"])) == ["head", "rest"]
    one = device("buffer", bytes(4), section="0000:00:02.0/old", field="data", described=False)
    assert list(names(one["data"])) == ["other", "rest"]


def test_it_is_told_where_it_stands(table: dict[str, str]) -> None:
    table["type:thing"] = "head"
    value = device("thing", bytes(4), section="0000:00:02.0/dev", machine="virt-7.2")["blob"]
    assert list(names(value)) == ["head", "rest"]
    [inside] = ASKED
    assert (inside.device, inside.vmsd) == ("0000:00:02.0/dev", "dev")
    assert (inside.path, inside.field, inside.type) == ("blob", "blob", "thing")
    assert (inside.version, inside.machine) == (1, "virt-7.2")
    assert inside.beside("blob") is not None
    assert inside.beside("nothing") is None
    with pytest.raises(Unclear):
        inside.number("nothing")


@pytest.mark.parametrize("decoder", ["no", "overlapping"])
def test_who_does_not_understand_the_bytes_leaves_them_whole(
    table: dict[str, str], decoder: str
) -> None:
    table["type:thing"] = decoder
    assert list(names(device("thing", bytes(4))["blob"])) == []
    assert list(names(device("thing", bytes(1))["blob"])) == []
