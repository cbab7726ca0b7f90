"""Virtqueues as a driver and a device leave them, in any order, and as nobody leaves them."""

from __future__ import annotations

import struct
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migstream.errors import NoSuchPath, Unsupported
from migstream.machine.physical import PhysicalMemory, Range
from migstream.machine.virtqueue import LARGEST, Queue, descriptors, queue, queues
from migstream.vmstate.values import Value
from support.meaning import device
from support.virtio import pci, subsection

MEMORY = 1 << 20
DESC, DRIVER, DEVICE, BUFFERS = 0x1000, 0x8000, 0xC000, 0x20000


class Memory:
    """One block of RAM."""

    def __init__(self) -> None:
        self.data = bytearray(MEMORY)

    def read(self, block: str, start: int, stop: int) -> bytes:
        assert block == "pc.ram"
        return bytes(self.data[start:stop])

    def physical(self) -> PhysicalMemory:
        return PhysicalMemory([Range(0, MEMORY, "pc.ram", 0, "")], self)


def state(
    size: int, taken: int, *, packed: tuple[int, int, int, int, int] | None = None, desc: int = DESC
) -> Value:
    """A device with one queue, as its state has it."""
    features = 1 << 32 | (1 << 34 if packed else 0)
    raw = struct.pack(">I", 2)[::-1] + pci(vectors=2) + bytes(16) + bytes(32) + b"\0" + b"\xff\xff"
    raw += struct.pack(">BBHII", 15, 0, 0, 0, 0)
    raw += struct.pack(">I", 1) + struct.pack(">IQHH", size, desc, taken & 0xFFFF, 1)
    raw += subsection(b"virtio/64bit_features", struct.pack(">Q", features))
    raw += subsection(b"virtio/virtqueues", struct.pack(">QQ", DRIVER, DEVICE) + bytes(16 * 1023))
    if packed:
        raw += subsection(
            b"virtio/packed_virtqueues", struct.pack(">H?H?I", *packed) + bytes(10 * 1023)
        )
    return device(
        "virtio", raw, vmsd="virtio-blk", field="virtio", section="0000:00:03.0/virtio-blk"
    )


class Driver:
    """A split ring, its driver and its device (VIRTIO 2.7)."""

    def __init__(self, size: int, start: int) -> None:
        self.memory = Memory()
        self.size = size
        self.free = list(range(size))
        self.available = self.taken = self.used = start
        self.in_order = True  # whether chains were given back in the order in which they were taken
        self.waiting: list[int] = []
        self.running: list[int] = []
        self.chains: dict[int, list[int]] = {}

    def put(self, address: int, form: str, *values: int) -> None:
        struct.pack_into(form, self.memory.data, address, *values)

    def offer(self, length: int) -> None:
        if length > len(self.free):
            return
        found = [self.free.pop() for _ in range(length)]
        for n, index in enumerate(found):
            after = found[n + 1] if n + 1 < length else 0
            flags = (1 if n + 1 < length else 0) | (2 if n else 0)
            self.put(DESC + 16 * index, "<QIHH", BUFFERS + 64 * index, 64, flags, after)
        self.chains[found[0]] = found
        self.put(DRIVER + 4 + 2 * (self.available % self.size), "<H", found[0])
        self.available += 1
        self.put(DRIVER + 2, "<H", self.available & 0xFFFF)
        self.waiting.append(found[0])

    def take(self) -> None:
        if self.waiting:
            self.running.append(self.waiting.pop(0))
            self.taken += 1

    def give(self, which: int) -> None:
        if not self.running:
            return
        which %= len(self.running)
        self.in_order = self.in_order and not which
        head = self.running.pop(which)
        self.put(DEVICE + 4 + 8 * (self.used % self.size), "<II", head, 0)
        self.used += 1
        self.put(DEVICE + 2, "<H", self.used & 0xFFFF)
        self.free = self.chains.pop(head) + self.free


STEPS = st.lists(
    st.tuples(st.sampled_from(["offer", "offer", "take", "take", "give"]), st.integers(1, 4)), max_size=150
)  # fmt: skip


IN_ORDER = STEPS.map(lambda steps: [(step, 0 if step == "give" else n) for step, n in steps])


