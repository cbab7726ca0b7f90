"""Both sides of a change with their bytes: which of them differ, where, and which bits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import msgspec

from migstream.vmstate.layout import Node
from migstream.vmstate.meaning.symbols import names_of_bits
from migstream.vmstate.values import Fetch, Root, Value

__all__ = ["Bit", "Run", "Sides", "Stretch", "differing_ranges", "octets", "page_sides", "sides"]

BITS = 8
WORD = 8  # bytes of a word of a bitmap (migration/vmstate-types.c: put_bitmap)
WIDEST = 8  # bytes of the largest number whose bits are counted


class Stretch(Protocol):
    """Bytes [start, stop) of either side's own: a Run, or a Range of a change."""

    @property
    def start(self) -> int: ...
    @property
    def stop(self) -> int: ...


class Run(NamedTuple):
    """Bytes without one between them that both have alike: [start, stop) of either side's own bytes."""

    start: int
    stop: int


class Bit(NamedTuple):
    """A bit that differs: its number, whether the second side has it, its name where it has one."""

    number: int
    on: bool
    name: str = ""

    def __str__(self) -> str:
        return f"{'+' if self.on else '-'}{self.name or f'bit {self.number}'}"


class Sides(NamedTuple):
    """A value of both streams, or bytes of the same place; what is asked of them outlives the streams.

    Attributes
    ----------
    old, new : with spans in their own streams, those of guest memory in their RAM blocks
    """

    old: Value
    new: Value

    def element(self, index: int) -> Sides:
        """The same of one element of an array."""
        return Sides(self.old.element(index), self.new.element(index))

    @property
    def by_bytes(self) -> bool:
        """Whether they are only bytes, one after another, and not numbers."""
        node = self.old.node
        if node.kind != "leaf":
            return True
        return node.stride <= 1 if node.count is not None else self.old.wire.kind in RAW

    @property
    def stride(self) -> int:
        """Bytes of what a range counts: of an element, or one."""
        return 1 if self.by_bytes else self.old.node.stride

    @property
    def size(self) -> int:
        """How many bytes both have."""
        return min(self.old.span.size, self.new.span.size)

    def runs(self, start: int = 0, stop: int | None = None) -> list[Run]:
        """Where bytes [start, stop) of either side differ."""
        stop = self.size if stop is None else min(stop, self.size)
        found = differing_ranges(self.old.raw[start:stop], self.new.raw[start:stop], 1)
        return [Run(start + first, start + last) for first, last in found]

    def bits(self, run: Stretch | None = None) -> Iterator[Bit]:
        """The bits that differ of a number, of one byte among others, of a bitmap; else none.

        Those of a number and of a byte are counted from the lowest one, those of a bitmap from its first.
        """
        kind = self.old.wire.kind if self.old.kind == "leaf" else "bytes"
        if run is not None and self.by_bytes:
            first = 0
            if kind == "bitmap":
                first = BITS * (run.start - run.start % WORD + WORD - 1 - run.start % WORD)
            if run.stop == run.start + 1:
                yield from _bits(self.old.raw[run.start], self.new.raw[run.start], first)
        elif self.old.count is None and self.size <= WIDEST and kind in NUMBERS:
            order = "little" if self.old.wire.little else "big"
            old, new = (int.from_bytes(side.raw, order) for side in self)  # type: ignore[arg-type]
            called = names_of_bits(self.new)
            for bit in _bits(old, new):
                yield bit if called is None else bit._replace(name=called(bit.number))


RAW = frozenset({"bytes", "bitmap", "group", "text"})
NUMBERS = frozenset({"int", "uint", "timer", "float"})


def _bits(old: int, new: int, first: int = 0) -> Iterator[Bit]:
    both = old ^ new
    for number in range(both.bit_length()):
        if both >> number & 1:
            yield Bit(first + number, bool(new >> number & 1))


def differing_ranges(a: memoryview, b: memoryview, stride: int) -> list[tuple[int, int]]:
    """Elements [start, stop) of `stride` bytes that differ in two buffers of one length."""
    import numpy as np

    if not stride or not len(a):
        return []
    one = np.frombuffer(a, np.uint8).reshape(-1, stride)
    two = np.frombuffer(b, np.uint8).reshape(-1, stride)
    where = np.flatnonzero((one != two).any(axis=1))
    if not where.size:
        return []
    cuts = np.flatnonzero(np.diff(where) > 1) + 1
    starts = where[np.concatenate(([0], cuts))]
    stops = where[np.concatenate((cuts - 1, [where.size - 1]))] + 1
    return list(zip(starts.tolist(), stops.tolist(), strict=True))


def sides(a: Value, b: Value) -> Sides:
    """Two values as they are now: their bytes are copied."""
    return Sides(_kept(a), _kept(b))


def octets(value: Value, size: int | None = None) -> Value:
    """The first `size` bytes of a value, or all, as nothing but bytes."""
    size = value.span.size if size is None else size
    node = Node(name=value.name, type="buffer", kind="leaf", offset=0, size=size, stride=size)
    return Value(node, value.span.start, value.path, value.device, value.above)


def page_sides(path: str, at: int, old: bytes, new: bytes) -> Sides:
    """Guest memory of both from `at` of a RAM block on."""
    node = Node(name=path, type="buffer", kind="leaf", offset=0, size=len(old), stride=len(old))
    return Sides(*(Value(node, at, path, Root(_from(raw, at), path, "", "", None, None, False))
                   for raw in (old, new)))  # fmt: skip


def _kept(value: Value) -> Value:
    """The value with bytes of its own; nothing of the stream is held."""
    fetch = _from(bytes(value.raw), value.span.start)
    return _standing(value, msgspec.structs.replace(value.device, fetch=fetch))


def _standing(value: Value, device: Root) -> Value:
    """The value, and those that it stands in, in another device: their types say what a number means."""
    above = None if value.above is None else _standing(value.above, device)
    return Value(value.node, value.span.start, value.path, device, above)


def _from(raw: bytes, start: int) -> Fetch:
    """Reads the bytes of a stream of which only `raw`, which begin at `start`, are kept."""
    view = memoryview(raw)

    def fetch(low: int, high: int) -> memoryview:
        return view[low - start : high - start]

    return fetch
