from __future__ import annotations

import pytest

from migstream.errors import BadSection
from migstream.iterable import SECTIONS
from migstream.iterable.pbs import PbsState, PbsStateContent
from migstream.wire.model import SectionType, Span
from migstream.wire.registry import Context
from support.codecs import BASE, at_once, both


def test_state() -> None:
    raw = (4).to_bytes(8, "big") + b"{  }"
    content = both(PbsState(Context()), PbsState(Context()), SectionType.START, raw)
    assert content == PbsStateContent(data=Span(BASE + 8, BASE + 12))


def test_a_state_larger_than_any() -> None:
    with pytest.raises(BadSection) as caught:
        at_once(PbsState(Context()), SectionType.START, b"\xff" * 8)
    assert caught.value.at == BASE


def test_every_name_has_its_codec() -> None:
    for name in SECTIONS.names():
        if name != "ram":
            assert SECTIONS.find(name) is not None
    assert SECTIONS.find("0000:00:03.0/vfio") is SECTIONS.find("vfio")
    assert SECTIONS.find("slirp") is None  # nothing in it says where it ends