@settings(max_examples=150)
@given(st.sampled_from([1, 2, 8, 16]), st.one_of(STEPS, IN_ORDER))
def test_what_waits_and_what_is_in_flight(size: int, steps: list[tuple[str, int]]) -> None:
    ring = Driver(size, 0)
    for step, number in steps:
        if step == "offer":
            ring.offer(number)
        elif step == "take":
            ring.take()
        else:
            ring.give(number)
    ring.put(DRIVER + 2, "<H", ring.available & 0xFFFF)
    found = queue(ring.memory.physical(), state(size, ring.taken), 0)
    assert (found.form, found.ready, found.damage) == ("split", True, "")
    assert (found.waiting, found.in_flight) == (len(ring.waiting), len(ring.running))
    by_state: dict[str, list[int]] = {"waiting": [], "in flight": []}
    for chain in found.chains:
        assert chain.damage == ""
        assert [one.index for one in chain.descriptors] == ring.chains[chain.head]
        assert [one.writes for one in chain.descriptors] == [
            n > 0 for n in range(len(chain.descriptors))
        ]
        by_state[chain.state].append(chain.head)
    assert by_state["waiting"] == ring.waiting
    if ring.in_order or ring.available <= size:
        assert sorted(by_state["in flight"]) == sorted(ring.running)
    else:  # what is in flight for long is overwritten in the ring: it tells of no more than there is
        assert len(by_state["in flight"]) <= len(ring.running)
    places = [one.index for chain in found.chains for one in chain.descriptors]
    assert len(set(places)) == len(places)
    assert len(list(descriptors(ring.memory.physical(), found))) == size


@given(st.integers(1, 8), st.lists(st.integers(1, 3), max_size=40), st.data())
def test_a_packed_ring_in_order(size: int, offers: list[int], data: st.DataObject) -> None:
    """VIRTIO 2.8: descriptors follow each other, and what is theirs is said by the wrap counters."""
    memory, at, wrap = Memory(), 0, True
    taken = used = 0
    taken_wrap = used_wrap = True
    chains: list[tuple[int, list[int]]] = []  # offered and not given back
    popped = 0
    for length in offers:
        while (
            sum(len(c) for _, c in chains) + length > size and chains
        ):  # the device gives one back
            if popped == 0:
                popped = 1
                n = len(chains[0][1])
                taken, taken_wrap = (taken + n) % size, taken_wrap ^ (taken + n >= size)
            _, gone = chains.pop(0)
            popped -= 1
            flags = 0x8080 if used_wrap else 0
            struct.pack_into("<QIHH", memory.data, DESC + 16 * used, 0, 0, 0, flags)
            used, used_wrap = (used + len(gone)) % size, used_wrap ^ (used + len(gone) >= size)
        if length > size:
            continue
        places = []
        for n in range(length):
            flags = (1 if n + 1 < length else 0) | (0x80 if wrap else 0x8000)
            struct.pack_into("<QIHH", memory.data, DESC + 16 * at, BUFFERS, 16, len(chains), flags)
            places.append(at)
            at += 1
            if at == size:
                at, wrap = 0, not wrap
        chains.append((places[0], places))
    for _ in range(data.draw(st.integers(0, len(chains) - popped))):
        n = len(chains[popped][1])
        taken, taken_wrap = (taken + n) % size, taken_wrap ^ (taken + n >= size)
        popped += 1
    inuse = sum(len(places) for _, places in chains[:popped])
    value = state(size, taken, packed=(taken, taken_wrap, used, used_wrap, inuse))
    found = queue(memory.physical(), value, 0)
    assert (found.form, found.damage) == ("packed", "")
    waiting = [c for c in found.chains if c.state == "waiting"]
    running = [c for c in found.chains if c.state == "in flight"]
    assert [[d.index for d in c.descriptors] for c in waiting] == [c for _, c in chains[popped:]]
    assert [[d.index for d in c.descriptors] for c in running] == [c for _, c in chains[:popped]]
    assert (found.waiting, found.in_flight) == (len(waiting), popped)


def legacy(order: str | None = None) -> tuple[Memory, Value]:
    """A device of before VIRTIO 1 with one chain that waits; `order` is what its state says of itself."""
    size, page = 4, 4096
    raw = struct.pack(">I", 2)[::-1] + pci(vectors=2) + bytes(16) + bytes(32) + b"\0" + b"\xff\xff"
    raw += struct.pack(">BBHII", 15, 0, 0, 0, 0)
    raw += struct.pack(">I", 1) + struct.pack(">IQHH", size, DESC, 0, 1)
    if order is not None:
        raw += subsection(b"virtio/device_endian", bytes((2 if order == ">" else 1,)))
    memory, mark = Memory(), order or ">"
    struct.pack_into(f"{mark}QIHH", memory.data, DESC, BUFFERS, 16, 0, 0)
    struct.pack_into(f"{mark}HHH", memory.data, DESC + 16 * size, 0, 1, 0)
    assert DESC + 16 * size + 2 * (3 + size) < DESC + page  # the device's part is all zeros
    value = device(
        "virtio", raw, vmsd="virtio-blk", field="virtio", section="0000:00:03.0/virtio-blk"
    )
    return memory, value


