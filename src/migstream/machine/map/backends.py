"""Which blocks are the machine's RAM and in which order they lie: told from sizes and names."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import msgspec

from migstream.machine.state import State
from migstream.ram.model import RamBlock

if TYPE_CHECKING:
    from migstream.machine.map.flat import Area

__all__ = ["Memory", "fill", "machine_memory"]

# Names that people and libvirt give to backends of what is plugged in beside the machine's RAM.
PLUGGED = r"(?i)dimm|hotplug|plug|vmem|virtio|^(?:mem-)?d\d+$"
# Blocks of devices that do not put their path in front.
DEVICES = frozenset({"vga.vram", "vmsvga.fifo", "tpm-ppi", "tpm-crb-cmd"})
# Beyond this many backends their sums are no longer tried.
MANY = 14


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """The machine's RAM as consecutive blocks, and what else could be a DIMM's.

    `why` says how the order is known, and is part of a provenance.
    """

    blocks: tuple[RamBlock, ...]
    others: tuple[RamBlock, ...]
    why: str

    @property
    def size(self) -> int:
        return sum(b.used_length for b in self.blocks)


def machine_memory(
    state: State,
    default: Container[str],
    fixed: Container[str],
    nodes: Callable[[], Sequence[int]],
    total: int | None = None,
) -> Memory:
    """The blocks that machine RAM consists of, in guest-physical order.

    The stream lists blocks by size (softmmu/physmem.c: ram_block_add), so the order is found
    otherwise: `address` of the capability x-ignore-shared is the place inside machine RAM, the
    firmware's tables have the sizes of the nodes, and names have an order.

    Parameters
    ----------
    default : names of the block that a machine without backends has
    fixed : names of the machine's other blocks
    nodes : gives bytes of RAM for each NUMA node, asked where there are several backends
    total : bytes of machine RAM, where they are known
    """
    blocks = state.blocks
    backends = [
        b for b in blocks if b.name not in default and b.name not in fixed and _is_backend(b.name)
    ]
    own = tuple(b for b in blocks if b.name in default)[:1]
    if own:
        return Memory(blocks=own, others=tuple(_natural(backends)), why="one block of RAM")
    candidates = sorted(backends, key=lambda b: (bool(re.search(PLUGGED, b.name)), _key(b.name)))
    chosen, unsure = _summing(candidates, total)
    found = _placed(chosen) or (_for_nodes(candidates, nodes()) if len(backends) > 1 else None)
    if found is None:
        why = "order of backends assumed from their names" if chosen[1:] else "one backend of RAM"
        if unsure:
            why += "; other backends would have the same size in all"
        found = _natural(chosen), why
    ordered, why = found
    names = {b.name for b in ordered}
    return Memory(
        blocks=tuple(ordered),
        others=tuple(_natural(b for b in backends if b.name not in names)),
        why=why,
    )


def _is_backend(name: str) -> bool:
    """A user's name has no slash; up to machines of 4.0 the object's path was the name."""
    return "/" not in name.removeprefix("/objects/") and name not in DEVICES


def _key(name: str) -> list[tuple[bool, int, str]]:
    parts = re.findall(r"\d{1,18}|\D+", name)
    return [(p.isdigit(), int(p) if p.isdigit() else 0, p) for p in parts]


def _natural(blocks: Iterable[RamBlock]) -> list[RamBlock]:
    return sorted(blocks, key=lambda b: _key(b.name))


def _summing(blocks: Sequence[RamBlock], total: int | None) -> tuple[Sequence[RamBlock], bool]:
    """The first choice of blocks that is `total` bytes, and whether there are others.

    Where the total is not known, all but those that are called like something plugged in.
    """
    if total is None:
        return [b for b in blocks if not re.search(PLUGGED, b.name)] or blocks, False
    if sum(b.used_length for b in blocks) == total or len(blocks) > MANY:
        return blocks, False
    fitting = [
        choice
        for count in range(len(blocks), 0, -1)
        for choice in combinations(blocks, count)
        if sum(b.used_length for b in choice) == total
    ]
    return (fitting[0], len(fitting) > 1) if fitting else (blocks, False)


def _placed(blocks: Sequence[RamBlock]) -> tuple[list[RamBlock], str] | None:
    """Blocks by their places in machine RAM, where all have one and no two the same."""
    places = sorted(
        ((b.address, b) for b in blocks if b.address is not None), key=lambda place: place[0]
    )
    at = 0
    for address, block in places:
        if address != at:
            return None
        at += block.used_length
    if len(places) < max(len(blocks), 2):
        return None
    return [b for _, b in places], "backends ordered by the addresses in the stream"


def _for_nodes(
    blocks: Sequence[RamBlock], nodes: Sequence[int]
) -> tuple[list[RamBlock], str] | None:
    """A block for each node by its size; None where one is missing."""
    left = list(blocks)
    out = []
    for size in nodes:
        block = next((b for b in left if b.used_length == size), None)
        if block is None:
            return None
        left.remove(block)
        out.append(block)
    if not out:
        return None
    alike = len(set(nodes)) < len(nodes)
    why = "backends ordered by the nodes' sizes in the SRAT"
    return out, f"{why}, those of one size by assumption from their names" if alike else why


def fill(memory: Memory, areas: Iterable[tuple[int, int]], why: str) -> list[Area]:
    """RAM laid into areas of (address, size) one after another, as it is split around holes."""
    from migstream.machine.map.flat import Area  # not for who asks how much there is

    pieces = []
    rest = [(b.name, 0, b.used_length) for b in memory.blocks]
    why = why if len(memory.blocks) < 2 else f"{why}; {memory.why}"
    for start, room in areas:
        while rest and room > 0:
            name, offset, size = rest[0]
            here = min(size, room)
            pieces.append(Area(start=start, size=here, block=name, offset=offset, provenance=why))
            rest[:1] = [(name, offset + here, size - here)] if here < size else []
            start, room = start + here, room - here
    return pieces
