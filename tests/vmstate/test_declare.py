"""Declarations: what is written for each kind of field, in bytes and words, and what is refused when read."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migstream import vmstate as d
from migstream.errors import BadSection, ParseError, StreamError, Truncated
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
    Buffer,
    Check,
    Double,
    I32AtMost,
    Timer,
    U8Equal,
    U16Equal,
    U32Equal,
    U64Equal,
    Unused,
    VMState,
    Wire,
    WritableBuffer,
    array,
    buffer,
    field,
    gtree,
    local,
    pointers,
    qlist,
    qtailq,
    since,
    subsection,
    tmp,
    unused,
    validate,
    vstruct,
)
from migstream.vmstate.declared.codecs import Info
from migstream.vmstate.declared.fields import Field, Out
from migstream.vmstate.declared.interpreter import VMStateDescription
from migstream.vmstate.declared.snapshot import snapshot
from migstream.vmstate.declared.written import JSONWriter, release
from migstream.vmstate.jsontext import Style
from migstream.wire.cursor import Cursor


class Serial(VMState, name="serial", version=3, minimum_version=2):
    divider: U16
    rbr: U8
    fcr_vmstate: U8 = since(3, default=7)


class Pair(VMState, name="pair", version=1):
    first: U8
    second: U16


class Key(VMState, name="key", version=1):
    low: U32


class More(VMState, name="everything/more", version=2):
    extra: U8

    def needed(self) -> bool:
        return self.extra != 0


class Rare(VMState, name="everything/rare", version=1):
    value: U32


class Halves(VMState, name="halves", version=0):
    parent: Any = local()
    high: U16
    low: U16

    def pre_save(self) -> None:
        self.high, self.low = self.parent.whole >> 16, self.parent.whole & 0xFFFF

    def post_load(self, version: int) -> None:  # noqa: ARG002
        self.parent.whole = self.high << 16 | self.low


S = TypeVar("S", bound=VMState)
MAC = Info("mac", bytes.fromhex, lambda cur: bytes(cur.take(6)).hex(), "00" * 6)


class Everything(VMState, name="everything", version=4):
    whole: int = local(0)
    i8: I8
    i16: I16
    i32: I32
    i64: I64
    u64: U64
    flag: Bool
    real: Double
    timer: Timer
    pad: Unused = unused(3)
    raw: Buffer = buffer(4)
    writable: WritableBuffer = buffer(2)
    size: U8
    blob: Buffer = buffer("size")
    doubled: Buffer = buffer(lambda self: 2 * self.size)
    bits: d.Bitmap = d.bitmap(70)
    one: Pair
    words: list[U16] = array(3)
    pairs: list[Pair] = array(2)
    count: U8
    counted: list[Pair] = array("count")
    there: list[Pair | None] = pointers(4)
    queue: list[Pair] = qtailq()
    slist: list[Pair] = qlist()
    tree: dict[int, Pair] = gtree()
    keyed: list[tuple[Key, Pair]] = gtree()
    old: Pair = vstruct(1)
    halves: Halves = tmp()
    names: list[Annotated[str, Wire("capability")]] = array(2)
    bytes_: Annotated[bytes, Wire("GByteArray")]
    levels: Annotated[tuple[int, int, int, int], Wire("pci irq state")]
    mac: Annotated[str, Wire(MAC)]
    late: U8 = since(4)
    never: U8 = since(5, default=9)
    odd: U8 = field(exists=lambda self, _: self.size % 2 == 1)
    more: More = subsection()
    rare: Rare | None = subsection()


def written(subject: VMState, qemu: str = "7.2") -> tuple[bytes, dict[str, Any]]:
    """Bytes and description of an object."""
    style = release(qemu)
    out = Out(style, JSONWriter(style.style))
    assert out.json is not None
    out.json.start_object()
    subject.vmstate.save(out, subject)
    out.json.end_object()
    return bytes(out.data), json.loads(out.json.getvalue())


def read(subject: S, raw: bytes, version: int | None = None) -> S:
    cur = Cursor(raw)
    subject.vmstate.load(cur, subject, version)
    assert not cur.left
    return subject


# --- bytes and words ---------------------------------------------------------------------------------------------


def test_fields_follow_each_other_in_big_endian() -> None:
    raw, text = written(Serial(divider=12, rbr=0x41))
    assert raw.hex(" ") == "00 0c 41 07"
    assert text == {
        "vmsd_name": "serial",
        "version": 3,
        "fields": [
            {"name": "divider", "type": "uint16", "size": 2},
            {"name": "rbr", "type": "uint8", "size": 1},
            {"name": "fcr_vmstate", "type": "uint8", "size": 1},
        ],
    }


def test_what_nobody_set_is_zero() -> None:
    assert Serial.blank().rbr == 0
    assert Everything.blank().counted == []
    assert Everything.blank().raw == bytes(4)
    assert Everything.blank().rare is None


def test_objects_compare_by_their_state() -> None:
    assert Serial.blank(divider=1) == Serial.blank(divider=1)
    assert Serial.blank(divider=1) != Serial.blank(divider=2)
    assert repr(Serial.blank()) == "Serial(divider=0, rbr=0, fcr_vmstate=7)"


CASES: dict[str, tuple[dict[str, Any], str]] = {
    "qtailq": ({"queue": [Pair(first=1, second=2)]}, "01 01 0002 00"),
    "gtree": ({"tree": {5: Pair.blank(first=1)}}, "00000001 01 0000000000000005 01 0000 00"),
    "bitmap": ({"bits": 1 << 64 | 1}, "0000000000000001 0000000000000001"),
    "pointers": ({"there": [None, Pair.blank(first=3), None, None]}, "30 03 0000 30 30"),
    "capability": ({"names": ["ab", ""]}, "02 61 62 00"),
    "GByteArray": ({"bytes_": b"xyz"}, "00000003 78797a"),
    "tmp": ({"whole": 0x12345678}, "1234 5678"),
    "double": ({"real": 1.5}, "3ff8000000000000"),
    "own": ({"mac": "525400123456"}, "525400123456"),
}


@pytest.mark.parametrize("name", CASES)
def test_bytes_of_a_kind(name: str) -> None:
    values, expected = CASES[name]
    empty, _ = written(Everything.blank())
    raw, _ = written(Everything(**values))
    assert bytes.fromhex(expected) in raw
    assert raw != empty


def test_names_that_occur_twice_are_numbered_even_where_one_is_absent() -> None:
    class Twice(VMState, name="twice", version=2):
        old: U16 = field(name="offset", exists=lambda _, version: version == 1)
        offset: U32
        a: Unused = unused(1)
        b: Unused = unused(2)

    _, text = written(Twice.blank())
    assert [each["name"] for each in text["fields"]] == ["offset[1]", "unused[0]", "unused[1]"]


def test_lists_repeat_their_keys_inside_one_object() -> None:
    style = release("7.2")
    out = Out(style, JSONWriter())
    assert out.json is not None
    subject = Everything.blank(queue=[Pair.blank(), Pair.blank()])
    queue = next(each for each in subject.vmstate.fields if each.name == "queue")
    queue.save(out, subject, "queue")
    group = (
        '"vmsd_name": "pair", "version": 1, "fields": [{"name": "first", "type": "uint8", "size": 1}, '
        '{"name": "second", "type": "uint16", "size": 2}]'
    )
    expected = f'{{"name": "queue", "type": "qtailq", {group}, {group}, "size": 9}}'
    assert out.json.getvalue().decode() == expected


# --- arrays, as each release groups them -------------------------------------------------------------------------


class Choosy(VMState, name="choosy", version=1):
    kind: U8
    extra: U8 = field(exists=lambda self, _: bool(self.kind))


class Pointers(VMState, name="pointers", version=1):
    there: list[Pair | None] = pointers(4)
    chosen: list[Choosy] = array(3)


class Marked(VMState, name="marked", version=1):
    there: list[Pair | None] = pointers(3, marked=True)


def _entries(subject: VMState, qemu: str, name: str) -> list[Any]:
    _, text = written(subject, qemu)
    return [
        (each["type"], each.get("array_len"), each.get("index"))
        for each in text["fields"]
        if each["name"] == name
    ]


A = Pair.blank()
GROUPS: list[tuple[str, list[Pair | None], list[Any]]] = [
    ("7.2", [None, A, A, None], [("struct", 4, None)]),
    ("9.1", [A, None, None, None], [("struct", 4, None)]),
    (
        "10.0",
        [None, A, A, None],
        [("nullptr", None, None), ("struct", 2, None), ("nullptr", None, None)],
    ),
    # the first run has the whole array's length where it is not null: QEMU's own slip
    ("10.0", [A, A, None, None], [("struct", 4, None), ("nullptr", 2, None)]),
    ("10.0", [A, A, A, A], [("struct", 4, None)]),
    ("10.0", [None, None, None, None], [("nullptr", 4, None)]),
    ("11.1", [None, A, A, A], [("ptr-marker", None, None), ("struct", 3, None)]),
    ("11.1", [None, None, A, A], [("ptr-marker", 2, None), ("struct", 2, None)]),
    # a lone last element after a longer run is not described: QEMU's own slip
    ("11.1", [None, None, None, A], [("ptr-marker", 3, None)]),
]


@pytest.mark.parametrize(("qemu", "there", "expected"), GROUPS)
def test_runs_of_pointers(qemu: str, there: list[Pair | None], expected: list[Any]) -> None:
    assert _entries(Pointers.blank(there=there), qemu, "there") == expected


@pytest.mark.parametrize(
    ("qemu", "indices"), [("7.2", [0, 1, 2]), ("10.0", [0, 1, None]), ("11.1", [None] * 3)]
)
def test_elements_that_differ_are_described_one_by_one(qemu: str, indices: list[Any]) -> None:
    entries = _entries(Pointers.blank(), qemu, "chosen")
    assert entries == [("struct", None, index) for index in indices]


def test_markers_before_every_element() -> None:
    subject = Marked(there=[None, Pair.blank(first=1), None])
    raw, _ = written(subject, "11.1")
    assert raw.hex(" ") == "30 31 01 00 00 30"
    assert [kind for kind, *_ in _entries(subject, "11.1", "there")] == [
        "ptr-marker",
        "ptr-marker",
        "struct",
        "ptr-marker",
    ]
    assert read(Marked.blank(), raw) == subject


@pytest.mark.parametrize("qemu", ["2.3", "7.2", "10.0"])
def test_markers_want_a_release_that_writes_them(qemu: str) -> None:
    with pytest.raises(ValueError, match=r'marked/there: .*SaveVM\(..., release="11.1"\)'):
        written(Marked(there=[None] * 3), qemu)


class Holder(VMState, name="holder", version=1):
    number: U8
    there: list[Pair | None] = pointers(2, marked=True)


class Holders(VMState, name="holders", version=1):
    holders: list[Holder] = array(2)
    after: U8


class Deeper(VMState, name="deeper", version=1):
    groups: list[Holders] = array(2)


def test_an_array_with_markers_inside_is_described_element_by_element() -> None:
    """Each element has a length of its own: one cannot speak for all (vmsd_can_compress of 11.1)."""
    holders = [Holder(number=1, there=[A, None]), Holder(number=2, there=[None, None])]
    one = Holders(holders=holders, after=3)
    for subject, name in ((one, "holders"), (Deeper(groups=[one, Holders.blank()]), "groups")):
        raw, text = written(subject, "11.1")
        entries = [each for each in text["fields"] if each["name"] == name]
        assert [("array_len" in each, "index" in each) for each in entries] == [(False, False)] * 2
        assert sum(each["size"] for each in text["fields"]) == len(raw)
        assert read(type(subject).blank(), raw) == subject


@pytest.mark.parametrize("count", [0, 1, 2])
def test_short_arrays(count: int) -> None:
    _, text = written(Everything.blank(count=count, counted=[Pair.blank()] * count))
    entries = [each for each in text["fields"] if each["name"] == "counted"]
    assert len(entries) == min(count, 1)
    assert all(each.get("array_len") == (count if count > 1 else None) for each in entries)


def test_style_before_6_0() -> None:
    writer = JSONWriter(Style.QJSON)
    writer.start_object()
    writer.number("size", 1)
    writer.start_array("fields")
    writer.start_object()
    writer.end_object()
    writer.string("name", 'a"b')
    writer.end_array()
    writer.end_object()
    assert writer.getvalue() == b'{ "size" : 1, "fields" : [ {  }, "name" : "a"b" ] }'


def test_escapes_since_6_0() -> None:
    writer = JSONWriter()
    writer.start_object()
    writer.string("name", 'a"\\\né\U0001f600\x7f')
    writer.end_object()
    assert writer.getvalue() == rb'{"name": "a\"\\\n\u00E9\uD83D\uDE00\u007F"}'


# --- there and back ----------------------------------------------------------------------------------------------

u8, u16, u32 = (st.integers(0, (1 << bits) - 1) for bits in (8, 16, 32))
u64 = st.integers(0, (1 << 64) - 1)


def _pairs() -> st.SearchStrategy[Pair]:
    return st.builds(Pair, first=u8, second=u16)


@st.composite
def everything(draw: st.DrawFn) -> Everything:
    size = draw(st.integers(0, 5))
    counted = draw(st.lists(_pairs(), max_size=4))
    return Everything.blank(
        whole=draw(u32),
        i8=draw(st.integers(-128, 127)),
        i64=draw(st.integers(-(1 << 63), (1 << 63) - 1)),
        u64=draw(u64),
        flag=draw(st.booleans()),
        real=draw(st.floats(allow_nan=False)),
        timer=draw(st.integers(-1, 1 << 62)),
        raw=draw(st.binary(min_size=4, max_size=4)),
        writable=bytearray(draw(st.binary(min_size=2, max_size=2))),
        size=size,
        blob=draw(st.binary(min_size=size, max_size=size)),
        doubled=draw(st.binary(min_size=2 * size, max_size=2 * size)),
        bits=draw(st.integers(0, (1 << 70) - 1)),
        one=draw(_pairs()),
        words=draw(st.lists(u16, min_size=3, max_size=3)),
        pairs=draw(st.lists(_pairs(), min_size=2, max_size=2)),
        count=len(counted),
        counted=counted,
        there=[None, draw(_pairs()), None, draw(_pairs())],
        queue=draw(st.lists(_pairs(), max_size=3)),
        slist=draw(st.lists(_pairs(), max_size=3)),
        tree=draw(st.dictionaries(u64, _pairs(), max_size=3)),
        keyed=draw(st.lists(st.tuples(st.builds(Key, low=u32), _pairs()), max_size=3)),
        old=draw(_pairs()),
        names=draw(st.lists(st.text(max_size=20), min_size=2, max_size=2)),
        bytes_=draw(st.binary(max_size=9)),
        levels=tuple(draw(st.lists(u32, min_size=4, max_size=4))),
        mac=draw(st.binary(min_size=6, max_size=6)).hex(),
        late=draw(u8),
        odd=draw(u8) if size % 2 else 0,
        more=More(extra=draw(u8)),
        rare=draw(st.none() | st.builds(Rare, value=u32)),
    )


def _empty() -> Everything:
    return Everything.blank(there=[None, Pair.blank(), None, Pair.blank()])


@settings(deadline=None)
@given(everything(), st.sampled_from(["5.2", "7.2", "8.2", "10.0", "11.1"]))
def test_any_state_comes_back(subject: Everything, qemu: str) -> None:
    raw, _ = written(subject, qemu)
    loaded = read(_empty(), raw)
    assert loaded == subject
    assert loaded.whole == subject.whole
    assert written(loaded, qemu)[0] == raw


@settings(deadline=None)
@given(everything(), st.data())
def test_damaged_state_raises_only_our_errors_and_changes_nothing(
    subject: Everything, data: st.DataObject
) -> None:
    raw = bytearray(written(subject)[0])
    for _ in range(data.draw(st.integers(0, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(u8)
    raw = raw[: data.draw(st.integers(0, len(raw)))]
    target = _empty()
    before = _empty()
    inner, pair, words = target.one, target.pairs[0], target.words
    restore = snapshot(Everything.vmstate, target)
    try:
        target.vmstate.load(Cursor(bytes(raw)), target)
    except StreamError:
        restore()
        assert target == before
    assert target.one is inner
    assert target.pairs[0] is pair
    assert target.words is words


# --- versions, subsections, hooks --------------------------------------------------------------------------------


def test_an_older_stream_leaves_what_it_does_not_have() -> None:
    loaded = read(Serial.blank(divider=1, fcr_vmstate=3), bytes.fromhex("000c 41"), version=2)
    assert (loaded.divider, loaded.rbr, loaded.fcr_vmstate) == (12, 0x41, 3)


@pytest.mark.parametrize(
    ("version", "words"),
    [
        (4, "serial: incoming version_id 4 is too new for local version_id 3"),
        (1, "serial: incoming version_id 1 is too old for local minimum version_id 2"),
    ],
)
def test_versions_are_checked_both_ways(version: int, words: str) -> None:
    with pytest.raises(BadSection) as caught:
        read(Serial.blank(), bytes(8), version)
    assert caught.value.message == words


def test_a_subsection_is_written_when_it_is_needed() -> None:
    plain, text = written(Everything.blank())
    assert "subsections" not in text
    raw, text = written(Everything.blank(more=More(extra=5), rare=Rare(value=6)))
    more, rare = (
        b"\x05\x0feverything/more\0\0\0\x02\x05",
        b"\x05\x0feverything/rare\0\0\0\x01\0\0\0\x06",
    )
    assert raw == plain + more + rare
    assert [each["vmsd_name"] for each in text["subsections"]] == [
        "everything/more",
        "everything/rare",
    ]
    assert all(list(each) == ["vmsd_name", "version", "fields"] for each in text["subsections"])


def _reads(raw: bytes) -> Callable[[], object]:
    return lambda: read(_empty(), written(_empty())[0] + raw)


def test_subsections_by_name() -> None:
    raw = written(_empty())[0]
    assert read(_empty(), raw + b"\x05\x0feverything/rare\0\0\0\x01\0\0\0\x06").rare == Rare(
        value=6
    )
    with pytest.raises(
        BadSection, match="VM subsection 'everything/other' in 'everything' does not exist"
    ):
        read(_empty(), raw + b"\x05\x10everything/other\0\0\0\x01\0")
    with pytest.raises(BadSection, match="too new"):
        read(_empty(), raw + b"\x05\x0feverything/rare\0\0\0\x02\0\0\0\x06")
    # without the parent's name it is none: whoever comes next has to make sense of it
    with pytest.raises(AssertionError):
        read(_empty(), raw + b"\x05\x06foreig\0\0\0\x01")


class Sizes(VMState, name="sizes"):
    a: U8Equal = field(default=1)
    b: U16Equal = field(default=2)
    c: U32Equal = field(default=3)
    d: U64Equal = field(default=4)
    e: I32AtMost = field(default=5)


@pytest.mark.parametrize(
    ("raw", "words", "name"),
    [
        ("09 0002 00000003 0000000000000004 00000005", "1 != 9", "a"),
        ("01 0009 00000003 0000000000000004 00000005", "2 != 9", "b"),
        ("01 0002 00000009 0000000000000004 00000005", "3 != 9", "c"),
        ("01 0002 00000003 00000000000000ff 00000005", "4 != ff", "d"),
        (
            "01 0002 00000003 0000000000000004 00000006",
            "Invalid value 6 expecting positive value <= 5",
            "e",
        ),
        ("01 0002 00000003 0000000000000004 ffffffff", "Invalid value -1 expecting", "e"),
    ],
)
def test_what_must_be_equal(raw: str, words: str, name: str) -> None:
    with pytest.raises(BadSection) as caught:
        read(Sizes(), bytes.fromhex(raw))
    assert words in caught.value.message
    assert f"sizes:{name}" in caught.value.message
    assert caught.value.path == [name]


class Queue(VMState, name="queue"):
    count: U8
    _small: Check = validate(lambda self, _: self.count < 4, name="count in range")
    elements: list[U16] = array("count")

    def post_load(self, version: int) -> None:  # noqa: ARG002
        if 0xFFFF in self.elements:
            raise ValueError("an element of all ones")


def test_validation() -> None:
    with pytest.raises(BadSection, match="Input validation failed: queue/count in range"):
        read(Queue.blank(), bytes.fromhex("04 0000 0000 0000 0000"))
    with pytest.raises(ValueError, match="Output state validation failed: queue/count in range"):
        written(Queue.blank(count=4, elements=[0] * 4))


def test_a_hook_refuses_by_value_error() -> None:
    with pytest.raises(
        BadSection, match=r"post load hook failed for: queue, version_id: 1.*all ones"
    ):
        read(Queue.blank(), bytes.fromhex("01 ffff"))


class Hooked(VMState, name="hooked", version=3, minimum_version=1):
    """Refuses wherever it is told to."""

    where: str = local("")
    why: tuple[str, ...] = local(("no such thing",))
    value: U8

    def _refuse(self, where: str) -> None:
        if self.where == where:
            raise ValueError(*self.why)

    def pre_load(self) -> None:
        self._refuse("pre load")

    def post_load(self, version: int) -> None:  # noqa: ARG002
        self._refuse("post load")

    def pre_save(self) -> None:
        self._refuse("pre save")


class Around(VMState, name="around", version=1):
    inside: Hooked


class Further(VMState, name="further", version=1):
    around: Around


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("pre load", "pre load hook failed for: 'hooked', version_id: 3, minimum version_id: 1"),
        ("post load", "post load hook failed for: hooked, version_id: 3, minimum_version: 1"),
    ],
)
def test_a_loading_hook_is_named_in_qemus_words(where: str, words: str) -> None:
    """They name the version of the declaration, not the one that is loaded."""
    for why, end in ((("no such thing",), ": no such thing"), ((), ", ret: -22")):
        with pytest.raises(BadSection) as caught:
            read(Hooked.blank(where=where, why=why), b"\0", version=2)
        assert caught.value.message == words + end


def test_a_saving_hook_is_named_in_qemus_words() -> None:
    subject = Hooked.blank(where="pre save")
    with pytest.raises(ValueError, match=r"^pre-save for hooked failed: no such thing$"):
        written(subject)
    nested = Further(around=Around(inside=Hooked.blank(where="pre save", why=())))
    with pytest.raises(ValueError, match="Save of field") as caught:
        written(nested)
    assert str(caught.value) == (
        "Save of field further/around failed: Save of field around/inside failed: "
        "pre-save failed: hooked"
    )


# --- elements of lists and trees -----------------------------------------------------------------


class Grown(VMState, name="grown", version=2, minimum_version=1):
    old: U8
    new: U8 = since(2, default=9)


class GrownKey(VMState, name="grown/key", version=2, minimum_version=1):
    low: U8
    high: U8 = since(2, default=9)


class Listed(VMState, name="listed", version=1):
    tail: list[Grown] = qtailq(since=1)
    single: list[Grown] = qlist(since=1)
    tree: dict[int, Grown] = gtree(since=1)
    keyed: list[tuple[GrownKey, Grown]] = gtree(since=1)


class Temporary(VMState, name="temporary", version=2):
    parent: Any = local()
    old: U8
    new: U8 = since(2, default=9)

    def post_load(self, version: int) -> None:
        self.parent.got = version, self.old, self.new


class WithTemporary(VMState, name="with temporary", version=1):
    got: Any = local()
    one: Temporary = tmp()


def test_elements_are_loaded_at_the_version_of_their_field() -> None:
    """And saved at their own, which QEMU then cannot load: load_qtailq, load_qlist, load_gtree, load_tmp."""
    loaded = read(
        Listed.blank(),
        bytes.fromhex(
            "01 05 00  01 06 00  00000001 01 0000000000000003 07 00 00000001 01 01 02 00"
        ),
    )
    assert loaded == Listed(
        tail=[Grown(old=5)],
        single=[Grown(old=6)],
        tree={3: Grown(old=7)},
        keyed=[(GrownKey(low=1), Grown(old=2))],
    )
    assert written(Listed.blank(tail=[Grown(old=5)]))[0].startswith(bytes.fromhex("01 05 09 00"))
    subject = read(WithTemporary.blank(), b"\5")
    assert subject.got == (0, 5, 9)
    assert written(WithTemporary.blank())[0] == b"\0\x09"


def test_a_version_of_the_field_that_its_elements_do_not_have() -> None:
    class TooNew(VMState, name="too new", version=3):
        tail: list[Grown] = qtailq(since=3)

    class TooOld(VMState, name="too old", version=1):
        one: Hooked = tmp()

    with pytest.raises(BadSection, match="grown too new"):
        read(TooNew.blank(), b"\0")
    with pytest.raises(BadSection, match="hooked: incoming version_id 0 is too old"):
        read(TooOld.blank(), b"\0")


class Descending(VMState, name="descending", version=1):
    tree: dict[int, Pair] = gtree(order=lambda key: -key)


class Signed(VMState, name="signed", version=1):
    at: I8


class BySigned(VMState, name="by signed", version=1):
    tree: list[tuple[Signed, Pair]] = gtree()


def test_a_tree_is_written_in_the_order_of_its_keys() -> None:
    def keys(raw: bytes, size: int) -> list[int]:
        return [raw[at + size] for at in range(4, len(raw) - 1, 1 + size + 3)]

    def pair(number: int) -> Pair:
        return Pair.blank(first=number)

    shuffled = [3, 1, 2, 255, 0]
    numbers = {key: pair(key) for key in shuffled}
    raw, text = written(Everything.blank(tree=numbers))
    assert written(Everything.blank(tree=dict(sorted(numbers.items())))) == (raw, text)
    assert Everything.blank(tree=numbers).tree == numbers
    assert keys(written(Descending(tree=numbers))[0], 8) == [255, 3, 2, 1, 0]
    signed = [(Signed(at=at), pair(0)) for at in (1, -1, 0)]
    assert keys(written(BySigned(tree=signed))[0], 1) == [0xFF, 0, 1]
    assert BySigned(tree=signed) == BySigned(tree=signed[::-1])
    with pytest.raises(ValueError, match="by signed/tree: keys of a tree that have no order"):
        written(BySigned(tree=[*signed, (Signed.blank(at="x"), pair(0))]))


def test_a_cut_names_the_field() -> None:
    with pytest.raises(Truncated) as caught:
        read(Queue.blank(), bytes.fromhex("02 0001 00"))
    assert caught.value.message == "Failed to load queue:elements: wanted 4 bytes, 3 left"
    assert caught.value.path == ["elements"]
    with pytest.raises(Truncated) as caught:
        read(_empty(), written(_empty())[0][:-30])
    assert caught.value.message == "Failed to load halves:low: wanted 2 bytes, 1 left"
    assert caught.value.path == ["tmp", "low"]


class Nothing(VMState, name="nothing"):
    pass


class Many(VMState, name="many"):
    count: U32
    elements: list[Nothing] = array("count")


def test_a_count_of_billions_is_no_memory() -> None:
    with pytest.raises(ParseError, match="without bytes"):
        read(Many.blank(), b"\xff" * 4)


# --- wrong calls -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        (Serial.blank(rbr=256), "serial/rbr: uint8"),
        (Serial.blank(rbr="x"), "serial/rbr: uint8"),
        (Everything.blank(raw=b"12345"), "everything/raw: 5 bytes, where 4 are written"),
        (Everything.blank(words=[1]), "everything/words: 1 elements, where 3 are written"),
        (Everything.blank(words=[1, 2, 1 << 16]), "everything/words: uint16"),
        (Everything.blank(one=Pair.blank(first=-1)), "everything/one: pair/first: uint8"),
        (Everything.blank(bits=1 << 70), "everything/bits: bitmap"),
    ],
)
def test_values_that_do_not_fit(subject: VMState, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        written(subject)


def test_wrong_declarations() -> None:
    with pytest.raises(TypeError, match="says nothing of the wire"):

        class _Plain(VMState):
            value: int

    with pytest.raises(TypeError, match="how many bytes"):

        class _Sizeless(VMState):
            value: Buffer

    with pytest.raises(TypeError, match="annotated as list"):

        class _NoList(VMState):
            value: U8 = array(3)

    with pytest.raises(TypeError, match="array"):

        class _NoCount(VMState):
            value: list[U8]

    with pytest.raises(TypeError, match="has no field 'nonesuch'"):
        Serial.blank(nonesuch=1)


@pytest.mark.parametrize(
    ("kind", "default"),
    [
        (d.U8, "x"),
        (d.U8, 256),
        (d.U8, d.field(default=-1)),
        (d.U16, d.since(2, default=1.5)),
        (d.Buffer, d.buffer(2, default=b"abc")),
        (list[d.U8], d.array(2, default=256)),
        (d.Bitmap, d.bitmap(3, default=8)),
    ],
)
def test_a_default_that_the_field_cannot_hold_is_told_when_the_class_is_made(
    kind: Any, default: Any
) -> None:
    with pytest.raises(TypeError, match=r"Wrong\.value: the default .* is not a "):
        make("Wrong", {"value": kind}, value=default)


def make(name: str, annotations: dict[str, Any], **values: Any) -> type[VMState]:
    """A class of these annotations, in a module where no name stands in the way."""
    body = {"__annotations__": annotations, "__module__": __name__, **values}
    return type(name, (VMState,), body)


def test_defaults_are_those_of_a_new_object() -> None:
    made = make(
        "Fine",
        {"a": d.U8, "b": list[d.U8], "c": d.Buffer},
        a=3,
        b=d.array(2, default=7),
        c=d.buffer(2, default=b"ab"),
    )
    assert repr(made.blank()) == "Fine(a=3, b=[7, 7], c=b'ab')"
    assert repr(made.blank(a=4)) == "Fine(a=4, b=[7, 7], c=b'ab')"
    assert made.blank().b is not made.blank().b  # type: ignore[attr-defined]


@pytest.mark.parametrize("value", [3, b"", None, d.field(default=3), d.array("count")])
def test_a_field_without_annotation_is_told_when_the_class_is_made(value: Any) -> None:
    with pytest.raises(TypeError, match=r"Wrong\.value has no annotation"):
        make("Wrong", {"count": d.U8}, value=value)


def test_what_is_not_a_field_needs_no_annotation() -> None:
    class _Fine(VMState):
        value: U8
        shared: ClassVar[int] = 3
        SIZE = 64
        _own = 3

        class Inner:
            pass

        @property
        def twice(self) -> int:
            return 2 * self.value

        @staticmethod
        def other() -> None:
            pass

    assert [each.name for each in _Fine.vmstate.fields] == ["value"]


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        (list[d.U8], d.array("cuont")),
        (d.Buffer, d.buffer("cuont")),
        (d.Bitmap, d.bitmap("cuont")),
        (list[d.Buffer], d.array(2, size="cuont")),
    ],
)
def test_a_count_that_names_nothing_is_told_when_the_class_is_made(kind: Any, spec: Any) -> None:
    with pytest.raises(
        TypeError, match=r"Wrong\.value: 'cuont' is not a field.*did you mean count\?"
    ):
        make("Wrong", {"count": d.U8, "value": kind}, value=spec)
    for known in ({"cuont": d.U8}, {"cuont": ClassVar[int]}):
        make("Right", {**known, "value": kind}, value=spec)
    make("Right", {"value": kind}, value=spec, cuont=property(lambda _: 2))
    make("Right", {"cuont": int, "value": kind}, value=spec, cuont=d.local(2))


def test_inheritance_appends_fields() -> None:
    class Longer(Serial, name="longer", version=3):
        more: U8

    assert [each.name for each in Longer.vmstate.fields] == [
        "divider",
        "rbr",
        "fcr_vmstate",
        "more",
    ]
    assert written(Longer.blank(more=1))[0].hex() == "0000000701"


def test_public_names_are_loaded_when_they_are_used() -> None:
    import migstream.vmstate

    assert all(getattr(migstream.vmstate, name) for name in migstream.vmstate.__all__)
    assert migstream.vmstate.VMState is VMState
    assert {*d.__all__} <= {*migstream.vmstate.__all__}
    code = "import sys, migstream.vmstate; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "migstream.vmstate" in said.stdout.split()
    assert "migstream.vmstate.declared.classes" not in said.stdout.split()


def test_a_description_for_objects_of_any_class() -> None:
    """The classes are one way to make a VMStateDescription."""

    class Counter:
        __slots__ = ("value",)

        def __init__(self) -> None:
            self.value = 5

    from migstream.vmstate.declared.codecs import scalar

    description = VMStateDescription(
        name="counter",
        version_id=1,
        fields=(Field(name="value", attribute="value", codec=scalar("uint32")),),
    )
    counter = Counter()
    out = Out(release("7.2"))
    description.save(out, counter)
    assert out.data.hex() == "00000005"
    restore = snapshot(description, counter)
    description.load(Cursor(b"\0\0\0\x09"), counter)
    assert counter.value == 9
    restore()
    assert counter.value == 5