@pytest.mark.parametrize(("order", "architecture"), [
    (None, "s390x"), (None, "ppc64"), (">", "aarch64"), ("<", "ppc64"), ("<", "x86_64"),
])  # fmt: skip
def test_a_legacy_device_says_only_what_is_not_its_target_s_own_order(
    order: str | None, architecture: str
) -> None:
    memory, value = legacy(order)
    [one] = queues(memory.physical(), value, architecture=architecture)
    assert one.big_endian == (order != "<")
    assert (one.waiting, [c.descriptors[0].address for c in one.chains]) == (1, [BUFFERS])


def test_an_indirect_table_is_followed() -> None:
    ring = Driver(4, 0)
    ring.offer(1)
    head = ring.waiting[0]
    table = 0x40000
    ring.put(DESC + 16 * head, "<QIHH", table, 48, 4, 0)
    for n in range(3):
        ring.put(table + 16 * n, "<QIHH", BUFFERS + n, 8, 1 if n < 2 else 2, n + 1)
    [chain] = queue(ring.memory.physical(), state(4, 0), 0).chains
    assert [(one.level, one.index, one.address) for one in chain.descriptors] == [
        (0, head, table), (1, 0, BUFFERS), (1, 1, BUFFERS + 1), (1, 2, BUFFERS + 2),
    ]  # fmt: skip
    assert chain.descriptors[0].flags == ("INDIRECT",)
    assert chain.descriptors[-1].writes


def asked(memory: Memory, value: Value) -> Queue:
    [found] = queues(memory.physical(), value)
    return found


def test_what_nobody_writes_ends_and_is_told() -> None:
    ring = Driver(4, 0)
    ring.offer(1)
    head = ring.waiting[0]
    ring.put(DESC + 16 * head, "<QIHH", BUFFERS, 64, 1, head)  # its own successor
    [chain] = asked(ring.memory, state(4, 0)).chains
    assert "goes round" in chain.damage
    assert len(chain.descriptors) == 4
    ring.put(DESC + 16 * head, "<QIHH", BUFFERS, 64, 1, 9)
    assert "descriptor 9 of a table of 4" in asked(ring.memory, state(4, 0)).chains[0].damage
    ring.put(DESC + 16 * head, "<QIHH", 1 << 50, 1 << 31, 4, 0)
    assert "indirect table" in asked(ring.memory, state(4, 0)).chains[0].damage
    ring.put(DESC + 16 * head, "<QIHH", 1 << 50, 32, 4, 0)
    assert "no guest memory" in asked(ring.memory, state(4, 0)).chains[0].damage
    assert "do not go together" in asked(ring.memory, state(4, 100)).damage
    assert not asked(ring.memory, state(0, 0)).ready
    assert not asked(ring.memory, state(LARGEST + 1, 0)).ready
    assert not asked(ring.memory, state(4, 0, desc=0)).ready


@settings(max_examples=60)
@given(st.integers(0, 1 << 32), st.sampled_from([1, 8, 1024, LARGEST]), st.booleans())
def test_rubbish_in_memory_is_read_in_bounds(seed: int, size: int, packed: bool) -> None:
    memory = Memory()
    memory.data[:] = Random(seed).randbytes(MEMORY)  # noqa: S311 - no secret
    struct.pack_into("<HH", memory.data, DRIVER, 0, size & 0xFFFF)  # as many wait as there can be
    struct.pack_into("<HH", memory.data, DEVICE, 0, 0)
    wrapped = (0, True, 0, True, min(size, 3)) if packed else None
    found = asked(memory, state(size, 0, packed=wrapped))
    assert sum(len(chain.descriptors) for chain in found.chains) <= 6 * LARGEST


def test_what_has_no_queues() -> None:
    memory = Memory().physical()
    with pytest.raises(Unsupported, match="no virtio device"):
        queues(memory, device("buffer", b"1234"))
    with pytest.raises(NoSuchPath, match="no queue 5"):
        queue(memory, state(4, 0), 5)
