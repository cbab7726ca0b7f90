"""Push: however the bytes are cut into pieces, the same items come out, and the same damage."""

from __future__ import annotations

import lzma
import time
from functools import cache
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import migstream
from migstream.errors import ParseError, Unsupported
from migstream.iterable import SECTIONS
from migstream.source.store import Whole
from migstream.wire.model import Item, Opaque, flat
from migstream.wire.push import Push, drive, through
from migstream.wire.registry import Context
from migstream.wire.walk import Walker
from support import build, damage
from support.samples import OWN

NAMES = sorted(path.name for path in OWN.glob("*.mig.xz"))
Told = tuple[list[Item], list[str]]


@cache
def sample(name: str) -> bytes:
    return lzma.decompress((OWN / name).read_bytes())


@cache
def good(name: str) -> damage.Good:
    raw = sample(name)
    return damage.Good(raw, migstream.open(raw))


@cache
def damaged(name: str, kind: str) -> bytes | None:
    made = damage.KINDS[kind](good(name), Random(7))  # noqa: S311 - no secret
    return None if made is None else made[0]


def walker() -> Walker:
    return Walker(SECTIONS, context=Context())


def pushed(raw: bytes, cuts: list[int]) -> Told:
    """Items and damage of a stream that is pushed in by pieces that end at `cuts`."""
    push = Push(walker())
    found: list[Item] = []
    try:
        for start, stop in zip([0, *cuts], [*cuts, len(raw)], strict=True):
            push.feed(raw[start:stop])
            found += push.items()
        push.end()
        found += push.items()
    except ParseError as error:
        return found, [*map(str, push.walker.damage), str(error)]
    assert push.done
    return found, [str(error) for error in push.walker.damage]


@cache
def of_the_file(raw: bytes) -> Told:
    """The same of the file, up to the damage that ends a walk."""
    push = Push(walker(), whole=Whole(raw))
    found: list[Item] = []
    try:
        found.extend(push.items())  # what was there before an error stays
    except ParseError as error:
        return found, [*map(str, push.walker.damage), str(error)]
    return found, [str(error) for error in push.walker.damage]


def cuts_of(data: st.DataObject, raw: bytes) -> list[int]:
    places = st.integers(0, len(raw)) | st.integers(0, min(2000, len(raw)))
    return sorted(data.draw(st.sets(places, max_size=30)))


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None, max_examples=3)
@given(data=st.data())
def test_any_split_gives_the_items_of_the_file(name: str, data: st.DataObject) -> None:
    raw = sample(name)
    assert pushed(raw, cuts_of(data, raw)) == of_the_file(raw)


@settings(deadline=None, max_examples=120)
@given(data=st.data())
def test_any_split_of_a_damaged_stream_gives_the_damage_of_the_file(data: st.DataObject) -> None:
    name = data.draw(
        st.sampled_from(["microvm-7.2.mig.xz", "none-7.2.mig.xz", "pc-2.3-7.2.mig.xz"])
    )
    raw = damaged(name, data.draw(st.sampled_from(sorted(damage.KINDS))))
    if raw is not None:
        assert pushed(raw, cuts_of(data, raw)) == of_the_file(raw)


def tiny() -> bytes:
    """Header, configuration, and two devices that nothing describes before the end marker."""
    one = build.full(1, "one", b"first")
    return build.HEADER + build.configuration("toy") + one + build.full(2, "two", b"second") + b"\0"


def test_byte_by_byte() -> None:
    raw = tiny()
    assert pushed(raw, list(range(1, len(raw)))) == of_the_file(raw)


def test_an_item_comes_out_with_its_last_byte() -> None:
    raw = tiny()
    push = Push(walker())
    push.feed(raw[:7])
    assert list(push.items()) == []
    push.feed(raw[7:8])
    assert [item.span for item in push.items()] == [(0, 8)]
    assert push.mark == 8


def test_what_was_read_is_given_up() -> None:
    """One piece, and less than a record: 64 MiB of guest memory go by."""
    record = build.be64(0x28) + bytes(4096)
    first = build.be64(0x08) + build.counted("pc.ram") + bytes(4096)
    raw = sample("pc-7.2.mig.xz")
    with migstream.open(raw) as stream:
        at = next(s for s in stream.sections if s.name == "ram" and s.type == 3).payload.start
    push = Push(walker())
    piece = record * 256
    push.feed(raw[:at] + first)
    items = list(push.items())
    for _ in range(64):
        push.feed(piece)
        items += push.items()
        assert push.stop - push.base < 2 * len(piece)
    push.feed(raw[at:])
    push.end()
    items += push.items()
    assert push.done
    assert items[-1].span.stop == len(raw) + len(first) + 64 * len(piece)


def test_more_is_not_held_than_16_mib() -> None:
    push = Push(walker())
    push.feed(build.HEADER + build.configuration("toy") + build.full(1, "one", b"")[:-5])
    list(push.items())
    for _ in range(16):
        push.feed(b"\x55" * (1 << 20))
        list(push.items())
    assert push.stuck
    with pytest.raises(Unsupported, match="16 MiB are not enough"):
        push.feed(b"\x55")


def test_what_was_looked_at_is_not_looked_at_again() -> None:
    """Small pieces of a large device: each byte costs the same, however many came before."""
    spent = []
    for size in (1 << 20, 8 << 20):
        push = Push(walker())
        push.feed(build.HEADER + build.configuration("toy") + build.full(1, "one", b"")[:-5])
        started = time.process_time()
        for _ in range(size // 1000):
            push.feed(b"\x55" * 1000)
            list(push.items())
        spent.append(time.process_time() - started)
        assert push.mark < 100
    assert spent[1] < 24 * spent[0]  # eight times as much, and not sixty-four times


def test_damage_is_raised_each_time_and_gone_behind_when_all_is_there() -> None:
    raw = tiny()
    raw = raw[:16] + b"\x99junk" + raw[16:]
    push = Push(walker())
    push.feed(raw)
    push.end()
    for _ in range(2):
        with pytest.raises(ParseError):
            list(push.items())
    items = list(through(push))
    assert push.done
    assert items == list(drive(Whole(raw), walker()))[-len(items) :]
    assert any(isinstance(item, Opaque) for item in items)
    with pytest.raises(ValueError, match="behind the end"):
        push.feed(b"more")


def test_a_piece_that_is_still_looked_at_stays_as_it_is() -> None:
    raw = tiny()
    push = Push(walker())
    push.feed(raw[:20])
    kept = push.view(0, 8)
    list(push.items())
    push.feed(raw[20:])
    push.end()
    spans: list[Any] = [item.span for item in flat(list(push.items()))]
    assert bytes(kept) == raw[:8]
    assert spans[-1][1] == len(raw)
