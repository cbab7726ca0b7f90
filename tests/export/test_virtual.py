"""Segments of a core by virtual address: what tables map, once, and within reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migstream.errors import Unsupported
from migstream.export import virtual
from migstream.export.elf import elf_head
from migstream.export.virtual import Segment, segments
from migstream.machine.physical import PhysicalMemory, Range
from support.pagetables import Cpu, Tree

ROOT, PAGE = 0x1000, 4096
LONG = [(39, 9), (30, 9), (21, 9), (12, 9)]
KERNEL = 0xFFFF_8000_0000_0000
LOW, HIGH = Range(0, 1 << 20, "ram", 0, ""), Range(2 << 20, 1 << 20, "ram", 1 << 20, "")


class Bytes:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, block: str, start: int, stop: int) -> bytes:  # noqa: ARG002
        return self.data[start:stop]


def memory(tables: bytes | bytearray) -> PhysicalMemory:
    data = bytearray(2 << 20)
    data[ROOT : ROOT + len(tables)] = tables
    return PhysicalMemory([LOW, HIGH], Bytes(bytes(data)))


def cpu(root: int = ROOT) -> Cpu:
    return Cpu("x86_64", {"cr0": 1 << 31, "cr3": root, "cr4": 0x20, "efer": 0xD00})


def test_what_is_mapped() -> None:
    tree = Tree(ROOT, LONG, 7)
    for at, flags in ((0, 7), (PAGE, 1)):  # one behind the other, with other rights
        tree.put(0x40_0000 + at, 12, 0x8_0000 + at | flags)
    tree.put(KERNEL, 12, HIGH.start | 3)
    tree.put(KERNEL + PAGE, 12, 0x8_0000 | 3)  # the first once more
    tree.put(KERNEL + 2 * PAGE, 12, 0xFEE0_0000 | 3)  # a device
    tree.put(KERNEL + (2 << 20), 21, 0x83)  # 2 MiB, of which the second half is nothing
    found = segments([cpu(), cpu()], memory(tree.data), [LOW, HIGH])
    assert found == (
        Segment(0x40_0000, 0, 0x8_0000, 2 * PAGE),
        Segment(KERNEL, 1, 0, PAGE),
        Segment(KERNEL + PAGE, 0, 0x8_0000, PAGE),
        Segment(KERNEL + (2 << 20), 0, 0, 1 << 20),
    )
    plan = elf_head("x86_64", [], [LOW, HIGH], b"", found)
    assert plan.size == len(plan.head) + LOW.size + HIGH.size
    assert plan.offsets == (len(plan.head), len(plan.head) + LOW.size)


def test_without_paging_they_are_the_ranges() -> None:
    off = Cpu("x86_64", {"cr0": 0})
    assert segments([off], memory(b""), [LOW, HIGH]) == (
        Segment(0, 0, 0, LOW.size),
        Segment(HIGH.start, 1, 0, HIGH.size),
    )


def test_too_many_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = Tree(ROOT, LONG, 7)
    for n in range(20):
        tree.put(0x40_0000 + n * PAGE, 12, 0x8_0000 | 7)
    assert len(segments([cpu()], memory(tree.data), [LOW])) == 20
    monkeypatch.setattr(virtual, "MOST_SEGMENTS", 10)
    with pytest.raises(Unsupported, match="10 pieces"):
        segments([cpu()], memory(tree.data), [LOW])


@given(st.binary(max_size=3 * PAGE))
def test_any_tables_map_memory_or_are_refused(tables: bytes) -> None:
    try:
        found = segments([cpu()], memory(tables), [LOW, HIGH])
    except Unsupported:
        return
    for one in found:
        assert 0 <= one.offset < one.offset + one.size <= 1 << 20
