from __future__ import annotations

import contextlib
import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from migstream.errors import ParseError, Truncated
from migstream.vmstate.types import TYPES, Scalar, wire_type

SCALARS = sorted(name for name, each in TYPES.items() if each.code)
LITTLE = ["le16", "le32", "le64"]


def decode(name: str, raw: bytes) -> Scalar:
    return wire_type(name, len(raw)).decode(memoryview(raw))


def text(name: str, raw: bytes) -> str:
    wire = wire_type(name, len(raw))
    return wire.text(wire.decode(memoryview(raw)), len(raw))


def hexed(name: str, raw: bytes) -> str:
    wire = wire_type(name, len(raw))
    return wire.hex(wire.decode(memoryview(raw)), len(raw))


@pytest.mark.parametrize("name", sorted(TYPES))
def test_every_type_knows_its_width(name: str) -> None:
    wire = TYPES[name]
    if wire.code or wire.words:
        assert wire.size == struct.calcsize(f">{wire.code or wire.words.lstrip('>')}")
    assert wire.kind in {
        *("int", "uint", "bool", "timer", "float", "bytes", "text"),
        *("bitmap", "marker", "group", "words"),
    }


@given(st.sampled_from(SCALARS), st.data())
def test_scalars_come_back(name: str, data: st.DataObject) -> None:
    code, size = TYPES[name].code, TYPES[name].size or 0
    values: st.SearchStrategy[object]
    if code == "?":
        values = st.booleans()
    elif code == "d":
        values = st.floats(allow_nan=False)
    elif code.islower():
        values = st.integers(-(1 << 8 * size - 1), (1 << 8 * size - 1) - 1)
    else:
        values = st.integers(0, (1 << 8 * size) - 1)
    many = data.draw(st.lists(values, min_size=1, max_size=20))
    raw = struct.pack(f">{len(many)}{code}", *many)
    wire = wire_type(name, size)
    assert wire.decode(memoryview(raw)[:size]) == many[0]
    assert wire.hex(wire.decode(memoryview(raw)[:size]), size) == "0x" + raw[:size].hex()
    assert wire.bulk(memoryview(raw), len(many)) == many
    assert wire.array(memoryview(raw), len(many), size).tolist() == many


@given(st.sampled_from(LITTLE), st.binary(min_size=64, max_size=64))
def test_little_endian(name: str, raw: bytes) -> None:
    size = TYPES[name].size or 0
    count = len(raw) // size
    numbers = [int.from_bytes(raw[at : at + size], "little") for at in range(0, 64, size)]
    wire = wire_type(name, size)
    assert wire.bulk(memoryview(raw), count) == numbers
    assert wire.array(memoryview(raw), count, size).tolist() == numbers


@given(
    st.one_of(st.sampled_from(sorted(TYPES)), st.text()),
    st.integers(-(1 << 65), 1 << 65) | st.integers(0, 40),
    st.binary(max_size=64),
    st.integers(-3, 1 << 60) | st.integers(0, 20),
)
def test_hostile_sizes_raise_only_our_errors(name: str, size: int, raw: bytes, count: int) -> None:
    wire = wire_type(name, size)
    view = memoryview(raw)
    try:
        value = wire.decode(view)
        assert wire.text(value, size)
        wire.hex(value, len(raw))
    except ParseError:
        pass
    for many in (lambda: wire.bulk(view, count), lambda: wire.array(view, count, size)):
        with contextlib.suppress(ParseError):
            many()


def test_arrays_are_views() -> None:
    raw = bytearray(struct.pack(">4Q", 1, 2, 3, 4))
    array = wire_type("uint64", 8).array(memoryview(raw), 4, 8)
    raw[7] = 9
    assert array.tolist() == [9, 2, 3, 4]
    strided = wire_type("uint32", 4).array(memoryview(raw), 4, 8)
    assert strided.shape == (4,)
    assert np.shares_memory(array, strided)
    assert wire_type("avr", 16).array(memoryview(raw), 2, 16).tolist() == [[9, 2], [3, 4]]
    assert wire_type("buffer", 16).array(memoryview(raw), 2, 16).dtype == "V16"


def test_a_bool_array_is_true_for_any_byte_but_zero() -> None:
    array = wire_type("bool", 1).array(memoryview(b"\0\1\2"), 3, 1)
    assert array.tolist() == [False, True, True]
    assert int(array.sum()) == 2
    assert wire_type("bool", 1).bulk(memoryview(b"\0\1\2"), 3) == [False, True, True]


