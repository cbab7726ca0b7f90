"""A kernel's log in memory that is made here: both of its forms, and what no kernel writes."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migstream.errors import NoSuchAddress
from migstream.machine import kernellog, vmcoreinfo
from migstream.machine.kernellog import _buffer, _Kernel, _ring
from migstream.machine.vmcoreinfo import KernelInfo

POINTER, RING, DESCS, INFOS, TEXT = 8, 0x100, 0x400, 0x800, 0x1000
COUNT_BITS, SIZE_BITS = 3, 7
NOTE = """OSRELEASE=6.1.0
SYMBOL(prb)=8
OFFSET(printk_ringbuffer.desc_ring)=0
OFFSET(printk_ringbuffer.text_data_ring)=48
OFFSET(prb_desc_ring.count_bits)=0
OFFSET(prb_desc_ring.descs)=8
OFFSET(prb_desc_ring.infos)=16
OFFSET(prb_desc_ring.head_id)=24
OFFSET(prb_desc_ring.tail_id)=32
SIZE(prb_desc)=24
OFFSET(prb_desc.state_var)=0
OFFSET(prb_desc.text_blk_lpos)=8
OFFSET(prb_data_blk_lpos.begin)=0
OFFSET(prb_data_blk_lpos.next)=8
SIZE(printk_info)=32
OFFSET(printk_info.ts_nsec)=8
OFFSET(printk_info.text_len)=16
OFFSET(prb_data_ring.size_bits)=0
OFFSET(prb_data_ring.data)=8
SIZE(atomic_long_t)=8
NUMBER(phys_base)=0
KERNELOFFSET=0
SYMBOL(broken)=zz
"""
OLD = """OSRELEASE=4.19.0
SYMBOL(log_buf)=8
SYMBOL(log_buf_len)=10
SYMBOL(log_first_idx)=14
SYMBOL(log_next_idx)=18
SIZE(printk_log)=16
OFFSET(printk_log.ts_nsec)=0
OFFSET(printk_log.len)=8
OFFSET(printk_log.text_len)=10
"""
SECOND = 10**9


class Memory:
    """Bytes from address 0 on."""

    def __init__(self, note: str, mark: str = "<") -> None:
        self.raw = bytearray(0x2000)
        self.mark = mark
        self.info: KernelInfo = vmcoreinfo._info(note)

    def put(self, at: int, form: str, *values: int) -> None:
        struct.pack_into(self.mark + form, self.raw, at, *values)

    def read(self, address: int, size: int) -> bytes:
        if address + size > len(self.raw):
            raise NoSuchAddress(f"{address:#x}")
        return bytes(self.raw[address : address + size])

    def kernel(self) -> _Kernel:
        return _Kernel(self.info, self.read, self.mark)


def ring(texts: list[bytes], mark: str = "<", state: int = 2) -> Memory:
    """As printk_ringbuffer has it: records that are no more overwritten by later ones."""
    memory = Memory(NOTE, mark)
    count, size = 1 << COUNT_BITS, 1 << SIZE_BITS
    memory.put(POINTER, "Q", RING)
    memory.put(
        RING, "IxxxxQQQQ", COUNT_BITS, DESCS, INFOS, len(texts) - 1, max(len(texts) - count, 0)
    )
    memory.put(RING + 48, "IxxxxQ", SIZE_BITS, TEXT)
    lpos = 0
    for number, text in enumerate(texts):
        need = 8 + -(-len(text) // 8) * 8
        begin = lpos
        at = begin % size
        if (begin + need - 1) // size != begin // size:  # at the beginning, whole
            at, lpos = 0, (begin // size + 1) * size
        lpos += need
        index = number % count
        memory.put(DESCS + 24 * index, "QQQ", state << 62 | number, begin, lpos)
        memory.put(INFOS + 32 * index, "QQH", number, number * SECOND + 1000, len(text))
        memory.put(TEXT + at, "Q", number)
        memory.raw[TEXT + at + 8 : TEXT + at + 8 + len(text)] = text
    return memory


def buffer(texts: list[bytes]) -> Memory:
    """As log_buf has it, of 128 bytes, once around."""
    memory = Memory(OLD)
    memory.put(8, "Q", TEXT)
    memory.put(16, "III", 128, 0, 0)
    at = 0
    for number, text in enumerate(texts):
        need = 16 + len(text)
        if at + need + 16 > 128:
            memory.put(TEXT + at, "QHH", 0, 0, 0)
            at = 0
        memory.put(TEXT + at, "QHH", number * SECOND, need, len(text))
        memory.raw[TEXT + at + 16 : TEXT + at + need] = text
        at += need
        memory.put(24, "I", at)
    return memory


@pytest.mark.parametrize("mark", ["<", ">"])
@pytest.mark.parametrize("state", [1, 2])
def test_a_ring_says_its_lines_in_their_order(mark: str, state: int) -> None:
    texts = [b"first", b"two\nlines", b"third"]
    assert _ring(ring(texts, mark, state).kernel()) == [
        "[    0.000001] first", "[    1.000001] two", "[    1.000001] lines", "[    2.000001] third",
    ]  # fmt: skip


def test_a_ring_that_has_gone_around() -> None:
    texts = [b"%d " % n + b"x" * 11 for n in range(13)]
    found = _ring(ring(texts).kernel())
    assert found == [f"[{n:5d}.000001] {texts[n].decode()}" for n in range(8, 13)]


@pytest.mark.parametrize("state", [0, 3])
def test_records_that_are_not_whole_are_left_out(state: int) -> None:
    assert _ring(ring([b"x"], state=state).kernel()) == []


def test_the_older_buffer() -> None:
    memory = buffer([b"one", b"two"])
    assert _buffer(memory.kernel()) == ["[    0.000000] one", "[    1.000000] two"]
    memory = buffer([b"a" * 40, b"b" * 30, b"c" * 20])  # the third is at the beginning
    memory.put(20, "I", 56)
    assert _buffer(memory.kernel()) == [f"[    1.000000] {'b' * 30}", f"[    2.000000] {'c' * 20}"]


def test_one_kind_is_not_the_other() -> None:
    with pytest.raises(KeyError):
        _buffer(ring([b"x"]).kernel())
    with pytest.raises(KeyError):
        _ring(buffer([b"x"]).kernel())


@pytest.mark.parametrize("bits", [25, 64, 0xFFFFFFFF])
def test_a_size_that_lies_reads_nothing(bits: int) -> None:
    for at in (RING, RING + 48):
        memory = ring([b"x"])
        memory.put(at, "I", bits)
        with pytest.raises(NoSuchAddress):
            _ring(memory.kernel())


MADE: list[tuple[Callable[[], Memory], Callable[[_Kernel], list[str]]]] = [
    (lambda: ring([b"%d" % n * 9 for n in range(9)]), _ring),
    (lambda: buffer([b"%d" % n * 9 for n in range(3)]), _buffer),
]


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(MADE),
    st.lists(st.tuples(st.integers(0, 0x1100), st.binary(min_size=1, max_size=8)), max_size=20),
    st.dictionaries(st.sampled_from(NOTE.split("\n") + OLD.split("\n")), st.integers(-9, 1 << 65)),
)
def test_of_any_bytes(made: Any, writes: list[tuple[int, bytes]], said: dict[str, int]) -> None:
    memory, find = made[0](), made[1]
    for at, raw in writes:
        memory.raw[at : at + len(raw)] = raw
    note = NOTE if find is _ring else OLD
    for line, value in said.items():
        note = note.replace(line, f"{line.partition('=')[0]}={value}") if line else note
    memory.info = vmcoreinfo._info(note)
    try:
        lines = find(memory.kernel())
    except (NoSuchAddress, KeyError, struct.error):
        return
    assert len("".join(lines)) < 1 << 16


def test_lines_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernellog, "MOST", 3)
    assert len(_ring(ring([b"\n\n\n", b"x", b"y"]).kernel())) == 4
