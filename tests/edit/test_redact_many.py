"""Many network addresses are wiped as few are, and in no more time than their bytes are worth."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from migstream.edit import redact
from migstream.edit.sensitive import Action, Rule


@given(st.integers(0, 1 << 32), st.integers(1, 20))
def test_a_look_up_finds_what_searches_find(seed: int, count: int) -> None:
    random = Random(seed)  # noqa: S311
    stations: dict[bytes, bytes] = {}
    for _ in range(count):
        redact._learn(random.randbytes(6), Rule("*", "/mac", "", Action.MAC), stations)
    pieces = []
    for real in stations:
        swapped = redact._swapped(real)
        wide = real[3::-1] + b"\x12\x34" + real[:3:-1]
        pieces += [real, swapped, redact.SOLICITED + real[3:], wide, random.randbytes(3)]
    random.shuffle(pieces)
    raw = b"".join(pieces)
    few = sorted(redact._hits_of_few(raw, stations))
    assert few == sorted(redact._hits_of_many(raw, stations))
    assert {other for _, other in few} >= {*stations.values()}