@pytest.mark.parametrize(
    ("name", "raw", "value", "shown"),
    [
        ("uint8", "07", 7, "7"),
        ("uint32", "0000002b", 43, "43 (0x2b)"),
        ("int16", "fffe", -2, "-2"),
        ("int32 le", "00000002", 2, "2"),
        ("int64 equal", "ffffffffffffffff", 2**64 - 1, f"{2**64 - 1} (0xffffffffffffffff)"),
        ("bool", "02", True, "true"),
        ("powered_off", "00", False, "false"),
        ("timer", "ffffffffffffffff", -1, "not armed"),
        ("timer", "000000000012d687", 1234567, "1234567 ns (1.235 ms)"),
        ("CPU_Double_U", "3ff8000000000000", 1.5, "1.5"),
        ("bitmap", "0000000000000013", bytes(7) + b"\x13", "64 bits, 3 set: 0 1 4"),
        (
            "bitmap",
            "0000000000000001 8000000000000000",
            bytes(7) + b"\x01\x80" + bytes(7),
            "128 bits, 2 set: 0 127",
        ),
        ("bitmap", "00000000000003ff", bytes(6) + b"\x03\xff", "64 bits, 10 set"),
        ("nullptr", "30", None, "null"),
        ("uint64", "30", None, "null"),
        ("ptr-marker", "30", False, "null"),
        ("ptr-marker", "31", True, "valid"),
        ("ptr-marker", "41", 0x41, "65 is not a marker"),
        ("fd", "20", 32, "travels beside the stream"),
        ("fd", "0000000c", 12, "12 (0xc)"),
        ("pci irq state", "00000000 00000001 00000000 00000000", (0, 1, 0, 0), "0 1 0 0"),
        ("fpr", "0000000000000001 0000000000000002", (1, 2), "1 2"),
        ("fsr", "00000001", 1, "1"),
        ("capability", "03 61 22 62", 'a"b', '"a\\"b"'),
        ("GByteArray", "00000002 abcd", b"\xab\xcd", "2 bytes, abcd"),
        ("buffer", "72756e00 00ff", b"run\0\0\xff", '6 bytes, 72756e0000ff "run"'),
        ("buffer", "", b"", "0 bytes"),
        ("unused_buffer", "0000", b"\0\0", "2 bytes, all zero"),
        ("qtailq", "00", b"\0", "1 byte"),
    ],
)
def test_meaning(name: str, raw: str, value: object, shown: str) -> None:
    data = bytes.fromhex(raw)
    assert decode(name, data) == value
    assert text(name, data) == shown


def test_hex() -> None:
    assert hexed("int16", b"\xff\xfe") == "0xfffe"
    assert hexed("timer", b"\xff" * 8) == "0x" + "f" * 16
    assert hexed("uint32", b"\0\0\0\x2b") == "0x0000002b"
    assert hexed("buffer", b"\1\2") == "0102"
    assert hexed("nullptr", b"0") == "0x30"
    assert hexed("ptr-marker", b"1") == "0x31"
    assert hexed("slbe", bytes(15) + b"\1") == "0x0000000000000000 0x0000000000000001"
    assert hexed("fd", b"\0\0\0\5") == "0x00000005"


def test_a_size_that_contradicts_the_width_gives_bytes() -> None:
    wire = wire_type("uint32", 3)
    assert (wire.name, wire.kind, wire.size) == ("uint32", "bytes", 3)
    assert decode("uint32", b"\1\2\3") == b"\1\2\3"
    assert wire_type("never heard of", 5).kind == "bytes"
    assert wire_type("never heard of", -5).size == 0


def test_capabilities_count_themselves() -> None:
    raw = memoryview(b"\1a\4long")
    assert wire_type("capability", 2).bulk(raw, 2) == ["a", "long"]
    with pytest.raises(Truncated):
        wire_type("capability", 2).bulk(raw, 3)


def test_short_bytes() -> None:
    with pytest.raises(Truncated):
        wire_type("uint64", 8).decode(memoryview(b"\1"))
    assert isinstance(decode("CPU_Double_U", b"\x7f\xf8" + bytes(6)), float)
    assert math.isnan(float(struct.unpack(">d", b"\x7f\xf8" + bytes(6))[0]))
