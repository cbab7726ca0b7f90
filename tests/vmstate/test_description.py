"""The description read at once is the description read piece by piece."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import migstream
from migstream.errors import BadDescription
from migstream.vmstate import description
from migstream.vmstate.description import Description, parse_description
from support.samples import Sample

WORDS = st.sampled_from(["", "timer", "cpu", "env.cr[0]", 'a"b', "}{", "é"])


def both(text: bytes) -> tuple[Description | None, Description | None]:
    """What the two ways make of it, None where that is an error."""
    try:
        plain = description._one_by_one(text, None)
    except BadDescription:
        plain = None
    return description._at_once(text), plain


def test_real_ones(sample: Sample) -> None:
    with migstream.open(sample.path) as stream:
        span = stream.description_span
        if span is None:
            return
        text = bytes(stream.store.view(span.start + 5, span.stop))
    quick, plain = both(text)
    assert plain is not None
    if quick is None:  # lists of several elements have their keys several times
        assert description.REPEATED.search(text)
    else:
        assert quick == plain


@st.composite
def fields(draw: st.DrawFn, depth: int = 0) -> dict[str, Any]:
    table: dict[str, Any] = {"name": draw(WORDS)}
    if draw(st.booleans()):
        table["array_len"] = draw(st.integers(0, 9))
    table["type"] = draw(st.sampled_from(["uint8", "struct", "tmp", "qlist", "x"]))
    if depth < 3 and draw(st.booleans()):
        table["struct"] = draw(groups(depth + 1))
    elif depth < 3 and draw(st.booleans()):
        table |= draw(groups(depth + 1))
    return table | {"size": draw(st.integers(0, 1 << 63))}


@st.composite
def groups(draw: st.DrawFn, depth: int = 0) -> dict[str, Any]:
    table: dict[str, Any] = {"vmsd_name": draw(WORDS), "version": draw(st.integers(0, 300))}
    table["fields"] = draw(st.lists(fields(depth), max_size=3))
    if draw(st.booleans()) and depth < 3:
        table["subsections"] = draw(st.lists(groups(depth + 1), max_size=2))
    return table


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    devices = [
        {"name": draw(WORDS), "instance_id": draw(st.integers(0, 3)), **draw(groups())}
        for _ in range(draw(st.integers(0, 3)))
    ]
    table: dict[str, Any] = {"page_size": 4096, "devices": devices}
    if draw(st.booleans()):
        table = {"configuration": draw(groups()), **table}
    return json.dumps(table, ensure_ascii=draw(st.booleans())).encode()


@settings(deadline=None)
@given(texts())
def test_any_of_the_usual_shape(text: bytes) -> None:
    quick, plain = both(text)
    assert quick is None or quick == plain
    if plain is not None:
        assert parse_description(text) == plain
        assert quick == plain


@settings(deadline=None)
@given(texts(), st.data())
def test_any_damaged_one(text: bytes, data: st.DataObject) -> None:
    """What is read at once is never what the plain way refuses."""
    at = data.draw(st.integers(0, len(text) - 1))
    bad = text[:at] + bytes([data.draw(st.integers(0, 255))]) + text[at + 1 :]
    quick, plain = both(bad)
    assert quick is None or quick == plain


@pytest.mark.parametrize("depth", [60, 70, 400])
def test_depth_is_bounded_alike(depth: int) -> None:
    inner = '{"vmsd_name": "x", "version": 1, "fields": [%s]}'
    field = '{"name": "f", "type": "struct", "struct": %s, "size": 0}'
    text = inner % ""
    for _ in range(depth):
        text = inner % (field % text)
    whole = f'{{"page_size": 1, "devices": [{{"name": "d", "instance_id": 0, {text[1:]}]}}'
    quick, plain = both(whole.encode())
    assert (quick is None) == (plain is None) == (depth > description.MAX_DEPTH)
