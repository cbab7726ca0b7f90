"""One value as one line or one object."""

from __future__ import annotations

from typing import Any

import msgspec

from migstream.errors import NoSuchAddress, NoSuchPath
from migstream.names import json_text
from migstream.places import Place, contents
from migstream.render.answer import Answer, Pair
from migstream.render.text import escape, prose
from migstream.stream import Stream
from migstream.vmstate.values import Value

__all__ = ["Held", "Values", "held", "is_several", "place_bytes", "place_line"]


class Held(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A value, or bytes that are none in hexadecimal; `span` is in the stream, of memory in its block.

    `symbol` and `description` say what a number is called and what it means, where that is known.
    """

    path: str
    type: str
    span: Pair
    value: Any
    symbol: str = ""
    description: str = ""


class Values(Answer, tag="get", frozen=True, kw_only=True):
    """What each path names, in the order of the paths."""

    file: str
    values: list[Held]


def is_several(path: str) -> bool:
    """Whether a path may name more than one value."""
    return "*" in path


def _word(value: Value, *, hexadecimal: bool = False) -> str:
    """The value as one word; the elements of an array with spaces between them."""
    if value.kind == "leaf":
        if value.count is not None:
            return " ".join(_word(one, hexadecimal=hexadecimal) for one in value.elements())
        return prose(value.hex if hexadecimal else value.text)
    return prose(json_text(value.plain(), pretty=False).decode())


def _value_line(value: Value, name: str, *, hexadecimal: bool, where: bool) -> str:
    """`path = ` where named, `offset+length` where asked for, and the value."""
    place = f"{value.span.start:#x}+{value.span.size:#x} " if where else ""
    label = f"{escape(name)} = " if name else ""
    return f"{place}{label}{_word(value, hexadecimal=hexadecimal)}"


def place_line(stream: Stream, place: Place, name: str, *, hexadecimal: bool, where: bool) -> str:
    """A value's line; bytes that are no value are hexadecimal digits."""
    if place.value is not None:
        return _value_line(place.value, name, hexadecimal=hexadecimal, where=where)
    raw = place_bytes(stream, place)
    at = f"{_start(place):#x}+{len(raw):#x} " if where else ""
    return f"{at}{escape(name)}{' = ' if name else ''}{raw.hex()}"


def _start(place: Place) -> int:
    """Where bytes begin: in the stream, of memory in its block."""
    return place.start if place.span is None else place.span.start


def place_bytes(stream: Stream, place: Place) -> bytes:
    """What is at a place, of which somebody said where it ends.

    Raises
    ------
    NoSuchPath : a section or another item of the stream, which may be all of guest memory
    NoSuchAddress : a whole block, or memory that is not in the stream
    """
    if place.kind in {"item", "live"}:
        raise NoSuchPath(f"no value is at {place.path!r}", hint="`migstream show` shows its bytes")
    if place.span is not None:
        return bytes(stream.store.view(*place.span))
    if place.whole:
        raise NoSuchAddress(
            f"{place.path} is a whole block",
            hint=f"bytes of it are {place.path}@START-STOP; `extract` writes all of it",
        )
    return contents(stream, place)


def held(stream: Stream, place: Place) -> Held:
    """A value with its place, or bytes with theirs."""
    value = place.value
    if value is not None:
        return Held(
            path=value.path,
            type=value.type,
            span=value.span,
            value=value.plain(),
            symbol=value.symbol,
            description=value.description,
        )
    raw = place_bytes(stream, place)
    span = (_start(place), _start(place) + len(raw))
    return Held(path=place.path, type=place.kind, span=span, value=raw.hex())
