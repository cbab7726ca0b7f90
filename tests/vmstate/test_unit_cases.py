"""The cases of QEMU's own tests/unit/test-vmstate.c, declared: the bytes are those that its C structs give."""

from __future__ import annotations

from typing import TypeVar

import pytest

from migstream.errors import BadSection, ParseError
from migstream.vmstate import (
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    Bool,
    VMState,
    array,
    field,
    gtree,
    local,
    pointers,
    qlist,
    qtailq,
    since,
    tmp,
)
from migstream.vmstate.declared.fields import Out
from migstream.vmstate.declared.written import release
from migstream.wire.cursor import Cursor

S = TypeVar("S", bound=VMState)
H = bytes.fromhex


def save(subject: VMState) -> bytes:
    out = Out(release("11.1"))
    subject.vmstate.save(out, subject)
    return bytes(out.data)


def load(subject: S, raw: bytes, version: int | None = None) -> S:
    """Loads all of `raw`, and refuses every beginning of it."""
    for size in range(len(raw)):
        with pytest.raises(ParseError):
            type(subject).vmstate.load(Cursor(raw[:size]), blank(subject), version)
    cur = Cursor(raw)
    subject.vmstate.load(cur, subject, version)
    assert not cur.left
    return subject


def blank(subject: S) -> S:
    """Another object like this one: a load that fails leaves it half changed."""
    import copy

    return copy.deepcopy(subject)


# --- primitives ----------------------------------------------------------------------------------


class Simple(VMState, name="simple/primitive", version=1, minimum_version=1):
    b_1: Bool
    b_2: Bool
    u8_1: U8
    u16_1: U16
    u32_1: U32
    u64_1: U64
    i8_1: I8
    i8_2: I8
    i16_1: I16
    i16_2: I16
    i32_1: I32
    i32_2: I32
    i64_1: I64
    i64_2: I64


SIMPLE = Simple(
    b_1=True,
    b_2=False,
    u8_1=130,
    u16_1=512,
    u32_1=70000,
    u64_1=12121212,
    i8_1=65,
    i8_2=-65,
    i16_1=512,
    i16_2=-512,
    i32_1=70000,
    i32_2=-70000,
    i64_1=12121212,
    i64_2=-12121212,
)
SIMPLE_WIRE = H(
    "01 00 82 0200 00011170 0000000000b8f47c 41 bf 0200 fe00 00011170 fffeee90"
    "0000000000b8f47c ffffffffff470b84"
)


def test_simple_primitives_are_saved() -> None:
    assert save(SIMPLE) == SIMPLE_WIRE


def test_simple_primitives_are_loaded() -> None:
    assert load(Simple.blank(), SIMPLE_WIRE) == SIMPLE


class SimpleArray(VMState, name="simple/array", version=1, minimum_version=1):
    u16_1: list[U16] = array(3)


def test_an_array_of_primitives() -> None:
    subject = SimpleArray(u16_1=[0x42, 0x43, 0x44])
    assert save(subject) == H("0042 0043 0044")
    assert load(SimpleArray.blank(), H("0042 0043 0044")) == subject


# --- versions, conditions ------------------------------------------------------------------------


class Versioned(VMState, name="test/versioned", version=2, minimum_version=1):
    a: U32
    b: U32 = since(2)
    c: U32
    d: U64
    e: U32 = since(2)
    f: U64 = since(2)


def values(subject: object) -> tuple[int, ...]:
    return tuple(getattr(subject, name) for name in "abcdef")


def test_version_1_leaves_the_fields_of_version_2() -> None:
    loaded = load(Versioned.blank(b=200, e=500, f=600), H("0000000a 0000001e 0000000000000028"), 1)
    assert values(loaded) == (10, 200, 30, 40, 500, 600)


def test_version_2_has_them_all() -> None:
    raw = H("0000000a 00000014 0000001e 0000000000000028 00000032 000000000000003c")
    assert values(load(Versioned.blank(), raw, 2)) == (10, 20, 30, 40, 50, 60)


def not_skipped(subject: Skipping, _: int) -> bool:
    return not subject.skip_c_e


class Skipping(VMState, name="test/skip", version=2, minimum_version=1):
    skip_c_e: bool = local(False)
    a: U32
    b: U32
    c: U32 = field(exists=not_skipped)
    d: U64
    e: U32 = field(exists=not_skipped)
    f: U64 = since(2)


