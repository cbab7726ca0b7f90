"""Packets: however the bytes arrive, the same is read; what is too long is not kept."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from migstream.gdb.packets import LONGEST, Packet, Reader, escaped, frame, run_length
from support.gdbsaved import packets

CONTROL = st.sampled_from([b"+", b"-", b"\x03", b"noise", b""])


def wire(data: bytes) -> bytes:
    return frame(escaped(data))


@given(
    st.lists(st.tuples(CONTROL, st.binary(max_size=60))),
    st.data(),
)
def test_any_split_gives_the_same(parts: list[tuple[bytes, bytes]], data: st.DataObject) -> None:
    raw = b"".join(control + wire(contents) for control, contents in parts)
    whole = list(Reader().feed(raw))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)))))
    reader = Reader()
    pieces = [raw[a:b] for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    assert [one for piece in pieces for one in reader.feed(piece)] == whole
    assert [one.data for one in whole if one.kind == "packet"] == [c for _, c in parts]
    assert all(one.sound and one.whole for one in whole)
    kinds = {b"-": "again", b"\x03": "interrupt"}
    assert [o.kind for o in whole if o.kind != "packet"] == [
        kinds[c] for c, _ in parts if c in kinds
    ]


@given(st.lists(st.binary(max_size=200)))
def test_any_bytes_are_read(pieces: list[bytes]) -> None:
    reader = Reader()
    for piece in pieces:
        for one in reader.feed(piece):
            assert len(one.data) <= LONGEST


def test_a_wrong_checksum_is_seen() -> None:
    assert list(Reader().feed(b"$g#00")) == [Packet("packet", b"g", sound=False)]
    assert list(Reader().feed(b"$g#6")) == []
    assert list(Reader().feed(b"$g#67")) == [Packet("packet", b"g")]
    [upper] = Reader().feed(b"$m1,2#%02X" % (sum(b"m1,2") & 0xFF))
    assert upper.sound


def test_what_is_too_long_is_not_kept() -> None:
    reader = Reader()
    for _ in range(1000):
        assert list(reader.feed(bytes(1) + b"$" + b"a" * 10_000)) == []
        assert len(reader._held) <= LONGEST + 1
    assert list(reader.feed(b"#00$g#67")) == [
        Packet("packet", whole=False),
        Packet("packet", b"g"),
    ]


@given(st.text("0123456789abcdefx", max_size=600) | st.text("0f", max_size=600))
def test_what_repeats_is_counted(digits: str) -> None:
    said = run_length(digits.encode())
    assert packets(frame(said)) == [digits]
    assert len(said) <= len(digits)
    assert b"#" not in said
    assert b"$" not in said


def test_a_page_of_zeros_is_short() -> None:
    assert len(run_length(b"0" * 8192)) < 300
