"""What the firmware tables say of memory: the NUMA node of each range, and non-volatile DIMMs.

The tables are the contents of a block, `/rom@etc/acpi/tables`, so they are read only where
device state and names leave a question open, and where the caller has the contents.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise

import msgspec

from migstream.errors import MigstreamError
from migstream.machine.physical import BlockReader
from migstream.machine.state import State

__all__ = ["Affinity", "Tables"]

BLOCK = "/rom@etc/acpi/tables"
MOST_BYTES = 4 << 20
HEADER = struct.Struct("<4sI")
# ACPI 6.3, 5.2.16.2 and 5.2.25.2: type, length, then what is needed of the rest
SRAT, SRAT_ENTRIES, SRAT_MEMORY = b"SRAT", 48, struct.Struct("<BBIHQQII")
NFIT, NFIT_ENTRIES, NFIT_RANGE = b"NFIT", 40, struct.Struct("<HH28xQQ")
ENABLED, HOTPLUGGABLE, NONVOLATILE = 1, 2, 4


class Affinity(msgspec.Struct, frozen=True):
    """A range of addresses that belongs to a node, in machine RAM."""

    node: int
    start: int
    size: int

    @property
    def stop(self) -> int:
        return self.start + self.size


class Tables:
    """The tables of a stream, read when asked for; empty where they cannot be had.

    Parameters
    ----------
    contents : final contents of the blocks, None where nobody has them
    """

    def __init__(self, state: State, contents: BlockReader | None) -> None:
        self._state = state
        self._contents = contents

    @cached_property
    def _raw(self) -> bytes:
        size = next((b.used_length for b in self._state.blocks if b.name == BLOCK), 0)
        if self._contents is None or not 0 < size <= MOST_BYTES:
            return b""
        try:
            return self._contents.read(BLOCK, 0, size)
        except MigstreamError:
            return b""  # it went by in a pipe, or lies in another file: the map has other sources

    def _table(self, signature: bytes) -> bytes:
        """A table by its signature: the first that has room for what it says."""
        at = self._raw.find(signature)
        while at >= 0:
            if at + HEADER.size <= len(self._raw):
                _, size = HEADER.unpack_from(self._raw, at)
                if 36 <= size <= len(self._raw) - at:
                    return self._raw[at : at + size]
            at = self._raw.find(signature, at + 1)
        return b""

    @property
    def affinities(self) -> Iterator[Affinity]:
        """RAM of the nodes that is there from the start (hw/i386/acpi-build.c: build_srat)."""
        table, at = self._table(SRAT), SRAT_ENTRIES
        while at + 2 <= len(table) and (size := table[at + 1]) >= 2:
            if table[at] == 1 and size >= SRAT_MEMORY.size and at + size <= len(table):
                _, _, node, _, start, length, _, flags = SRAT_MEMORY.unpack_from(table, at)
                if flags & (ENABLED | HOTPLUGGABLE | NONVOLATILE) == ENABLED:
                    yield Affinity(node, start, length)
            at += size

    @property
    def nonvolatile(self) -> Iterator[tuple[int, int]]:
        """Addresses and sizes of nvdimms (hw/acpi/nvdimm.c: nvdimm_build_structure_spa)."""
        table, at = self._table(NFIT), NFIT_ENTRIES
        while at + 4 <= len(table):
            kind, size = struct.unpack_from("<HH", table, at)
            if size < 4:
                break
            if kind == 0 and size >= NFIT_RANGE.size and at + size <= len(table):
                _, _, start, length = NFIT_RANGE.unpack_from(table, at)
                yield start, length
            at += size

    def node_sizes(self, areas: Sequence[tuple[int, int]]) -> list[int]:
        """Bytes of RAM of each node, in the order of their addresses; empty where that is unknown.

        A node's table leaves out what is not RAM to a guest, so a node is taken to reach to the
        end of its last range, and the next to begin there.

        Parameters
        ----------
        areas : where machine RAM is: (address, size)
        """
        ends: dict[int, int] = {}
        for one in sorted(self.affinities, key=lambda a: a.start):
            end = _offset(one.stop, areas)
            if end is not None:
                ends[one.node] = max(end, ends.get(one.node, 0))
        borders = sorted({0, *ends.values()})
        return [stop - start for start, stop in pairwise(borders)]


def _offset(stop: int, areas: Sequence[tuple[int, int]]) -> int | None:
    """How many bytes of RAM there are up to an address."""
    before = 0
    for start, size in areas:
        if start < stop <= start + size:
            return before + stop - start
        before += size
    return None