ONE_TO_SIX = {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6}


def test_field_exists_saves_without_skipping() -> None:
    expected = H("00000001 00000002 00000003 0000000000000004 00000005 0000000000000006")
    assert save(Skipping.blank(**ONE_TO_SIX)) == expected


def test_field_exists_saves_and_skips() -> None:
    expected = H("00000001 00000002 0000000000000004 0000000000000006")
    assert save(Skipping(**ONE_TO_SIX, skip_c_e=True)) == expected


def test_field_exists_loads_without_skipping() -> None:
    raw = H("0000000a 00000014 0000001e 0000000000000028 00000032 000000000000003c")
    assert values(load(Skipping.blank(), raw, 2)) == (10, 20, 30, 40, 50, 60)


def test_field_exists_loads_and_skips() -> None:
    subject = Skipping.blank(skip_c_e=True, c=300, e=500)
    raw = H("0000000a 00000014 0000000000000028 000000000000003c")
    assert values(load(subject, raw, 2)) == (10, 20, 300, 40, 500, 60)


# --- arrays of pointers --------------------------------------------------------------------------


class Triv(VMState, name="test/tst", version=1, minimum_version=1):
    i: I32


class Structs(VMState, name="test/arps", version=1, minimum_version=1):
    ar: list[Triv | None] = pointers(4)


class Numbers(VMState, name="test/arpp", version=1, minimum_version=1):
    ar: list[I32 | None] = pointers(4)


class Nulls(VMState, name="test/arps_with_nulls", version=1, minimum_version=1):
    ar_items_num: U32 = local(4)
    ar: list[Triv | None] = pointers("ar_items_num", marked=True)


def trivs(*numbers: int | None) -> list[Triv | None]:
    return [None if number is None else Triv(i=number) for number in numbers]


ALL = H("00000000 00000001 00000002 00000003")
SECOND_NULL = H("00000000 30 00000002 00000003")


def test_pointers_to_structs() -> None:
    assert save(Structs(ar=trivs(0, 1, 2, 3))) == ALL
    assert load(Structs(ar=trivs(0, 0, 0, 0)), ALL).ar == trivs(0, 1, 2, 3)


def test_pointers_to_structs_with_a_null() -> None:
    assert save(Structs(ar=trivs(0, None, 2, 3))) == SECOND_NULL
    assert load(Structs(ar=trivs(9, None, 9, 9)), SECOND_NULL).ar == trivs(0, None, 2, 3)


def test_pointers_to_numbers_with_a_null() -> None:
    assert save(Numbers(ar=[0, None, 2, 3])) == SECOND_NULL
    assert load(Numbers(ar=[9, None, 9, 9]), SECOND_NULL).ar == [0, None, 2, 3]


MARKED = H("31 00000000 30 31 00000002 31 00000003")


def test_structs_with_nulls_among_marked_pointers_are_saved() -> None:
    assert save(Nulls.blank(ar=trivs(0, None, 2, 3))) == MARKED


def test_structs_with_nulls_among_marked_pointers_are_loaded() -> None:
    assert load(Nulls.blank(ar=trivs(None, None, None, None)), MARKED).ar == trivs(0, None, 2, 3)


@pytest.mark.parametrize("count", range(5))
def test_a_variable_number_of_marked_pointers(count: int) -> None:
    subject = Nulls(ar_items_num=count, ar=trivs(*range(count)))
    raw = b"".join(b"1" + number.to_bytes(4, "big") for number in range(count))
    assert save(subject) == raw
    assert load(Nulls.blank(ar_items_num=count), raw).ar == subject.ar


def test_a_marker_that_is_none() -> None:
    with pytest.raises(BadSection, match="Unexpected ptr marker: 50"):
        load(Nulls.blank(), H("32 00000000"))


# --- lists and trees -----------------------------------------------------------------------------


class Element(VMState, name="test/queue-element", version=1, minimum_version=1):
    b: Bool
    u8: U8


class Tail(VMState, name="test/queue", version=1, minimum_version=1):
    i16: I16
    q: list[Element] = qtailq(since=1)
    i32: I32


TAIL = H("fe00 01 01 82 01 00 41 00 00011170")


