"""States that have an element more for each of something: CPUs that can be, memory slots."""

from __future__ import annotations

import re
from typing import NamedTuple

from migstream.catalogue import arrays
from migstream.catalogue.model import State

__all__ = ["Piece", "grown", "piece"]

LENGTH = re.compile(rb'"array_len"\s*:\s*2\b')


class Piece(NamedTuple):
    """Bytes that one state has beyond another, and where: behind its first `at`, before its last `rest`."""

    at: int
    rest: int
    raw: bytes


def piece(less: bytes, more: bytes) -> Piece | None:
    """What was put in; None where it is not one piece."""
    size = len(more) - len(less)
    same = next((n for n, byte in enumerate(less) if more[n : n + 1] != bytes([byte])), len(less))
    if size < 0 or less[same:] != more[same + size :]:
        return None
    return Piece(same, len(less) - same, more[same : same + size])


def _put(here: bytes, less: bytes, found: Piece, times: int) -> bytes:
    """The piece put into bytes that differ from `less` before it, or behind it."""
    at = found.at if here[: found.at] == less[: found.at] else len(here) - found.rest
    return here[:at] + found.raw * times + here[at:]


def grown(here: State, one: State, two: State, count: int) -> State | None:
    """A state with `count` elements where it has one; None where it is not known how it grows.

    Parameters
    ----------
    one, two : states with one element, and with two
    """
    found = piece(one.payload, two.payload)
    several = count > 2 and len(LENGTH.findall(two.text)) != 1
    if found is None or several or arrays.other_elements(here, one, two):
        return arrays.grown(here, one, two, count)
    if here != one and len(here.payload) < len(one.payload):
        return None
    payload = _put(here.payload, one.payload, found, count - 1)
    return State(here.version, payload, _described(here.text, one.text, two.text, count))


def _described(here: bytes, one: bytes, two: bytes, count: int) -> bytes:
    """The description with that many elements."""
    told = LENGTH.sub(b'"array_len": %d' % count, two)
    if here == one:
        return told
    start = next((n for n, (a, b) in enumerate(zip(one, told, strict=False)) if a != b), len(one))
    most = min(len(one), len(told)) - start
    end = next((n for n in range(most) if one[-1 - n] != told[-1 - n]), most)
    old, new = one[start : len(one) - end], told[start : len(told) - end]
    if here[:start] == one[:start]:
        return here[:start] + new + here[start + len(old) :]
    at = len(here) - end - len(old)
    return here[:at] + new + here[len(here) - end :]
