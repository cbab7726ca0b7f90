"""Virtqueues: what a driver and a device have left in guest memory for each other.

Where a queue's rings are stands in the device's state, what is in them in guest memory: a stream has
both. References: Virtual I/O Device (VIRTIO) 1.3, 2.7 and 2.8; QEMU, hw/virtio/virtio.c.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from migstream.errors import MigstreamError, NoSuchPath, Unsupported
from migstream.machine.arch import big_endian
from migstream.names import brief
from migstream.vmstate.meaning.virtio import in_big_endian, virtio_blob
from migstream.vmstate.meaning.virtio_queues import queue_name
from migstream.vmstate.paths import find

if TYPE_CHECKING:
    from migstream.machine.physical import PhysicalMemory
    from migstream.vmstate.values import Value

__all__ = ["Chain", "Descriptor", "Queue", "descriptors", "queue", "queues"]

LARGEST = 32768  # descriptors of a ring (VIRTIO 2.7)
MOST = 4 * LARGEST  # descriptors of all chains of a queue that are looked at
DESCRIPTOR = 16  # bytes
NEXT, WRITE, INDIRECT = 1, 2, 4
AVAIL, USED = 1 << 7, 1 << 15  # of a packed ring's descriptor
NAMES = ((NEXT, "NEXT"), (WRITE, "WRITE"), (INDIRECT, "INDIRECT"), (AVAIL, "AVAIL"), (USED, "USED"))
PAGE = 4096  # a legacy ring's alignment over PCI (VIRTIO 2.7.2)
ACCESS_PLATFORM, PACKED = 33, 34  # bits of the features

State = Literal["waiting", "in flight"]


class Descriptor(msgspec.Struct, frozen=True, kw_only=True):
    """A buffer of the guest's: `length` bytes at guest-physical `address`, which the device reads, or writes.

    `index` is its place in the ring, or in the table that an indirect one leads to (`level` 1). `flags` are the
    specification's names. `id` is a packed ring's.
    """

    index: int
    address: int
    length: int
    flags: tuple[str, ...]
    level: int = 0
    id: int | None = None

    @property
    def writes(self) -> bool:
        """Whether it is for the device to write."""
        return "WRITE" in self.flags


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """Buffers that are one request: "waiting" for the device, or "in flight" in it.

    `damage` says why the chain ends early, empty where it does not.
    """

    head: int
    state: State
    descriptors: tuple[Descriptor, ...]
    damage: str = ""


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """A device's queue as it stands; `name` is what it is for, empty where nobody knows.

    Addresses are guest-physical. `available` and `used` are the indexes that the driver and the device have
    written to memory (of a packed ring: the device's own), `taken` is how far the device has come; all count up and
    wrap. `waiting` and `in_flight` are numbers of chains, None where the rings cannot be read, and `damage` says why.
    """

    device: str
    number: int
    name: str
    size: int
    form: Literal["split", "packed"]
    ready: bool
    desc: int
    driver: int
    device_area: int
    big_endian: bool
    taken: int
    available: int | None = None
    used: int | None = None
    waiting: int | None = None
    in_flight: int | None = None
    chains: tuple[Chain, ...] = ()
    damage: str = ""

    def __repr__(self) -> str:
        return brief(
            "Queue",
            f"{self.device} {self.number}",
            self.name,
            f"{self.waiting} waiting, {self.in_flight} in flight",
        )


def queues(
    memory: PhysicalMemory, device: Value, *, architecture: str | None = None
) -> list[Queue]:
    """All queues of a virtio device, those that its driver has not set up, too.

    Parameters
    ----------
    memory : the guest's
    device : the state of all of the device (`Device.value`)
    architecture : of the guest's CPUs (`migstream.machine.arch`): the order of the bytes in a legacy
        device's queues, where its state does not say it

    Raises
    ------
    Unsupported : it is no virtio device, or its state cannot be read
    """
    state = _State(device, architecture)
    return [_Reader(memory, state, number).read() for number in range(state.count)]


def queue(
    memory: PhysicalMemory, device: Value, number: int, *, architecture: str | None = None
) -> Queue:
    """One of them; raises NoSuchPath where the device has no such queue."""
    state = _State(device, architecture)
    if not 0 <= number < state.count:
        raise NoSuchPath(
            f"{device.path} has no queue {number}", hint=f"it has {state.count}, from 0 on"
        )
    return _Reader(memory, state, number).read()


def descriptors(memory: PhysicalMemory, one: Queue) -> Iterator[Descriptor]:
    """Every entry of a queue's table or packed ring, free ones too; raises NoSuchAddress."""
    mark = ">" if one.big_endian else "<"
    for index in range(one.size):
        raw = memory.read(one.desc + index * DESCRIPTOR, DESCRIPTOR)
        yield _descriptor(raw, index, mark, packed=one.form == "packed")[0]


def _descriptor(
    raw: bytes, index: int, mark: str, *, packed: bool, level: int = 0
) -> tuple[Descriptor, int]:
    """A descriptor, and the number behind its flags: the next one, or the flags of a packed ring."""
    if packed:
        address, length, number, flags = struct.unpack(f"{mark}QIHH", raw)
        after = flags
    else:
        address, length, flags, after = struct.unpack(f"{mark}QIHH", raw)
        number = None
    names = tuple(name for bit, name in NAMES if flags & bit)
    return Descriptor(
        index=index, address=address, length=length, flags=names, level=level, id=number
    ), after


def _places(chain: Chain) -> Iterator[int]:
    """Which descriptors of the queue's own table are in a chain."""
    return (one.index for one in chain.descriptors if not one.level)


class _State:
    """What the device's state says of its queues."""

    def __init__(self, device: Value, architecture: str | None) -> None:
        blob = virtio_blob(device)
        fields = {one.name: one for one in blob.children} if blob is not None else {}
        if blob is None or "queues" not in fields:
            raise Unsupported(
                f"{device.path} is no virtio device whose state can be read",
                hint="`migstream tree STREAM` lists the devices; virtio is in the names of these",
            )
        self.path = device.path
        self._blob = blob
        every = fields["queues"]
        self._queues = [every] if every.count is None else list(every.children)
        self.count = len(self._queues)
        wide = self.number("virtio/64bit_features/guest_features")
        features = int(fields["guest_features"]) if wide is None else wide
        order = self.number("virtio/device_endian/device_endian")
        self.big = in_big_endian(features, order, target=big_endian(architecture))
        self.packed = bool(features >> PACKED & 1)
        self._kind, self._features = device.device.vmsd, features

    def number(self, path: str) -> int | None:
        found = next(find(self._blob, path), None)
        return None if found is None else int(found)

    def name(self, number: int) -> str:
        return queue_name(self._kind, number, self.count, self._features)

    def of(self, number: int, name: str) -> int:
        return int(self._queues[number][name])

    def aligned(self, number: int) -> bool:
        """Whether it says how its legacy rings are aligned: over MMIO."""
        return any(one.name == "align" for one in self._queues[number])


class _Reader:
    """Reads one queue's rings; what cannot be read is told, and what is known is given."""

    def __init__(self, memory: PhysicalMemory, state: _State, number: int) -> None:
        self._memory = memory
        self._left = MOST  # descriptors that may still be looked at
        self._state = state
        self._number = number
        self._mark = ">" if state.big else "<"
        size = state.of(number, "num")
        desc = state.of(number, "desc")
        here = f"virtio/virtqueues/vq[{number}]"
        driver, device = state.number(f"{here}/avail"), state.number(f"{here}/used")
        if driver is None or device is None:  # a legacy ring's parts follow each other
            align = state.of(number, "align") if state.aligned(number) else PAGE
            driver = desc + DESCRIPTOR * size
            device = -(-(driver + 2 * (3 + size)) // max(align, 1)) * max(align, 1)
        self._known = Queue(
            device=state.path,
            number=number,
            name=state.name(number),
            size=size,
            form="packed" if state.packed else "split",
            ready=desc != 0 and 0 < size <= LARGEST,
            desc=desc,
            driver=driver if desc else 0,
            device_area=device if desc else 0,
            big_endian=state.big,
            taken=state.of(number, "last_avail_idx"),
        )

    def read(self) -> Queue:
        if not self._known.ready:
            return self._known
        try:
            return self._packed() if self._state.packed else self._split()
        except MigstreamError as error:
            return msgspec.structs.replace(self._known, damage=str(error))

    def _u16(self, address: int) -> int:
        return int(struct.unpack(f"{self._mark}H", self._memory.read(address, 2))[0])

    # --- split rings: VIRTIO 2.7 ---------------------------------------------------------------------

    def _split(self) -> Queue:
        known = self._known
        size, taken = known.size, known.taken
        available = self._u16(known.driver + 2)
        used = self._u16(known.device_area + 2)
        ring = struct.unpack(f"{self._mark}{size}H", self._memory.read(known.driver + 4, 2 * size))
        done = self._memory.read(known.device_area + 4, 8 * size)
        waiting, running = (available - taken) & 0xFFFF, (taken - used) & 0xFFFF
        if waiting > size or running > size:
            wrong = f"available {available}, taken {taken}, used {used} do not go together in {size} entries"
            return msgspec.structs.replace(known, available=available, used=used, damage=wrong)
        offered = [self._chain(ring[(taken + n) % size], "waiting") for n in range(waiting)]
        chains = (*self._running(ring, done, running, used, offered), *offered)
        return msgspec.structs.replace(
            known, available=available, used=used, waiting=waiting, in_flight=running,
            chains=chains,
        )  # fmt: skip

    def _running(
        self,
        ring: tuple[int, ...],
        done: bytes,
        running: int,
        used: int,
        offered: Sequence[Chain],
    ) -> list[Chain]:
        """Chains that the device has taken and not given back: it may do so in any order.

        What waits has overwritten others in the ring, and a descriptor is in one chain alone: where a device
        goes on long without giving one back, it may be in the ring no more, and is left out.
        """
        size, taken = self._known.size, self._known.taken
        back = max(size - running - len(offered), 0)
        if not any(done[8 * used :]):  # the ring is new: what is behind has never been written
            back = min(back, used)
        given = Counter(
            int(struct.unpack_from(f"{self._mark}I", done, 8 * ((used - 1 - n) % size))[0])
            for n in range(back)
        )
        seen = {one for chain in offered for one in _places(chain)}
        chains: list[Chain] = []
        for n in range(back + running):
            if len(chains) == running:
                break
            head = ring[(taken - 1 - n) % size]
            if given[head]:
                given[head] -= 1
                continue
            chain = self._chain(head, "in flight")
            if seen.isdisjoint(_places(chain)):
                seen.update(_places(chain))
                chains.append(chain)
        return chains[::-1]

    def _chain(self, head: int, state: State) -> Chain:
        """What a head leads to. A chain is as long as the table at most, so a ring of them ends."""
        found: list[Descriptor] = []
        try:
            damage = self._follow(head, self._known.desc, self._known.size, found, 0)
        except MigstreamError as error:
            damage = str(error)
        return Chain(head=head, state=state, descriptors=tuple(found), damage=damage)

    def _follow(
        self, index: int, table: int, size: int, found: list[Descriptor], level: int
    ) -> str:
        """Append the descriptors from `index` on; why they end early, empty where they do not."""
        for _ in range(size):
            if index >= size:
                return f"descriptor {index} of a table of {size}"
            self._left -= 1
            if self._left < 0:
                return "more descriptors than a queue can have"
            raw = self._memory.read(table + index * DESCRIPTOR, DESCRIPTOR)
            one, after = _descriptor(raw, index, self._mark, packed=False, level=level)
            found.append(one)
            if "INDIRECT" in one.flags:
                count = one.length // DESCRIPTOR
                if level or not 0 < count <= LARGEST:
                    return f"an indirect table of {one.length} bytes"
                return self._follow(0, one.address, count, found, 1)
            if "NEXT" not in one.flags:
                return ""
            index = after
        return "the chain is longer than its table: it goes round"

    # --- packed rings: VIRTIO 2.8 --------------------------------------------------------------------

    def _packed(self) -> Queue:
        known, state = self._known, self._state
        here = f"virtio/packed_virtqueues/vq[{self._number}]"
        numbers = [
            state.number(f"{here}/{name}")
            for name in ("last_avail_idx", "last_avail_wrap_counter", "used_idx", "used_wrap_counter", "inuse")
        ]  # fmt: skip
        if None in numbers:
            return msgspec.structs.replace(
                known, damage="the stream does not say how far a packed ring is"
            )
        taken, wrap, used, _, running = (n or 0 for n in numbers)
        size = known.size
        if not (taken < size and used < size and running <= size):
            wrong = f"taken {taken}, used {used}, {running} in flight do not go together in {size} entries"
            return msgspec.structs.replace(known, damage=wrong)
        ring = self._memory.read(known.desc, DESCRIPTOR * size)
        # virtqueue_packed_pop counts descriptors, not chains, in `inuse`
        chains = list(self._in_order(ring, used, running, "in flight"))
        waiting = list(self._offered(ring, taken, wrap))
        return msgspec.structs.replace(
            known, taken=taken, used=used, available=None, waiting=len(waiting),
            in_flight=len(chains), chains=(*chains, *waiting),
        )  # fmt: skip

    def _entry(self, ring: bytes, index: int) -> tuple[Descriptor, int]:
        raw = ring[DESCRIPTOR * index : DESCRIPTOR * (index + 1)]
        return _descriptor(raw, index, self._mark, packed=True)

    def _in_order(self, ring: bytes, index: int, count: int, state: State) -> Iterator[Chain]:
        """Chains in `count` entries from `index` on."""
        found: list[Descriptor] = []
        for n in range(count):
            one, _ = self._entry(ring, (index + n) % self._known.size)
            found.append(one)
            if "NEXT" not in one.flags:
                yield self._whole(found, state)
                found = []
        if found:
            yield self._whole(found, state)

    def _offered(self, ring: bytes, index: int, wrap: int) -> Iterator[Chain]:
        """Chains that the driver has made available: AVAIL as the wrap counter is, USED not."""
        found: list[Descriptor] = []
        for _ in range(self._known.size):
            one, flags = self._entry(ring, index)
            if bool(flags & AVAIL) != bool(wrap) or bool(flags & USED) == bool(wrap):
                break
            found.append(one)
            if "NEXT" not in one.flags:
                yield self._whole(found, "waiting")
                found = []
            index += 1
            if index == self._known.size:
                index, wrap = 0, not wrap
        if found:
            yield self._whole(found, "waiting")

    def _whole(self, found: list[Descriptor], state: State) -> Chain:
        """A chain with what an indirect descriptor leads to: a packed table's entries follow each other."""
        inner: list[Descriptor] = []
        damage = ""
        for one in found:
            inner.append(one)
            if "INDIRECT" not in one.flags:
                continue
            count = one.length // DESCRIPTOR
            self._left -= count
            if not 0 < count <= LARGEST or self._left < 0:
                damage = f"an indirect table of {one.length} bytes"
                continue
            try:
                table = self._memory.read(one.address, DESCRIPTOR * count)
            except MigstreamError as error:
                damage = str(error)
                continue
            for n in range(count):
                raw = table[DESCRIPTOR * n : DESCRIPTOR * (n + 1)]
                inner.append(_descriptor(raw, n, self._mark, packed=True, level=1)[0])
        return Chain(head=found[0].index, state=state, descriptors=tuple(inner), damage=damage)