def test_a_qtailq() -> None:
    elements = [Element(b=True, u8=130), Element(b=False, u8=65)]
    subject = Tail(i16=-512, q=elements, i32=70000)
    assert save(subject) == TAIL
    assert load(Tail.blank(), TAIL) == subject


class ListElement(VMState, name="test/queue list", version=1, minimum_version=1):
    id: U32


class Container(VMState, name="test/container/qlist", version=1, minimum_version=1):
    id: U32
    list_: list[ListElement] = qlist(name="list", since=1)


def test_a_qlist() -> None:
    ids = (0xA, 0xB00, 0xC0000, 0xD000000)
    subject = Container(id=1, list_=[ListElement(id=each) for each in ids])
    raw = H("00000001 01 0000000a 01 00000b00 01 000c0000 01 0d000000 00")
    assert save(subject) == raw
    assert load(Container.blank(), raw) == subject


class Interval(VMState, name="interval", version=1, minimum_version=1):
    low: U64
    high: U64


class Mapping(VMState, name="mapping", version=1, minimum_version=1):
    phys_addr: U64
    flags: U32


class Domain(VMState, name="domain", version=1, minimum_version=1):
    id: I32
    mappings: list[tuple[Interval, Mapping]] = gtree(since=1)


class Iommu(VMState, name="iommu", version=1, minimum_version=1):
    id: I32
    domains: dict[int, Domain] = gtree(since=1)


def mapped(low: int, high: int, phys_addr: int, flags: int) -> tuple[Interval, Mapping]:
    return Interval(low=low, high=high), Mapping(phys_addr=phys_addr, flags=flags)


FIRST = mapped(0x1000, 0x1FFF, 0xA000, 1)
SECOND = mapped(0x4000, 0x4FFF, 0xE0000, 2)
DOMAIN_6 = Domain(id=6, mappings=[FIRST, SECOND])
DOMAIN_5 = Domain(id=5, mappings=[mapped(0x1000000, 0x1FFFFFF, 0xF000000, 3)])
WIRE_6 = H(
    "00000006 00000002"
    "01 0000000000001000 0000000000001fff 000000000000a000 00000001"
    "01 0000000000004000 0000000000004fff 00000000000e0000 00000002 00"
)
WIRE_5 = H("00000005 00000001 01 0000000001000000 0000000001ffffff 000000000f000000 00000003 00")
IOMMU = (
    H("00000007 00000002 01 0000000000000005") + WIRE_5 + H("01 0000000000000006") + WIRE_6 + b"\0"
)


@pytest.mark.parametrize("mappings", [[FIRST, SECOND], [SECOND, FIRST]])
def test_a_tree_with_keys_that_are_structs(mappings: list[tuple[Interval, Mapping]]) -> None:
    """The wire has a GTree's order, whatever the order in which nodes came into it."""
    subject = Domain(id=6, mappings=mappings)
    assert save(subject) == WIRE_6
    assert load(Domain.blank(), WIRE_6) == subject


@pytest.mark.parametrize("keys", [(5, 6), (6, 5)])
def test_trees_in_a_tree_with_direct_keys(keys: tuple[int, int]) -> None:
    domains = {5: DOMAIN_5, 6: DOMAIN_6}
    subject = Iommu(id=7, domains={key: domains[key] for key in keys})
    assert save(subject) == IOMMU
    assert load(Iommu.blank(), IOMMU) == subject


# --- an object made for the transfer -------------------------------------------------------------


class MoreOfTheParent(VMState, name="test/tmp_child_parent", version=0):
    f: U64


class Child(VMState, name="test/tmp_child", version=0):
    diff: I64
    parent: MoreOfTheParent

    def pre_save(self) -> None:
        self.diff = self.parent.b - self.parent.a  # type: ignore[attr-defined]

    def post_load(self, version: int) -> None:  # noqa: ARG002
        self.parent.b = self.parent.a + self.diff  # type: ignore[attr-defined]


class Parent(VMState, name="test/with_tmp", version=1):
    b: int = local(0)
    f: int = local(0)
    a: U32
    d: U64
    t: Child = tmp()


def test_an_object_made_for_the_transfer() -> None:
    raw = H("00000002 0000000000000001 0000000000000002 0000000000000008")
    assert save(Parent.blank(a=2, b=4, d=1, f=8)) == raw
    loaded = load(Parent.blank(), raw)
    assert (loaded.a, loaded.b, loaded.d, loaded.f) == (2, 4, 1, 8)
